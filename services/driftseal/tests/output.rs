//! `--output json`: standard output holds one JSON object, whatever happens.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

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
