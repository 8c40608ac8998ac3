//! Many runs of one detector, each from a seed of its own, on all cores.
//!
//! A run is remembered as the times at which its statistic was higher than ever before. The first
//! alarm at every threshold can be read from them, so one set of runs serves to choose a threshold
//! and another to measure at it.

use drift::registry::AnyDetector;
use drift::{Finite, Observation, StreamDetector, Unit};

/// splitmix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        let mut numbers = Self(seed.wrapping_mul(0xd134_2543_de82_ef95));
        numbers.next();
        numbers
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Uniform in `(0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box, Muller 1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// What a value of a stream is drawn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Law {
    /// 1 with that probability, else 0.
    Rate(f64),
    /// Latency: log-normal with sigma 0.5 and that median.
    Latency(f64),
    /// Logarithm of such a latency.
    LogLatency(f64),
}

/// Sigma of the logarithm of latencies.
pub(crate) const SIGMA: f64 = 0.5;

impl Law {
    fn draw(self, numbers: &mut Numbers) -> f64 {
        match self {
            Self::Rate(mean) => f64::from(u8::from(numbers.uniform() < mean)),
            Self::Latency(median) => median * (SIGMA * numbers.normal()).exp(),
            Self::LogLatency(median) => median.ln() + SIGMA * numbers.normal(),
        }
    }

    /// A value, with a number that breaks ties.
    pub(crate) fn observe(self, numbers: &mut Numbers) -> Observation {
        let value = Finite::new(self.draw(numbers)).unwrap();
        Observation { value, tie: Unit::new(numbers.uniform()).unwrap() }
    }
}

/// A run: when the statistic was higher than ever before, and how high.
#[derive(Debug)]
pub(crate) struct Run {
    highs: Vec<(u32, f64)>,
    length: u32,
}

impl Run {
    /// Lets `detector` see `length` values, or as many as it takes to reach `stop`.
    pub(crate) fn of(
        detector: &mut AnyDetector,
        length: u32,
        stop: f64,
        mut value: impl FnMut(u32) -> Observation,
    ) -> Self {
        let (mut highs, mut high) = (Vec::new(), f64::NEG_INFINITY);
        for index in 0..length {
            detector.update(value(index));
            let statistic = detector.statistic();
            if statistic > high {
                high = statistic;
                highs.push((index + 1, high));
                if high >= stop {
                    break;
                }
            }
        }
        Self { highs, length }
    }

    /// The number of values up to and including the first alarm at that threshold.
    pub(crate) fn alarm(&self, threshold: f64) -> Option<u32> {
        let first = self.highs.partition_point(|(_, high)| *high < threshold);
        self.highs.get(first).map(|(at, _)| *at)
    }

    /// Whether there is an alarm within that many values.
    pub(crate) fn alarms_within(&self, threshold: f64, values: u32) -> bool {
        self.alarm(threshold).is_some_and(|at| at <= values)
    }
}

/// Does `work` for each seed, on all cores; results are in order of the seeds.
pub(crate) fn each<T: Send>(
    runs: u32,
    seed: u64,
    work: impl Fn(&mut Numbers) -> T + Sync,
) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u32;
    let part = |thread: u32| {
        let of_thread = (0..runs).filter(move |run| run % threads == thread);
        of_thread.map(|run| (run, work(&mut Numbers::new(seed << 32 | u64::from(run)))))
    };
    let part = &part;
    let mut results: Vec<(u32, T)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || part(thread).collect::<Vec<_>>()))
            .collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    results.sort_by_key(|(run, _)| *run);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A number with its 95 % confidence interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Average run length at that threshold: values seen per alarm, which is the maximum-likelihood
/// estimate where alarms come at a constant rate; runs that end without one count with their
/// length.
pub(crate) fn average_run_length(runs: &[Run], threshold: f64) -> Estimate {
    let alarms: Vec<Option<u32>> = runs.iter().map(|run| run.alarm(threshold)).collect();
    let seen: f64 =
        alarms.iter().zip(runs).map(|(at, run)| f64::from(at.unwrap_or(run.length))).sum();
    let count = alarms.iter().flatten().count() as f64;
    let spread = 1.96 * count.sqrt();
    let per = |alarms: f64| if alarms >= 1.0 { seen / alarms } else { f64::INFINITY };
    Estimate { value: per(count), low: per(count + spread), high: per(count - spread) }
}

/// The least threshold at which the average run length is at least `wanted`.
pub(crate) fn calibrated(runs: &[Run], wanted: f64) -> f64 {
    let mut highs: Vec<f64> = runs.iter().flat_map(|run| &run.highs).map(|high| high.1).collect();
    highs.sort_by(f64::total_cmp);
    highs.dedup();
    let low = highs.partition_point(|high| average_run_length(runs, *high).value < wanted);
    highs.get(low).copied().unwrap_or(f64::INFINITY)
}

/// The least threshold at which at most that share of runs alarms within so many values.
pub(crate) fn with_share(runs: &[&Run], share: f64, values: u32) -> f64 {
    let high =
        |run: &&Run| run.highs[..run.highs.partition_point(|h| h.0 <= values)].last().copied();
    let mut highest: Vec<f64> = runs.iter().filter_map(high).map(|(_, high)| high).collect();
    highest.sort_by(|a, b| b.total_cmp(a));
    let allowed = (share * runs.len() as f64) as usize;
    // Just above the first that must not alarm.
    highest.get(allowed).map_or(f64::INFINITY, |high| high.next_up())
}

/// Mean with its 95 % confidence interval by the normal approximation.
pub(crate) fn mean(samples: &[f64]) -> Estimate {
    let n = samples.len() as f64;
    let value = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0);
    let half = 1.96 * (variance / n).sqrt();
    Estimate { value, low: value - half, high: value + half }
}

/// The value that half of the samples do not exceed.
pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
