//! An auditor keeps a checkpoint, and gets a pack of a later period: the commands, as they are typed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

#[path = "../../../shared/segment/tests/archive/common.rs"]
#[expect(dead_code, reason = "the tests of `segment` use all of it")]
mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use common::{START_MS, World, run_completed};

const DAY_MS: i64 = 86_400_000;

/// The exit code, and all that was said.
fn run(directory: &Path, arguments: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftseal"));
    let output = command.args(arguments.split(' ')).current_dir(directory).env_clear().output();
    let output = output.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[track_caller]
fn says(found: &(Option<i32>, String), code: i32, parts: &[&str]) {
    assert_eq!(found.0, Some(code), "{}", found.1);
    for part in parts {
        assert!(found.1.contains(part), "no `{part}` in\n{}", found.1);
    }
}

/// Ten days of an agent, a commit a day; from the third on of `agent`.
fn days(agent: &str) -> World {
    let mut world = World::new();
    for day in 0..10_u32 {
        let agent = if day < 2 { "agent-a" } else { agent };
        let line = run_completed(agent, day, START_MS + DAY_MS * i64::from(day));
        world.commit(&[("agent.events", 0, vec![line])]);
    }
    world
}

fn checkpoint_after(world: &World, commit: u64) -> String {
    let bytes = &world.objects[&segment::layout::commit(commit)];
    segment::log::Commit::parse(commit, bytes).unwrap().checkpoint
}

fn store(world: &World, directory: &Path) {
    for (path, bytes) in &world.objects {
        let path = directory.join("archive").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::write(directory.join("policy.txt"), common::policy().to_text()).unwrap();
    let key = directory.join("evidence.key");
    std::fs::write(&key, common::evidence_key().to_text()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

const EXPORT: &str = "export archive --policy policy.txt --key evidence.key --agent agent-a \
                      --from 2026-10-06T00:00:00Z --to 2026-10-08T00:00:00Z";

#[test]
fn a_pack_of_a_later_period_is_verified_against_an_old_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut world = days("agent-a");
    store(&world, directory);
    std::fs::write(directory.join("kept"), checkpoint_after(&world, 3)).unwrap();
    says(&run(directory, EXPORT), 0, &["VERIFIED", "wrote pack.zip"]);
    let pack = std::fs::read(directory.join("pack.zip")).unwrap();

    let verify = "verify pack.zip --policy policy.txt";
    says(&run(directory, verify), 0, &["VERIFIED"]);
    let alone = run(directory, &format!("{verify} --checkpoint kept"));
    says(
        &alone,
        3,
        &[
            "vouches for 4 entries",
            "only checkpoints of 10 to 11",
            "driftseal log consistency CHECKPOINT --to PACK -o consistency.json",
            "UNVERIFIABLE",
        ],
    );
    // The log goes on before somebody asks.
    world.commit(&[(
        "agent.events",
        0,
        vec![run_completed("agent-a", 90, START_MS + DAY_MS * 11)],
    )]);
    store(&world, directory);
    let prove = "log consistency kept --archive archive --policy policy.txt";
    let made = run(directory, &format!("{prove} --to pack.zip -o consistency.json"));
    says(&made, 0, &["the 4 entries are the first of the 11", "wrote consistency.json"]);
    let with = format!("{verify} --checkpoint kept --consistency consistency.json");
    says(&run(directory, &with), 0, &["its 4 entries are the beginning of the log", "VERIFIED"]);
    says(&run(directory, "verify consistency.json --policy policy.txt"), 0, &["VERIFIED"]);
    says(&run(directory, "verify consistency.json"), 3, &["UNVERIFIABLE"]);
    assert_eq!(std::fs::read(directory.join("pack.zip")).unwrap(), pack, "the pack is as it was");
    // Without --to it leads to the end of the log, beyond the pack; on standard output it is the document.
    let (code, document) = run(directory, prove);
    assert_eq!(code, Some(0), "{document}");
    std::fs::write(directory.join("late.json"), &document).unwrap();
    let late = run(directory, &format!("{verify} --checkpoint kept --consistency late.json"));
    says(&late, 3, &["leads from it to 12", "--to PACK"]);
    let (_, json) = run(directory, &format!("{prove} --output json"));
    assert_eq!(json, document);
    // What cannot be meant is said.
    says(&run(directory, &format!("{verify} --consistency late.json")), 2, &["--checkpoint"]);
    says(&run(directory, &format!("{prove} --to nothing")), 2, &["nothing"]);
    says(&run(directory, "log consistency nothing --archive archive"), 2, &["nothing"]);
}

#[test]
fn a_log_that_was_rolled_back_and_went_on_differently_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let before = days("agent-b");
    store(&days("agent-a"), directory);
    std::fs::write(directory.join("kept"), checkpoint_after(&before, 5)).unwrap();
    says(&run(directory, EXPORT), 0, &["VERIFIED"]);
    let prove = "log consistency kept --archive archive --policy policy.txt";
    let refused = run(directory, &format!("{prove} --to pack.zip -o consistency.json"));
    says(&refused, 1, &["root", "at 6 entries", "rolled back, and went on differently"]);
    assert!(!directory.join("consistency.json").exists());
    // The owner has a true document of the log as it was; it does not fit the pack.
    let old = directory.join("old");
    std::fs::create_dir(&old).unwrap();
    store(&before, &old);
    std::fs::write(old.join("kept"), checkpoint_after(&before, 5)).unwrap();
    says(&run(&old, &format!("{prove} -o ../consistency.json")), 0, &["first of the 11"]);
    let with =
        "verify pack.zip --policy policy.txt --checkpoint kept --consistency consistency.json";
    says(&run(directory, with), 1, &["kept checkpoint", "went on differently", "FAILED"]);
}
