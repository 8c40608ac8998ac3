//! Settings are records of the partition: whoever has the records needs no configuration.

use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, Limits, TimestampType, TopicPartition, column, kind};
use monitor::{Output, Settings};
use ports::Outgoing;
use processor::Config;
use service::Role as _;
use sim::MemoryLog;

use crate::world::{identity, recomputed, unsigned, world};

const START_MS: i64 = 1_760_000_000_000;

fn config(monitor: Settings) -> Config {
    Config { tick_interval_secs: 0, poll_wait_ms: 0, monitor, ..Config::default() }
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
    let log = Arc::new(log.clone());
    let mut role = processor::Processor::start(config(monitor.clone()), log, identity()).unwrap();
    let mut idle = 0;
    while idle < 5 {
        idle = if role.step(Duration::ZERO).unwrap() { 0 } else { idle + 1 };
    }
    role.finish().unwrap();
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
    let log = world(1);
    let tolerant = Settings { tolerance: 0.2, ..Settings::default() };
    work(&log, &tolerant);
    // Long baselines: those that are compared by a bound, which the tolerance is part of.
    runs(&log, "v1", 0..2_000);
    runs(&log, "v2", 2_000..4_000);
    work(&log, &tolerant);
    assert_eq!(configured(&log), [1], "an empty partition begins with them, and that is enough");
    work(&log, &Settings { tolerance: 0.3, ..Settings::default() });
    // Three claims and the runs.
    assert_eq!(configured(&log), [1, 4_004], "others follow when the end is reached");
    work(&log, &Settings { tolerance: 0.3, ..Settings::default() });
    runs(&log, "v3", 4_000..4_100);
    work(&log, &Settings { tolerance: 0.3, ..Settings::default() });
    assert_eq!(configured(&log), [1, 4_004], "and are not repeated");

    let (outputs, _) = recomputed(&log, &TopicPartition::new("agent.events", 0));
    let bounds = bounds(&outputs);
    assert!(bounds.len() == 2, "{bounds:?}");
    assert!((bounds[0] - 0.3).abs() < 1e-5 && (bounds[1] - 0.4).abs() < 1e-5, "{bounds:?}");
    let alerts = log.records(&TopicPartition::new("driftseal.alerts", 0)).unwrap();
    let metrics = log.records(&TopicPartition::new("driftseal.metrics", 0)).unwrap();
    let decoder = Decoder::new(Limits::default());
    let plain = |record: event::Record<'_>| unsigned(decoder.decode(&record).event.into_owned());
    let published: Vec<_> = metrics.records().chain(alerts.records()).map(plain).collect();
    assert_eq!(published.len(), outputs.len());
    for output in outputs {
        assert!(published.contains(&unsigned(output.event)));
    }
}

#[test]
fn a_partition_with_default_settings_needs_no_record_of_them() {
    let log = world(1);
    runs(&log, "v1", 0..3);
    work(&log, &Settings::default());
    assert_eq!(configured(&log), Vec::<i64>::new());
}
