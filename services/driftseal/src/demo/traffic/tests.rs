use event::{column, kind};
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
