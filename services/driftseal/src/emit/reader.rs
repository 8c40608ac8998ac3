//! Turns the records of a file into JSON events.

use std::io::BufRead;
use std::path::Path;

use event::{CellType, schema};
use serde_json::{Map, Value};

use mapping::{Format, Mapping, Record};

use super::source::{self, Lines, Piece, Values};
use super::{EmitError, Rejected};

/// An event to send, or the reason why a record was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Line of the file on which the record begins, from 1.
    pub line: u64,
    /// JSON text of the event.
    pub event: Result<Vec<u8>, String>,
}

impl Outcome {
    /// The rejection, if it is one.
    #[must_use]
    pub fn rejected(&self) -> Option<Rejected> {
        let reason = self.event.as_ref().err()?.clone();
        Some(Rejected { line: self.line, reason })
    }
}

/// Reads a file and calls `each` with every event, in order, until it fails.
///
/// Without a mapping, JSON is sent unchanged, and the columns of a CSV file are fields of the event
/// schema (`run.status`) or attributes.
///
/// # Errors
///
/// If the file cannot be read, or `each` fails.
pub fn read(
    file: &Path,
    mapping: Option<&Mapping>,
    each: &mut dyn FnMut(Outcome) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    let reader = source::open(file).map_err(|error| unreadable(file, &error))?;
    read_from(file, reader, mapping, each)
}

fn unreadable(file: &Path, error: &dyn std::error::Error) -> EmitError {
    EmitError::Read { file: file.to_owned(), reason: error.to_string() }
}

/// [`read`] of decompressed bytes; the name of their file says what they are.
///
/// # Errors
///
/// As [`read`].
pub fn read_from(
    file: &Path,
    mut reader: Box<dyn BufRead + Send>,
    mapping: Option<&Mapping>,
    each: &mut dyn FnMut(Outcome) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    let unreadable = |error: std::io::Error| unreadable(file, &error);
    let format = match mapping {
        Some(mapping) => mapping.format(),
        None if stem_extension(file).as_deref() == Some("csv") => Format::Csv,
        None => Format::Json,
    };
    match format {
        Format::Csv => rows(file, reader, mapping, each),
        Format::Json => {
            let mut line = 1;
            let first = source::first_byte(&mut reader, &mut line).map_err(unreadable)?;
            let by_line = matches!(stem_extension(file).as_deref(), Some("jsonl" | "ndjson"));
            let mut index = 0;
            let mut handle = |piece: Piece| json(piece, mapping, &mut index, each);
            if first == Some(b'[') || !by_line {
                let mut values = Values::new(reader, line);
                while let Some(piece) = values.next_piece().map_err(unreadable)? {
                    handle(piece)?;
                }
            } else {
                let mut lines = Lines::new(reader, line);
                while let Some(piece) = lines.next_piece().map_err(unreadable)? {
                    handle(piece)?;
                }
            }
            Ok(())
        }
    }
}

/// `csv` for `x.csv` and `x.csv.gz`.
fn stem_extension(file: &Path) -> Option<String> {
    let lower = |path: &Path| path.extension()?.to_str().map(str::to_ascii_lowercase);
    match lower(file)?.as_str() {
        "gz" => lower(Path::new(file.file_stem()?)),
        other => Some(other.to_owned()),
    }
}

fn json(
    piece: Piece,
    mapping: Option<&Mapping>,
    index: &mut u64,
    each: &mut dyn FnMut(Outcome) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    let line = piece.line;
    let mut give = |event| each(Outcome { line, event });
    let bytes = match piece.bytes {
        Ok(bytes) => bytes,
        Err(reason) => return give(Err(reason)),
    };
    let Some(mapping) = mapping else { return give(Ok(bytes)) };
    let document: Value = match serde_json::from_slice(&bytes) {
        Ok(document) => document,
        Err(error) => return give(Err(format!("not JSON: {error}"))),
    };
    for record in mapping.records(document) {
        let events = mapping.events(&Record::json(record), *index);
        *index += 1;
        match events {
            Ok(events) => {
                for event in events {
                    give(Ok(event.to_string().into_bytes()))?;
                }
            }
            Err(error) => give(Err(error.to_string()))?,
        }
    }
    Ok(())
}

fn rows(
    file: &Path,
    reader: Box<dyn BufRead + Send>,
    mapping: Option<&Mapping>,
    each: &mut dyn FnMut(Outcome) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    let unreadable = |error: csv::Error| unreadable(file, &error);
    let mut rows = csv::ReaderBuilder::new().from_reader(reader);
    let header = rows.headers().map_err(unreadable)?.clone();
    let mut row = csv::StringRecord::new();
    let mut index = 0;
    loop {
        let before = rows.position().line();
        match rows.read_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => {
                return Err(unreadable(error));
            }
            Err(error) => {
                let line = error.position().map_or(before, csv::Position::line);
                each(Outcome { line, event: Err(error.to_string()) })?;
                continue;
            }
        }
        let line = row.position().map_or(before, csv::Position::line);
        let cells = header.iter().zip(row.iter());
        let events = match mapping {
            Some(mapping) => {
                mapping.events(&Record::row(cells), index).map_err(|error| error.to_string())
            }
            None => plain(cells).map(|event| vec![event]),
        };
        index += 1;
        match events {
            Ok(events) => {
                for event in events {
                    each(Outcome { line, event: Ok(event.to_string().into_bytes()) })?;
                }
            }
            Err(reason) => each(Outcome { line, event: Err(reason) })?,
        }
    }
}

/// The event of a row whose columns are fields of the schema.
fn plain<'a>(cells: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Value, String> {
    let mut event = Map::new();
    for (column, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
        let known = schema().id(column).map(|id| schema().column(id).cell_type);
        let wrong = |what: &str| format!("column `{column}`: not {what}");
        let value = match known {
            Some(CellType::Bool) => {
                cell.parse::<bool>().map_err(|_| wrong("true or false"))?.into()
            }
            Some(CellType::Int) => cell.parse::<i64>().map_err(|_| wrong("a whole number"))?.into(),
            Some(CellType::Float) => cell
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map(Value::Number)
                .ok_or_else(|| wrong("a number"))?,
            Some(CellType::Texts | CellType::Map) => {
                serde_json::from_str(cell).map_err(|_| wrong("JSON"))?
            }
            Some(CellType::Text | CellType::Bytes | CellType::Time) | None => cell.into(),
        };
        let (group, name) = match (known, column.split_once('.')) {
            (Some(_), Some((group, name))) => (Some(group), name),
            (Some(_), None) => (None, column),
            (None, _) => (Some("attributes"), column),
        };
        match group {
            None => {
                event.insert(name.to_owned(), value);
            }
            Some(group) => {
                let inner = event.entry(group).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(inner) = inner {
                    inner.insert(name.to_owned(), value);
                }
            }
        }
    }
    Ok(Value::Object(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::kind;
    use serde_json::json;
    use std::io::Write;

    fn outcomes(name: &str, text: &str, mapping: Option<&Mapping>) -> Vec<Outcome> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        let mut found = Vec::new();
        read(&path, mapping, &mut |outcome| {
            found.push(outcome);
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn a_table_without_a_mapping_names_the_fields() {
        let found = outcomes(
            "x.csv",
            "kind,agent_id,run.status,run.steps,note\nrun.completed,a,ok,3,hi\nrun.completed,a,ok,x,\nshort\n",
            None,
        );
        let event: Value = serde_json::from_slice(found[0].event.as_ref().unwrap()).unwrap();
        assert_eq!(
            event,
            json!({
                "kind": kind::RUN_COMPLETED, "agent_id": "a", "run": {"status": "ok", "steps": 3},
                "attributes": {"note": "hi"},
            })
        );
        assert_eq!(found[0].line, 2);
        let wrong = found[1].rejected().unwrap();
        assert_eq!(wrong.reason, "column `run.steps`: not a whole number");
        assert_eq!(found[2].line, 4);
        assert!(found[2].event.is_err());
    }

    #[test]
    fn lines_arrays_and_documents_give_the_same_events() {
        let one = br#"{"kind":"run.started","agent_id":"a"}"#.to_vec();
        let text = String::from_utf8(one.clone()).unwrap();
        for (name, content) in [
            ("x.jsonl", format!("{text}\n\n{text}\n")),
            ("x.json", format!("[{text},\n{text}]")),
            ("x", format!("{text} {text}")),
        ] {
            let events: Vec<_> =
                outcomes(name, &content, None).into_iter().map(|outcome| outcome.event).collect();
            assert_eq!(events, [Ok(one.clone()), Ok(one.clone())], "{name}");
        }
    }

    #[test]
    fn a_broken_line_is_rejected_and_the_next_is_read() {
        let mapping = Mapping::parse(
            "[source]\nformat = \"json\"\n[[event]]\nkind = \"run.started\"\n[event.fields]\nagent_id = { pointer = \"/a\" }\n",
        )
        .unwrap();
        let found = outcomes("x.jsonl", "{\"a\":\n{\"a\":\"x\"}\n", Some(&mapping));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].rejected().unwrap().line, 1);
        assert_eq!(found[1].line, 2);
        assert!(found[1].event.is_ok());
    }
}
