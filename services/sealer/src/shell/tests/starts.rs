//! What a start reads, and what it does when something is missing or wrong.

use archive::ArchiveError;
use service::role::Failure as _;

use super::*;

/// Whether an object follows from the commits.
fn is_derived(path: &str) -> bool {
    ["log/tile", "log/checkpoint", "log/head"].iter().any(|derived| path.starts_with(derived))
}

/// A copy of an archive that lacks some objects.
fn without(archive: &Archive, runtime: &Runtime, is_gone: impl Fn(&str) -> bool) -> Archive {
    let copy = Archive::open("memory:///", runtime.handle().clone()).unwrap();
    for object in archive.list("").unwrap().into_iter().filter(|object| !is_gone(&object.path)) {
        copy.put_new(&object.path, archive.get(&object.path).unwrap()).unwrap();
    }
    copy
}

#[test]
fn tiles_and_checkpoint_that_vanished_are_written_again_and_foreign_ones_stop_the_sealer() {
    let world = World::new();
    for _ in 0..3 {
        world.publish(0, 4);
        assert_eq!(world.seal_everything(), 0);
    }
    let runtime = Runtime::new().unwrap();
    let archive = without(&world.archive, &runtime, is_derived);
    let world = World { archive, ..world };
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
    let archive = without(&world.archive, &runtime, |path| {
        path.starts_with("log/head") || path == segment::layout::commit(2)
    });
    let world = World { archive, ..world };
    let error = world.start().unwrap_err();
    assert_eq!(error, RunError::MissingCommit { missing: 2, found: 3 });
}

#[test]
fn everything_derived_of_any_age_is_rebuilt_from_the_commits() {
    let world = World::new();
    // More entries than a full tile has.
    for _ in 0..130 {
        world.publish(0, 1);
        world.publish(1, 1);
        assert_eq!(world.seal_everything(), 0);
    }
    let all = world.archive.list("").unwrap();
    let is_new = |path: &str| {
        let edge = segment::log::LogState::edge(261);
        edge.contains(&path.to_owned()) || path == segment::layout::head(130)
    };
    let runtime = Runtime::new().unwrap();
    let is_nothing = |_: &str| false;
    for is_left in [&is_nothing as &dyn Fn(&str) -> bool, &is_new] {
        let is_gone = |path: &str| is_derived(path) && !is_left(path);
        let damaged = without(&world.archive, &runtime, is_gone);
        let counted = |path: &str| is_gone(path) && path != segment::layout::CHECKPOINT;
        let gone = all.iter().filter(|object| counted(&object.path)).count() as u64;
        let mut seen = Vec::new();
        let rebuilt =
            crate::rebuild(&damaged, &world.keys, &mut |commit, _| seen.push(commit)).unwrap();
        assert_eq!((rebuilt.commits, rebuilt.entries), (131, 261));
        assert_eq!((rebuilt.tiles + rebuilt.heads, rebuilt.checkpoint), (gone, true));
        assert_eq!(seen, (1..=130).collect::<Vec<_>>());
        for object in &all {
            let expected = world.archive.get(&object.path).unwrap();
            assert_eq!(damaged.get(&object.path).unwrap(), expected, "{}", object.path);
        }
        let again = crate::rebuild(&damaged, &world.keys, &mut |_, _| {}).unwrap();
        assert_eq!((again.tiles, again.heads, again.checkpoint), (0, 0, false));
    }
}

/// Runs the role until everything is sealed, or `is_over`.
fn run_until(world: &World, is_over: impl Fn() -> bool) -> Result<(), RunError> {
    std::thread::scope(|scope| {
        let role = scope.spawn(|| {
            let (config, log) = (world.config.clone(), Arc::new(world.log.clone()));
            let (archive, keys) = (world.archive.clone(), world.keys.clone());
            crate::run(config, log, archive, keys, world.shutdown.clone())
        });
        while !role.is_finished()
            && !is_over()
            && world.log.committed("driftseal-sealer", &tp(0)) != Some(5)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        world.shutdown.trigger();
        role.join().unwrap()
    })
}

#[test]
fn after_a_failure_that_may_pass_the_sealer_starts_again_by_itself() {
    let mut world = World::new();
    world.config.retry_pause_ms = 1;
    world.publish(0, 5);
    world.store.plan([(0, Fault::NotApplied)]);
    assert_eq!(run_until(&world, || false), Ok(()));
    assert_eq!(world.verify().events, 5);
}

#[test]
fn an_archive_that_does_not_come_back_is_tried_until_the_shutdown() {
    let mut world = World::new();
    world.config.retry_pause_ms = 1;
    world.publish(0, 5);
    // The last call of a process: none of its successors is heard.
    world.store.plan([(0, Fault::Last)]);
    assert_eq!(run_until(&world, || world.store.calls().len() > 6), Ok(()));
}

#[test]
fn only_an_archive_that_was_there_before_is_waited_for() {
    let refused = || {
        let (path, detail) = (String::new(), String::new());
        RunError::Archive(ArchiveError::Refused { path, detail })
    };
    for lost in [refused(), RunError::NoLog(String::new())] {
        assert!(!lost.may_pass() && lost.while_running().may_pass());
    }
    let other = RunError::Derived(String::new());
    assert_eq!(other.clone().while_running(), other);
}
