//! Events and records to test with.

use std::sync::LazyLock;

use event::{
    BatchBuilder, Cell, CellType, ColumnId, Decoded, Decoder, Event, Limits, Record, Timestamp,
    TimestampType, TopicPartition, column, schema,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// Making one takes longer than decoding.
static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(Limits::default()));

/// Runs `then` on a record with that key, value and headers, at offset 7 of `t/0`.
pub(crate) fn with_record<T>(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(&str, Option<&[u8]>)],
    then: impl FnOnce(&Record<'_>) -> T,
) -> T {
    let mut builder = BatchBuilder::new(TopicPartition::new("t", 0));
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), *value));
    builder.push(7, 1_700_000_000_123, TimestampType::LogAppendTime, key, value, headers);
    let batch = builder.build();
    let record = batch.records().next().unwrap();
    then(&record)
}

/// Decodes a value without key and headers.
pub(crate) fn decode(value: &[u8]) -> Decoded<'static> {
    decode_by(&DECODER, value, &[])
}

/// Decodes a value with headers.
pub(crate) fn decode_by(
    decoder: &Decoder,
    value: &[u8],
    headers: &[(&str, Option<&[u8]>)],
) -> Decoded<'static> {
    with_record(None, Some(value), headers, |record| {
        let Decoded { event, schema_id, fault } = decoder.decode(record);
        Decoded { event: event.into_owned(), schema_id, fault }
    })
}

/// The single-object encoding of an event.
pub(crate) fn encode(event: &Event<'_>) -> Vec<u8> {
    let mut value = Vec::new();
    event::encode::encode(event, &mut value);
    value
}

/// Whether two events are the same, a NaN being the same as itself.
pub(crate) fn same(a: &Event<'_>, b: &Event<'_>) -> bool {
    let same = |a: &Cell<'_>, b: &Cell<'_>| match (a, b) {
        (Cell::Float(a), Cell::Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    };
    a.cells().len() == b.cells().len()
        && a.cells().iter().zip(b.cells()).all(|((i, a), (j, b))| i == j && same(a, b))
}

fn cell(cell_type: CellType) -> BoxedStrategy<Cell<'static>> {
    let text = || prop_oneof!["[a-zé/\"\\\\ ]{0,12}", ".{0,40}"];
    match cell_type {
        CellType::Bool => any::<bool>().prop_map(Cell::Bool).boxed(),
        CellType::Int => prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -70_i64..70]
            .prop_map(Cell::Int)
            .boxed(),
        CellType::Float => prop_oneof![
            any::<f64>(),
            any::<u64>().prop_map(f64::from_bits),
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(-0.0),
        ]
        .prop_map(Cell::Float)
        .boxed(),
        CellType::Text => text().prop_map(Cell::from).boxed(),
        CellType::Bytes => vec(any::<u8>(), 0..40).prop_map(Cell::from).boxed(),
        CellType::Time => {
            let (first, last) = (Timestamp::EARLIEST.micros(), Timestamp::LATEST.micros());
            prop_oneof![first..=last, Just(first), Just(last), Just(0)]
                .prop_map(Timestamp::from_micros)
                .prop_filter("an instant in another unit", |it| it.mistaken_unit().is_none())
                .prop_map(Cell::Time)
                .boxed()
        }
        CellType::Texts => vec(text(), 0..5).prop_map(Cell::from).boxed(),
        CellType::Map => btree_map(text(), text(), 0..5).prop_map(Cell::from).boxed(),
    }
}

/// Any event that the rules accept: known and unknown kinds, any columns.
pub(crate) fn any_event() -> impl Strategy<Value = Event<'static>> {
    let kinds: Vec<String> = schema().kinds().map(|kind| kind.name.clone()).collect();
    let kind = prop_oneof![proptest::sample::select(kinds), "[a-z]{1,9}\\.[a-z]{1,9}"];
    let columns: Vec<ColumnId> = schema().ids().collect();
    let optional = proptest::sample::subsequence(columns, 0..30).prop_flat_map(|chosen| {
        chosen
            .into_iter()
            .map(|id| (Just(id), cell(schema().column(id).cell_type)))
            .collect::<Vec<_>>()
    });
    (kind, "[a-z0-9-]{1,36}", "\\PC{1,20}", cell(CellType::Time), optional).prop_map(
        |(kind, event_id, agent_id, event_time, optional)| {
            let mut event = Event::empty();
            for (id, cell) in optional {
                event.set(id, cell);
            }
            event.set(column::KIND, kind.into());
            event.set(column::EVENT_ID, event_id.into());
            event.set(column::AGENT_ID, agent_id.into());
            event.set(column::EVENT_TIME, event_time);
            event.set(column::SCHEMA_VERSION, Cell::Int(schema::SCHEMA_VERSION));
            event
        },
    )
}
