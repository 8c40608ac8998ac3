//! The decision about an agent version: does its pass rate reach the required one?
//!
//! Both bounds are one-sided and exact (Clopper, Pearson 1934): *pass* if the lower bound reaches
//! the required rate, *fail* if the upper bound is below it, else *undecided*. So a version whose
//! true rate is below the required one passes with probability at most `1 - confidence`, and
//! one whose rate reaches it fails with at most that; trials are assumed to be independent.
//!
//! That holds for a single evaluation ([`Gate::decide`]). A stream that is evaluated again and
//! again would eventually be decided wrongly; so [`Gate::look`] decides at `trials_min`, then
//! whenever the number of trials has doubled, and spends an error of `(1 - confidence) / (k (k +
//! 1))` at the k-th look. These sum to `1 - confidence`, which bounds the probability of ever
//! deciding wrongly.
//!
//! Bounds are rounded to nine decimals before they are compared: the last bits of a quantile
//! differ between platforms.

use drift::Confidence;
use drift::interval::upper_bound;
use serde::{Deserialize, Serialize};

/// Counts of one agent version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events on which at least one check was applicable.
    pub trials: u64,
    /// Those on which every applicable check passed.
    pub passes: u64,
    /// Events on which no check was applicable.
    pub not_applicable: u64,
}

impl Tally {
    /// Counts the verdict on one event.
    pub fn count(&mut self, passed: Option<bool>) {
        match passed {
            Some(passed) => {
                self.trials += 1;
                self.passes += u64::from(passed);
            }
            None => self.not_applicable += 1,
        }
    }

    /// Bounds of the pass rate, one-sided and exact, each with this confidence; 0 and 1 without
    /// trials, or if the confidence is not strictly between 0 and 1.
    ///
    /// # Panics
    ///
    /// If there are more passes than trials.
    #[must_use]
    pub fn bounds(self, confidence: f64) -> (f64, f64) {
        let round = |bound: f64| (bound * 1e9).round() / 1e9;
        let Some(level) = Confidence::new(confidence) else { return (0.0, 1.0) };
        let failures = self.trials - self.passes;
        let high = upper_bound(self.passes, self.trials, level).unwrap_or(1.0);
        let low = upper_bound(failures, self.trials, level).map_or(0.0, |bound| 1.0 - bound);
        (round(low).max(0.0), round(high).min(1.0))
    }
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The pass rate reaches the requirement.
    Pass,
    /// It does not.
    Fail,
    /// The trials do not suffice to decide.
    Undecided,
}

impl Decision {
    /// The name in `eval.gate`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Undecided => "undecided",
        }
    }
}

/// What a version must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// Required pass rate, above 0 and below 1.
    pub pass_rate_min: f64,
    /// One minus the probability of a wrong decision, above 0 and below 1.
    pub confidence: f64,
    /// Number of trials required for a decision.
    pub trials_min: u64,
}

/// A decision and its basis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateReport {
    /// The decision.
    pub decision: Decision,
    /// The counts.
    pub tally: Tally,
    /// Lower confidence bound of the pass rate.
    pub low: f64,
    /// Upper confidence bound of the pass rate.
    pub high: f64,
    /// Confidence of each bound at this look.
    pub confidence: f64,
    /// Required pass rate.
    pub pass_rate_min: f64,
    /// The reason, in one sentence.
    pub reason: String,
}

impl Gate {
    /// Decides on these counts, once.
    #[must_use]
    pub fn decide(&self, tally: Tally) -> GateReport {
        self.decide_at(tally, self.confidence)
    }

    /// Decides if this number of trials is one at which a stream is evaluated.
    #[must_use]
    pub fn look(&self, tally: Tally) -> Option<GateReport> {
        let doublings = tally.trials.checked_div(self.trials_min.max(1))?;
        if !doublings.is_power_of_two() || doublings * self.trials_min.max(1) != tally.trials {
            return None;
        }
        let look = f64::from(doublings.trailing_zeros()) + 1.0;
        let error = (1.0 - self.confidence) / (look * (look + 1.0));
        Some(self.decide_at(tally, 1.0 - error))
    }

    fn decide_at(&self, tally: Tally, confidence: f64) -> GateReport {
        let (low, high) = tally.bounds(confidence);
        let enough = tally.trials >= self.trials_min.max(1);
        let decision = if enough && low >= self.pass_rate_min {
            Decision::Pass
        } else if enough && high < self.pass_rate_min {
            Decision::Fail
        } else {
            Decision::Undecided
        };
        let counted = format!("{} of {} passed", tally.passes, tally.trials);
        let percent = |rate: f64| format!("{:.2} %", rate * 100.0);
        let (sure, wanted) = (percent(confidence), percent(self.pass_rate_min));
        let reason = match decision {
            Decision::Undecided if !enough => {
                format!("{counted}; at least {} trials are needed", self.trials_min)
            }
            Decision::Pass => format!(
                "{counted}: with {sure} confidence the pass rate is at least {}, and {wanted} is required",
                percent(low)
            ),
            Decision::Fail => format!(
                "{counted}: with {sure} confidence the pass rate is at most {}, and {wanted} is required",
                percent(high)
            ),
            Decision::Undecided => format!(
                "{counted}: with {sure} confidence each way the pass rate is from {} to {}, and {wanted} lies between",
                percent(low),
                percent(high)
            ),
        };
        let pass_rate_min = self.pass_rate_min;
        GateReport { decision, tally, low, high, confidence, pass_rate_min, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: Gate = Gate { pass_rate_min: 0.9, confidence: 0.95, trials_min: 20 };

    fn tally(passes: u64, trials: u64) -> Tally {
        Tally { trials, passes, not_applicable: 0 }
    }

    #[test]
    fn decisions_say_why() {
        let says = |passes, trials| {
            let report = GATE.decide(tally(passes, trials));
            (report.decision, report.reason)
        };
        assert_eq!(
            says(99, 100),
            (
                Decision::Pass,
                "99 of 100 passed: with 95.00 % confidence the pass rate is at least 95.34 %, \
                 and 90.00 % is required"
                    .to_owned()
            )
        );
        assert_eq!(
            says(80, 100),
            (
                Decision::Fail,
                "80 of 100 passed: with 95.00 % confidence the pass rate is at most 86.33 %, \
                 and 90.00 % is required"
                    .to_owned()
            )
        );
        assert_eq!(says(92, 100).0, Decision::Undecided);
        assert_eq!(says(19, 19).1, "19 of 19 passed; at least 20 trials are needed");
        assert_eq!(GATE.decide(Tally::default()).decision, Decision::Undecided);
    }

    /// Bounds are where the binomial tail has exactly the probability left.
    #[test]
    fn bounds_are_exact() {
        for trials in [1_u64, 7, 40] {
            for passes in 0..=trials {
                let (low, high) = tally(passes, trials).bounds(0.95);
                let at_least = |rate: f64| tail(passes, trials, rate);
                let at_most = |rate: f64| tail(trials - passes, trials, 1.0 - rate);
                assert!(passes == 0 || (at_least(low) - 0.05).abs() < 1e-6, "{passes}/{trials}");
                assert!(passes == trials || (at_most(high) - 0.05).abs() < 1e-6);
            }
        }
        assert_eq!(tally(0, 0).bounds(0.95), (0.0, 1.0));
        let (low, high) = tally(999_000, 1_000_000).bounds(0.95);
        assert!(
            (0.998_9..0.999).contains(&low) && (0.999..0.999_1).contains(&high),
            "{low} {high}"
        );
    }

    /// Probability of at least so many passes.
    fn tail(passes: u64, trials: u64, rate: f64) -> f64 {
        (passes..=trials)
            .map(|count| {
                let choose: f64 =
                    (0..count).map(|i| (trials - i) as f64 / (count - i) as f64).product();
                choose * rate.powf(count as f64) * (1.0 - rate).powf((trials - count) as f64)
            })
            .sum()
    }

    /// One look: enumerated exactly, over rates on the wrong side of the requirement.
    #[test]
    fn one_look_is_wrong_at_most_as_often_as_stated() {
        for trials in [20_u64, 33, 100] {
            let probability = |rate: f64, decision: Decision| -> f64 {
                (0..=trials)
                    .filter(|passes| GATE.decide(tally(*passes, trials)).decision == decision)
                    .map(|passes| tail(passes, trials, rate) - tail(passes + 1, trials, rate))
                    .sum()
            };
            for rate in [0.5, 0.8, 0.89, 0.899_999] {
                assert!(probability(rate, Decision::Pass) <= 0.05 + 1e-9, "{trials} {rate}");
            }
            for rate in [0.9, 0.91, 0.95] {
                assert!(probability(rate, Decision::Fail) <= 0.05 + 1e-9, "{trials} {rate}");
            }
        }
    }

    #[test]
    fn looks_are_at_the_minimum_and_at_every_doubling() {
        let looks: Vec<u64> =
            (0..400).filter(|trials| GATE.look(tally(*trials, *trials)).is_some()).collect();
        assert_eq!(looks, [20, 40, 80, 160, 320]);
        let odd = Gate { trials_min: 0, ..GATE };
        let looks: Vec<u64> =
            (0..10).filter(|trials| odd.look(tally(0, *trials)).is_some()).collect();
        assert_eq!(looks, [1, 2, 4, 8]);
        let confidence = |trials| GATE.look(tally(0, trials)).unwrap().confidence;
        assert!((confidence(20) - 0.975).abs() < 1e-12);
        assert!((confidence(40) - (1.0 - 0.05 / 6.0)).abs() < 1e-12);
    }

    /// Every look of a stream together: a Monte Carlo with a fixed seed at the worst rate, which is
    /// the requirement itself. 2,000 streams; a true 5 % exceeds 6.5 % in 1 of 500 experiments.
    #[test]
    fn a_stream_is_decided_wrongly_at_most_as_often_as_stated() {
        let mut seed = 0x5eed_u64;
        let mut uniform = || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (mut passed, mut failed) = (0, 0);
        for _ in 0..2_000 {
            let (mut tally, mut seen) = (Tally::default(), [false, false]);
            for _ in 0..1_280 {
                tally.count(Some(uniform() < 0.9));
                match GATE.look(tally).map(|report| report.decision) {
                    Some(Decision::Pass) => seen[0] = true,
                    Some(Decision::Fail) => seen[1] = true,
                    Some(Decision::Undecided) | None => {}
                }
            }
            passed += i32::from(seen[0]);
            failed += i32::from(seen[1]);
        }
        assert!(passed <= 130 && failed <= 130, "{passed} passed, {failed} failed of 2,000");
    }
}
