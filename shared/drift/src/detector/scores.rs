//! Normal scores as a table: the factors of six bets on a shift, for a uniform rank `u`.
//!
//! The bet on a shift of the normal score `z = Phi^-1(u)` by `d` has the likelihood ratio
//! `exp(d z - d^2 / 2)`. Here `[0, 1]` is cut into [`CELLS`] equal cells, and the factor of a cell
//! is the mean of that ratio over it, which is known in closed form:
//!
//! ```text
//! f_d[k] = CELLS * (Phi(z_k+1 - d) - Phi(z_k - d)),   z_k = Phi^-1(k / CELLS)
//! ```
//!
//! **Promise.** The sum over cells telescopes to `CELLS`, so `E[f_d(u)] = 1` exactly for uniform
//! `u`, whatever the number of cells; the cells cost a little power in the tails, and bound the
//! influence of a single value. A fall is the same bet on `1 - u`. The table is the same to the
//! last bit on every machine (see `elementary`), and is computed once per process.

use std::sync::LazyLock;

use crate::detector::BETS;
use crate::elementary::{normal_cdf, normal_quantile};

/// Cells of the unit interval; a power of two, so that a rank's cell is exact.
const CELLS: u32 = 1_024;

/// Shifts of the normal score that are bet on.
const SHIFTS: [f64; BETS] = [0.1, 0.2, 0.35, 0.6, 1.0, 1.6];

static TABLE: LazyLock<Vec<[f64; BETS]>> = LazyLock::new(|| {
    let cells = f64::from(CELLS);
    let mut below = [0.0; BETS];
    (1..=CELLS)
        .map(|edge| {
            let upto = if edge == CELLS {
                [1.0; BETS]
            } else {
                let z = normal_quantile(f64::from(edge) / cells);
                SHIFTS.map(|shift| normal_cdf(z - shift))
            };
            let mut factors = upto;
            for (factor, below) in factors.iter_mut().zip(below) {
                *factor = cells * (*factor - below);
            }
            below = upto;
            factors
        })
        .collect()
});

/// The factors of a rank from 0 (lowest) to 1 (highest) for bets on a rise.
#[inline]
pub(crate) fn rising(rank: f64) -> [f64; BETS] {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is cut to the range of the integer, and a cell beyond the last is the last"
    )]
    let cell = (rank * f64::from(CELLS)) as usize;
    let table: &[[f64; BETS]] = &TABLE;
    let Some(factors) = table.get(cell).or_else(|| table.last()) else {
        unreachable!("the table is not empty")
    };
    *factors
}

/// For each bet, the variance of its factor under uniform ranks and the largest factor.
pub(crate) fn spread() -> [(f64, f64); BETS] {
    let mut spread = [(0.0, 0.0); BETS];
    for factors in TABLE.iter() {
        for ((variance, largest), factor) in spread.iter_mut().zip(factors) {
            *variance += (factor - 1.0) * (factor - 1.0) / f64::from(CELLS);
            *largest = factor.max(*largest);
        }
    }
    spread
}

/// Mean factors of a rank that is uniform on an interval.
#[cfg(test)]
pub(crate) fn mean(low: f64, high: f64) -> [f64; BETS] {
    let mut sum = [0.0; BETS];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are between 0 and 1"
    )]
    let first = (low * f64::from(CELLS)) as u32;
    for (cell, factors) in (first..).zip(TABLE.iter().skip(first as usize)) {
        if f64::from(cell) / f64::from(CELLS) >= high {
            break;
        }
        let left = f64::from(cell) / f64::from(CELLS);
        let right = f64::from(cell + 1) / f64::from(CELLS);
        let part = (high.min(right) - low.max(left)).max(0.0) / (high - low);
        for (sum, factor) in sum.iter_mut().zip(factors) {
            *sum += part * factor;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bet_is_fair() {
        let sums = TABLE.iter().fold([0.0; BETS], |mut sums, factors| {
            for (sum, factor) in sums.iter_mut().zip(factors) {
                *sum += factor;
            }
            sums
        });
        for sum in sums {
            assert!((sum / f64::from(CELLS) - 1.0).abs() < 1e-13, "{sum}");
        }
        assert!(mean(0.0, 1.0).iter().all(|mean| (mean - 1.0).abs() < 1e-13));
    }

    #[test]
    fn higher_ranks_are_worth_more_and_near_the_likelihood_ratio() {
        for pair in TABLE.windows(2) {
            for (low, high) in pair[0].iter().zip(&pair[1]) {
                assert!(0.0 < *low && low < high);
            }
        }
        for (rank, z) in [(0.5, 0.0), (0.841_344_7, 1.0), (0.022_750_1, -2.0)] {
            for (factor, shift) in rising(rank).iter().zip(SHIFTS) {
                let exact = (shift * z - shift * shift / 2.0_f64).exp();
                assert!((factor / exact - 1.0).abs() < 0.04, "{rank} {shift}: {factor} {exact}");
            }
        }
        assert_eq!((rising(1.0), rising(0.0)), (rising(0.999_999), TABLE[0]));
    }

    #[test]
    fn the_spread_is_that_of_the_likelihood_ratio() {
        let top = mean(0.999_5, 1.0);
        for (((variance, largest), top), shift) in spread().into_iter().zip(top).zip(SHIFTS) {
            let exact = (shift * shift).exp() - 1.0;
            assert!(variance < exact && variance > 0.7 * exact, "{variance} {exact}");
            assert!((largest - top).abs() < 1e-12, "{largest} {top}");
        }
    }
}
