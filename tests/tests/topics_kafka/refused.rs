//! Topics with settings that would lose or falsify records are refused; what is lost already is said.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use kafka::operate::Operator;
use service::metric_names::TOPIC_SETTINGS_WRONG;
use tests::world::GOVERNANCE;

use super::*;

const GOOD: (&str, &str) = ("message.timestamp.type", "LogAppendTime");

/// A topic, its wrong settings, the roles that refuse it, and what they say.
type Wrong<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[test]
fn wrong_settings_are_refused_and_records_lost_before_the_first_start_are_a_gap() {
    let Some(world) = World::start("topics_kafka") else { return };
    change(&world, "\npartitions = ", "\nsettings_interval_secs = 1\npartitions = ");
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
    changes_are_seen_while_roles_run(&world, &operator, &roles);
    small_records_go_through_a_topic_of_small_batches(&world, &operator);
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

/// Waits until a role that runs is not ready and says this, or is ready.
fn wait_until_it_says(process: &Role, role: &str, says: Option<&str>) {
    let what = || format!("`{says:?}` of the {role}: {}", process.last_words());
    wait::until_said(what, LIMIT, || {
        let answer = readiness::ask(process, role);
        match says {
            Some(says) => answer.is_err_and(|reason| reason.contains(says)).then_some(()),
            None => answer.ok(),
        }
    });
}

fn changes_are_seen_while_roles_run(world: &World, operator: &Operator, roles: &[Role]) {
    let [processor, sealer] = roles else { unreachable!("two roles") };
    let mut collector = world.role("collector");
    let all = [(&collector, "collector"), (processor, "processor"), (sealer, "sealer")];
    for (process, role) in all {
        wait_until_it_says(process, role, None);
    }
    let small = ("max.message.bytes", "102400");
    let times = |process: &Role| process.said().matches("cleanup.policy=compact").count();
    let before = all.map(|(process, _)| times(process));
    operator.set(EVENTS, &[GOOD, ("cleanup.policy", "compact"), small]).unwrap();
    for (process, role) in all {
        wait_until_it_says(process, role, Some("cleanup.policy=compact; it must be delete"));
        let wrong = if role == "sealer" { 1.0 } else { 2.0 };
        let values = readiness::values(process, TOPIC_SETTINGS_WRONG).unwrap();
        assert!(values.contains(&wrong), "{role}: {values:?}");
    }
    operator.set(EVENTS, &[GOOD, small]).unwrap();
    let said = all.map(|(process, _)| times(process));
    assert_eq!(said, before.map(|times| times + 1), "each says it once");
    wait_until_it_says(sealer, "sealer", None);
    for (process, role) in [all[0], all[1]] {
        wait_until_it_says(
            process,
            role,
            Some("or send smaller records: `kafka.record_bytes_max = 98304`"),
        );
    }
    operator.set(EVENTS, &[GOOD]).unwrap();
    for (process, role) in all {
        wait_until_it_says(process, role, None);
        let values = readiness::values(process, TOPIC_SETTINGS_WRONG).unwrap();
        assert!(values.iter().all(|value| *value == 0.0), "{role}: {values:?}");
    }
    assert_eq!(collector.stop(), Some(0), "{}", collector.last_words());
}

/// What the operator is told to set is all that is needed.
fn small_records_go_through_a_topic_of_small_batches(world: &World, operator: &Operator) {
    operator.set(EVENTS, &[GOOD, ("max.message.bytes", "102400")]).unwrap();
    let told = ("DRIFTSEAL__KAFKA__RECORD_BYTES_MAX".to_owned(), "98304".to_owned());
    let mut collector = world.role_with("small", "collector", &BTreeMap::from([told]));
    wait_until_it_says(&collector, "collector", None);
    let (now, filler) = (now_ms(), "x".repeat(200));
    let body: String = (0..2_000)
        .map(|number| {
            let event = run("agent-3", "1", &format!("small-{number}"), now, false).to_string();
            format!("{},\"filler\":\"{filler}\"}}\n", event.strip_suffix('}').unwrap())
        })
        .collect();
    let mut stream = TcpStream::connect(readiness::address(&collector).unwrap()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("2000"), "{answer}");
    assert_eq!(collector.stop(), Some(0), "{}", collector.last_words());
    operator.set(EVENTS, &[GOOD]).unwrap();
}
