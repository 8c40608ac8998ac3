//! A running comparison of a stream with its baseline, for all models.

use drift::{Detector, Pooled, Table};
use serde::{Deserialize, Serialize};

use super::expectation::{Common, Expected};
use super::finding::{Distances, Finding, NoDetector};
use super::mark::Mark;
use super::mix::MixComparison;
use super::rate::RateComparison;
use super::seasonal::SeasonalComparison;
use super::size::{self, SizeComparison};
use super::totals::Totals;
use super::value::Value;
use crate::policy::Policy;

/// A comparison, by the model of the stream and its kind of baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Comparison {
    Rate(Box<RateComparison>),
    Size(Box<SizeComparison>),
    Mix(Box<MixComparison>),
    Rolling(Box<SeasonalComparison>),
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
            Totals::Rate(totals) => {
                RateComparison::new(*totals, policy).map(Box::new).map(Self::Rate)
            }
            Totals::Size(sketch) => {
                SizeComparison::new(sketch, policy).map(Box::new).map(Self::Size)
            }
            Totals::Mix(shares) => MixComparison::new(shares, policy).map(Box::new).map(Self::Mix),
        }
    }

    /// A comparison with the weeks before.
    pub(super) fn rolling(common: Common, policy: &Policy) -> Result<Self, NoDetector> {
        SeasonalComparison::new(common, policy).map(Box::new).map(Self::Rolling)
    }

    /// Takes an observation. A comparison with the weeks before ignores one without an expectation.
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
            | (Self::Mix(_), Value::One(_) | Value::Size(_)) => {
                unreachable!("an observation of another model")
            }
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
            Self::Size(_) => size::RANKS.name,
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

    /// Distances between the baseline and the observations since the change, or of a period.
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

    /// Whether a period shows no effect any more.
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

    /// Whether a run with that value is an example of the change.
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

    /// Restarts the comparison.
    pub(super) fn restart(&mut self) {
        match self {
            Self::Rate(test) => test.restart(),
            Self::Size(test) => test.restart(),
            Self::Mix(test) => test.restart(),
            Self::Rolling(test) => test.restart(),
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

    /// The expected value of a finding, if it is not the baseline's value.
    pub(super) fn expected(&self, finding: &Finding) -> Option<f64> {
        match self {
            Self::Rate(_) | Self::Size(_) | Self::Mix(_) => None,
            Self::Rolling(test) => test.expected(finding),
        }
    }
}
