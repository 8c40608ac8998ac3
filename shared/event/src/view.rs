//! Typed views: the fields of an event of some kinds as a struct, for events that several services read.
//! Code that reads or writes a few columns uses [`crate::column`] directly.
//!
//! A view borrows from its event. [`read`](Alert::read) gives `None` for an event of another kind;
//! a field without a value is `None`, for a sender may leave out anything. [`fill`](Alert::fill)
//! sets the fields that have a value, so that reading what was filled gives the view again.

mod macros;

use crate::column;
use crate::event::{Event, EventBuilder};
use crate::kind;
use macros::view;

view! {
    /// A step in the life of an alert about an agent version, or about the monitor.
    pub struct Alert: [
        kind::DRIFT_ALERT_PENDING, kind::DRIFT_ALERT_FIRING, kind::DRIFT_ALERT_RESOLVED,
        kind::DRIFT_ALERT_ACKNOWLEDGED, kind::DRIFT_ALERT_DISMISSED,
        kind::MONITOR_DEAD, kind::MONITOR_RECOVERED,
    ] {
        /// Identifier of the episode.
        alert_id: Text = column::drift::ALERT_ID,
        /// `page` or `ticket`.
        severity: Text = column::drift::SEVERITY,
        /// The metric that changed.
        metric: Text = column::drift::METRIC,
        /// The suite, for evaluation metrics.
        suite: Text = column::drift::SUITE,
        /// `rising`, `falling` or `both`.
        direction: Text = column::drift::DIRECTION,
        /// The detector that found it.
        detector: Text = column::drift::DETECTOR,
        /// Evidence against "nothing changed".
        e_value: Float = column::drift::E_VALUE,
        /// Evidence at which the alert fires.
        threshold: Float = column::drift::THRESHOLD,
        /// Version that it is compared with.
        baseline_version: Text = column::drift::BASELINE_VERSION,
        /// Observations of the baseline.
        baseline_count: Int = column::drift::BASELINE_COUNT,
        /// Value of the baseline.
        baseline_value: Float = column::drift::BASELINE_VALUE,
        /// Value since the estimated change.
        observed: Float = column::drift::OBSERVED,
        /// Size of the change, in the unit of `effect_unit`.
        effect: Float = column::drift::EFFECT,
        /// Unit of the effect and its bounds.
        effect_unit: Text = column::drift::EFFECT_UNIT,
        /// Lower 95 % bound of the effect.
        effect_low: Float = column::drift::EFFECT_LOW,
        /// Upper 95 % bound of the effect.
        effect_high: Float = column::drift::EFFECT_HIGH,
        /// Of a mix, the category that changed most.
        category: Text = column::drift::CATEGORY,
        /// Its share in the baseline.
        category_before: Float = column::drift::CATEGORY_BEFORE,
        /// Its share since the estimated change.
        category_after: Float = column::drift::CATEGORY_AFTER,
        /// Pairs of canary and control.
        pairs: Int = column::drift::PAIRS,
        /// When the change is estimated to have happened.
        since_time: Time = column::drift::SINCE_TIME,
        /// Observations since then.
        since_observations: Int = column::drift::SINCE_OBSERVATIONS,
        /// Runs that show it.
        example_runs: Texts = column::drift::EXAMPLE_RUNS,
        /// Last change of the agent.
        last_change: Text = column::drift::LAST_CHANGE,
        /// What to do.
        runbook_url: Text = column::drift::RUNBOOK_URL,
        /// Why it was acknowledged, dismissed or resolved.
        reason: Text = column::drift::REASON,
        /// The suppression that mutes it.
        suppressed_by: Text = column::drift::SUPPRESSED_BY,
        /// Partition that an alert about the monitor is about.
        partition: Int = column::monitor::PARTITION,
    }
}

view! {
    /// The outcome of telling a receiver about an alert.
    pub struct Notification: [
        kind::NOTIFICATION_DELIVERED, kind::NOTIFICATION_FAILED, kind::NOTIFICATION_SUPPRESSED,
    ] {
        /// Identifier of the episode.
        alert_id: Text = column::notification::ALERT_ID,
        /// The receiver's name in the configuration.
        sink: Text = column::notification::SINK,
        /// `firing`, `acknowledged` or `resolved`.
        step: Text = column::notification::STEP,
        /// Requests made.
        attempts: Int = column::notification::ATTEMPTS,
        /// HTTP status of the last answer.
        status_code: Int = column::notification::STATUS_CODE,
        /// Why it failed.
        reason: Text = column::notification::REASON,
        /// The suppression that mutes it.
        suppressed_by: Text = column::notification::SUPPRESSED_BY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn builder(kind: &str) -> EventBuilder {
        EventBuilder::new(kind)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
    }

    #[test]
    fn what_was_filled_is_read_again() {
        let runs = ["r1".into(), "r2".into()];
        let alert = Alert {
            alert_id: Some("a"),
            severity: Some("page"),
            e_value: Some(21.5),
            baseline_count: Some(400),
            since_time: Some(Timestamp::from_micros(7)),
            example_runs: Some(&runs),
            ..Alert::default()
        };
        let event = alert.fill(builder(kind::DRIFT_ALERT_FIRING)).build().unwrap();
        assert_eq!(Alert::read(&event), Some(alert));
        assert_eq!(event.cells().len(), 4 + 6, "what has no value has no cell");
    }

    #[test]
    fn an_event_of_another_kind_is_no_such_view() {
        let event = builder(kind::RUN_COMPLETED).set(column::run::STATUS, "ok").build().unwrap();
        assert_eq!(Alert::read(&event), None);
        assert_eq!(Notification::read(&event), None);
    }
}
