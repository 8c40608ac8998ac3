//! How calm and how quick the monitor is on real data: versions split in two at random hardly ever
//! alarm, in any of their streams; large real changes are found within some 60 observations.
//!
//! The state machine alone, without log and services: hundreds of runs take seconds.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step fails the test; what was found is for whoever reads it"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;

use event::{
    Decoded, Event, EventBuilder, Headers, Record, Timestamp, TimestampType, column, kind,
};
use monitor::{Processor, Settings};
use tests::rng::Rng;
use tests::tables::{TRAJECTORIES_OF, Table, sources, trajectories};

const TOPIC: &str = "agent.events";

/// An alert: its metric, and how many runs of the second version came before it.
type Alarm = (String, usize);

fn event(kind: &str, id: String, number: usize, version: &str) -> EventBuilder {
    let time = 1_767_225_600_000 + i64::try_from(number).unwrap() * 1_000;
    EventBuilder::new(kind)
        .set(column::EVENT_ID, id)
        .set(column::EVENT_TIME, Timestamp::from_millis(time))
        .set(column::AGENT_ID, "a")
        .set(column::AGENT_VERSION, version)
        .set(column::RUN_ID, format!("run-{number}"))
}

/// The events of a row: its tools, if it says which, and the run.
fn events(table: &Table, row: &[String], number: usize, version: &str) -> Vec<Event<'static>> {
    let text = |names: &[&str]| {
        let at = table.header.iter().position(|column| names.contains(&column.as_str()));
        at.and_then(|at| row.get(at)).map(String::as_str).unwrap_or_default()
    };
    let mut events = Vec::new();
    for (call, tool) in text(&["tool_calls"]).split(' ').filter(|tool| !tool.is_empty()).enumerate()
    {
        let (name, status) = match tool.strip_suffix('!') {
            Some(name) => (name, "error"),
            None => (tool, "ok"),
        };
        let builder = event(kind::TOOL_COMPLETED, format!("{number}.{call}"), number, version)
            .set(column::tool::NAME, name)
            .set(column::tool::STATUS, status);
        events.push(builder.build().unwrap());
    }
    let milliseconds = text(&["latency_s", "agent_seconds"]).parse::<f64>().ok();
    let status = if text(&["valid", "is_resolved"]) == "1" { "ok" } else { "error" };
    let builder = event(kind::RUN_COMPLETED, number.to_string(), number, version)
        .set(column::run::STATUS, status)
        .set_some(column::run::STEPS, text(&["steps"]).parse::<i64>().ok())
        .set_some(column::run::DURATION_MS, milliseconds.map(|seconds| seconds * 1e3));
    events.push(builder.build().unwrap());
    events
}

/// Plays a table of two versions; the drift alerts that fire.
fn play(version_column: &str, table: &Table) -> Vec<Alarm> {
    let version_at = table.column(version_column);
    let mut processor = Processor::new(Settings::default(), TOPIC, 0);
    let (mut first, mut seen) = (None, 0);
    let mut alarms = Vec::new();
    for (number, row) in table.rows.iter().enumerate() {
        let version = row.get(version_at).map(String::as_str).unwrap_or_default();
        let first: &String = first.get_or_insert_with(|| version.to_owned());
        seen += usize::from(version != first);
        for event in events(table, row, number, version) {
            let time = event.time(column::EVENT_TIME).unwrap();
            let record = Record {
                topic: TOPIC,
                partition: 0,
                offset: processor.next_offset(),
                timestamp_ms: time.millis(),
                timestamp_type: TimestampType::LogAppendTime,
                key: None,
                value: None,
                headers: Headers::default(),
            };
            let decoded = Decoded { event, schema_id: Cow::Borrowed("none"), fault: None };
            for output in processor.handle_record(&record, &decoded) {
                if output.event.text(column::KIND) == Some(kind::DRIFT_ALERT_FIRING) {
                    let metric = output.event.text(column::drift::METRIC).unwrap_or_default();
                    alarms.push((metric.to_owned(), seen));
                }
            }
        }
    }
    alarms
}

#[test]
fn one_version_split_in_two_at_random_hardly_ever_alarms() {
    let (mut runs, mut alarmed) = (0, 0);
    let mut rng = Rng::new(20_260_102);
    let mut split = |name: &str, table: &Table, version, columns: (&str, &str)| {
        let (mut found, mut metrics) = (0, BTreeMap::<String, usize>::new());
        for _ in 0..50 {
            let table = table.split_in_two(version, columns, &mut rng);
            let alarms = play(columns.0, &table);
            found += usize::from(!alarms.is_empty());
            alarms.iter().for_each(|(metric, _)| *metrics.entry(metric.clone()).or_default() += 1);
        }
        println!("{name}, {}: {found} of 50, by {metrics:?}", version.0);
        (runs, alarmed) = (runs + 50, alarmed + found);
    };
    let (sources, trajectories) = (sources(), trajectories());
    for source in &sources {
        for version in &source.worse {
            split(source.name, &source.table, version, source.columns);
        }
    }
    split("tau-bench", &trajectories, &(TRAJECTORIES_OF, ""), ("agent_version", "trial"));
    println!("{alarmed} of {runs} permuted single versions alarmed");
    assert_eq!(runs, 250);
    assert!(20 * alarmed <= runs, "{alarmed} of {runs}: more than 5 %");
}

#[test]
fn large_real_changes_are_found_within_sixty_observations() {
    let mut rng = Rng::new(20_260_103);
    for source in &sources() {
        let mut delays: Vec<usize> = (0..50)
            .map(|_| {
                let table = source.table.in_order(&source.worse, source.columns, &mut rng);
                let alarms = play(source.columns.0, &table);
                alarms.iter().map(|(_, after)| *after).min().unwrap_or(usize::MAX)
            })
            .collect();
        delays.sort_unstable();
        let median = delays.get(delays.len() / 2).copied().unwrap();
        println!("{}: median {median}, slowest {:?} runs", source.name, delays.last());
        assert!(median <= 60, "{}: {delays:?}", source.name);
    }
}
