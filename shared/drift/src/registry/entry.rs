//! A detector as an entry of a list, and the macro that turns a list into an enum.

use crate::detector::{Baseline, NullError};

/// A detector.
#[derive(Debug, Clone, Copy)]
pub struct Entry<D: 'static> {
    /// Name in events and configuration; never renamed.
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// Version of the computation: raised when the same values would give another result.
    pub version: u32,
    /// Constructs the detector for a baseline and a threshold.
    pub make: fn(&Baseline<'_>, f64) -> Result<D, NullError>,
}

/// Probability that a cautious detector's margin is too small for its baseline.
pub const MISS: f64 = 0.05;

/// Turns lines of type, name, paper and constructor into the list, the enum of these detectors and
/// its dispatch. A detector with several constructors has a pair of brackets for each.
macro_rules! detectors {
    ($all:ident, $summary:literal; $($(#[$about:meta])* $detector:ident $([$name:literal, $paper:literal, $make:expr])+;)+) => {
        #[doc = concat!("All of [`", stringify!($all), "`].")]
        pub const ALL: &[Entry<$all>] = &[$($(Entry {
            name: $name,
            paper: $paper,
            version: $detector::VERSION,
            make: |baseline, threshold| {
                let make: fn(&Baseline<'_>, f64) -> Result<$detector, NullError> = $make;
                make(baseline, threshold).map($all::$detector)
            },
        },)+)+];

        #[doc = $summary]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum $all {
            $($(#[$about])* $detector($detector),)+
        }

        impl StreamDetector for $all {
            #[inline]
            fn update(&mut self, observation: Observation) -> Signal {
                match self {
                    $(Self::$detector(detector) => detector.update(observation),)+
                }
            }

            fn statistic(&self) -> f64 {
                match self {
                    $(Self::$detector(detector) => detector.statistic(),)+
                }
            }

            fn observations(&self) -> u64 {
                match self {
                    $(Self::$detector(detector) => detector.observations(),)+
                }
            }

            fn reset(&mut self) {
                match self {
                    $(Self::$detector(detector) => detector.reset(),)+
                }
            }
        }
    };
}

pub(super) use detectors;
