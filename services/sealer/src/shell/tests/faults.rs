//! Faults of the archive and of the event log, one at a time and in pairs.

use super::*;

fn fault_world(handle: &tokio::runtime::Handle, attempts_max: u32) -> World {
    let mut world = World::on(handle);
    world.config.attempts_max = attempts_max;
    world.publish(0, 5);
    world.publish(1, 2);
    world
}

#[test]
fn no_fault_of_the_archive_loses_or_repeats_a_record() {
    let runtime = Runtime::new().unwrap();
    for (attempts_max, faults) in [
        (1, &[Fault::NotApplied, Fault::Applied, Fault::Last, Fault::Corrupted][..]),
        (3, &[Fault::NotApplied, Fault::Applied]),
    ] {
        let world = fault_world(runtime.handle(), attempts_max);
        assert_eq!(world.seal_everything(), 0);
        let calls = world.store.calls();
        assert!(calls.len() > 20, "{calls:?}");
        world.verify();
        for (number, call) in calls.iter().enumerate() {
            let is_write = matches!(call.operation, Operation::Create | Operation::Replace);
            for fault in faults {
                // Nothing is left to compare the log itself with when it is stored wrongly; fsck
                // and the next start find it.
                if *fault == Fault::Corrupted && is_write && call.path.starts_with("log/") {
                    continue;
                }
                let world = fault_world(runtime.handle(), attempts_max);
                world.store.plan([(number, *fault)]);
                let died = world.seal_everything();
                let report = world.verify();
                assert_eq!(report.events, 7, "{fault:?} at {call:?}, {died} died");
                if *fault == Fault::Corrupted && is_write && !call.path.starts_with("probe/") {
                    assert_eq!(died, 1, "read back {call:?}");
                }
                if [Fault::NotApplied, Fault::Applied].contains(fault) && attempts_max > 1 {
                    assert_eq!(died, 0, "{call:?}");
                }
            }
        }
    }
}

#[test]
fn no_two_faults_of_the_archive_lose_or_repeat_a_record() {
    let runtime = Runtime::new().unwrap();
    let world = fault_world(runtime.handle(), 2);
    assert_eq!(world.seal_everything(), 0);
    let calls = world.store.calls().len();
    let pairs = [
        (Fault::Applied, Fault::NotApplied),
        (Fault::NotApplied, Fault::Applied),
        (Fault::Applied, Fault::Last),
    ];
    for first in 0..calls {
        for distance in [1, 2, 5] {
            let (one, other) = pairs[(first + distance) % pairs.len()];
            let world = fault_world(runtime.handle(), 2);
            world.store.plan([(first, one), (first + distance, other)]);
            world.seal_everything();
            assert_eq!(world.verify().events, 7, "{one:?} at {first}, {other:?} at +{distance}");
        }
    }
}

#[test]
fn an_unknown_outcome_of_a_commit_stops_the_sealer_whether_it_happened_or_not() {
    // With one attempt; and the read that would find out fails too, where it happened.
    for (faults, sealed) in [
        (&[Fault::NotApplied][..], 0),
        (&[Fault::NotApplied, Fault::NotApplied], 0),
        (&[Fault::Applied, Fault::NotApplied], 4),
    ] {
        let world = World::new();
        world.publish(0, 4);
        // A run without the fault tells which call creates the commit.
        let dry = World::new();
        dry.publish(0, 4);
        settle(&mut dry.start().unwrap()).unwrap();
        let is_commit =
            |call: &Call| call.operation == Operation::Create && call.path.contains("log/commit/");
        let number = dry.store.calls().iter().rposition(is_commit).unwrap();
        world.store.plan((number..).zip(faults.iter().copied()));
        let mut shell = world.start().unwrap();
        let error = settle(&mut shell).unwrap_err();
        assert!(matches!(error, RunError::UnknownOutcome { sequence: 1, .. }), "{error}");
        drop(shell);
        let mut successor = world.start().unwrap();
        let head = successor.ledger.end(&tp(0)).map_or(0, |head| head.next_offset);
        assert_eq!(head, sealed, "the successor reads the truth");
        settle(&mut successor).unwrap();
        successor.drain().unwrap();
        world.verify();
    }
}

#[test]
fn faults_of_the_event_log_are_waited_out() {
    use sim::Operation::{Commit, Offsets, Poll, Seek};
    for operation in [Poll, Seek, Offsets, Commit] {
        for fault in [sim::Fault::NotApplied, sim::Fault::LostAnswer] {
            for skip in 0..4 {
                let mut world = World::new();
                world.config.attempts_max = 2;
                world.publish(0, 6);
                world.publish(1, 1);
                world.log.inject(operation, skip, fault);
                world.seal_everything();
                world.log.clear_faults();
                assert_eq!(world.verify().events, 7, "{operation:?} {fault:?} {skip}");
            }
        }
    }
}
