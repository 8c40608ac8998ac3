//! What senders write in other words, or twice: what counts as what, and what counts as nothing.

use event::{BatchBuilder, Decoder, Limits, TimestampType, TopicPartition, column, kind};
use monitor::{Output, Processor};

use crate::alerts::after_baseline;
use crate::world::*;

/// Runs like [`runs`], which write their status in these words instead of `ok` and `error`.
fn in_words(
    version: &str,
    from: i64,
    (count, share): (i64, f64),
    (ok, error): (&str, &str),
    numbers: &mut Numbers,
) -> Vec<Input> {
    let mut inputs = runs(version, from, count, share, numbers);
    for input in &mut inputs {
        let failed = input.event.text(column::run::STATUS) == Some("error");
        let word = if failed { error } else { ok };
        input.event.set(column::run::STATUS, word.to_owned().into());
    }
    inputs
}

/// `ERROR`, `failed` and `Failure` were successes: an error rate of 8 % that rose to 59 % fired
/// nothing.
#[test]
fn a_failure_in_other_words_is_a_failure() {
    for words in [("OK", "ERROR"), ("Success", "failed"), ("STATUS_CODE_OK", "Failure")] {
        let mut numbers = Numbers(1);
        let (mut processor, now) = after_baseline(&mut numbers);
        let worse = in_words("v2", now, (150, 0.5), words, &mut numbers);
        let outputs = feed_all(&mut processor, &worse);
        assert!(kinds(&outputs).contains(&kind::DRIFT_ALERT_FIRING), "{words:?}");
    }
}

#[test]
fn an_unknown_status_is_in_no_rate() {
    let mut processor = processor();
    let mut numbers = Numbers(7);
    // Half of them fail, and a third more says nothing that is known.
    let mut inputs = runs("v1", START, 40, 0.5, &mut numbers);
    let failed = inputs.iter().filter(|it| it.event.text(column::run::STATUS) == Some("error"));
    let failed = failed.count() as f64;
    inputs.extend(in_words("v1", START + 80 * SECOND, (20, 0.5), ("kaputt", "egal"), &mut numbers));
    let mut outputs = feed_all(&mut processor, &inputs);
    outputs.extend(feed(&mut processor, &tick(START + 60 * MINUTE)));
    let rates = windows(&outputs, "run.error_rate");
    let [rate] = &rates[..] else { panic!("{} windows", rates.len()) };
    assert_eq!(number(rate, column::metric::COUNT), Some(40.0));
    assert_eq!(number(rate, column::metric::VALUE), Some(failed / 40.0));
    // The runs themselves count.
    let [count] = &windows(&outputs, "run.count")[..] else { panic!("one window") };
    assert_eq!(number(count, column::metric::COUNT), Some(60.0));
}

/// Feeds a CloudEvent as it lies in the log.
fn cloud_event(processor: &mut Processor, source: &str, id: i64, status: &str) -> Vec<Output> {
    let value = format!(
        r#"{{"specversion":"1.0","type":"run.completed","source":"{source}","id":"{id}",
            "time":"2026-01-01T00:00:{id:02}Z","data":{{"agent_id":"a","run.status":"{status}"}}}}"#
    );
    let mut batch = BatchBuilder::new(TopicPartition::new(TOPIC, 0));
    let (offset, none) = (processor.next_offset(), std::iter::empty());
    let (at, by) = (START / 1_000 + id * 1_000, TimestampType::LogAppendTime);
    batch.push(offset, at, by, Some(b"a"), Some(value.as_bytes()), none);
    let batch = batch.build();
    let record = batch.records().next().unwrap();
    let decoded = Decoder::new(Limits::default()).decode(&record);
    assert_eq!(decoded.fault, None);
    processor.handle_record(&record, &decoded)
}

/// Metrics saw the first ten only.
#[test]
fn cloud_events_of_two_sources_with_the_same_ids_are_different_events() {
    let mut processor = processor();
    for id in 0..10 {
        cloud_event(&mut processor, "/pod-a", id, "ok");
    }
    for id in 0..10 {
        cloud_event(&mut processor, "/pod-b", id, "error");
    }
    // A repetition is one event.
    for id in 0..3 {
        cloud_event(&mut processor, "/pod-b", id, "error");
    }
    let outputs = feed(&mut processor, &tick(START + 60 * MINUTE));
    let [rate] = &windows(&outputs, "run.error_rate")[..] else { panic!("one window") };
    assert_eq!(number(rate, column::metric::COUNT), Some(20.0));
    assert_eq!(number(rate, column::metric::VALUE), Some(0.5));
    let without_effect = processor.counters().without_effect();
    assert!(without_effect.contains(&("duplicate", 3)), "{without_effect:?}");
}
