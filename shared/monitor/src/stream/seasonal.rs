//! Observations with individual expectations: those of the same hour of the weeks before.
//!
//! The detector of a bounded mean needs a common bound `b`. In an hour whose own bound `b_h` is
//! larger, a failure counts as `b / b_h`; in an hour whose bound is smaller, a success counts as
//! `(b - b_h) / (1 - b_h)`. The substituted value lies in `[0, 1]`, and its mean is at most `b` if
//! that of the observation is at most `b_h`; so the bets are about the same relative change in
//! every hour. Sizes are ranked, and the mean rank of every hour is bounded by one half plus or
//! minus the tolerance.
//!
//! **Guarantee.** As long as an observation's mean, given everything before, is at most the bound
//! of its hour, the average run length is at least the configured one (Shin, Ramdas, Rinaldo, arXiv
//! 2203.03532; any dependence). The bounds are estimated from the weeks before; while nothing has
//! changed, the guarantee holds on average over the weeks: for ranks because they are conformal,
//! for rates under the conditions of `drift::detector::esr_two_sample`, point 2, for each hour of
//! the week separately. If the level of an hour varies from week to week, a tolerance is needed.
//!
//! Expectations are summed up along with the observations, so an effect is the difference from the
//! same hours.

use std::collections::VecDeque;

use drift::{
    Confidence, Detector, EsrBounded, Finite, Localiser, Null, Since, StreamDetector, Unit,
    interval,
};
use serde::{Deserialize, Serialize};

use super::expectation::{Common, Expected};
use super::finding::{Direction, Finding, NoDetector};
use super::mark::Mark;
use super::median::{at, median_interval};
use super::totals::Totals;
use super::value::Value;
use crate::detector::{DetectorVersion, RATES, SIZES};
use crate::policy::Policy;

/// The detectors.
pub(super) const RATE: DetectorVersion = DetectorVersion {
    name: "esr-bounded by hour of week",
    version: EsrBounded::VERSION,
    models: RATES,
};
pub(super) const SIZE: DetectorVersion = DetectorVersion {
    name: "esr-bounded of ranks by hour of week",
    version: EsrBounded::VERSION,
    models: SIZES,
};
/// Number of sizes kept for the effect.
const RECENT: usize = 128;

/// Sums of observations and expectations; for sizes, of ranks.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Sums {
    count: u64,
    observed: f64,
    expected: f64,
}

impl Sums {
    fn add(&mut self, observed: f64, expected: f64) {
        self.count += 1;
        self.observed += observed;
        self.expected += expected;
    }

    const fn since(self, before: Self) -> Self {
        Self {
            count: self.count - before.count,
            observed: self.observed - before.observed,
            expected: self.expected - before.expected,
        }
    }

    /// Means of observations and expectations; `None` without observations.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn means(self) -> Option<(f64, f64)> {
        let count = self.count as f64;
        (self.count > 0).then(|| (self.observed / count, self.expected / count))
    }
}

/// Position of an observation, and the sums before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Stamp {
    mark: Mark,
    before: Sums,
}

/// A running comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeasonalComparison {
    common: Common,
    detector: Detector,
    rising: Localiser<Stamp>,
    /// For sizes.
    falling: Option<Localiser<Stamp>>,
    sums: Sums,
    /// Sums since the last period closed, and of that period.
    period: Sums,
    closed: Sums,
    /// For sizes: offset, value, and ratio of the value to the expected median.
    recent: VecDeque<(i64, f64, f64)>,
}

impl SeasonalComparison {
    pub(crate) fn new(common: Common, policy: &Policy) -> Result<Self, NoDetector> {
        let (null, rising, falling) = match common {
            Common::Rate(bound) => (Null::AtMost(bound), Localiser::rising(bound), None),
            Common::Size(slack) => {
                let (low, high) = (0.5 - slack, 0.5 + slack);
                let falling = Localiser::falling(low).map_err(NoDetector::of)?;
                (Null::Between(low, high), Localiser::rising(high), Some(falling))
            }
        };
        let detector = EsrBounded::new(null, policy.average_run_length).map(Detector::EsrBounded);
        Ok(Self {
            common,
            detector: detector.map_err(NoDetector::of)?,
            rising: rising.map_err(NoDetector::of)?,
            falling,
            sums: Sums::default(),
            period: Sums::default(),
            closed: Sums::default(),
            recent: VecDeque::new(),
        })
    }

    /// Name of the detector in events.
    pub(super) const fn name(&self) -> &'static str {
        match self.common {
            Common::Rate(_) => RATE.name,
            Common::Size(_) => SIZE.name,
        }
    }

    pub(super) const fn bound(&self) -> f64 {
        match self.common {
            Common::Rate(bound) => bound,
            Common::Size(slack) => 0.5 + slack,
        }
    }

    pub(crate) const fn detector(&self) -> &Detector {
        &self.detector
    }

    pub(super) const fn effect_min(&self, policy: &Policy) -> f64 {
        match self.common {
            Common::Rate(_) => policy.effect_min,
            Common::Size(_) => policy.effect_relative_min,
        }
    }

    pub(crate) fn observe(&mut self, value: Value<'_>, expected: Expected, mark: Mark) {
        let (seen, observed, mean) = match (value, expected) {
            (Value::One(one), Expected::Rate { mean, bound }) => {
                let one = f64::from(u8::from(one));
                (replaced(one, bound, self.common.value()), one, mean)
            }
            (Value::Size(size), Expected::Size { rank, median }) => {
                self.recent.push_back((mark.offset, size.value(), size.value() / median));
                if self.recent.len() > RECENT {
                    self.recent.pop_front();
                }
                (rank, rank, 0.5)
            }
            (Value::One(_) | Value::Name(_), Expected::Size { .. })
            | (Value::Size(_) | Value::Name(_), Expected::Rate { .. }) => {
                unreachable!("an observation of another model")
            }
        };
        let Some(seen) = Finite::new(seen).map(Unit::nearest) else {
            unreachable!("a value of {seen}")
        };
        self.detector.update(seen.into());
        let stamp = Stamp { mark, before: self.sums };
        self.rising.update(seen, stamp);
        if let Some(falling) = &mut self.falling {
            falling.update(seen, stamp);
        }
        self.sums.add(observed, mean);
        self.period.add(observed, mean);
    }

    /// Closes the period. Returns whether it shows no effect any more.
    pub(super) fn is_calm(&mut self, policy: &Policy) -> bool {
        self.closed = std::mem::take(&mut self.period);
        let enough = self.closed.count >= u64::from(policy.observations_min);
        let means = self.closed.means().filter(|_| enough);
        means.is_some_and(|(observed, expected)| match self.common {
            Common::Rate(_) => observed - expected < policy.effect_min / 2.0,
            Common::Size(slack) => (observed - expected).abs() <= slack,
        })
    }

    pub(super) fn restart(&mut self) {
        self.detector.reset();
        self.rising.reset();
        if let Some(falling) = &mut self.falling {
            falling.reset();
        }
        self.sums = Sums::default();
        self.period = Sums::default();
        self.recent.clear();
    }

    /// The finding since the estimated change, or of the period that closed last, whose value is
    /// that of its windows.
    pub(super) fn finding(&self, period: Option<&Totals>) -> Finding {
        let ratio = |since: &Since<Stamp>| since.likelihood_ratio;
        let up = self.rising.estimate();
        let down = self.falling.as_ref().and_then(Localiser::estimate);
        let falls = down.as_ref().map(ratio) > up.as_ref().map(ratio);
        let direction = if falls { Direction::Falling } else { Direction::Rising };
        let since = if falls { down } else { up };
        let found = Finding {
            observed: period.and_then(Totals::value),
            effect: None,
            low: None,
            high: None,
            direction,
            category: None,
            since: since.map(|since| (since.mark.mark, since.observations)),
        };
        match (self.common, period) {
            (Common::Rate(_), Some(_)) => Self::of_rate(Some(self.closed), found),
            (Common::Rate(_), None) => {
                let sums = since.map(|since| self.sums.since(since.mark.before));
                Self::of_rate(sums, found)
            }
            (Common::Size(_), Some(_)) => found,
            (Common::Size(_), None) => {
                self.of_size(since.map_or(i64::MIN, |since| since.mark.mark.offset), found)
            }
        }
    }

    fn of_rate(sums: Option<Sums>, found: Finding) -> Finding {
        let Some((sums, (observed, expected))) = sums.and_then(|sums| Some((sums, sums.means()?)))
        else {
            return found;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of zeros and ones is a count"
        )]
        let ones = sums.observed as u64;
        let interval = interval::wilson(ones, sums.count, Confidence::P95);
        Finding {
            observed: Some(observed),
            effect: Some(observed - expected),
            low: interval.map(|interval| interval.low - expected),
            high: interval.map(|interval| interval.high - expected),
            ..found
        }
    }

    fn of_size(&self, from: i64, found: Finding) -> Finding {
        let recent = || self.recent.iter().filter(|(offset, ..)| *offset >= from);
        let ascending = |values: &mut Vec<f64>| values.sort_by(f64::total_cmp);
        let mut values: Vec<f64> = recent().map(|(_, value, _)| *value).collect();
        let mut shares: Vec<f64> = recent().map(|(.., share)| *share).collect();
        ascending(&mut values);
        ascending(&mut shares);
        let (low, high) = median_interval(&shares);
        let relative = |share: f64| share - 1.0;
        Finding {
            observed: at(&values, 0.5),
            effect: at(&shares, 0.5).map(relative),
            low: low.map(relative),
            high: high.map(relative),
            ..found
        }
    }

    /// Whether a run with that value is an example of the change.
    pub(super) fn is_example(&self, value: Value<'_>, expected: Expected) -> bool {
        match (value, expected) {
            (Value::One(one), Expected::Rate { .. }) => one,
            (Value::Size(_), Expected::Size { rank, .. }) => !(0.1..=0.9).contains(&rank),
            (Value::One(_) | Value::Name(_), Expected::Size { .. })
            | (Value::Size(_) | Value::Name(_), Expected::Rate { .. }) => false,
        }
    }

    /// The expected value of a finding.
    pub(super) fn expected(&self, finding: &Finding) -> Option<f64> {
        let (observed, effect) = finding.observed.zip(finding.effect)?;
        match self.common {
            Common::Rate(_) => Some(observed - effect),
            Common::Size(_) => Some(observed / (1.0 + effect)),
        }
    }
}

/// The substituted value of an observation in an hour with its own bound.
fn replaced(one: f64, own: f64, common: f64) -> f64 {
    if own >= common {
        return one * (common / own);
    }
    let least = (common - own) / (1.0 - own);
    least + (1.0 - least) * one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(common: f64) -> SeasonalComparison {
        SeasonalComparison::new(Common::Rate(common), &Policy::default()).unwrap()
    }

    #[test]
    fn an_effect_is_the_difference_to_what_these_very_hours_let_expect() {
        let mut test = rate(0.02);
        let expected = |offset: i64| if offset % 200 < 100 { 0.02 } else { 0.2 };
        for offset in 0..2_000_i64 {
            let mean = expected(offset);
            let worse = if offset < 1_000 { mean } else { mean + 0.3 };
            #[expect(clippy::cast_possible_truncation, reason = "small")]
            let one = offset % 100 < (worse * 100.0) as i64;
            let mark = Mark { offset, time: offset };
            test.observe(Value::One(one), Expected::Rate { mean, bound: mean + 0.01 }, mark);
        }
        assert!(test.detector().statistic() > 20_000.0);
        let finding = test.finding(None);
        let effect = finding.effect.unwrap();
        assert!((effect - 0.3).abs() < 0.03, "{effect}");
        assert!((test.expected(&finding).unwrap() - 0.11).abs() < 0.02, "{finding:?}");
        assert!((900..=1_010).contains(&finding.since.unwrap().0.offset), "{finding:?}");
        assert!(!test.is_calm(&Policy::default()));
        test.restart();
        for offset in 0..100 {
            let mark = Mark { offset, time: offset };
            let expected = Expected::Rate { mean: 0.2, bound: 0.3 };
            test.observe(Value::One(offset % 5 == 0), expected, mark);
        }
        assert!(test.is_calm(&Policy::default()));
        assert!(!test.is_calm(&Policy::default()), "an empty period shows nothing");
    }

    #[test]
    fn what_replaces_an_observation_has_a_mean_within_the_common_bound() {
        for (common, own) in [(0.1, 0.1), (0.1, 0.4), (0.1, 0.05), (0.9, 0.001), (0.001, 0.9)] {
            let (zero, one) = (replaced(0.0, own, common), replaced(1.0, own, common));
            assert!((0.0..=1.0).contains(&zero) && zero < one && one <= 1.0, "{common} {own}");
            assert!((own * one + (1.0 - own) * zero - common).abs() < 1e-12, "{common} {own}");
        }
    }
}
