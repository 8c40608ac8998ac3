//! `events.csv`: the events in the period, for people with a spreadsheet.
//!
//! Position and time of the record first, then the columns that some event fills, the most telling
//! ones first. Instants are RFC 3339, bytes base64, lists and maps JSON. A text that a spreadsheet
//! would take for a formula gets an apostrophe in front; the Parquet slice holds the exact values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use event::{Cell, ColumnId};
use segment::fault::Fault;
use segment::read::ReadError;
use segment::slice;
use serde_json::{Map, Value};

use crate::scope::{Scope, instant};
use crate::summary::Summary;

/// Columns that come first.
const FIRST: [&str; 6] = ["kind", "event_time", "agent_id", "agent_version", "run_id", "event_id"];

/// Columns of the record.
const RECORD: [&str; 5] =
    ["kafka_timestamp", "kafka_topic", "kafka_partition", "kafka_offset", "schema_id"];

/// The CSV of the events in the period.
pub(crate) fn render(scope: &Scope, summary: &Summary, events: &Bytes) -> Result<Vec<u8>, Fault> {
    let schema = event::schema();
    let first = FIRST.iter().filter_map(|path| schema.id(path));
    let first: Vec<ColumnId> = first.filter(|id| summary.columns.contains(id)).collect();
    let others = summary.columns.iter().copied().filter(|id| !first.contains(id));
    let columns: Vec<ColumnId> = first.iter().copied().chain(others).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = columns.iter().map(|id| schema.column(*id).path.as_str());
    let mut written = writer.write_record(RECORD.into_iter().chain(header));
    slice::for_each_row(events, |partition, row| {
        if scope.contains(row.timestamp_ms) && written.is_ok() {
            let record = [
                instant(row.timestamp_ms),
                guard(&partition.topic),
                partition.partition.to_string(),
                row.offset.to_string(),
                guard(row.schema_id),
            ];
            let cells = columns.iter().map(|id| row.event.get(*id).map_or_else(String::new, text));
            written = writer.write_record(record.into_iter().chain(cells));
        }
        Ok::<(), ReadError>(())
    })
    .map_err(|error| Fault::new("events.csv", "events.parquet", "a slice", error.to_string()))?;
    // Writing to memory fails only if a record had another number of fields.
    written
        .map_err(|error| error.to_string())
        .and_then(|()| writer.into_inner().map_err(|error| error.to_string()))
        .map_err(|error| Fault::new("events.csv", "events.csv", "a table", error))
}

fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
        Cell::Text(value) => guard(value),
        Cell::Bytes(value) => BASE64.encode(value),
        Cell::Time(value) => {
            value.to_rfc3339().unwrap_or_else(|| format!("{} µs since the epoch", value.micros()))
        }
        Cell::Texts(values) => {
            Value::Array(values.iter().map(|value| Value::from(value.as_ref())).collect())
                .to_string()
        }
        Cell::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| (key.clone().into_owned(), Value::from(value.as_ref())));
            Value::Object(pairs.collect::<Map<_, _>>()).to_string()
        }
    }
}

/// Keeps spreadsheets from computing what a sender wrote.
fn guard(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_stays_a_text() {
        assert_eq!(guard("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(text(&Cell::from("a=b")), "a=b");
        assert_eq!(text(&Cell::from(-1_i64)), "-1");
    }
}
