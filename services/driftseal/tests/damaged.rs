//! Segments that their sealer signed, and on which the Parquet library panics, runs out of memory or
//! never ends: the binary answers with a finding that names the file, and nothing else.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed step fails the test"
)]

#[path = "../../../shared/segment/tests/archive/common.rs"]
#[expect(dead_code, reason = "the tests of `segment` use all of it")]
mod common;
#[path = "../../../shared/segment/tests/archive/damage.rs"]
#[expect(clippy::cast_possible_truncation, reason = "the lowest bits are meant")]
mod damage;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use common::{START_MS, World};
use damage::DAMAGES;
use service::clock::Stopwatch;

/// How long an answer may take: some seconds more than it does on a slow machine.
const ANSWER_WITHIN_SECS: f64 = 30.0;

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftseal"));
    command.args(arguments).current_dir(directory).env_clear().env("RUST_BACKTRACE", "full");
    let stopwatch = Stopwatch::start();
    let output = command.output().unwrap();
    let took_secs = stopwatch.elapsed_secs();
    assert!(took_secs < ANSWER_WITHIN_SECS, "{arguments:?} took {took_secs} s");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes the archive, the policy and the key that signs packs.
fn store(world: &World, directory: &Path) {
    for (path, bytes) in &world.objects {
        let path = directory.join("archive").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let keys = [("log", common::log_key()), ("sealer", common::sealer_key())];
    let keys = keys.into_iter().chain([("evidence", common::evidence_key())]);
    let policy: String =
        keys.map(|(of, key)| format!("{of} {}\n", key.verifier().to_vkey())).collect();
    std::fs::write(directory.join("policy.txt"), policy).unwrap();
    let key = directory.join("evidence.key");
    std::fs::write(&key, common::evidence_key().to_text()).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
}

/// What was said is a finding about the file, and no trace of how it was found.
fn is_plain(output: &Output, what: &str, says: &[&str]) {
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    let whole = format!("{said}{complained}");
    assert_eq!(output.status.code(), Some(1), "{what}:\n{whole}");
    for part in says {
        assert!(whole.contains(part), "{what}: no `{part}` in\n{whole}");
    }
    for trace in ["panicked", "backtrace", "thread '", "allocation", "parquet-", ".rs:"] {
        assert!(!whole.contains(trace), "{what}: `{trace}` in\n{whole}");
    }
    assert!(complained.lines().count() <= 1, "{what}:\n{complained}");
}

#[test]
fn a_file_that_the_parquet_library_cannot_bear_is_a_finding() {
    let directory = tempfile::tempdir().unwrap();
    for (number, damage) in DAMAGES.iter().enumerate() {
        let directory = directory.path().join(number.to_string());
        let mut world = World::new();
        world.change = Some(damage.change);
        let lines = (0..3).map(|run| common::run_completed("agent-a", run, START_MS)).collect();
        world.commit(&[("agent.events", 0, lines)]);
        store(&world, &directory);
        let path = world.objects.keys().find(|path| path.ends_with(".parquet")).unwrap();
        let says = [path.as_str(), damage.says];
        let policy = ["archive", "--policy", "policy.txt"];
        for arguments in [
            &["fsck"][..],
            &["export", "--agent", "agent-a", "--key", "evidence.key"],
            &["proof", "agent-a-1"],
            &["proof", "--record", "agent.events/0/101"],
        ] {
            let arguments = [&arguments[..1], &policy, &arguments[1..]].concat();
            let output = run(&directory, &arguments);
            is_plain(&output, &format!("{}, {arguments:?}", damage.name), &says);
        }
        assert!(!directory.join("pack.zip").exists(), "{}", damage.name);
    }
}

#[test]
fn a_file_that_was_damaged_after_it_was_sealed_is_a_finding() {
    let directory = tempfile::tempdir().unwrap();
    for (number, damage) in DAMAGES.iter().enumerate() {
        let directory = directory.path().join(number.to_string());
        let mut world = World::new();
        let lines = (0..3).map(|run| common::run_completed("agent-a", run, START_MS)).collect();
        world.commit(&[("agent.events", 0, lines)]);
        let path = world.objects.keys().find(|path| path.ends_with(".parquet")).unwrap().clone();
        let changed = (damage.change)(&world.objects[&path]);
        world.objects.insert(path.clone(), changed.into());
        store(&world, &directory);
        for arguments in [&["fsck"][..], &["proof", "agent-a-1"]] {
            let policy = ["archive", "--policy", "policy.txt"];
            let arguments = [&arguments[..1], &policy, &arguments[1..]].concat();
            let output = run(&directory, &arguments);
            is_plain(&output, &format!("{}, {arguments:?}", damage.name), &[&path]);
        }
    }
}
