//! What a start reads, and what it does when something is missing or wrong.

use super::*;

#[test]
fn tiles_and_checkpoint_that_vanished_are_written_again_and_foreign_ones_stop_the_sealer() {
    let world = World::new();
    for _ in 0..3 {
        world.publish(0, 4);
        assert_eq!(world.seal_everything(), 0);
    }
    let runtime = Runtime::new().unwrap();
    let inner = Archive::open("memory:///", runtime.handle().clone()).unwrap();
    for object in world.archive.list("").unwrap() {
        let derived = ["log/tile", "log/checkpoint", "log/head"]
            .iter()
            .any(|prefix| object.path.starts_with(prefix));
        if !derived {
            inner.put_new(&object.path, world.archive.get(&object.path).unwrap()).unwrap();
        }
    }
    let world = World { archive: inner, ..world };
    assert_eq!(world.seal_everything(), 0);
    world.verify();
    world.archive.put("log/tile/0/000.p/4", &b"else"[..]).unwrap();
    let error = world.start().unwrap_err();
    assert_eq!(error, RunError::Derived("log/tile/0/000.p/4".into()));
}

/// Paths that a start reads.
fn reads_of_a_start(world: &World) -> Vec<Call> {
    world.store.plan([]);
    drop(world.start().unwrap());
    let calls = world.store.calls();
    world.store.plan([]);
    calls
}

#[test]
fn a_start_reads_what_is_new_and_no_more() {
    let world = World::new();
    let mut counts = Vec::new();
    for _ in 0..3 {
        for _ in 0..8 {
            world.publish(0, 4);
            assert_eq!(world.seal_everything(), 0);
        }
        let calls = reads_of_a_start(&world);
        assert!(calls.iter().all(|call| call.operation != Operation::List), "{calls:?}");
        counts.push(calls.len());
    }
    assert!(counts.iter().all(|count| *count <= counts[0] + 1), "{counts:?}");
    world.verify();
}

#[test]
fn a_head_that_does_not_hold_means_the_one_before() {
    let world = World::new();
    for _ in 0..6 {
        world.publish(0, 4);
        assert_eq!(world.seal_everything(), 0);
    }
    let last = segment::layout::head(6);
    let sound = world.archive.get(&last).unwrap();
    let before = world.archive.get(&segment::layout::head(5)).unwrap();
    let stranger = Keys::generate("log.example.com/test").unwrap();
    let keys = world.keys.verifiers();
    let forged = segment::log::Head::open(&sound, &keys).unwrap().sign(&stranger.log);
    for wrong in [bytes::Bytes::new(), before, forged.into()] {
        world.archive.put(&last, wrong).unwrap();
        let shell = world.start().unwrap();
        assert_eq!(shell.ledger.end(&tp(0)).unwrap().next_offset, 24);
        drop(shell);
        world.archive.put(&last, sound.clone()).unwrap();
        world.verify();
    }
    // Without any head, everything is read and all heads are written again.
    let runtime = Runtime::new().unwrap();
    let inner = Archive::open("memory:///", runtime.handle().clone()).unwrap();
    for object in world.archive.list("").unwrap() {
        if !object.path.starts_with("log/head") {
            inner.put_new(&object.path, world.archive.get(&object.path).unwrap()).unwrap();
        }
    }
    let world = World { archive: inner, ..world };
    drop(world.start().unwrap());
    assert_eq!(world.archive.get(&last).unwrap(), sound);
    world.verify();
}

#[test]
fn a_missing_commit_before_the_last_one_is_named() {
    let world = World::new();
    for _ in 0..3 {
        world.publish(0, 4);
        assert_eq!(world.seal_everything(), 0);
    }
    let runtime = Runtime::new().unwrap();
    let inner = Archive::open("memory:///", runtime.handle().clone()).unwrap();
    for object in world.archive.list("").unwrap() {
        let gone = object.path.starts_with("log/head") || object.path == segment::layout::commit(2);
        if !gone {
            inner.put_new(&object.path, world.archive.get(&object.path).unwrap()).unwrap();
        }
    }
    let world = World { archive: inner, ..world };
    let error = world.start().unwrap_err();
    assert_eq!(error, RunError::MissingCommit { missing: 2, found: 3 });
}
