//! Detectors that the monitor does not run: peers for comparison in benchmarks and oracle tests.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, MISS, detectors};
use crate::detector::adwin::{Adwin, AdwinSettings};
use crate::detector::ddm::{Ddm, DdmSettings};
use crate::detector::eddm::{Eddm, EddmSettings};
use crate::detector::esr_normal::EsrNormal;
use crate::detector::kswin::{Kswin, KswinSettings};
use crate::detector::page_hinkley::{PageHinkley, PageHinkleySettings};
use crate::detector::{Baseline, NullError, Observation, Signal, StreamDetector};

#[rustfmt::skip]
detectors! {
    Candidate, "Any of the detectors that the monitor does not run.";
    /// Ranks in a frozen reference.
    EsrNormal["esr-normal", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", EsrNormal::new]["esr-normal-cautious", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", |baseline, a| EsrNormal::cautious(baseline, a, MISS)];
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
