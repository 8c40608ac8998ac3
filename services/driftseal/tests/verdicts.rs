//! Exit codes of what cannot be judged, and of what has failed: the commands, as they are typed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

#[path = "../../../shared/segment/tests/archive/common.rs"]
#[expect(dead_code, reason = "the tests of `segment` use all of it")]
mod common;

use std::path::Path;
use std::process::Command;

use common::World;
use merkle::note::SigningKey;
use segment::policy::Policy;
use serde_json::Value;

/// The exit code, and the verdict as text and as JSON.
#[track_caller]
fn fsck(directory: &Path, archive: &str, policy: &str, code: i32, verdict: &str) -> String {
    let run = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftseal"));
        command.args(["--output", format, "fsck", archive, "--policy", policy]);
        let output = command.current_dir(directory).env_clear().output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{archive} by {policy}: {said}");
        said
    };
    let json: Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(json.get("verdict"), Some(&Value::from(verdict)), "{json}");
    let text = run("text");
    assert!(text.ends_with(&format!("\n{verdict}\n")), "{text}");
    text
}

#[test]
fn fsck_fails_only_for_what_it_can_judge() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let world = World::example();
    for (path, bytes) in &world.objects {
        let mut places = vec![directory.join("archive").join(path)];
        // What is left when somebody deletes the log, or copies only the data.
        if path.starts_with("data/") {
            places.push(directory.join("without_log").join(path));
        }
        for place in places {
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, bytes).unwrap();
        }
    }
    std::fs::create_dir(directory.join("empty")).unwrap();
    std::fs::write(directory.join("own.txt"), common::policy().to_text()).unwrap();
    let key = |name| SigningKey::from_seed(name, [9; 32]).unwrap().verifier();
    let foreign = Policy::new(vec![key("log.other")], vec![key("sealer.other")]).unwrap();
    std::fs::write(directory.join("foreign.txt"), foreign.to_text()).unwrap();

    fsck(directory, "archive", "own.txt", 0, "VERIFIED");
    // Another log's policy says nothing about this one, and nothing of it may be deleted for that.
    let text = fsck(directory, "archive", "foreign.txt", 3, "UNVERIFIABLE");
    assert!(text.contains("do not delete them"), "{text}");
    // Nothing is no evidence of anything: perhaps it is another directory.
    for policy in ["own.txt", "foreign.txt"] {
        let text = fsck(directory, "empty", policy, 3, "UNVERIFIABLE");
        assert!(text.contains("is this the root of an archive?"), "{text}");
    }
    // There are segments, and no log that could have named them: something is gone.
    for policy in ["own.txt", "foreign.txt"] {
        let text = fsck(directory, "without_log", policy, 1, "FAILED");
        assert!(text.contains("log/commit/00000000000000000000"), "{text}");
    }
}
