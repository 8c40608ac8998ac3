//! The one list of detectors. To add one: write its file under `detector/`, add a variant and a
//! line in [`ALL`]; the laws in `tests/laws.rs` then run on it.

use serde::{Deserialize, Serialize};

use crate::detector::adwin::{Adwin, AdwinSettings};
use crate::detector::ddm::{Ddm, DdmSettings};
use crate::detector::eddm::{Eddm, EddmSettings};
use crate::detector::esr_bounded::EsrBounded;
use crate::detector::kswin::{Kswin, KswinSettings};
use crate::detector::page_hinkley::{PageHinkley, PageHinkleySettings};
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
pub const ALL: &[Entry] = &[
    Entry {
        name: "esr-bounded",
        paper: "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532",
        make: |baseline, threshold| {
            let null = baseline.null.ok_or(NullError::Missing("null"))?;
            EsrBounded::new(null, threshold).map(Detector::EsrBounded)
        },
    },
    Entry {
        name: "adwin",
        paper: "Bifet, Gavaldà: Learning from time-changing data with adaptive windowing, SDM 2007",
        make: |baseline, threshold| {
            Adwin::new(AdwinSettings::default(), baseline.direction, threshold).map(Detector::Adwin)
        },
    },
    Entry {
        name: "page-hinkley",
        paper: "Page: Continuous inspection schemes, Biometrika 41, 1954",
        make: |baseline, threshold| {
            PageHinkley::new(PageHinkleySettings::default(), baseline.direction, threshold)
                .map(Detector::PageHinkley)
        },
    },
    Entry {
        name: "kswin",
        paper: "Raab, Heusinger, Schleif: Reactive soft prototype computing, Neurocomputing 416, 2020",
        make: |_, threshold| Kswin::new(KswinSettings::default(), threshold).map(Detector::Kswin),
    },
    Entry {
        name: "ddm",
        paper: "Gama, Medas, Castillo, Rodrigues: Learning with drift detection, SBIA 2004",
        make: |baseline, threshold| {
            Ddm::new(DdmSettings::default(), baseline.direction, threshold).map(Detector::Ddm)
        },
    },
    Entry {
        name: "eddm",
        paper: "Baena-García et al.: Early drift detection method, IWKDDS 2006",
        make: |baseline, threshold| {
            Eddm::new(EddmSettings::default(), baseline.direction, threshold).map(Detector::Eddm)
        },
    },
];

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
    /// Adaptive window; no stated guarantee.
    Adwin(Adwin),
    /// Sum of deviations from the mean; no stated guarantee.
    PageHinkley(PageHinkley),
    /// Repeated Kolmogorov-Smirnov test; no stated guarantee.
    Kswin(Kswin),
    /// Error rate above its best; no stated guarantee.
    Ddm(Ddm),
    /// Errors closer together; no stated guarantee.
    Eddm(Eddm),
}

impl StreamDetector for Detector {
    #[inline]
    fn update(&mut self, observation: Observation) -> Signal {
        match self {
            Self::EsrBounded(detector) => detector.update(observation),
            Self::Adwin(detector) => detector.update(observation),
            Self::PageHinkley(detector) => detector.update(observation),
            Self::Kswin(detector) => detector.update(observation),
            Self::Ddm(detector) => detector.update(observation),
            Self::Eddm(detector) => detector.update(observation),
        }
    }

    fn statistic(&self) -> f64 {
        match self {
            Self::EsrBounded(detector) => detector.statistic(),
            Self::Adwin(detector) => detector.statistic(),
            Self::PageHinkley(detector) => detector.statistic(),
            Self::Kswin(detector) => detector.statistic(),
            Self::Ddm(detector) => detector.statistic(),
            Self::Eddm(detector) => detector.statistic(),
        }
    }

    fn observations(&self) -> u64 {
        match self {
            Self::EsrBounded(detector) => detector.observations(),
            Self::Adwin(detector) => detector.observations(),
            Self::PageHinkley(detector) => detector.observations(),
            Self::Kswin(detector) => detector.observations(),
            Self::Ddm(detector) => detector.observations(),
            Self::Eddm(detector) => detector.observations(),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::EsrBounded(detector) => detector.reset(),
            Self::Adwin(detector) => detector.reset(),
            Self::PageHinkley(detector) => detector.reset(),
            Self::Kswin(detector) => detector.reset(),
            Self::Ddm(detector) => detector.reset(),
            Self::Eddm(detector) => detector.reset(),
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
