//! What is promised about false alarms and delays, checked by simulation with fixed seeds.

use drift::{EsrBounded, Null, Signal, StreamDetector, Unit};

use crate::numbers::Numbers;

/// Values until the first alarm; `length` if there is none.
fn run_length(null: Null, threshold: f64, length: u32, mut value: impl FnMut(u32) -> Unit) -> u32 {
    let mut detector = EsrBounded::new(null, threshold).unwrap();
    for index in 0..length {
        if detector.update(value(index).into()) == Signal::Drift {
            return index + 1;
        }
    }
    length
}

/// Mean, and lower 99.9 % confidence bound of the mean by the normal approximation.
pub(crate) fn mean_and_bound(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, mean - 3.29 * (variance / n).sqrt())
}

/// The average run length of that stream at threshold 200 is at least 200. Runs are cut at 4,000
/// values, which only makes their mean smaller.
fn check(what: &str, null: Null, mut stream: impl FnMut(&mut Numbers, u32) -> Unit) {
    let threshold = 200.0;
    let samples: Vec<f64> = (0..1_500)
        .map(|seed| {
            let mut numbers = Numbers(seed * 7_919 + 1);
            let length = run_length(null, threshold, 4_000, |index| stream(&mut numbers, index));
            f64::from(length)
        })
        .collect();
    let (mean, bound) = mean_and_bound(&samples);
    assert!(bound >= threshold, "{what}: mean {mean}, at least {bound}");
    // A guarantee that costs ten times the run length would be no use either.
    assert!(mean < 10.0 * threshold, "{what}: mean {mean}");
}

#[test]
fn the_run_length_holds_for_independent_values() {
    for mean in [0.05, 0.2, 0.5] {
        check("bernoulli", Null::AtMost(mean), |numbers, _| numbers.bernoulli(mean));
        check("two-sided", Null::Between(mean, mean), |numbers, _| numbers.bernoulli(mean));
    }
    check("falling", Null::AtLeast(0.3), |numbers, _| numbers.bernoulli(0.3));
    check("beta", Null::AtMost(0.2), |numbers, _| numbers.beta(0.2));
}

#[test]
fn the_run_length_holds_for_dependent_values() {
    // A Markov chain whose conditional mean moves between 0.05 and the bound of 0.2.
    let mut last = false;
    check("markov", Null::AtMost(0.2), |numbers, index| {
        let mean = if last && index > 0 { 0.2 } else { 0.19 };
        let value = numbers.bernoulli(mean);
        last = value == Unit::ONE;
        value
    });
    // Who fails depends on everything before: the adversary bets on the detector's own evidence.
    let mut sum = 0.0;
    check("adversarial", Null::AtMost(0.2), |numbers, index| {
        sum = if index == 0 { 0.0 } else { sum };
        let value = if sum > 0.0 { numbers.bernoulli(0.2) } else { numbers.beta(0.2) };
        sum += value.value() - 0.2;
        value
    });
}

/// Mean delay after 500 values without a change, at threshold 10,000.
fn delay(before: f64, after: f64) -> f64 {
    let delays: Vec<f64> = (0..300)
        .filter_map(|seed| {
            let mut numbers = Numbers(seed * 104_729 + 3);
            let length = run_length(Null::AtMost(before), 10_000.0, 10_500, |index| {
                numbers.bernoulli(if index < 500 { before } else { after })
            });
            (length > 500).then(|| f64::from(length - 500))
        })
        .collect();
    assert!(delays.len() > 280, "too many alarms before the change");
    mean_and_bound(&delays).0
}

#[test]
fn changes_are_found_as_fast_as_was_measured() {
    // Measured with 40,000 runs after 2,000 values: 314 and 41.5 (with six equal bets 326 and 42.5).
    let (small, large) = (delay(0.10, 0.15), delay(0.10, 0.30));
    assert!((270.0..345.0).contains(&small), "{small}");
    assert!((37.0..45.0).contains(&large), "{large}");
}
