//! A stream: its test, and its candidate for the next version's baseline.

use event::{EventBuilder, column, kind};
use serde::{Deserialize, Serialize};

use super::alert;
use super::candidate::BaselineCandidate;
use super::comparison::Comparison;
use super::context::Context;
use super::expectation::{Expected, Rolling};
use super::finding::NoDetector;
use super::mark::Mark;
use super::reference::{Basis, Reference, Source};
use super::sequential_test::{Baseline, Phase, SequentialTest};
use super::standings::Standings;
use super::totals::{History, Totals};
use super::value::Value;
use crate::metric_settings::BaselineKind;
use crate::number::int;
use crate::output::{Destination, Outputs};

/// Number of periods without effect that resolve an alert.
const CALM_PERIODS: u8 = 2;

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// The observations of this version; the candidate for the next version's baseline.
    pub(crate) candidate: BaselineCandidate,
    /// Identifies the baseline that it is compared with.
    pub(crate) basis: Basis,
    test: Option<SequentialTest>,
}

impl Stream {
    /// A stream that is compared with a reference. Emits `drift.baseline.set`, with the reason if
    /// it cannot be compared.
    pub(crate) fn start(
        candidate: BaselineCandidate,
        reference: Reference,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Self {
        let policy = context.policy();
        let Reference { basis, version, source } = reference;
        let (comparison, count, value, per_day) = match &source {
            Source::Frozen(history) => {
                let comparison = Comparison::new(&history.totals, &policy);
                (comparison, history.count(), history.value(), history.per_day())
            }
            Source::Rolling(Rolling { count, value, per_day, common }) => {
                let common = common.ok_or(NoDetector::NoHour);
                let comparison = common.and_then(|common| Comparison::rolling(common, &policy));
                (comparison, *count, *value, *per_day)
            }
            Source::Unwatched => (Err(NoDetector::Unwatched), 0, None, None),
        };
        let threshold = context.threshold(per_day);
        let bound = comparison.as_ref().map(Comparison::bound);
        let name = comparison.as_ref().ok().map(Comparison::name);
        let set = |builder: EventBuilder| {
            alert::describe(builder, context)
                .set(column::drift::DIRECTION, alert::watched(context.watch))
                .set(column::drift::THRESHOLD, threshold)
                .set_some(column::drift::DETECTOR, name)
                .set_some(column::drift::BASELINE_KIND, basis.kind.map(BaselineKind::name))
                .set_some(column::drift::BASELINE_VERSION, version.as_deref())
                .set(column::drift::BASELINE_COUNT, int(count))
                .set_some(column::drift::BASELINE_VALUE, value)
                .set_some(column::drift::BOUND, bound.as_ref().ok().copied().flatten())
                .set_some(column::drift::REASON, bound.err().map(|why| why.reason()))
        };
        let time = outputs.time();
        let kind = kind::DRIFT_BASELINE_SET;
        outputs.push(Destination::Alerts, kind, time, context.about(), set);
        let baseline =
            Baseline { kind: basis.kind.unwrap_or_default(), version, count, value, per_day };
        let test = comparison.ok().map(|comparison| SequentialTest::new(comparison, baseline));
        Self { candidate, basis, test }
    }

    /// A stream without a test, and without an event: that of a canary.
    pub(crate) const fn untested(candidate: BaselineCandidate, basis: Basis) -> Self {
        Self { candidate, basis, test: None }
    }

    /// Takes the next observation, with its expectation in a comparison with the weeks before.
    /// Returns the time of the change if an alert fires now.
    pub(crate) fn observe(
        &mut self,
        (value, expected): (Value<'_>, Option<Expected>),
        mark: Mark,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Option<Mark> {
        let model = context.watch.model;
        let Some(test) = &mut self.test else {
            self.candidate.add(value, mark.time);
            return None;
        };
        if self.candidate.wait(value, mark, model) {
            self.candidate.admit(test.changed());
        }
        let changed = test.observe((value, expected), mark, run, context, outputs);
        if let Some(changed) = changed {
            self.candidate.set_aside(changed, model);
        }
        changed
    }

    /// The observations since an alert fired, if it is open.
    pub(crate) fn since_alert(&self, alert_id: &str) -> Option<&History> {
        match &self.test {
            Some(SequentialTest { phase: Phase::Firing { id, .. }, .. }) if id == alert_id => {
                self.candidate.aside()
            }
            Some(_) | None => None,
        }
    }

    /// Restarts the stream against another reference.
    pub(crate) fn rebase(
        &mut self,
        reference: Reference,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        self.restart("the baseline has changed", context, outputs);
        let candidate =
            std::mem::replace(&mut self.candidate, BaselineCandidate::empty(context.watch.model));
        *self = Self::start(candidate, reference, context, outputs);
    }

    /// Whether the stream is tested.
    pub(crate) const fn is_tested(&self) -> bool {
        self.test.is_some()
    }

    /// Whether there is no test because no hour of the weeks before had enough observations.
    pub(crate) fn awaits_weeks(&self) -> bool {
        self.test.is_none() && self.basis.kind == Some(BaselineKind::Rolling)
    }

    /// Whether an alert is firing.
    pub(crate) fn is_firing(&self) -> bool {
        matches!(self.test, Some(SequentialTest { phase: Phase::Firing { .. }, .. }))
    }

    /// Handles a window of this stream that closed for the first time.
    pub(crate) fn window_closed(
        &mut self,
        start: i64,
        observed: &Totals,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(test) = &mut self.test else { return };
        let Phase::Firing { since, calm, period, .. } = &mut test.phase else { return };
        if start < *since {
            return;
        }
        period.merge(observed);
        let policy = context.policy();
        if period.count() < u64::from(policy.observations_min).max(1) {
            return;
        }
        let period = std::mem::replace(period, Totals::empty(context.watch.model));
        let is_calm = test.comparison.is_calm(&period, &policy);
        *calm = if is_calm { *calm + 1 } else { 0 };
        if *calm >= CALM_PERIODS {
            test.resolve(Some(&period), "the effect is gone", context, outputs);
            self.candidate.settle();
        }
    }

    /// Resolves an open alert, and restarts the test against the same baseline.
    pub(crate) fn restart(
        &mut self,
        reason: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(test) = &mut self.test else { return };
        if let (Phase::Pending { .. }, Some(changed)) = (&test.phase, test.changed()) {
            self.candidate.set_aside(changed, context.watch.model);
        }
        test.resolve(None, reason, context, outputs);
        self.candidate.settle();
    }

    /// Prepares the stream for its removal.
    pub(crate) fn leave(&mut self, standings: &Standings) {
        if let Some(test) = &mut self.test {
            test.leave(standings);
        }
    }
}
