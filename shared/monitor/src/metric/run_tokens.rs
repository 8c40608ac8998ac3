//! Tokens of completed runs, in and out together.

use super::{Metric, Shape};
use crate::observe::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "run.tokens",
    unit: "tokens",
    shape: Shape::Total,
    per_suite: false,
    sample: |event, kind, columns| {
        if kind != Kind::Run {
            return None;
        }
        let input = event.number(columns.run_input_tokens);
        let output = event.number(columns.run_output_tokens);
        (input.is_some() || output.is_some())
            .then(|| input.unwrap_or_default() + output.unwrap_or_default())
    },
};
