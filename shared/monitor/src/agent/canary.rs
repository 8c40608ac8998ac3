//! The canary of an agent: when it starts, and how it ends.

use event::{EventBuilder, column, kind};

use super::metrics::NOT_IN_FORCE;
use super::state::Agent;
use crate::canary::{self, Canary, Ending, Pair, Step};
use crate::change::LastChange;
use crate::kind::Kind;
use crate::metric::MetricSet;
use crate::output::{About, Destination, Outputs};
use crate::stream::{Mark, Shared};

impl Agent {
    /// Applies a deployment or rollback to the running canary, and returns what remains to be done.
    pub(crate) fn decide(
        &mut self,
        (to, from): (&str, Option<&str>),
        kind: Kind,
        share: Option<f64>,
        outputs: &mut Outputs<'_>,
    ) -> Step {
        let running = self.canary.as_ref().map(|c| (c.version.as_str(), c.control.as_str()));
        let (ends, step) =
            canary::decide(running, self.current.as_deref(), (to, from), kind, share);
        if let Some(ending) = ends {
            self.end_canary(ending, outputs);
        }
        if let (Step::Share(share), Some(canary)) = (step, &mut self.canary) {
            canary.share = share;
        }
        step
    }

    /// Whether a version runs as a canary.
    pub(crate) fn is_canary(&self, version: &str) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.is(version))
    }

    /// Starts a canary of a version, which is known, beside the current one.
    pub(crate) fn start_canary(
        &mut self,
        version: &str,
        share: f64,
        offset: i64,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(control) = self.current.clone() else {
            unreachable!("a canary starts beside a current version")
        };
        let time = outputs.time();
        let threshold = 1.0 / shared.settings.canary_alpha;
        let change = self.last_change.as_ref();
        let (kind, to) = (kind::DRIFT_CANARY_STARTED, Destination::Alerts);
        outputs.push(to, kind, time, About::version(&self.identity, version), |builder| {
            LastChange::fill(change, builder)
                .set(column::drift::DETECTOR, canary::DETECTOR.name)
                .set(column::drift::THRESHOLD, threshold)
                .set(column::drift::BASELINE_VERSION, control.as_str())
                .set(column::drift::TRAFFIC_SHARE, share)
        });
        self.canary = Some(Box::new(Canary {
            version: version.to_owned(),
            control,
            share,
            since: Mark { offset, time },
            threshold,
            alone: 0,
            pairs: Vec::new(),
        }));
    }

    /// Records a run of a version. If all runs are those of the canary, it takes over: an agent is never
    /// without a comparison because somebody said that it has a control. Returns whether it did.
    pub(crate) fn ran(
        &mut self,
        version: &str,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        let Some(canary) = &mut self.canary else { return false };
        if !canary.ran(version) {
            return false;
        }
        let (version, control) = (canary.version.clone(), canary.control.clone());
        self.end_canary(Ending::Alone, outputs);
        self.introduce(&version, Some(control), shared, outputs);
        true
    }

    /// Ends the canary, if one runs: resolves its alerts, and reports the result of each of its
    /// streams.
    pub(crate) fn end_canary(&mut self, ending: Ending, outputs: &mut Outputs<'_>) {
        let Some(canary) = self.canary.take() else { return };
        self.end_pairs(&canary, &canary.pairs, ending, outputs);
        if canary.pairs.is_empty() {
            let time = outputs.time();
            let about = About::version(&self.identity, &canary.version);
            outputs.push(Destination::Alerts, kind::DRIFT_CANARY_ENDED, time, about, |builder| {
                builder
                    .set(column::drift::OUTCOME, ending.name())
                    .set(column::drift::TRAFFIC_SHARE, canary.share)
                    .set(column::drift::DETECTOR, canary::DETECTOR.name)
                    .set(column::drift::THRESHOLD, canary.threshold)
                    .set(column::drift::BASELINE_VERSION, canary.control.as_str())
                    .set(column::drift::REASON, ending.reason())
            });
        }
    }

    fn end_pairs(
        &self,
        canary: &Canary,
        pairs: &[Pair],
        ending: Ending,
        outputs: &mut Outputs<'_>,
    ) {
        for pair in pairs.iter().filter(|pair| pair.is_firing()) {
            self.resolve(canary, pair, ending.reason(), outputs);
        }
        for pair in pairs {
            let kind = kind::DRIFT_CANARY_ENDED;
            self.push_pair((canary, pair), kind, ending.reason(), outputs, |builder| {
                builder
                    .set(column::drift::OUTCOME, ending.name())
                    .set(column::drift::TRAFFIC_SHARE, canary.share)
            });
        }
    }

    /// Resolves the firing alert of a stream of a canary.
    fn resolve(&self, canary: &Canary, pair: &Pair, reason: &str, outputs: &mut Outputs<'_>) {
        let kind = kind::DRIFT_ALERT_RESOLVED;
        self.push_pair((canary, pair), kind, reason, outputs, |builder| {
            builder.set(column::drift::SEVERITY, pair.severity())
        });
    }

    /// Emits an event about a stream of a canary.
    fn push_pair(
        &self,
        (canary, pair): (&Canary, &Pair),
        kind: &str,
        reason: &str,
        outputs: &mut Outputs<'_>,
        fill: impl FnOnce(EventBuilder) -> EventBuilder,
    ) {
        let Canary { version, control, since, .. } = canary;
        let (time, about) = (outputs.time(), About::metric(&self.identity, version, pair.place()));
        outputs.push(Destination::Alerts, kind, time, about, |builder| {
            fill(pair.describe(builder, control, *since)).set(column::drift::REASON, reason)
        });
    }

    /// Removes the streams of some metrics from the canary; their firing alerts are resolved.
    pub(super) fn forget_pairs(&mut self, left: MetricSet, outputs: &mut Outputs<'_>) {
        let Some(mut canary) = self.canary.take() else { return };
        let is_left = |pair: &Pair| left.contains(pair.place());
        for pair in canary.pairs.iter().filter(|pair| is_left(pair) && pair.is_firing()) {
            self.resolve(&canary, pair, NOT_IN_FORCE, outputs);
        }
        canary.pairs.retain(|pair| !is_left(pair));
        self.canary = Some(canary);
    }

    /// Ends the canary if the state of a version that is part of it is evicted.
    pub(crate) fn end_canary_of(&mut self, version: &str, outputs: &mut Outputs<'_>) {
        let is_of = |canary: &Canary| canary.version == version || canary.control == version;
        if self.canary.as_deref().is_some_and(is_of) {
            self.end_canary(Ending::Forgotten, outputs);
        }
    }
}
