//! FOCuS: the time of a change, for any mean and any size of change.
//!
//! Romano, Eckley, Fearnhead, Rigaill: *Fast online changepoint detection via functional pruning
//! CUSUM statistics*, JMLR 24(81) 2023; for other families Ward, Romano, Eckley, Fearnhead:
//! *A constant-per-iteration likelihood ratio test for online changepoint detection for
//! exponential family models*, Statistics and Computing 34, 2024. Written from the papers.
//!
//! The statistic is the logarithm of the generalised likelihood ratio of the best change,
//!
//! ```text
//! max over tau of  log-likelihood(mean before; mean after tau) - log-likelihood(no change)
//! ```
//!
//! with the mean before known or estimated, and the mean after estimated. For any means before and
//! after, the log-likelihood is linear in `(tau, S_tau)`, where `S` is the running sum; so a rise
//! can begin only at a corner of the lower convex hull of those points, and a fall only at one of
//! the upper hull. A corner that has left the hull never returns: an update costs amortised
//! constant time, and the hull has `O(log n)` corners on average. With a known mean before, what
//! lies before the lowest point of `S_tau - tau * mean` is dropped as well.
//!
//! **Bounded memory.** A long trend would keep every point. Beyond [`CORNERS_MAX`] the corner that
//! changes the hull least is dropped; the statistic is then a lower bound of the maximum, and the
//! estimate is one of the remaining corners.
//!
//! **What it is not.** The statistic has no false-alarm guarantee; it estimates *when*, the
//! e-detectors decide *whether*. [`crate::localiser`] is the exact argmax for the bets of
//! `esr_bounded`; this one needs no bound and no range. Bernoulli values may lie anywhere in `[0,
//! 1]`. Gaussian values are assumed to have variance 1: divide them by their standard deviation, or
//! read the statistic in units of the variance. The estimate itself does not depend on the
//! variance.

use serde::{Deserialize, Serialize};

use crate::detector::Direction;
use crate::elementary::{ln, real};
use crate::finite::Finite;

/// Largest number of corners of each hull.
pub const CORNERS_MAX: usize = 128;

/// How values are distributed around their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// Zeros and ones, or anything in between, with the binomial likelihood.
    Bernoulli,
    /// Real numbers of variance 1.
    Gaussian,
}

/// An estimated change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change<M> {
    /// Mark of the first value after the change.
    pub mark: M,
    /// Values since then, that one included.
    pub observations: u64,
    /// Sum of those values.
    pub sum: f64,
    /// Natural logarithm of the generalised likelihood ratio.
    pub statistic: f64,
}

/// A point of the running sum at which a change may have begun.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Corner<M> {
    /// Values before the change.
    count: u64,
    sum: f64,
    /// Mark of the value after it.
    mark: M,
}

/// Corners of one hull in ascending order of count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Hull<M> {
    /// 1 for the lower hull (rises), -1 for the upper one (falls).
    sign: f64,
    corners: Vec<Corner<M>>,
}

impl<M: Copy> Hull<M> {
    const fn new(sign: f64) -> Self {
        Self { sign, corners: Vec::new() }
    }

    /// Whether the middle one of three points is not a corner; for a lower hull, whether it does
    /// not lie below the line through the others.
    fn straight(&self, one: &Corner<M>, two: &Corner<M>, three: &Corner<M>) -> bool {
        self.area(one, two, three) <= 0.0
    }

    /// Twice the area of the triangle, positive if the middle point is a corner.
    fn area(&self, one: &Corner<M>, two: &Corner<M>, three: &Corner<M>) -> f64 {
        let (left, right) = (real(two.count - one.count), real(three.count - two.count));
        self.sign * ((three.sum - two.sum) * left - (two.sum - one.sum) * right)
    }

    fn push(&mut self, corner: Corner<M>, before: Option<f64>) {
        while let [.., one, two] = self.corners.as_slice() {
            if !self.straight(one, two, &corner) {
                break;
            }
            self.corners.pop();
        }
        self.corners.push(corner);
        if let Some(before) = before {
            // The slope grows along the hull; changes start where it is beyond the mean before.
            let flat = |pair: &[Corner<M>]| match pair {
                [one, two] => {
                    let length = real(two.count - one.count);
                    self.sign * (two.sum - one.sum - before * length) <= 0.0
                }
                [..] => false,
            };
            let flat = self.corners.windows(2).take_while(|pair| flat(pair)).count();
            self.corners.drain(..flat);
        }
        if self.corners.len() > CORNERS_MAX {
            self.thin();
        }
    }

    /// Drops the corner that changes the hull least.
    fn thin(&mut self) {
        let mut least: Option<(usize, f64)> = None;
        for (index, three) in self.corners.windows(3).enumerate() {
            if let [one, two, three] = three {
                let area = self.area(one, two, three);
                if least.is_none_or(|(_, known)| area < known) {
                    least = Some((index + 1, area));
                }
            }
        }
        if let Some((index, _)) = least {
            self.corners.remove(index);
        }
    }
}

/// Estimates the most likely change of a mean. `M` identifies a value, for example by its position
/// and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Focus<M> {
    family: Family,
    before: Option<f64>,
    count: u64,
    sum: f64,
    rises: Option<Hull<M>>,
    falls: Option<Hull<M>>,
}

impl<M: Copy> Focus<M> {
    /// Watches for changes in a direction, from the mean `before` or, without it, from an estimated
    /// mean. `None` if a Bernoulli mean does not lie strictly between 0 and 1.
    #[must_use]
    pub fn new(family: Family, before: Option<Finite>, direction: Direction) -> Option<Self> {
        let before = before.map(Finite::value);
        match family {
            Family::Bernoulli if before.is_some_and(|mean| mean <= 0.0 || mean >= 1.0) => {
                return None;
            }
            Family::Bernoulli | Family::Gaussian => {}
        }
        let (rises, falls) = match direction {
            Direction::Rising => (true, false),
            Direction::Falling => (false, true),
            Direction::Both => (true, true),
        };
        Some(Self {
            family,
            before,
            count: 0,
            sum: 0.0,
            rises: rises.then(|| Hull::new(1.0)),
            falls: falls.then(|| Hull::new(-1.0)),
        })
    }

    /// Takes the next value, identified by `mark`. Bernoulli values are clamped to `[0, 1]`.
    pub fn update(&mut self, value: Finite, mark: M) {
        let value = match self.family {
            Family::Bernoulli => value.value().clamp(0.0, 1.0),
            Family::Gaussian => value.value(),
        };
        let corner = Corner { count: self.count, sum: self.sum, mark };
        for hull in [&mut self.rises, &mut self.falls].into_iter().flatten() {
            hull.push(corner, self.before);
        }
        self.count += 1;
        self.sum += value;
    }

    /// The most likely change; `None` while there is no evidence of one.
    #[must_use]
    pub fn estimate(&self) -> Option<Change<M>> {
        let mut best: Option<Change<M>> = None;
        for hull in [&self.rises, &self.falls].into_iter().flatten() {
            for corner in &hull.corners {
                let statistic = self.statistic(hull.sign, corner);
                if statistic > best.as_ref().map_or(0.0, |best| best.statistic) {
                    best = Some(Change {
                        mark: corner.mark,
                        observations: self.count - corner.count,
                        sum: self.sum - corner.sum,
                        statistic,
                    });
                }
            }
        }
        best
    }

    /// The statistic of a change at a corner; 0 if the change goes the other way.
    fn statistic(&self, sign: f64, corner: &Corner<M>) -> f64 {
        let (earlier, later) = (real(corner.count), real(self.count - corner.count));
        if later <= 0.0 || (self.before.is_none() && earlier <= 0.0) {
            return 0.0;
        }
        let after = (self.sum - corner.sum) / later;
        let before = self.before.unwrap_or(corner.sum / earlier);
        let difference = after - before;
        if sign * difference <= 0.0 {
            return 0.0;
        }
        match (self.family, self.before) {
            (Family::Gaussian, Some(_)) => 0.5 * later * difference * difference,
            (Family::Gaussian, None) => {
                0.5 * earlier * (later / (earlier + later)) * difference * difference
            }
            (Family::Bernoulli, Some(_)) => later * divergence(after, before),
            (Family::Bernoulli, None) => {
                let all = self.sum / (earlier + later);
                earlier * divergence(before, all) + later * divergence(after, all)
            }
        }
    }

    /// Forgets everything but its settings.
    pub fn reset(&mut self) {
        for hull in [&mut self.rises, &mut self.falls].into_iter().flatten() {
            hull.corners.clear();
        }
        self.count = 0;
        self.sum = 0.0;
    }
}

/// Kullback-Leibler divergence of Bernoulli distributions, in nats. Rounding may have put a mean
/// slightly beyond 0 or 1.
fn divergence(mean: f64, null: f64) -> f64 {
    let part = |share: f64, null: f64| if share > 0.0 { share * ln(share / null) } else { 0.0 };
    part(mean, null) + part(1.0 - mean, 1.0 - null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All starts, the slow way.
    fn brute_force(family: Family, before: Option<f64>, sign: f64, values: &[f64]) -> f64 {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let mut best = 0.0_f64;
        for start in usize::from(before.is_none())..values.len() {
            let (early, late) = values.split_at(start);
            let (from, to) = (before.unwrap_or_else(|| mean(early)), mean(late));
            if sign * (to - from) <= 0.0 {
                continue;
            }
            let loglik = |values: &[f64], mean: f64| -> f64 {
                let each = |x: &f64| match family {
                    Family::Gaussian => -0.5 * (x - mean) * (x - mean),
                    Family::Bernoulli => {
                        let part =
                            |x: f64, m: f64| if x > 0.0 { x * m.max(1e-300).ln() } else { 0.0 };
                        part(*x, mean) + part(1.0 - x, 1.0 - mean)
                    }
                };
                values.iter().map(each).sum()
            };
            let all = before.unwrap_or_else(|| mean(values));
            best = best.max(loglik(early, from) + loglik(late, to) - loglik(values, all));
        }
        best
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((0_u8..=10).prop_map(|tenths| f64::from(tenths) / 10.0), 1..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_estimate_is_the_maximum_over_all_starts(
            values in values(), mean in 0.1_f64..0.9, binary: bool,
        ) {
            let above = |value: &f64| f64::from(u8::from(*value > mean));
            let values: Vec<f64> =
                values.iter().map(|value| if binary { above(value) } else { *value }).collect();
            for family in [Family::Bernoulli, Family::Gaussian] {
                for before in [None, Some(mean)] {
                    for (direction, signs) in [
                        (Direction::Rising, &[1.0][..]),
                        (Direction::Falling, &[-1.0]),
                        (Direction::Both, &[1.0, -1.0]),
                    ] {
                        let known = before.and_then(Finite::new);
                        let mut focus = Focus::new(family, known, direction).unwrap();
                        for (index, value) in values.iter().enumerate() {
                            focus.update(Finite::new(*value).unwrap(), index);
                            if index % 7 != 0 && index + 1 != values.len() {
                                continue;
                            }
                            let seen = &values[..=index];
                            let slow = signs
                                .iter()
                                .map(|sign| brute_force(family, before, *sign, seen))
                                .fold(0.0, f64::max);
                            let fast = focus.estimate();
                            let found = fast.map_or(0.0, |change| change.statistic);
                            prop_assert!((slow - found).abs() < 1e-9 * (1.0 + slow));
                            if let Some(change) = fast {
                                let since = &seen[change.mark..];
                                prop_assert_eq!(since.len() as u64, change.observations);
                                prop_assert!((since.iter().sum::<f64>() - change.sum).abs() < 1e-9);
                            }
                        }
                    }
                }
            }
        }

        #[test]
        fn resuming_is_exact(values in values(), more in values()) {
            let mut whole = Focus::new(Family::Gaussian, None, Direction::Both).unwrap();
            for (index, value) in values.iter().enumerate() {
                whole.update(Finite::new(*value).unwrap(), index);
            }
            let saved = postcard::to_stdvec(&whole).unwrap();
            let mut resumed: Focus<usize> = postcard::from_bytes(&saved).unwrap();
            for (index, value) in more.iter().enumerate() {
                whole.update(Finite::new(*value).unwrap(), values.len() + index);
                resumed.update(Finite::new(*value).unwrap(), values.len() + index);
            }
            prop_assert_eq!(whole, resumed);
        }
    }

    #[test]
    fn a_trend_is_kept_in_bounded_memory() {
        let mut focus = Focus::new(Family::Gaussian, None, Direction::Both).unwrap();
        for index in 0..5_000_u32 {
            let value = if index < 3_000 { 0.0 } else { f64::from(index - 3_000) / 1_000.0 };
            focus.update(Finite::new(value).unwrap(), index);
        }
        let kept = focus.rises.as_ref().unwrap().corners.len();
        assert!((2..=CORNERS_MAX).contains(&kept), "{kept}");
        // The best start of a line fitted by two means is inside the slope.
        let change = focus.estimate().unwrap();
        assert!((3_600..4_200).contains(&change.mark), "{change:?}");
    }

    #[test]
    fn a_stationary_stream_keeps_few_corners_and_a_clear_change_is_found() {
        let mut focus = Focus::new(Family::Bernoulli, Finite::new(0.1), Direction::Rising).unwrap();
        for index in 0..20_000_u32 {
            let noise = f64::from(index.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
            let failed = noise < if index < 19_800 { 0.1 } else { 0.4 };
            focus.update(Finite::from(crate::Unit::from(failed)), index);
            assert!(focus.rises.as_ref().unwrap().corners.len() < 40);
        }
        let change = focus.estimate().unwrap();
        assert!((19_770..19_830).contains(&change.mark), "{change:?}");
        focus.reset();
        assert_eq!(focus.estimate(), None);
    }

    #[test]
    fn a_mean_that_allows_no_change_is_refused() {
        for mean in [0.0, 1.0, -2.0] {
            let mean = Finite::new(mean);
            assert!(Focus::<()>::new(Family::Bernoulli, mean, Direction::Both).is_none());
            assert!(Focus::<()>::new(Family::Gaussian, mean, Direction::Both).is_some());
        }
    }
}
