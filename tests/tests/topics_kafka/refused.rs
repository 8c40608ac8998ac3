//! Topics with settings that would lose or falsify records are refused; what is lost already is said.

use tests::world::GOVERNANCE;

use super::*;

const GOOD: (&str, &str) = ("message.timestamp.type", "LogAppendTime");

/// A topic, its wrong settings, the roles that refuse it, and what they say.
type Wrong<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[test]
fn wrong_settings_are_refused_and_records_lost_before_the_first_start_are_a_gap() {
    let Some(world) = World::start("topics_kafka") else { return };
    let (log, operator) = (world.log(), world.operator());
    let kept = ("retention.ms", "-1");
    let table: &[Wrong<'_>] = &[
        (
            EVENTS,
            &[("message.timestamp.type", "CreateTime")],
            &["sealer", "processor", "collector"],
            "topic `agent.events` has message.timestamp.type=CreateTime; it must be LogAppendTime: \
             `kafka-configs.sh",
        ),
        (
            EVENTS,
            &[GOOD, ("cleanup.policy", "compact")],
            &["sealer"],
            "topic `agent.events` has cleanup.policy=compact; it must be delete",
        ),
        (
            EVENTS,
            &[GOOD, ("max.message.bytes", "102400")],
            &["collector"],
            "`kafka.record_bytes_max = 98304`",
        ),
        (
            GOVERNANCE,
            &[GOOD, kept, ("retention.bytes", "1000000")],
            &["sealer", "evidence"],
            "topic `driftseal.governance` has retention.bytes=1000000; it must be -1",
        ),
    ];
    for (topic, settings, roles, says) in table {
        operator.set(topic, settings).unwrap();
        for role in *roles {
            must_end(world.role(role), &[says]);
        }
        operator.set(topic, &[GOOD, kept, ("retention.bytes", "-1")]).unwrap();
    }

    publish(&*log, "all", 400);
    let (number, end) = ends(&*log, EVENTS).into_iter().max_by_key(|(_, end)| *end).unwrap();
    let partition = TopicPartition::new(EVENTS, number);
    operator.delete_records(&partition, 7).unwrap();
    let mut sealed = world.sealed();
    let mut roles = world.roles();
    wait_sealed(&world, &mut sealed, &[&roles[0], &roles[1]]);
    for role in &mut roles {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
    }
    let report = world.fsck();
    let found = report["partitions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["topic"] == EVENTS && found["partition"] == number);
    let found = found.unwrap();
    assert_eq!(found["first_offset"], 0, "{found}");
    assert_eq!(found["lost"], 7, "{found}");
    assert!(found["next_offset"].as_i64().unwrap() >= end, "{found}");
    assert!(roles[1].said().contains("the range will be sealed as lost"));
}
