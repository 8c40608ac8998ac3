//! The detectors that the monitor runs.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, MISS, detectors};
use crate::detector::canary::Canary;
use crate::detector::esr_bounded::EsrBounded;
use crate::detector::esr_conformal::EsrConformal;
use crate::detector::esr_multinomial::EsrMultinomial;
use crate::detector::esr_two_sample::EsrTwoSample;
use crate::detector::{Baseline, NullError, Observation, Signal, StreamDetector};

// The order is part of the serialized form: append only.
#[rustfmt::skip]
detectors! {
    Detector, "Any of the detectors of the monitor.";
    /// Bounded mean, mixture of bets.
    EsrBounded["esr-bounded", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", |baseline, a| EsrBounded::new(baseline.null.ok_or(NullError::Missing("null"))?, a)];
    /// Bounded mean against a short baseline.
    EsrTwoSample["esr-two-sample", "Vovk, Nouretdinov, Gammerman: Conformal e-testing, arXiv 2006.02329", EsrTwoSample::new];
    /// Ranks among the stream's own past.
    EsrConformal["esr-conformal", "Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, chapter 8", EsrConformal::new]["esr-conformal-rate", "Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, chapter 8", EsrConformal::rate]["esr-conformal-mix", "Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, chapter 8", EsrConformal::mix];
    /// Mix of categories.
    EsrMultinomial["esr-multinomial", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", EsrMultinomial::new]["esr-multinomial-cautious", "Shin, Ramdas, Rinaldo: E-detectors, arXiv 2203.03532", |baseline, a| EsrMultinomial::cautious(baseline, a, MISS)];
    /// Version against version, paired.
    Canary["canary", "Waudby-Smith, Ramdas: Estimating means by betting, JRSS B 86(1) 2024", |baseline, a| Canary::new(baseline.direction, a)];
}

/// The entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry<Detector>> {
    ALL.iter().find(|entry| entry.name == name)
}
