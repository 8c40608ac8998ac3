//! Length of the output of completed runs, in characters.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "run.output_chars",
    version: 1,
    unit: "characters",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "run.output_chars", model: Model::Sizes, pages: false }),
    sample: |event, kind| {
        (kind == Kind::Run).then(|| event.number(column::run::OUTPUT_CHARS)).flatten()
    },
};
