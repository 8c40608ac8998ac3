//! The events of an alert.

use drift::StreamDetector;
use event::{EventBuilder, Timestamp};

use super::context::Context;
use super::sequential_test::{Phase, SequentialTest};
use super::totals::Totals;
use crate::metric::{Model, Watch};
use crate::output::{Destination, Outputs};

/// Direction that a stream is watched for.
pub(super) const fn watched(watch: Watch) -> &'static str {
    match watch.model {
        Model::Failures | Model::Successes => "rising",
        Model::Sizes | Model::Mix => "both",
    }
}

/// What every event about a stream says.
pub(super) fn describe(builder: EventBuilder, context: &Context<'_>) -> EventBuilder {
    let unit = match context.watch.model {
        Model::Failures | Model::Successes => "difference",
        Model::Sizes => "relative",
        Model::Mix => "jensen_shannon",
    };
    builder
        .set("drift.metric", context.watch.metric)
        .set_some("drift.suite", context.suite)
        .set("drift.effect_unit", unit)
}

pub(crate) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl SequentialTest {
    /// Emits a step of an episode: with what was observed since the estimated change, or in a
    /// period.
    pub(super) fn alert(
        &self,
        kind: &str,
        id: &str,
        period: Option<&Totals>,
        reason: Option<&str>,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let settings = context.shared.settings;
        let (detector, finding) = (self.comparison.detector(), self.comparison.finding(period));
        let distances = self.comparison.distances(period);
        let e_value = detector.statistic();
        let (threshold, is_page) = match &self.phase {
            Phase::Firing { early: Some(threshold), .. } => (*threshold, false),
            Phase::Stable | Phase::Pending { .. } | Phase::Firing { early: None, .. } => {
                (self.threshold(context), self.is_page(&finding, context))
            }
        };
        let since_offset = finding.since.map(|(mark, _)| mark.offset);
        let since_time = finding.since.map(|(mark, _)| mark.time);
        let examples: Vec<String> = self
            .examples
            .iter()
            .filter(|(offset, _)| since_offset.is_none_or(|since| *offset >= since))
            .map(|(_, run)| run.clone())
            .collect();
        let baseline = self.comparison.expected(&finding).or(self.baseline.value);
        let runbook = Some(settings.runbook_url.as_str()).filter(|url| !url.is_empty());
        let set = |builder: EventBuilder| {
            describe(builder, context)
                .set("drift.direction", finding.direction.name())
                .set("drift.alert_id", id)
                .set("drift.detector", self.comparison.name())
                .set("drift.severity", if is_page { "page" } else { "ticket" })
                .set("drift.e_value", e_value)
                .set("drift.threshold", threshold)
                .set("drift.baseline_kind", self.baseline.kind.name())
                .set_some("drift.baseline_version", self.baseline.version.as_deref())
                .set("drift.baseline_count", int(self.baseline.count))
                .set_some("drift.baseline_value", baseline)
                .set_some("drift.bound", self.comparison.bound())
                .set("drift.observations", int(detector.observations()))
                .set_some("drift.observed", finding.observed)
                .set_some("drift.effect", finding.effect)
                .set_some("drift.effect_low", finding.low)
                .set_some("drift.effect_high", finding.high)
                .set_some("drift.category", finding.category.as_ref().map(|c| c.name.as_str()))
                .set_some("drift.category_before", finding.category.as_ref().and_then(|c| c.before))
                .set_some("drift.category_after", finding.category.as_ref().map(|c| c.after))
                .set_some("drift.psi", distances.psi)
                .set_some("drift.jensen_shannon", distances.jensen_shannon)
                .set_some("drift.kolmogorov_smirnov", distances.kolmogorov_smirnov)
                .set_some("drift.wasserstein", distances.wasserstein)
                .set_some("drift.since_time", since_time.map(Timestamp::from_micros))
                .set_some("drift.since_offset", since_offset)
                .set_some("drift.since_observations", finding.since.map(|(_, n)| int(n)))
                .set_some("drift.example_runs", (!examples.is_empty()).then_some(examples))
                .set_some("drift.last_change", context.last_change.map(|c| c.summary.as_str()))
                .set_some("drift.runbook_url", runbook)
                .set_some("drift.reason", reason)
        };
        let time = outputs.time();
        outputs.push(Destination::Alerts, kind, time, context.agent, context.version, set);
    }
}
