//! The episode of an alert, from pending to resolved: the effect of each observation.

use drift::StreamDetector;
use event::kind;

use super::context::Context;
use super::expectation::Expected;
use super::mark::Mark;
use super::sequential_test::{Phase, SequentialTest};
use super::standings::Early;
use super::totals::Totals;
use super::value::Value;
use crate::output::Outputs;

/// Number of example runs in an alert.
const EXAMPLES: usize = 3;

impl SequentialTest {
    /// Takes an observation. Returns the time of the change if an alert fires now: the estimate or,
    /// without one, this observation.
    pub(super) fn observe(
        &mut self,
        (value, expected): (Value<'_>, Option<Expected>),
        mark: Mark,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Option<Mark> {
        // The signals of the detector do not suffice: a pending alert has its own hysteresis.
        self.comparison.observe(value, expected, mark);
        if self.comparison.is_example(value, expected) {
            self.examples.push_back((mark.offset, run.to_owned()));
            if self.examples.len() > EXAMPLES {
                self.examples.pop_front();
            }
        }
        let threshold = self.threshold(context);
        let e_value = self.comparison.detector().statistic();
        let early = self.stand(context);
        if let Phase::Firing { id, early, .. } = &self.phase {
            let is_more = early.is_some()
                && e_value >= threshold
                && self.has_effect(context)
                && self.is_page(&self.comparison.finding(None), context);
            if !is_more {
                return None;
            }
            let id = id.clone();
            let reason = Some("escalated");
            self.alert(kind::DRIFT_ALERT_RESOLVED, &id, None, reason, context, outputs);
            self.phase = Phase::Stable;
        }
        let early = early.filter(|_| e_value < threshold && self.has_effect(context));
        if self.phase == Phase::Stable {
            if e_value * 10.0 < threshold && early.is_none() {
                return None;
            }
            let id = outputs.next_id(Some(context.place));
            self.alert(kind::DRIFT_ALERT_PENDING, &id, None, None, context, outputs);
            self.phase = Phase::Pending { id };
        }
        let Phase::Pending { id } = &self.phase else { return None };
        let id = id.clone();
        let firing = |early: Option<Early>| {
            let (id, period) = (id.clone(), Totals::empty(context.watch.model));
            let early = early.map(|early| early.threshold);
            Phase::Firing { id, since: mark.time, calm: 0, period, early }
        };
        if let Some(early) = early {
            self.phase = firing(Some(early));
            let reason = early.reason(context.shared.tests);
            self.alert(kind::DRIFT_ALERT_FIRING, &id, None, Some(&reason), context, outputs);
            return Some(self.changed().unwrap_or(mark));
        } else if e_value * 100.0 < threshold {
            let reason = Some("the evidence has faded");
            self.alert(kind::DRIFT_ALERT_RESOLVED, &id, None, reason, context, outputs);
            self.phase = Phase::Stable;
            return None;
        } else if e_value >= threshold && self.has_effect(context) {
            let changed = self.changed();
            self.alert(kind::DRIFT_ALERT_FIRING, &id, None, None, context, outputs);
            self.phase = firing(None);
            self.forget(context);
            return Some(changed.unwrap_or(mark));
        }
        None
    }

    /// Ends the episode, if there is one, and restarts the test.
    pub(super) fn resolve(
        &mut self,
        period: Option<&Totals>,
        reason: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        if let Phase::Pending { id } | Phase::Firing { id, .. } = &self.phase {
            self.alert(kind::DRIFT_ALERT_RESOLVED, id, period, Some(reason), context, outputs);
        }
        self.phase = Phase::Stable;
        self.forget(context);
    }

    /// Restarts the test.
    pub(super) fn forget(&mut self, context: &Context<'_>) {
        self.leave(context.shared.standings);
        self.comparison.restart();
        self.examples.clear();
    }
}
