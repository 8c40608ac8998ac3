//! What every detector takes, says and does.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::finite::{Finite, Unit};

/// One value of a stream, as every detector takes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// The value. A detector of a bounded mean takes what lies outside `[0, 1]` as the nearer end;
    /// one of categories takes the category's number.
    pub value: Finite,
    /// Breaks ties between ranks: uniform on `[0, 1]` and independent of the value. Callers derive
    /// it from the event's id, so that a replay repeats it.
    pub tie: Unit,
}

impl Observation {
    /// A value that ties with others in the middle.
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

/// Which way a change goes.
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

/// What is known of a stream before it is watched. A detector's head says which parts it needs;
/// without them it cannot be made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Baseline<'a> {
    /// The mean that the null hypothesis allows, on `[0, 1]`.
    pub null: Option<Null>,
    /// Which way to look, where `null` does not say.
    pub direction: Direction,
    /// Earlier values, ascending.
    pub sorted: &'a [f64],
    /// Earlier values of each category, by its number.
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

/// What a detector says after a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Signal {
    /// No sign of a change.
    Stable,
    /// A tenth of the evidence that is asked for, or what the detector's paper calls a warning.
    Warning,
    /// The evidence has reached the threshold.
    Drift,
}

impl Signal {
    /// Where evidence stands that asks for `threshold`.
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
    /// At most this; looks for a rise.
    AtMost(f64),
    /// At least this; looks for a fall.
    AtLeast(f64),
    /// Between the two, inclusive; looks for both, with half the weight each.
    Between(f64, f64),
}

/// Why no detector can be made.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NullError {
    /// A bound must lie strictly between 0 and 1: beyond, nothing or everything is a change.
    #[error("bound `{0}` does not lie strictly between 0 and 1")]
    Bound(f64),
    /// The lower bound is above the upper one.
    #[error("bounds `{0}` and `{1}` are in the wrong order")]
    Order(f64, f64),
    /// The threshold is the average run length to a false alarm, so at least 1.
    #[error("threshold `{0}` is not a finite number of at least 1")]
    Threshold(f64),
    /// The weight of a change at the start of the stream is a number of values.
    #[error("head start `{0}` is not a finite number of at least 0")]
    HeadStart(f64),
    /// A part of the baseline that this detector cannot do without.
    #[error("the baseline has no `{0}`")]
    Missing(&'static str),
    /// A setting of this detector, and what it has to be.
    #[error("setting `{0}` must be {1}")]
    Setting(&'static str, &'static str),
    /// A part of the baseline that is not what its documentation says.
    #[error("the baseline's `{0}` is not finite and ascending: sort it and leave out the rest")]
    Malformed(&'static str),
    /// A part of the baseline from which nothing can be concluded with the confidence asked for.
    #[error("the baseline's `{0}` is too small: give more earlier values")]
    TooSmall(&'static str),
    /// A probability of being wrong about the baseline must lie strictly between 0 and 1.
    #[error("probability `{0}` does not lie strictly between 0 and 1")]
    Miss(f64),
}

/// A detector that sees one value at a time.
pub trait StreamDetector {
    /// Takes the next value and says where the stream stands; [`Self::statistic`] says more.
    fn update(&mut self, observation: Observation) -> Signal;

    /// Where the detector stands; it signals drift at its threshold. Of an e-detector this is the
    /// e-value.
    fn statistic(&self) -> f64;

    /// Values taken since the start or the last reset.
    fn observations(&self) -> u64;

    /// Forgets everything but its settings.
    fn reset(&mut self);
}
