//! A replay finds what was changed, dropped or added, and nothing else.

use crate::canary::{deployed, mixed_runs};
use crate::recalled::{pass, run_replay};
use crate::world::*;
use event::typed::Int;
use event::{
    BatchBuilder, Cell, ColumnId, Decoded, Event, Fault, Reason, TimestampType, TopicPartition,
    TypedColumn, column, kind,
};
use monitor::replay::{Difference, Doubt, Outcome, Replay, Start, What};
use monitor::{Catalogue, Destination};

/// A row of an output partition.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) destination: Destination,
    pub(crate) at: i64,
    pub(crate) event: Event<'static>,
}

/// A worse version, late events, ticks, and a record that did not decode (`None`).
pub(crate) fn inputs() -> Vec<Option<Input>> {
    let mut numbers = Numbers(5);
    let mut inputs = Vec::new();
    for i in 0..700_i64 {
        let time = START + i * 20 * SECOND;
        let (version, share) = if i < 400 { ("v1", 0.1) } else { ("v2", 0.5) };
        inputs.push(Some(run(&format!("r{i}"), version, time, numbers.chance(share))));
        if i % 9 == 0 {
            inputs.push(Some(eval(&format!("e{i}"), version, "s", time, i % 2 == 0)));
        }
        if i % 50 == 20 {
            inputs.push(Some(run(&format!("l{i}"), "v1", time - 20 * MINUTE, true)));
            inputs.push(None);
        }
    }
    // A canary that is worse, and is rolled back; calls of tools all along.
    let after = START + 14_000 * SECOND;
    let share = Some(0.3);
    inputs.push(Some(deployed(kind::AGENT_VERSION_DEPLOYED, "c", after, (None, "v3"), share)));
    for (i, input) in
        (0_i64..).zip(mixed_runs(after, 600, 0.3, ("v3", 0.9), ("v2", 0.5), &mut numbers))
    {
        let tool = builder(kind::TOOL_COMPLETED, &format!("t{i}"), input.broker)
            .set(column::AGENT_ID, "a")
            .set(column::AGENT_VERSION, "v2")
            .set(column::tool::NAME, if i % 3 == 0 { "read" } else { "search" })
            .build()
            .unwrap();
        inputs.push(Some(Input { broker: input.broker, event: tool }));
        inputs.push(Some(input));
    }
    let back = deployed(kind::AGENT_VERSION_ROLLED_BACK, "b", after, (Some("v3"), "v2"), None);
    inputs.push(Some(back));
    // Settings come with the records.
    inputs.insert(300, Some(configured(r#"{"lateness_secs":60}"#, START + 60 * MINUTE)));
    inputs.push(Some(tick(START + 24 * 60 * MINUTE)));
    inputs
}

/// Shows the record at an offset to `take`.
pub(crate) fn show<T>(
    offset: i64,
    inputs: &[Option<Input>],
    take: impl FnOnce(&event::Record<'_>, &Decoded<'_>) -> T,
) -> T {
    let mut batch = BatchBuilder::new(TopicPartition::new(TOPIC, 0));
    let (before, rest) = inputs.split_at(usize::try_from(offset).unwrap());
    let acts = before.iter().flatten().filter(|input| is_act(&input.event)).count();
    let acts = i64::try_from(acts).unwrap();
    let input = rest.first().unwrap().as_ref();
    let broker = input.map_or(0, |input| input.broker / 1_000);
    let kind = TimestampType::LogAppendTime;
    batch.push(offset, broker, kind, None, None, std::iter::empty());
    let fault = Fault { reason: Reason::Empty, pointer: String::new(), detail: String::new() };
    let event = input.map_or_else(Event::empty, |input| written(offset, acts, &input.event));
    let fault = input.is_none().then_some(fault);
    let decoded = Decoded { event, schema_id: "none".into(), fault };
    let batch = batch.build();
    take(&batch.records().next().unwrap(), &decoded)
}

/// What the processor gives, as rows.
pub(crate) fn rows(inputs: &[Option<Input>]) -> Vec<Row> {
    record_with(inputs, Catalogue::default())
}

/// What a processor with less than everything gives, as rows.
pub(crate) fn record_with(inputs: &[Option<Input>], catalogue: Catalogue) -> Vec<Row> {
    let mut processor = processor_of(catalogue);
    let (mut metrics, mut alerts) = (0_i64, 0_i64);
    let mut rows = Vec::new();
    for (offset, _) in (0..).zip(inputs) {
        for output in show(offset, inputs, |r, d| processor.handle_record(r, d)) {
            let next = match output.destination {
                Destination::Metrics => &mut metrics,
                Destination::Alerts => &mut alerts,
            };
            rows.push(Row { destination: output.destination, at: *next, event: output.event });
            *next += 1;
        }
    }
    rows
}

/// What the records tell of starts.
fn starts(inputs: &[Option<Input>]) -> Vec<Start> {
    let of = |(at, input): (i64, &Option<Input>)| Start::of(at, &input.as_ref()?.event);
    (0..).zip(inputs).filter_map(of).collect()
}

/// Replays the inputs from `first` on against these rows, each as soon as it can be.
fn replay_from(first: i64, inputs: &[Option<Input>], rows: &[Row]) -> Outcome {
    run_replay(
        || Replay::new(TOPIC, 0, first, &starts(inputs)).with_ownership(ownership()),
        first,
        inputs,
        rows,
    )
}

/// Replays them with less than everything.
pub(crate) fn replay_with(inputs: &[Option<Input>], rows: &[Row], catalogue: Catalogue) -> Outcome {
    let starts = starts(inputs);
    let replay = || {
        Replay::with_catalogue(TOPIC, 0, 0, &starts, catalogue.clone()).with_ownership(ownership())
    };
    run_replay(replay, 0, inputs, rows)
}

pub(crate) fn replay(inputs: &[Option<Input>], rows: &[Row]) -> Outcome {
    replay_from(0, inputs, rows)
}

fn set(event: &mut Event<'static>, column: impl Into<ColumnId>, cell: impl Into<Cell<'static>>) {
    event.set(column, cell.into());
}

fn int(event: &Event<'_>, column: TypedColumn<Int>) -> i64 {
    event.int(column).unwrap()
}

/// Place of the `n`th row of a kind.
fn nth(rows: &[Row], kind: &str, n: usize) -> usize {
    let of_kind = |(_, row): &(usize, &Row)| row.event.text(column::KIND) == Some(kind);
    rows.iter().enumerate().filter(of_kind).nth(n).unwrap().0
}

pub(crate) fn is_same(outcome: &Outcome, rows: usize) {
    assert_eq!((outcome.differences, &outcome.first), (0, &None), "{outcome:?}");
    assert_eq!(outcome.same.values().sum::<u64>(), rows as u64);
    assert_eq!((outcome.not_comparable, outcome.not_sealed, outcome.awaiting_input), (0, 0, 0));
}

#[test]
fn what_the_processor_said_is_the_same() {
    let inputs = inputs();
    let rows = rows(&inputs);
    let outcome = replay(&inputs, &rows);
    is_same(&outcome, rows.len());
    assert_eq!(outcome.records, inputs.len() as u64);
    assert_eq!(outcome.quarantined, 14);
    assert!(outcome.same_of("metric.") > 100, "{:?}", outcome.same);
    for kind in [
        kind::DRIFT_BASELINE_SET,
        kind::DRIFT_ALERT_PENDING,
        kind::DRIFT_ALERT_FIRING,
        kind::DRIFT_ALERT_RESOLVED,
        kind::DRIFT_CANARY_STARTED,
        kind::DRIFT_CANARY_ENDED,
    ] {
        assert!(outcome.same.contains_key(kind), "{:?}", outcome.same);
    }
}

#[test]
fn any_altered_field_of_any_output_is_found_there() {
    let inputs = inputs();
    let rows = rows(&inputs);
    let starts = starts(&inputs);
    let named = [kind::DRIFT_ALERT_FIRING, kind::DRIFT_CANARY_STARTED, kind::DRIFT_CANARY_ENDED];
    let named = named.map(|kind| nth(&rows, kind, 0));
    for index in (0..rows.len()).step_by(79).chain(named) {
        let original = &rows[index].event;
        let cells: Vec<_> = original.cells().to_vec();
        for (id, cell) in cells {
            let path = event::schema().column(id).path.as_str();
            let altered: Cell<'static> = match cell {
                // The smallest change that there is.
                Cell::Float(value) => f64::from_bits(value.to_bits() ^ 1).into(),
                Cell::Int(value) => (value + 1).into(),
                Cell::Text(value) => format!("{value} ").into(),
                Cell::Time(time) => event::Timestamp::from_micros(time.micros() + 1).into(),
                Cell::Bool(value) => (!value).into(),
                Cell::Texts(values) => {
                    values.into_iter().map(|value| format!("{value}x")).collect::<Vec<_>>().into()
                }
                Cell::Map(pairs) => {
                    let other = |(name, count)| (name, format!("{count}0").into());
                    Cell::Map(pairs.into_iter().map(other).collect())
                }
                Cell::Bytes(_) => panic!("{path}"),
            };
            let mut changed = rows.clone();
            changed[index].event.set(id, altered);
            let replay = Replay::new(TOPIC, 0, 0, &starts).with_ownership(ownership());
            // Hundreds of them: once each.
            let outcome = pass(replay, 0, &inputs, &changed).finish();
            if path == "schema_version" {
                is_same(&outcome, rows.len());
            } else if path == "origin.semantics" {
                assert_eq!((outcome.differences, outcome.not_comparable), (0, 1), "{path}");
            } else if path.starts_with("origin.") {
                // It is now another output, and the one it was is gone.
                assert!(outcome.differences + outcome.not_sealed >= 1, "{path}: {outcome:?}");
            } else {
                assert_eq!(outcome.differences, 1, "{path}");
                let first = outcome.first.unwrap();
                let origin = first.origin.unwrap();
                assert_eq!(origin.offset, int(original, column::origin::OFFSET));
                assert_eq!(origin.ordinal, int(original, column::origin::ORDINAL));
                assert_eq!(first.sealed_at, Some(rows[index].at));
                let What::Field { path: found, sealed, computed, others } = first.what else {
                    panic!("{path}: {:?}", first.what)
                };
                assert_eq!((found.as_str(), others), (path, 0));
                assert_ne!(sealed, computed, "{path}");
            }
        }
    }
}

#[test]
fn a_value_that_is_taken_away_or_added_is_found() {
    let inputs = inputs();
    let rows = rows(&inputs);
    let index = nth(&rows, kind::METRIC_WINDOW, 3);
    let mut changed = rows.clone();
    let mut less = Event::empty();
    for (id, cell) in rows[index].event.cells() {
        if event::schema().column(*id).path != "metric.value" {
            less.set(*id, cell.clone());
        }
    }
    changed[index].event = less;
    let field = |outcome: Outcome| match outcome.first.unwrap().what {
        What::Field { path, sealed, computed, others } => {
            (path, sealed, computed.is_some(), others)
        }
        other @ (What::Event | What::Missing | What::Unexplained | What::Unsigned { .. }) => {
            panic!("{other:?}")
        }
    };
    let found = field(replay(&inputs, &changed));
    assert_eq!(found, ("metric.value".to_owned(), None, true, 0));
    changed = rows.clone();
    set(&mut changed[index].event, column::ATTRIBUTES, std::collections::BTreeMap::new());
    let found = field(replay(&inputs, &changed));
    assert_eq!(found, ("attributes".to_owned(), Some(String::new()), false, 0));
}

#[test]
fn a_dropped_output_is_missing_unless_it_was_the_last() {
    let inputs = inputs();
    let rows = rows(&inputs);
    for kind in [kind::METRIC_WINDOW, kind::DRIFT_ALERT_PENDING] {
        let mut less = rows.clone();
        let dropped = less.remove(nth(&rows, kind, 0));
        let outcome = replay(&inputs, &less);
        assert_eq!(outcome.differences, 1);
        let Difference { sealed_at, origin, subject, what, .. } = outcome.first.unwrap();
        assert_eq!((sealed_at, what), (None, What::Missing));
        assert_eq!(origin.unwrap().offset, int(&dropped.event, column::origin::OFFSET));
        assert_eq!(subject.event_id.as_deref(), dropped.event.text(column::EVENT_ID));
    }
    let last = rows.iter().rposition(|row| row.destination == Destination::Alerts).unwrap();
    let mut less = rows.clone();
    less.remove(last);
    let outcome = replay(&inputs, &less);
    assert_eq!((outcome.differences, outcome.not_sealed), (0, 1));
    let nothing = replay(&inputs, &[]);
    assert_eq!((nothing.differences, nothing.not_sealed), (0, rows.len() as u64));
}

#[test]
fn an_output_that_nothing_computes_is_found() {
    let inputs = inputs();
    let rows = rows(&inputs);
    let at = nth(&rows, kind::METRIC_WINDOW, 10);
    let add = |change: &dyn Fn(&mut Event<'static>)| {
        let mut more = rows.clone();
        let mut row = rows[at].clone();
        row.at = 1_000_000;
        change(&mut row.event);
        more.insert(at + 1, row);
        replay(&inputs, &more)
    };
    let origins: [&dyn Fn(&mut Event<'static>); 5] = [
        &|event| set(event, column::origin::ORDINAL, 99_999),
        &|event| set(event, column::origin::ORDINAL, -1),
        &|event| set(event, column::origin::OFFSET, -1),
        &|event| set(event, column::origin::PARTITION, 1),
        &|event| set(event, column::origin::TOPIC, "elsewhere"),
    ];
    for change in origins {
        let outcome = add(change);
        assert_eq!(outcome.differences, 1);
        let first = outcome.first.unwrap();
        assert_eq!((first.sealed_at, first.what), (Some(1_000_000), What::Unexplained));
    }
    // Without any origin; the act of a person has none either.
    let bare = |kind: &'static str| {
        move |event: &mut Event<'static>| *event = builder(kind, "x", START).build().unwrap()
    };
    assert_eq!(add(&bare(kind::METRIC_WINDOW)).differences, 1);
    assert_eq!(add(&bare(kind::DRIFT_ALERT_FIRING)).differences, 1);
    for kind in [kind::DRIFT_ALERT_ACKNOWLEDGED, kind::RUN_COMPLETED] {
        let outcome = add(&bare(kind));
        is_same(&outcome, rows.len());
        assert_eq!(outcome.other_events, 1);
    }
}

#[test]
fn copies_are_counted_and_must_be_the_same() {
    let inputs = inputs();
    let rows = rows(&inputs);
    // A zombie appends a piece again, much later, and two pieces come in the wrong order.
    let mut more = rows.clone();
    more.extend_from_slice(&rows[20..60]);
    more[100..140].rotate_left(20);
    let outcome = replay(&inputs, &more);
    is_same(&outcome, rows.len());
    assert_eq!(outcome.repeated, 40);

    let copy = more.len() - 1;
    set(&mut more[copy].event, column::metric::VALUE, 0.123);
    let outcome = replay(&inputs, &more);
    assert_eq!((outcome.differences, outcome.repeated), (1, 39));
    let first = outcome.first.unwrap();
    let found = matches!(&first.what, What::Field { path, .. } if path == "metric.value");
    assert!(found, "{first:?}");
}

#[test]
fn a_copy_of_another_version_hides_no_difference() {
    let inputs = inputs();
    let mut rows = rows(&inputs);
    let at = nth(&rows, kind::METRIC_WINDOW, 30);
    let mut copy = rows[at].clone();
    set(&mut copy.event, column::origin::SEMANTICS, monitor::SEMANTICS + 1);
    set(&mut rows[at].event, column::metric::VALUE, 0.123);
    // It also casts a doubt, but only on what comes after it.
    let later = int(&rows[nth(&rows, kind::METRIC_WINDOW, 100)].event, column::origin::OFFSET);
    let mut doubtful = copy.clone();
    set(&mut doubtful.event, column::origin::OFFSET, later);
    rows.push(doubtful);
    assert_eq!(replay(&inputs, &rows).differences, 1);
    rows.push(copy);
    let outcome = replay(&inputs, &rows);
    assert!(outcome.differences + outcome.not_comparable > 1 && outcome.first.is_some());
}

#[test]
fn outputs_of_unsealed_records_wait_at_the_end_only() {
    let inputs = inputs();
    let rows = rows(&inputs);
    let known = 600;
    let later = |row: &&Row| int(&row.event, column::origin::OFFSET) >= 600;
    let waiting = rows.iter().filter(later).count() as u64;
    let outcome = replay(&inputs[..known], &rows);
    assert_eq!((outcome.differences, outcome.not_comparable), (0, 0));
    assert_eq!(outcome.awaiting_input, waiting);

    let mut forged = rows.clone();
    set(&mut forged[3].event, column::origin::OFFSET, 1_000_000);
    let outcome = replay(&inputs, &forged);
    assert_eq!((outcome.differences, outcome.not_comparable), (1, 1));
    assert_eq!(outcome.first.unwrap().what, What::Missing);
}

#[test]
fn from_a_doubt_on_a_difference_proves_nothing() {
    let inputs = inputs();
    let rows = rows(&inputs);
    let tail: Vec<Row> =
        rows.iter().filter(|row| int(&row.event, column::origin::OFFSET) >= 300).cloned().collect();
    // The processor knew what came before; nobody else does.
    let outcome = replay_from(300, &inputs, &tail);
    assert_eq!(outcome.doubt, Some((300, Doubt::BeginsLate)));
    assert_eq!(outcome.differences, 0);
    assert!(outcome.not_comparable > 0 && outcome.first.is_some());
    // What is the same is the same.
    assert!(outcome.same_of("metric.") > 10, "{:?}", outcome.same);
    let outcome = replay_from(300, &inputs, &rows);
    assert_eq!(outcome.differences, 0, "origins before the archive are no difference");
}

#[test]
fn before_a_doubt_a_difference_is_one() {
    let inputs = inputs();
    let mut rows = rows(&inputs);
    let (early, late) = (nth(&rows, kind::METRIC_WINDOW, 5), nth(&rows, kind::METRIC_WINDOW, 120));
    set(&mut rows[early].event, column::metric::VALUE, 0.5);
    set(&mut rows[late].event, column::metric::VALUE, 0.5);
    let border = int(&rows[late].event, column::origin::OFFSET);
    set(&mut rows[late + 1].event, column::origin::SEMANTICS, monitor::SEMANTICS + 1);
    let outcome = replay(&inputs, &rows);
    assert_eq!((outcome.differences, outcome.not_comparable), (1, 2));
    let (from, why) = outcome.doubt.unwrap();
    assert!(from >= border && why == Doubt::LaterVersion);
    assert_eq!(outcome.other_versions, [(monitor::SEMANTICS + 1, 1)].into());

    set(&mut rows[late + 1].event, column::origin::SEMANTICS, monitor::SEMANTICS - 1);
    let outcome = replay(&inputs, &rows);
    assert_eq!((outcome.differences, outcome.not_comparable), (0, 3));
    assert_eq!(outcome.doubt, Some((0, Doubt::EarlierVersion)));
}

#[test]
fn outputs_that_may_be_among_lost_rows_are_not_missing() {
    let inputs = inputs();
    let rows = rows(&inputs);
    let outcome = |dropped: usize, lost_at: usize| {
        let mut replay = Replay::new(TOPIC, 0, 0, &[]).with_ownership(ownership());
        for (offset, _) in (0..).zip(&inputs) {
            show(offset, &inputs, |r, d| replay.handle_record(r, d));
        }
        for (index, row) in rows.iter().enumerate() {
            if index == lost_at {
                replay.lost_outputs(Destination::Metrics);
            }
            if index != dropped {
                let event = published(row.destination, &row.event);
                replay.handle_output(row.destination, row.at, &event, &[]);
            }
        }
        let outcome = replay.finish();
        (outcome.differences, outcome.not_comparable)
    };
    let metric = |n| nth(&rows, kind::METRIC_WINDOW, n);
    assert_eq!(outcome(metric(50), metric(50)), (0, 1));
    assert_eq!(outcome(metric(0), 0), (0, 1));
    assert_eq!(outcome(metric(60), metric(50)), (1, 0));
    assert_eq!(outcome(metric(40), metric(50)), (1, 0));
    let alert = nth(&rows, kind::DRIFT_ALERT_PENDING, 0);
    assert_eq!(outcome(alert, alert), (1, 0), "another partition lost rows");
}

#[test]
fn erased_fields_of_an_output_are_left_out() {
    let inputs = inputs();
    let rows = rows(&inputs);
    let at = nth(&rows, kind::DRIFT_ALERT_FIRING, 0);
    let reason = column::drift::LAST_CHANGE.id();
    let examples = column::drift::EXAMPLE_RUNS.id();
    let mut rest = Event::empty();
    for (id, cell) in rows[at].event.cells() {
        if *id != examples {
            rest.set(*id, cell.clone());
        }
    }
    let outcome = |event: &Event<'static>| {
        let mut replay = Replay::new(TOPIC, 0, 0, &[]).with_ownership(ownership());
        for (offset, _) in (0..).zip(&inputs) {
            show(offset, &inputs, |r, d| replay.handle_record(r, d));
        }
        for (index, row) in rows.iter().enumerate() {
            if index == at {
                replay.handle_output(row.destination, row.at, event, &[examples, reason]);
            } else {
                let event = published(row.destination, &row.event);
                replay.handle_output(row.destination, row.at, &event, &[]);
            }
        }
        replay.finish()
    };
    let erased = outcome(&rest);
    is_same(&erased, rows.len());
    assert_eq!(erased.erased_fields, 2);
    set(&mut rest, column::drift::E_VALUE, 1.0);
    assert_eq!(outcome(&rest).differences, 1);
}
