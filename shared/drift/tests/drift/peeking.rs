//! The canary under peeking: looked at after every observation, it is wrong as seldom as it says.

use drift::{Canary, Direction, Finite, Observation, Signal, StreamDetector};

use crate::numbers::Numbers;

/// What a canary said on the way.
struct Outcome {
    alarm: Option<u32>,
    missed: bool,
}

/// One experiment of `length` pairs, new version against old, at 5 %.
fn experiment(seed: u64, length: u32, old: f64, new: f64) -> Outcome {
    let mut canary = Canary::new(Direction::Rising, 20.0).unwrap();
    let mut numbers = Numbers(seed * 32_452_843 + 17);
    let mut outcome = Outcome { alarm: None, missed: false };
    for index in 0..length {
        let pair = (numbers.bernoulli(old).value(), numbers.bernoulli(new).value());
        let value = Finite::new(pair.1 - pair.0).unwrap();
        if canary.update(Observation::of(value)) == Signal::Drift {
            outcome.alarm = outcome.alarm.or(Some(index + 1));
        }
        let truth = new - old;
        let inside = canary.interval().is_some_and(|now| now.low < truth && truth < now.high);
        outcome.missed |= !inside;
    }
    outcome
}

/// Upper 99.9 % bound of a rate.
fn upper(count: usize, runs: u64) -> f64 {
    let confidence = drift::Confidence::new(0.999).unwrap();
    drift::interval::upper_bound(count as u64, runs, confidence).unwrap()
}

#[test]
fn equal_versions_alarm_in_at_most_five_percent_of_experiments() {
    for (rate, runs, length) in [(0.1, 2_500, 500), (0.5, 2_500, 300)] {
        let outcomes: Vec<Outcome> =
            (0..runs).map(|seed| experiment(seed, length, rate, rate)).collect();
        let alarms = outcomes.iter().filter(|outcome| outcome.alarm.is_some()).count();
        let missed = outcomes.iter().filter(|outcome| outcome.missed).count();
        println!("rate {rate}: {alarms} alarms, {missed} missed, of {runs}");
        assert!(upper(alarms, runs) <= 0.05, "{alarms} of {runs}");
        assert!(upper(missed, runs) <= 0.05, "{missed} of {runs}");
        // A test that never says anything would be no use either.
        assert!(alarms > 0);
    }
}

#[test]
fn a_worse_version_is_found_as_fast_as_was_measured() {
    // Measured with 800 runs: median 53.
    let mut found: Vec<u32> =
        (0..400).filter_map(|seed| experiment(seed, 400, 0.1, 0.3).alarm).collect();
    assert!(found.len() > 395, "{}", found.len());
    found.sort_unstable();
    let median = found[found.len() / 2];
    println!("from .10 to .30: median {median}");
    assert!((45..=60).contains(&median), "{median}");
}
