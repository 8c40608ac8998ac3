//! Aggregated observations of a stream.

use drift::DdSketch;
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::value::Value;
use crate::metric::{Aggregate, Model, Shares};

/// An hour.
const HOUR_MICROS: i64 = 3_600 * 1_000_000;

/// The observations of a stream, or of a part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Totals {
    Rate(Counts),
    Size(DdSketch),
    Mix(Shares),
}

impl Totals {
    pub(crate) fn empty(model: Model) -> Self {
        match model {
            Model::Failures | Model::Successes => Self::Rate(Counts::default()),
            Model::Sizes => Self::Size(DdSketch::default()),
            Model::Mix => Self::Mix(Shares::default()),
        }
    }

    /// The sampled observations of a window.
    pub(crate) fn of(model: Model, window: &Aggregate) -> Self {
        let window = window.sampled();
        let (count, ones) = window.rate();
        match model {
            Model::Failures => Self::Rate(Counts { count, ones }),
            Model::Successes => Self::Rate(Counts { count, ones: count - ones }),
            Model::Sizes => Self::Size(window.sketch().cloned().unwrap_or_default()),
            Model::Mix => Self::Mix(window.categories().cloned().unwrap_or_default()),
        }
    }

    pub(crate) fn add(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Rate(totals), Value::One(one)) => totals.add(one),
            (Self::Size(sketch), Value::Size(size)) => {
                sketch.insert(size);
            }
            (Self::Mix(shares), Value::Name(name)) => shares.add(name),
            (Self::Rate(_), Value::Size(_) | Value::Name(_))
            | (Self::Size(_), Value::One(_) | Value::Name(_))
            | (Self::Mix(_), Value::One(_) | Value::Size(_)) => {
                unreachable!("an observation of another model")
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Rate(totals), Self::Rate(other)) => totals.merge(*other),
            (Self::Size(sketch), Self::Size(other)) => sketch.merge(other),
            (Self::Mix(shares), Self::Mix(other)) => shares.merge(other),
            (Self::Rate(_), Self::Size(_) | Self::Mix(_))
            | (Self::Size(_), Self::Rate(_) | Self::Mix(_))
            | (Self::Mix(_), Self::Rate(_) | Self::Size(_)) => {
                unreachable!("totals of another model")
            }
        }
    }

    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Rate(totals) => totals.count,
            Self::Size(sketch) => sketch.count(),
            Self::Mix(shares) => shares.total(),
        }
    }

    /// The rate, or the median; `None` without observations, and of a mix.
    pub(crate) fn value(&self) -> Option<f64> {
        match self {
            Self::Rate(totals) => (totals.count > 0).then(|| totals.mean()),
            Self::Size(sketch) => sketch.quantile(0.5),
            Self::Mix(_) => None,
        }
    }
}

/// Observations, and the range of their event times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    pub(super) totals: Totals,
    pub(super) times: Option<(i64, i64)>,
}

impl History {
    pub(crate) fn empty(model: Model) -> Self {
        Self { totals: Totals::empty(model), times: None }
    }

    pub(super) fn add(&mut self, value: Value<'_>, time: i64) {
        self.totals.add(value);
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.totals.merge(&other.totals);
        self.times = match (self.times, other.times) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (times, None) | (None, times) => times,
        };
    }

    pub(crate) fn count(&self) -> u64 {
        self.totals.count()
    }

    /// The rate, or the median; `None` without observations.
    pub(super) fn value(&self) -> Option<f64> {
        self.totals.value()
    }

    /// Observations per day, over at least an hour.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub(super) fn per_day(&self) -> Option<f64> {
        let (first, last) = self.times?;
        let hours = last.saturating_sub(first).max(HOUR_MICROS) as f64 / HOUR_MICROS as f64;
        Some(self.totals.count() as f64 / hours * 24.0)
    }
}
