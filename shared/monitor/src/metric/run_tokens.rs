//! Input and output tokens of completed runs, together.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "run.tokens",
    version: 1,
    unit: "tokens",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "run.tokens", model: Model::Sizes, pages: false }),
    sample: |event, kind| {
        if kind != Kind::Run {
            return None;
        }
        let input = event.number(column::run::INPUT_TOKENS);
        let output = event.number(column::run::OUTPUT_TOKENS);
        (input.is_some() || output.is_some())
            .then(|| input.unwrap_or_default() + output.unwrap_or_default())
    },
};
