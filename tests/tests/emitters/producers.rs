//! Clients of Kafka: confluent-kafka with JSON and with Avro, the CloudEvents SDK, kcat, Java's own
//! client and franz-go write the same events to one topic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use event::{column, kind};
use serde_json::json;
use tests::process::Role;
use tests::wait;
use tests::workspace::{root, variable};
use tests::world::{EVENTS, World};

use crate::not_run;

/// How long sealing may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Runs of each producer.
const RUNS: usize = 24;
/// Agents of each producer.
const AGENTS: usize = 3;

/// What is compared of a run: agent, version, status, tokens in, cost in millionths, name of its tool.
type Facts = (String, String, String, i64, i64, String);

/// A client, and how it is started; `None` if it is not installed.
fn producers() -> Vec<(&'static str, Option<Vec<PathBuf>>)> {
    let scripts = root().join("tests/emitters/producers");
    let python = root().join(".venv-emitters-kafka/bin/python");
    let with_python = |script: &str| {
        let options = PathBuf::from("-B");
        python.exists().then(|| vec![python.clone(), options, scripts.join(script)])
    };
    let on_path = |program: &str| {
        let path = variable("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).exists())
    };
    let franz = root().join(".cache/emitters/franz");
    vec![
        ("confluent-json", with_python("confluent_json.py")),
        ("confluent-avro", with_python("confluent_avro.py")),
        ("cloudevents", with_python("cloud_events.py")),
        ("kcat", on_path("kcat").then(|| vec![scripts.join("kcat.sh")])),
        // The broker needs Java as well: where there is one, there is the other.
        ("java", Some(vec![scripts.join("java.sh")])),
        ("franz-go", franz.exists().then(|| vec![franz])),
    ]
}

/// The events of a producer as it reads them, and what they say of each run.
fn events(producer: &str) -> (String, BTreeMap<String, Facts>) {
    let (mut lines, mut facts) = (String::new(), BTreeMap::new());
    for number in 0..RUNS {
        let agent = format!("{producer}-agent-{}", number % AGENTS);
        let run = format!("{producer}-run-{number}");
        let status = if number % 4 == 0 { "error" } else { "ok" };
        let tokens = 100 + number;
        let tool = format!("tool-{}", number % 2);
        let envelope = json!({
            "event_time": "2026-11-30T10:00:00+00:00",
            "agent_id": agent,
            "agent_version": "v1",
            "run_id": run,
        });
        for (family, kind, content) in [
            ("tool", kind::TOOL_COMPLETED, json!({"name": tool, "status": "ok"})),
            (
                "run",
                kind::RUN_COMPLETED,
                json!({"status": status, "input_tokens": tokens, "cost_usd": 0.0015}),
            ),
        ] {
            let mut event = envelope.clone();
            let members = event.as_object_mut().unwrap();
            members.insert("kind".to_owned(), kind.into());
            members.insert("event_id".to_owned(), format!("{run}-{family}").into());
            members.insert(family.to_owned(), content);
            writeln!(lines, "{agent}\t{event}").unwrap();
        }
        let tokens = i64::try_from(tokens).unwrap();
        facts.insert(run, (agent, "v1".to_owned(), status.to_owned(), tokens, 1_500, tool));
    }
    (lines, facts)
}

fn publish(command: &[PathBuf], bootstrap: &str, events: &str) {
    let (program, arguments) = command.split_first().unwrap();
    let mut child = Command::new(program)
        .args(arguments)
        .args([bootstrap, EVENTS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(events.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", program.display());
}

/// What is sealed of each run, and the partitions of each agent.
#[derive(Debug, Default, PartialEq)]
struct Found {
    runs: BTreeMap<String, Facts>,
    partitions: BTreeMap<String, i32>,
    events: usize,
}

fn sealed(world: &World) -> Found {
    let mut found = Found::default();
    let mut sealed = world.sealed();
    sealed.refresh();
    sealed.rows(EVENTS, |partition, row| {
        let event = &row.event;
        let text = |column| event.text(column).unwrap_or_default().to_owned();
        let kind = event.text(column::KIND).unwrap();
        assert_ne!(kind, kind::QUARANTINE_ADDED, "{:?}", event.text(column::quarantine::REASON));
        let (is_run, is_tool) = (kind == kind::RUN_COMPLETED, kind == kind::TOOL_COMPLETED);
        if !is_run && !is_tool {
            return;
        }
        let agent = text(column::AGENT_ID);
        let place = *found.partitions.entry(agent.clone()).or_insert(partition.partition);
        assert_eq!(place, partition.partition, "{agent} is split over partitions");
        let facts = found.runs.entry(text(column::RUN_ID)).or_default();
        (facts.0, facts.1) = (agent, text(column::AGENT_VERSION));
        if is_tool {
            facts.5 = text(column::tool::NAME);
        } else {
            facts.2 = text(column::run::STATUS);
            facts.3 = event.int(column::run::INPUT_TOKENS).unwrap();
            let cost = event.number(column::run::COST_USD).unwrap() * 1e6;
            facts.4 = if (cost - 1_500.0).abs() < 1e-6 { 1_500 } else { 0 };
        }
        found.events += 1;
    });
    found
}

#[test]
fn clients_of_kafka_are_sealed_as_they_wrote() {
    let producers = producers();
    let missing: Vec<_> =
        producers.iter().filter(|(_, how)| how.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        not_run("clients of Kafka", &format!("{} not installed", missing.join(", ")));
        return;
    }
    let Some(world) = World::start("emitters") else { return };
    let mut roles = world.roles();
    let mut expected = BTreeMap::new();
    for (name, how) in &producers {
        let (lines, facts) = events(name);
        publish(how.as_ref().unwrap(), world.kafka().bootstrap(), &lines);
        expected.extend(facts);
    }
    let count = 2 * expected.len();
    let said = |roles: &[Role]| {
        let words: Vec<String> = roles.iter().map(Role::last_words).collect();
        format!("{count} events to be sealed: {}", words.join("\n"))
    };
    let found = wait::until_said(
        || said(&roles),
        LIMIT,
        || Some(sealed(&world)).filter(|found| found.events >= count),
    );
    assert_eq!(found.events, count);
    assert_eq!(found.runs, expected);
    assert_eq!(found.partitions.len(), producers.len() * AGENTS);
    for role in &mut roles {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
    }
    world.fsck();
    world.replay();
}
