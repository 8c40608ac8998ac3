//! Detectors: one paper, one file. [`crate::registry`] lists them.

mod bets;
pub mod esr_bounded;

pub(crate) use bets::{BETS, Bets};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::finite::Unit;

/// What a detector says after a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Signal {
    /// No sign of a change.
    Stable,
    /// A tenth of the evidence that is asked for.
    Warning,
    /// The evidence has reached the threshold.
    Drift,
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
}

/// A detector that sees one value at a time.
pub trait StreamDetector {
    /// Takes the next value and says where the stream stands; [`Self::e_value`] says more.
    fn update(&mut self, value: Unit) -> Signal;

    /// Evidence so far; alarms at the threshold.
    fn e_value(&self) -> f64;

    /// Values taken since the start or the last reset.
    fn observations(&self) -> u64;

    /// Forgets everything but its settings.
    fn reset(&mut self);
}
