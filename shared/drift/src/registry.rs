//! The one list of detectors. To add one: write its file under `detector/` (and the `mod` line
//! that Rust asks for), and add its line to the list below. The laws in `tests/drift/laws.rs`, the
//! benchmarks and the table of delays then run on it.

use serde::{Deserialize, Serialize};

use crate::detector::adwin::{Adwin, AdwinSettings};
use crate::detector::canary::Canary;
use crate::detector::ddm::{Ddm, DdmSettings};
use crate::detector::eddm::{Eddm, EddmSettings};
use crate::detector::esr_bounded::EsrBounded;
use crate::detector::esr_conformal::EsrConformal;
use crate::detector::esr_multinomial::EsrMultinomial;
use crate::detector::esr_normal::EsrNormal;
use crate::detector::esr_two_sample::EsrTwoSample;
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

/// Probability that the margin of a cautious detector is too small for its baseline.
pub const MISS: f64 = 0.05;

/// From lines of type, name, paper and maker: the enum of all detectors, what it hands on, and the
/// list. A detector with two makers has two pairs of brackets on its line.
macro_rules! detectors {
    ($($(#[$about:meta])* $detector:ident $([$name:literal, $paper:literal, $make:expr])+;)+) => {
        /// All detectors.
        pub const ALL: &[Entry] = &[$($(Entry {
            name: $name,
            paper: $paper,
            make: |baseline, threshold| {
                let make: fn(&Baseline<'_>, f64) -> Result<$detector, NullError> = $make;
                make(baseline, threshold).map(Detector::$detector)
            },
        },)+)+];

        /// Any of the detectors.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Detector {
            $($(#[$about])* $detector($detector),)+
        }

        impl StreamDetector for Detector {
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

// The order is part of the form in which detectors are saved: append.
#[rustfmt::skip]
detectors! {
    /// Bounded mean, mixture of bets.
    EsrBounded["esr-bounded", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", |baseline, a| EsrBounded::new(baseline.null.ok_or(NullError::Missing("null"))?, a)];
    /// Bounded mean against a short baseline.
    EsrTwoSample["esr-two-sample", "Vovk, Nouretdinov, Gammerman: Conformal e-testing, arXiv 2006.02329", EsrTwoSample::new];
    /// Ranks in a frozen reference.
    EsrNormal["esr-normal", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", EsrNormal::new]["esr-normal-cautious", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", |baseline, a| EsrNormal::cautious(baseline, a, MISS)];
    /// Ranks among the stream's own past.
    EsrConformal["esr-conformal", "Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, chapter 8", EsrConformal::new]["esr-conformal-rate", "Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, chapter 8", EsrConformal::rate]["esr-conformal-mix", "Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, chapter 8", EsrConformal::mix];
    /// Mix of categories.
    EsrMultinomial["esr-multinomial", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", EsrMultinomial::new]["esr-multinomial-cautious", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", |baseline, a| EsrMultinomial::cautious(baseline, a, MISS)];
    /// Version against version, paired.
    Canary["canary", "Waudby-Smith, Ramdas: Estimating means by betting, JRSS B 86(1) 2024", |baseline, a| Canary::new(baseline.direction, a)];
    /// Adaptive window; no stated guarantee.
    Adwin["adwin", "Bifet, Gavaldà: Learning from time-changing data with adaptive windowing, SDM 2007", |baseline, threshold| Adwin::new(AdwinSettings::default(), baseline.direction, threshold)];
    /// Sum of deviations from the mean; no stated guarantee.
    PageHinkley["page-hinkley", "Page: Continuous inspection schemes, Biometrika 41, 1954", |baseline, threshold| PageHinkley::new(PageHinkleySettings::default(), baseline.direction, threshold)];
    /// Repeated Kolmogorov-Smirnov test; no stated guarantee.
    Kswin["kswin", "Raab, Heusinger, Schleif: Reactive soft prototype computing, Neurocomputing 416, 2020", |_, threshold| Kswin::new(KswinSettings::default(), threshold)];
    /// Error rate above its best; no stated guarantee.
    Ddm["ddm", "Gama, Medas, Castillo, Rodrigues: Learning with drift detection, SBIA 2004", |baseline, threshold| Ddm::new(DdmSettings::default(), baseline.direction, threshold)];
    /// Errors closer together; no stated guarantee.
    Eddm["eddm", "Baena-García et al.: Early drift detection method, IWKDDS 2006", |baseline, threshold| Eddm::new(EddmSettings::default(), baseline.direction, threshold)];
}

/// The entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
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

    /// Adding a detector is one file and one line: outside its file, its module is named by the
    /// `mod` line, its type by an import and by its line in the list.
    #[test]
    fn a_detector_is_one_file_and_one_line() {
        let here = include_str!("registry.rs");
        let list = here.split("detectors! {\n    ///").nth(1).unwrap();
        let list = list.split("\n}").next().unwrap();
        let modules = include_str!("detector/mod.rs");
        let detectors = modules.lines().filter_map(|line| line.strip_prefix("pub mod "));
        let mut count = 0;
        for module in detectors.map(|line| line.trim_end_matches(';')) {
            let name: String = module
                .split('_')
                .flat_map(|word| {
                    let mut letters = word.chars();
                    letters
                        .next()
                        .map(|first| first.to_ascii_uppercase())
                        .into_iter()
                        .chain(letters)
                })
                .collect();
            let lines = list.lines().filter(|line| line.contains(&format!("    {name}[")));
            assert_eq!(lines.count(), 1, "{name}");
            let words = modules.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let named = words.filter(|word| *word == module).count();
            assert_eq!(named, 1, "{module} is named elsewhere");
            let imports = here.lines().filter(|line| line.starts_with("use crate::detector::"));
            let imports = imports.filter(|line| line.contains(&format!("::{module}::")));
            assert_eq!(imports.count(), 1, "{module}");
            count += 1;
        }
        assert!(count >= 11, "{count}");
        let entries = list.lines().filter(|line| line.contains('[')).count();
        assert_eq!(entries, count, "every line has a file of its own");
    }
}
