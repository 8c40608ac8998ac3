//! Suites as events: the one that publishes a document, and the fields of those that say what was
//! found.
//!
//! The publication belongs to no agent: its record has no key and stands in every partition of the events
//! topic, so that each partition knows from one offset of its own which document is in force. The
//! partitions of the agents named would not do: an agent that a later version no longer names must
//! learn that too.

use event::{BuildError, Event, EventBuilder, Timestamp};

use crate::document::Suite;
use crate::gate::GateReport;
use crate::trial::columns;
use crate::verdict::{CheckVerdict, Outcome, SuiteVerdict};

/// Kind of the event.
pub const KIND: &str = "eval.suite.published";

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
        .set("event_id", event_id)
        .set("event_time", event_time)
        .set_some("tenant_id", tenant_id)
        .set("links.suite", suite.name())
        .set("eval.suite", suite.name())
        .set("eval.suite_digest", suite.digest())
        .set("eval.document", suite.canonical())
        .build()
}

/// The document of an event that publishes a suite; `None` for any other event.
#[must_use]
pub fn document_of<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let columns = columns();
    if event.text(columns.kind) != Some(KIND) {
        return None;
    }
    Some(event.text(columns.eval_document).unwrap_or_default())
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
        .set("links.suite", verdict.suite.as_str())
        .set("eval.suite", verdict.suite.as_str())
        .set("eval.suite_digest", verdict.suite_digest.as_str())
        .set("eval.name", check.check.as_str())
        .set("eval.evaluator_type", "code")
        .set("eval.evaluator_digest", verdict.suite_digest.as_str())
        .set_some("eval.passed", passed)
        .set_some("eval.score", check.score)
        .set("eval.explanation", check.explanation.as_str())
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
        .set("links.suite", verdict.suite.as_str())
        .set("eval.suite", verdict.suite.as_str())
        .set("eval.suite_digest", verdict.suite_digest.as_str())
        .set("eval.evaluator_type", "code")
        .set("eval.trials", count(report.tally.trials))
        .set("eval.passes", count(report.tally.passes))
        .set("eval.not_applicable", count(report.tally.not_applicable))
        .set("eval.low", report.low)
        .set("eval.high", report.high)
        .set("eval.confidence", report.confidence)
        .set("eval.pass_rate_min", report.pass_rate_min)
        .set("eval.gate", report.decision.name())
        .set("eval.explanation", report.reason.as_str())
}
