//! Keys are replaced while sealers run; who verifies with the policy from before follows, and is told so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::world::{World, object};

const ARCHIVE: &str = "driftseal/archive";

/// Files of a directory.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}

/// Sends events, which are sealed when the process ends.
fn seal(world: &mut World, series: &str) {
    let events = world.directory.path().join("events.jsonl");
    let line = |run| {
        let id = format!("{series}-{run}");
        json!({"kind": "run.completed", "event_id": id, "agent_id": "a", "run_id": id}).to_string()
    };
    std::fs::write(&events, (0..20).map(|run| line(run) + "\n").collect::<String>()).unwrap();
    world.said(&["emit", events.to_str().unwrap()]);
}

/// The verdict of a command by the policy from before, and what it says.
fn by_old_policy(world: &World, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = world.run(&[arguments, &["--policy", "old-policy.txt"]].concat());
    (output.status.code(), object(&output))
}

#[test]
fn an_old_policy_follows_keys_that_the_log_accepts() {
    let mut world = World::new();
    world.set([
        ("DRIFTSEAL__SEALER__SEGMENT_AGE_MS_MAX", "200"),
        ("DRIFTSEAL__TOPICS__PARTITIONS", "1"),
    ]);
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    let keys = world.directory.path().join("driftseal/keys");
    std::fs::copy(keys.join("policy.txt"), world.directory.path().join("old-policy.txt")).unwrap();

    world.up();
    seal(&mut world, "first");
    let sealer = world.said(&["log", "rotate-key", "sealer"]);
    assert!(sealer["log_entry"].is_u64() && sealer["used_for"] == "sealer", "{sealer}");
    let evidence = world.said(&["log", "rotate-key", "evidence"]);
    assert!(evidence["log_entry"].as_u64() > sealer["log_entry"].as_u64(), "{evidence}");
    // The running sealer goes on with the key that it has.
    seal(&mut world, "second");
    world.stop();
    world.up();
    seal(&mut world, "third");
    world.stop();

    let (code, checked) = by_old_policy(&world, &["fsck", ARCHIVE]);
    assert_eq!((code, &checked["verdict"]), (Some(0), &json!("VERIFIED")), "{checked}");
    let accepted = checked["accepted_keys"].as_array().unwrap();
    for (believed, rotated) in accepted.iter().zip([&sealer, &evidence]) {
        assert_eq!(believed["entry"], rotated["log_entry"]);
        assert_eq!(believed["signed_by"], rotated["signed_by"]);
        let text = rotated["key"].as_str().unwrap();
        assert!(text.starts_with(believed["key"].as_str().unwrap()), "{text}");
    }
    assert_eq!(accepted.len(), 2);
    // The keys' own policy has them all.
    let checked = world.said(&["fsck", ARCHIVE]);
    assert_eq!(checked["accepted_keys"], json!([]));

    let (code, exported) =
        by_old_policy(&world, &["export", ARCHIVE, "--agent", "a", "--out", "pack.zip"]);
    assert_eq!(code, Some(0), "{exported}");
    let (code, verified) = by_old_policy(&world, &["verify", "pack.zip"]);
    assert_eq!((code, &verified["verdict"]), (Some(0), &json!("VERIFIED")), "{verified}");
    assert_eq!(verified["verified"]["facts"]["events"], 60, "{verified}");
    let said = verified.to_string();
    assert!(said.contains("accepted by log entry"), "{said}");
    assert_eq!(verified["verified"]["keys"]["accepted"].as_array().map(Vec::len), Some(2));

    let proof = ["proof", ARCHIVE, "third-3", "--out", "proof.json"];
    let (code, proved) = by_old_policy(&world, &proof);
    assert_eq!(code, Some(0), "{proved}");
    let (code, verified) = by_old_policy(&world, &["verify", "proof.json"]);
    assert_eq!(code, Some(0), "{verified}");
    assert!(verified.to_string().contains("accepted by log entry"), "{verified}");

    // Without the log the new key is known to the new policy only.
    let silent = world.said(&["log", "rotate-key", "sealer", "--without-log"]);
    assert_eq!(silent["log_entry"], Value::Null);
    world.up();
    seal(&mut world, "fourth");
    world.stop();
    world.said(&["fsck", ARCHIVE]);
    let (code, checked) = by_old_policy(&world, &["fsck", ARCHIVE]);
    assert_eq!(code, Some(3), "{checked}");
    assert!(checked["unverifiable"].as_str().unwrap().contains("/sealer-3"), "{checked}");
}

#[test]
fn a_key_is_not_replaced_if_the_log_cannot_be_told() {
    let world = World::new();
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    let root = world.directory.path().join("driftseal");
    let before = files(&root.join("keys"));
    std::fs::rename(root.join("archive"), root.join("away")).unwrap();
    let refused = world.failed(&["log", "rotate-key", "sealer"], 1);
    for part in ["was not replaced", "nothing was changed", "--without-log"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert_eq!(files(&root.join("keys")), before);
    std::fs::create_dir(root.join("archive")).unwrap();
    let refused = world.failed(&["log", "rotate-key", "sealer"], 1);
    assert!(
        refused.contains("no transparency log") && refused.contains("--without-log"),
        "{refused}"
    );
    assert_eq!(files(&root.join("keys")), before);
    std::fs::remove_dir_all(root.join("archive")).unwrap();
    std::fs::rename(root.join("away"), root.join("archive")).unwrap();
    world.said(&["log", "rotate-key", "sealer"]);
    assert_ne!(files(&root.join("keys")), before);
}
