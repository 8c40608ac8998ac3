//! False alarms and detection delay of comparisons with the weeks before, by Monte Carlo simulation
//! with confidence bounds: two weeks are only recorded, and the third is tested.

use drift::{Finite, StreamDetector};

use super::weeks::Weeks;
use crate::policy::Policy;
use crate::stream::{Mark, SeasonalComparison, Value};

const HOUR_MICROS: i64 = 3_600 * 1_000_000;
const WEEK_HOURS: i64 = 168;
/// Configured average run length; small, so that a run ends.
const RUN_LENGTH: f64 = 1_000.0;
/// Observations of a run after which it counts as calm.
const CAP: u32 = 10_000;
/// Observations in an hour.
const PER_HOUR: i64 = 30;
/// 99 %, one-sided.
const Z: f64 = 2.326;

/// Reproducible random numbers (splitmix64, Steele et al. 2014).
struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Whether that hour is in the busy half of a day.
fn is_busy(hour: i64) -> bool {
    (8..20).contains(&hour.rem_euclid(24))
}

/// Failures: 2 % at night, 15 % by day; `worse` is added.
fn failure(hour: i64, worse: f64, numbers: &mut Numbers) -> Value<'static> {
    let rate = if is_busy(hour) { 0.15 } else { 0.02 };
    Value::One(numbers.uniform() < rate + worse)
}

/// Durations that spread over a factor of twenty and double by day; `worse` is the share by which
/// they are longer.
fn duration(hour: i64, worse: f64, numbers: &mut Numbers) -> Value<'static> {
    let scale = if is_busy(hour) { 2.0 } else { 1.0 };
    let size = 300.0 * (3.0 * numbers.uniform()).exp() * scale * (1.0 + worse);
    Value::Size(Finite::new(size).unwrap())
}

type Sample = fn(i64, f64, &mut Numbers) -> Value<'static>;

/// Observations until the alarm, at most [`CAP`], when `worse` holds from the third week on.
fn run(sample: Sample, worse: f64, seed: u64) -> u32 {
    let policy = Policy { average_run_length: RUN_LENGTH, ..Policy::default() };
    let mut numbers = Numbers(seed.wrapping_mul(0x1234_5678_9abc_def1));
    let (mut weeks, mut test, mut tested) = (Weeks::default(), None, 0);
    let begin = 2 * WEEK_HOURS + 9;
    for hour in 0.. {
        for n in 0..PER_HOUR {
            let mark = Mark { offset: hour * PER_HOUR + n, time: hour * HOUR_MICROS + n };
            let is_tested = hour >= begin;
            let value = sample(hour, if is_tested { worse } else { 0.0 }, &mut numbers);
            if is_tested && let Some(expected) = weeks.expected(value, mark.time, &policy) {
                let test = test.get_or_insert_with(|| {
                    let common = weeks.summary(mark.time, &policy).common.unwrap();
                    SeasonalComparison::new(common, &policy).unwrap()
                });
                test.observe(value, expected, mark);
                tested += 1;
                if test.detector().statistic() >= RUN_LENGTH || tested == CAP {
                    return tested;
                }
            }
            weeks.keep(value, mark.time);
        }
    }
    tested
}

/// Mean over runs, and how far the true mean may lie from it (99 %, one-sided).
fn mean(sample: Sample, worse: f64, runs: u32) -> (f64, f64) {
    let found: Vec<f64> =
        (0..runs).map(|seed| f64::from(run(sample, worse, u64::from(seed)))).collect();
    let mean = found.iter().sum::<f64>() / f64::from(runs);
    let variance = found.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(runs - 1);
    (mean, Z * (variance / f64::from(runs)).sqrt())
}

#[test]
fn a_rhythm_is_no_reason_for_an_alarm() {
    for (name, sample) in [("failures", failure as Sample), ("durations", duration)] {
        let (mean, margin) = mean(sample, 0.0, 60);
        println!("{name}: false alarm after {mean:.0} +- {margin:.0} (capped at {CAP})");
        assert!(mean - margin >= RUN_LENGTH, "{name}: {mean} +- {margin}");
    }
}

#[test]
fn a_change_is_found_in_spite_of_the_rhythm() {
    let mut late = Vec::new();
    for (name, sample, worse, at_most) in [
        ("failures +10 points", failure as Sample, 0.1, 250.0),
        ("failures +30 points", failure, 0.3, 40.0),
        ("durations +30 %", duration, 0.3, 250.0),
        ("durations +100 %", duration, 1.0, 60.0),
    ] {
        let (mean, margin) = mean(sample, worse, 60);
        println!("{name}: found after {mean:.0} +- {margin:.0}");
        late.extend((mean + margin > at_most).then_some((name, mean, margin)));
    }
    assert!(late.is_empty(), "{late:?}");
}
