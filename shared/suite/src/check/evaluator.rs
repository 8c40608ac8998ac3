//! What an evaluator is, and what it finds.

use std::fmt::Debug;

use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Input, Trial, TrialKind};

/// An evaluator as the document knows it.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The `type` of its checks.
    pub(crate) name: &'static str,
    /// What it asks, for people.
    pub(crate) doc: &'static str,
    /// Its keys besides [`COMMON`].
    pub(crate) keys: &'static [Key],
    /// At least one of these keys is needed.
    pub(crate) any_of: &'static [&'static str],
    /// Kinds of events that it can judge.
    pub(crate) kinds: &'static [TrialKind],
    /// Makes a check; notes what is wrong with its values.
    pub(crate) parse: fn(&Fields<'_>, TrialKind, &mut Reader<'_>) -> Option<Box<dyn Evaluator>>,
}

/// Judges an event by one criterion.
pub(crate) trait Evaluator: Debug + Send + Sync {
    /// What it finds.
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding;

    /// Whether it asks for what was seen of the run before it ended.
    fn needs_run(&self) -> bool {
        false
    }
}

/// What an evaluator finds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finding {
    Passed {
        explanation: String,
    },
    /// With a score from 0 to below 1: how near it was.
    Failed {
        score: f64,
        explanation: String,
    },
    /// There is nothing to judge; it counts as neither.
    NotApplicable {
        reason: String,
    },
}

impl Finding {
    pub(crate) fn of(passed: bool, explanation: String) -> Self {
        if passed { Self::Passed { explanation } } else { Self::failed(explanation) }
    }

    pub(crate) fn failed(explanation: impl Into<String>) -> Self {
        Self::Failed { score: 0.0, explanation: explanation.into() }
    }

    pub(crate) fn not_applicable(reason: impl Into<String>) -> Self {
        Self::NotApplicable { reason: reason.into() }
    }
}

/// The key `column` of evaluators that read text.
pub(crate) const TEXT_COLUMN: Key = Key {
    name: "column",
    required: false,
    form: Form::TextColumn,
    doc: "Where the text is; if absent, what was produced: run.output, model.output or tool.result.",
};

/// Where the text is.
pub(crate) fn text_input(fields: &Fields<'_>, kind: TrialKind) -> Option<Input> {
    fields.text("column").map_or_else(|| Some(Input::of(kind.output())), Input::parse)
}

/// Judges a number by its upper limit.
pub(super) fn at_most(value: Option<f64>, limit: f64, unit: &str, missing: String) -> Finding {
    let Some(value) = value else { return Finding::not_applicable(missing) };
    Finding::of(value <= limit, format!("{value} {unit}, at most {limit}"))
}
