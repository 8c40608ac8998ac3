//! Numbers of any size (durations, tokens, costs): larger or smaller than in the baseline, by
//! rank.
//!
//! Each number is replaced by its rank among the baseline's (see `drift::rank`), which lies in
//! `[0, 1]` and has mean one half while nothing has changed, whatever the distribution: heavy
//! tails do no harm. The detector of a bounded mean then looks for a rise and a fall of that mean.
//! Its null hypothesis is one half, give or take the tolerance and the slack for the luck of the
//! baseline at 95 %; as for rates, the guarantee needs no independence.
//!
//! The effect is the relative change of the median since the estimated change, over at most
//! [`RECENT`] numbers; its interval comes from order statistics of those and takes the baseline's
//! median as given.

use std::collections::VecDeque;

use drift::{
    DdSketch, Detector, EsrBounded, Finite, Localiser, Null, Pooled, Ranks, Since, StreamDetector,
};
use serde::{Deserialize, Serialize};

use super::finding::{Direction, Finding, NoDetector};
use super::mark::Mark;
use super::median::{at, median_interval};
use crate::detector::{DetectorVersion, SIZES};
use crate::policy::Policy;

/// The detector.
pub(super) const RANKS: DetectorVersion =
    DetectorVersion { name: "esr-bounded of ranks", version: EsrBounded::VERSION, models: SIZES };
/// Numbers kept for the effect.
const RECENT: usize = 128;

/// A running comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SizeComparison {
    ranks: Ranks,
    /// Median of the baseline, above 0.
    median: f64,
    bound: f64,
    detector: Detector,
    rising: Localiser<Mark>,
    falling: Localiser<Mark>,
    recent: VecDeque<(i64, f64)>,
}

impl SizeComparison {
    pub(crate) fn new(baseline: &DdSketch, policy: &Policy) -> Result<Self, NoDetector> {
        let ranks = Ranks::new(baseline).ok_or(NoDetector::Absent)?;
        let median = baseline.quantile(0.5).filter(|median| *median > 0.0);
        let median = median.ok_or(NoDetector::Zero)?;
        // Rounded up to a millionth, for people.
        let slack = policy.tolerance + ranks.slack();
        let bound = ((0.5 + slack) * 1e6).ceil() / 1e6;
        if bound >= 0.999 {
            return Err(NoDetector::TooSmall);
        }
        let null = Null::Between(1.0 - bound, bound);
        let detector = EsrBounded::new(null, policy.average_run_length)
            .map(Detector::EsrBounded)
            .map_err(|_| NoDetector::Saturated)?;
        let rising = Localiser::rising(bound).map_err(|_| NoDetector::Saturated)?;
        let falling = Localiser::falling(1.0 - bound).map_err(|_| NoDetector::Saturated)?;
        let recent = VecDeque::new();
        Ok(Self { ranks, median, bound, detector, rising, falling, recent })
    }

    pub(crate) const fn bound(&self) -> f64 {
        self.bound
    }

    pub(crate) fn detector(&self) -> &Detector {
        &self.detector
    }

    pub(crate) fn observe(&mut self, value: Finite, mark: Mark) {
        let Some(rank) = self.ranks.rank(value) else { return };
        self.detector.update(rank.into());
        self.rising.update(rank, mark);
        self.falling.update(rank, mark);
        self.recent.push_back((mark.offset, value.value()));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Whether a number is among the smallest or largest tenth of the baseline's.
    pub(crate) fn is_unusual(&self, value: Finite) -> bool {
        self.ranks.rank(value).is_some_and(|rank| !(0.1..=0.9).contains(&rank.value()))
    }

    /// Whether the numbers of a period are what the null hypothesis allows: by rank, for a median
    /// may jump where the numbers have two humps.
    pub(crate) fn is_calm(&self, period: &DdSketch) -> bool {
        let allowed = 1.0 - self.bound..=self.bound;
        self.ranks.mean(period).is_some_and(|mean| allowed.contains(&mean))
    }

    pub(crate) fn forget(&mut self) {
        self.detector.reset();
        self.rising.reset();
        self.falling.reset();
        self.recent.clear();
    }

    /// What the numbers since the estimated change say; or those of a period.
    pub(crate) fn finding(&self, period: Option<&DdSketch>) -> Finding {
        let (direction, since) = self.since();
        if let Some(period) = period {
            let observed = period.quantile(0.5);
            let effect = observed.map(|observed| self.relative(observed));
            let (low, high) = (None, None);
            let (since, category) = (None, None);
            return Finding { observed, effect, low, high, direction, since, category };
        }
        let mut values = self.values_since(since.as_ref());
        values.sort_by(f64::total_cmp);
        let observed = at(&values, 0.5);
        let (low, high) = median_interval(&values);
        Finding {
            observed,
            effect: observed.map(|observed| self.relative(observed)),
            low: low.map(|low| self.relative(low)),
            high: high.map(|high| self.relative(high)),
            direction,
            since: since.map(|since| (since.mark, since.observations)),
            category: None,
        }
    }

    /// Which way the likeliest change goes, and since when.
    fn since(&self) -> (Direction, Option<Since<Mark>>) {
        let likelihood = |since: &Since<Mark>| since.likelihood_ratio;
        let (up, down) = (self.rising.estimate(), self.falling.estimate());
        let falls = down.as_ref().map(likelihood) > up.as_ref().map(likelihood);
        if falls { (Direction::Falling, down) } else { (Direction::Rising, up) }
    }

    /// Numbers since a change, of those kept.
    fn values_since(&self, since: Option<&Since<Mark>>) -> Vec<f64> {
        let from = since.map_or(i64::MIN, |since| since.mark.offset);
        let values = self.recent.iter().filter(|(offset, _)| *offset >= from);
        values.map(|(_, value)| *value).collect()
    }

    /// The baseline beside the numbers since the estimated change, or those of a period.
    pub(super) fn pooled(&self, period: Option<&DdSketch>) -> Option<Pooled> {
        let reference = self.ranks.sketch();
        if let Some(period) = period {
            return Pooled::from_sketches(&reference, period).ok();
        }
        let (_, since) = self.since();
        let mut sketch = DdSketch::default();
        for value in self.values_since(since.as_ref()) {
            sketch.insert(Finite::new(value)?);
        }
        Pooled::from_sketches(&reference, &sketch).ok()
    }

    fn relative(&self, value: f64) -> f64 {
        value / self.median - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finite(value: u32) -> Finite {
        Finite::new(f64::from(value)).unwrap()
    }

    fn test() -> SizeComparison {
        let mut baseline = DdSketch::default();
        for value in 0..1_000 {
            assert!(baseline.insert(finite(100 + value)));
        }
        SizeComparison::new(&baseline, &Policy::default()).unwrap()
    }

    fn feed(test: &mut SizeComparison, values: impl Iterator<Item = u32>) {
        for (offset, value) in (0..).zip(values) {
            test.observe(finite(value), Mark { offset, time: offset });
        }
    }

    #[test]
    fn a_rise_and_a_fall_are_told_apart() {
        for (direction, scale) in [(Direction::Rising, 2.0), (Direction::Falling, 0.5)] {
            let mut test = test();
            let spread = |n: u32| 100 + n * 617 % 1_000;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let shifted = |n: u32| (f64::from(spread(n)) * scale) as u32;
            feed(&mut test, (0..500).map(spread).chain((0..200).map(shifted)));
            assert!(test.detector().statistic() > 20_000.0, "{direction:?}");
            let finding = test.finding(None);
            assert_eq!(finding.direction, direction);
            let effect = finding.effect.unwrap();
            assert!((effect - (scale - 1.0)).abs() < 0.3, "{effect}");
            assert!(finding.low.unwrap() <= effect && effect <= finding.high.unwrap());
            let (mark, _) = finding.since.unwrap();
            assert!((480..530).contains(&mark.offset), "{mark:?}");
            test.forget();
            assert!(test.finding(None).observed.is_none());
        }
    }

    #[test]
    fn a_baseline_of_nothing_or_zeros_is_none() {
        let settings = Policy::default();
        let mut baseline = DdSketch::default();
        assert_eq!(SizeComparison::new(&baseline, &settings).err(), Some(NoDetector::Absent));
        assert!(baseline.insert(finite(0)));
        assert_eq!(SizeComparison::new(&baseline, &settings).err(), Some(NoDetector::Zero));
    }
}
