//! `--output json`: standard output holds one JSON object, whatever happens.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

use std::process::{Command, Output};

use serde_json::Value;

/// Runs the binary in a directory of its own, with what the tests' own environment sets left out.
fn run(directory: &std::path::Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftseal"));
    command.args(arguments).current_dir(directory).env_clear().output().unwrap()
}

/// The one object on standard output.
fn object(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let value: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(value.is_object(), "{text}");
    value
}

#[test]
fn an_error_is_one_json_object_with_a_code_wherever_it_comes_from() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, code, exit, says) in [
        // The command line itself.
        (&["--output", "json", "alert", "lst"][..], "usage", 2, "lst"),
        (&["verify", "--output=json"], "usage", 2, "<FILE>"),
        (&["--output", "json"], "usage", 2, ""),
        (&["alert", "--output", "json"], "usage", 2, ""),
        // The configuration.
        (
            &["--output", "json", "--config", "nowhere.toml", "config", "check"],
            "usage",
            2,
            "nowhere",
        ),
        // The command.
        (&["--output", "json", "fsck", "nowhere"], "usage", 2, "policy"),
        (&["--output", "json", "emit", "nowhere.jsonl"], "failed", 1, "nowhere.jsonl"),
    ] {
        let output = run(directory.path(), arguments);
        let error = &object(&output)["error"];
        assert_eq!(error["code"], code, "{arguments:?}: {error}");
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}");
        let message = error["message"].as_str().unwrap();
        assert!(!message.is_empty() && message.contains(says), "{arguments:?}: {message}");
        assert!(!output.stderr.is_empty(), "people read it too: {arguments:?}");
    }
}

const ACT: &[&str] = &["--agent", "a", "--by", "ana", "--reason", "a test"];
const AGENT: &[&str] = &["AGENT", "--by", "ana", "--reason", "a test"];
const WHO: &[&str] = &["--by", "ana"];
const BY: &[&str] = &["--by", "ana", "--reason", "a test"];

const NO_DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Every command with arguments that are right, and with which it fails where nothing is: there are no
/// keys, no archive, no file `nowhere`, and no configuration of that name.
const FAILING: &[(&str, &[&[&str]])] = &[
    ("demo", &[&["--input", "nowhere"]]),
    ("up", &[]),
    ("run", &[&["evidence"]]),
    ("log init", &[&["--origin", "log.example.com/a", "--config", "nowhere"]]),
    ("log checkpoint", &[]),
    ("log consistency", &[&["nowhere"]]),
    ("log rebuild", &[]),
    ("log rotate-key", &[&["sealer"]]),
    ("topics create", &[&["--config", "nowhere"]]),
    ("check", &[&["nowhere"]]),
    ("emit", &[&["nowhere"]]),
    ("alert list", &[]),
    ("alert acknowledge", &[BY, &["id"]]),
    ("alert dismiss", &[BY, &["id"]]),
    ("suppress add", &[ACT, &["--for", "1h"]]),
    ("suppress end", &[BY, &["id"]]),
    ("suppress list", &[]),
    ("maintenance start", &[BY, &["--for", "1h", "--all-agents"]]),
    ("maintenance end", &[BY, &["id"]]),
    ("maintenance list", &[]),
    ("baseline list", &[]),
    ("baseline pin", &[ACT]),
    ("baseline unpin", &[ACT]),
    ("agent register", &[AGENT]),
    ("agent update", &[AGENT]),
    ("agent retire", &[AGENT]),
    ("version register", &[ACT, &["--agent-version", "v1", "--model", "m"]]),
    ("version deploy", &[ACT, &["--to", "v1"]]),
    ("version rollback", &[ACT, &["--to", "v1"]]),
    ("change request", &[ACT, &["CHG-1"]]),
    ("change link-risk", &[ACT, &["CHG-1", "--risk", "R-1"]]),
    ("change approve", &[ACT, &["CHG-1"]]),
    ("change reject", &[ACT, &["CHG-1"]]),
    ("change implement", &[ACT, &["CHG-1"]]),
    ("change emergency", &[ACT, &["CHG-1"]]),
    ("change review", &[ACT, &["CHG-1"]]),
    ("ready", &[&[NO_DIGEST]]),
    ("policy publish", &[WHO, &["refunds@7", "--file", "nowhere"]]),
    ("policy acknowledge", &[WHO, &["refunds@7", "--person", "ana"]]),
    ("policy retire", &[BY, &["refunds@7"]]),
    ("risk record", &[WHO, &["R-1", "--step", "decided", "--treatment", "avoid"]]),
    ("incident open", &[WHO, &["INC-1", "--severity", "minor"]]),
    ("incident update", &[WHO, &["INC-1"]]),
    ("incident close", &[WHO, &["INC-1"]]),
    ("corpus publish", &[WHO, &["faq", "--path", "nowhere"]]),
    ("corpus retire", &[WHO, &["faq"]]),
    ("act", &[&["nowhere"]]),
    ("token create", &[BY, &["pod"]]),
    ("token list", &[]),
    ("token revoke", &[BY, &["pod"]]),
    ("token rotate", &[BY, &["pod"]]),
    ("suite check", &[&["nowhere"]]),
    ("suite test", &[&["nowhere", "--input", "nowhere"]]),
    (
        "suite record",
        &[WHO, &["nowhere", "--input", "nowhere", "--agent", "a", "--digest", NO_DIGEST]],
    ),
    ("suite publish", &[&["nowhere", "--by", "ana"]]),
    ("quarantine list", &[&["nowhere"]]),
    ("fsck", &[&["nowhere"]]),
    ("segments", &[&["nowhere"]]),
    ("replay", &[&["nowhere"]]),
    ("proof", &[&["nowhere", "id"]]),
    ("export", &[&["nowhere", "--agent", "a"]]),
    ("verify", &[&["nowhere"]]),
    ("config check", &[&["--config", "nowhere"]]),
    ("config print", &[&["--config", "nowhere"]]),
    ("completions", &[&["nowhere"]]),
];

/// The commands that have no other below them, as the help names them.
fn commands() -> Vec<String> {
    let help = include_str!("../testdata/help.txt");
    let all: Vec<&str> =
        help.lines().filter_map(|line| line.strip_prefix("==== driftseal ")).collect();
    let has_below = |name: &str| all.iter().any(|other| other.starts_with(&format!("{name} ")));
    all.iter().filter(|name| !has_below(name)).map(|name| (*name).to_owned()).collect()
}

/// The error that is all that a command writes to standard output.
fn error_of(directory: &std::path::Path, arguments: &[&str]) -> (String, Option<i32>, String) {
    let output = run(directory, arguments);
    let found = object(&output);
    let error = found.as_object().filter(|found| found.len() == 1).unwrap()["error"].clone();
    assert_eq!(error.as_object().unwrap().len(), 2, "{arguments:?}: {error}");
    let complained = String::from_utf8(output.stderr).unwrap();
    assert!(!complained.is_empty(), "people read it too: {arguments:?}");
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (text("code"), output.status.code(), text("message"))
}

#[test]
fn every_command_that_fails_says_so_in_one_json_object() {
    let named: Vec<&str> = FAILING.iter().map(|(command, _)| *command).collect();
    assert_eq!(commands(), named, "a command is missing");
    let directory = tempfile::tempdir().unwrap();
    for (command, arguments) in FAILING {
        let mut words: Vec<&str> = vec!["--output", "json"];
        words.extend(command.split(' '));
        let unknown = [&words[..], &["--no-such-option"]].concat();
        let (code, exit, message) = error_of(directory.path(), &unknown);
        assert_eq!((&*code, exit), ("usage", Some(2)), "{command}: {message}");
        assert!(message.contains("--no-such-option"), "{command}: {message}");
        words.extend(arguments.iter().copied().flatten());
        let (code, exit, message) = error_of(directory.path(), &words);
        let expected = if code == "usage" { 2 } else { 1 };
        assert!(["usage", "failed"].contains(&&*code), "{command}: {code}");
        assert_eq!(exit, Some(expected), "{command}: {message}");
        assert!(!message.contains("Usage: "), "{command}: its arguments are right: {message}");
    }
}

/// Commands that need nothing that runs, in an order in which each finds what it needs. The others are run
/// in `running`, where every answer is one object, too.
const ALONE: &[&[&str]] = &[
    &["config", "check"],
    &["config", "print"],
    &["completions", "bash"],
    &["completions", "elvish"],
    &["completions", "fish"],
    &["completions", "powershell"],
    &["completions", "zsh"],
    &["topics", "create"],
    &["log", "init", "--origin", "log.example.com/a"],
    &["log", "checkpoint"],
    &["log", "rebuild"],
    &["check", "events.jsonl"],
    &["suite", "check", "suite.yaml"],
    &["suite", "test", "suite.yaml", "--input", "examples.jsonl"],
    &["fsck", "driftseal/archive", "--policy", "driftseal/keys/policy.txt"],
    &["segments", "driftseal/archive", "--policy", "driftseal/keys/policy.txt"],
    &["quarantine", "list", "driftseal/archive", "--policy", "driftseal/keys/policy.txt"],
];

#[test]
fn every_command_that_succeeds_alone_writes_one_json_object() {
    let directory = tempfile::tempdir().unwrap();
    let suites = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/suites/support-quality");
    std::fs::copy(format!("{suites}.yaml"), directory.path().join("suite.yaml")).unwrap();
    // The gate of the second version is not passed, which is another exit code.
    let examples = std::fs::read_to_string(format!("{suites}.jsonl")).unwrap();
    let first: Vec<&str> = examples.lines().filter(|line| line.contains("\"v1\"")).collect();
    std::fs::write(directory.path().join("examples.jsonl"), first.join("\n")).unwrap();
    let event = r#"{"kind":"run.completed","agent_id":"a"}"#;
    std::fs::write(directory.path().join("events.jsonl"), event).unwrap();
    for arguments in ALONE {
        let output = run(directory.path(), &[&["--output", "json"], *arguments].concat());
        let said = object(&output);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(said.get("error").is_none(), "{arguments:?}: {said}");
    }
}

#[test]
fn a_configuration_with_three_faults_has_three_lines_in_our_words() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("driftseal.toml");
    let text = "[topics]\npartitions = \"six\"\n[sealer]\ngroup = \"\"\n\
         [notifier.secrets]\nhook = \"whsec_short\"\n\
         [notifier.sinks.hook]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:9\"\n\
         token_name = \"hook\"\n";
    std::fs::write(&file, text).unwrap();
    let check = ["--output", "json", "--config", "driftseal.toml", "config", "check"];
    let output = run(directory.path(), &check);
    let found = object(&output);
    let message = found["error"]["message"].as_str().unwrap();
    for expected in [
        "`topics.partitions`: must be a whole number from ",
        "not the text `six` (in driftseal.toml)",
        "`sealer.group`: must not be empty (in driftseal.toml)",
        "`notifier.sinks.hook.token`: invalid secret: must be `whsec_` and 24 to 64 bytes in base64",
    ] {
        assert!(message.contains(expected), "{expected}\n{message}");
    }
    assert!(!message.contains("whsec_short"), "{message}");
    // What runs roles refuses to start for the same reason, before anything is opened.
    std::fs::write(&file, text.replace("\"six\"", "6").replace("group = \"\"", "")).unwrap();
    let up = ["--output", "json", "--config", "driftseal.toml", "up"];
    let found = object(&run(directory.path(), &up));
    let message = found["error"]["message"].as_str().unwrap();
    assert!(message.contains("notifier.sinks.hook.token"), "{message}");
    assert!(!directory.path().join("driftseal").exists(), "nothing was opened");
}
