//! Zeros and ones, of which 1 is the worse: how often, against how often in the baseline.
//!
//! The bound of the null hypothesis is the baseline's mean plus the tolerance, but at least its
//! upper 95 % confidence bound (Clopper-Pearson, one-sided). The detector's guarantee holds for
//! every stream whose mean does not exceed the bound; with an unlucky baseline, and that is at
//! most one in twenty, it holds for the bound all the same but the true mean may lie above it. A
//! bound at the bare mean would be exceeded by every second baseline, and pages would come much
//! more often than stated.

use drift::{Confidence, Detector, Localiser, Null, StreamDetector, interval, registry};
use serde::{Deserialize, Serialize};

use super::{DETECTOR, Direction, Finding, Mark, NoDetector};
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

    pub(crate) fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.ones = self.ones.saturating_add(other.ones);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn mean(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.ones as f64 / self.count as f64 }
    }

    /// The mean that the null hypothesis allows.
    fn bound(self, settings: &Settings) -> Result<f64, NoDetector> {
        // One-sided at 95 %.
        let upper = interval::upper_bound(self.ones, self.count, Confidence::P95).unwrap_or(1.0);
        let bound = (self.mean() + settings.tolerance).max(upper);
        // Rounded up to a millionth: the last bits of a quantile differ between platforms.
        let bound = (bound * 1e6).ceil() / 1e6;
        if bound < 0.999 { Ok(bound) } else { Err(NoDetector::Saturated) }
    }
}

/// A running comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Test {
    baseline: Totals,
    bound: f64,
    detector: Detector,
    localiser: Localiser<Mark>,
}

impl Test {
    pub(crate) fn new(baseline: Totals, settings: &Settings) -> Result<Self, NoDetector> {
        let bound = baseline.bound(settings)?;
        let make = registry::find(DETECTOR).map(|entry| entry.make);
        let detector = make
            .and_then(|make| make(&Null::AtMost(bound).into(), settings.average_run_length).ok())
            .ok_or(NoDetector::Saturated)?;
        let localiser = Localiser::rising(bound).map_err(|_| NoDetector::Saturated)?;
        Ok(Self { baseline, bound, detector, localiser })
    }

    pub(crate) const fn bound(&self) -> f64 {
        self.bound
    }

    pub(crate) fn detector(&self) -> &Detector {
        &self.detector
    }

    pub(crate) fn observe(&mut self, one: bool, mark: Mark) {
        self.detector.update(one.into());
        self.localiser.update(one.into(), mark);
    }

    /// Whether a period shows less than half of the smallest effect.
    pub(crate) fn is_calm(&self, period: Totals, settings: &Settings) -> bool {
        period.mean() - self.baseline.mean() < settings.effect_min / 2.0
    }

    pub(crate) fn forget(&mut self) {
        self.detector.reset();
        self.localiser.reset();
    }

    /// What the observations since the estimated change say; or those given.
    pub(crate) fn finding(&self, period: Option<Totals>) -> Finding {
        let since = if period.is_none() { self.localiser.estimate() } else { None };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of zeros and ones is a count"
        )]
        let found = since.map_or_else(Totals::default, |since| Totals {
            count: since.observations,
            ones: since.sum as u64,
        });
        let observed = period.unwrap_or(found);
        let interval = interval::newcombe(
            (observed.ones, observed.count),
            (self.baseline.ones, self.baseline.count),
            Confidence::P95,
        );
        let seen = observed.count > 0;
        Finding {
            observed: seen.then(|| observed.mean()),
            effect: seen.then(|| observed.mean() - self.baseline.mean()),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            direction: Direction::Rising,
            since: since.map(|since| (since.mark, since.observations)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(count: u64, ones: u64) -> Result<f64, NoDetector> {
        Totals { count, ones }.bound(&Settings::default())
    }

    #[test]
    fn the_bound_is_never_below_the_upper_confidence_bound() {
        let tolerance = Settings::default().tolerance;
        for (count, ones) in [(100, 0), (100, 10), (400, 198), (1_700, 245), (1_000_000, 100_000)] {
            let bound = bound(count, ones).unwrap();
            let upper = interval::upper_bound(ones, count, Confidence::P95).unwrap();
            let mean = Totals { count, ones }.mean();
            assert!(bound >= upper && bound >= mean + tolerance);
            assert!(bound <= upper.max(mean + tolerance) + 2e-6);
        }
    }

    #[test]
    fn a_baseline_of_ones_leaves_no_room() {
        assert_eq!(bound(100, 100), Err(NoDetector::Saturated));
    }
}
