//! What a version is compared with: the version before it, frozen when the new one appears.
//!
//! The bound of the null hypothesis is the baseline's mean plus the tolerance, but at least its
//! upper 95 % confidence bound (Clopper-Pearson, one-sided). The detector's guarantee holds for
//! every stream whose mean does not exceed the bound; with an unlucky baseline, and that is at
//! most one in twenty, it holds for the bound all the same but the true mean may lie above it. A
//! bound at the bare mean would be exceeded by every second baseline, and pages would come much
//! more often than stated.
//!
//! A frozen baseline never changes: what is observed after the change, alarmed or not, is not in
//! it.

use drift::{Confidence, interval};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// Observations of a stream of zeros and ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) count: u64,
    pub(crate) ones: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, one: bool) {
        self.count = self.count.saturating_add(1);
        self.ones = self.ones.saturating_add(u64::from(one));
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn mean(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.ones as f64 / self.count as f64 }
    }
}

/// What was frozen of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reference {
    /// The version compared with; `None` if there was none.
    pub(crate) version: Option<String>,
    /// Its observations.
    pub(crate) totals: Totals,
}

/// Why there is no detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDetector {
    /// No version before, or it has no observation of the stream.
    Absent,
    /// Too few observations.
    TooSmall,
    /// The baseline fails (nearly) always, so that nothing can be worse.
    Saturated,
}

impl NoDetector {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Absent => "no detector: no baseline, the previous version has no observations",
            Self::TooSmall => "no detector: the baseline is too small",
            Self::Saturated => "no detector: the baseline leaves no room for worse",
        }
    }
}

impl Reference {
    /// The mean that the null hypothesis allows.
    pub(crate) fn bound(&self, settings: &Settings) -> Result<f64, NoDetector> {
        let Totals { count, ones } = self.totals;
        if count == 0 {
            return Err(NoDetector::Absent);
        }
        if count < u64::from(settings.baseline_observations_min) {
            return Err(NoDetector::TooSmall);
        }
        // One-sided at 95 %.
        let upper = interval::upper_bound(ones, count, Confidence::P95).unwrap_or(1.0);
        let bound = (self.totals.mean() + settings.tolerance).max(upper);
        // Rounded up to a millionth: the last bits of a quantile differ between platforms.
        let bound = (bound * 1e6).ceil() / 1e6;
        if bound < 0.999 { Ok(bound) } else { Err(NoDetector::Saturated) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(count: u64, ones: u64) -> Reference {
        Reference { version: Some("v1".to_owned()), totals: Totals { count, ones } }
    }

    #[test]
    fn the_bound_is_never_below_the_upper_confidence_bound() {
        let settings = Settings::default();
        for (count, ones) in [(100, 0), (100, 10), (400, 198), (1_700, 245), (1_000_000, 100_000)] {
            let bound = reference(count, ones).bound(&settings).unwrap();
            let upper = interval::upper_bound(ones, count, Confidence::P95).unwrap();
            let mean = reference(count, ones).totals.mean();
            assert!(bound >= upper && bound >= mean + settings.tolerance);
            assert!(bound <= upper.max(mean + settings.tolerance) + 2e-6);
        }
    }

    #[test]
    fn a_baseline_that_cannot_be_one_says_why() {
        let settings = Settings::default();
        assert_eq!(reference(0, 0).bound(&settings), Err(NoDetector::Absent));
        assert_eq!(reference(99, 0).bound(&settings), Err(NoDetector::TooSmall));
        assert_eq!(reference(100, 100).bound(&settings), Err(NoDetector::Saturated));
    }
}
