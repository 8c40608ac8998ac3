//! The canary of an agent: when it starts, and how it ends.

use event::{EventBuilder, column, kind};

use super::state::Agent;
use crate::canary::{self, Canary, Ending, Step};
use crate::kind::Kind;
use crate::output::{Destination, Outputs};
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
        outputs.push(to, kind, time, &self.identity, version, |builder| {
            builder
                .set(column::drift::DETECTOR, canary::DETECTOR)
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
        let Canary { version, control, share, since, threshold, pairs } = *canary;
        let time = outputs.time();
        let mut push = |kind: &str, fill: &dyn Fn(EventBuilder) -> EventBuilder| {
            let to = Destination::Alerts;
            outputs.push(to, kind, time, &self.identity, &version, |builder| {
                fill(builder).set(column::drift::REASON, ending.reason())
            });
        };
        for pair in pairs.iter().filter(|pair| pair.is_firing()) {
            push(kind::DRIFT_ALERT_RESOLVED, &|builder| {
                pair.describe(builder, &control, since)
                    .set(column::drift::SEVERITY, pair.severity())
            });
        }
        let ended = |builder: EventBuilder| {
            builder
                .set(column::drift::OUTCOME, ending.name())
                .set(column::drift::TRAFFIC_SHARE, share)
        };
        let kind = kind::DRIFT_CANARY_ENDED;
        for pair in &pairs {
            push(kind, &|builder| ended(pair.describe(builder, &control, since)));
        }
        if pairs.is_empty() {
            push(kind, &|builder| {
                ended(builder)
                    .set(column::drift::DETECTOR, canary::DETECTOR)
                    .set(column::drift::THRESHOLD, threshold)
                    .set(column::drift::BASELINE_VERSION, control.as_str())
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
