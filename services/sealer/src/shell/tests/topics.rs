//! Topics are the ones that were read, and their settings are right; or the sealer stops.

use ports::identity::Changed;
use ports::settings::{CLEANUP_POLICY, TIMESTAMP_TYPE};

use super::*;
use crate::config::LostRecords;

/// The gaps of the last segment: first offset, length and reason.
fn last_gaps(world: &World) -> Vec<(i64, i64, GapReason)> {
    let last = world.manifests().pop().unwrap();
    last.facts.gaps.iter().map(|gap| (gap.start, gap.len, gap.reason)).collect()
}

fn changed(outcome: Result<(), RunError>) -> Changed {
    match outcome {
        Err(RunError::Changed { changed, .. }) => changed,
        outcome => panic!("a changed topic, not {outcome:?}"),
    }
}

#[test]
fn records_that_were_deleted_before_they_were_sealed_are_sealed_as_lost_or_stop_the_sealer() {
    let world = World::new();
    world.publish(0, 3);
    assert_eq!(world.seal_everything(), 0);
    world.publish(0, 6);
    world.log.trim(&tp(0), 5).unwrap();
    let stop = Config { lost_records: LostRecords::Stop, ..world.config.clone() };
    let mut shell = world.start_as(stop).unwrap();
    let error = settle(&mut shell).unwrap_err();
    assert!(
        error.to_string().starts_with("records 3 to 4 of `agent.events/0` are lost"),
        "{error}"
    );
    drop(shell);
    assert_eq!(world.seal_everything(), 0);
    assert_eq!(world.verify().partitions[0].gaps, 2);
    assert_eq!(last_gaps(&world), [(3, 2, GapReason::Lost)]);
}

#[test]
fn records_that_were_deleted_before_a_partition_was_ever_sealed_are_a_gap_from_its_beginning() {
    let world = World::new();
    world.publish(0, 9);
    world.log.trim(&tp(0), 6).unwrap();
    // There is nothing to decide: nobody could have sealed them.
    let stop = Config { lost_records: LostRecords::Stop, ..world.config.clone() };
    let mut shell = world.start_as(stop).unwrap();
    settle(&mut shell).unwrap();
    shell.drain().unwrap();
    let report = world.verify();
    let partition = &report.partitions[0];
    assert_eq!((partition.gaps, partition.lost, report.events), (6, 6, 3));
    assert_eq!(last_gaps(&world), [(0, 6, GapReason::Lost)]);
    assert!(report.to_text().contains(", 6 of them LOST before"), "{}", report.to_text());
}

#[test]
fn a_topic_that_was_created_again_stops_the_sealer() {
    for records in [0, 2, 3, 5] {
        let world = World::new();
        world.publish(0, 3);
        assert_eq!(world.seal_everything(), 0);
        let commits = world.commits();
        world.log.delete_topic(TOPIC);
        create_topic(&world.log);
        world.log.advance_ms(1);
        world.publish(0, records);
        let mut shell = world.start().unwrap();
        let changed = changed(settle(&mut shell));
        assert!(matches!(changed, Changed::AnotherTopic { position: 3, .. }), "{changed}");
        drop(shell);
        assert_eq!(world.commits(), commits, "nothing of the new topic is sealed");
    }
}

#[test]
fn a_topic_that_is_created_again_under_a_running_sealer_stops_it_before_anything_is_sealed() {
    let world = World::new();
    world.publish(0, 2);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    let commits = world.commits();
    world.log.delete_topic(TOPIC);
    create_topic(&world.log);
    // The next offset exists in the new topic, so that reading goes on without an error.
    world.publish(0, 6);
    let outcome = settle(&mut shell).and_then(|()| shell.drain());
    assert!(matches!(changed(outcome), Changed::AnotherTopic { .. }));
    assert_eq!(world.commits(), commits);
}

#[test]
fn a_log_that_ends_before_what_is_sealed_stops_the_sealer() {
    let world = World::new();
    world.publish(0, 3);
    assert_eq!(world.seal_everything(), 0);
    world.log.lose_end(&tp(0), 1).unwrap();
    let mut shell = world.start().unwrap();
    let changed = changed(settle(&mut shell));
    assert_eq!(changed, Changed::Diverged { position: 3, first: 0, next: 2 });
}

/// What an unclean leader election leaves: the end is lost, and others wrote behind it.
#[test]
fn a_log_with_another_record_where_the_sealed_part_ends_stops_the_sealer() {
    for records in [1, 4] {
        let world = World::new();
        world.publish(0, 3);
        assert_eq!(world.seal_everything(), 0);
        let commits = world.commits();
        world.log.lose_end(&tp(0), 1).unwrap();
        world.log.advance_ms(1);
        world.publish(0, records);
        let mut shell = world.start().unwrap();
        let changed = changed(settle(&mut shell));
        let next = 2 + i64::try_from(records).unwrap();
        assert_eq!(changed, Changed::Diverged { position: 3, first: 0, next });
        drop(shell);
        assert_eq!(world.commits(), commits, "nothing is sealed behind it");
    }
}

#[test]
fn a_log_without_the_record_where_the_sealed_part_ends_stops_the_sealer() {
    let world = World::new();
    world.publish(0, 3);
    assert_eq!(world.seal_everything(), 0);
    world.log.lose_end(&tp(0), 1).unwrap();
    world.log.skip_offsets(&tp(0), 1).unwrap();
    world.publish(0, 2);
    let mut shell = world.start().unwrap();
    assert_eq!(changed(settle(&mut shell)), Changed::Compacted { offset: 2, first: 0 });
}

/// A cluster that was restored from a copy gives topics other identities.
#[test]
fn a_copy_of_the_topic_is_sealed_on_and_keeps_the_identity_that_it_had() {
    let world = World::new();
    world.publish(0, 3);
    assert_eq!(world.seal_everything(), 0);
    let copied = world.log.records(&tp(0)).unwrap();
    world.log.delete_topic(TOPIC);
    create_topic(&world.log);
    for record in copied.records() {
        let outgoing = Outgoing {
            topic: TOPIC.into(),
            partition: Some(0),
            key: record.key.map(Into::into),
            value: record.value.map(Into::into),
            headers: Vec::new(),
        };
        assert_eq!(record.headers.all().count(), 0);
        world.log.append_at(outgoing, record.timestamp_ms, record.timestamp_type).unwrap();
    }
    world.publish(0, 2);
    assert_eq!(world.seal_everything(), 0);
    assert_eq!(world.verify().events, 5);
    let ids: Vec<_> = world.manifests().into_iter().map(|of| of.topic_id).collect();
    assert_eq!(ids.first(), ids.last());
}

/// Several segments in one batch each end in a record of their own.
#[test]
fn each_segment_names_the_mark_of_its_own_last_record() {
    let world = World::new();
    for _ in 0..3 {
        world.publish(0, 2);
        world.log.skip_offsets(&tp(0), 1).unwrap();
        assert_eq!(world.seal_everything(), 0);
    }
    let records = world.log.records(&tp(0)).unwrap();
    let key = MarkKey::new(&world.keys.log.sign_bytes(mark::SIGNED));
    let manifests = world.manifests();
    assert_eq!(manifests.len(), 3);
    for manifest in manifests {
        let last = records.records().find(|of| of.offset == manifest.facts.next_offset - 1);
        assert_eq!(mark::Mark(manifest.last_record), key.mark(&last.unwrap()));
    }
}

#[test]
fn a_topic_with_wrong_settings_is_refused_at_the_start_and_at_an_assignment() {
    for (setting, value) in [(TIMESTAMP_TYPE, "CreateTime"), (CLEANUP_POLICY, "compact,delete")] {
        let world = World::new();
        let mut shell = world.start().unwrap();
        settle(&mut shell).unwrap();
        world.log.set_topic_setting(TOPIC, setting, value).unwrap();
        let said = world.start().unwrap_err().to_string();
        let expected = format!("topic `agent.events` has {setting}={value}; it must be ");
        assert!(said.starts_with(&expected), "{said}");
        world.log.rebalance("driftseal-sealer");
        let said = settle(&mut shell).unwrap_err().to_string();
        assert!(said.starts_with(&expected), "{said}");
        drop(shell);
        // Without the permission to look, it goes on.
        world.log.hide_topic_settings(TOPIC).unwrap();
        world.publish(0, 3);
        assert_eq!(world.seal_everything(), 0);
        assert_eq!(world.verify().events, 3);
    }
}

#[test]
fn partitions_that_are_added_under_a_running_sealer_are_sealed_from_their_beginning() {
    let world = World::new();
    world.publish(0, 3);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    assert!(world.log.grow_topic(TOPIC, PARTITIONS + 2).unwrap());
    for partition in 0..PARTITIONS + 2 {
        world.publish(partition, 5);
    }
    settle(&mut shell).unwrap();
    shell.drain().unwrap();
    let report = world.verify();
    assert_eq!(report.events, 3 + 5 * u64::try_from(PARTITIONS + 2).unwrap());
    assert!(report.partitions.iter().all(|partition| partition.first_offset == 0));
}

#[test]
fn offsets_without_records_at_the_end_are_no_lag_and_not_waited_for() {
    let world = World::new();
    world.publish(0, 3);
    world.log.skip_offsets(&tp(0), 2).unwrap();
    world.log.skip_offsets(&tp(1), 4).unwrap();
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    assert_eq!((shell.lag(&tp(0)), shell.lag(&tp(1))), (Some(5), Some(0)), "three are pending");
    let watch = Stopwatch::start();
    shell.drain().unwrap();
    assert!(!watch.has_passed(DRAIN_SILENCE), "{} s", watch.elapsed_secs());
    assert_eq!((shell.lag(&tp(0)), shell.lag(&tp(1))), (Some(0), Some(0)));
    world.publish(0, 1);
    assert_eq!(shell.lag(&tp(0)), Some(1));
}
