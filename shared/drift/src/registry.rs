//! The one list of detectors. To add one: write its file under `detector/`, add a variant and a
//! line in [`ALL`]; the laws in `tests/laws.rs` then run on it.

use serde::{Deserialize, Serialize};

use crate::detector::esr_bounded::EsrBounded;
use crate::detector::{Baseline, NullError, Observation, Signal, StreamDetector};

/// What is known about a detector.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Name in events and configuration; never renamed.
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// Makes one, for a baseline and a threshold.
    pub make: fn(&Baseline<'_>, f64) -> Result<Detector, NullError>,
}

/// All detectors.
pub const ALL: &[Entry] = &[Entry {
    name: "esr-bounded",
    paper: "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532",
    make: |baseline, threshold| {
        let null = baseline.null.ok_or(NullError::Missing("null"))?;
        EsrBounded::new(null, threshold).map(Detector::EsrBounded)
    },
}];

/// The entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

/// Any of the detectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Detector {
    /// Bounded mean, mixture of bets.
    EsrBounded(EsrBounded),
}

impl StreamDetector for Detector {
    #[inline]
    fn update(&mut self, observation: Observation) -> Signal {
        match self {
            Self::EsrBounded(detector) => detector.update(observation),
        }
    }

    fn statistic(&self) -> f64 {
        match self {
            Self::EsrBounded(detector) => detector.statistic(),
        }
    }

    fn observations(&self) -> u64 {
        match self {
            Self::EsrBounded(detector) => detector.observations(),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::EsrBounded(detector) => detector.reset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        for entry in ALL {
            assert_eq!(find(entry.name).map(|found| found.paper), Some(entry.paper));
            assert_eq!(ALL.iter().filter(|other| other.name == entry.name).count(), 1);
        }
        assert!(find("none").is_none());
    }
}
