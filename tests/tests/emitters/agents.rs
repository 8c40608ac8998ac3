//! Agents' libraries that send OTLP: each is run with the settings of the page for newcomers, and what is
//! sealed is compared with what happened, run by run.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use event::{column, kind};
use serde_json::Value;
use tests::sealed::Sealed;
use tests::workspace::{binary, root, variable};
use tests::world::EVENTS;

use crate::truth::{Collected, Run, told};
use crate::{not_run, page};

/// Where the agent's name is not on every span, the service is the agent: all of a run is in one partition.
const SERVICE: &str = "refund-service";
const AGENT: &str = "refund-desk";

/// Block of the page, environment of the script, script, agent that the events are about.
const EMITTERS: &[(&str, &str, &str, &str)] = &[
    ("pydantic-ai", "agents", "emit_pydantic_ai.py", AGENT),
    ("openai-v2", "openai-v2", "emit_openai_v2.py", SERVICE),
    ("openai-v2-opt-in", "openai-v2", "emit_openai_v2.py", SERVICE),
    ("genai-openai", "agents", "emit_genai_openai.py", SERVICE),
    ("agents-openinference", "agents", "emit_agents_openinference.py", SERVICE),
    ("agents-openllmetry", "agents", "emit_agents_openllmetry.py", SERVICE),
    ("langgraph-openinference", "agents", "emit_langgraph.py", AGENT),
    ("langfuse", "agents", "emit_langfuse.py", SERVICE),
    ("ai-sdk", "node", "js/emit_ai_sdk.mjs", SERVICE),
    ("mcp", "agents", "emit_mcp.py", AGENT),
    ("conventions", "agents", "emit_conventions.py", SERVICE),
    ("conventions-grpc", "agents", "emit_conventions.py", SERVICE),
];

/// The command of an emitter; `None` if its libraries are not installed.
fn program(environment: &str, script: &str) -> Option<String> {
    let script = root().join("tests/emitters").join(script);
    let (program, installed) = if environment == "node" {
        (PathBuf::from("node"), root().join("tests/emitters/js/node_modules/ai"))
    } else {
        let python = root().join(format!(".venv-emitters-{environment}/bin/python"));
        (python.clone(), python)
    };
    installed.exists().then(|| format!("{} {}", program.display(), script.display()))
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Runs the page for one library in an empty directory.
fn run(name: &str, program: &str, directory: &Path) {
    let [otlp, grpc, collector] = [free_address(), free_address(), free_address()];
    let script = page::script(name, program)
        .replace("127.0.0.1:4318", &otlp)
        .replace("127.0.0.1:4317", &grpc)
        .replace("127.0.0.1:8480", &collector);
    let own = binary("driftseal");
    let path = variable("PATH").unwrap_or_default();
    let path = format!("{}:{path}", own.parent().unwrap().display());
    let output = Command::new("timeout")
        .args(["--kill-after=5", "120", "bash", "-c", &script])
        .current_dir(directory)
        .env_clear()
        .envs([("PATH", path.as_str()), ("PYTHONDONTWRITEBYTECODE", "1")])
        .env("HOME", directory)
        .env("DRIFTSEAL__LISTEN__COLLECTOR", &collector)
        .env("DRIFTSEAL__LISTEN__OTLP_HTTP", &otlp)
        .env("DRIFTSEAL__LISTEN__OTLP_GRPC", &grpc)
        .envs(
            ["OPERATIONS", "EVIDENCE", "GATEWAY"]
                .map(|listener| (format!("DRIFTSEAL__LISTEN__{listener}"), free_address())),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let log = std::fs::read_to_string(directory.join("up.log")).unwrap_or_default();
    assert!(output.status.success(), "{name}: {}\n{said}\n{log}", output.status);
}

fn sealed(directory: &Path) -> Collected {
    let policy = directory.join("driftseal/keys/policy.txt");
    let mut sealed = Sealed::open(&directory.join("driftseal/archive"), &policy);
    let mut collected = Collected::default();
    sealed.refresh();
    sealed.rows(EVENTS, |_, row| {
        let time = row.event.time(column::EVENT_TIME).unwrap();
        collected.add(&row.event, time.micros());
    });
    collected
}

/// What differs, for whoever reads it.
fn differences(name: &str, told: &[Run], found: &[Run]) -> Vec<String> {
    if told == found {
        return Vec::new();
    }
    let text = |runs: &[Run]| runs.iter().map(|run| format!("\n  {run:?}")).collect::<String>();
    vec![format!("{name}: happened:{}\n{name}: sealed:{}", text(told), text(found))]
}

#[test]
fn what_agents_libraries_send_is_sealed_as_it_happened() {
    let only = variable("DRIFTSEAL_EMITTER");
    let mut findings = Vec::new();
    for (name, environment, script, agent) in EMITTERS {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let Some(program) = program(environment, script) else {
            not_run(name, "its libraries are not installed");
            continue;
        };
        let directory = tempfile::tempdir().unwrap();
        run(name, &program, directory.path());
        let truth = std::fs::read_to_string(directory.path().join("truth.json")).unwrap();
        let truth: Value = serde_json::from_str(&truth).unwrap();
        let collected = sealed(directory.path());
        for (kind, agents) in &collected.agents {
            // An evaluation does not name the agent that it is about.
            let of_service = kind == kind::EVAL_RESULT;
            let others = agents.iter().filter(|found| found != agent && !of_service);
            findings.extend(others.map(|other| format!("{name}: a {kind} of `{other}`")));
        }
        if let Some(count) = collected.others.get(kind::QUARANTINE_ADDED) {
            findings.push(format!("{name}: {count} events in quarantine"));
        }
        eprintln!("{name}: beside them {:?}", collected.others);
        findings.extend(differences(name, &told(&truth), &collected.runs()));
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn every_library_of_the_page_is_run() {
    let mut named = page::names();
    named.retain(|name| !["up", "every", "down"].contains(&name.as_str()));
    let mut run: Vec<&str> = EMITTERS.iter().map(|(name, ..)| *name).collect();
    named.sort();
    run.sort_unstable();
    assert_eq!(named, run);
}
