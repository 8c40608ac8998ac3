//! A drift alert as a person reads it.

use event::{Event, schema};
use serde::Serialize;

/// A drift alert that fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// The agent.
    pub agent_id: String,
    /// Its version.
    pub agent_version: String,
    /// The metric.
    pub metric: String,
    /// The suite, for evaluation metrics.
    pub suite: Option<String>,
    /// rising or falling.
    pub direction: String,
    /// page or ticket.
    pub severity: String,
    /// The version compared with.
    pub baseline_version: Option<String>,
    /// Observations of the baseline.
    pub baseline_count: Option<i64>,
    /// Rate of the baseline, or its median.
    pub baseline_value: Option<f64>,
    /// Rate since the estimated change, or the median.
    pub observed: Option<f64>,
    /// How far `observed` is from `baseline_value`, in `effect_unit`.
    pub effect: Option<f64>,
    /// difference, or relative.
    pub effect_unit: String,
    /// 95 % interval of the effect.
    pub effect_interval: Option<(f64, f64)>,
    /// Event time of the first observation after the estimated change, RFC 3339.
    pub since: Option<String>,
    /// Observations since then when the alert fired.
    pub since_observations: Option<i64>,
    /// Value of the e-detector.
    pub e_value: Option<f64>,
    /// The alert fires when `e_value` reaches it; a false alarm takes that many observations on
    /// average, at least.
    pub threshold: Option<f64>,
    /// Last change of the agent.
    pub last_change: Option<String>,
    /// Runs that show it.
    pub example_runs: Vec<String>,
    /// The alert event.
    pub event_id: String,
}

impl Alert {
    pub(super) fn from_event(event: &Event<'_>) -> Self {
        let text = |path| event.text_at(path).map(str::to_owned);
        let id = |path| schema().id(path);
        let number = |path| id(path).and_then(|id| event.number(id));
        let int = |path| id(path).and_then(|id| event.int(id));
        Self {
            agent_id: text("agent_id").unwrap_or_default(),
            agent_version: text("agent_version").unwrap_or_default(),
            metric: text("drift.metric").unwrap_or_default(),
            suite: text("drift.suite"),
            direction: text("drift.direction").unwrap_or_default(),
            severity: text("drift.severity").unwrap_or_default(),
            baseline_version: text("drift.baseline_version"),
            baseline_count: int("drift.baseline_count"),
            baseline_value: number("drift.baseline_value"),
            observed: number("drift.observed"),
            effect: number("drift.effect"),
            effect_unit: text("drift.effect_unit").unwrap_or_default(),
            effect_interval: number("drift.effect_low").zip(number("drift.effect_high")),
            since: id("drift.since_time")
                .and_then(|id| event.time(id))
                .and_then(event::Timestamp::to_rfc3339),
            since_observations: int("drift.since_observations"),
            e_value: number("drift.e_value"),
            threshold: number("drift.threshold"),
            last_change: text("drift.last_change"),
            example_runs: match event.at("drift.example_runs") {
                Some(event::Cell::Texts(runs)) => {
                    runs.iter().map(|run| run.clone().into_owned()).collect()
                }
                Some(_) | None => Vec::new(),
            },
            event_id: text("event_id").unwrap_or_default(),
        }
    }

    /// Whether somebody is to be woken.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.severity == "page"
    }

    /// How large the change is, with its unit.
    #[must_use]
    pub fn effect_text(&self) -> String {
        self.effect.map_or_else(|| "?".to_owned(), |effect| self.sized(effect))
    }

    fn is_relative(&self) -> bool {
        self.effect_unit == "relative"
    }

    fn sized(&self, effect: f64) -> String {
        let unit = if self.is_relative() { "%" } else { "points" };
        format!("{:+.1} {unit}", effect * 100.0)
    }

    /// A rate as a percentage, or a median as it is.
    fn value_text(&self, value: Option<f64>) -> String {
        match value {
            None => "?".to_owned(),
            Some(value) if !self.is_relative() => format!("{:.1} %", value * 100.0),
            Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
            Some(value) if value.abs() >= 1.0 => format!("{value:.1}"),
            Some(value) => format!("{value:.4}"),
        }
    }

    /// What changed, by how much: two lines.
    fn headline(&self) -> Vec<String> {
        let suite = self.suite.as_ref().map(|suite| format!(" ({suite})")).unwrap_or_default();
        let interval = self.effect_interval.map_or_else(String::new, |(low, high)| {
            format!(", 95 % interval {:+.1} to {:+.1}", low * 100.0, high * 100.0)
        });
        vec![
            format!(
                "ALERT    {} {}: {}{suite} is {} [{}]",
                self.agent_id, self.agent_version, self.metric, self.direction, self.severity
            ),
            format!(
                "effect   {}{} instead of {} in {} ({} observations): {}{interval}",
                if self.is_relative() { "median " } else { "" },
                self.value_text(self.observed),
                self.value_text(self.baseline_value),
                self.baseline_version.as_deref().unwrap_or("the baseline"),
                self.baseline_count.unwrap_or_default(),
                self.effect_text(),
            ),
        ]
    }

    /// The alert for a person: several lines, of a ticket two.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = self.headline();
        if !self.is_page() {
            return lines.join("\n");
        }
        lines.push(format!(
            "since    {}, found after {} observations",
            self.since.as_deref().unwrap_or("?"),
            self.since_observations.unwrap_or_default(),
        ));
        lines.push(format!(
            "evidence e-value {:.0}, threshold {:.0}: a false alarm takes at least {:.0} observations on average",
            self.e_value.unwrap_or_default(),
            self.threshold.unwrap_or_default(),
            self.threshold.unwrap_or_default(),
        ));
        if let Some(change) = &self.last_change {
            lines.push(format!("change   {change}"));
        }
        if !self.example_runs.is_empty() {
            lines.push(format!("runs     {}", self.example_runs.join(", ")));
        }
        lines.join("\n")
    }
}
