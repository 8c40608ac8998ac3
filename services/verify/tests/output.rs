//! `--output json`: standard output holds one JSON object, whatever happens.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftseal-verify"));
    command.args(arguments).current_dir(directory).env_clear().output().unwrap()
}

#[test]
fn every_error_is_one_json_object_and_has_the_exit_code_of_the_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("pack.zip"), "no pack").unwrap();
    std::fs::write(path("policy.txt"), "log\n").unwrap();
    for (arguments, says) in [
        (&[][..], "<FILE>"),
        (&["--no-such-option"], "--no-such-option"),
        (&["nowhere.zip"], "`nowhere.zip`"),
        (&["pack.zip", "--policy", "nowhere.txt"], "`nowhere.txt`"),
        (&["pack.zip", "--policy", "policy.txt"], "line 1"),
        (&["pack.zip", "--consistency", "proof.json"], "--checkpoint"),
        (&["pack.zip", "--checkpoint", "nowhere.txt"], "`nowhere.txt`"),
        (&["pack.zip", "--checkpoint", "policy.txt", "--consistency", "nowhere"], "`nowhere`"),
    ] {
        for json in [&["--output", "json"][..], &["--output=json"]] {
            let output = run(directory.path(), &[arguments, json].concat());
            let text = String::from_utf8(output.stdout).unwrap();
            let found: Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(found.as_object().unwrap().len(), 1, "{found}");
            assert_eq!(found["error"]["code"], "usage", "{found}");
            let message = found["error"]["message"].as_str().unwrap();
            assert!(message.contains(says), "{arguments:?}: {message}");
            assert_eq!(output.status.code(), Some(2), "{found}");
            assert!(!output.stderr.is_empty(), "people read it too");
        }
        let text = run(directory.path(), arguments);
        assert_eq!((text.status.code(), text.stdout), (Some(2), Vec::new()), "{arguments:?}");
        assert!(String::from_utf8(text.stderr).unwrap().contains(says), "{arguments:?}");
    }
    // A verdict is one object as well, and help is asked for by name.
    let failed = run(directory.path(), &["pack.zip", "--output", "json"]);
    let verdict: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!((&verdict["verdict"], failed.status.code()), (&Value::from("FAILED"), Some(1)));
    let help = run(directory.path(), &["--help", "--output", "json"]);
    assert!(help.status.success() && String::from_utf8(help.stdout).unwrap().contains("--policy"));
}
