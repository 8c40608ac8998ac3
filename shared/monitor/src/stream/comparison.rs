//! A running comparison of a stream with its baseline, whatever the model, and what it finds.

use drift::Detector;
use serde::{Deserialize, Serialize};

use super::seasonal::{self, Common, Expected};
use super::totals::{Totals, Value};
use super::{Mark, rate, size};
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
}

impl Direction {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
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
}

impl Finding {
    /// The effect in the direction of the change.
    pub(super) fn size(&self) -> f64 {
        let effect = self.effect.unwrap_or_default();
        match self.direction {
            Direction::Rising => effect,
            Direction::Falling => -effect,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Comparison {
    Rate(Box<rate::Test>),
    Size(Box<size::Test>),
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
        }
    }

    /// A comparison with the weeks before.
    pub(super) fn rolling(common: Common, policy: &Policy) -> Result<Self, NoDetector> {
        seasonal::Test::new(common, policy).map(Box::new).map(Self::Rolling)
    }

    /// Takes an observation; in a comparison with the weeks before one of which nothing was
    /// expected is left out.
    pub(super) fn observe(&mut self, value: Value, expected: Option<Expected>, mark: Mark) {
        match (self, value) {
            (Self::Rolling(test), value) => {
                if let Some(expected) = expected {
                    test.observe(value, expected, mark);
                }
            }
            (Self::Rate(test), Value::One(one)) => test.observe(one, mark),
            (Self::Size(test), Value::Size(size)) => test.observe(size, mark),
            (Self::Rate(_), Value::Size(_)) | (Self::Size(_), Value::One(_)) => {}
        }
    }

    pub(super) fn detector(&self) -> &Detector {
        match self {
            Self::Rate(test) => test.detector(),
            Self::Size(test) => test.detector(),
            Self::Rolling(test) => test.detector(),
        }
    }

    /// Name of the detector in events.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Rate(test) => test.name(),
            Self::Size(_) => size::NAME,
            Self::Rolling(test) => test.name(),
        }
    }

    pub(super) fn bound(&self) -> f64 {
        match self {
            Self::Rate(test) => test.bound(),
            Self::Size(test) => test.bound(),
            Self::Rolling(test) => test.bound(),
        }
    }

    pub(super) fn finding(&self, period: Option<&Totals>) -> Finding {
        match (self, period) {
            (Self::Rolling(test), period) => test.finding(period),
            (Self::Rate(test), Some(Totals::Rate(totals))) => test.finding(Some(*totals)),
            (Self::Rate(test), None | Some(Totals::Size(_))) => test.finding(None),
            (Self::Size(test), Some(Totals::Size(sketch))) => test.finding(Some(sketch)),
            (Self::Size(test), None | Some(Totals::Rate(_))) => test.finding(None),
        }
    }

    /// Whether the effect is gone from a period.
    pub(super) fn is_calm(&mut self, period: &Totals, policy: &Policy) -> bool {
        match (self, period) {
            (Self::Rolling(test), _) => test.is_calm(policy),
            (Self::Rate(test), Totals::Rate(totals)) => test.is_calm(*totals, policy),
            (Self::Size(test), Totals::Size(sketch)) => test.is_calm(sketch),
            (Self::Rate(_), Totals::Size(_)) | (Self::Size(_), Totals::Rate(_)) => false,
        }
    }

    /// Whether a run with that value shows what an alert is about.
    pub(super) fn is_example(&self, value: Value, expected: Option<Expected>) -> bool {
        match (self, value) {
            (Self::Rolling(test), value) => {
                expected.is_some_and(|expected| test.is_example(value, expected))
            }
            (Self::Rate(_), Value::One(one)) => one,
            (Self::Size(test), Value::Size(size)) => test.is_unusual(size),
            (Self::Rate(_), Value::Size(_)) | (Self::Size(_), Value::One(_)) => false,
        }
    }

    pub(super) fn forget(&mut self) {
        match self {
            Self::Rate(test) => test.forget(),
            Self::Size(test) => test.forget(),
            Self::Rolling(test) => test.forget(),
        }
    }

    /// Smallest effect that fires an alert.
    pub(super) const fn effect_min(&self, policy: &Policy) -> f64 {
        match self {
            Self::Rate(_) => policy.effect_min,
            Self::Size(_) => policy.effect_relative_min,
            Self::Rolling(test) => test.effect_min(policy),
        }
    }

    /// What was expected where a finding was made, if that is not the baseline's value.
    pub(super) fn expected(&self, finding: &Finding) -> Option<f64> {
        match self {
            Self::Rate(_) | Self::Size(_) => None,
            Self::Rolling(test) => test.expected(finding),
        }
    }
}
