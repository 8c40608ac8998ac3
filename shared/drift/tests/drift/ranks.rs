//! Detectors that rank, and the one that counts categories: run lengths and delays by simulation
//! with fixed seeds.

use drift::{
    Baseline, Direction, Finite, Null, Observation, Signal, StreamDetector, Unit,
    registry::AnyDetector, registry::every,
};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::guarantee::mean_and_bound;
use crate::numbers::Numbers;

fn make(name: &str, baseline: &Baseline<'_>, threshold: f64) -> AnyDetector {
    let entry = every().find(|entry| entry.name() == name).unwrap();
    entry.make(baseline, threshold).unwrap()
}

/// Values until the first alarm; `length` if there is none.
fn run_length(
    mut detector: AnyDetector,
    length: u32,
    numbers: &mut Numbers,
    mut value: impl FnMut(&mut Numbers, u32) -> f64,
) -> u32 {
    for index in 0..length {
        let value = Finite::new(value(numbers, index)).unwrap();
        let tie = Unit::new(numbers.uniform()).unwrap();
        if detector.update(Observation { value, tie }) == Signal::Drift {
            return index + 1;
        }
    }
    length
}

/// Threshold of most checks of run lengths.
const THRESHOLD: f64 = 100.0;

/// Nothing speaks against an average run length of at least `threshold`: the upper 99.9 % bound of
/// the mean is above it. Returns the lower one. Runs are cut at 1,500 values, which only makes
/// their mean smaller.
fn check(
    what: &str,
    threshold: f64,
    detector: impl Fn(&mut Numbers) -> AnyDetector,
    stream: impl Fn(&mut Numbers) -> f64,
) -> f64 {
    let samples: Vec<f64> = (0..1_000)
        .map(|seed| {
            let mut numbers = Numbers(seed * 6_007 + 11);
            let detector = detector(&mut numbers);
            let length = run_length(detector, 1_500, &mut numbers, |numbers, _| stream(numbers));
            f64::from(length)
        })
        .collect();
    let (mean, low) = mean_and_bound(&samples);
    let high = 2.0 * mean - low;
    println!("{what}: average run length {mean:.0}, between {low:.0} and {high:.0}");
    assert!(high >= threshold, "{what}: mean {mean}, at most {high}");
    low
}

/// A baseline without chance: the quantiles of the distribution.
fn quantiles(value: impl Fn(f64) -> f64) -> Vec<f64> {
    (1..=20_000).map(|rank| value(f64::from(rank) / 20_001.0)).collect()
}

/// Quantile of `Numbers::latency`.
fn latency(rank: f64) -> f64 {
    900.0 * (0.5 * Normal::standard().inverse_cdf(rank)).exp()
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

const DIRECTIONS: [Direction; 3] = [Direction::Rising, Direction::Falling, Direction::Both];

#[test]
fn the_run_length_holds_against_a_known_distribution() {
    let latencies = quantiles(latency);
    let coarse = quantiles(|rank| (latency(rank) / 250.0).round());
    for direction in DIRECTIONS {
        let baseline = Baseline { sorted: &latencies, direction, ..Baseline::default() };
        let detector = make("esr-normal", &baseline, THRESHOLD);
        let what = format!("log-normal, {direction:?}");
        let low = check(&what, THRESHOLD, |_| detector.clone(), |numbers| numbers.latency(1.0));
        assert!(low >= THRESHOLD, "{what}: {low}");
        let baseline = Baseline { sorted: &coarse, direction, ..Baseline::default() };
        let detector = make("esr-normal", &baseline, THRESHOLD);
        let what = format!("with many ties, {direction:?}");
        check(
            &what,
            THRESHOLD,
            |_| detector.clone(),
            |numbers| (numbers.latency(1.0) / 250.0).round(),
        );
    }
}

#[test]
fn the_run_length_of_a_cautious_one_holds_on_a_small_sample() {
    for (size, direction) in [(100, Direction::Rising), (300, Direction::Both)] {
        let detector = |numbers: &mut Numbers| {
            let sorted = sorted((0..size).map(|_| numbers.latency(1.0)).collect());
            let baseline = Baseline { sorted: &sorted, direction, ..Baseline::default() };
            make("esr-normal-cautious", &baseline, 10.0)
        };
        check(&format!("cautious, {size}"), 10.0, detector, |numbers| numbers.latency(1.0));
    }
    let detector = |numbers: &mut Numbers| {
        let counts = calls(numbers, 200);
        let baseline = Baseline { counts: &counts, ..Baseline::default() };
        make("esr-multinomial-cautious", &baseline, 10.0)
    };
    check("cautious mix, 200", 10.0, detector, |numbers| category(numbers, &TOOLS) as f64);
}

#[test]
fn the_run_length_holds_without_a_baseline() {
    for direction in DIRECTIONS {
        let baseline = Baseline { direction, ..Baseline::default() };
        let detector = make("esr-conformal", &baseline, THRESHOLD);
        let name = |what: &str| format!("conformal, {what}, {direction:?}");
        check(&name("log-normal"), THRESHOLD, |_| detector.clone(), |numbers| numbers.latency(1.0));
        check(
            &name("binary"),
            THRESHOLD,
            |_| detector.clone(),
            |numbers| numbers.bernoulli(0.1).value(),
        );
        let null = match direction {
            Direction::Rising => Null::AtMost(0.2),
            Direction::Falling => Null::AtLeast(0.05),
            Direction::Both => Null::Between(0.1, 0.1),
        };
        // The guess of the rate may be wrong.
        let detector = make("esr-conformal-rate", &null.into(), THRESHOLD);
        check(
            &name("rate"),
            THRESHOLD,
            |_| detector.clone(),
            |numbers| numbers.bernoulli(0.1).value(),
        );
        check(
            &name("rate of scores"),
            THRESHOLD,
            |_| detector.clone(),
            |numbers| numbers.beta(0.2).value(),
        );
    }
}

#[test]
fn the_run_length_holds_on_average_over_short_baselines() {
    for size in [5, 60] {
        let detector = |numbers: &mut Numbers| {
            let sorted = sorted((0..size).map(|_| numbers.latency(1.0)).collect());
            make("esr-conformal", &Baseline { sorted: &sorted, ..Baseline::default() }, THRESHOLD)
        };
        check(&format!("conformal after {size}"), THRESHOLD, detector, |numbers| {
            numbers.latency(1.0)
        });
    }
}

/// Shares of four tools.
const TOOLS: [f64; 4] = [0.5, 0.3, 0.15, 0.05];

fn category(numbers: &mut Numbers, shares: &[f64; 4]) -> usize {
    let mut left = numbers.uniform();
    shares
        .iter()
        .position(|share| {
            left -= share;
            left < 0.0
        })
        .unwrap_or(0)
}

/// A baseline in which the shares are those of `TOOLS`, but for the half count of each bin.
const CALLS: [u64; 4] = [500_000, 300_000, 150_000, 50_000];

#[test]
fn the_run_length_of_a_mix_holds() {
    let detector =
        make("esr-multinomial", &Baseline { counts: &CALLS, ..Baseline::default() }, THRESHOLD);
    check("mix", THRESHOLD, |_| detector.clone(), |numbers| category(numbers, &TOOLS) as f64);
}

/// Mean delay after `before` values without a change, at threshold 10,000.
fn delay(detector: &AnyDetector, before: u32, stream: impl Fn(&mut Numbers, bool) -> f64) -> f64 {
    let delays: Vec<f64> = (0..300)
        .filter_map(|seed| {
            let mut numbers = Numbers(seed * 15_485_863 + 5);
            let length =
                run_length(detector.clone(), before + 20_000, &mut numbers, |numbers, index| {
                    stream(numbers, index >= before)
                });
            (length > before).then(|| f64::from(length - before))
        })
        .collect();
    assert!(delays.len() > 200, "too many alarms before the change");
    mean_and_bound(&delays).0
}

/// The delay is inside the range: some four standard errors around what was measured here, which
/// for `esr-normal` and `esr-conformal` agrees with a prototype's 1,500 runs in another language
/// (rising 248 and 48, either way 292 and 52, without a baseline 289 and 49).
fn expect(what: &str, found: f64, range: std::ops::Range<f64>) {
    println!("{what}: mean delay {found:.1}");
    assert!(range.contains(&found), "{what}: {found} not in {range:?}");
}

#[test]
fn slower_answers_are_found_as_fast_as_was_measured() {
    let latencies = quantiles(latency);
    for (name, direction, sorted, small, large) in [
        ("esr-normal", Direction::Rising, &latencies[..], 220.0..275.0, 44.0..53.0),
        ("esr-normal", Direction::Both, &latencies, 260.0..320.0, 47.0..57.0),
        ("esr-conformal", Direction::Rising, &[], 250.0..330.0, 44.0..55.0),
    ] {
        let detector = make(name, &Baseline { sorted, direction, ..Baseline::default() }, 10_000.0);
        for (scale, range) in [(1.1, small), (1.3, large)] {
            let found = delay(&detector, 2_000, |numbers, changed| {
                numbers.latency(if changed { scale } else { 1.0 })
            });
            expect(&format!("{name}, {direction:?}, latency times {scale}"), found, range);
        }
    }
}

#[test]
fn more_failures_are_found_without_a_baseline_as_fast_as_was_measured() {
    for (guess, small, large) in
        [(0.1, 420.0..620.0, 39.0..53.0), (0.2, 850.0..1_400.0, 58.0..78.0)]
    {
        let detector = make("esr-conformal-rate", &Null::AtMost(guess).into(), 10_000.0);
        for (rate, range) in [(0.15, small), (0.3, large)] {
            let found = delay(&detector, 2_000, |numbers, changed| {
                numbers.bernoulli(if changed { rate } else { 0.1 }).value()
            });
            expect(&format!("failures .10 to {rate}, guess {guess}"), found, range);
        }
    }
}

/// Calls of tools, counted.
fn calls(numbers: &mut Numbers, size: u32) -> [u64; 4] {
    let mut counts = [0; 4];
    for _ in 0..size {
        counts[category(numbers, &TOOLS)] += 1;
    }
    counts
}

#[test]
fn the_run_length_of_a_mix_holds_at_every_size_of_the_baseline() {
    for size in [0, 10, 300] {
        let detector = |numbers: &mut Numbers| {
            let counts = calls(numbers, size);
            let baseline = Baseline { counts: &counts, ..Baseline::default() };
            make("esr-conformal-mix", &baseline, THRESHOLD)
        };
        let stream = |numbers: &mut Numbers| category(numbers, &TOOLS) as f64;
        check(&format!("conformal mix after {size}"), THRESHOLD, detector, stream);
    }
}

#[test]
fn another_mix_of_tools_is_found() {
    let counts = calls(&mut Numbers(1), 2_000);
    let sampled = Baseline { counts: &counts, ..Baseline::default() };
    let known = Baseline { counts: &CALLS, ..Baseline::default() };
    let plain = make("esr-multinomial", &known, 10_000.0);
    let exact = make("esr-conformal-mix", &sampled, 10_000.0);
    for (after, range, exact_range) in [
        ([0.4, 0.3, 0.2, 0.1], 205.0..275.0, 260.0..560.0),
        ([0.3, 0.5, 0.15, 0.05], 90.0..122.0, 130.0..200.0),
        ([0.2, 0.2, 0.5, 0.1], 34.0..47.0, 32.0..52.0),
    ] {
        let stream = |numbers: &mut Numbers, changed: bool| {
            category(numbers, if changed { &after } else { &TOOLS }) as f64
        };
        expect(&format!("mix to {after:?}"), delay(&plain, 500, stream), range);
        expect(&format!("conformal mix to {after:?}"), delay(&exact, 0, stream), exact_range);
    }
}
