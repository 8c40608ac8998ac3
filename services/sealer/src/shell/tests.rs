//! The sealer on a simulated log and a faulty archive. Every test ends with [`World::verify`].

mod faults;
mod orphans;
mod rotation;
mod schemas;
mod starts;
mod topics;
mod world;

use std::sync::atomic::{AtomicI64, Ordering};

use archive::faulty::{Call, Fault, Faulty, Operation};
use event::TimestampType;
use merkle::note::SigningKey;
use object_store::memory::InMemory;
use ports::{Outgoing, TopicSpec, publish_and_wait};
use segment::facts::GapReason;
use segment::fsck::{Fsck, Listed, Report, Request, Severity};
use segment::leaf::{RowSalt, Salts};
use segment::manifest::{Installation, InstalledKey, InstalledTopic, KeyUse, SegmentManifest};
use segment::policy::Policy;
use segment::read::{ReadError, for_each_row};
use segment::replay::Replay;
use sim::MemoryLog;
use tokio::runtime::Runtime;

use self::world::*;
use super::*;

#[test]
fn every_record_is_sealed_once_and_commits_are_shared() {
    let world = World::new();
    world.publish(0, 3);
    world.publish(1, 2);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    assert_eq!((world.commits(), shell.machine.pending_rows()), (1, 5), "nothing is big or old");
    world.advance(AGE_MS);
    settle(&mut shell).unwrap();
    assert_eq!(world.commits(), 2, "two partitions of the same age share a commit");
    balance(&shell);
    assert_eq!(world.log.committed("driftseal-sealer", &tp(0)), Some(3));
    let report = world.verify();
    assert_eq!((report.segments, report.events, report.findings.len()), (2, 5, 0));
}

#[test]
fn an_idle_partition_is_sealed_by_age_alone() {
    let world = World::new();
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    world.publish(1, 1);
    settle(&mut shell).unwrap();
    world.advance(AGE_MS - 1);
    settle(&mut shell).unwrap();
    assert_eq!(shell.meters.totals.sealed, 0);
    world.advance(1);
    settle(&mut shell).unwrap();
    assert_eq!(shell.meters.totals.sealed, 1);
    world.verify();
}

#[test]
fn an_idle_hour_on_defaults_writes_two_objects_a_partition_and_six_more() {
    let world = World::new();
    let config = Config { topics: vec![TOPIC.into()], ..Config::default() };
    let mut shell = world.start_as(config).unwrap();
    settle(&mut shell).unwrap();
    let objects = || world.archive.list("").unwrap().len();
    let before = objects();
    let tick = |minute: usize| {
        Some(format!(r#"{{"kind":"monitor.tick","event_id":"t{minute}"}}"#).into_bytes())
    };
    for minute in 0..60 {
        for partition in 0..PARTITIONS {
            world.publish_values(partition, vec![tick(minute)]);
        }
        settle(&mut shell).unwrap();
        assert_eq!(objects(), before, "heartbeats wait for each other");
        world.advance(60_000);
    }
    settle(&mut shell).unwrap();
    let written = objects() - before;
    assert!(written <= 2 * usize::try_from(PARTITIONS).unwrap() + 6, "{written} objects");
    assert_eq!(shell.meters.totals.sealed, 60 * u64::try_from(PARTITIONS).unwrap());
    world.verify();
}

#[test]
fn a_log_is_not_created_by_accident_nor_twice() {
    let world = World::new();
    let runtime = Runtime::new().unwrap();
    let empty = Archive::open("memory:///", runtime.handle().clone()).unwrap();
    let ledger = Shell::start(
        world.config.clone(),
        Arc::new(world.log.clone()),
        &empty,
        world.keys.clone(),
        &world.shutdown,
        Box::new(|| 0),
    );
    let error = ledger.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no transparency log in the archive `memory:///`: is it the right one, and mounted? A new \
         archive gets its log from `driftseal log init`"
    );
    assert!(empty.list("").unwrap().is_empty());
    let again = crate::init_log(&world.archive, &world.keys, installation());
    assert!(matches!(again, Err(crate::InitError::Exists(_))));
    let stranger = Keys::generate("log.example.com/stranger").unwrap();
    let error =
        Ledger::open(&world.archive, &stranger, &Retry::new(&world.config, world.shutdown.clone()));
    assert!(matches!(error, Err(RunError::NotOurs(_) | RunError::Origin { .. })));
    world.verify();
}

#[test]
fn a_sealer_seals_only_what_the_log_was_created_for() {
    let world = World::new();
    let refused = |installation: Installation, config: &Config| {
        let runtime = Runtime::new().unwrap();
        let archive = Archive::open("memory:///", runtime.handle().clone()).unwrap();
        crate::init_log(&archive, &world.keys, installation).unwrap();
        let clock: Clock = Box::new(|| 0);
        let log = Arc::new(world.log.clone());
        let keys = world.keys.clone();
        Shell::start(config.clone(), log, &archive, keys, &world.shutdown, clock).map(drop)
    };
    let other = Installation { cluster: "another".into(), ..installation() };
    let error = refused(other, &world.config).unwrap_err();
    assert!(matches!(error, RunError::AnotherCluster { .. }), "{error}");
    let config = Config { topics: vec![TOPIC.into(), "x".into()], ..world.config.clone() };
    let error = refused(installation(), &config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the transparency log is not for the topic `x` but for agent.events; correct \
         `sealer.topics` or `topics.prefix`, or create another transparency log"
    );
    let mut larger = installation();
    larger.topics[0].partitions = Some(PARTITIONS + 1);
    let error = refused(larger, &world.config).unwrap_err();
    assert!(matches!(error, RunError::FewerPartitions { .. }), "{error}");
    let described = crate::describe(&world.log, "", &[TOPIC.into(), TOPIC.into()]).unwrap();
    assert_eq!(described, installation());
    assert_eq!(refused(described, &world.config), Ok(()));
}

#[test]
fn what_does_not_decode_is_sealed_as_quarantine() {
    let world = World::new();
    world.publish(0, 1);
    let poison = vec![
        Some(b"{not json".to_vec()),
        None,
        Some(Vec::new()),
        Some(vec![0, 0, 0, 0, 9, 1]),
        Some(vec![0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        Some(b"\xff\xfe".to_vec()),
        Some(br#"{"kind":7}"#.to_vec()),
        Some(vec![b'x'; 500_000]),
    ];
    let count = u64::try_from(poison.len()).unwrap();
    world.publish_values(0, poison);
    world.publish(0, 1);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    shell.drain().unwrap();
    assert_eq!(shell.meters.totals.quarantined, count);
    balance(&shell);
    let report = world.verify();
    assert_eq!((report.events, report.quarantined.values().sum::<u64>()), (count + 2, count));
}

#[test]
fn skipped_offsets_are_gaps_of_the_segment_that_follows() {
    let world = World::new();
    world.log.skip_offsets(&tp(0), 3).unwrap();
    world.publish(0, 2);
    world.log.skip_offsets(&tp(0), 1).unwrap();
    world.publish(0, 5);
    world.log.skip_offsets(&tp(0), 2).unwrap();
    assert_eq!(world.seal_everything(), 0);
    world.publish(0, 1);
    assert_eq!(world.seal_everything(), 0);
    world.verify();
    let gaps: Vec<_> = world
        .manifests()
        .into_iter()
        .flat_map(|manifest| manifest.facts.gaps)
        .map(|gap| (gap.start, gap.len, gap.reason))
        .collect();
    let none = GapReason::NoRecord;
    assert_eq!(gaps, [(0, 3, none), (5, 1, none), (11, 2, none)]);
}

#[test]
fn a_successor_goes_on_where_the_log_says_and_nowhere_else() {
    let world = World::new();
    world.publish(0, 9);
    assert_eq!(world.seal_everything(), 0);
    world.publish(0, 3);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    assert_eq!(shell.meters.totals.read, 3);
    shell.drain().unwrap();
    world.verify();
}

#[test]
fn a_sealer_that_lost_its_partitions_without_knowing_seals_nothing_twice() {
    let world = World::new();
    world.publish(0, 3);
    world.publish(1, 3);
    let mut zombie = world.start().unwrap();
    settle(&mut zombie).unwrap();
    let mut heir = world.start().unwrap();
    world.log.evict("driftseal-sealer", &tp(0));
    settle(&mut heir).unwrap();
    world.publish(0, 2);
    settle(&mut heir).unwrap();
    world.advance(AGE_MS);
    settle(&mut heir).unwrap();
    let commits = world.commits();
    // The zombie wakes up in the middle of a seal, before any poll tells it the truth.
    zombie.machine.handle_drain();
    zombie.act().unwrap();
    assert_eq!(zombie.meters.totals.conflicts, 1);
    balance(&zombie);
    settle(&mut zombie).unwrap();
    settle(&mut heir).unwrap();
    world.advance(AGE_MS);
    for _ in 0..4 {
        settle(&mut zombie).unwrap();
        settle(&mut heir).unwrap();
    }
    zombie.drain().unwrap();
    heir.drain().unwrap();
    assert!(world.commits() >= commits);
    balance(&zombie);
    balance(&heir);
    world.verify();
}

#[test]
fn a_rebalance_in_the_middle_loses_nothing_and_repeats_nothing() {
    let world = World::new();
    let mut one = world.start().unwrap();
    settle(&mut one).unwrap();
    let mut other = None;
    for round in 0..12 {
        world.publish(round % PARTITIONS, 3);
        settle(&mut one).unwrap();
        let other = other.get_or_insert_with(|| world.start().unwrap());
        settle(other).unwrap();
        if round % 3 == 0 {
            world.log.rebalance("driftseal-sealer");
        }
        world.advance(AGE_MS / 3);
    }
    let mut other = other.unwrap();
    for shell in [&mut one, &mut other] {
        balance(shell);
    }
    drop(one);
    settle(&mut other).unwrap();
    settle(&mut other).unwrap();
    other.drain().unwrap();
    balance(&other);
    world.verify();
}

#[test]
fn two_sealers_of_the_same_partitions_at_once_seal_every_record_once() {
    let world = World::new();
    let rounds = 12;
    let conflicts: u64 = std::thread::scope(|scope| {
        let sealers: Vec<_> = ["one", "two", "three"]
            .into_iter()
            .map(|group| {
                // Groups of their own: each of them believes that everything is its own.
                let config = Config { group: group.into(), ..world.config.clone() };
                let world = &world;
                scope.spawn(move || {
                    let mut shell = world.start_as(config).unwrap();
                    while (0..PARTITIONS).any(|partition| {
                        let end = i64::from(rounds) * 5;
                        shell.ledger.end(&tp(partition)).is_none_or(|head| head.next_offset < end)
                    }) {
                        shell.step(Duration::from_millis(1)).unwrap();
                        world.advance(AGE_MS);
                        shell.ledger.refresh().unwrap();
                    }
                    balance(&shell);
                    shell.meters.totals.conflicts
                })
            })
            .collect();
        for _ in 0..rounds {
            for partition in 0..PARTITIONS {
                world.publish(partition, 5);
            }
        }
        sealers.into_iter().map(|sealer| sealer.join().unwrap()).sum()
    });
    let report = world.verify();
    assert_eq!(report.events, u64::try_from(rounds * PARTITIONS * 5).unwrap());
    println!("{conflicts} conflicts in {} commits", report.commits);
}

/// Two partitions, one of which becomes a segment by rows and the other by the drain.
#[test]
fn a_full_memory_seals_early() {
    let mut world = World::new();
    world.config.segment_rows_max = 1_000;
    world.config.buffer_bytes_max = 2_000;
    let mut shell = world.start().unwrap();
    for _ in 0..20 {
        world.publish(0, 2);
        world.publish(1, 1);
        settle(&mut shell).unwrap();
        assert!(shell.machine.pending_bytes() < 2_000);
    }
    assert!(shell.meters.totals.segments > 1);
    shell.drain().unwrap();
    world.verify();
}

#[test]
fn a_directory_survives_the_death_of_its_sealers() {
    let runtime = Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let location = directory.path().join("archive");
    let archive = Archive::create(location.to_str().unwrap(), runtime.handle().clone()).unwrap();
    let world = World { archive, ..World::on(runtime.handle()) };
    crate::init_log(&world.archive, &world.keys, installation()).unwrap();
    for round in 0..4 {
        world.publish(round % 2, 5);
        let mut shell = world.start().unwrap();
        settle(&mut shell).unwrap();
        // Dropped with what is pending.
    }
    assert_eq!(world.seal_everything(), 0);
    assert_eq!(world.verify().events, 20);
}

#[test]
fn a_shutdown_seals_what_was_published_before_it() {
    let world = World::new();
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    world.publish(0, 7);
    world.publish(1, 3);
    world.shutdown.trigger();
    shell.end().unwrap();
    assert_eq!(shell.meters.totals.sealed, 10);
    world.verify();
}

#[test]
fn a_shutdown_without_draining_leaves_everything_to_the_next_sealer() {
    let mut world = World::new();
    world.config.drain_on_shutdown = false;
    world.publish(0, 3);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    world.shutdown.trigger();
    shell.end().unwrap();
    assert_eq!((shell.meters.totals.sealed, shell.meters.totals.dropped), (0, 3));
    drop(shell);
    world.config.drain_on_shutdown = true;
    assert_eq!(world.seal_everything(), 0);
    assert_eq!(world.verify().events, 3);
}

#[test]
fn a_record_of_any_timestamp_is_sealed() {
    let world = World::new();
    for timestamp_ms in [-62_135_596_800_000, -1, 0, 253_402_300_799_999, i64::MAX, i64::MIN] {
        let record = Outgoing {
            topic: TOPIC.into(),
            partition: Some(0),
            value: Some(br#"{"kind":"run.completed"}"#.to_vec()),
            ..Outgoing::default()
        };
        world.log.append_at(record, timestamp_ms, TimestampType::CreateTime).unwrap();
    }
    assert_eq!(world.seal_everything(), 0);
    assert_eq!(world.verify().events, 6);
}
