//! All detectors as one type, for benchmarks and laws.

use serde::{Deserialize, Serialize};

use super::candidate::{self, Candidate};
use super::entry::Entry;
use super::shipped::{self, Detector};
use crate::detector::{Baseline, NullError, Observation, Signal, StreamDetector};

/// Any detector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AnyDetector {
    /// One of the monitor's.
    Shipped(Detector),
    /// One that the monitor does not run.
    Candidate(Candidate),
}

impl From<Detector> for AnyDetector {
    fn from(detector: Detector) -> Self {
        Self::Shipped(detector)
    }
}

impl From<Candidate> for AnyDetector {
    fn from(detector: Candidate) -> Self {
        Self::Candidate(detector)
    }
}

impl StreamDetector for AnyDetector {
    fn update(&mut self, observation: Observation) -> Signal {
        match self {
            Self::Shipped(detector) => detector.update(observation),
            Self::Candidate(detector) => detector.update(observation),
        }
    }

    fn statistic(&self) -> f64 {
        match self {
            Self::Shipped(detector) => detector.statistic(),
            Self::Candidate(detector) => detector.statistic(),
        }
    }

    fn observations(&self) -> u64 {
        match self {
            Self::Shipped(detector) => detector.observations(),
            Self::Candidate(detector) => detector.observations(),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Shipped(detector) => detector.reset(),
            Self::Candidate(detector) => detector.reset(),
        }
    }
}

/// The entry of any detector.
#[derive(Debug, Clone, Copy)]
pub enum AnyEntry {
    /// One of the monitor's.
    Shipped(&'static Entry<Detector>),
    /// One that the monitor does not run.
    Candidate(&'static Entry<Candidate>),
}

impl AnyEntry {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shipped(entry) => entry.name,
            Self::Candidate(entry) => entry.name,
        }
    }

    /// Constructs the detector for a baseline and a threshold.
    ///
    /// # Errors
    ///
    /// A baseline without a required part, or an invalid threshold.
    pub fn make(self, baseline: &Baseline<'_>, threshold: f64) -> Result<AnyDetector, NullError> {
        match self {
            Self::Shipped(entry) => (entry.make)(baseline, threshold).map(Into::into),
            Self::Candidate(entry) => (entry.make)(baseline, threshold).map(Into::into),
        }
    }
}

/// All detectors, those of the monitor first.
pub fn every() -> impl Iterator<Item = AnyEntry> {
    let candidates = candidate::ALL.iter().map(AnyEntry::Candidate);
    shipped::ALL.iter().map(AnyEntry::Shipped).chain(candidates)
}
