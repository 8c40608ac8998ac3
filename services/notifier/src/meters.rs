//! Metrics and log lines of the notifier.

use metrics::{counter, gauge, histogram};
use service::metric_names as names;
use tracing::{debug, error, info, warn};

use crate::http::Answered;
use crate::machine::{Answer, Machine, Report, Task};
use crate::outcome::Verdict;

/// Counts and logs the result of a request.
pub(crate) fn answered(sink: &str, answered: &Answered) {
    let Answered { key, task, answer, seconds, .. } = answered;
    let alert_id = &*key.alert_id;
    let result = match answer {
        Answer::Accepted { status } => {
            debug!(sink, alert_id, status, "request accepted");
            "accepted"
        }
        Answer::Refused { status, detail } => {
            warn!(sink, alert_id, status, detail, "request refused");
            "refused"
        }
        Answer::Busy { status, detail, .. } => {
            warn!(sink, alert_id, status, detail, "request failed; will retry");
            "busy"
        }
    };
    let purpose = match task {
        Task::Notify(_) => "step",
        Task::Refresh => "refresh",
    };
    counter!(
        names::NOTIFIER_REQUESTS,
        "sink" => sink.to_owned(),
        "purpose" => purpose,
        "result" => result
    )
    .increment(1);
    histogram!(names::NOTIFIER_REQUEST_DURATION).record(*seconds);
}

/// Counts and logs an outcome that the log has acknowledged.
pub(crate) fn reported(report: &Report) {
    let Report { sink, alert, outcome, .. } = report;
    let (alert_id, step) = (&*alert.alert_id, alert.step.name());
    let (attempts, status_code) = (outcome.attempts, outcome.status_code);
    let agent_id = alert.agent_id.as_str();
    match outcome.verdict {
        Verdict::Delivered => {
            info!(%sink, agent_id, alert_id, step, attempts, "notification delivered");
            counter!(
                names::NOTIFIER_NOTIFICATIONS_DELIVERED,
                "sink" => sink.to_string(),
                "step" => step
            )
            .increment(1);
        }
        Verdict::Suppressed => {
            let suppressed_by = alert.suppressed_by.as_deref();
            info!(%sink, agent_id, alert_id, suppressed_by, "notification suppressed");
            counter!(names::NOTIFIER_NOTIFICATIONS_SUPPRESSED, "sink" => sink.to_string())
                .increment(1);
        }
        Verdict::Failed(reason) => {
            let (reason, detail) = (reason.name(), outcome.detail.as_deref());
            error!(
                %sink, agent_id, alert_id, step, reason, attempts, status_code, detail,
                "dead letter: notification failed"
            );
            counter!(
                names::NOTIFIER_DEAD_LETTERS,
                "sink" => sink.to_string(),
                "reason" => reason
            )
            .increment(1);
        }
    }
}

/// Sets the gauges of open alerts and queues.
pub(crate) fn state(machine: &Machine) {
    gauge!(names::NOTIFIER_ALERTS_OPEN).set(float(machine.episodes()));
    for (sink, steps) in machine.waiting() {
        gauge!(names::NOTIFIER_NOTIFICATIONS_PENDING, "sink" => sink.to_string()).set(float(steps));
    }
}

/// Sets the gauge of the lag.
pub(crate) fn lag(partition: i32, records: i64) {
    // Negative after the topic was deleted and created again.
    let records = usize::try_from(records).unwrap_or(0);
    gauge!(names::NOTIFIER_LAG_RECORDS, "partition" => partition.to_string()).set(float(records));
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
const fn float(number: usize) -> f64 {
    number as f64
}
