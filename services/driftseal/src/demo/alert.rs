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
    /// difference, relative or jensen_shannon.
    pub effect_unit: String,
    /// 95 % interval of the effect.
    pub effect_interval: Option<(f64, f64)>,
    /// Of a mix, the category that changed most, with its shares before and after.
    pub category: Option<(String, Option<f64>, Option<f64>)>,
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
            category: text("drift.category").map(|name| {
                (name, number("drift.category_before"), number("drift.category_after"))
            }),
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

    fn is_mix(&self) -> bool {
        self.effect_unit == "jensen_shannon"
    }

    fn is_relative(&self) -> bool {
        self.effect_unit == "relative"
    }

    fn sized(&self, effect: f64) -> String {
        if self.is_mix() {
            return format!("Jensen-Shannon distance {effect:.3}");
        }
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
        let way = match self.direction.as_str() {
            "both" => "has changed".to_owned(),
            way => format!("is {way}"),
        };
        let (what, observed, before) = match &self.category {
            Some((name, before, after)) => (format!("{name} "), *after, *before),
            None if self.is_relative() => {
                ("median ".to_owned(), self.observed, self.baseline_value)
            }
            None => (String::new(), self.observed, self.baseline_value),
        };
        vec![
            format!(
                "ALERT    {} {}: {}{suite} {way} [{}]",
                self.agent_id, self.agent_version, self.metric, self.severity
            ),
            format!(
                "effect   {what}{} instead of {} in {} ({} observations): {}{interval}",
                self.value_text(observed),
                self.value_text(before),
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

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp};

    #[test]
    fn a_mix_names_what_changed_most() {
        let event = EventBuilder::new("drift.alert.firing")
            .set("event_id", "e")
            .set("event_time", Timestamp::from_millis(1))
            .set("agent_id", "support")
            .set("agent_version", "v2")
            .set("drift.metric", "tool.mix")
            .set("drift.direction", "both")
            .set("drift.severity", "ticket")
            .set("drift.baseline_version", "v1")
            .set("drift.baseline_count", 512_i64)
            .set("drift.effect", 0.31)
            .set("drift.effect_unit", "jensen_shannon")
            .set("drift.category", "refund")
            .set("drift.category_before", 0.05)
            .set("drift.category_after", 0.312)
            .build()
            .unwrap();
        assert_eq!(
            Alert::from_event(&event).to_text(),
            "ALERT    support v2: tool.mix has changed [ticket]\n\
             effect   refund 31.2 % instead of 5.0 % in v1 (512 observations): \
             Jensen-Shannon distance 0.310"
        );
    }
}
