//! A sealer whose key was replaced.

use std::fs;
use std::path::{Path, PathBuf};

use segment::fault::Judgement;
use segment::manifest::SignerUse;

use super::*;
use crate::retry::Retry;
use crate::rotate::{RotateError, Rotated, rotate, rotate_key_without_log};

fn seal(world: &World) {
    world.publish(0, 4);
    settle(&mut world.start().unwrap()).unwrap();
}

/// The world's keys in a directory.
fn saved(world: &World) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    world.keys.save(&keys).unwrap();
    (directory, keys)
}

fn replace(world: &World, keys: &Path, used_for: SignerUse) -> Result<Rotated, RotateError> {
    rotate(&world.archive, keys, used_for, &Retry::new(&world.config, Shutdown::new()))
}

/// What a policy from before says: it verifies, with so many keys that the log accepts.
fn follows(world: &World, old: &Keys, accepted: usize) -> Report {
    world.verify();
    let report = fsck(&world.archive, old);
    assert_eq!(report.verdict, Judgement::Verified, "{}", report.to_text());
    assert_eq!(report.findings.len(), 0, "{}", report.to_text());
    assert_eq!(report.accepted_keys.len(), accepted, "{}", report.to_text());
    report
}

#[test]
fn an_old_policy_follows_a_sealer_whose_new_key_the_log_accepts() {
    let mut world = World::new();
    let (_directory, keys) = saved(&world);
    seal(&world);
    let first = replace(&world, &keys, SignerUse::Sealer).unwrap();
    assert_eq!((first.entry, first.is_continued), (Some(2), false));
    let old = std::mem::replace(&mut world.keys, Keys::load(&keys).unwrap());
    assert_eq!(world.keys.sealer.verifier(), first.key);
    assert_eq!(first.key.name(), "log.example.com/test/sealer-2");
    seal(&world);
    let second = replace(&world, &keys, SignerUse::Sealer).unwrap();
    let signer = &world.keys.sealer;
    assert_eq!(second.signed_by.unwrap(), format!("{}+{}", signer.name(), signer.key_id_hex()));
    let pack_key = replace(&world, &keys, SignerUse::Evidence).unwrap();
    world.keys = Keys::load(&keys).unwrap();
    assert_eq!(world.keys.evidence.verifier(), pack_key.key);
    seal(&world);
    // Once more, from a head that knows all.
    seal(&world);
    let report = follows(&world, &old, 3);
    assert_eq!((report.events, report.entries), (16, 8));
    // Whoever has the log's first policy only by a copy of the keys from before goes on, too.
    world.keys = old;
    seal(&world);
    assert_eq!(world.verify().events, 20);
    let names: Vec<_> = fs::read_dir(&keys).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn sealers_that_run_survive_a_commit_that_is_not_theirs() {
    let mut world = World::new();
    let (_directory, keys) = saved(&world);
    let mut running = world.start().unwrap();
    let mut other = world.start().unwrap();
    world.publish(0, 4);
    settle(&mut running).unwrap();
    replace(&world, &keys, SignerUse::Sealer).unwrap();
    // It has the log as it was before the entry, and loses the race for its commit.
    world.publish(1, 4);
    settle(&mut running).unwrap();
    let old = std::mem::replace(&mut world.keys, Keys::load(&keys).unwrap());
    // A sealer with the new key, while those with the old one, who only the log tells of it, go on.
    let mut new = world.start().unwrap();
    for _ in 0..3 {
        world.publish(0, 4);
        settle(&mut new).unwrap();
        world.publish(1, 4);
        // Whoever meets what others have sealed meanwhile reads the log again.
        for shell in [&mut running, &mut other] {
            settle(shell).unwrap();
        }
    }
    assert_eq!(follows(&world, &old, 1).events, 32);
}

#[test]
fn without_the_log_an_old_policy_cannot_judge_the_new_key() {
    let mut world = World::new();
    let (_directory, keys) = saved(&world);
    seal(&world);
    let commits = world.commits();
    rotate_key_without_log(&keys, SignerUse::Sealer).unwrap();
    assert_eq!(world.commits(), commits);
    let old = std::mem::replace(&mut world.keys, Keys::load(&keys).unwrap());
    seal(&world);
    seal(&world);
    let report = world.verify();
    assert_eq!((report.verdict, report.events), (Judgement::Verified, 12));
    assert_eq!(report.accepted_keys.len(), 0);
    let report = fsck(&world.archive, &old);
    assert_eq!(report.verdict, Judgement::Unverifiable, "{}", report.to_text());
    let named = world.keys.sealer.verifier();
    assert!(report.to_text().contains(named.name()), "{}", report.to_text());
}

#[test]
fn a_sealer_without_the_key_before_says_whose_signature_it_does_not_know() {
    let mut world = World::new();
    seal(&world);
    let (_directory, keys) = saved(&world);
    let unknown = world.keys.sealer.verifier().key_id_hex();
    rotate_key_without_log(&keys, SignerUse::Sealer).unwrap();
    fs::remove_file(keys.join("policy.txt")).unwrap();
    let known = std::mem::replace(&mut world.keys, Keys::load(&keys).unwrap());
    let error = world.start().unwrap_err();
    assert!(error.to_string().contains(&unknown), "{error}");
    world.keys = known;
    seal(&world);
    world.verify();
}

#[test]
fn a_log_that_cannot_be_reached_changes_nothing() {
    let world = World::new();
    let (_directory, keys) = saved(&world);
    let files = |keys: &Path| -> Vec<_> {
        let files = fs::read_dir(keys).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.map(|file| (fs::read(&file).unwrap(), file)).collect();
        files.sort();
        files
    };
    let before = files(&keys);
    let commits = world.commits();
    world.store.plan([(0, Fault::NotApplied)]);
    let error = replace(&world, &keys, SignerUse::Sealer).unwrap_err();
    assert!(error.to_string().contains("was not replaced"), "{error}");
    world.store.plan([]);
    assert_eq!((files(&keys), world.commits()), (before, commits));
    // Nor does a log of other keys.
    let strangers = World::new();
    let error = replace(&strangers, &keys, SignerUse::Sealer).unwrap_err();
    assert!(error.to_string().contains("not of our keys"), "{error}");
}

#[test]
fn a_rotation_that_dies_anywhere_is_ended_by_the_next() {
    let runtime = Runtime::new().unwrap();
    let calls = {
        let world = World::on(runtime.handle());
        let (_directory, keys) = saved(&world);
        seal(&world);
        world.store.plan([]);
        replace(&world, &keys, SignerUse::Sealer).unwrap();
        world.store.calls().len()
    };
    assert!(calls > 10, "{calls}");
    let mut continued = 0;
    for call in 0..calls {
        for fault in [Fault::NotApplied, Fault::Applied, Fault::Last] {
            let mut world = World::on(runtime.handle());
            let (_directory, keys) = saved(&world);
            seal(&world);
            let old = world.keys.clone();
            world.store.plan([(call, fault)]);
            let first = replace(&world, &keys, SignerUse::Sealer);
            world.store.plan([]);
            // What is there works, whatever it is.
            world.keys = Keys::load(&keys).unwrap();
            seal(&world);
            let mut accepted = 1;
            if first.is_err() {
                let again = replace(&world, &keys, SignerUse::Sealer).unwrap();
                continued += usize::from(again.is_continued);
                assert_eq!(again.key.name(), "log.example.com/test/sealer-2", "{call} {fault:?}");
            } else {
                replace(&world, &keys, SignerUse::Sealer).unwrap();
                accepted = 2;
            }
            world.keys = Keys::load(&keys).unwrap();
            assert_ne!(world.keys.sealer.verifier(), old.sealer.verifier());
            seal(&world);
            assert_eq!(follows(&world, &old, accepted).events, 12, "{call} {fault:?}");
        }
    }
    assert!(continued > 3, "{continued}");
}

#[test]
fn every_state_of_the_directory_is_ended_by_the_next() {
    // What the steps on the directory leave behind, each torn from the one after it.
    for left in 0..3 {
        let mut world = World::new();
        let (_directory, keys) = saved(&world);
        seal(&world);
        let old = world.keys.clone();
        let secret = fs::read(keys.join("sealer.key")).unwrap();
        let policy = fs::read(keys.join("policy.txt")).unwrap();
        let first = replace(&world, &keys, SignerUse::Sealer).unwrap();
        // Back to before the rename; then also to before the policy; then with a file that was cut off.
        fs::rename(keys.join("sealer.key"), keys.join("sealer.key.new")).unwrap();
        fs::copy(keys.join("sealer.key.new"), keys.join("sealer.key")).unwrap();
        fs::write(keys.join("sealer.key"), &secret).unwrap();
        if left > 0 {
            fs::write(keys.join("policy.txt"), &policy).unwrap();
            fs::write(keys.join("policy.txt.new"), "sealer half").unwrap();
        }
        if left > 1 {
            fs::write(keys.join("sealer.key.new"), "half").unwrap();
        }
        seal(&world);
        let again = replace(&world, &keys, SignerUse::Sealer).unwrap();
        if left < 2 {
            assert!(again.is_continued);
            assert_eq!((&again.key, again.entry), (&first.key, first.entry));
        } else {
            // The log knows that name already.
            assert_eq!(again.key.name(), "log.example.com/test/sealer-3");
        }
        let text = fs::read_to_string(keys.join("policy.txt")).unwrap();
        assert_eq!(text.matches(again.key.name()).count(), 1, "{text}");
        assert!(!keys.join("policy.txt.new").exists() && !keys.join("sealer.key.new").exists());
        world.keys = Keys::load(&keys).unwrap();
        seal(&world);
        follows(&world, &old, if left < 2 { 1 } else { 2 });
    }
}
