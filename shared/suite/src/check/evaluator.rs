//! The interface of evaluators.

use std::fmt::Debug;

use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Input, Trial, TrialKind};

/// An evaluator as documents use it.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The `type` of its checks.
    pub(crate) name: &'static str,
    /// What it requires, for people.
    pub(crate) doc: &'static str,
    /// Its keys besides [`COMMON`].
    pub(crate) keys: &'static [Key],
    /// At least one of these keys is needed.
    pub(crate) any_of: &'static [&'static str],
    /// Kinds of events that it can judge.
    pub(crate) kinds: &'static [TrialKind],
    /// Constructs a check. `None` if the values make no check; the reader then reports it.
    pub(crate) parse: fn(&Fields<'_>, TrialKind, &mut Reader<'_>) -> Option<Box<dyn Evaluator>>,
}

/// Judges an event by one criterion.
pub(crate) trait Evaluator: Debug + Send + Sync {
    /// Judges an event.
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding;

    /// Number of patterns that it holds compiled.
    fn patterns(&self) -> usize {
        0
    }

    /// Whether it uses what was recorded of the run before it ended.
    fn needs_run(&self) -> bool {
        false
    }
}

/// The result of an evaluator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finding {
    Passed {
        explanation: String,
    },
    /// With a score from 0 to below 1: how close it was.
    Failed {
        score: f64,
        explanation: String,
    },
    /// There is nothing to judge; it counts as neither passed nor failed.
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

/// The key `column` of evaluators that judge text.
pub(crate) const TEXT_COLUMN: Key = Key {
    name: "column",
    required: false,
    form: Form::TextColumn,
    doc: "The column with the text; if absent, run.output, model.output or tool.result.",
};

/// The input of an evaluator that judges text.
pub(crate) fn text_input(fields: &Fields<'_>, kind: TrialKind) -> Option<Input> {
    fields.text("column").map_or_else(|| Some(Input::of(kind.output())), Input::parse)
}

/// Judges a number by an upper limit.
pub(super) fn at_most(value: Option<f64>, limit: f64, unit: &str, missing: String) -> Finding {
    let Some(value) = value else { return Finding::not_applicable(missing) };
    Finding::of(value <= limit, format!("{value} {unit}, at most {limit}"))
}
