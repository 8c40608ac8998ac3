//! Settings are records of the partition: whoever has the records needs no configuration.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, Limits, TimestampType, TopicPartition, column, kind};
use monitor::{Output, Processor, Settings};
use ports::{EventLog as _, Outgoing, TopicSpec};
use processor::Config;
use service::Role as _;
use sim::MemoryLog;

const START_MS: i64 = 1_760_000_000_000;

fn config(monitor: Settings) -> Config {
    Config { tick_interval_secs: 0, poll_wait_ms: 0, monitor, ..Config::default() }
}

fn world() -> MemoryLog {
    let log = MemoryLog::new();
    let topics = Config::default().topics;
    let all = [topics.events, topics.metrics, topics.alerts, topics.state];
    let specs = all.map(|name| TopicSpec { name, partitions: 1, compacted: false });
    log.create_topics(&specs).unwrap();
    log
}

fn runs(log: &MemoryLog, version: &str, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let status = if number % 10 == 0 { "error" } else { "ok" };
        let value = format!(
            r#"{{"kind":"run.completed","event_id":"{number}","agent_id":"a",
                "agent_version":"{version}","run":{{"status":"{status}"}}}}"#
        );
        let record = Outgoing {
            topic: "agent.events".into(),
            partition: Some(0),
            key: Some(b"a".to_vec()),
            value: Some(value.into_bytes()),
            headers: Vec::new(),
        };
        log.append_at(record, START_MS + number * 1_000, TimestampType::LogAppendTime).unwrap();
    }
}

fn work(log: &MemoryLog, monitor: &Settings) {
    let mut role =
        processor::Processor::start(config(monitor.clone()), Arc::new(log.clone())).unwrap();
    let mut idle = 0;
    while idle < 5 {
        idle = if role.step(Duration::ZERO).unwrap() { 0 } else { idle + 1 };
    }
    role.finish().unwrap();
}

/// What anybody computes from the records alone.
fn recomputed(log: &MemoryLog) -> Vec<Output> {
    let decoder = Decoder::new(Limits::default());
    let mut processor = Processor::new(Settings::default(), "agent.events", 0);
    let batch = log.records(&TopicPartition::new("agent.events", 0)).unwrap();
    let handle = |record| processor.handle_record(&record, &decoder.decode(&record));
    batch.records().flat_map(handle).collect()
}

fn bounds(outputs: &[Output]) -> Vec<f64> {
    let bound = column::drift::BOUND;
    outputs.iter().filter_map(|output| output.event.number(bound)).collect()
}

/// Offsets of the records that change the settings.
fn configured(log: &MemoryLog) -> Vec<i64> {
    let decoder = Decoder::new(Limits::default());
    let batch = log.records(&TopicPartition::new("agent.events", 0)).unwrap();
    let is = |record: &_| {
        decoder.decode(record).event.text(column::KIND) == Some(kind::MONITOR_CONFIGURED)
    };
    batch.records().filter(is).map(|record| record.offset).collect()
}

#[test]
fn settings_hold_from_where_they_are_written_and_a_replay_finds_them() {
    let log = world();
    let tolerant = Settings { tolerance: 0.2, ..Settings::default() };
    work(&log, &tolerant);
    // Long baselines: those that are compared by a bound, which the tolerance is part of.
    runs(&log, "v1", 0..2_000);
    runs(&log, "v2", 2_000..4_000);
    work(&log, &tolerant);
    assert_eq!(configured(&log), [0], "an empty partition begins with them, and that is enough");
    work(&log, &Settings { tolerance: 0.3, ..Settings::default() });
    assert_eq!(configured(&log), [0, 4_001], "others follow when the end is reached");
    work(&log, &Settings { tolerance: 0.3, ..Settings::default() });
    runs(&log, "v3", 4_000..4_100);
    work(&log, &Settings { tolerance: 0.3, ..Settings::default() });
    assert_eq!(configured(&log), [0, 4_001], "and are not repeated");

    let outputs = recomputed(&log);
    let bounds = bounds(&outputs);
    assert!(bounds.len() == 2, "{bounds:?}");
    assert!((bounds[0] - 0.3).abs() < 1e-5 && (bounds[1] - 0.4).abs() < 1e-5, "{bounds:?}");
    let alerts = log.records(&TopicPartition::new("driftseal.alerts", 0)).unwrap();
    let metrics = log.records(&TopicPartition::new("driftseal.metrics", 0)).unwrap();
    let published: Vec<_> = metrics.records().chain(alerts.records()).collect();
    assert_eq!(published.len(), outputs.len());
    for output in outputs {
        let mut value = Vec::new();
        event::encode::encode(&output.event, &mut value);
        assert!(published.iter().any(|record| record.value == Some(&value[..])));
    }
}

#[test]
fn a_partition_with_default_settings_needs_no_record_of_them() {
    let log = world();
    runs(&log, "v1", 0..3);
    work(&log, &Settings::default());
    assert_eq!(configured(&log), Vec::<i64>::new());
}

#[test]
fn what_another_writer_puts_in_force_is_replaced_by_the_configured_settings() {
    let log = world();
    runs(&log, "v1", 0..3);
    let config = config(Settings::default());
    let mut role = processor::Processor::start(config, Arc::new(log.clone())).unwrap();
    let work = |role: &mut processor::Processor| {
        let mut idle = 0;
        while idle < 5 {
            idle = if role.step(Duration::ZERO).unwrap() { 0 } else { idle + 1 };
        }
    };
    work(&mut role);
    assert_eq!(configured(&log), Vec::<i64>::new());
    // With one metric in force, the monitor forgets all others.
    let value = r#"{"kind":"monitor.configured","event_id":"x","monitor":{"settings":"{}",
        "metrics":{"run.count":"1"},"detectors":{}}}"#;
    let record = Outgoing {
        topic: "agent.events".into(),
        partition: Some(0),
        key: None,
        value: Some(value.as_bytes().to_vec()),
        headers: Vec::new(),
    };
    log.append_at(record, START_MS + 10_000, TimestampType::LogAppendTime).unwrap();
    work(&mut role);
    assert_eq!(configured(&log), [3, 4], "the answer follows, and is not repeated");
    role.finish().unwrap();
    let decoder = Decoder::new(Limits::default());
    let mut processor = Processor::new(Settings::default(), "agent.events", 0);
    let batch = log.records(&TopicPartition::new("agent.events", 0)).unwrap();
    for record in batch.records() {
        let _outputs = processor.handle_record(&record, &decoder.decode(&record));
    }
    assert_eq!(processor.versions(), monitor::Catalogue::default().versions());
}
