//! One stream of observations of one key: its totals, its test against the baseline, and the life
//! of its alert.
//!
//! ```text
//!        e >= A/10            e >= A, enough observations, effect >= effect_min
//! quiet ----------> pending ------------------------------------------------------> firing
//!   ^                  |  e < A/100                                                   |
//!   +----- resolved <--+--------------------------------------------------------------+
//!                          no effect in two periods, or another version or baseline
//! ```
//!
//! Before `A` is reached a stream may fire a ticket together with others (see `early`). Its detector
//! then goes on; if it reaches `A` with the effect of a page, the ticket is resolved as escalated and
//! a page begins.
//!
//! A *period* is one closed window that began after the alert fired, or as many in a row as it
//! takes to have `observations_min`: silence never resolves an alert. When an alert fires at `A`,
//! the detector starts anew. One episode has one `alert_id`: the `event_id` of its first event.
//!
//! Observations count in offset order whenever they arrive. The guarantee needs no other order:
//! it is about each value given those before it.
//!
//! **Baselines.** Which one a stream has, the settings and the pins decide (see `baseline`). A
//! baseline of versions is frozen when it is put in force and never changes. None of them absorbs
//! what an alert is about: what a version showed from the estimated change of an alert that fired
//! until it resolved is left out of its history (see `past`), and so is what spoke for a change
//! where the version ended with an alert pending. Where too few observations are left, the next
//! version is compared with the last one before that has enough: a release that was bad from its
//! first day never becomes the norm by being replaced. A person may say that it is the norm, by a
//! pin that names the alert.

mod alert;
mod comparison;
mod early;
mod mix;
mod past;
mod rate;
mod seasonal;
mod size;
mod totals;

use std::collections::VecDeque;

use drift::StreamDetector;
use drift::fleet::Level;
use event::EventBuilder;
use serde::{Deserialize, Serialize};

use crate::agent::Identity;
use crate::baseline::Basis;
use crate::change::LastChange;
use crate::metric::Watch;
use crate::output::{Destination, Outputs};
use crate::policy::{BaselineKind, Policy};
use crate::quiet::Quiet;
use crate::settings::Settings;

pub(crate) use self::alert::int;
use self::comparison::{Comparison, NoDetector};
use self::early::Early;
pub(crate) use self::early::Standings;
pub(crate) use self::past::Past;
pub(crate) use self::rate::Totals as Rates;
#[cfg(test)]
pub(crate) use self::seasonal::Test as SeasonalTest;
pub(crate) use self::seasonal::{Common, Expected, Rolling};
pub(crate) use self::totals::{History, Reference, Source, Totals, Value};

/// The detector of these streams, by its name in the registry.
const DETECTOR: &str = "esr-bounded";
/// Runs named in an alert.
const EXAMPLES: usize = 3;
/// Periods without effect that resolve an alert.
const CALM_PERIODS: u8 = 2;

/// Where a value was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) offset: i64,
    pub(crate) time: i64,
}

/// What all streams of a partition share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fleet<'a> {
    pub(crate) settings: &'a Settings,
    /// Streams that are tested.
    pub(crate) tests: u64,
    /// Where they stand.
    pub(crate) standings: &'a Standings,
    pub(crate) quiet: &'a Quiet,
}

/// What a stream needs to know of its surroundings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) fleet: Fleet<'a>,
    pub(crate) agent: &'a Identity,
    pub(crate) version: &'a str,
    pub(crate) watch: Watch,
    pub(crate) suite: Option<&'a str>,
    pub(crate) last_change: Option<&'a LastChange>,
}

impl Context<'_> {
    /// What holds for the metric.
    pub(crate) fn policy(&self) -> Policy {
        self.fleet.settings.policy(self.watch)
    }

    /// The e-value at which an alert fires.
    fn threshold(&self, observations_per_day: Option<f64>) -> f64 {
        let least = self.policy().average_run_length;
        self.fleet.settings.run_length(least, self.fleet.tests, observations_per_day)
    }
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// What this version has shown; the next version's baseline.
    pub(crate) past: Past,
    /// Which baseline it is compared with.
    pub(crate) basis: Basis,
    test: Option<Test>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Test {
    baseline_kind: BaselineKind,
    baseline_version: Option<String>,
    baseline_count: u64,
    baseline_value: Option<f64>,
    baseline_per_day: Option<f64>,
    comparison: Comparison,
    /// The last runs that show it, oldest first.
    examples: VecDeque<(i64, String)>,
    phase: Phase,
    /// Its place among all streams of the partition.
    standing: Level,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Phase {
    Quiet,
    Pending {
        id: String,
    },
    Firing {
        id: String,
        since: i64,
        calm: u8,
        period: Totals,
        /// Of an early ticket, the e-value that was enough.
        early: Option<f64>,
    },
}

impl Stream {
    /// A stream that is compared with a baseline; says so by `drift.baseline.set`, or why it
    /// cannot be compared.
    pub(crate) fn start(
        past: Past,
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
                .set("drift.direction", alert::watched(context.watch))
                .set("drift.threshold", threshold)
                .set_some("drift.detector", name)
                .set_some("drift.baseline_kind", basis.kind.map(BaselineKind::name))
                .set_some("drift.baseline_version", version.as_deref())
                .set("drift.baseline_count", int(count))
                .set_some("drift.baseline_value", value)
                .set_some("drift.bound", bound.as_ref().ok().copied().flatten())
                .set_some("drift.reason", bound.err().map(|why| why.reason()))
        };
        let time = outputs.time();
        let kind = "drift.baseline.set";
        outputs.push(Destination::Alerts, kind, time, context.agent, context.version, set);
        let test = comparison.ok().map(|comparison| Test {
            baseline_kind: basis.kind.unwrap_or_default(),
            baseline_version: version,
            baseline_count: count,
            baseline_value: value,
            baseline_per_day: per_day,
            comparison,
            examples: VecDeque::new(),
            phase: Phase::Quiet,
            standing: Level::NONE,
        });
        Self { past, basis, test }
    }

    /// A stream that nothing is compared with, and that says nothing: a canary's own.
    pub(crate) const fn untested(past: Past, basis: Basis) -> Self {
        Self { past, basis, test: None }
    }

    /// Takes the next observation, of which this was expected in a comparison with the weeks
    /// before. Since when there is a change, if an alert fires now.
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
            self.past.add(value, mark.time);
            return None;
        };
        if self.past.wait(value, mark, model) {
            self.past.clear(test.changed());
        }
        let changed = test.observe((value, expected), mark, run, context, outputs);
        if let Some(changed) = changed {
            self.past.set_aside(changed, model);
        }
        changed
    }

    /// What was observed since an alert fired that is open.
    pub(crate) fn since_alert(&self, alert_id: &str) -> Option<&History> {
        match &self.test {
            Some(Test { phase: Phase::Firing { id, .. }, .. }) if id == alert_id => {
                self.past.aside()
            }
            Some(_) | None => None,
        }
    }

    /// Compares with another baseline from here on.
    pub(crate) fn rebase(
        &mut self,
        reference: Reference,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        self.restart("the baseline has changed", context, outputs);
        let past = std::mem::replace(&mut self.past, Past::empty(context.watch.model));
        *self = Self::start(past, reference, context, outputs);
    }

    /// Whether there is a baseline to test against.
    pub(crate) const fn is_tested(&self) -> bool {
        self.test.is_some()
    }

    /// Whether there is no test because no hour of the weeks before was known well enough.
    pub(crate) fn awaits_weeks(&self) -> bool {
        self.test.is_none() && self.basis.kind == Some(BaselineKind::Rolling)
    }

    /// Whether an alert is firing.
    pub(crate) fn is_firing(&self) -> bool {
        matches!(self.test, Some(Test { phase: Phase::Firing { .. }, .. }))
    }

    /// A window of this stream closed for the first time.
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
        *calm = if is_calm { calm.saturating_add(1) } else { 0 };
        if *calm >= CALM_PERIODS {
            test.resolve(Some(&period), "the effect is gone", context, outputs);
            self.past.settle();
        }
    }

    /// Ends an open alert and starts the test anew against the same baseline.
    pub(crate) fn restart(
        &mut self,
        reason: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(test) = &mut self.test else { return };
        if let (Phase::Pending { .. }, Some(changed)) = (&test.phase, test.changed()) {
            self.past.set_aside(changed, context.watch.model);
        }
        test.resolve(None, reason, context, outputs);
        self.past.settle();
    }

    /// The stream is about to be forgotten.
    pub(crate) fn leave(&mut self, standings: &Standings) {
        if let Some(test) = &mut self.test {
            test.leave(standings);
        }
    }
}

impl Test {
    /// The first observation after the estimated change.
    fn changed(&self) -> Option<Mark> {
        self.comparison.finding(None).since.map(|(mark, _)| mark)
    }

    /// Since when there is a change, if an alert fires now.
    fn observe(
        &mut self,
        (value, expected): (Value<'_>, Option<Expected>),
        mark: Mark,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Option<Mark> {
        // The phases need more than the three signals: a pending alert has its own hysteresis.
        self.comparison.observe(value, expected, mark);
        if self.comparison.is_example(value, expected) {
            self.examples.push_back((mark.offset, run.to_owned()));
            if self.examples.len() > EXAMPLES {
                self.examples.pop_front();
            }
        }
        let threshold = context.threshold(self.baseline_per_day);
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
            self.alert("drift.alert.resolved", &id, None, reason, context, outputs);
            self.phase = Phase::Quiet;
        }
        let early = early.filter(|_| e_value < threshold && self.has_effect(context));
        if self.phase == Phase::Quiet {
            if e_value * 10.0 < threshold && early.is_none() {
                return None;
            }
            let id = outputs.next_id();
            self.alert("drift.alert.pending", &id, None, None, context, outputs);
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
            let reason = early.reason(context.fleet.tests);
            self.alert("drift.alert.firing", &id, None, Some(&reason), context, outputs);
            return Some(self.changed().unwrap_or(mark));
        } else if e_value * 100.0 < threshold {
            let reason = Some("the evidence has faded");
            self.alert("drift.alert.resolved", &id, None, reason, context, outputs);
            self.phase = Phase::Quiet;
            return None;
        } else if e_value >= threshold && self.has_effect(context) {
            let changed = self.changed();
            self.alert("drift.alert.firing", &id, None, None, context, outputs);
            self.phase = firing(None);
            self.forget(context);
            return Some(changed.unwrap_or(mark));
        }
        None
    }

    /// Whether there are enough observations and a large enough effect for an alert.
    fn has_effect(&self, context: &Context<'_>) -> bool {
        let policy = context.policy();
        self.comparison.detector().observations() >= u64::from(policy.observations_min)
            && self.comparison.finding(None).size() >= self.comparison.effect_min(&policy)
    }

    /// Ends the episode, if there is one, and starts anew.
    fn resolve(
        &mut self,
        period: Option<&Totals>,
        reason: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        if let Phase::Pending { id } | Phase::Firing { id, .. } = &self.phase {
            self.alert("drift.alert.resolved", id, period, Some(reason), context, outputs);
        }
        self.phase = Phase::Quiet;
        self.forget(context);
    }

    fn forget(&mut self, context: &Context<'_>) {
        self.leave(context.fleet.standings);
        self.comparison.forget();
        self.examples.clear();
    }
}
