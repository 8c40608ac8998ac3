//! How calm and how quick the monitor is on real data: versions split in two at random hardly ever
//! alarm, in any of their streams; large real changes are found within some 60 observations.
//!
//! The state machine alone, without log and services: hundreds of runs take seconds.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step fails the test; what was found is for whoever reads it"
)]

use std::borrow::Cow;

use event::{Decoded, Event, EventBuilder, Headers, Record, Timestamp, TimestampType};
use monitor::{Processor, Settings};
use tests::rng::Rng;
use tests::tables::{Source, Table, sources};

const TOPIC: &str = "agent.events";

/// An alert: its metric, and how many runs of the second version came before it.
type Alarm = (String, usize);

fn run(number: usize, version: &str, failed: bool, milliseconds: Option<f64>) -> Event<'static> {
    let time = 1_767_225_600_000 + i64::try_from(number).unwrap() * 1_000;
    EventBuilder::new("run.completed")
        .set("event_id", format!("{number}"))
        .set("event_time", Timestamp::from_millis(time))
        .set("agent_id", "a")
        .set("agent_version", version)
        .set("run_id", format!("run-{number}"))
        .set("run.status", if failed { "error" } else { "ok" })
        .set_some("run.duration_ms", milliseconds)
        .build()
        .unwrap()
}

/// Plays a table of two versions; the drift alerts that fire.
fn play(source: &Source, table: &Table) -> Vec<Alarm> {
    let column = |names: &[&str]| {
        let found = names.iter().find(|name| table.header.iter().any(|column| column == *name));
        table.column(found.unwrap())
    };
    let version_at = column(&[source.columns.0]);
    let passed_at = column(&["valid", "is_resolved"]);
    let seconds_at = column(&["latency_s", "agent_seconds"]);
    let mut processor = Processor::new(Settings::default(), TOPIC, 0);
    let (mut first, mut seen) = (None, 0);
    let mut alarms = Vec::new();
    for (number, row) in table.rows.iter().enumerate() {
        let text = |at: usize| row.get(at).map(String::as_str).unwrap_or_default();
        let version = text(version_at);
        let first: &String = first.get_or_insert_with(|| version.to_owned());
        seen += usize::from(version != first);
        let milliseconds = text(seconds_at).parse::<f64>().ok().map(|seconds| seconds * 1e3);
        let event = run(number, version, text(passed_at) != "1", milliseconds);
        let record = Record {
            topic: TOPIC,
            partition: 0,
            offset: i64::try_from(number).unwrap(),
            timestamp_ms: event.time(event::schema().id("event_time").unwrap()).unwrap().millis(),
            timestamp_type: TimestampType::LogAppendTime,
            key: None,
            value: None,
            headers: Headers::default(),
        };
        let decoded = Decoded { event, schema_id: Cow::Borrowed("none"), fault: None };
        for output in processor.handle_record(&record, &decoded) {
            if output.event.text_at("kind") == Some("drift.alert.firing") {
                let metric = output.event.text_at("drift.metric").unwrap_or_default().to_owned();
                alarms.push((metric, seen));
            }
        }
    }
    alarms
}

#[test]
fn one_version_split_in_two_at_random_hardly_ever_alarms() {
    let (mut runs, mut alarmed) = (0, 0);
    let mut rng = Rng::new(20_260_102);
    for source in &sources() {
        for version in &source.worse {
            for _ in 0..50 {
                let table = source.table.split_in_two(version, source.columns, &mut rng);
                let alarms = play(source, &table);
                runs += 1;
                alarmed += u32::from(!alarms.is_empty());
            }
        }
    }
    println!("{alarmed} of {runs} permuted single versions alarmed");
    assert_eq!(runs, 200);
    assert!(alarmed <= 10, "{alarmed} of {runs}: more than 5 %");
}

#[test]
fn large_real_changes_are_found_within_sixty_observations() {
    let mut rng = Rng::new(20_260_103);
    for source in &sources() {
        let mut delays: Vec<usize> = (0..50)
            .map(|_| {
                let table = source.table.in_order(&source.worse, source.columns, &mut rng);
                let alarms = play(source, &table);
                alarms.iter().map(|(_, after)| *after).min().unwrap_or(usize::MAX)
            })
            .collect();
        delays.sort_unstable();
        let median = delays.get(delays.len() / 2).copied().unwrap();
        println!("{}: median {median}, slowest {:?} runs", source.name, delays.last());
        assert!(median <= 60, "{}: {delays:?}", source.name);
    }
}
