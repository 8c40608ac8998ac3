//! The events of an alert.

use drift::StreamDetector;
use event::{EventBuilder, column};

use super::context::Context;
use super::sequential_test::{Phase, SequentialTest};
use super::totals::Totals;
use crate::change::LastChange;
use crate::metric::{Model, Watch};
use crate::number::int;
use crate::output::{Destination, Outputs};

/// Direction in which a stream is watched.
pub(super) const fn watched(watch: Watch) -> &'static str {
    match watch.model {
        Model::Failures | Model::Successes => "rising",
        Model::Sizes | Model::Mix => "both",
    }
}

/// Sets the fields of every event about a stream.
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

impl SequentialTest {
    /// Emits a step of an episode, with the finding since the estimated change or of a period.
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
        let examples = self.examples(finding.since.map(|(mark, _)| mark.offset));
        let baseline = self.comparison.expected(&finding).or(self.baseline.value);
        let runbook = Some(settings.runbook_url.as_str()).filter(|url| !url.is_empty());
        let last_change = context.last_change;
        let set = |builder: EventBuilder| {
            let builder = LastChange::fill(last_change, describe(builder, context));
            let builder = self.baseline.fill(builder, baseline);
            distances
                .fill(finding.fill(builder))
                .set(column::drift::ALERT_ID, id)
                .set(column::drift::DETECTOR, self.comparison.name())
                .set(column::drift::SEVERITY, if is_page { "page" } else { "ticket" })
                .set(column::drift::E_VALUE, e_value)
                .set(column::drift::THRESHOLD, threshold)
                .set_some(column::drift::BOUND, self.comparison.bound())
                .set(column::drift::OBSERVATIONS, int(detector.observations()))
                .set_some(column::drift::EXAMPLE_RUNS, examples)
                .set_some(column::drift::RUNBOOK_URL, runbook)
                .set_some(column::drift::REASON, reason)
        };
        let time = outputs.time();
        outputs.push(Destination::Alerts, kind, time, context.about(), set);
    }

    /// The last runs since an offset that show the change.
    fn examples(&self, since: Option<i64>) -> Option<Vec<String>> {
        let shown = self.examples.iter();
        let shown = shown.filter(|(offset, _)| since.is_none_or(|since| *offset >= since));
        let runs: Vec<String> = shown.map(|(_, run)| run.clone()).collect();
        (!runs.is_empty()).then_some(runs)
    }
}
