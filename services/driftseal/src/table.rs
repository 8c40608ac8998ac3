//! Lists as text: a table with a heading. Foreign text is escaped and bounded.

use event::plain::Name;
use serde_json::Value;

use crate::print::{self, Output};

/// A column: its heading, and the key of its value.
pub(crate) type Column = (&'static str, &'static str);

/// Prints a list that an answer holds under its name.
pub(crate) fn show(listed: &Value, name: &str, columns: &[Column], none: &str, output: Output) {
    match output {
        Output::Json => print::json(listed),
        Output::Text => {
            let entries = listed[name].as_array().map_or(&[][..], Vec::as_slice);
            if entries.is_empty() {
                print::line(none);
            } else {
                print::lines(&table(columns, entries));
            }
        }
    }
}

fn table(columns: &[Column], entries: &[Value]) -> String {
    let heading = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let mut rows: Vec<Vec<String>> = vec![heading];
    rows.extend(entries.iter().map(|entry| {
        columns.iter().map(|(_, key)| cell(entry.get(*key).unwrap_or(&Value::Null))).collect()
    }));
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => Name(text).to_string(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(value) => format!("{value:.4}"),
            None => number.to_string(),
        },
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_foreign_text_draws_nothing() {
        let entries = [
            json!({"a": "x", "b": null, "c": 0.5}),
            json!({"a": "long\u{1b}[2K\nid", "b": 7, "c": 1}),
        ];
        let text = table(&[("A", "a"), ("BEE", "b"), ("C", "c")], &entries);
        assert_eq!(
            text,
            "A                  BEE  C\n\
             x                  -    0.5000\n\
             long\\u{1b}[2K\\nid  7    1\n"
        );
    }
}
