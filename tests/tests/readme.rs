//! The README's commands: each exists, and the demo does what the README promises.
//!
//! Blocks of the README that begin with ```` ```sh test ```` hold one command a line.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use event::kind;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tests::workspace::{self, binary, root};

fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut inside = false;
    let mut commands = Vec::new();
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = !inside && line.trim() == "```sh test";
        } else if inside {
            let command = line.split(" #").next().unwrap_or("").trim();
            if !command.is_empty() && !command.starts_with('#') {
                commands.push(command.to_owned());
            }
        }
    }
    commands
}

fn verbs() -> Vec<String> {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '.', '#', ' ']))
        .filter_map(|line| line.split_once(':').map(|(verb, _)| verb.to_owned()))
        .collect()
}

#[test]
fn every_command_of_the_readme_exists() {
    let verbs = verbs();
    let commands = commands();
    for wanted in ["make demo", "make test"] {
        assert!(commands.iter().any(|command| command == wanted), "the README lacks `{wanted}`");
    }
    for command in commands {
        let mut words = command.split_whitespace();
        let (program, rest): (_, Vec<&str>) = (words.next().unwrap(), words.collect());
        let program = program.rsplit('/').next().unwrap();
        match program {
            "make" => {
                let verb = rest.iter().find(|word| !word.contains('=')).unwrap();
                assert!(verbs.iter().any(|known| known == verb), "`{command}`: no such verb");
            }
            "driftseal" => {
                let subcommand = rest.iter().find(|word| !word.starts_with('-')).unwrap();
                let help = Command::new(binary("driftseal")).args(["help", subcommand]).output();
                assert!(help.unwrap().status.success(), "`{command}`: no such command");
            }
            "driftseal-verify" => drop(binary("driftseal-verify")),
            _ => assert!(
                root().join(command.split_whitespace().next().unwrap()).exists()
                    || ["git", "cd", "cargo"].contains(&program),
                "`{command}`: a command that this test does not know"
            ),
        }
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs a line as a person pastes it, with `python3` from that directory if one is given.
fn paste(line: &str, directory: &Path, first_in_path: Option<&Path>) -> Output {
    let path = workspace::variable("PATH").unwrap_or_default();
    let path =
        first_in_path.map_or_else(|| path.clone(), |first| format!("{}:{path}", first.display()));
    Command::new("sh").args(["-c", line]).current_dir(directory).env("PATH", path).output().unwrap()
}

/// The lines that the README shows of the demo.
fn sample() -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let block = readme.split("```\n").find(|block| block.starts_with("ALERT ")).unwrap();
    block.lines().filter(|line| *line != "...").map(ToOwned::to_owned).collect()
}

/// A line without what differs between runs: instants, places, and what counts windows or heartbeats.
fn lasting(line: &str) -> String {
    let counts = ["archive ", "replay ", "pack "].iter().any(|first| line.starts_with(first));
    let words = line.split_whitespace().map(|word| {
        let is_instant = word.len() > 20 && word.get(4..5) == Some("-") && word.contains('T');
        let is_number = word.chars().all(|c| c.is_ascii_digit() || c == ',');
        if is_instant || word.contains("pack.zip") || (counts && is_number) { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let directory = tempfile::tempdir().unwrap();
    let demo = directory.path().join("demo");
    let output =
        Command::new(binary("driftseal")).args(["demo", "--dir"]).arg(&demo).output().unwrap();
    let printed: Vec<String> = said(&output).lines().map(lasting).collect();
    let sample = sample();
    assert!(sample.len() >= 8, "{sample:?}");
    for line in &sample {
        let wanted = lasting(line);
        let is_printed = printed.iter().any(|line| line.starts_with(&wanted));
        assert!(is_printed, "the demo does not print `{line}`:\n{}", said(&output));
    }
}

#[test]
fn the_demo_does_what_the_readme_says() {
    let directory = tempfile::tempdir().unwrap();
    let demo = directory.path().join("demo");
    let output = Command::new(binary("driftseal"))
        .args(["--output", "json", "demo", "--dir"])
        .arg(&demo)
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["problems"], serde_json::json!([]), "{summary}");
    assert_eq!(summary["sealed"]["verdict"], "VERIFIED", "{summary}");
    assert_eq!(summary["pack"]["verdict"], "VERIFIED", "{summary}");
    assert!(!summary["alerts"].as_array().unwrap().is_empty(), "{summary}");

    // The lines that the demo ends with do what they say, pasted as they are.
    let lines: Vec<&str> =
        summary["commands"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let find = |part: &str| *lines.iter().find(|line| line.contains(part)).unwrap();
    let verified = paste(find(" verify "), directory.path(), None);
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(said(&verified).contains("VERIFIED"), "{}", said(&verified));

    let replayed = paste(find(" replay "), directory.path(), None);
    assert!(replayed.status.success(), "{}", said(&replayed));
    assert_eq!(summary["replayed"]["differences"], 0, "{summary}");

    // A changed byte, and the same line no longer says so.
    let pack = demo.join("pack.zip");
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let refused = paste(find(" verify "), directory.path(), None);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));

    the_proof_of_one_event_is_verified(directory.path(), find(" verify "));

    let Some(python) = workspace::python() else {
        workspace::not_run("the demo's DuckDB line", "no Python in .venv");
        return;
    };
    let counted = paste(find("duckdb"), directory.path(), python.parent());
    assert!(counted.status.success(), "{}", said(&counted));
    assert!(said(&counted).contains(kind::RUN_COMPLETED), "{}", said(&counted));
}

/// As the pack is: with the policy, by the same command, and no more once a character is changed.
fn the_proof_of_one_event_is_verified(directory: &Path, verify: &str) {
    let verify_pack: Vec<&str> = verify.split_whitespace().collect();
    let policy = verify_pack.iter().skip_while(|word| **word != "--policy").nth(1).unwrap();
    let archive = Path::new(policy).ancestors().nth(2).unwrap().join("archive");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(binary("driftseal"));
        command.args(arguments).current_dir(directory).output().unwrap()
    };
    let record = ["--record", "agent.events/1/2000", "--out", "proof.json"];
    let at = ["proof", archive.to_str().unwrap(), "--policy", policy];
    let made = run(&[&at[..], &record].concat());
    assert!(made.status.success(), "{}", said(&made));
    let verified = run(&["verify", "proof.json", "--policy", policy]);
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(said(&verified).contains("VERIFIED"), "{}", said(&verified));

    let proof = std::fs::read_to_string(directory.join("proof.json")).unwrap();
    let changed = proof.replacen("\"offset\": \"2000\"", "\"offset\": \"2001\"", 1);
    assert_ne!(changed, proof);
    std::fs::write(directory.join("proof.json"), changed).unwrap();
    let refused = run(&["verify", "proof.json", "--policy", policy]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
}
