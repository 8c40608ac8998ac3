//! A drift alert, for display.

use std::fmt;

use event::plain::{Name, Plain};
use event::{Event, column, view};
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
    /// The eval suite, for metrics of evaluations.
    pub suite: Option<String>,
    /// `rising`, `falling` or `both`.
    pub direction: String,
    /// `page` or `ticket`.
    pub severity: String,
    /// The version it is compared with.
    pub baseline_version: Option<String>,
    /// Observations of the baseline.
    pub baseline_count: Option<i64>,
    /// Rate or median of the baseline.
    pub baseline_value: Option<f64>,
    /// Rate or median since the estimated change.
    pub observed: Option<f64>,
    /// Difference of `observed` from `baseline_value`, in `effect_unit`.
    pub effect: Option<f64>,
    /// `difference`, `relative` or `jensen_shannon`.
    pub effect_unit: String,
    /// 95 % confidence interval of the effect.
    pub effect_interval: Option<(f64, f64)>,
    /// For a mix metric: the category that changed most, with its shares before and after.
    pub category: Option<(String, Option<f64>, Option<f64>)>,
    /// Event time of the first observation after the estimated change, RFC 3339.
    pub since: Option<String>,
    /// Observations from then until the alert fired.
    pub since_observations: Option<i64>,
    /// Value of the e-detector.
    pub e_value: Option<f64>,
    /// The e-value at which the alert fires, and the least average number of observations before a
    /// false alarm.
    pub threshold: Option<f64>,
    /// The last change of the agent.
    pub last_change: Option<String>,
    /// Example runs.
    pub example_runs: Vec<String>,
    /// `event_id` of the alert event.
    pub event_id: String,
}

impl Alert {
    /// Reads an alert event; `None` for other events.
    pub(super) fn from_event(event: &Event<'_>) -> Option<Self> {
        let said = view::Alert::read(event)?;
        let own = |text: Option<&str>| text.map(str::to_owned);
        let text = |text: Option<&str>| text.unwrap_or("").to_owned();
        let category =
            said.category.map(|name| (name.to_owned(), said.category_before, said.category_after));
        let runs = said.example_runs.unwrap_or(&[]).iter();
        Some(Self {
            agent_id: text(event.text(column::AGENT_ID)),
            agent_version: text(event.text(column::AGENT_VERSION)),
            metric: text(said.metric),
            suite: own(said.suite),
            direction: text(said.direction),
            severity: text(said.severity),
            baseline_version: own(said.baseline_version),
            baseline_count: said.baseline_count,
            baseline_value: said.baseline_value,
            observed: said.observed,
            effect: said.effect,
            effect_unit: text(said.effect_unit),
            effect_interval: said.effect_low.zip(said.effect_high),
            category,
            since: said.since_time.and_then(event::Timestamp::to_rfc3339),
            since_observations: said.since_observations,
            e_value: said.e_value,
            threshold: said.threshold,
            last_change: own(said.last_change),
            example_runs: runs.map(|run| run.clone().into_owned()).collect(),
            event_id: text(event.text(column::EVENT_ID)),
        })
    }

    /// Whether it is a page.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.severity == "page"
    }

    /// The effect with its unit.
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

    /// A rate as a percentage, or a median.
    fn value_text(&self, value: Option<f64>) -> String {
        match value {
            None => "?".to_owned(),
            Some(value) if !self.is_relative() => format!("{:.1} %", value * 100.0),
            Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
            Some(value) if value.abs() >= 1.0 => format!("{value:.1}"),
            Some(value) => format!("{value:.4}"),
        }
    }

    /// Two lines: what has changed, and by how much.
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suite = self.suite.as_ref().map(|suite| format!(" ({})", Name(suite)));
        let suite = suite.unwrap_or_default();
        let interval = self.effect_interval.map_or_else(String::new, |(low, high)| {
            format!(", 95 % interval {:+.1} to {:+.1}", low * 100.0, high * 100.0)
        });
        let way = match self.direction.as_str() {
            "both" => "has changed".to_owned(),
            way => format!("is {way}"),
        };
        let (what, observed, before) = match &self.category {
            Some((name, before, after)) => (format!("{} ", Name(name)), *after, *before),
            None if self.is_relative() => {
                ("median ".to_owned(), self.observed, self.baseline_value)
            }
            None => (String::new(), self.observed, self.baseline_value),
        };
        let count = self.baseline_count.map(|count| format!(" ({count} observations)"));
        writeln!(
            f,
            "ALERT    {} {}: {}{suite} {way} [{}]",
            Name(&self.agent_id),
            Name(&self.agent_version),
            Name(&self.metric),
            Name(&self.severity)
        )?;
        write!(
            f,
            "effect   {what}{} instead of {} in {}{}: {}{interval}",
            self.value_text(observed),
            self.value_text(before),
            Name(self.baseline_version.as_deref().unwrap_or("the baseline")),
            count.unwrap_or_default(),
            self.effect_text(),
        )
    }
}

/// Several lines; two for a ticket.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        if !self.is_page() {
            return Ok(());
        }
        if let (Some(since), Some(observations)) = (&self.since, self.since_observations) {
            write!(f, "\nsince    {since}, detected after {observations} observations")?;
        }
        if let (Some(e_value), Some(threshold)) = (self.e_value, self.threshold) {
            write!(
                f,
                "\nevidence e-value {e_value:.0}, threshold {threshold:.0}: on average at least \
                 {threshold:.0} observations pass before a false alarm",
            )?;
        }
        if let Some(change) = &self.last_change {
            write!(f, "\nchange   {}", Plain(change))?;
        }
        if !self.example_runs.is_empty() {
            write!(f, "\nruns     {}", Plain(&self.example_runs.join(", ")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp, kind};

    #[test]
    fn a_mix_names_what_changed_most() {
        let event = EventBuilder::new(kind::DRIFT_ALERT_FIRING)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_millis(1))
            .set(column::AGENT_ID, "support")
            .set(column::AGENT_VERSION, "v2")
            .set(column::drift::METRIC, "tool.mix")
            .set(column::drift::DIRECTION, "both")
            .set(column::drift::SEVERITY, "ticket")
            .set(column::drift::BASELINE_VERSION, "v1")
            .set(column::drift::BASELINE_COUNT, 512_i64)
            .set(column::drift::EFFECT, 0.31)
            .set(column::drift::EFFECT_UNIT, "jensen_shannon")
            .set(column::drift::CATEGORY, "refund")
            .set(column::drift::CATEGORY_BEFORE, 0.05)
            .set(column::drift::CATEGORY_AFTER, 0.312)
            .build()
            .unwrap();
        assert_eq!(
            Alert::from_event(&event).unwrap().to_string(),
            "ALERT    support v2: tool.mix has changed [ticket]\n\
             effect   refund 31.2 % instead of 5.0 % in v1 (512 observations): \
             Jensen-Shannon distance 0.310"
        );
    }
}
