//! Two-sample e-SR: a stream against a baseline of a few hundred values, whose mean is only
//! estimated. For values in `[0, 1]`; designed for rates.
//!
//! The baseline and the stream form one growing sample. With `K` the sum of the `N` values so
//! far, each tilt `c` bets that the odds of the next value are `1 + c` times those of the sample:
//!
//! ```text
//! p = (K + 1) / (N + 1)      f_c(x) = (1 + c x) / (1 + c p)
//! R_c <- (R_c + 1) * f_c(x)  from R_c = r      M = mean of the R_c      alarm at M >= A + r
//! ```
//!
//! Falls use `1 - x` in the same way. The statistic is `M - r`, or 0 if that is negative: the
//! evidence beyond the head start.
//!
//! The factors are conformal e-values (Vovk, Nouretdinov, Gammerman: *Conformal e-testing*, arXiv
//! 2006.02329), summed as Shiryaev-Roberts does over all starts of a change (Shin, Ramdas,
//! Rinaldo, arXiv 2203.03532). The **head start** `r` (Moustakides, Polunchenko, Tartakovsky 2011;
//! Polunchenko, arXiv 1607.00959) is the weight of the one known possible start of a change: the
//! deployment of the version. A change there alarms at a likelihood ratio near `(A + r) / r`, 21 by
//! default, while a change at an unknown time needs thousands. The price is the false alarms of `r`
//! additional values.
//!
//! # Guarantee
//!
//! "Nothing has changed" means that the baseline and the stream are exchangeable, of any
//! distribution. All probabilities and means below are over the baseline too, so they account for
//! unlucky baselines.
//!
//! 1. *After any fixed number `t` of values*, whatever the distribution: the mean of `M` is at
//!    most `t + r`, so `M >= A + r` has at most the probability `(t + r) / (A + r)`.
//!    Proof: given which values the first `N + 1` are, but not their order, `x` is a uniform draw
//!    from them, and `p` is at least their mean, as `K + 1` is at least `K + x`. So the mean of
//!    `f_c(x)` is at most 1, also given all later values. Going backwards, so is that of every
//!    product of factors that ends at `t`; `M` sums `t` such products, and `r` times one.
//! 2. *While watching*: the average run length is at least `A`, and the probability of an alarm
//!    within the first `t` values is at most `(t + r) / (A + r)` for every `t`; for values 0 or 1
//!    whose probability `q` has any density `w` with `(1 - q) w(q)` not increasing (watching for a
//!    rise; `q w(q)` not decreasing for a fall). Both hold for the uniform density and Jeffreys';
//!    the first also for `q` spread evenly below any ceiling. Proof: given the past, `q` has the
//!    density of `Beta(K + 1, N - K)` times `(1 - q) w(q)`, so its mean is at most `p`, that of the
//!    Beta; `M - t` is a supermartingale.
//! 3. *While watching, for each single `q`*, 2 is not proved here. It held in every simulation (the
//!    tests: ten probabilities from .02 to .95, baselines of 20 to 1,000; also for values between 0
//!    and 1).
//!
//! # What it does not do
//!
//! Anything that is not exchangeable counts as a change: trends, seasons and dependence between
//! values cause alarms, where [`super::esr_bounded`] with a known bound has none. So does a stream
//! that was better than its baseline and returns to it. The sample grows with the stream, so an
//! undetected change fades once it is much more than `N` values ago. A reset forgets the stream,
//! not the baseline, and starts with `r` again.

use serde::{Deserialize, Serialize};

use crate::detector::{Baseline, Direction, NullError, Observation, Signal, StreamDetector};
use crate::finite::Unit;

/// Bets on one side.
const TILTS: usize = 4;
const BETS: f64 = 4.0;
/// `c`: the odds after a change are 1.25, 1.6, 2.5 or 5 times those before.
const TILT: [f64; TILTS] = [0.25, 0.6, 1.5, 4.0];
/// Cap of the capital: far above any threshold, and finite.
const CAP: f64 = 1e300;
/// Default head start as a share of the threshold.
const HEAD_START_SHARE: f64 = 0.05;

/// A sample of values in `[0, 1]`: their number and sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Sample {
    /// Whole; exact below 2^53.
    count: f64,
    sum: f64,
}

impl Sample {
    fn of(baseline: &Baseline<'_>) -> Result<Self, NullError> {
        let sample = if let [zeros, ones] = baseline.counts {
            Self { count: float(*zeros) + float(*ones), sum: float(*ones) }
        } else {
            // Other categories have no mean.
            let sum = baseline.sorted.iter().map(|value| value.clamp(0.0, 1.0)).sum();
            Self { count: baseline.sorted.iter().map(|_| 1.0).sum(), sum }
        };
        if sample.count < 1.0 {
            return Err(NullError::Missing("counts of zeros and ones, or sorted"));
        }
        if sample.sum.is_nan() {
            return Err(NullError::Bound(sample.sum));
        }
        Ok(sample)
    }

    /// Upper bound of the mean of the next value, given the sample.
    fn bound(self) -> f64 {
        (self.sum + 1.0) / (self.count + 1.0)
    }

    /// The sample of the values `1 - x`.
    fn mirrored(self) -> Self {
        Self { count: self.count, sum: self.count - self.sum }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[inline]
fn bet(capital: &mut [f64; TILTS], bound: f64, value: f64) -> f64 {
    let mut sum = 0.0;
    for (capital, tilt) in capital.iter_mut().zip(TILT) {
        let factor = (1.0 + tilt * value) / (1.0 + tilt * bound);
        *capital = ((*capital + 1.0) * factor).min(CAP);
        sum += *capital;
    }
    sum
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EsrTwoSample {
    baseline: Sample,
    /// Baseline and stream.
    seen: Sample,
    rising: Option<[f64; TILTS]>,
    falling: Option<[f64; TILTS]>,
    threshold: f64,
    head_start: f64,
    observations: u64,
    /// `M`.
    evidence: f64,
}

impl EsrTwoSample {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that alarms when its statistic reaches `threshold`, the average run length to a
    /// false alarm, with a head start of a twentieth of it.
    ///
    /// The baseline's `counts` are its zeros and ones; if there are not two, its values are
    /// `sorted`.
    ///
    /// # Errors
    ///
    /// A baseline without values, or a threshold that is not a finite number of at least 1.
    pub fn new(baseline: &Baseline<'_>, threshold: f64) -> Result<Self, NullError> {
        let sample = Sample::of(baseline)?;
        if !(threshold.is_finite() && threshold >= 1.0) {
            return Err(NullError::Threshold(threshold));
        }
        let (rising, falling) = match baseline.direction {
            Direction::Rising => (Some([0.0; TILTS]), None),
            Direction::Falling => (None, Some([0.0; TILTS])),
            Direction::Both => (Some([0.0; TILTS]), Some([0.0; TILTS])),
        };
        let detector = Self {
            baseline: sample,
            seen: sample,
            rising,
            falling,
            threshold,
            head_start: 0.0,
            observations: 0,
            evidence: 0.0,
        };
        detector.with_head_start(HEAD_START_SHARE * threshold)
    }

    /// The same with another head start, in values: it adds as many false alarms at the start of
    /// the stream as that number of values would later. 0 gives no weight to a change at the start.
    /// Resets the detector.
    ///
    /// # Errors
    ///
    /// A head start that is not a finite number of at least 0.
    pub fn with_head_start(mut self, head_start: f64) -> Result<Self, NullError> {
        if !(head_start.is_finite() && head_start >= 0.0) {
            return Err(NullError::HeadStart(head_start));
        }
        self.head_start = head_start;
        self.reset();
        Ok(self)
    }

    /// The statistic at which it alarms.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The weight of a change at the start, in values.
    #[must_use]
    pub const fn head_start(&self) -> f64 {
        self.head_start
    }
}

impl StreamDetector for EsrTwoSample {
    #[inline]
    fn update(&mut self, observation: Observation) -> Signal {
        let value = Unit::nearest(observation.value).value();
        let (mut sum, mut bets) = (0.0, 0.0);
        if let Some(capital) = &mut self.rising {
            sum += bet(capital, self.seen.bound(), value);
            bets += BETS;
        }
        if let Some(capital) = &mut self.falling {
            sum += bet(capital, self.seen.mirrored().bound(), 1.0 - value);
            bets += BETS;
        }
        self.seen.count += 1.0;
        self.seen.sum += value;
        self.evidence = sum / bets;
        self.observations += 1;
        let statistic = self.statistic();
        if statistic >= self.threshold {
            Signal::Drift
        } else if statistic * 10.0 >= self.threshold {
            Signal::Warning
        } else {
            Signal::Stable
        }
    }

    fn statistic(&self) -> f64 {
        (self.evidence - self.head_start).max(0.0)
    }

    fn observations(&self) -> u64 {
        self.observations
    }

    fn reset(&mut self) {
        for capital in [&mut self.rising, &mut self.falling].into_iter().flatten() {
            *capital = [self.head_start; TILTS];
        }
        self.seen = self.baseline;
        self.observations = 0;
        self.evidence = self.head_start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector(zeros: u64, ones: u64, direction: Direction, a: f64, r: f64) -> EsrTwoSample {
        let counts = [zeros, ones];
        let baseline = Baseline { direction, counts: &counts, ..Baseline::default() };
        EsrTwoSample::new(&baseline, a).unwrap().with_head_start(r).unwrap()
    }

    /// `M` after that stream; the bits of `stream` are its values.
    fn evidence(mut detector: EsrTwoSample, stream: u32, t: u32) -> f64 {
        for step in 0..t {
            detector.update((stream >> step & 1 == 1).into());
        }
        detector.evidence
    }

    fn choose(n: u64, k: u64) -> f64 {
        (0..k).map(|i| float(n - i) / float(i + 1)).product()
    }

    const DIRECTIONS: [Direction; 3] = [Direction::Rising, Direction::Falling, Direction::Both];

    #[test]
    fn given_how_many_are_ones_the_expected_evidence_is_at_most_the_number_of_values() {
        // All orders of `total` ones among `n + t` values, baseline first. This is guarantee 1
        // without any assumption but exchangeability.
        for n in [1, 2, 5, 12, 30] {
            for t in [1, 2, 5, 9] {
                for total in 0..=n + u64::from(t) {
                    for direction in DIRECTIONS {
                        for r in [0.0, 3.0] {
                            let (mut sum, mut ways) = (0.0, 0.0);
                            for stream in 0_u32..1 << t {
                                let Some(ones) = total.checked_sub(stream.count_ones().into())
                                else {
                                    continue;
                                };
                                if ones <= n {
                                    let way = choose(n, ones);
                                    let detector = detector(n - ones, ones, direction, 1e9, r);
                                    sum += way * evidence(detector, stream, t);
                                    ways += way;
                                }
                            }
                            let mean = sum / ways;
                            let most = f64::from(t) + r;
                            assert!(mean <= most * (1.0 + 1e-9), "{n} {t} {total}: {mean}");
                            let typical = total > n / 3 && total < n;
                            assert!(!typical || mean > 0.2 * most, "{n} {t} {total}: {mean}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn alarms_while_watching_are_as_rare_as_is_said_for_a_uniform_probability() {
        // Exact: the law of 0/1 values whose probability is uniform gives a sequence of N values
        // with K ones the probability 1 / ((N + 1) choose(N, K)).
        for (n, t_max, a, r) in [(1, 14, 6.0, 0.0), (4, 14, 8.0, 1.0), (20, 12, 9.0, 3.0)] {
            for direction in DIRECTIONS {
                let mut alarms = vec![0.0; t_max + 1];
                for ones in 0..=n {
                    for stream in 0_u32..1 << t_max {
                        let all = n + t_max as u64;
                        let total = ones + u64::from(stream.count_ones());
                        let law = choose(n, ones) / (float(all + 1) * choose(all, total));
                        let mut detector = detector(n - ones, ones, direction, a, r);
                        let first = (1..=t_max).find(|t| {
                            let value = stream >> (t - 1) & 1 == 1;
                            detector.update(value.into()) == Signal::Drift
                        });
                        for count in alarms.iter_mut().skip(first.unwrap_or(usize::MAX)) {
                            *count += law;
                        }
                    }
                }
                assert!(alarms[t_max] > 0.01, "{n} {direction:?}: nothing was tested");
                for (t, share) in alarms.iter().enumerate() {
                    let most = (float(t as u64) + r) / (a + r);
                    assert!(*share <= most + 1e-12, "{n} {direction:?} {t}: {share} > {most}");
                }
            }
        }
    }

    #[test]
    fn evidence_is_the_sum_over_all_starts() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i * i % 17) / 16.0).collect();
        let (count, sum, r) = (10.0, 4.0, 7.0);
        let mut detector = detector(6, 4, Direction::Rising, 1e6, r);
        for t in 1..=values.len() {
            detector.update(Unit::new(values[t - 1]).unwrap().into());
            let mut expected = 0.0;
            for tilt in TILT {
                let factor = |i: usize| {
                    let seen: f64 = values[..i].iter().sum();
                    let bound = (sum + seen + 1.0) / (count + float(i as u64) + 1.0);
                    (1.0 + tilt * values[i]) / (1.0 + tilt * bound)
                };
                let from = |start: usize| (start..t).map(factor).product::<f64>();
                expected += (r * from(0) + (0..t).map(from).sum::<f64>()) / 4.0;
            }
            let found = detector.evidence;
            assert!((found - expected).abs() < 1e-9 * expected, "{t}: {found} {expected}");
        }
    }

    #[test]
    fn a_fall_is_a_rise_of_the_opposite() {
        let mut falling = detector(30, 70, Direction::Falling, 100.0, 5.0);
        let mut rising = detector(70, 30, Direction::Rising, 100.0, 5.0);
        for i in 0..200_u32 {
            let one = i % 3 == 0;
            assert_eq!(falling.update(one.into()), rising.update((!one).into()));
            assert_eq!(falling.statistic().to_bits(), rising.statistic().to_bits());
        }
    }

    #[test]
    fn a_baseline_of_values_is_one_of_counts() {
        let sorted = [0.0, 0.0, 0.0, 1.0];
        let baseline =
            Baseline { direction: Direction::Rising, sorted: &sorted, ..Baseline::default() };
        let of_values = EsrTwoSample::new(&baseline, 200.0).unwrap();
        assert_eq!(of_values, detector(3, 1, Direction::Rising, 200.0, 10.0));
    }

    #[test]
    fn baselines_and_settings_that_mean_nothing_are_refused() {
        let counts = |counts| Baseline { counts, ..Baseline::default() };
        for counts in [&[][..], &[0, 0], &[3], &[1, 2, 3]].map(counts) {
            assert!(matches!(EsrTwoSample::new(&counts, 10.0), Err(NullError::Missing(_))));
        }
        let given = counts(&[3, 1]);
        assert_eq!(EsrTwoSample::new(&given, 0.5), Err(NullError::Threshold(0.5)));
        let detector = EsrTwoSample::new(&given, 10.0).unwrap();
        assert_eq!(detector.clone().with_head_start(-1.0), Err(NullError::HeadStart(-1.0)));
        assert!(detector.with_head_start(f64::NAN).is_err());
        let baseline = Baseline { sorted: &[f64::NAN], ..Baseline::default() };
        assert!(matches!(EsrTwoSample::new(&baseline, 10.0), Err(NullError::Bound(_))));
    }

    #[test]
    fn evidence_is_capped() {
        let mut detector = detector(100_000, 1, Direction::Rising, 1e4, 500.0);
        for _ in 0..100_000 {
            detector.update(true.into());
        }
        assert!(detector.statistic() <= CAP && detector.statistic() > 1e4);
    }
}
