//! Suites as events: the publication of a document, and the fields of result events.
//!
//! A publication belongs to no agent: it is an act, which the owner of each partition admits, so that in
//! each partition a document is in force from a known offset. The partitions of the named agents alone
//! would not suffice: those of agents that a later document no longer names need it too.

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
/// Never while the schema has these columns, which a test verifies.
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

/// The document of an event that publishes a suite, empty if it has none; `None` for any other
/// event.
#[must_use]
pub fn document_of<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    if event.text(column::KIND) != Some(KIND) {
        return None;
    }
    Some(event.text(column::eval::DOCUMENT).unwrap_or_default())
}

/// Sets the fields of an `eval.result` for one check; `passed` stays empty if the check was not
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

/// Sets the fields of an `eval.suite.completed` for a decision.
#[must_use]
pub fn gate_fields(
    builder: EventBuilder,
    verdict: &SuiteVerdict,
    report: &GateReport,
) -> EventBuilder {
    let count = |count: u64| {
        let Ok(count) = i64::try_from(count) else { unreachable!("{count} trials") };
        count
    };
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
