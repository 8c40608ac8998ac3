//! The pipelines of `deploy/ci` do what they say: their scripts are run as they stand, in order, with the
//! variables that the service would set, against a running installation.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use saphyr_parser::{Event, Parser, StrInput};
use serde_json::{Map, Value, json};
use tests::process::Role;
use tests::workspace::{self, binary, root};

type Variables = BTreeMap<String, String>;

/// A document: objects, lists and texts.
fn load(file: &str) -> Value {
    let text = std::fs::read_to_string(root().join("deploy/ci").join(file)).unwrap();
    let mut parser = Parser::new_from_str(&text);
    loop {
        let (event, _) = parser.next_event().unwrap().unwrap();
        if !matches!(event, Event::StreamStart | Event::DocumentStart(_)) {
            return value(&mut parser, event);
        }
    }
}

fn value<'t>(parser: &mut Parser<'t, StrInput<'t>>, event: Event<'t>) -> Value {
    if let Event::Scalar(text, ..) = event {
        return json!(text);
    }
    let is_list = matches!(event, Event::SequenceStart(..));
    assert!(is_list || matches!(event, Event::MappingStart(..)), "{event:?}");
    let mut items = Vec::new();
    loop {
        let (event, _) = parser.next_event().unwrap().unwrap();
        if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
            break;
        }
        items.push(value(parser, event));
    }
    if is_list {
        return Value::Array(items);
    }
    let mut object = Map::new();
    for pair in items.chunks(2) {
        let earlier = object.insert(pair[0].as_str().unwrap().to_owned(), pair[1].clone());
        assert!(earlier.is_none(), "{} is there twice", pair[0]);
    }
    Value::Object(object)
}

/// An installation, and a repository with an agent.
struct World {
    directory: tempfile::TempDir,
    environment: Variables,
    _up: Role,
}

impl World {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        let programs = binary("driftseal").parent().unwrap().to_owned();
        let path = workspace::variable("PATH").unwrap_or_default();
        let mut environment: Variables = BTreeMap::from([
            ("PATH".to_owned(), format!("{}:{path}", programs.display())),
            ("HOME".to_owned(), here.display().to_string()),
        ]);
        let listeners =
            ["COLLECTOR", "OTLP_HTTP", "OTLP_GRPC", "OPERATIONS", "EVIDENCE", "GATEWAY"];
        for name in listeners {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            environment.insert(format!("DRIFTSEAL__LISTEN__{name}"), address);
        }
        // The process does not run in that directory.
        for (name, below) in [
            ("EMBEDDED__DIRECTORY", "log"),
            ("KEYS__DIRECTORY", "keys"),
            ("ARCHIVE__URL", "archive"),
        ] {
            let at = here.join("driftseal").join(below).display().to_string();
            environment.insert(format!("DRIFTSEAL__{name}"), at);
        }
        let setup = include_str!("pipelines/repository.sh");
        let (code, said) = run(here, &environment, setup);
        assert_eq!(code, Some(0), "{said}");
        for name in ["evaluate", "current", "deploy", "rollback"] {
            let file = here.join("agents/refund-desk").join(name);
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let up = Role::start_with("up", &binary("driftseal"), &["up"], here, &environment);
        let url = format!("http://{}", environment["DRIFTSEAL__LISTEN__GATEWAY"]);
        let token = here.join("driftseal/keys/gateway.token");
        let token = std::fs::read_to_string(token).unwrap().trim().to_owned();
        environment.insert("URL".to_owned(), url);
        environment.insert("TOKEN".to_owned(), token);
        let wait = "until driftseal suppress list; do sleep 0.2; done";
        assert_eq!(run(here, &environment, wait).0, Some(0));
        Self { directory, environment, _up: up }
    }

    fn run(&self, variables: &Variables, script: &str) -> (Option<i32>, String) {
        let mut all = self.environment.clone();
        all.extend(variables.clone());
        run(self.directory.path(), &all, script)
    }

    /// What a person does between the jobs.
    fn approve(&self, change: &str) {
        let approve = format!(
            "driftseal change approve {change} --agent refund-desk --environment production --by ana \
             --reason reviewed"
        );
        let (code, said) = self.run(&BTreeMap::new(), &approve);
        assert_eq!(code, Some(0), "{said}");
    }

    /// Other content, so that it is another version.
    fn change_prompt(&self, number: &str) {
        let prompt = self.directory.path().join("agents/refund-desk/prompts/system.md");
        std::fs::write(prompt, format!("Be kind. {number}\n")).unwrap();
    }

    fn is_in_production(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("production")).unwrap().trim().to_owned()
    }
}

/// Runs a script as the services do: the first command that fails ends it.
fn run(directory: &Path, variables: &Variables, script: &str) -> (Option<i32>, String) {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "120", "sh", "-e", "-c", script]);
    let output = command.current_dir(directory).env_clear().envs(variables).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// A text with its expressions (`${{ … }}`) replaced.
fn expand(text: &str, known: &Variables) -> String {
    let mut parts = text.split("${{");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once("}}").unwrap();
        let expression = expression.trim();
        out += known.get(expression).unwrap_or_else(|| panic!("no value of `{expression}`"));
        out += rest;
    }
    out
}

fn variables(of: &Value, known: &Variables) -> Variables {
    let given = of.as_object().into_iter().flatten();
    given.map(|(name, text)| (name.clone(), expand(text.as_str().unwrap(), known))).collect()
}

/// Lines `NAME=VALUE` of a file that steps write.
fn written(file: &Path) -> Variables {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Runs a job of GitHub Actions. Returns whether it succeeded, and what it said.
fn github_job(world: &World, workflow: &Value, job: &str, known: &mut Variables) -> (bool, String) {
    assert_eq!(workflow["defaults"]["run"]["shell"], "sh");
    let (workflow_env, job) = (&workflow["env"], &workflow["jobs"][job]);
    let (mut succeeds, mut said, mut further) = (true, String::new(), Variables::new());
    for step in job["steps"].as_array().unwrap() {
        if let Some(uses) = step["uses"].as_str() {
            let (action, commit) = uses.split_once('@').unwrap();
            assert_eq!(action, "actions/checkout", "no foreign action");
            assert!(commit.len() == 40, "{uses} is not pinned");
            continue;
        }
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "an expression in a script is code of whoever writes it");
        let condition = step["if"].as_str();
        let is_due = match condition {
            None => succeeds,
            Some("failure() && env.PREVIOUS != ''") => {
                !succeeds && further.get("PREVIOUS").is_some_and(|text| !text.is_empty())
            }
            Some(other) => panic!("{other}"),
        };
        if !is_due {
            continue;
        }
        let files = ["GITHUB_OUTPUT", "GITHUB_ENV"].map(|name| {
            let file = world.directory.path().join(name);
            std::fs::write(&file, "").unwrap();
            (name, file)
        });
        let mut env = variables(workflow_env, known);
        env.extend(variables(&job["env"], known));
        env.extend(further.clone());
        env.extend(variables(&step["env"], known));
        for (name, file) in &files {
            env.insert((*name).to_owned(), file.display().to_string());
        }
        let (code, text) = world.run(&env, script);
        said += &text;
        succeeds &= code == Some(0);
        further.extend(written(&files[1].1));
        if let Some(id) = step["id"].as_str() {
            for (name, value) in written(&files[0].1) {
                known.insert(format!("steps.{id}.outputs.{name}"), value);
            }
        }
    }
    (succeeds, said)
}

fn github_known(world: &World, run: &str) -> Variables {
    BTreeMap::from(
        [
            ("vars.DRIFTSEAL_GATEWAY_URL", world.environment["URL"].as_str()),
            ("secrets.DRIFTSEAL_GATEWAY_TOKEN", &world.environment["TOKEN"]),
            ("github.run_number", run),
            ("github.run_id", &format!("90{run}")),
            ("github.actor", "octo-ci"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    )
}

/// Counts of words in what was said.
fn count(said: &str, word: &str) -> usize {
    said.lines().filter(|line| line.contains(word)).count()
}

#[test]
fn a_workflow_of_github_registers_waits_for_a_person_deploys_and_undoes() {
    let world = World::start();
    let workflow = load("github-actions.yml");
    let mut known = github_known(&world, "1");
    let (succeeds, said) = github_job(&world, &workflow, "propose", &mut known);
    assert!(succeeds, "{said}");
    let digest = known["steps.register.outputs.digest"].clone();
    assert!(digest.starts_with("sha256:"), "{said}");
    // Again, as after a runner that was lost: the same acts.
    let (succeeds, said) = github_job(&world, &workflow, "propose", &mut known);
    assert!(succeeds && count(&said, "already recorded") == 3, "{said}");
    known.insert("needs.propose.outputs.digest".to_owned(), digest);
    let (succeeds, said) = github_job(&world, &workflow, "deploy", &mut known);
    assert!(!succeeds && said.contains("CHG-1 is not approved"), "{said}");
    assert!(!said.contains("incident.opened"), "nothing was deployed: {said}");
    assert_eq!(world.is_in_production(), "r0");
    world.approve("CHG-1");
    let (succeeds, said) = github_job(&world, &workflow, "deploy", &mut known);
    assert!(succeeds && said.contains("agent.version.deployed"), "{said}");
    assert_eq!(world.is_in_production(), "r1");

    world.change_prompt("2");
    let mut known = github_known(&world, "2");
    let (succeeds, said) = github_job(&world, &workflow, "propose", &mut known);
    assert!(succeeds, "{said}");
    let digest = known["steps.register.outputs.digest"].clone();
    known.insert("needs.propose.outputs.digest".to_owned(), digest);
    world.approve("CHG-2");
    std::fs::write(world.directory.path().join("broken"), "").unwrap();
    let (succeeds, said) = github_job(&world, &workflow, "deploy", &mut known);
    assert!(!succeeds, "{said}");
    assert!(
        said.contains("agent.version.rolled_back") && said.contains("incident.opened"),
        "{said}"
    );
    assert_eq!(world.is_in_production(), "r1");
}

/// Runs a job of GitLab CI.
fn gitlab_job(
    world: &World,
    file: &Value,
    job: &str,
    pipeline: &str,
    digest: &str,
) -> (bool, String) {
    let mut env: Variables = [
        ("CI_PIPELINE_IID", pipeline),
        ("CI_PIPELINE_ID", &format!("90{pipeline}")),
        ("GITLAB_USER_LOGIN", "lab-ci"),
        ("DRIFTSEAL__GATEWAY__URL", &world.environment["URL"]),
        ("DRIFTSEAL__GATEWAY__TOKEN", &world.environment["TOKEN"]),
        ("DIGEST", digest),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let known = env.clone();
    for (name, text) in file["variables"].as_object().unwrap() {
        let text = known.iter().fold(text.as_str().unwrap().to_owned(), |text, (name, value)| {
            if text.ends_with(&format!("${name}")) {
                text.replace(&format!("${name}"), value)
            } else {
                text
            }
        });
        env.insert(name.clone(), text);
    }
    let script = |name: &str| {
        let lines = file[job][name].as_array().into_iter().flatten();
        lines.map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
    };
    let (code, mut said) = world.run(&env, &script("script"));
    let status = if code == Some(0) { "success" } else { "failed" };
    env.insert("CI_JOB_STATUS".to_owned(), status.to_owned());
    let (after, text) = world.run(&env, &script("after_script"));
    said += &text;
    assert_eq!(after, Some(0), "{said}");
    (code == Some(0), said)
}

#[test]
fn a_pipeline_of_gitlab_registers_waits_for_a_person_deploys_and_undoes() {
    let world = World::start();
    let file = load("gitlab-ci.yml");
    let digest = || written(&world.directory.path().join("version.env"))["DIGEST"].clone();
    for (pipeline, breaks) in [("1", false), ("2", true)] {
        world.change_prompt(pipeline);
        let (succeeds, said) = gitlab_job(&world, &file, "propose", pipeline, "");
        assert!(succeeds, "{said}");
        let digest = digest();
        drop(std::fs::remove_file(world.directory.path().join("previous.txt")));
        let (succeeds, said) = gitlab_job(&world, &file, "deploy", pipeline, &digest);
        assert!(!succeeds && said.contains("is not approved"), "{said}");
        world.approve(&format!("CHG-{pipeline}"));
        if breaks {
            std::fs::write(world.directory.path().join("broken"), "").unwrap();
        }
        let (succeeds, said) = gitlab_job(&world, &file, "deploy", pipeline, &digest);
        assert_eq!(succeeds, !breaks, "{said}");
        let undone = said.contains("agent.version.rolled_back") && said.contains("incident.opened");
        assert_eq!(undone, breaks, "{said}");
        assert_eq!(world.is_in_production(), "r1", "{said}");
    }
}
