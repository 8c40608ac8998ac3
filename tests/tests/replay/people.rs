//! What others than agents and owners write: people, and strangers.

use event::{EventBuilder, Timestamp, TopicPartition, column, kind};
use sim::MemoryLog;

use crate::world::{EVENTS, GOVERNANCE, PARTITIONS, START_MS, append, outgoing, owner};

/// What people decide, `number` times: each time something else.
pub(crate) fn decide(log: &MemoryLog, number: u8) {
    let now = log.records(&TopicPartition::new(EVENTS, 0)).unwrap();
    let now = now.records().last().map_or(START_MS, |record| record.timestamp_ms);
    // What owners write is stamped by the same clock.
    log.set_now_ms(now);
    let act = |kind: &str| {
        EventBuilder::new(kind)
            .set(column::EVENT_ID, format!("act-{number}"))
            .set(column::EVENT_TIME, Timestamp::from_millis(now))
            .set(column::actor::ID, "ana")
    };
    let of_agent = |kind: &str| act(kind).set(column::AGENT_ID, format!("agent-{:02}", number % 3));
    let until = Timestamp::from_millis(now + 5 * 60_000);
    let event = match number % 6 {
        0 => of_agent(kind::AGENT_VERSION_DEPLOYED)
            .set(column::agent::TO_VERSION, "2")
            .set(column::agent::TRAFFIC_SHARE, 0.3),
        1 => of_agent(kind::DRIFT_SUPPRESSION_STARTED).set(column::drift::UNTIL, until),
        2 => of_agent(kind::CHANGE_IMPLEMENTED).set(column::change::TO_VERSION, "2"),
        3 => act(kind::MAINTENANCE_STARTED)
            .set(column::maintenance::ID, format!("act-{number}"))
            .set(column::maintenance::UNTIL, until),
        4 => of_agent(kind::DRIFT_BASELINE_PINNED),
        _ => of_agent(kind::AGENT_VERSION_ROLLED_BACK).set(column::agent::TO_VERSION, "1"),
    };
    let signed = owner().act(number, event.build().unwrap());
    append(log, outgoing(GOVERNANCE, 0, None, &signed), now);
}

/// What an attacker writes into every partition: records of each kind that only the owner writes.
pub(crate) fn forge(log: &MemoryLog) {
    let event = |kind: &str| {
        EventBuilder::new(kind)
            .set(column::EVENT_ID, format!("forged-{kind}"))
            .set(column::EVENT_TIME, Timestamp::from_millis(START_MS))
    };
    let late =
        event(kind::MONITOR_TICK).set(column::monitor::NEXT_OFFSET, -9_000_000_000_000_000_000);
    let acknowledged = event(kind::MONITOR_TICK).set(column::monitor::ALERTS_NEXT, i64::MAX);
    let started = event(kind::MONITOR_STARTED)
        .set(column::monitor::FIRST_OFFSET, 0)
        .set(column::monitor::SEMANTICS, monitor::SEMANTICS);
    let mute = event(kind::MONITOR_CONFIGURED)
        .set(column::monitor::SETTINGS, r#"{"average_run_length":1e300}"#);
    for forged in [late.clone(), late.clone(), late, acknowledged, started, mute] {
        let forged = forged.build().unwrap();
        for partition in 0..PARTITIONS {
            let topic = TopicPartition::new(EVENTS, partition);
            let batch = log.records(&topic).unwrap();
            let now = batch.records().last().map_or(START_MS, |record| record.timestamp_ms);
            append(log, outgoing(EVENTS, partition, None, &forged), now);
        }
    }
}
