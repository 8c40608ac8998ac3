//! A running comparison of a stream with its baseline, whatever the model, and what it finds.

use drift::{Detector, Pooled, Table, distance};
use serde::{Deserialize, Serialize};

use super::seasonal::{self, Common, Expected};
use super::totals::{Totals, Value};
use super::{Mark, mix, rate, size};
use crate::policy::Policy;

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
    /// No hour of the week is known well enough yet.
    NoHour,
    /// The settings say so.
    Unwatched,
}

impl NoDetector {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Absent => "no detector: no baseline, the previous version has no observations",
            Self::TooSmall => "no detector: the baseline is too small",
            Self::Saturated => "no detector: the baseline leaves no room for worse",
            Self::Zero => "no detector: the median of the baseline is zero",
            Self::NoHour => "no detector yet: no hour of the week has enough observations",
            Self::Unwatched => "no detector: the settings do not watch this metric",
        }
    }
}

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Rising,
    Falling,
    /// There is no up and down.
    Either,
}

impl Direction {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Either => "both",
        }
    }
}

/// A category whose share changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Category {
    pub(super) name: String,
    /// Its share in the baseline, if the baseline tells it apart.
    pub(super) before: Option<f64>,
    /// Its share since the change.
    pub(super) after: f64,
}

/// Distances between the baseline and what was observed since the change: effect sizes for people
/// who know them. None decides anything, and there is no p-value with them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Distances {
    pub(super) psi: Option<f64>,
    pub(super) jensen_shannon: Option<f64>,
    pub(super) kolmogorov_smirnov: Option<f64>,
    pub(super) wasserstein: Option<f64>,
}

impl Distances {
    fn of_table(table: &Table) -> Self {
        let of = |name| {
            let comparison = distance::find(name).and_then(|entry| entry.compare_counts(table));
            comparison.map(|comparison| comparison.statistic.value)
        };
        Self { psi: of("psi"), jensen_shannon: of("jensen-shannon"), ..Self::default() }
    }

    fn of_values(pooled: &Pooled) -> Self {
        let of = |name| {
            let comparison = distance::find(name).and_then(|entry| entry.compare(pooled));
            comparison.map(|comparison| comparison.statistic.value)
        };
        Self {
            psi: of("psi"),
            jensen_shannon: None,
            kolmogorov_smirnov: of("kolmogorov-smirnov"),
            wasserstein: of("wasserstein"),
        }
    }
}

/// What is known about a change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    /// The rate, or the median, since the change.
    pub(super) observed: Option<f64>,
    /// Difference from the baseline: of rates, or of medians as a share of the baseline's.
    pub(super) effect: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) direction: Direction,
    /// First observation after the estimated change, and observations since.
    pub(super) since: Option<(Mark, u64)>,
    /// Of a mix, what changed most.
    pub(super) category: Option<Category>,
}

impl Finding {
    /// The effect in the direction of the change.
    pub(super) fn size(&self) -> f64 {
        let effect = self.effect.unwrap_or_default();
        match self.direction {
            Direction::Rising | Direction::Either => effect,
            Direction::Falling => -effect,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Comparison {
    Rate(Box<rate::Test>),
    Size(Box<size::Test>),
    Mix(Box<mix::Test>),
    Rolling(Box<seasonal::Test>),
}

impl Comparison {
    pub(super) fn new(baseline: &Totals, policy: &Policy) -> Result<Self, NoDetector> {
        let count = baseline.count();
        if count == 0 {
            return Err(NoDetector::Absent);
        }
        if count < u64::from(policy.baseline_observations_min) {
            return Err(NoDetector::TooSmall);
        }
        match baseline {
            Totals::Rate(totals) => rate::Test::new(*totals, policy).map(Box::new).map(Self::Rate),
            Totals::Size(sketch) => size::Test::new(sketch, policy).map(Box::new).map(Self::Size),
            Totals::Mix(shares) => mix::Test::new(shares, policy).map(Box::new).map(Self::Mix),
        }
    }

    /// A comparison with the weeks before.
    pub(super) fn rolling(common: Common, policy: &Policy) -> Result<Self, NoDetector> {
        seasonal::Test::new(common, policy).map(Box::new).map(Self::Rolling)
    }

    /// Takes an observation; in a comparison with the weeks before one of which nothing was
    /// expected is left out.
    pub(super) fn observe(&mut self, value: Value<'_>, expected: Option<Expected>, mark: Mark) {
        match (self, value) {
            (Self::Rolling(test), value) => {
                if let Some(expected) = expected {
                    test.observe(value, expected, mark);
                }
            }
            (Self::Rate(test), Value::One(one)) => test.observe(one, mark),
            (Self::Size(test), Value::Size(size)) => test.observe(size, mark),
            (Self::Mix(test), Value::Name(name)) => test.observe(name, mark),
            (Self::Rate(_), Value::Size(_) | Value::Name(_))
            | (Self::Size(_), Value::One(_) | Value::Name(_))
            | (Self::Mix(_), Value::One(_) | Value::Size(_)) => {}
        }
    }

    pub(super) fn detector(&self) -> &Detector {
        match self {
            Self::Rate(test) => test.detector(),
            Self::Size(test) => test.detector(),
            Self::Mix(test) => test.detector(),
            Self::Rolling(test) => test.detector(),
        }
    }

    /// Name of the detector in events.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Rate(test) => test.name(),
            Self::Size(_) => size::NAME,
            Self::Mix(test) => test.name(),
            Self::Rolling(test) => test.name(),
        }
    }

    /// The mean that the null hypothesis allows; a mix has none.
    pub(super) fn bound(&self) -> Option<f64> {
        match self {
            Self::Rate(test) => Some(test.bound()),
            Self::Size(test) => Some(test.bound()),
            Self::Rolling(test) => Some(test.bound()),
            Self::Mix(_) => None,
        }
    }

    pub(super) fn finding(&self, period: Option<&Totals>) -> Finding {
        match (self, period) {
            (Self::Rolling(test), period) => test.finding(period),
            (Self::Rate(test), Some(Totals::Rate(totals))) => test.finding(Some(*totals)),
            (Self::Rate(test), None | Some(Totals::Size(_) | Totals::Mix(_))) => test.finding(None),
            (Self::Size(test), Some(Totals::Size(sketch))) => test.finding(Some(sketch)),
            (Self::Size(test), None | Some(Totals::Rate(_) | Totals::Mix(_))) => test.finding(None),
            (Self::Mix(test), Some(Totals::Mix(shares))) => test.finding(Some(shares)),
            (Self::Mix(test), None | Some(Totals::Rate(_) | Totals::Size(_))) => test.finding(None),
        }
    }

    /// Distances between the baseline and what was observed since the change, or in a period.
    pub(super) fn distances(&self, period: Option<&Totals>) -> Distances {
        let values = |pooled: Pooled| Distances::of_values(&pooled);
        let table = |table: Table| Distances::of_table(&table);
        let distances = match (self, period) {
            (Self::Rate(_) | Self::Rolling(_), _) => None,
            (Self::Size(test), Some(Totals::Size(sketch))) => test.pooled(Some(sketch)).map(values),
            (Self::Size(test), None | Some(Totals::Rate(_) | Totals::Mix(_))) => {
                test.pooled(None).map(values)
            }
            (Self::Mix(test), Some(Totals::Mix(shares))) => test.table(Some(shares)).map(table),
            (Self::Mix(test), None | Some(Totals::Rate(_) | Totals::Size(_))) => {
                test.table(None).map(table)
            }
        };
        distances.unwrap_or_default()
    }

    /// Whether the effect is gone from a period.
    pub(super) fn is_calm(&mut self, period: &Totals, policy: &Policy) -> bool {
        match (self, period) {
            (Self::Rolling(test), _) => test.is_calm(policy),
            (Self::Rate(test), Totals::Rate(totals)) => test.is_calm(*totals, policy),
            (Self::Size(test), Totals::Size(sketch)) => test.is_calm(sketch),
            (Self::Mix(test), Totals::Mix(shares)) => test.is_calm(shares, policy),
            (Self::Rate(_), Totals::Size(_) | Totals::Mix(_))
            | (Self::Size(_), Totals::Rate(_) | Totals::Mix(_))
            | (Self::Mix(_), Totals::Rate(_) | Totals::Size(_)) => false,
        }
    }

    /// Whether a run with that value shows what an alert is about.
    pub(super) fn is_example(&self, value: Value<'_>, expected: Option<Expected>) -> bool {
        match (self, value) {
            (Self::Rolling(test), value) => {
                expected.is_some_and(|expected| test.is_example(value, expected))
            }
            (Self::Rate(_), Value::One(one)) => one,
            (Self::Size(test), Value::Size(size)) => test.is_unusual(size),
            (Self::Mix(test), Value::Name(name)) => test.is_example(name),
            (Self::Rate(_), Value::Size(_) | Value::Name(_))
            | (Self::Size(_), Value::One(_) | Value::Name(_))
            | (Self::Mix(_), Value::One(_) | Value::Size(_)) => false,
        }
    }

    pub(super) fn forget(&mut self) {
        match self {
            Self::Rate(test) => test.forget(),
            Self::Size(test) => test.forget(),
            Self::Mix(test) => test.forget(),
            Self::Rolling(test) => test.forget(),
        }
    }

    /// Smallest effect that fires an alert.
    pub(super) const fn effect_min(&self, policy: &Policy) -> f64 {
        match self {
            Self::Rate(_) => policy.effect_min,
            Self::Size(_) => policy.effect_relative_min,
            Self::Mix(_) => policy.effect_mix_min,
            Self::Rolling(test) => test.effect_min(policy),
        }
    }

    /// What was expected where a finding was made, if that is not the baseline's value.
    pub(super) fn expected(&self, finding: &Finding) -> Option<f64> {
        match self {
            Self::Rate(_) | Self::Size(_) | Self::Mix(_) => None,
            Self::Rolling(test) => test.expected(finding),
        }
    }
}
