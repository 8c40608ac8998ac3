//! The canary of an agent: when it starts, and how it ends.

use event::{EventBuilder, column, kind};

use super::state::Agent;
use crate::canary::{self, Canary, Ending, Pair, Step};
use crate::kind::Kind;
use crate::output::{About, Destination, Outputs};
use crate::stream::{Mark, Shared};

impl Agent {
    /// Takes a deployment or rollback as far as it is about a canary, and says what comes then.
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

    /// Whether a version is tried as a canary.
    pub(crate) fn is_canary(&self, version: &str) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.is(version))
    }

    /// A version, which is known, is tried beside the current one.
    pub(crate) fn start_canary(
        &mut self,
        version: &str,
        share: f64,
        offset: i64,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(control) = self.current.clone() else { return };
        let time = outputs.time();
        let threshold = 1.0 / shared.settings.canary_alpha;
        let change = self.last_change.as_ref().map(|change| change.summary.as_str());
        let (kind, to) = (kind::DRIFT_CANARY_STARTED, Destination::Alerts);
        outputs.push(to, kind, time, About::version(&self.identity, version), |builder| {
            builder
                .set(column::drift::DETECTOR, canary::DETECTOR.name)
                .set(column::drift::THRESHOLD, threshold)
                .set(column::drift::BASELINE_VERSION, control.as_str())
                .set(column::drift::TRAFFIC_SHARE, share)
                .set_some(column::drift::LAST_CHANGE, change)
        });
        self.canary = Some(Box::new(Canary {
            version: version.to_owned(),
            control,
            share,
            since: Mark { offset, time },
            threshold,
            pairs: Vec::new(),
        }));
    }

    /// The canary ends, if one runs: its alerts are resolved, and each of its streams says what was
    /// found.
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
        let Canary { version, control, share, since, .. } = canary;
        let time = outputs.time();
        let mut push = |kind: &str, pair: &Pair, fill: &dyn Fn(EventBuilder) -> EventBuilder| {
            let about = About::metric(&self.identity, version, pair.place());
            outputs.push(Destination::Alerts, kind, time, about, |builder| {
                fill(pair.describe(builder, control, *since))
                    .set(column::drift::REASON, ending.reason())
            });
        };
        for pair in pairs.iter().filter(|pair| pair.is_firing()) {
            push(kind::DRIFT_ALERT_RESOLVED, pair, &|builder| {
                builder.set(column::drift::SEVERITY, pair.severity())
            });
        }
        for pair in pairs {
            push(kind::DRIFT_CANARY_ENDED, pair, &|builder| {
                builder
                    .set(column::drift::OUTCOME, ending.name())
                    .set(column::drift::TRAFFIC_SHARE, *share)
            });
        }
    }

    /// The state of a version is let go.
    pub(crate) fn end_canary_of(&mut self, version: &str, outputs: &mut Outputs<'_>) {
        let is_of = |canary: &Canary| canary.version == version || canary.control == version;
        if self.canary.as_deref().is_some_and(is_of) {
            self.end_canary(Ending::Forgotten, outputs);
        }
    }
}
