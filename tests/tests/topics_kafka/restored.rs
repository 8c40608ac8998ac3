//! A broker whose disk was restored from an older copy: the same topic, other records.

use super::*;

#[test]
fn a_broker_with_an_older_disk_and_new_records_stops_the_sealer() {
    let Some(world) = World::start("topics_kafka") else { return };
    let mut sealed = world.sealed();
    let log = world.log();
    let id = log.topic_id(EVENTS).unwrap();
    publish(&*log, "first", 200);
    drop(log);
    world.kafka().back_up(1).unwrap();
    let log = world.log();
    publish(&*log, "lost", 100);
    drop(log);
    let mut sealer = world.role("sealer");
    wait_sealed(&world, &mut sealed, &[&sealer]);
    assert_eq!(sealer.stop(), Some(0), "{}", sealer.last_words());
    sealed.refresh();
    let (sealed_ends, segments) = (sealed.ends(EVENTS), sealed.segments());

    world.kafka().restore(1).unwrap();
    let log = world.log();
    assert_eq!(log.topic_id(EVENTS).unwrap(), id, "it is the same topic");
    // In every partition more than what was lost: each next offset exists.
    publish(&*log, "second", 1_000);
    let now = ends(&*log, EVENTS);
    assert!(now.iter().all(|(number, end)| sealed_ends.get(number).is_none_or(|at| at < end)));
    let says = ["is not the partition that was sealed", "its records changed", "restored disk"];
    must_end(world.role("sealer"), &says);
    sealed.refresh();
    assert_eq!(sealed.segments(), segments, "nothing is sealed behind what was lost");
    world.fsck();
}
