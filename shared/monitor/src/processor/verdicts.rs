//! The verdicts of the suites in force as events: a result for each applicable check, and the
//! decision about the version when one is due.

use event::{Event, column, kind};
use suite::{Outcome, SuiteVerdict, gate_fields, result_fields};

use crate::identity::Identity;
use crate::output::{About, Destination, Outputs};

/// Emits a verdict about an event of a version.
pub(crate) fn emit(
    verdict: &SuiteVerdict,
    event: &Event<'_>,
    agent: &Identity,
    version: &str,
    outputs: &mut Outputs<'_>,
) {
    let time = outputs.time();
    let about = About::version(agent, version);
    let run = event.text(column::RUN_ID);
    let applicable = verdict.checks.iter().filter(|check| check.outcome != Outcome::NotApplicable);
    for check in applicable {
        outputs.push(Destination::Metrics, kind::EVAL_RESULT, time, about, |builder| {
            result_fields(builder, verdict, check)
                .set_some(column::RUN_ID, run)
                .set_some(column::links::CAUSATION, event.text(column::EVENT_ID))
        });
    }
    if let Some(report) = &verdict.gate {
        let kind = kind::EVAL_SUITE_COMPLETED;
        outputs.push(Destination::Metrics, kind, time, about, |builder| {
            gate_fields(builder, verdict, report)
        });
    }
}
