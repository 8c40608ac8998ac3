//! The proof that a log went on, made from an archive in a directory.

use evidence::{Consistency, EvidenceError, Judgement, Progress, Scope, Wish};
use segment::consistency::verify_document;
use segment::layout;

use crate::common::{self, START_MS, World, run_completed};
use crate::{Stored, ignore, store};

/// A world with so many commits; from the tenth on of `agent`.
fn world(agent: &str, commits: u32) -> (World, Vec<String>) {
    let mut world = World::new();
    let mut checkpoints = vec![world.state.checkpoint().to_owned()];
    for run in 1..commits {
        let agent = if run < 10 { "agent-a" } else { agent };
        let line = run_completed(agent, run, START_MS + i64::from(run));
        world.commit(&[("agent.events", 0, vec![line])]);
        checkpoints.push(world.state.checkpoint().to_owned());
    }
    (world, checkpoints)
}

fn prove(
    stored: &Stored,
    older: &str,
    newer: Option<&str>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Consistency, EvidenceError> {
    evidence::consistency(&stored.archive, &common::policy(), older, newer, progress)
}

fn is_verified(document: &Consistency) {
    let (_, report) = verify_document(document.to_json().as_bytes(), Some(&common::policy()));
    assert_eq!(report.verdict, Judgement::Verified, "{report:?}");
}

#[test]
fn every_two_checkpoints_are_proved_from_tiles_and_from_commits_alike() {
    let (world, checkpoints) = world("agent-a", 13);
    let stored = store(&world);
    let mut bare = world;
    let derived = |path: &String| path.starts_with("log/tile/") || path.starts_with(layout::HEADS);
    bare.objects.retain(|path, _| !derived(path));
    let bare = store(&bare);
    let (mut by_tiles, mut by_commits) = (Vec::new(), Vec::new());
    for (at, older) in checkpoints.iter().enumerate() {
        for newer in checkpoints[at..].iter().map(|newer| Some(newer.as_str())).chain([None]) {
            let document =
                prove(&stored, older, newer, &mut |progress| by_tiles.push(progress.phase));
            let document = document.unwrap();
            is_verified(&document);
            assert_eq!(document.newer, newer.unwrap_or(&checkpoints[12]));
            let slow = prove(&bare, older, newer, &mut |progress| by_commits.push(progress.phase));
            assert_eq!(slow.unwrap(), document);
        }
    }
    assert!(!by_tiles.contains(&"reading the log"), "tiles are enough");
    assert!(by_commits.contains(&"reading the log"));
    // A tile that is wrong costs time only.
    let path = layout::tile("tile/0/000.p/13");
    let changed = bytes::Bytes::from(vec![7; 13 * 32]);
    stored.archive.put(&path, changed).unwrap();
    is_verified(&prove(&stored, &checkpoints[5], None, &mut ignore).unwrap());
}

#[test]
fn a_log_that_was_rolled_back_is_named() {
    let (_, before) = world("agent-a", 14);
    let failed = |stored: &Stored, older: &str, newer: Option<&str>, says: &str| {
        let error = prove(stored, older, newer, &mut ignore).unwrap_err();
        assert_eq!(error.exit_code(), 1);
        assert!(error.to_string().contains(says), "no `{says}` in {error}");
    };
    let shorter = store(&world("agent-a", 11).0);
    failed(&shorter, &before[12], None, "found 11: it was rolled back");
    is_verified(&prove(&shorter, &before[10], None, &mut ignore).unwrap());
    let (other, after) = world("agent-b", 14);
    let other = store(&other);
    failed(&other, &before[12], None, "the log was rolled back, and went on differently");
    failed(&other, &after[3], Some(&before[12]), "the newer checkpoint");
    is_verified(&prove(&other, &before[9], None, &mut ignore).unwrap());
    failed(&other, &after[12], Some(&after[3]), "at least the 13 entries of the older");
    let stranger = merkle::note::SigningKey::from_seed("log.other", [9; 32]).unwrap();
    let foreign =
        merkle::checkpoint::Checkpoint { origin: "log.other".into(), size: 1, root: [7; 32] };
    let error = prove(&other, &foreign.sign(&stranger), None, &mut ignore).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    failed(&other, "nonsense", None, "the older checkpoint");
}

#[test]
fn a_checkpoint_is_found_in_whatever_holds_it() {
    let (world, checkpoints) = world("agent-a", 5);
    let stored = store(&world);
    let at = |name: &str| stored.directory.path().join(name);
    let scope = Scope::parse("agent-a", None, None).unwrap();
    let (policy, key) = (common::policy(), common::evidence_key());
    let out = at("pack.zip");
    let wish = Wish::from(scope);
    evidence::export(&stored.archive, &policy, &key, wish, &out, &mut ignore).unwrap();
    std::fs::write(at("checkpoint"), &checkpoints[4]).unwrap();
    let document = prove(&stored, &checkpoints[1], None, &mut ignore).unwrap();
    std::fs::write(at("consistency.json"), document.to_json()).unwrap();
    let wanted = evidence::Wanted::Id { event_id: "agent-a-2".into(), period: None };
    let proof = evidence::prove(&stored.archive, &policy, &wanted, &mut ignore).unwrap();
    std::fs::write(at("proof.json"), proof.to_json()).unwrap();
    for name in ["pack.zip", "checkpoint", "consistency.json", "proof.json"] {
        let found = evidence::read_checkpoint(&at(name)).unwrap();
        assert_eq!(found, checkpoints[4], "{name}");
    }
    for (name, bytes) in [
        ("broken.zip", &b"PK\x03\x04 and nothing else"[..]),
        ("broken.json", b"{\"format\":7}"),
        ("empty.json", b"{"),
        ("latin1", b"caf\xe9"),
    ] {
        std::fs::write(at(name), bytes).unwrap();
        assert!(evidence::read_checkpoint(&at(name)).is_err(), "{name}");
    }
    std::fs::write(at("large"), vec![b'x'; 100_000]).unwrap();
    assert!(evidence::read_checkpoint(&at("large")).is_err());
    let size = evidence::read_consistency(&at("large")).unwrap().len();
    assert_eq!(size, 65_537, "one byte more than a document has");
    std::fs::write(at("small"), b"x").unwrap();
    assert_eq!(evidence::read_consistency(&at("small")).unwrap(), b"x");
}
