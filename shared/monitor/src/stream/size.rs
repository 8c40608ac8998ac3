//! Sizes (durations, tokens, costs), compared with the baseline by rank.
//!
//! Each number is replaced by its rank among those of the baseline (see `drift::rank`), which lies
//! in `[0, 1]` and has mean one half while nothing has changed, whatever the distribution: heavy
//! tails do no harm. The detector of a bounded mean then watches for a rise or fall of that mean.
//! Its null hypothesis is one half plus or minus the tolerance and a slack for the luck of the
//! baseline (95 %); as for rates, the guarantee needs no independence.
//!
//! The effect is the relative change of the median since the estimated change, over at most
//! [`RECENT`] numbers; its interval is derived from their order statistics, with the baseline's
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
/// Number of sizes kept for the effect.
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
        // Rounded up to a millionth, for readability.
        let slack = policy.tolerance + ranks.slack();
        let bound = ((0.5 + slack) * 1e6).ceil() / 1e6;
        if bound >= 0.999 {
            return Err(NoDetector::TooSmall);
        }
        let null = Null::Between(1.0 - bound, bound);
        let detector = EsrBounded::new(null, policy.average_run_length)
            .map(Detector::EsrBounded)
            .map_err(NoDetector::of)?;
        let rising = Localiser::rising(bound).map_err(NoDetector::of)?;
        let falling = Localiser::falling(1.0 - bound).map_err(NoDetector::of)?;
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
        let Some(rank) = self.ranks.rank(value) else { unreachable!("a negative size") };
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

    /// Whether the null hypothesis allows the mean rank of a period. The median is not used,
    /// because it may jump in a bimodal distribution.
    pub(crate) fn is_calm(&self, period: &DdSketch) -> bool {
        let allowed = 1.0 - self.bound..=self.bound;
        self.ranks.mean(period).is_some_and(|mean| allowed.contains(&mean))
    }

    pub(crate) fn restart(&mut self) {
        self.detector.reset();
        self.rising.reset();
        self.falling.reset();
        self.recent.clear();
    }

    /// The finding since the estimated change, or of a period.
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

    /// Direction and time of the most likely change.
    fn since(&self) -> (Direction, Option<Since<Mark>>) {
        let likelihood = |since: &Since<Mark>| since.likelihood_ratio;
        let (up, down) = (self.rising.estimate(), self.falling.estimate());
        let falls = down.as_ref().map(likelihood) > up.as_ref().map(likelihood);
        if falls { (Direction::Falling, down) } else { (Direction::Rising, up) }
    }

    /// The numbers since a change, among those kept.
    fn values_since(&self, since: Option<&Since<Mark>>) -> Vec<f64> {
        let from = since.map_or(i64::MIN, |since| since.mark.offset);
        let values = self.recent.iter().filter(|(offset, _)| *offset >= from);
        values.map(|(_, value)| *value).collect()
    }

    /// The numbers of the baseline and those since the estimated change, or of a period. `None`
    /// without numbers.
    pub(super) fn pooled(&self, period: Option<&DdSketch>) -> Option<Pooled> {
        let reference = self.ranks.sketch();
        if let Some(period) = period {
            return Pooled::from_sketches(&reference, period).ok();
        }
        let (_, since) = self.since();
        let mut sketch = DdSketch::default();
        for value in self.values_since(since.as_ref()) {
            let Some(value) = Finite::new(value) else { unreachable!("a size of {value}") };
            sketch.insert(value);
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
            test.restart();
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
