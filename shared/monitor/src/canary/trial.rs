//! A running canary, and the streams in which it is compared with its control.

use event::{column, kind};
use serde::{Deserialize, Serialize};

use super::pair::Pair;
use crate::change::LastChange;
use crate::output::{About, Destination, Outputs};
use crate::stream::{Context, Mark, Value};

/// Largest number of streams that are compared; further ones are ignored.
const PAIRS_MAX: usize = 64;

/// Runs of the canary in a row, at least, after which its control counts as without traffic.
const ALONE_MIN: f64 = 128.0;
/// The same as a multiple of the runs of the canary for each of the control. If the share is what was said, so
/// many come in a row with a probability of about one in e^20.
const ALONE_FACTOR: f64 = 20.0;

/// A running canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Canary {
    pub(crate) version: String,
    pub(crate) control: String,
    pub(crate) share: f64,
    pub(crate) since: Mark,
    /// The e-value at which a stream counts as worse: one over the error probability.
    pub(crate) threshold: f64,
    /// Its runs since the last one of its control.
    pub(crate) alone: u32,
    pub(crate) pairs: Vec<Pair>,
}

impl Canary {
    /// Whether a version is the canary.
    pub(crate) fn is(&self, version: &str) -> bool {
        self.version == version
    }

    /// Records a run of any version. Returns whether the canary has no control any more: nothing is left
    /// to compare it with.
    pub(crate) fn ran(&mut self, version: &str) -> bool {
        if version == self.control {
            self.alone = 0;
        } else if self.is(version) {
            self.alone = self.alone.saturating_add(1);
        }
        let per_run_of_control = self.share / (1.0 - self.share);
        f64::from(self.alone) >= ALONE_MIN.max(ALONE_FACTOR * per_run_of_control)
    }

    /// Takes a value of a stream of any version; ignored unless it is the canary or its control.
    pub(crate) fn observe(
        &mut self,
        place: u8,
        value: Value<'_>,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let of_canary = context.version == self.version;
        let policy = context.policy();
        if !policy.watched || !of_canary && context.version != self.control {
            return;
        }
        let known = self.pairs.iter().position(|pair| pair.is_of(place, context.suite));
        let at = known.unwrap_or(self.pairs.len());
        if known.is_none() && at < PAIRS_MAX {
            let model = context.watch.model;
            self.pairs.extend(Pair::new(place, model, context.suite, self.threshold));
        }
        let Some(pair) = self.pairs.get_mut(at) else { return };
        pair.observe(of_canary, value, run);
        if pair.is_news(&policy) {
            pair.fire(outputs.next_id(Some(place)), policy.pages);
            let context = Context { version: &self.version, ..*context };
            let runbook = Some(context.shared.settings.runbook_url.as_str());
            let last_change = context.last_change;
            let (control, since) = (&self.control, self.since);
            let time = outputs.time();
            let (kind, to) = (kind::DRIFT_ALERT_FIRING, Destination::Alerts);
            let about = About::metric(context.agent, context.version, place);
            outputs.push(to, kind, time, about, |builder| {
                LastChange::fill(last_change, pair.describe(builder, control, since))
                    .set(column::drift::SEVERITY, pair.severity())
                    .set_some(column::drift::EXAMPLE_RUNS, pair.examples())
                    .set_some(column::drift::RUNBOOK_URL, runbook.filter(|url| !url.is_empty()))
            });
        }
    }
}
