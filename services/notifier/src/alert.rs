//! An alert as read from the log. Texts are escaped and bounded: agents and people chose them, and
//! on-call reads them. An alert takes at most about 20 KiB, however large its event is.

use std::borrow::Cow;
use std::sync::Arc;

use event::plain::bounded;
use event::typed::Float;
use event::{Event, Timestamp, TypedColumn, column, kind, view};

/// Longest text kept of a field, characters.
const TEXT_MAX: usize = 1_000;
/// Most example runs kept.
const RUNS_MAX: usize = 5;

/// Name of the canary detector.
const CANARY: &str = "canary";
/// Distances from the baseline, with their display names.
const DISTANCES: [(TypedColumn<Float>, &str); 4] = [
    (column::drift::PSI, "PSI"),
    (column::drift::JENSEN_SHANNON, "Jensen-Shannon"),
    (column::drift::KOLMOGOROV_SMIRNOV, "Kolmogorov-Smirnov"),
    (column::drift::WASSERSTEIN, "Wasserstein"),
];

/// The steps of an alert that receivers are notified of, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// It fires.
    Firing,
    /// A person acknowledged it.
    Acknowledged,
    /// Resolved by the monitor or dismissed by a person.
    Resolved,
}

impl Step {
    /// All steps, in order.
    pub(crate) const ALL: [Self; 3] = [Self::Firing, Self::Acknowledged, Self::Resolved];

    /// Name in events, requests and labels.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// The step of that name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// Urgency of an alert.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Needs attention at once.
    Page,
    /// Needs attention in working hours.
    Ticket,
}

impl Severity {
    /// Name in events, requests and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// An event of an alert.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alert {
    pub(crate) step: Step,
    /// For [`Step::Resolved`]: whether a person dismissed it.
    pub(crate) is_dismissed: bool,
    pub(crate) alert_id: Arc<str>,
    pub(crate) event_id: String,
    /// Event time, milliseconds since the epoch.
    pub(crate) time_ms: i64,
    /// Broker's timestamp, milliseconds since the epoch.
    pub(crate) logged_ms: i64,
    pub(crate) severity: Severity,
    pub(crate) tenant_id: Option<String>,
    pub(crate) environment: Option<String>,
    /// Empty for an alert about the monitor itself.
    pub(crate) agent_id: String,
    /// For an alert about the monitor: the partition that it watches.
    pub(crate) partition: Option<i64>,
    pub(crate) agent_version: Option<String>,
    pub(crate) metric: String,
    pub(crate) suite: Option<String>,
    pub(crate) direction: Option<String>,
    pub(crate) detector: Option<String>,
    pub(crate) e_value: Option<f64>,
    pub(crate) threshold: Option<f64>,
    pub(crate) baseline_version: Option<String>,
    pub(crate) baseline_count: Option<i64>,
    pub(crate) baseline_value: Option<f64>,
    pub(crate) observed: Option<f64>,
    pub(crate) effect: Option<f64>,
    pub(crate) effect_interval: Option<(f64, f64)>,
    /// For a mix metric: the category that changed most, with its shares before and after.
    pub(crate) category: Option<(String, Option<f64>, Option<f64>)>,
    /// Distances from the baseline, by display name.
    pub(crate) distances: Vec<(&'static str, f64)>,
    /// For a canary: compared pairs of canary and control runs.
    pub(crate) pairs: Option<i64>,
    pub(crate) since_ms: Option<i64>,
    pub(crate) since_observations: Option<i64>,
    pub(crate) example_runs: Vec<String>,
    pub(crate) last_change: Option<String>,
    pub(crate) last_change_id: Option<String>,
    pub(crate) runbook_url: Option<String>,
    pub(crate) reason: Option<String>,
    /// Who acknowledged or dismissed it.
    pub(crate) actor_id: Option<String>,
    /// The suppression that mutes it.
    pub(crate) suppressed_by: Option<String>,
}

impl Alert {
    /// Reads the event of a step of an alert. `None` for other events, for pending alerts, and for
    /// alerts without an identifier.
    pub(crate) fn from_event(event: &Event<'_>, logged_ms: i64) -> Option<Self> {
        let (step, is_dismissed) = match event.text(column::KIND)? {
            kind::DRIFT_ALERT_FIRING | kind::MONITOR_DEAD => (Step::Firing, false),
            kind::DRIFT_ALERT_ACKNOWLEDGED => (Step::Acknowledged, false),
            kind::DRIFT_ALERT_RESOLVED | kind::MONITOR_RECOVERED => (Step::Resolved, false),
            kind::DRIFT_ALERT_DISMISSED => (Step::Resolved, true),
            _ => return None,
        };
        let said = view::Alert::read(event)?;
        let clipped = |text: Option<&str>| text.map(|text| bounded(text, TEXT_MAX));
        let text = |column| clipped(event.text(column));
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
        let alert_id = said.alert_id.filter(|id| !id.is_empty())?;
        let example_runs = said.example_runs.unwrap_or(&[]).iter().take(RUNS_MAX);
        let category = clipped(said.category)
            .map(|name| (name, finite(said.category_before), finite(said.category_after)));
        let distances = DISTANCES
            .into_iter()
            .filter_map(|(column, name)| Some((name, finite(event.number(column))?)));
        Some(Self {
            step,
            is_dismissed,
            alert_id: bounded(alert_id, TEXT_MAX).into(),
            event_id: text(column::EVENT_ID).unwrap_or_default(),
            time_ms: event.time(column::EVENT_TIME).map_or(logged_ms, Timestamp::millis),
            logged_ms,
            // A severity that is absent or unknown must not turn a page into a ticket.
            severity: match said.severity {
                Some("ticket") => Severity::Ticket,
                Some(_) | None => Severity::Page,
            },
            tenant_id: text(column::TENANT_ID),
            environment: text(column::ENVIRONMENT),
            agent_id: text(column::AGENT_ID).unwrap_or_default(),
            partition: said.partition.or_else(|| event.int(column::origin::PARTITION)),
            agent_version: text(column::AGENT_VERSION),
            metric: clipped(said.metric).unwrap_or_default(),
            suite: clipped(said.suite),
            direction: clipped(said.direction),
            detector: clipped(said.detector),
            e_value: finite(said.e_value),
            threshold: finite(said.threshold),
            baseline_version: clipped(said.baseline_version),
            baseline_count: said.baseline_count,
            baseline_value: finite(said.baseline_value),
            observed: finite(said.observed),
            effect: finite(said.effect),
            effect_interval: finite(said.effect_low).zip(finite(said.effect_high)),
            category,
            distances: distances.collect(),
            pairs: said.pairs,
            since_ms: said.since_time.map(Timestamp::millis),
            since_observations: said.since_observations,
            example_runs: example_runs.map(|run| bounded(run, TEXT_MAX)).collect(),
            last_change: clipped(said.last_change),
            last_change_id: text(column::drift::LAST_CHANGE_ID),
            runbook_url: clipped(said.runbook_url),
            reason: clipped(said.reason),
            actor_id: text(column::actor::ID),
            suppressed_by: clipped(said.suppressed_by),
        })
    }

    /// State for display and payloads.
    pub(crate) const fn state(&self) -> &'static str {
        match (self.step, self.is_dismissed) {
            (Step::Resolved, true) => "dismissed",
            (step, _) => step.name(),
        }
    }

    /// Whether it is about the monitor, not an agent.
    pub(crate) fn is_of_monitor(&self) -> bool {
        self.agent_id.is_empty()
    }

    /// Its subject: the agent, or the monitor of a partition.
    pub(crate) fn subject(&self) -> Cow<'_, str> {
        if !self.is_of_monitor() {
            return Cow::Borrowed(&self.agent_id);
        }
        match self.partition {
            Some(partition) => Cow::Owned(format!("monitor of partition {partition}")),
            None => Cow::Borrowed("monitor"),
        }
    }

    /// Whether it is about a canary.
    fn is_canary(&self) -> bool {
        self.detector.as_deref() == Some(CANARY)
    }

    /// Title: `support v2: run.error_rate is rising`.
    pub(crate) fn title(&self) -> String {
        let version = self.agent_version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
        let suite = self.suite.as_ref().map(|suite| format!(" ({suite})")).unwrap_or_default();
        if self.is_canary() {
            let control = self.baseline_version.as_deref().unwrap_or("the current version");
            let metric = &self.metric;
            return format!(
                "{} canary{version}: {metric}{suite} is worse than in {control}",
                self.agent_id
            );
        }
        let change = match self.direction.as_deref() {
            Some("both") => " has changed".to_owned(),
            Some(way) => format!(" is {way}"),
            None => String::new(),
        };
        format!("{}{version}: {}{suite}{change}", self.subject(), self.metric)
    }

    /// Description: observation, baseline, effect and evidence; one sentence per line.
    pub(crate) fn description(&self) -> String {
        let mut lines = Vec::new();
        if let (Some(observed), Some(baseline)) = (self.observed, self.baseline_value) {
            let of = self.baseline_version.as_deref().unwrap_or("the baseline");
            let count = self.baseline_count.map(|count| format!(" ({count} observations)"));
            let (observed, baseline) = (number(observed), number(baseline));
            let count = count.unwrap_or_default();
            lines.push(format!("{observed} instead of {baseline} in {of}{count}."));
        }
        if let Some((name, before, after)) = &self.category {
            let percent = |share: f64| format!("{:.1} %", 100.0 * share);
            let after = after.map_or_else(|| "a different share".to_owned(), percent);
            let before = before.map(|share| format!(" instead of {}", percent(share)));
            lines.push(format!("{name}: {after}{}.", before.unwrap_or_default()));
        }
        if let Some(effect) = self.effect {
            let what = if self.is_canary() { "always-valid interval" } else { "95 % interval" };
            let interval = self.effect_interval.map_or_else(String::new, |(low, high)| {
                format!(", {what} {} to {}", number(low), number(high))
            });
            lines.push(format!("Effect {}{interval}.", number(effect)));
        }
        if let Some(reason) = self.reason.as_ref().filter(|_| self.is_of_monitor()) {
            lines.push(format!("{reason}."));
        }
        if !self.distances.is_empty() {
            let named = |(name, value): &(&str, f64)| format!("{name} {}", number(*value));
            let all: Vec<String> = self.distances.iter().map(named).collect();
            lines.push(format!("Distance from the baseline: {}.", all.join(", ")));
        }
        if let Some(since) = self.since() {
            let found = self.since_observations;
            let found = found.map(|seen| format!(", detected after {seen} observations"));
            lines.push(match self.pairs {
                Some(pairs) => format!("Since {since}, {pairs} pairs of runs compared."),
                None => format!("Since {since}{}.", found.unwrap_or_default()),
            });
        }
        if let (Some(e_value), Some(threshold)) = (self.e_value, self.threshold) {
            let (evidence, of) = (number(e_value), number(threshold));
            lines.push(if self.is_canary() {
                let chance = number(1.0 / threshold);
                format!(
                    "Evidence {evidence} of {of}: a canary that is no worse is reported as worse with \
                     a probability of at most {chance}."
                )
            } else {
                format!(
                    "Evidence {evidence} of {of}: on average at least {of} observations pass before a \
                     false alarm."
                )
            });
        }
        lines.join("\n")
    }

    /// When it fired, by the broker's clock, RFC 3339. `None` if this is the event of another step, because
    /// the log no longer holds the one by which it fired.
    pub(crate) fn fired_at(&self) -> Option<String> {
        (self.step == Step::Firing).then(|| rfc3339(self.logged_ms))?
    }

    /// Estimated time of the change, RFC 3339.
    pub(crate) fn since(&self) -> Option<String> {
        rfc3339(self.since_ms?)
    }
}

/// Milliseconds since the epoch as RFC 3339.
pub(crate) fn rfc3339(ms: i64) -> Option<String> {
    Timestamp::from_millis(ms).to_rfc3339()
}

/// A number for display: at least three significant digits, an exponent only if necessary.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || size > 0.0 && size < 1e-4 {
        format!("{value:.3e}")
    } else if size >= 1_000.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use event::EventBuilder;

    use super::*;

    /// An event of an alert, as the processor or the console writes it.
    pub(crate) fn event(kind: &str, alert_id: &str) -> Event<'static> {
        EventBuilder::new(kind)
            .set(column::EVENT_ID, format!("{alert_id}-{kind}"))
            .set(column::EVENT_TIME, Timestamp::from_millis(1_760_000_000_000))
            .set(column::AGENT_ID, "support")
            .set(column::AGENT_VERSION, "v2")
            .set(column::ENVIRONMENT, "production")
            .set(column::drift::ALERT_ID, alert_id)
            .set(column::drift::METRIC, "run.error_rate")
            .set(column::drift::DIRECTION, "rising")
            .set(column::drift::SEVERITY, "page")
            .set(column::drift::DETECTOR, "esr-bounded")
            .set(column::drift::E_VALUE, 27_635.25)
            .set(column::drift::THRESHOLD, 10_000.0)
            .set(column::drift::BASELINE_VERSION, "v1")
            .set(column::drift::BASELINE_COUNT, 1_290_i64)
            .set(column::drift::BASELINE_VALUE, 0.087)
            .set(column::drift::OBSERVED, 0.359)
            .set(column::drift::EFFECT, 0.272)
            .set(column::drift::EFFECT_LOW, 0.14)
            .set(column::drift::EFFECT_HIGH, 0.43)
            .set(column::drift::SINCE_TIME, Timestamp::from_millis(1_759_999_000_000))
            .set(column::drift::SINCE_OBSERVATIONS, 39_i64)
            .set(column::drift::EXAMPLE_RUNS, vec!["r1".to_owned(), "r2".to_owned()])
            .set(column::drift::LAST_CHANGE, "prompt CHG-1 v1 -> v2")
            .set(column::drift::LAST_CHANGE_ID, "change-1")
            .set(column::drift::RUNBOOK_URL, "https://runbooks.example/drift")
            .build()
            .unwrap()
    }

    /// The alert of that step.
    pub(crate) fn alert(step: Step, alert_id: &str) -> Alert {
        let kind = format!("drift.alert.{}", step.name());
        Alert::from_event(&event(&kind, alert_id), 1_760_000_000_500).unwrap()
    }

    #[test]
    fn only_steps_of_alerts_are_alerts() {
        for kind in
            [kind::DRIFT_ALERT_PENDING, kind::DRIFT_BASELINE_SET, kind::NOTIFICATION_DELIVERED]
        {
            assert_eq!(Alert::from_event(&event(kind, "a"), 0), None, "{kind}");
        }
        assert_eq!(Alert::from_event(&event(kind::DRIFT_ALERT_FIRING, ""), 0), None);
        let dismissed = Alert::from_event(&event(kind::DRIFT_ALERT_DISMISSED, "a"), 0).unwrap();
        assert_eq!((dismissed.step, dismissed.state()), (Step::Resolved, "dismissed"));
    }

    #[test]
    fn an_alert_reads_as_sentences() {
        let alert = alert(Step::Firing, "a");
        assert_eq!(alert.title(), "support v2: run.error_rate is rising");
        assert_eq!(
            alert.description(),
            "0.359 instead of 0.087 in v1 (1290 observations).\n\
             Effect 0.272, 95 % interval 0.140 to 0.430.\n\
             Since 2025-10-09T08:36:40.000000Z, detected after 39 observations.\n\
             Evidence 27635 of 10000: on average at least 10000 observations pass before a false \
             alarm."
        );
    }

    #[test]
    fn a_canary_reads_as_sentences() {
        let mut event = event(kind::DRIFT_ALERT_FIRING, "a");
        event.set(column::drift::DETECTOR, "canary".to_owned().into());
        event.set(column::drift::E_VALUE, 153.2.into());
        event.set(column::drift::THRESHOLD, 100.0.into());
        event.set(column::drift::PAIRS, 212_i64.into());
        let alert = Alert::from_event(&event, 0).unwrap();
        assert_eq!(alert.title(), "support canary v2: run.error_rate is worse than in v1");
        assert_eq!(
            alert.description(),
            "0.359 instead of 0.087 in v1 (1290 observations).\n\
             Effect 0.272, always-valid interval 0.140 to 0.430.\n\
             Since 2025-10-09T08:36:40.000000Z, 212 pairs of runs compared.\n\
             Evidence 153.2 of 100.0: a canary that is no worse is reported as worse with a \
             probability of at most 0.010."
        );
    }

    #[test]
    fn a_mix_names_what_changed_most() {
        let event = EventBuilder::new(kind::DRIFT_ALERT_FIRING)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_millis(1))
            .set(column::AGENT_ID, "support")
            .set(column::AGENT_VERSION, "v2")
            .set(column::drift::ALERT_ID, "a")
            .set(column::drift::METRIC, "tool.mix")
            .set(column::drift::DIRECTION, "both")
            .set(column::drift::EFFECT, 0.31)
            .set(column::drift::CATEGORY, "refund")
            .set(column::drift::CATEGORY_BEFORE, 0.05)
            .set(column::drift::CATEGORY_AFTER, 0.312)
            .set(column::drift::PSI, 0.61)
            .set(column::drift::JENSEN_SHANNON, 0.31)
            .build()
            .unwrap();
        let alert = Alert::from_event(&event, 7).unwrap();
        assert_eq!(alert.title(), "support v2: tool.mix has changed");
        assert_eq!(
            alert.description(),
            "refund: 31.2 % instead of 5.0 %.\n\
             Effect 0.310.\n\
             Distance from the baseline: PSI 0.610, Jensen-Shannon 0.310."
        );
    }

    #[test]
    fn what_is_not_there_is_not_invented_and_long_text_is_cut() {
        let long = "x".repeat(5_000);
        let event = EventBuilder::new(kind::DRIFT_ALERT_FIRING)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_millis(1))
            .set(column::AGENT_ID, long.as_str())
            .set(column::drift::ALERT_ID, "a")
            .set(column::drift::E_VALUE, f64::NAN)
            .build()
            .unwrap();
        let alert = Alert::from_event(&event, 7).unwrap();
        assert_eq!(alert.agent_id.chars().count(), TEXT_MAX);
        assert_eq!((alert.description(), alert.e_value), (String::new(), None));
        assert_eq!(alert.severity, Severity::Page, "without a severity it is not demoted");
    }

    #[test]
    fn numbers_are_readable() {
        for (value, text) in [
            (0.0, "0.000"),
            (0.35911, "0.359"),
            (12.34, "12.3"),
            (27_635.2, "27635"),
            (1e-5, "1.000e-5"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
