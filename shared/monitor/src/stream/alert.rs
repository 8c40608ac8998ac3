//! The events of an alert.

use drift::StreamDetector;
use event::{EventBuilder, Timestamp, column};

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
        .set(column::drift::METRIC, context.watch.metric)
        .set_some(column::drift::SUITE, context.suite)
        .set(column::drift::EFFECT_UNIT, unit)
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
                .set(column::drift::DIRECTION, finding.direction.name())
                .set(column::drift::ALERT_ID, id)
                .set(column::drift::DETECTOR, self.comparison.name())
                .set(column::drift::SEVERITY, if is_page { "page" } else { "ticket" })
                .set(column::drift::E_VALUE, e_value)
                .set(column::drift::THRESHOLD, threshold)
                .set(column::drift::BASELINE_KIND, self.baseline.kind.name())
                .set_some(column::drift::BASELINE_VERSION, self.baseline.version.as_deref())
                .set(column::drift::BASELINE_COUNT, int(self.baseline.count))
                .set_some(column::drift::BASELINE_VALUE, baseline)
                .set_some(column::drift::BOUND, self.comparison.bound())
                .set(column::drift::OBSERVATIONS, int(detector.observations()))
                .set_some(column::drift::OBSERVED, finding.observed)
                .set_some(column::drift::EFFECT, finding.effect)
                .set_some(column::drift::EFFECT_LOW, finding.low)
                .set_some(column::drift::EFFECT_HIGH, finding.high)
                .set_some(
                    column::drift::CATEGORY,
                    finding.category.as_ref().map(|c| c.name.as_str()),
                )
                .set_some(
                    column::drift::CATEGORY_BEFORE,
                    finding.category.as_ref().and_then(|c| c.before),
                )
                .set_some(column::drift::CATEGORY_AFTER, finding.category.as_ref().map(|c| c.after))
                .set_some(column::drift::PSI, distances.psi)
                .set_some(column::drift::JENSEN_SHANNON, distances.jensen_shannon)
                .set_some(column::drift::KOLMOGOROV_SMIRNOV, distances.kolmogorov_smirnov)
                .set_some(column::drift::WASSERSTEIN, distances.wasserstein)
                .set_some(column::drift::SINCE_TIME, since_time.map(Timestamp::from_micros))
                .set_some(column::drift::SINCE_OFFSET, since_offset)
                .set_some(column::drift::SINCE_OBSERVATIONS, finding.since.map(|(_, n)| int(n)))
                .set_some(column::drift::EXAMPLE_RUNS, (!examples.is_empty()).then_some(examples))
                .set_some(
                    column::drift::LAST_CHANGE,
                    context.last_change.map(|c| c.summary.as_str()),
                )
                .set_some(column::drift::RUNBOOK_URL, runbook)
                .set_some(column::drift::REASON, reason)
        };
        let time = outputs.time();
        outputs.push(Destination::Alerts, kind, time, context.about(), set);
    }
}
