//! The list of detectors that test streams.

use super::{mix, rate, seasonal, size};
use crate::detector::DetectorVersion;

/// The detectors of streams.
pub(crate) const DETECTORS: &[DetectorVersion] = &[
    rate::BOUNDED,
    rate::TWO_SAMPLE,
    size::RANKS,
    mix::CONFORMAL,
    mix::CAUTIOUS,
    seasonal::RATE,
    seasonal::SIZE,
];
