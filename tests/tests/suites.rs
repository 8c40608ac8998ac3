//! The example suite through the binary: what `suite check` and `suite test` print, how they end.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::process::{Command, Output};

use serde_json::Value;
use tests::workspace::{binary, root};

const SUITE: &str = "schemas/suites/support-quality.yaml";
const EVENTS: &str = "schemas/suites/support-quality.jsonl";

fn driftseal(arguments: &[&str]) -> Output {
    Command::new(binary("driftseal")).current_dir(root()).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_suite_is_checked_and_run_on_a_file_of_events() {
    let checked = driftseal(&["suite", "check", SUITE, "--output", "json"]);
    assert_eq!(checked.status.code(), Some(0));
    let digest = json(&checked)["suite_digest"].clone();

    let tested = driftseal(&["suite", "test", SUITE, "--input", EVENTS, "--output", "json"]);
    // One of the two versions fails the gate.
    assert_eq!(tested.status.code(), Some(1));
    let report = json(&tested);
    assert_eq!(report["suite_digest"], digest);
    let decisions: Vec<_> = report["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| (version["agent_version"].as_str(), version["gate"]["decision"].as_str()))
        .collect();
    assert_eq!(decisions, [(Some("v1"), Some("pass")), (Some("v2"), Some("fail"))]);
    let text = driftseal(&["suite", "test", SUITE, "--input", EVENTS]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("support-quality.jsonl:4 run v2-00: citation_present"), "{text}");
}

#[test]
fn a_wrong_suite_is_a_usage_error_with_its_lines() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wrong.yaml");
    std::fs::write(&file, "suite: s\nchecks:\n  - type: regexp\n").unwrap();
    let checked = driftseal(&["suite", "check", file.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(2));
    let said = String::from_utf8(checked.stderr).unwrap();
    let wanted = "line 3, `checks[0].type`: no evaluator `regexp`; did you mean `regex`?";
    assert!(said.contains(wanted), "{said}");
}
