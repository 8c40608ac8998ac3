//! A topic that was deleted and created again is another one.

use event::column;

use super::*;

const ANOTHER: &str = "it is another topic: its identity is `";

#[test]
fn a_topic_that_was_created_again_between_two_runs_stops_sealer_and_processor() {
    let Some(world) = World::start("topics_kafka") else { return };
    let (log, mut sealed) = (world.log(), world.sealed());
    let id = log.topic_id(EVENTS).unwrap();
    assert_eq!((id.len(), log.topic_id(EVENTS).unwrap()), (22, id.clone()), "as Kafka prints it");
    publish(&*log, "first", 300);
    // On the way: a header whose name is no text stops nobody.
    let event = run("somebody", "1", "no-text", now_ms(), false).to_string();
    let partition = TopicPartition::new(EVENTS, 2);
    world.operator().publish_with_header(&partition, event.as_bytes(), c"caf\xe9").unwrap();
    publish(&*log, "behind", 100);
    let mut roles = world.roles();
    wait_sealed(&world, &mut sealed, &[&roles[0], &roles[1]]);
    wait_saved(&world, &roles[0]);
    for role in &mut roles {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
    }
    sealed.refresh();
    let (sealed_ends, segments) = (sealed.ends(EVENTS), sealed.segments());

    delete(&world, EVENTS);
    world.command(&["topics", "create"]);
    assert_ne!(log.topic_id(EVENTS).unwrap(), id);
    // Beyond what was read of the old topic in some partitions, before it in others.
    publish(&*log, "second", 200);
    for (role, says) in [
        ("sealer", "is not the partition that was sealed"),
        ("processor", "is not the partition that was read"),
    ] {
        let kept = format!("is `{id}`");
        must_end(world.role(role), &[ANOTHER, says, &kept, "another name (`topics.prefix`)"]);
    }
    sealed.refresh();
    assert_eq!(sealed.ends(EVENTS), sealed_ends, "nothing of the new topic is sealed");
    assert_eq!(sealed.segments(), segments);
    world.fsck();
}

#[test]
fn a_topic_that_is_created_again_under_running_roles_stops_them() {
    let Some(world) = World::start("topics_kafka") else { return };
    let (log, mut sealed) = (world.log(), world.sealed());
    publish(&*log, "first", 100);
    let [processor, sealer] = <[Role; 2]>::try_from(world.roles()).unwrap();
    wait_sealed(&world, &mut sealed, &[&processor, &sealer]);
    wait_saved(&world, &processor);
    delete(&world, EVENTS);
    world.command(&["topics", "create"]);
    publish(&*log, "second", 3_000);
    for mut role in [sealer, processor] {
        assert_eq!(role.wait(LIMIT), Some(1), "{}", role.last_words());
        // Whoever looked in between has seen no topic at all.
        let said = role.said();
        let has_reason = [ANOTHER, "one that was deleted needs another name"];
        assert!(has_reason.iter().any(|reason| said.contains(reason)), "{}", role.last_words());
    }
    sealed.refresh();
    let mut foreign = 0;
    sealed.rows(EVENTS, |_, row| {
        let id = row.event.text(column::EVENT_ID).unwrap_or_default();
        foreign += u32::from(id.starts_with("second-"));
    });
    assert_eq!(foreign, 0, "records of the new topic are sealed as those of the old one");
    world.fsck();
}
