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
//! A *period* is one closed window that began after the alert fired, or as many in a row as it
//! takes to have `observations_min`: silence never resolves an alert. When an alert fires, the
//! detector starts anew. One episode has one `alert_id`: the `event_id` of its first event.
//!
//! Observations count in offset order whenever they arrive. The guarantee needs no other order:
//! it is about each value given those before it.
//!
//! A baseline is frozen when the next version appears and never changes: what is observed after
//! the change, alarmed or not, is not in it.

mod alert;
mod rate;
mod size;

use std::collections::VecDeque;

use drift::{DdSketch, Detector, Finite, StreamDetector};
use event::EventBuilder;
use serde::{Deserialize, Serialize};

use crate::agent::Identity;
use crate::change::LastChange;
use crate::metric::{Aggregate, Model, Watch};
use crate::output::{Destination, Outputs};
use crate::settings::Settings;

/// The detector of these streams, by its name in the registry.
const DETECTOR: &str = "esr-bounded";
/// Runs named in an alert.
const EXAMPLES: usize = 3;
/// Periods without effect that resolve an alert.
const CALM_PERIODS: u8 = 2;
/// An hour.
const HOUR_MICROS: i64 = 3_600 * 1_000_000;

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

/// An observation, as the model of its stream sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    /// Whether it is the worse of two.
    One(bool),
    /// A number that is not negative.
    Size(Finite),
}

impl Value {
    /// `None` for what means nothing to the model.
    pub(crate) fn of(model: Model, value: f64) -> Option<Self> {
        match model {
            Model::Failures => Finite::new(value).map(|value| Self::One(value.value() > 0.0)),
            Model::Successes => Finite::new(value).map(|value| Self::One(value.value() <= 0.0)),
            Model::Sizes => Finite::new(value).filter(|value| value.value() >= 0.0).map(Self::Size),
        }
    }
}

/// Everything that was observed of a stream; the next version's baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Totals {
    Rate(rate::Totals),
    Size(DdSketch),
}

impl Totals {
    pub(crate) fn empty(model: Model) -> Self {
        match model {
            Model::Failures | Model::Successes => Self::Rate(rate::Totals::default()),
            Model::Sizes => Self::Size(DdSketch::default()),
        }
    }

    /// What a window has observed.
    pub(crate) fn of(model: Model, window: &Aggregate) -> Self {
        let (count, ones) = window.rate();
        match model {
            Model::Failures => Self::Rate(rate::Totals { count, ones }),
            Model::Successes => {
                Self::Rate(rate::Totals { count, ones: count.saturating_sub(ones) })
            }
            Model::Sizes => Self::Size(window.sketch().cloned().unwrap_or_default()),
        }
    }

    fn add(&mut self, value: Value) {
        match (self, value) {
            (Self::Rate(totals), Value::One(one)) => totals.add(one),
            (Self::Size(sketch), Value::Size(size)) => {
                sketch.insert(size);
            }
            (Self::Rate(_), Value::Size(_)) | (Self::Size(_), Value::One(_)) => {}
        }
    }

    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Rate(totals), Self::Rate(other)) => totals.merge(*other),
            (Self::Size(sketch), Self::Size(other)) => sketch.merge(other),
            (Self::Rate(_), Self::Size(_)) | (Self::Size(_), Self::Rate(_)) => {}
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Rate(totals) => totals.count,
            Self::Size(sketch) => sketch.count(),
        }
    }

    /// The rate, or the median; `None` without observations.
    fn value(&self) -> Option<f64> {
        match self {
            Self::Rate(totals) => (totals.count > 0).then(|| totals.mean()),
            Self::Size(sketch) => sketch.quantile(0.5),
        }
    }
}

/// Everything observed, and the event times between which it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    totals: Totals,
    times: Option<(i64, i64)>,
}

impl History {
    pub(crate) fn empty(model: Model) -> Self {
        Self { totals: Totals::empty(model), times: None }
    }

    fn add(&mut self, value: Value, time: i64) {
        self.totals.add(value);
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
    }

    /// Observations a day, over an hour at least.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    fn per_day(&self) -> Option<f64> {
        let (first, last) = self.times?;
        let hours = last.saturating_sub(first).max(HOUR_MICROS) as f64 / HOUR_MICROS as f64;
        Some(self.totals.count() as f64 / hours * 24.0)
    }
}

/// What a stream is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reference {
    /// The version; `None` if there was none.
    pub(crate) version: Option<String>,
    /// Its observations.
    pub(crate) history: History,
}

/// Why there is no detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDetector {
    /// No version before, or it has no observation of the stream.
    Absent,
    /// Too few observations.
    TooSmall,
    /// The baseline fails (nearly) always, so that nothing can be worse.
    Saturated,
    /// Half of the baseline is zero, so that nothing is a share of its median.
    Zero,
}

impl NoDetector {
    const fn reason(self) -> &'static str {
        match self {
            Self::Absent => "no detector: no baseline, the previous version has no observations",
            Self::TooSmall => "no detector: the baseline is too small",
            Self::Saturated => "no detector: the baseline leaves no room for worse",
            Self::Zero => "no detector: the median of the baseline is zero",
        }
    }
}

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Rising,
    Falling,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
        }
    }
}

/// What is known about a change.
#[derive(Debug, Clone, PartialEq)]
struct Finding {
    /// The rate, or the median, since the change.
    observed: Option<f64>,
    /// Difference from the baseline: of rates, or of medians as a share of the baseline's.
    effect: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    direction: Direction,
    /// First observation after the estimated change, and observations since.
    since: Option<(Mark, u64)>,
}

impl Finding {
    /// The effect in the direction of the change.
    fn size(&self) -> f64 {
        let effect = self.effect.unwrap_or_default();
        match self.direction {
            Direction::Rising => effect,
            Direction::Falling => -effect,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Comparison {
    Rate(Box<rate::Test>),
    Size(Box<size::Test>),
}

impl Comparison {
    fn new(baseline: &Totals, settings: &Settings) -> Result<Self, NoDetector> {
        let count = baseline.count();
        if count == 0 {
            return Err(NoDetector::Absent);
        }
        if count < u64::from(settings.baseline_observations_min) {
            return Err(NoDetector::TooSmall);
        }
        match baseline {
            Totals::Rate(totals) => {
                rate::Test::new(*totals, settings).map(Box::new).map(Self::Rate)
            }
            Totals::Size(sketch) => size::Test::new(sketch, settings).map(Box::new).map(Self::Size),
        }
    }

    fn observe(&mut self, value: Value, mark: Mark) {
        match (self, value) {
            (Self::Rate(test), Value::One(one)) => test.observe(one, mark),
            (Self::Size(test), Value::Size(size)) => test.observe(size, mark),
            (Self::Rate(_), Value::Size(_)) | (Self::Size(_), Value::One(_)) => {}
        }
    }

    fn detector(&self) -> &Detector {
        match self {
            Self::Rate(test) => test.detector(),
            Self::Size(test) => test.detector(),
        }
    }

    /// Name of the detector in events.
    const fn name(&self) -> &'static str {
        match self {
            Self::Rate(test) => test.name(),
            Self::Size(_) => size::NAME,
        }
    }

    fn bound(&self) -> f64 {
        match self {
            Self::Rate(test) => test.bound(),
            Self::Size(test) => test.bound(),
        }
    }

    fn finding(&self, period: Option<&Totals>) -> Finding {
        match (self, period) {
            (Self::Rate(test), Some(Totals::Rate(totals))) => test.finding(Some(*totals)),
            (Self::Rate(test), None | Some(Totals::Size(_))) => test.finding(None),
            (Self::Size(test), Some(Totals::Size(sketch))) => test.finding(Some(sketch)),
            (Self::Size(test), None | Some(Totals::Rate(_))) => test.finding(None),
        }
    }

    /// Whether the effect is gone from a period.
    fn is_calm(&self, period: &Totals, settings: &Settings) -> bool {
        match (self, period) {
            (Self::Rate(test), Totals::Rate(totals)) => test.is_calm(*totals, settings),
            (Self::Size(test), Totals::Size(sketch)) => test.is_calm(sketch),
            (Self::Rate(_), Totals::Size(_)) | (Self::Size(_), Totals::Rate(_)) => false,
        }
    }

    /// Whether a run with that value shows what an alert is about.
    fn is_example(&self, value: Value) -> bool {
        match (self, value) {
            (Self::Rate(_), Value::One(one)) => one,
            (Self::Size(test), Value::Size(size)) => test.is_unusual(size),
            (Self::Rate(_), Value::Size(_)) | (Self::Size(_), Value::One(_)) => false,
        }
    }

    fn forget(&mut self) {
        match self {
            Self::Rate(test) => test.forget(),
            Self::Size(test) => test.forget(),
        }
    }

    /// Smallest effect that fires an alert.
    const fn effect_min(&self, settings: &Settings) -> f64 {
        match self {
            Self::Rate(_) => settings.effect_min,
            Self::Size(_) => settings.effect_relative_min,
        }
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
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Phase {
    Quiet,
    Pending { id: String },
    Firing { id: String, since: i64, calm: u8, period: Totals },
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
        if self.phase == Phase::Quiet {
            if e_value * 10.0 < threshold {
                return;
            }
            let id = outputs.next_id();
            self.alert("drift.alert.pending", &id, None, None, context, outputs);
            self.phase = Phase::Pending { id };
        }
        let Phase::Pending { id } = &self.phase else { return };
        let id = id.clone();
        if e_value * 100.0 < threshold {
            let reason = Some("the evidence has faded");
            self.alert("drift.alert.resolved", &id, None, reason, context, outputs);
            self.phase = Phase::Quiet;
            return;
        }
        if e_value < threshold {
            return;
        }
        let observations = self.comparison.detector().observations();
        let enough = observations >= u64::from(context.fleet.settings.observations_min);
        let size = self.comparison.finding(None).size();
        if enough && size >= self.comparison.effect_min(context.fleet.settings) {
            self.alert("drift.alert.firing", &id, None, None, context, outputs);
            let period = Totals::empty(context.watch.model);
            self.phase = Phase::Firing { id, since: mark.time, calm: 0, period };
            self.forget();
        }
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
        self.forget();
    }

    fn forget(&mut self) {
        self.comparison.forget();
        self.examples.clear();
    }
}
