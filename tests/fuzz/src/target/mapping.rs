//! Mapping documents, with a record after a line `---`: JSON, or cells `column=text` a line.

use mapping::{Mapping, Record};
use serde_json::Value;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (document, record) = text.split_once("---\n").unwrap_or((text, ""));
    let Ok(mapping) = Mapping::parse(document) else { return false };
    let row = Record::row(record.lines().filter_map(|line| line.split_once('=')));
    let mut records = vec![row];
    if let Ok(value) = serde_json::from_str(record) {
        records.extend(mapping.records(value).into_iter().map(Record::json));
    }
    for record in &records {
        for event in mapping.events(record, 3).into_iter().flatten() {
            assert!(event.get("kind").is_some_and(Value::is_string), "{event}");
        }
    }
    true
}
