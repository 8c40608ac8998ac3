//! Typed views: what code reads of an event of a kind, and writes into one, as a struct.
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
    /// A closed window of one metric of one agent version.
    pub struct Window: [kind::METRIC_WINDOW] {
        /// The metric.
        name: Text = column::metric::NAME,
        /// The suite, for evaluation metrics.
        suite: Text = column::metric::SUITE,
        /// Unit of the value.
        unit: Text = column::metric::UNIT,
        /// Start, inclusive.
        start: Time = column::metric::WINDOW_START,
        /// End, exclusive.
        end: Time = column::metric::WINDOW_END,
        /// 0 when it first closed, more when late events changed it.
        revision: Int = column::metric::REVISION,
        /// Observations.
        count: Int = column::metric::COUNT,
        /// Their sum.
        sum: Float = column::metric::SUM,
        /// A rate, a mean or a total; of a mix the number of categories.
        value: Float = column::metric::VALUE,
        /// Lower 95 % bound.
        low: Float = column::metric::LOW,
        /// Upper 95 % bound.
        high: Float = column::metric::HIGH,
    }
}

view! {
    /// The baseline of a stream.
    pub struct Baseline: [kind::DRIFT_BASELINE_SET] {
        /// The metric.
        metric: Text = column::drift::METRIC,
        /// The suite, for evaluation metrics.
        suite: Text = column::drift::SUITE,
        /// `previous`, `pinned` or `rolling`.
        baseline_kind: Text = column::drift::BASELINE_KIND,
        /// Version it was taken from.
        version: Text = column::drift::BASELINE_VERSION,
        /// Observations in it.
        count: Int = column::drift::BASELINE_COUNT,
        /// Its value.
        value: Float = column::drift::BASELINE_VALUE,
        /// The detector that compares with it.
        detector: Text = column::drift::DETECTOR,
        /// Why it was set.
        reason: Text = column::drift::REASON,
    }
}

view! {
    /// What a person asks of the monitor about alerts, baselines and suppressions.
    pub struct Act: [
        kind::DRIFT_ALERT_ACKNOWLEDGED, kind::DRIFT_ALERT_DISMISSED, kind::DRIFT_BASELINE_PINNED,
        kind::DRIFT_BASELINE_UNPINNED, kind::DRIFT_SUPPRESSION_STARTED, kind::DRIFT_SUPPRESSION_ENDED,
    ] {
        /// Who asks.
        actor_id: Text = column::actor::ID,
        /// Why.
        reason: Text = column::drift::REASON,
        /// The alert it is about.
        alert_id: Text = column::drift::ALERT_ID,
        /// The only metric it is about.
        metric: Text = column::drift::METRIC,
        /// The only suite it is about.
        suite: Text = column::drift::SUITE,
        /// The only severity it is about.
        severity: Text = column::drift::SEVERITY,
        /// From when, by the broker's clock.
        from: Time = column::drift::FROM,
        /// Until when, by the broker's clock.
        until: Time = column::drift::UNTIL,
        /// The suppression that is ended.
        suppression_id: Text = column::drift::SUPPRESSION_ID,
    }
}

view! {
    /// A request for a decision, the decision, or its use.
    pub struct Approval: [
        kind::APPROVAL_REQUESTED, kind::APPROVAL_DECIDED, kind::APPROVAL_CONSUMED,
    ] {
        /// Identifier of the approval.
        id: Text = column::approval::ID,
        /// Digest of the action it is bound to.
        action_digest: Text = column::approval::ACTION_DIGEST,
        /// `approved`, `modified`, `denied`, `expired` or `withdrawn`.
        outcome: Text = column::approval::OUTCOME,
        /// Who decided.
        approver_id: Text = column::approval::APPROVER_ID,
        /// When the request expires.
        expires_at: Time = column::approval::EXPIRES_AT,
        /// Milliseconds from request to decision.
        time_to_decision_ms: Float = column::approval::TIME_TO_DECISION_MS,
        /// Whether the executed action is the approved one.
        matched: Bool = column::approval::MATCHED,
    }
}

view! {
    /// A version that was built, deployed or rolled back.
    pub struct Version: [
        kind::AGENT_VERSION_CREATED, kind::AGENT_VERSION_DEPLOYED, kind::AGENT_VERSION_ROLLED_BACK,
    ] {
        /// Version before.
        from_version: Text = column::agent::FROM_VERSION,
        /// Version after.
        to_version: Text = column::agent::TO_VERSION,
        /// Digest before.
        from_digest: Text = column::agent::FROM_DIGEST,
        /// Digest after.
        to_digest: Text = column::agent::TO_DIGEST,
        /// Share of traffic, 0 to 1.
        traffic_share: Float = column::agent::TRAFFIC_SHARE,
        /// Digest of the prompt.
        prompt_digest: Text = column::agent::PROMPT_DIGEST,
        /// Model asked for.
        model_name: Text = column::agent::MODEL_NAME,
    }
}

view! {
    /// A run that began or ended.
    pub struct Run: [kind::RUN_STARTED, kind::RUN_COMPLETED] {
        /// `ok` or `error`.
        status: Text = column::run::STATUS,
        /// Class of the error.
        error_type: Text = column::run::ERROR_TYPE,
        /// Duration, milliseconds.
        duration_ms: Float = column::run::DURATION_MS,
        /// Tokens in.
        input_tokens: Int = column::run::INPUT_TOKENS,
        /// Tokens out.
        output_tokens: Int = column::run::OUTPUT_TOKENS,
        /// Cost, US dollars.
        cost_usd: Float = column::run::COST_USD,
        /// Steps taken.
        steps: Int = column::run::STEPS,
        /// Whether the agent refused.
        refused: Bool = column::run::REFUSED,
    }
}

view! {
    /// A tool call: its intent, its result, or that it was blocked.
    pub struct ToolCall: [kind::TOOL_CALLED, kind::TOOL_COMPLETED, kind::TOOL_BLOCKED] {
        /// Identifier of the call.
        call_id: Text = column::tool::CALL_ID,
        /// The tool.
        name: Text = column::tool::NAME,
        /// `ok`, `error` or `denied`.
        status: Text = column::tool::STATUS,
        /// Class of the error.
        error_type: Text = column::tool::ERROR_TYPE,
        /// Duration, milliseconds.
        duration_ms: Float = column::tool::DURATION_MS,
        /// `read`, `write`, `destructive` or `external`.
        side_effect: Text = column::tool::SIDE_EFFECT,
    }
}

view! {
    /// A call of a model.
    pub struct ModelCall: [kind::MODEL_INVOKED] {
        /// Provider.
        provider: Text = column::model::PROVIDER,
        /// Model asked for.
        request_model: Text = column::model::REQUEST_MODEL,
        /// Model that answered.
        response_model: Text = column::model::RESPONSE_MODEL,
        /// `ok` or `error`.
        status: Text = column::model::STATUS,
        /// Duration, milliseconds.
        duration_ms: Float = column::model::DURATION_MS,
        /// Tokens in.
        input_tokens: Int = column::model::INPUT_TOKENS,
        /// Tokens out.
        output_tokens: Int = column::model::OUTPUT_TOKENS,
        /// Cost, US dollars.
        cost_usd: Float = column::model::COST_USD,
    }
}

view! {
    /// A judgement of a run or item.
    pub struct EvalResult: [kind::EVAL_RESULT] {
        /// The suite.
        suite: Text = column::eval::SUITE,
        /// Name of the evaluation.
        name: Text = column::eval::NAME,
        /// Item judged.
        item: Text = column::eval::ITEM,
        /// Score.
        score: Float = column::eval::SCORE,
        /// Label.
        label: Text = column::eval::LABEL,
        /// Whether it passed.
        passed: Bool = column::eval::PASSED,
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

view! {
    /// A record that does not decode.
    pub struct Quarantine: [kind::QUARANTINE_ADDED] {
        /// Why, from a fixed list.
        reason: Text = column::quarantine::REASON,
        /// JSON pointer or byte position of the fault.
        pointer: Text = column::quarantine::POINTER,
        /// Encoding that was tried.
        encoding: Text = column::quarantine::ENCODING,
        /// Message for a person.
        detail: Text = column::quarantine::DETAIL,
        /// Key of the record.
        key: Bytes = column::quarantine::KEY,
        /// Value of the record.
        value: Bytes = column::quarantine::VALUE,
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
        assert_eq!(Run::read(&event).and_then(|run| run.status), Some("ok"));
    }
}
