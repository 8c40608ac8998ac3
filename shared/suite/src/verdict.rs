//! The verdict of a suite on one event.

use serde::Serialize;

use crate::gate::GateReport;

/// Outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The event satisfies it.
    Passed,
    /// The event does not.
    Failed,
    /// Its input is missing; it counts as neither passed nor failed.
    NotApplicable,
}

/// The verdict of one check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckVerdict {
    /// Name of the check.
    pub check: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// From 0 to 1, and 1 if it passed; `None` if it was not applicable.
    pub score: Option<f64>,
    /// One short line. It names limits, columns and tools, and quotes nothing of an output.
    pub explanation: String,
}

/// The verdict of a suite on one event.
#[derive(Debug, Clone, PartialEq)]
pub struct SuiteVerdict {
    /// Name of the suite.
    pub suite: String,
    /// Digest of the document in force.
    pub suite_digest: String,
    /// Whether every applicable check passed; `None` if no check was applicable.
    pub passed: Option<bool>,
    /// Mean score of the applicable checks.
    pub score: Option<f64>,
    /// The checks, in the order of the document.
    pub checks: Vec<CheckVerdict>,
    /// The decision about the agent version, at the trials at which one is due.
    pub gate: Option<GateReport>,
}

impl SuiteVerdict {
    /// Name and explanation of the first check that failed.
    #[must_use]
    pub fn first_failure(&self) -> Option<(&str, &str)> {
        let failed = self.checks.iter().find(|check| check.outcome == Outcome::Failed)?;
        Some((&failed.check, &failed.explanation))
    }
}

/// Whether all applicable checks passed, and their mean score.
pub(crate) fn summary(checks: &[CheckVerdict]) -> (Option<bool>, Option<f64>) {
    let scores: Vec<f64> = checks.iter().filter_map(|check| check.score).collect();
    if scores.is_empty() {
        return (None, None);
    }
    let passed = checks.iter().all(|check| check.outcome != Outcome::Failed);
    #[expect(clippy::cast_precision_loss, reason = "at most 64 checks")]
    let count = scores.len() as f64;
    (Some(passed), Some(scores.iter().sum::<f64>() / count))
}
