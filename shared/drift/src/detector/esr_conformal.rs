//! Conformal e-SR: a change of any stream of numbers, without a known distribution.
//!
//! Vovk, Gammerman, Shafer: *Algorithmic Learning in a Random World*, chapter 8 (conformal test
//! martingales), with the bets of `scores` and the Shiryaev-Roberts sum of Shin, Ramdas, Rinaldo:
//! *E-detectors*, arXiv 2203.03532. The rank of a value among all values so far, itself included,
//!
//! ```text
//! u_n = (number of smaller values + tie * number of equal ones) / n
//! ```
//!
//! is bet on like the rank of `esr_normal`. For rates, [`EsrConformal::rate`] bets instead that
//! more (or fewer) ranks than the share `q` fall into the top `q`, with the six bets of
//! `esr_bounded`, as that is the only place where a binary stream can shift weight. `q` is the
//! bound of [`Baseline::null`], and here merely a guess of the rate: a wrong guess costs delay (off
//! by a factor of two, about half of the evidence), never the guarantee. For categories,
//! [`EsrConformal::mix`] divides the ranks into [`CELLS`] equal cells and bets that their recent
//! mix continues (see `recent`), which detects changes of any shape.
//!
//! **Guarantee.** If the stream is exchangeable (every order of its values is equally likely; for
//! example independent values of one distribution), the `u_n` are independent and uniform: given
//! *which* values came so far, in no order, and everything after them, each is equally likely to
//! be the latest, so `u_n` is uniform; and the earlier `u` depend on nothing but the order of the
//! others. The average run length is then at least the threshold, for continuous, discrete and
//! binary values alike, from the first value on. Values given as [`Baseline::sorted`] (for a mix,
//! as [`Baseline::counts`]) count as seen before the first; the guarantee then holds on average
//! over them and the stream together, at every sample size. They survive a reset.
//!
//! **Bounded memory preserves it.** Values are counted in a bounded number of buckets (see `pool`)
//! that depend on which values came, the latest included, and not on their order; so the argument
//! above holds for the bucketed values.
//!
//! **What it does not do.** It cannot detect a change that was there from the start, and values
//! after a change join the past and gradually hide it: with a short past, small shifts are detected
//! late or never. A stream with memory or seasons is not exchangeable; an alarm may then mean just
//! that.

use serde::{Deserialize, Serialize};

use crate::detector::evidence::Evidence;
use crate::detector::pool::Pool;
use crate::detector::recent::Recent;
use crate::detector::{
    BETS, Baseline, Bets, Direction, Null, NullError, Observation, Signal, StreamDetector, scores,
};
use crate::elementary::real;

/// Cells of the ranks for bets on a mix; a power of two, so that a rank's cell is exact.
pub const CELLS: u32 = 16;

/// How ranks are bet on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    /// A shift of the normal score.
    Scores,
    /// More ranks in one top share for a rise, fewer in another for a fall.
    Shares { rising: Box<Top>, falling: Box<Top> },
    /// The recent mix of cells.
    Mix(Recent),
}

/// Bets on the weight of the ranks above `1 - share`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Top {
    share: f64,
    bets: Bets,
}

impl Top {
    #[inline]
    fn factors(&self, rank: f64) -> [f64; BETS] {
        self.bets.factors(if rank > 1.0 - self.share { 1.0 } else { 0.0 })
    }
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EsrConformal {
    shape: Shape,
    pool: Pool,
    /// Initial pool, unless empty.
    reference: Option<Pool>,
    evidence: Evidence,
}

impl EsrConformal {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that alarms when its e-value reaches `threshold`, the guaranteed average run
    /// length to a false alarm. Of the baseline it takes the direction, and earlier values if
    /// there are any, in any order.
    ///
    /// # Errors
    ///
    /// Earlier values that are not finite; a threshold that is not a finite number of at least 1.
    pub fn new(baseline: &Baseline<'_>, threshold: f64) -> Result<Self, NullError> {
        Self::with(Shape::Scores, baseline.direction, baseline.sorted, threshold)
    }

    /// The same for a rate: of the baseline it takes the null hypothesis, as a guess of the rate
    /// and for the direction, and earlier values if there are any, in any order.
    ///
    /// # Errors
    ///
    /// Those of [`Self::new`]; a baseline without `null`, or one with a bound that is not strictly
    /// between 0 and 1.
    pub fn rate(baseline: &Baseline<'_>, threshold: f64) -> Result<Self, NullError> {
        let (direction, low, high) = match baseline.null.ok_or(NullError::Missing("null"))? {
            Null::AtMost(bound) => (Direction::Rising, bound, bound),
            Null::AtLeast(bound) => (Direction::Falling, bound, bound),
            Null::Between(low, high) => (Direction::Both, low, high),
        };
        let shape = Shape::Shares {
            rising: Box::new(Top { share: high, bets: Bets::rising(high)? }),
            falling: Box::new(Top { share: low, bets: Bets::falling(low)? }),
        };
        Self::with(shape, direction, baseline.sorted, threshold)
    }

    /// The same for categories by number: of the baseline it takes the counts, if there are any.
    ///
    /// # Errors
    ///
    /// A threshold that is not a finite number of at least 1.
    pub fn mix(baseline: &Baseline<'_>, threshold: f64) -> Result<Self, NullError> {
        let shape = Shape::Mix(Recent::new(CELLS as usize));
        let mut detector = Self::with(shape, Direction::Rising, &[], threshold)?;
        for (category, count) in (0_u32..).zip(baseline.counts) {
            if *count > 0 {
                detector.pool.insert(f64::from(category), *count);
            }
        }
        detector.keep_reference();
        Ok(detector)
    }

    fn with(
        shape: Shape,
        direction: Direction,
        earlier: &[f64],
        threshold: f64,
    ) -> Result<Self, NullError> {
        let evidence = Evidence::new(direction, threshold)?;
        let mut pool = Pool::default();
        for value in earlier {
            if !value.is_finite() {
                return Err(NullError::Malformed("sorted"));
            }
            pool.insert(*value, 1);
        }
        let mut detector = Self { shape, pool, reference: None, evidence };
        detector.keep_reference();
        Ok(detector)
    }

    fn keep_reference(&mut self) {
        self.reference = (self.pool.total() > 0).then(|| self.pool.clone());
    }

    /// The e-value at which it alarms.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.evidence.threshold()
    }
}

impl StreamDetector for EsrConformal {
    #[inline]
    fn update(&mut self, observation: Observation) -> Signal {
        let (below, equal) = self.pool.insert(observation.value.value(), 1);
        let total = real(self.pool.total());
        let rank = (real(below) + observation.tie.value() * real(equal)) / total;
        match &mut self.shape {
            Shape::Scores => {
                self.evidence.update(|| scores::rising(rank), || scores::rising(1.0 - rank))
            }
            Shape::Shares { rising, falling } => {
                self.evidence.update(|| rising.factors(rank), || falling.factors(rank))
            }
            Shape::Mix(recent) => {
                let cells = f64::from(CELLS);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "ranks are between 0 and 1"
                )]
                let cell = ((rank * cells) as u32).min(CELLS - 1) as usize;
                let factors = recent.factors(cell, 1.0 / cells, cells);
                self.evidence.update(|| factors, || factors)
            }
        }
    }

    fn statistic(&self) -> f64 {
        self.evidence.e_value()
    }

    fn observations(&self) -> u64 {
        self.evidence.observations()
    }

    fn reset(&mut self) {
        if let Shape::Mix(recent) = &mut self.shape {
            recent.reset();
        }
        self.pool = self.reference.clone().unwrap_or_default();
        self.evidence.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::{Finite, Unit};

    /// Sum of `M_t` over all distinct orders of the values, averaged over all ties, and the number
    /// of orders. Ties are independent of everything, so they may be averaged a step at a time.
    fn expected(values: &mut Vec<f64>, pool: &Pool, capital: [f64; BETS]) -> (f64, f64) {
        if values.is_empty() {
            return (capital.iter().sum::<f64>() / BETS as f64, 1.0);
        }
        let (mut sum, mut orders) = (0.0, 0.0);
        for next in 0..values.len() {
            if values[..next].contains(&values[next]) {
                continue;
            }
            let value = values.remove(next);
            let mut pool = pool.clone();
            let (below, equal) = pool.insert(value, 1);
            let total = pool.total() as f64;
            let factors = scores::mean(below as f64 / total, (below + equal) as f64 / total);
            let capital = std::array::from_fn(|bet| (capital[bet] + 1.0) * factors[bet]);
            let (part, count) = expected(values, &pool, capital);
            sum += part;
            orders += count;
            values.insert(next, value);
        }
        (sum, orders)
    }

    #[test]
    fn over_all_orders_the_expected_e_value_is_the_number_of_values() {
        for values in [
            &[1.0][..],
            &[0.0, 1.0],
            &[3.0, 1.0, 2.0],
            &[-1.0, -1.0, 0.0, 5.0],
            &[0.5, 1.5, 2.5, 3.5, 4.5],
            &[7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
            &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0],
            &[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0],
        ] {
            let (sum, orders) = expected(&mut values.to_vec(), &Pool::default(), [0.0; BETS]);
            let error = sum / orders - values.len() as f64;
            assert!(error.abs() < 1e-10, "{values:?}: {error}");
        }
    }

    /// The same over all sequences of `t` zeros and ones with mean `mean`.
    fn expected_binary(t: u32, mean: f64) -> f64 {
        (0..1_u32 << t)
            .map(|bits| {
                let (mut pool, mut capital, mut probability) = (Pool::default(), [0.0; BETS], 1.0);
                for step in 0..t {
                    let one = bits >> step & 1;
                    probability *= if one == 1 { mean } else { 1.0 - mean };
                    let (below, equal) = pool.insert(f64::from(one), 1);
                    let total = pool.total() as f64;
                    let factors =
                        scores::mean(below as f64 / total, (below + equal) as f64 / total);
                    capital = std::array::from_fn(|bet| (capital[bet] + 1.0) * factors[bet]);
                }
                probability * capital.iter().sum::<f64>() / BETS as f64
            })
            .sum()
    }

    #[test]
    fn for_binary_streams_too() {
        for mean in [0.1, 0.5] {
            for t in 1..=10 {
                let error = expected_binary(t, mean) - f64::from(t);
                assert!(error.abs() < 1e-10, "{mean} {t}: {error}");
            }
        }
    }

    #[test]
    fn an_update_bets_on_the_rank_and_its_mirror() {
        for (direction, mirror) in [(Direction::Rising, false), (Direction::Falling, true)] {
            let sorted = &[1.0, 2.0, 2.0];
            let baseline = Baseline { sorted, direction, ..Baseline::default() };
            let mut detector = EsrConformal::new(&baseline, 100.0).unwrap();
            let tie = Unit::new(0.25).unwrap();
            detector.update(Observation { value: Finite::new(2.0).unwrap(), tie });
            // One below, three equal: (1 + 0.75) / 4.
            let rank = if mirror { 1.0 - 1.75 / 4.0 } else { 1.75 / 4.0 };
            let mean = scores::rising(rank).iter().sum::<f64>() / BETS as f64;
            assert!((detector.statistic() - mean).abs() < 1e-15);
        }
    }

    #[test]
    fn bets_on_shares_are_fair_for_uniform_ranks() {
        for share in [0.01, 0.1, 0.5, 0.97] {
            for bets in [Bets::rising(share).unwrap(), Bets::falling(share).unwrap()] {
                let top = Top { share, bets };
                let (inside, outside) = (top.factors(1.0), top.factors(1.0 - share));
                for (inside, outside) in inside.iter().zip(outside) {
                    assert!((share * inside + (1.0 - share) * outside - 1.0).abs() < 1e-12);
                }
            }
        }
        let null = Some(Null::Between(0.1, 1.5));
        let baseline = Baseline { null, ..Baseline::default() };
        assert_eq!(EsrConformal::rate(&baseline, 9.0), Err(NullError::Bound(1.5)));
        let nothing = EsrConformal::rate(&Baseline::default(), 9.0);
        assert_eq!(nothing, Err(NullError::Missing("null")));
    }

    /// Ranks of a stream of `count` values.
    fn ranks(count: u32, mut value: impl FnMut(f64) -> f64) -> Vec<f64> {
        let mut state = 99_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut pool = Pool::default();
        (0..count)
            .map(|_| {
                let (below, equal) = pool.insert(value(next()), 1);
                (below as f64 + next() * equal as f64) / pool.total() as f64
            })
            .collect()
    }

    #[test]
    fn ranks_are_uniform_and_independent() {
        type Stream = fn(f64) -> f64;
        let streams: [(&str, Stream); 4] = [
            ("continuous", |x| -(1.0 - x).ln()),
            ("heavy tail", |x| (1.0 - x).powi(-3)),
            ("few values", |x| (x * x * 5.0).floor()),
            ("binary", |x| f64::from(u8::from(x < 0.1))),
        ];
        for (name, stream) in streams {
            let ranks = ranks(20_000, stream);
            let n = ranks.len() as f64;
            let mut sorted = ranks.clone();
            sorted.sort_by(f64::total_cmp);
            let distance = sorted.iter().enumerate().fold(0.0_f64, |most, (index, rank)| {
                most.max((rank - index as f64 / n).abs().max((rank - (index + 1) as f64 / n).abs()))
            });
            // Kolmogorov's distribution: beyond 1.95 once in a thousand.
            assert!(distance * n.sqrt() < 1.95, "{name}: {distance}");
            // Consecutive ranks in a table of ten by ten: chi-square with 99 degrees of freedom
            // is beyond 148.2 once in a thousand.
            let mut table = [[0.0; 10]; 10];
            let cell = |rank: f64| (1..10).filter(|edge| rank * 10.0 >= f64::from(*edge)).count();
            for pair in ranks.windows(2) {
                table[cell(pair[0])][cell(pair[1])] += 1.0;
            }
            let expected = (n - 1.0) / 100.0;
            let chi_square: f64 = table
                .iter()
                .flatten()
                .map(|count: &f64| (count - expected).powi(2) / expected)
                .sum();
            assert!(chi_square < 148.2, "{name}: {chi_square}");
        }
    }
}
