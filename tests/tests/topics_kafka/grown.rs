//! Partitions that are added while roles run are followed, and nothing is lost or doubled.

use std::collections::BTreeMap;

use event::column;
use tests::world::{ALERTS, GOVERNANCE, METRICS, PARTITIONS};

use super::*;

#[test]
fn partitions_that_are_added_under_running_roles_are_followed() {
    let hook = Receiver::start();
    let Some(world) = World::start_with("topics_kafka", &sink(&hook)) else { return };
    change(&world, "brokers = ", "metadata_refresh_secs = 2\nbrokers = ");
    let (log, mut sealed) = (world.log(), world.sealed());
    let mut roles = world.roles();
    let level = ("DRIFTSEAL__TELEMETRY__LEVEL".to_owned(), "info,notifier=debug".to_owned());
    roles.push(world.role_with("notifier", "notifier", &BTreeMap::from([level])));
    publish(&*log, "before", 500);
    wait_sealed(&world, &mut sealed, &[&roles[0], &roles[1]]);

    world.operator().grow(EVENTS, 9).unwrap();
    // A sender of its own, which knows of the new partitions.
    let log = world.log();
    assert_eq!(log.partitions(EVENTS), Ok(9));
    for part in 0..10 {
        publish(&*log, &format!("during-{part}"), 200);
    }
    wait_sealed(&world, &mut sealed, &[&roles[0], &roles[1]]);
    wait::until("the topics of the processor to grow", LIMIT, || {
        let sizes = [METRICS, ALERTS, "driftseal.state"].map(|topic| log.partitions(topic));
        (sizes == [Ok(9), Ok(9), Ok(9)]).then_some(())
    });
    assert!(roles[0].said().contains("added partitions to a topic"), "{}", roles[0].last_words());
    // The new partitions are claimed and beat, so the processor reads them.
    wait::until("a heartbeat in every new partition", LIMIT, || {
        let alerts = (PARTITIONS..9).map(|number| TopicPartition::new(ALERTS, number));
        alerts
            .into_iter()
            .all(|partition| log.offsets(&partition).is_ok_and(|held| held.next > 0))
            .then_some(())
    });
    // The notifier, too: the topics that it reads and writes have grown under it.
    for number in PARTITIONS..9 {
        let read = format!("caught up partition={ALERTS}/{number}");
        let what = || format!("`{read}`: {}", roles[2].last_words());
        wait::until_said(what, LIMIT, || roles[2].said().contains(&read).then_some(()));
    }
    publish(&*log, "after", 500);
    wait_sealed(&world, &mut sealed, &[&roles[0], &roles[1]]);
    for role in &mut roles {
        assert_eq!((role.starts(), role.stop()), (1, Some(0)), "{}", role.last_words());
    }
    sealed.refresh();
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let mut in_new = 0;
    sealed.rows(EVENTS, |partition, row| {
        let id = row.event.text(column::EVENT_ID).unwrap_or_default();
        if ["before-", "during-", "after-"].iter().any(|series| id.starts_with(series)) {
            *times.entry(id.to_owned()).or_default() += 1;
            in_new += u32::from(partition.partition >= PARTITIONS);
        }
    });
    assert_eq!(times.len(), 3_000, "each acknowledged event is sealed");
    assert!(times.values().all(|times| *times == 1), "and once");
    assert!(in_new > 0, "some lie in the new partitions");
    world.fsck();
    world.replay();

    // By command, too; acts keep their one order.
    change(&world, &format!("\npartitions = {PARTITIONS}"), "\npartitions = 10");
    let said = world.command(&["topics", "create"]);
    assert!(said.contains("agent.events had 9 partitions and has 10"), "{said}");
    assert_eq!((log.partitions(METRICS), log.partitions(GOVERNANCE)), (Ok(10), Ok(1)));
}
