//! e-d-BH: the same as sorting, as seldom wrong as it says whatever the dependence, and sooner than
//! a threshold for each stream when many move together.

use drift::fleet::{EdBh, LEVELS, Level};
use drift::{EsrBounded, Null, StreamDetector};
use proptest::prelude::*;

use crate::guarantee::mean_and_bound;
use crate::numbers::Numbers;

/// The procedure as the paper has it: sort, and take the largest number that fits.
fn by_sorting(e_values: &[f64], threshold: f64) -> Vec<bool> {
    let mut sorted = e_values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let fits = |(k, e_value): (u8, &f64)| (e_value * f64::from(k) >= threshold).then_some(k);
    let largest = (1..=LEVELS).zip(&sorted).filter_map(fits).max();
    let rejected = |e_value: &f64| largest.is_some_and(|k| e_value * f64::from(k) >= threshold);
    e_values.iter().map(rejected).collect()
}

/// Streams whose levels are kept up to date.
struct Streams {
    threshold: f64,
    levels: Vec<Level>,
    together: EdBh,
}

impl Streams {
    fn new(streams: usize, threshold: f64) -> Self {
        Self { threshold, levels: vec![Level::NONE; streams], together: EdBh::default() }
    }

    fn set(&mut self, stream: usize, e_value: f64) {
        let to = Level::of(e_value, self.threshold);
        self.together.moved(self.levels[stream], to);
        self.levels[stream] = to;
    }

    fn rejected(&self) -> Vec<bool> {
        let rejected = self.together.rejected();
        let is = |level: &Level| rejected.is_some_and(|rejected| rejected.contains(*level));
        self.levels.iter().map(is).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn levels_reject_what_sorting_rejects(
        changes in prop::collection::vec((0_usize..40, 0.0..1.0_f64, 0_u32..3), 1..300),
    ) {
        let threshold = 1_000.0;
        let (mut e_values, mut streams) = (vec![0.0; 40], Streams::new(40, threshold));
        for (stream, share, scale) in changes {
            // Many near the levels, some exactly on one, some far off.
            let e_value = match scale {
                0 => threshold * share,
                1 => threshold / (1.0 + (share * 20.0).floor()),
                _ => threshold * share * share * share * 4.0,
            };
            e_values[stream] = e_value;
            streams.set(stream, e_value);
            let expected = by_sorting(&e_values, threshold);
            let count = expected.iter().filter(|rejected| **rejected).count() as u64;
            prop_assert_eq!(streams.rejected(), expected);
            let counted = streams.together.rejected().map_or(0, |rejected| rejected.streams);
            prop_assert_eq!(counted, count);
        }
    }
}

/// Forty streams of which the first `changed` fail more often; the last values of all are drawn
/// with one number for a group of `group` streams. Stops at the first rejection of an unchanged
/// stream, as bad a moment as there is, or after `length` values. The share of unchanged streams
/// among those rejected then, and how many values they have had.
fn share(seed: u64, changed: usize, group: usize, length: u32, threshold: f64) -> (f64, f64) {
    let mut numbers = Numbers(seed * 15_485_863 + 5);
    let mut streams = Streams::new(40, threshold);
    let mut detectors = vec![EsrBounded::new(Null::AtMost(0.1), threshold).unwrap(); 40];
    let unchanged = (40 - changed) as f64;
    for time in 1..=length {
        let mut uniform = 0.0;
        for (stream, detector) in detectors.iter_mut().enumerate() {
            if stream % group == 0 {
                uniform = numbers.uniform();
            }
            let rate = if stream < changed { 0.25 } else { 0.1 };
            detector.update((uniform < rate).into());
            streams.set(stream, detector.statistic());
        }
        let rejected = streams.rejected();
        let wrong = rejected[changed..].iter().filter(|rejected| **rejected).count() as f64;
        let all = rejected.iter().filter(|rejected| **rejected).count() as f64;
        if wrong > 0.0 || time == length {
            return (wrong / all.max(1.0), f64::from(time) * unchanged);
        }
    }
    (0.0, 0.0)
}

#[test]
fn the_share_of_false_ones_is_bounded_whatever_the_dependence() {
    let threshold = 2_000.0;
    let mut seen = 0.0;
    for (changed, group, length) in
        [(0, 1, 40), (0, 40, 40), (10, 1, 40), (10, 4, 40), (30, 40, 120)]
    {
        let runs: Vec<(f64, f64)> =
            (0..1_000).map(|seed| share(seed, changed, group, length, threshold)).collect();
        // Lower bound of what is left of the guarantee.
        let left: Vec<f64> = runs.iter().map(|(share, seen)| seen / threshold - share).collect();
        let (mean, bound) = mean_and_bound(&left);
        let wrong = runs.iter().map(|(share, _)| share).sum::<f64>() / runs.len() as f64;
        println!(
            "{changed} changed, groups of {group}: share {wrong:.4}, {mean:.4} below the bound"
        );
        assert!(bound >= 0.0, "{changed} changed, groups of {group}: {mean}, at least {bound}");
        seen += wrong;
    }
    assert!(seen > 0.0, "nothing was ever rejected wrongly: the test shows nothing");
}

/// Values until half of the changed streams are rejected: together, and each by itself.
fn delays(seed: u64, streams: usize, changed: usize, threshold: f64) -> (f64, f64) {
    let mut numbers = Numbers(seed * 32_452_867 + 9);
    let mut together = Streams::new(streams, threshold);
    let mut detectors = vec![EsrBounded::new(Null::AtMost(0.1), threshold).unwrap(); streams];
    let mut alone = vec![false; streams];
    let (mut first, mut second) = (None, None);
    for time in 1..=2_000 {
        for (stream, detector) in detectors.iter_mut().enumerate() {
            let rate = if stream < changed { 0.15 } else { 0.1 };
            detector.update(numbers.bernoulli(rate).into());
            together.set(stream, detector.statistic());
            alone[stream] |= detector.statistic() >= threshold;
        }
        let half = |rejected: &[bool]| {
            2 * rejected[..changed].iter().filter(|rejected| **rejected).count() >= changed
        };
        first = first.or_else(|| half(&together.rejected()).then_some(f64::from(time)));
        second = second.or_else(|| half(&alone).then_some(f64::from(time)));
        if let (Some(first), Some(second)) = (first, second) {
            return (first, second);
        }
    }
    (2_000.0, 2_000.0)
}

#[test]
fn streams_that_move_together_are_found_sooner() {
    for (changed, at_most) in [(1, 1.0), (20, 0.75)] {
        let runs: Vec<(f64, f64)> =
            (0..40).map(|seed| delays(seed, 60, changed, 10_000.0)).collect();
        let mean =
            |of: fn(&(f64, f64)) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
        let (together, alone) = (mean(|run| run.0), mean(|run| run.1));
        println!(
            "{changed} of 60 streams from .10 to .15: {together:.0} together, {alone:.0} alone"
        );
        assert!(together <= at_most * alone, "{changed}: {together} {alone}");
    }
}
