use event::{BatchBuilder, Decoder, TimestampType, TopicPartition, column, kind};
use monitor::{Destination, Processor, Settings};
use std::collections::BTreeMap;

use super::*;

const PLAN: Plan = Plan::ending_at(1_800_000_000_000);

#[test]
fn equal_seeds_give_equal_bytes_and_other_seeds_do_not() {
    let small = Plan { runs: 60, ..PLAN };
    assert_eq!(generate(&small), generate(&small));
    assert_ne!(generate(&small), generate(&Plan { seed: 8, ..small }));
}

#[test]
fn every_event_decodes_and_comes_in_order_and_numbered() {
    let messages = generate(&PLAN);
    assert!((20_000..40_000).contains(&messages.len()), "{}", messages.len());
    assert!(messages.is_sorted_by_key(|message| message.time_ms));
    let mut next: BTreeMap<String, i64> = BTreeMap::new();
    for message in &messages {
        assert!((PLAN.start_ms()..=PLAN.end_ms).contains(&message.time_ms));
        let event = event::decode::decode_json(message.body.as_bytes(), event::Limits::default())
            .unwrap_or_else(|fault| panic!("{fault}: {}", message.body));
        assert_eq!(event.text(column::AGENT_ID), Some(message.agent_id));
        if message.is_act {
            continue;
        }
        let source = event.text(column::source::ID).unwrap().to_owned();
        let seq = column::source::SEQ;
        let expected = next.entry(source).or_default();
        assert_eq!(event.int(seq), Some(*expected));
        *expected += 1;
    }
}

#[test]
fn the_second_version_of_one_agent_is_worse_and_of_the_other_is_not() {
    let mut runs: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for message in generate(&PLAN) {
        let value: Value = serde_json::from_str(&message.body).unwrap();
        if value["kind"] == kind::RUN_COMPLETED {
            let (count, errors) = runs.entry(value["agent_version"].to_string()).or_default();
            *count += 1.0;
            *errors += f64::from(u8::from(value["run"]["status"] == "error"));
        }
    }
    let rate = |version: &str| {
        let (count, errors) = runs[&format!("\"{version}\"")];
        assert!(count > 400.0, "{version}: {count}");
        errors / count
    };
    assert!((rate("refund-desk-v1") - 0.08).abs() < 0.02);
    assert!((rate("refund-desk-v2") - 0.22).abs() < 0.03);
    assert!((rate("doc-search-v7") - rate("doc-search-v8")).abs() < 0.03);
}

#[test]
fn strays_do_not_decode() {
    for (_, value) in strays() {
        assert!(event::decode::decode_json(&value, event::Limits::default()).is_err());
    }
}

/// Alerts of the traffic, without what tells when; and the number of its windows.
fn found(plan: &Plan) -> (Vec<String>, usize) {
    let mut processor = Processor::new(Settings::default(), "agent.events", 0);
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    let sent = generate(plan).into_iter().filter(|message| !message.is_act);
    for (offset, message) in (0..).zip(sent) {
        let (at_ms, headers) = (message.time_ms, std::iter::empty());
        let value = Some(message.body.as_bytes());
        batch.push(offset, at_ms, TimestampType::LogAppendTime, None, value, headers);
    }
    let (mut alerts, mut windows) = (Vec::new(), 0);
    let (batch, decoder) = (batch.build(), Decoder::default());
    for record in batch.records() {
        for output in processor.handle_record(&record, &decoder.decode(&record)) {
            let event = output.event;
            if output.destination == Destination::Metrics {
                windows += 1;
            }
            if event.text(column::KIND) == Some(kind::DRIFT_ALERT_FIRING) {
                let texts = [column::AGENT_VERSION, column::drift::METRIC, column::drift::SEVERITY]
                    .map(|column| event.text(column).unwrap().to_owned());
                let effect = event.number(column::drift::EFFECT);
                alerts.push(format!("{} {texts:?} {effect:?}", record.offset));
            }
        }
    }
    (alerts, windows)
}

/// What the README shows is what everybody sees; only instants and the number of windows, which
/// begin at full hours, are those of the run.
#[test]
fn the_same_is_found_at_any_hour() {
    let ends = [0, 150_000, 3_000_000, 39_600_001].map(|later_ms| PLAN.end_ms + later_ms);
    let runs = ends.map(|end_ms| found(&Plan { end_ms, ..PLAN }));
    let (first, _) = &runs[0];
    assert!(first.len() >= 6, "{first:?}");
    for (alerts, windows) in &runs {
        println!("{} alerts, {windows} windows", alerts.len());
        assert_eq!(alerts, first);
    }
    assert!(
        runs.iter().any(|(_, windows)| *windows != runs[0].1),
        "windows do not depend on the hour"
    );
}
