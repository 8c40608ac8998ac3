//! What a stranger writes into a partition has no effect, whatever it claims to be.

use std::sync::Arc;
use std::time::Duration;

use event::{
    Decoder, Event, EventBuilder, Limits, Timestamp, TimestampType, TopicPartition, column, kind,
};
use governance::{Refusal, Signer};
use merkle::note::SigningKey;
use monitor::Settings;
use ports::Outgoing;
use processor::Config;
use service::Role as _;
use sim::MemoryLog;

use crate::world::{as_owner, identity, installation, recomputed, unsigned, world};

const START_MS: i64 = 1_760_000_000_000;

fn partition() -> TopicPartition {
    TopicPartition::new("agent.events", 0)
}

fn append(log: &MemoryLog, event: &Event<'_>, at_ms: i64) {
    let record = Outgoing::event("agent.events", event).in_partition(0);
    log.append_at(record, START_MS + at_ms, TimestampType::LogAppendTime).unwrap();
}

fn runs(log: &MemoryLog, version: &str, numbers: std::ops::Range<i64>, every: i64) {
    for number in numbers {
        let event = EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::EVENT_ID, format!("run-{number}"))
            .set(column::EVENT_TIME, Timestamp::from_millis(START_MS + number * 1_000))
            .set(column::AGENT_ID, "a")
            .set(column::AGENT_VERSION, version)
            .set(column::run::STATUS, if number % every == 0 { "error" } else { "ok" })
            .build()
            .unwrap();
        append(log, &event, number * 1_000);
    }
}

fn start(log: &MemoryLog) -> processor::Processor {
    let monitor = Settings { tolerance: 0.05, ..Settings::default() };
    let config = Config { tick_interval_secs: 0, poll_wait_ms: 0, monitor, ..Config::default() };
    processor::Processor::start(config, Arc::new(log.clone()), identity()).unwrap()
}

fn drain(role: &mut processor::Processor) {
    let mut idle = 0;
    while idle < 5 {
        idle = if role.step(Duration::ZERO).unwrap() { 0 } else { idle + 1 };
    }
}

fn own(kind: &str) -> EventBuilder {
    EventBuilder::new(kind)
        .set(column::EVENT_ID, format!("forged-{kind}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(START_MS))
}

/// One of each kind that an owner writes, with what an attacker would like.
fn wishes() -> Vec<Event<'static>> {
    let mute = r#"{"average_run_length":1e300,"keys_max":1,"runbook_url":"https://evil.example"}"#;
    let wishes = [
        own(kind::MONITOR_CONFIGURED).set(column::monitor::SETTINGS, mute),
        own(kind::MONITOR_TICK).set(column::monitor::NEXT_OFFSET, -9_000_000_000_000_000_000),
        own(kind::MONITOR_STARTED)
            .set(column::monitor::FIRST_OFFSET, 0)
            .set(column::monitor::SEMANTICS, monitor::SEMANTICS),
    ];
    wishes.into_iter().map(|wish| wish.build().unwrap()).collect()
}

/// The owner's records, in order.
fn genuine(log: &MemoryLog) -> Vec<Event<'static>> {
    let decoder = Decoder::new(Limits::default());
    let batch = log.records(&partition()).unwrap();
    let events = batch.records().map(|record| decoder.decode(&record).event.into_owned());
    let is_own = |event: &Event<'_>| event.get(column::monitor::SIGNATURE).is_some();
    events.filter(is_own).collect()
}

fn alerts(log: &MemoryLog) -> Vec<Event<'static>> {
    let decoder = Decoder::new(Limits::default());
    let batch = log.records(&TopicPartition::new("driftseal.alerts", 0)).unwrap();
    batch.records().map(|record| decoder.decode(&record).event.into_owned()).collect()
}

fn of_kind<'e>(events: &'e [Event<'static>], kind: &str) -> Vec<&'e Event<'static>> {
    events.iter().filter(|event| event.text(column::KIND) == Some(kind)).collect()
}

#[test]
fn forged_and_copied_records_of_each_kind_change_nothing_and_are_reported_once() {
    let log = world(1);
    let mut role = start(&log);
    drain(&mut role);
    runs(&log, "v1", 0..300, 20);
    drain(&mut role);
    let tick = as_owner(&log, &partition(), own(kind::MONITOR_TICK).build().unwrap());
    append(&log, &tick, 300_000);
    drain(&mut role);
    let copies = genuine(&log);
    assert_eq!(copies.len(), 3, "the claim, the settings, the tick");
    let (_, before) = recomputed(&log, &partition());

    // As anybody writes them; with a key of one's own; and what the owner wrote, again.
    let stranger = SigningKey::from_seed("log.example.com/processor", [9; 32]).unwrap();
    let current = *before.ownership().current().unwrap();
    let claim = (current.history, current.epoch + 1);
    let signer = Signer::new(stranger, installation(), partition(), claim, current.owner);
    let signed = |wish: Event<'static>| {
        let is_start = wish.text(column::KIND) == Some(kind::MONITOR_STARTED);
        signer.clone().at(if is_start { 0 } else { 1_000 }).sign(wish)
    };
    let forged = wishes().into_iter().chain(wishes().into_iter().map(signed)).chain(copies);
    for event in forged {
        append(&log, &event, 301_000);
    }
    drain(&mut role);
    let (_, after) = recomputed(&log, &partition());
    assert_eq!(after.settings(), before.settings());
    assert_eq!(after.ownership(), before.ownership());
    let counted: Vec<_> = after.forged().iter().map(|(why, count)| (*why, *count)).collect();
    let expected = [
        (Refusal::Unsigned, 3),
        (Refusal::UnknownKey, 3),
        (Refusal::Superseded, 1),
        (Refusal::Copied, 2),
    ];
    assert_eq!(counted, expected);

    // The page is not prevented, and says what the owner configured.
    runs(&log, "v2", 302..800, 2);
    let tick = as_owner(&log, &partition(), own(kind::MONITOR_TICK).build().unwrap());
    append(&log, &tick, 801_000);
    drain(&mut role);
    role.finish().unwrap();
    let alerts = alerts(&log);
    assert!(!of_kind(&alerts, kind::DRIFT_ALERT_FIRING).is_empty());
    assert!(alerts.iter().all(|alert| alert.text(column::drift::RUNBOOK_URL).is_none()));
    assert!(alerts.iter().all(|a| a.text(column::drift::METRIC) != Some("monitor.lag")));
    let findings = of_kind(&alerts, kind::MONITOR_FORGED);
    assert_eq!(findings.len(), 1, "one finding for a tick");
    // A claim that lost is counted, but no finding: two owners that race write one honestly.
    assert_eq!(findings[0].int(column::monitor::FORGED), Some(8));
    let reasons: Vec<(&str, &str)> = findings[0]
        .map(column::monitor::FORGED_REASONS)
        .iter()
        .map(|(name, count)| (&**name, &**count))
        .collect();
    assert_eq!(reasons, [("copied", "2"), ("unknown_key", "3"), ("unsigned", "3")]);

    // All of it is what anybody computes, and all alerts are signed.
    let (outputs, _) = recomputed(&log, &partition());
    let of_alerts = |output: &monitor::Output| output.destination == monitor::Destination::Alerts;
    let expected: Vec<_> =
        outputs.into_iter().filter(of_alerts).map(|output| unsigned(output.event)).collect();
    let found: Vec<_> = alerts.iter().map(|alert| unsigned(alert.clone())).collect();
    assert_eq!(found, expected);
    for alert in &alerts {
        let place = ("agent.events", 0);
        assert!(governance::verify_alert(&identity().trust, place, alert).is_ok());
    }
}

#[test]
fn an_alert_that_a_stranger_wrote_does_not_keep_the_processor_from_its_own() {
    let log = world(1);
    runs(&log, "v1", 0..300, 20);
    runs(&log, "v2", 300..800, 2);
    let (outputs, _) = recomputed(&log, &partition());
    let fires = |output: &&monitor::Output| {
        output.event.text(column::KIND) == Some(kind::DRIFT_ALERT_FIRING)
    };
    let firing = outputs.iter().find(fires).unwrap().event.clone();
    // The same origin, so that it looks as if it was published.
    let record = Outgoing::event("driftseal.alerts", &firing).in_partition(0);
    log.append_at(record, START_MS, TimestampType::LogAppendTime).unwrap();
    let mut role = start_with_defaults(&log);
    drain(&mut role);
    role.finish().unwrap();
    let id = firing.text(column::EVENT_ID);
    let alerts = alerts(&log);
    let found: Vec<_> = alerts.iter().filter(|alert| alert.text(column::EVENT_ID) == id).collect();
    assert_eq!(found.len(), 2, "the stranger's and the processor's");
    let signed = |alert: &&&Event<'_>| alert.get(column::monitor::SIGNATURE).is_some();
    assert_eq!(found.iter().filter(signed).count(), 1);
}

fn start_with_defaults(log: &MemoryLog) -> processor::Processor {
    let config = Config { tick_interval_secs: 0, poll_wait_ms: 0, ..Config::default() };
    processor::Processor::start(config, Arc::new(log.clone()), identity()).unwrap()
}

#[test]
fn a_processor_with_a_key_that_nobody_trusts_does_not_start() {
    let log = world(1);
    let mut identity = identity();
    identity.key = SigningKey::from_seed("log.example.com/processor", [9; 32]).unwrap();
    let refused = processor::Processor::start(Config::default(), Arc::new(log), identity);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("is not among the processor's keys"), "{refused}");
}
