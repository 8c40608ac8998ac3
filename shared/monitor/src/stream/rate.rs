//! Rates: the share of failures, compared with that of the baseline.
//!
//! With a long baseline the detector is that of a bounded mean. The bound of the null hypothesis is
//! the baseline's mean plus the tolerance, but at least its upper 95 % confidence bound
//! (Clopper-Pearson, one-sided). The guarantee holds for every stream whose mean does not exceed
//! the bound; with an unlucky baseline, at most one in twenty, the true mean may lie above the
//! bound although nothing has changed. If the bound were the mean itself, this would be so with
//! every second baseline, and false pages would be much more frequent than stated.
//!
//! For a few hundred values that bound lies so far above the mean that real changes hide below it.
//! With fewer than [`LONG`] values the detector is therefore the two-sample one, which treats
//! baseline and stream as one sample and accounts for unlucky baselines in its guarantee. A change
//! at the deployment has a head start of a hundredth of the run length: it is detected sooner, at
//! the price of false alarms of one deployment in a hundred on top of the stated rate.

use drift::{
    Baseline, Confidence, Detector, Direction as Side, EsrBounded, EsrTwoSample, Localiser, Null,
    StreamDetector, interval,
};
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::finding::{Direction, Finding, NoDetector};
use super::mark::Mark;
use crate::detector::{DetectorVersion, RATES};
use crate::policy::Policy;

/// Number of baseline values from which on its confidence bound is close enough to its mean.
const LONG: u64 = 2_000;
/// Weight of a change at the deployment, as a share of the run length.
const HEAD_START_SHARE: f64 = 0.01;
/// The detectors.
pub(super) const BOUNDED: DetectorVersion =
    DetectorVersion { name: "esr-bounded", version: EsrBounded::VERSION, models: RATES };
pub(super) const TWO_SAMPLE: DetectorVersion =
    DetectorVersion { name: "esr-two-sample", version: EsrTwoSample::VERSION, models: RATES };

/// The mean that the null hypothesis allows; `None` if it leaves no room for anything worse. There
/// are observations.
fn bound_of(counts: Counts, policy: &Policy) -> Option<f64> {
    // One-sided at 95 %.
    let Some(upper) = interval::upper_bound(counts.ones, counts.count, Confidence::P95) else {
        unreachable!("{} of {} observations", counts.ones, counts.count)
    };
    let bound = (counts.mean() + policy.tolerance).max(upper);
    // Rounded up to a millionth: the last bits of a quantile differ between platforms.
    let bound = (bound * 1e6).ceil() / 1e6;
    (bound < 0.999).then_some(bound)
}

/// A running comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RateComparison {
    baseline: Counts,
    bound: f64,
    detector: Detector,
    localiser: Localiser<Mark>,
}

impl RateComparison {
    pub(crate) fn new(baseline: Counts, policy: &Policy) -> Result<Self, NoDetector> {
        let run_length = policy.average_run_length;
        let (bound, detector) = if baseline.count >= LONG {
            let bound = bound_of(baseline, policy).ok_or(NoDetector::Saturated)?;
            let detector = EsrBounded::new(Null::AtMost(bound), run_length);
            (bound, detector.map(Detector::EsrBounded))
        } else {
            let Counts { count, ones } = baseline;
            let counts = [count - ones, ones];
            let given =
                Baseline { direction: Side::Rising, counts: &counts, ..Baseline::default() };
            let detector = EsrTwoSample::new(&given, run_length)
                .and_then(|detector| detector.with_head_start(HEAD_START_SHARE * run_length));
            // With one more failure: the bound of the detector for the first value.
            let one_more = Counts { count: count + 1, ones: ones + 1 };
            (one_more.mean(), detector.map(Detector::EsrTwoSample))
        };
        let detector = detector.map_err(NoDetector::of)?;
        if bound >= 0.999 {
            return Err(NoDetector::Saturated);
        }
        let localiser = Localiser::rising(bound).map_err(NoDetector::of)?;
        Ok(Self { baseline, bound, detector, localiser })
    }

    /// Name of the detector.
    pub(crate) const fn name(&self) -> &'static str {
        if self.baseline.count >= LONG { BOUNDED.name } else { TWO_SAMPLE.name }
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
    pub(crate) fn is_calm(&self, period: Counts, policy: &Policy) -> bool {
        period.mean() - self.baseline.mean() < policy.effect_min / 2.0
    }

    pub(crate) fn restart(&mut self) {
        self.detector.reset();
        self.localiser.reset();
    }

    /// The finding since the estimated change, or of a period.
    pub(crate) fn finding(&self, period: Option<Counts>) -> Finding {
        let since = if period.is_none() { self.localiser.estimate() } else { None };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of zeros and ones is a count"
        )]
        let found = since.map_or_else(Counts::default, |since| Counts {
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
            category: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(count: u64, ones: u64) -> Option<f64> {
        bound_of(Counts { count, ones }, &Policy::default())
    }

    #[test]
    fn the_bound_is_never_below_the_upper_confidence_bound() {
        let tolerance = Policy::default().tolerance;
        for (count, ones) in [(100, 0), (100, 10), (400, 198), (1_700, 245), (1_000_000, 100_000)] {
            let bound = bound(count, ones).unwrap();
            let upper = interval::upper_bound(ones, count, Confidence::P95).unwrap();
            let mean = Counts { count, ones }.mean();
            assert!(bound >= upper && bound >= mean + tolerance);
            assert!(bound <= upper.max(mean + tolerance) + 2e-6);
        }
    }

    #[test]
    fn the_baseline_decides_which_detector() {
        let test = |count, ones| RateComparison::new(Counts { count, ones }, &Policy::default());
        for (count, name) in
            [(100, TWO_SAMPLE.name), (1_999, TWO_SAMPLE.name), (2_000, BOUNDED.name)]
        {
            assert_eq!(test(count, count / 10).unwrap().name(), name);
            assert!(drift::registry::find(name).is_some());
        }
        assert_eq!(bound(100, 100), None);
        for count in [100, 10_000] {
            assert_eq!(test(count, count).err(), Some(NoDetector::Saturated));
        }
    }
}
