//! Shared by the classical detectors: running moments in river's order of operations, so that
//! alarms occur at the same values, and the limits that keep every statistic finite.

use serde::{Deserialize, Serialize};

use crate::detector::{Direction, NullError, Signal};
use crate::finite::Finite;

/// Values are clamped to this magnitude: the sum of their squares over any stream stays finite.
const VALUE_MAX: f64 = 1e100;

/// Cap of a statistic: far above any threshold, and finite.
pub(crate) const CAP: f64 = 1e300;

pub(crate) const fn bounded(value: Finite) -> f64 {
    value.value().clamp(-VALUE_MAX, VALUE_MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

/// `threshold`, if it is finite and at least 1.
pub(crate) fn from_one(threshold: f64) -> Result<f64, NullError> {
    if threshold.is_finite() && threshold >= 1.0 {
        Ok(threshold)
    } else {
        Err(NullError::Threshold(threshold))
    }
}

/// `value`, if it is finite and more than 0.
pub(crate) fn positive(setting: &'static str, value: f64) -> Result<f64, NullError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(NullError::Setting(setting, "a finite number above 0"))
    }
}

pub(crate) fn signal(statistic: f64, warning: f64, threshold: f64) -> Signal {
    if statistic >= threshold {
        Signal::Drift
    } else if statistic >= warning {
        Signal::Warning
    } else {
        Signal::Stable
    }
}

/// Running mean.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Mean {
    pub(crate) count: u64,
    pub(crate) mean: f64,
}

impl Mean {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1;
        self.mean += 1.0 / float(self.count) * (value - self.mean);
    }
}

/// Running mean and variance (Welford 1962).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Moments {
    pub(crate) mean: Mean,
    squares: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, value: f64) {
        let before = self.mean.mean;
        self.mean.add(value);
        self.squares += (value - before) * (value - self.mean.mean);
    }

    /// Unbiased standard deviation; 0 of fewer than two values.
    pub(crate) fn deviation(&self) -> f64 {
        if self.mean.count > 1 {
            (self.squares / float(self.mean.count - 1)).max(0.0).sqrt()
        } else {
            0.0
        }
    }
}

/// State of one direction of a detector that detects rises; a fall is a rise of the mirrored
/// values.
pub(crate) trait Side: Default {
    fn statistic(&self) -> f64;
}

/// The directions that a detector watches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sides<S> {
    pub(crate) rising: Option<S>,
    pub(crate) falling: Option<S>,
}

impl<S: Side> Sides<S> {
    pub(crate) fn of(direction: Direction) -> Self {
        Self {
            rising: (direction != Direction::Falling).then(S::default),
            falling: (direction != Direction::Rising).then(S::default),
        }
    }

    /// The larger statistic.
    pub(crate) fn statistic(&self) -> f64 {
        let sides = [&self.rising, &self.falling];
        sides.into_iter().flatten().fold(0.0, |most, side| side.statistic().max(most))
    }

    pub(crate) fn reset(&mut self) {
        for side in [&mut self.rising, &mut self.falling].into_iter().flatten() {
            *side = S::default();
        }
    }
}
