//! A monitor that begins without a state says where, and its outputs are compared with that state's.

#![expect(clippy::indexing_slicing, reason = "a failed step fails the test")]

use std::collections::BTreeSet;

use crate::world::*;
use event::{BatchBuilder, Decoded, Event, TimestampType, TopicPartition, column, kind};
use monitor::replay::{Doubt, Outcome, Replay, Start};
use monitor::{Destination, Output, SEMANTICS, Settings};

/// An output row, as it lies in its partition.
type Row = (Destination, Event<'static>);

/// What a monitor writes when it begins without a state.
fn started(first_offset: i64, semantics: i64, time: i64) -> Input {
    let event = builder(kind::MONITOR_STARTED, &format!("started-{first_offset}-{time}"), time)
        .set(column::monitor::FIRST_OFFSET, first_offset)
        .set(column::monitor::SEMANTICS, semantics)
        .build()
        .unwrap();
    Input { broker: time, event }
}

/// Two versions of an agent in turn, the second worse.
fn traffic(runs: i64) -> Vec<Input> {
    let mut numbers = Numbers(11);
    let one = |i: i64| {
        let (version, share) = if i % 400 < 200 { ("v1", 0.1) } else { ("v2", 0.5) };
        run(&i.to_string(), version, START + i * 20 * SECOND, numbers.chance(share))
    };
    (0..runs).map(one).collect()
}

fn show<T>(
    offset: i64,
    input: &Input,
    take: impl FnOnce(&event::Record<'_>, &Decoded<'_>) -> T,
) -> T {
    let mut batch = BatchBuilder::new(TopicPartition::new(TOPIC, 0));
    let kind = TimestampType::LogAppendTime;
    batch.push(offset, input.broker / 1_000, kind, None, None, std::iter::empty());
    let event = written(offset, 0, &input.event);
    let decoded = Decoded { event, schema_id: "none".into(), fault: None };
    let batch = batch.build();
    take(&batch.records().next().unwrap(), &decoded)
}

/// A monitor that computes the records from `first` up to `until`, and publishes what is not there.
fn compute(inputs: &[Input], (first, until): (i64, i64), semantics: i64, rows: &mut Vec<Row>) {
    let int = |event: &Event<'_>, column| event.int(column).unwrap();
    let place = |event: &Event<'_>| {
        (int(event, column::origin::OFFSET), int(event, column::origin::ORDINAL))
    };
    let mut there: BTreeSet<(i64, i64)> = rows.iter().map(|(_, event)| place(event)).collect();
    let mut processor = processor_with(Settings::default());
    for (offset, input) in (0..).zip(inputs).filter(|(offset, _)| (first..until).contains(offset)) {
        for output in show(offset, input, |r, d| processor.handle_record(r, d)) {
            let Output { destination, mut event, .. } = output;
            if there.insert(place(&event)) {
                event.set(column::origin::SEMANTICS, semantics.into());
                rows.push((destination, event));
            }
        }
    }
}

fn replay(first: i64, inputs: &[Input], starts: &[Start], rows: &[Row]) -> Outcome {
    let mut replay = Replay::new(TOPIC, 0, first, starts).with_ownership(ownership());
    for (offset, input) in (0..).zip(inputs).filter(|(offset, _)| *offset >= first) {
        show(offset, input, |r, d| replay.handle_record(r, d));
    }
    let mut next = [0, 0];
    for (destination, event) in rows {
        let next = &mut next[usize::from(*destination == Destination::Alerts)];
        replay.handle_output(*destination, *next, &published(*destination, event), &[]);
        *next += 1;
    }
    replay.finish()
}

fn starts(inputs: &[Input]) -> Vec<Start> {
    (0..).zip(inputs).filter_map(|(at, input)| Start::of(at, &input.event)).collect()
}

/// Records of which a second monitor knows only those from 300 on; it starts when there are 700, and
/// the first one had published up to 650.
fn world(earlier: i64) -> (Vec<Input>, Vec<Row>) {
    let mut inputs = traffic(1_200);
    inputs.insert(700, started(300, SEMANTICS, inputs[700].broker));
    let mut rows = Vec::new();
    compute(&inputs, (0, 650), earlier, &mut rows);
    compute(&inputs, (300, 1_201), SEMANTICS, &mut rows);
    (inputs, rows)
}

#[test]
fn a_lost_state_is_replayed_from_where_the_new_one_began() {
    let (inputs, rows) = world(SEMANTICS);
    let outcome = replay(0, &inputs, &starts(&inputs), &rows);
    assert_eq!((outcome.differences, &outcome.first), (0, &None), "{outcome:?}");
    assert_eq!(outcome.same.values().sum::<u64>(), rows.len() as u64);
    assert_eq!((outcome.not_comparable, outcome.doubt), (0, None));
    // Without the event the same rows look forged.
    let blind = replay(0, &inputs, &[], &rows);
    assert!(blind.differences > 0, "{blind:?}");
}

#[test]
fn what_was_altered_is_found_on_either_side_of_the_start() {
    let (inputs, rows) = world(SEMANTICS);
    let starts = starts(&inputs);
    let value = column::metric::VALUE;
    let offset = column::origin::OFFSET;
    let metrics: Vec<usize> =
        (0..rows.len()).filter(|at| rows[*at].1.get(value).is_some()).collect();
    for at in metrics.iter().copied().step_by(17) {
        let mut altered = rows.clone();
        altered[at].1.set(value, 0.123_456.into());
        let outcome = replay(0, &inputs, &starts, &altered);
        assert_eq!(outcome.differences, 1, "{at}");
        assert_eq!(
            outcome.first.unwrap().origin.map(|origin| origin.offset),
            rows[at].1.int(offset)
        );
    }
    let dropped = *metrics.iter().find(|at| rows[**at].1.int(offset).unwrap() > 800).unwrap();
    let mut less = rows.clone();
    less.remove(dropped);
    assert_eq!(replay(0, &inputs, &starts, &less).differences, 1);
}

#[test]
fn another_version_that_says_where_it_began_casts_no_doubt_behind_it() {
    let (inputs, rows) = world(SEMANTICS - 1);
    let outcome = replay(0, &inputs, &starts(&inputs), &rows);
    assert_eq!(outcome.differences, 0, "{outcome:?}");
    assert_eq!(outcome.doubt, Some((0, Doubt::EarlierVersion)));
    assert_eq!(outcome.doubt_until, Some(300));
    let value = column::metric::VALUE;
    let mut altered = rows.clone();
    let at = rows.iter().rposition(|(_, event)| event.get(value).is_some()).unwrap();
    altered[at].1.set(value, 0.123_456.into());
    assert_eq!(replay(0, &inputs, &starts(&inputs), &altered).differences, 1);
    assert_eq!(replay(0, &inputs, &[], &altered).differences, 0, "nothing is proved without it");
}

#[test]
fn an_archive_that_begins_late_is_as_good_as_any_behind_a_start() {
    let mut inputs = traffic(1_000);
    inputs.insert(500, started(200, SEMANTICS, inputs[500].broker));
    let mut rows = Vec::new();
    compute(&inputs, (200, 1_001), SEMANTICS, &mut rows);
    let outcome = replay(200, &inputs, &starts(&inputs), &rows);
    assert_eq!((outcome.differences, outcome.not_comparable), (0, 0));
    assert_eq!((outcome.doubt, outcome.doubt_until), (Some((200, Doubt::BeginsLate)), Some(500)));
    let value = column::metric::VALUE;
    let at = rows.iter().rposition(|(_, event)| event.get(value).is_some()).unwrap();
    rows[at].1.set(value, 0.123_456.into());
    assert_eq!(replay(200, &inputs, &starts(&inputs), &rows).differences, 1);
}

#[test]
fn a_monitor_that_starts_over_and_over_is_followed() {
    let mut inputs = traffic(1_200);
    let mut rows = Vec::new();
    compute(&inputs, (0, 500), SEMANTICS, &mut rows);
    // The second start is of the same record, the third of a later one, both before the first took over.
    for (at, first) in [(600, 300), (601, 300), (602, 310)] {
        inputs.insert(at, started(first, SEMANTICS, inputs[at].broker));
    }
    for range in [(300, 400), (300, 450), (310, 1_203)] {
        compute(&inputs, range, SEMANTICS, &mut rows);
    }
    let outcome = replay(0, &inputs, &starts(&inputs), &rows);
    assert_eq!((outcome.differences, &outcome.first), (0, &None), "{outcome:?}");
    assert_eq!(outcome.same.values().sum::<u64>(), rows.len() as u64);
}

#[test]
fn acknowledged_rows_that_are_not_sealed_are_counted() {
    let mut inputs = traffic(300);
    let mut rows = Vec::new();
    compute(&inputs, (0, 300), SEMANTICS, &mut rows);
    let count = |destination| rows.iter().filter(|(found, _)| *found == destination).count();
    let metrics = i64::try_from(count(Destination::Metrics)).unwrap();
    let event = builder(kind::MONITOR_TICK, "t", START)
        .set(column::monitor::METRICS_NEXT, metrics)
        .set(column::monitor::ALERTS_NEXT, 0_i64)
        .build()
        .unwrap();
    inputs.push(Input { broker: inputs[299].broker, event });
    assert_eq!(replay(0, &inputs, &[], &rows).acknowledged_not_sealed, 0);
    let last = rows.iter().rposition(|(found, _)| *found == Destination::Metrics).unwrap();
    rows.remove(last);
    let outcome = replay(0, &inputs, &[], &rows);
    assert_eq!((outcome.differences, outcome.acknowledged_not_sealed), (0, 1));
}
