//! `events/….csv`: the events in the period, for people with a spreadsheet.
//!
//! Position and time of the record first, then the columns that some event of the pack fills, the
//! most telling ones first. Instants are RFC 3339, bytes base64, lists and maps JSON. A text that a
//! spreadsheet would take for a formula gets an apostrophe in front; Parquet holds the exact values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use event::plain::SheetCell;
use event::{Cell, ColumnId, decimal};
use serde_json::{Map, Value};

use crate::scope::instant;
use crate::table::StoredRow;

/// Columns of the record.
const RECORD: [&str; 5] =
    ["kafka_timestamp", "kafka_topic", "kafka_partition", "kafka_offset", "schema_id"];

/// The first line, with its newline.
pub(crate) fn header(columns: &[ColumnId]) -> String {
    let columns = columns.iter().map(|id| id.path());
    line(RECORD.into_iter().chain(columns).map(str::to_owned))
}

/// The line of a row, with its newline.
pub(crate) fn row(columns: &[ColumnId], row: &StoredRow<'_>) -> String {
    let record = [
        instant(row.timestamp_ms),
        guard(row.topic),
        row.partition.to_string(),
        row.offset.to_string(),
        guard(row.schema_id),
    ];
    let cells = columns.iter().map(|id| row.event.get(*id).map_or_else(String::new, text));
    line(record.into_iter().chain(cells))
}

/// Fields with commas between them. Those that hold a comma, a quote or an end of line are quoted, and
/// quotes in them doubled.
fn line(fields: impl Iterator<Item = String>) -> String {
    let mut line = String::new();
    for field in fields {
        if field.contains([',', '"', '\n', '\r']) {
            line.push('"');
            line.push_str(&field.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&field);
        }
        line.push(',');
    }
    line.pop();
    line.push('\n');
    line
}

fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => decimal::plain(*value),
        Cell::Text(value) => guard(value),
        Cell::Bytes(value) => BASE64.encode(value),
        Cell::Time(value) => {
            let text = value.is_in_range().then(|| value.to_rfc3339()).flatten();
            text.unwrap_or_else(|| format!("{} µs since the epoch", value.micros()))
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
    SheetCell(text).to_string()
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

    #[test]
    fn only_what_needs_quotes_has_them() {
        let fields = ["a", "", "b c", "d,e", "say \"f\"", "g\nh"];
        let line = line(fields.iter().map(|field| (*field).to_owned()));
        assert_eq!(line, "a,,b c,\"d,e\",\"say \"\"f\"\"\",\"g\nh\"\n");
    }
}
