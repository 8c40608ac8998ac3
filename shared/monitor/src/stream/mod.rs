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
//! A baseline is frozen when the next version appears and never changes: what is observed after
//! the change, alarmed or not, is not in it.

mod alert;
mod comparison;
mod early;
mod rate;
mod size;
mod totals;

use std::collections::VecDeque;

use drift::StreamDetector;
use drift::fleet::Level;
use event::EventBuilder;
use serde::{Deserialize, Serialize};

use crate::agent::Identity;
use crate::change::LastChange;
use crate::metric::Watch;
use crate::output::{Destination, Outputs};
use crate::settings::Settings;

use self::comparison::Comparison;
use self::early::Early;
pub(crate) use self::early::Standings;
pub(crate) use self::totals::{History, Reference, Totals, Value};

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
    /// The e-value at which an alert fires.
    fn threshold(&self, observations_per_day: Option<f64>) -> f64 {
        self.fleet.settings.run_length(self.fleet.tests, observations_per_day)
    }
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Observations of this version so far; the next version's baseline.
    pub(crate) history: History,
    test: Option<Test>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Test {
    baseline_version: Option<String>,
    baseline_count: u64,
    baseline_value: f64,
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
        history: History,
        reference: Reference,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Self {
        let Reference { version, history: past } = reference;
        let baseline = &past.totals;
        let comparison = Comparison::new(baseline, context.fleet.settings);
        let threshold = context.threshold(past.per_day());
        let bound = comparison.as_ref().map(Comparison::bound);
        let name = comparison.as_ref().ok().map(Comparison::name);
        let (count, value) = (baseline.count(), baseline.value());
        let set = |builder: EventBuilder| {
            alert::describe(builder, context)
                .set("drift.direction", alert::watched(context.watch))
                .set("drift.threshold", threshold)
                .set_some("drift.detector", name)
                .set_some("drift.baseline_version", version.as_deref())
                .set("drift.baseline_count", alert::int(count))
                .set_some("drift.baseline_value", value)
                .set_some("drift.bound", bound.as_ref().ok().copied())
                .set_some("drift.reason", bound.err().map(|why| why.reason()))
        };
        let time = outputs.time();
        let kind = "drift.baseline.set";
        outputs.push(Destination::Alerts, kind, time, context.agent, context.version, set);
        let test = comparison.ok().map(|comparison| Test {
            baseline_version: version,
            baseline_count: count,
            baseline_value: value.unwrap_or_default(),
            baseline_per_day: past.per_day(),
            comparison,
            examples: VecDeque::new(),
            phase: Phase::Quiet,
            standing: Level::NONE,
        });
        Self { history, test }
    }

    /// Takes the next observation.
    pub(crate) fn observe(
        &mut self,
        value: Value,
        mark: Mark,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        self.history.add(value, mark.time);
        if let Some(test) = &mut self.test {
            test.observe(value, mark, run, context, outputs);
        }
    }

    /// Whether there is a baseline to test against.
    pub(crate) const fn is_tested(&self) -> bool {
        self.test.is_some()
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
        if period.count() < u64::from(context.fleet.settings.observations_min).max(1) {
            return;
        }
        let period = std::mem::replace(period, Totals::empty(context.watch.model));
        let is_calm = test.comparison.is_calm(&period, context.fleet.settings);
        *calm = if is_calm { calm.saturating_add(1) } else { 0 };
        if *calm >= CALM_PERIODS {
            test.resolve(Some(&period), "the effect is gone", context, outputs);
        }
    }

    /// Ends an open alert and starts the test anew against the same baseline.
    pub(crate) fn restart(
        &mut self,
        reason: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        if let Some(test) = &mut self.test {
            test.resolve(None, reason, context, outputs);
        }
    }

    /// The stream is about to be forgotten.
    pub(crate) fn leave(&mut self, standings: &Standings) {
        if let Some(test) = &mut self.test {
            test.leave(standings);
        }
    }
}

impl Test {
    fn observe(
        &mut self,
        value: Value,
        mark: Mark,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        // The phases need more than the three signals: a pending alert has its own hysteresis.
        self.comparison.observe(value, mark);
        if self.comparison.is_example(value) {
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
                && self.is_page(&self.comparison.finding(None), context);
            if !is_more {
                return;
            }
            let id = id.clone();
            let reason = Some("escalated");
            self.alert("drift.alert.resolved", &id, None, reason, context, outputs);
            self.phase = Phase::Quiet;
        }
        let early = early.filter(|_| e_value < threshold && self.has_effect(context));
        if self.phase == Phase::Quiet {
            if e_value * 10.0 < threshold && early.is_none() {
                return;
            }
            let id = outputs.next_id();
            self.alert("drift.alert.pending", &id, None, None, context, outputs);
            self.phase = Phase::Pending { id };
        }
        let Phase::Pending { id } = &self.phase else { return };
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
        } else if e_value * 100.0 < threshold {
            let reason = Some("the evidence has faded");
            self.alert("drift.alert.resolved", &id, None, reason, context, outputs);
            self.phase = Phase::Quiet;
        } else if e_value >= threshold && self.has_effect(context) {
            self.alert("drift.alert.firing", &id, None, None, context, outputs);
            self.phase = firing(None);
            self.forget(context);
        }
    }

    /// Whether there are enough observations and a large enough effect for an alert.
    fn has_effect(&self, context: &Context<'_>) -> bool {
        let settings = context.fleet.settings;
        self.comparison.detector().observations() >= u64::from(settings.observations_min)
            && self.comparison.finding(None).size() >= self.comparison.effect_min(settings)
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
