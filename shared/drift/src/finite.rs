//! Numbers that are validated once, at the boundary, and carry that in their type.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A number that is neither NaN nor infinite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

/// The number is NaN, infinite, or out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the number is not finite or out of range")]
pub struct NotFinite;

impl Finite {
    /// Checks a number.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Finite {
    type Error = NotFinite;

    fn try_from(value: f64) -> Result<Self, NotFinite> {
        Self::new(value).ok_or(NotFinite)
    }
}

impl From<Finite> for f64 {
    fn from(finite: Finite) -> Self {
        finite.0
    }
}

/// A number from 0 to 1: the input of detectors of a bounded mean.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Unit(f64);

impl Unit {
    /// 0.
    pub const ZERO: Self = Self(0.0);
    /// One half.
    pub const HALF: Self = Self(0.5);
    /// 1.
    pub const ONE: Self = Self(1.0);

    /// Checks a number.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The nearest number from 0 to 1.
    #[must_use]
    pub const fn nearest(value: Finite) -> Self {
        Self(value.0.clamp(0.0, 1.0))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }
}

impl From<Unit> for Finite {
    fn from(unit: Unit) -> Self {
        Self(unit.0)
    }
}

impl From<bool> for Unit {
    fn from(value: bool) -> Self {
        if value { Self::ONE } else { Self::ZERO }
    }
}

impl TryFrom<f64> for Unit {
    type Error = NotFinite;

    fn try_from(value: f64) -> Result<Self, NotFinite> {
        Self::new(value).ok_or(NotFinite)
    }
}

impl From<Unit> for f64 {
    fn from(unit: Unit) -> Self {
        unit.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_does_not_enter() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!((Finite::new(value), Unit::new(value)), (None, None));
        }
        assert_eq!(Unit::new(1.0 + f64::EPSILON), None);
        assert_eq!(Unit::new(-0.0).map(Unit::value), Some(0.0));
        assert!(serde_json::from_str::<Unit>("1.5").is_err());
    }
}
