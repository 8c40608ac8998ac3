//! Tables as text or JSON.

use serde_json::{Value, json};

use crate::simulate::Estimate;

/// One entry of a table.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Text(String),
    /// A number, and its decimals in text.
    Number(f64, usize),
    Estimate(Estimate),
    Nothing,
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value, decimals) => format!("{value:.decimals$}"),
            Self::Estimate(Estimate { value, low, high }) if value.is_finite() => {
                format!("{value:.0} ({low:.0}-{high:.0})")
            }
            Self::Estimate(_) => "no alarm".to_owned(),
            Self::Nothing => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(value, _) => json!(value),
            Self::Estimate(e) => json!({"value": e.value, "low": e.low, "high": e.high}),
            Self::Nothing => Value::Null,
        }
    }
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) note: &'static str,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// As a Markdown table.
    pub(crate) fn text(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = vec!["---".to_owned(); self.columns.len()];
        let mut text = format!("\n### {}\n\n{}\n\n", self.title, self.note);
        text += &line(&self.columns);
        text += &line(&rule);
        for row in &self.rows {
            text += &line(&row.iter().map(Cell::text).collect::<Vec<_>>());
        }
        text
    }

    /// As an object with a list of rows.
    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let cells = self.columns.iter().cloned().zip(row.iter().map(Cell::json));
                Value::Object(cells.collect())
            })
            .collect();
        json!({"title": self.title, "note": self.note, "rows": rows})
    }
}
