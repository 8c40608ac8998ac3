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
fn a_full_and_a_read_only_archive_are_waited_for_and_everything_is_sealed_once() {
    use archive::faulty::Denied;
    for (denied, says) in
        [(Denied::Full, "no storage space"), (Denied::ReadOnly, "read-only filesystem")]
    {
        let mut world = World::new();
        (world.config.retry_pause_ms, world.config.segment_age_ms_max) = (1, 0);
        world.publish(0, 4);
        // From the start, and again while it runs.
        world.store.deny_writes(Some(denied));
        let error = world.start().unwrap_err().of_the_archive(true);
        assert!(error.may_pass() && error.to_string().contains(says), "{error}");
        let (round, calls) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        let is_over = || {
            let made = world.store.calls().len();
            let sealed = world.log.committed("driftseal-sealer", &tp(0));
            match round.get() {
                0 | 2 if made > calls.get() + 20 => world.store.deny_writes(None),
                1 if sealed == Some(4) => {
                    world.store.deny_writes(Some(denied));
                    world.publish(0, 1);
                }
                3 => return sealed == Some(5),
                _ => return false,
            }
            assert_eq!(sealed, (round.get() > 0).then_some(4));
            calls.set(made);
            round.set(round.get() + 1);
            false
        };
        let open = || Ok(world.archive.clone());
        assert_eq!(run_beside_others(&world, open, is_over), Ok(()), "{denied:?}");
        assert_eq!(world.verify().events, 5, "{denied:?}");
    }
}

#[test]
fn an_archive_is_waited_for_unless_it_answers_at_first_that_it_has_no_log() {
    let (path, detail) = (String::new(), String::new());
    let refused = RunError::Archive(ArchiveError::Refused { path, detail });
    let no_log = RunError::NoLog(String::new());
    for (error, is_first, may_pass) in [
        (&refused, true, true),
        (&refused, false, true),
        (&no_log, true, false),
        (&no_log, false, true),
    ] {
        assert!(!error.may_pass());
        let error = error.clone().of_the_archive(is_first);
        assert_eq!(error.may_pass(), may_pass, "{error}, first: {is_first}");
    }
    let other = RunError::Derived(String::new());
    assert_eq!(other.clone().of_the_archive(false), other);
}

#[test]
fn only_what_is_sealed_is_progress() {
    let world = World::new();
    let mut shell = world.start().unwrap();
    let mut progress = |count| {
        world.publish(0, count);
        let steps = (0..8).map(|_| shell.step(Duration::ZERO).unwrap());
        steps.filter(|progress| *progress).count()
    };
    assert_eq!(progress(3), 0, "read and pending");
    assert_eq!(progress(1), 1, "sealed");
}

/// Runs the role beside others, with an archive that is opened by `open`, until `is_over`.
fn run_beside_others(
    world: &World,
    open: impl FnMut() -> Result<Archive, ArchiveError> + Send,
    is_over: impl Fn() -> bool,
) -> Result<(), RunError> {
    std::thread::scope(|scope| {
        let role = scope.spawn(|| {
            let (config, log) = (world.config.clone(), Arc::new(world.log.clone()));
            let (keys, shutdown) = (world.keys.clone(), world.shutdown.clone());
            crate::run_with(config, log, open, keys, crate::Permanent::Waits, shutdown)
        });
        while !role.is_finished() && !is_over() {
            std::thread::sleep(Duration::from_millis(1));
        }
        world.shutdown.trigger();
        role.join().unwrap()
    })
}

#[test]
fn an_archive_that_is_not_there_at_the_start_is_opened_when_it_is() {
    let mut world = World::new();
    world.config.retry_pause_ms = 1;
    world.publish(0, 5);
    let mut missing = 3;
    let open = || {
        if missing > 0 {
            missing -= 1;
            let (location, detail) = (String::new(), String::new());
            return Err(ArchiveError::Absent { location, detail });
        }
        Ok(world.archive.clone())
    };
    let is_sealed = || world.log.committed("driftseal-sealer", &tp(0)) == Some(5);
    assert_eq!(run_beside_others(&world, open, is_sealed), Ok(()));
    assert_eq!(world.verify().events, 5);
}

#[test]
fn beside_other_roles_a_damaged_log_is_waited_for_and_a_wrong_archive_is_not() {
    let mut world = World::new();
    world.config.retry_pause_ms = 1;
    world.publish(0, 4);
    assert_eq!(world.seal_everything(), 0);
    world.publish(0, 1);
    let path = "log/tile/0/000.p/2";
    let tile = world.archive.get(path).unwrap();
    world.archive.put(path, &b"else"[..]).unwrap();
    world.store.plan([]);
    let (archive, mended) = (world.archive.clone(), std::cell::Cell::new(false));
    let is_sealed = || {
        // Once it has tried in vain.
        if !mended.get() && world.store.calls().len() > 20 {
            archive.put(path, tile.clone()).unwrap();
            mended.set(true);
        }
        world.log.committed("driftseal-sealer", &tp(0)) == Some(5)
    };
    assert_eq!(run_beside_others(&world, || Ok(world.archive.clone()), is_sealed), Ok(()));
    assert!(mended.get());
    assert_eq!(world.verify().events, 5);

    let stranger = World { keys: Keys::generate("log.example.com/other").unwrap(), ..World::new() };
    let open = || Ok(stranger.archive.clone());
    let ended = run_beside_others(&stranger, open, || false);
    assert!(matches!(ended, Err(RunError::NotOurs(_) | RunError::Origin { .. })), "{ended:?}");
    let (other, runtime) = (World::new(), Runtime::new().unwrap());
    let empty = Archive::open("memory:///", runtime.handle().clone()).unwrap();
    let ended = run_beside_others(&other, || Ok(empty.clone()), || false);
    assert!(matches!(ended, Err(RunError::NoLog(_))), "{ended:?}");
}
