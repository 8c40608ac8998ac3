//! What the two-sample e-SR promises, by simulation with fixed seeds, and exact answers of
//! `testdata/generate_two_sample.py`.

use drift::{
    Baseline, Confidence, Direction, EsrBounded, EsrTwoSample, Null, Signal, StreamDetector, Unit,
    interval,
};
use serde_json::Value;

use crate::numbers::Numbers;

const RISING: Baseline<'static> =
    Baseline { null: None, direction: Direction::Rising, sorted: &[], counts: &[] };

fn counts(numbers: &mut Numbers, n: u64, mean: f64) -> [u64; 2] {
    let ones = (0..n).filter(|_| numbers.bernoulli(mean) == Unit::ONE).count() as u64;
    [n - ones, ones]
}

fn first_alarm(
    detector: &mut (impl StreamDetector + ?Sized),
    length: u32,
    mut value: impl FnMut() -> Unit,
) -> Option<u32> {
    (1..=length).find(|_| detector.update(value().into()) == Signal::Drift)
}

/// Run lengths, cut at `20 * a`, each against a baseline of its own.
fn run_lengths(
    n: u64,
    runs: u64,
    (a, r): (u32, f64),
    mut stream: impl FnMut(&mut Numbers) -> Unit,
) -> Vec<f64> {
    let lengths = (0..runs).map(|seed| {
        let mut numbers = Numbers(seed * 6_364_136_223 + n);
        let mut sorted: Vec<f64> = (0..n).map(|_| stream(&mut numbers).value()).collect();
        sorted.sort_by(f64::total_cmp);
        let baseline = Baseline { sorted: &sorted, ..RISING };
        let detector = EsrTwoSample::new(&baseline, f64::from(a)).unwrap();
        let length = 20 * a;
        let mut detector = detector.with_head_start(r).unwrap();
        let alarm = first_alarm(&mut detector, length, || stream(&mut numbers));
        f64::from(alarm.unwrap_or(length))
    });
    lengths.collect()
}

/// Guarantee 3: for this stream against a baseline of its own kind, the average run length is at
/// least `A` by its lower 99.9 % confidence bound, and alarms within `t` values are no more
/// frequent than `(t + r) / (A + r)`, unlucky baselines included.
fn check(what: &str, n: u64, stream: impl FnMut(&mut Numbers) -> Unit) {
    let (a, r) = (100.0, 5.0);
    let lengths = run_lengths(n, 1_500, (100, r), stream);
    let runs = lengths.len() as f64;
    let mean = lengths.iter().sum::<f64>() / runs;
    let variance = lengths.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (runs - 1.0);
    let bound = mean - 3.29 * (variance / runs).sqrt();
    assert!(bound >= a, "{what}, {n}: mean {mean}, at least {bound}");
    for t in [5.0, 20.0, 50.0, 80.0] {
        let alarms = lengths.iter().filter(|length| **length <= t).count() as f64 / runs;
        let most: f64 = (t + r) / (a + r);
        assert!(alarms <= most, "{what}, {n}: {alarms} of {t} values, at most {most}");
    }
}

#[test]
fn the_run_length_holds_for_each_rate_and_short_baselines() {
    for mean in [0.02, 0.1, 0.2, 0.3, 0.412, 0.5, 0.6, 0.7, 0.8] {
        for n in [20, 200] {
            check(&format!("rate {mean}"), n, |numbers| numbers.bernoulli(mean));
        }
    }
    check("rate 0.3", 1_000, |numbers| numbers.bernoulli(0.3));
}

#[test]
fn the_run_length_holds_for_values_between_zero_and_one() {
    for mean in [0.1, 0.4] {
        check(&format!("beta of mean {mean}"), 100, |numbers| numbers.beta(mean));
    }
}

#[test]
fn the_run_length_holds_where_the_bound_is_tightest() {
    // At high rates the average run length is hardly more than A; more runs, same bound.
    let lengths = run_lengths(200, 6_000, (100, 0.0), |numbers| numbers.bernoulli(0.95));
    let mean = lengths.iter().sum::<f64>() / 6_000.0;
    assert!((100.0..110.0).contains(&mean), "{mean}");
}

/// Share of changed streams that are found within 400 values, and of unchanged ones that are.
fn found(n: u64, after: f64, mut make: impl FnMut([u64; 2]) -> Box<dyn StreamDetector>) -> f64 {
    let runs = 600;
    let alarms = (0..runs).filter(|seed| {
        let mut numbers = Numbers(seed * 15_485_863 + 11);
        let mut detector = make(counts(&mut numbers, n, 0.412));
        first_alarm(&mut *detector, 400, || numbers.bernoulli(after)).is_some()
    });
    alarms.count() as f64 / runs as f64
}

#[test]
fn small_shifts_on_short_baselines_are_found_twice_as_often_as_with_a_pinned_bound() {
    // 400 trials of a version failing at 0.412, then 400 of one failing at 0.495.
    let two_sample = |counts: [u64; 2]| -> Box<dyn StreamDetector> {
        Box::new(EsrTwoSample::new(&Baseline { counts: &counts, ..RISING }, 10_000.0).unwrap())
    };
    let pinned = |[zeros, ones]: [u64; 2]| -> Box<dyn StreamDetector> {
        let level = Confidence::new(0.95).unwrap();
        let bound = interval::upper_bound(ones, zeros + ones, level).unwrap();
        Box::new(EsrBounded::new(Null::AtMost(bound), 10_000.0).unwrap())
    };
    let (new, old) = (found(400, 0.495, two_sample), found(400, 0.495, pinned));
    assert!((0.52..0.64).contains(&new) && old < 0.3, "{new} {old}");
    let false_alarms = found(400, 0.412, two_sample);
    assert!(false_alarms <= 0.086, "{false_alarms}");
}

#[test]
fn the_two_sample_detector_repeats_exact_arithmetic() {
    let document: Value =
        serde_json::from_str(include_str!("../../testdata/two_sample.json")).unwrap();
    let mut alarms = 0;
    for case in document["cases"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let counts = [case["zeros"].as_u64().unwrap(), case["ones"].as_u64().unwrap()];
        let direction = match case["direction"].as_str().unwrap() {
            "rising" => Direction::Rising,
            "falling" => Direction::Falling,
            "both" => Direction::Both,
            other => panic!("{other}"),
        };
        let baseline = Baseline { direction, counts: &counts, ..Baseline::default() };
        let detector = EsrTwoSample::new(&baseline, number("threshold")).unwrap();
        let mut detector = detector.with_head_start(number("head_start")).unwrap();
        let mut found = Vec::new();
        for (index, bit) in (1_u64..).zip(case["bits"].as_str().unwrap().bytes()) {
            if detector.update((bit == b'1').into()) == Signal::Drift {
                found.push(index);
                detector.reset();
            }
        }
        let expected = case["alarms"].as_array().unwrap();
        let expected: Vec<u64> = expected.iter().map(|alarm| alarm.as_u64().unwrap()).collect();
        assert_eq!(found, expected, "{counts:?} {direction:?}");
        let (statistic, exact) = (detector.statistic(), number("statistic"));
        assert!((statistic - exact).abs() <= 1e-11 * (1.0 + exact), "{statistic} {exact}");
        alarms += found.len();
    }
    assert!(alarms > 20, "{alarms}");
}
