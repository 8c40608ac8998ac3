//! Suites as events: the one that publishes a document, and the fields of those that say what was
//! found.
//!
//! The publication belongs to no agent: its record has no key and stands in every partition of the events
//! topic, so that each partition knows from one offset of its own which document is in force. The
//! partitions of the agents named would not do: an agent that a later version no longer names must
//! learn that too.

use event::{BuildError, Event, EventBuilder, Timestamp, column, kind};

use crate::document::Suite;
use crate::gate::GateReport;
use crate::verdict::{CheckVerdict, Outcome, SuiteVerdict};

/// Kind of the event.
pub const KIND: &str = kind::EVAL_SUITE_PUBLISHED;

/// The event that publishes a suite.
///
/// # Errors
///
/// Never while the schema has these columns, which a test makes sure of.
pub fn publication(
    suite: &Suite,
    event_id: &str,
    event_time: Timestamp,
    tenant_id: Option<&str>,
) -> Result<Event<'static>, BuildError> {
    EventBuilder::new(KIND)
        .set(column::EVENT_ID, event_id)
        .set(column::EVENT_TIME, event_time)
        .set_some(column::TENANT_ID, tenant_id)
        .set(column::links::SUITE, suite.name())
        .set(column::eval::SUITE, suite.name())
        .set(column::eval::SUITE_DIGEST, suite.digest())
        .set(column::eval::DOCUMENT, suite.canonical())
        .build()
}

/// The document of an event that publishes a suite; `None` for any other event.
#[must_use]
pub fn document_of<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    if event.text(column::KIND) != Some(KIND) {
        return None;
    }
    Some(event.text(column::eval::DOCUMENT).unwrap_or_default())
}

/// Fills what one check says into an `eval.result`; `passed` stays empty where the check was not
/// applicable.
#[must_use]
pub fn result_fields(
    builder: EventBuilder,
    verdict: &SuiteVerdict,
    check: &CheckVerdict,
) -> EventBuilder {
    let passed = match check.outcome {
        Outcome::Passed => Some(true),
        Outcome::Failed => Some(false),
        Outcome::NotApplicable => None,
    };
    builder
        .set(column::links::SUITE, verdict.suite.as_str())
        .set(column::eval::SUITE, verdict.suite.as_str())
        .set(column::eval::SUITE_DIGEST, verdict.suite_digest.as_str())
        .set(column::eval::NAME, check.check.as_str())
        .set(column::eval::EVALUATOR_TYPE, "code")
        .set(column::eval::EVALUATOR_DIGEST, verdict.suite_digest.as_str())
        .set_some(column::eval::PASSED, passed)
        .set_some(column::eval::SCORE, check.score)
        .set(column::eval::EXPLANATION, check.explanation.as_str())
}

/// Fills a decision into an `eval.suite.completed`.
#[must_use]
pub fn gate_fields(
    builder: EventBuilder,
    verdict: &SuiteVerdict,
    report: &GateReport,
) -> EventBuilder {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    builder
        .set(column::links::SUITE, verdict.suite.as_str())
        .set(column::eval::SUITE, verdict.suite.as_str())
        .set(column::eval::SUITE_DIGEST, verdict.suite_digest.as_str())
        .set(column::eval::EVALUATOR_TYPE, "code")
        .set(column::eval::TRIALS, count(report.tally.trials))
        .set(column::eval::PASSES, count(report.tally.passes))
        .set(column::eval::NOT_APPLICABLE, count(report.tally.not_applicable))
        .set(column::eval::LOW, report.low)
        .set(column::eval::HIGH, report.high)
        .set(column::eval::CONFIDENCE, report.confidence)
        .set(column::eval::PASS_RATE_MIN, report.pass_rate_min)
        .set(column::eval::GATE, report.decision.name())
        .set(column::eval::EXPLANATION, report.reason.as_str())
}
