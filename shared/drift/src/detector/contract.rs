//! The interface of all detectors: inputs, signals, errors.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::finite::{Finite, Unit};

/// One value of a stream, as every detector takes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// The value. Detectors of a bounded mean clamp it to `[0, 1]`; for detectors of categories it
    /// is the number of the category.
    pub value: Finite,
    /// Breaks ties between ranks: uniform on `[0, 1]` and independent of the value. Callers derive
    /// it from the event, so that computing again gives the same.
    pub tie: Unit,
}

impl Observation {
    /// A value whose ties are split in half.
    #[must_use]
    pub const fn of(value: Finite) -> Self {
        Self { value, tie: Unit::HALF }
    }
}

impl From<Unit> for Observation {
    fn from(unit: Unit) -> Self {
        Self::of(unit.into())
    }
}

impl From<bool> for Observation {
    fn from(truth: bool) -> Self {
        Unit::from(truth).into()
    }
}

/// Direction of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Direction {
    /// Values become larger.
    Rising,
    /// Values become smaller.
    Falling,
    /// Either, with half the weight each.
    #[default]
    Both,
}

/// What is known of a stream before it is watched. Each detector documents which parts it requires;
/// without them its constructor fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Baseline<'a> {
    /// The mean that the null hypothesis allows, on `[0, 1]`.
    pub null: Option<Null>,
    /// Direction to watch, where `null` does not imply it.
    pub direction: Direction,
    /// Earlier values, ascending.
    pub sorted: &'a [f64],
    /// Number of earlier values in each category, by the category's number.
    pub counts: &'a [u64],
}

impl From<Null> for Baseline<'_> {
    fn from(null: Null) -> Self {
        let direction = match null {
            Null::AtMost(_) => Direction::Rising,
            Null::AtLeast(_) => Direction::Falling,
            Null::Between(..) => Direction::Both,
        };
        Self { null: Some(null), direction, ..Self::default() }
    }
}

/// State of a detector after a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Signal {
    /// No sign of a change.
    Stable,
    /// A tenth of the required evidence, or what the detector's paper calls a warning.
    Warning,
    /// The evidence has reached the threshold.
    Drift,
}

impl Signal {
    /// The signal of this much evidence, where drift requires `threshold`.
    #[inline]
    pub(crate) fn of(evidence: f64, threshold: f64) -> Self {
        if evidence >= threshold {
            Self::Drift
        } else if evidence * 10.0 >= threshold {
            Self::Warning
        } else {
            Self::Stable
        }
    }
}

/// The null hypothesis: the mean that values have, given everything before them, while nothing
/// has changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Null {
    /// At most this; watches for a rise.
    AtMost(f64),
    /// At least this; watches for a fall.
    AtLeast(f64),
    /// Between the two, inclusive; watches for both, with half the weight each.
    Between(f64, f64),
}

/// Why a detector cannot be constructed.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NullError {
    /// A bound must lie strictly between 0 and 1: otherwise nothing or everything is a change.
    #[error("bound `{0}` does not lie strictly between 0 and 1")]
    Bound(f64),
    /// The lower bound is above the upper one.
    #[error("bounds `{0}` and `{1}` are in the wrong order")]
    Order(f64, f64),
    /// The threshold must be a finite number of at least 1.
    #[error("threshold `{0}` is not a finite number of at least 1")]
    Threshold(f64),
    /// The head start, in values, must be a finite number of at least 0.
    #[error("head start `{0}` is not a finite number of at least 0")]
    HeadStart(f64),
    /// A part of the baseline that this detector requires.
    #[error("the baseline has no `{0}`")]
    Missing(&'static str),
    /// An invalid setting of this detector, and the valid values.
    #[error("setting `{0}` must be {1}")]
    Setting(&'static str, &'static str),
    /// A malformed part of the baseline.
    #[error(
        "the baseline's `{0}` is not ascending or not finite: sort it and drop values that are not finite"
    )]
    Malformed(&'static str),
    /// A part of the baseline that is too small for the requested confidence.
    #[error("the baseline's `{0}` is too small: give more earlier values")]
    TooSmall(&'static str),
    /// The probability of a wrong margin must lie strictly between 0 and 1.
    #[error("probability `{0}` does not lie strictly between 0 and 1")]
    Miss(f64),
}

/// A detector that takes one value at a time.
pub trait StreamDetector {
    /// Takes the next value and returns the state of the stream; [`Self::statistic`] has the
    /// details.
    fn update(&mut self, observation: Observation) -> Signal;

    /// The statistic, which signals drift at its threshold. For an e-detector it is the e-value.
    fn statistic(&self) -> f64;

    /// Values taken since the start or the last reset.
    fn observations(&self) -> u64;

    /// Forgets everything but its settings.
    fn reset(&mut self);
}
