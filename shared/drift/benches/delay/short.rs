//! Short baselines: a version of a few hundred trials, then the next one, which is worse from its
//! first trial, or not at all.

use drift::registry::{self, AnyDetector, AnyEntry};
use drift::{
    Baseline, Confidence, Detector, Direction, EsrBounded, EsrTwoSample, Null, StreamDetector,
    interval,
};

use crate::Effort;
use crate::plans::{Kind, Known, Plan, RUN_LENGTH};
use crate::simulate::{Estimate, Law, Numbers, Run, calibrated, each, mean, with_share};
use crate::table::{Cell, Table};

/// A row of the tables.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    TwoSample,
    /// Without weight on the deployment.
    TwoSampleAnytime,
    /// A bound that the true rate exceeds in 5 % of all baselines.
    UpperBound,
    /// The baseline's rate as if it were the true one: guarantees nothing.
    PlugIn,
    /// Sees the baseline first.
    Learning(AnyEntry),
}

impl Method {
    fn name(self) -> String {
        match self {
            Self::TwoSample => "esr-two-sample".to_owned(),
            Self::TwoSampleAnytime => "esr-two-sample, head start 0".to_owned(),
            Self::UpperBound => "esr-bounded, 95 % upper bound".to_owned(),
            Self::PlugIn => "esr-bounded, bound = baseline's rate".to_owned(),
            Self::Learning(entry) => entry.name().to_owned(),
        }
    }

    /// The detector after `n` values at that rate, and how many of them were 1.
    fn make(self, n: u32, rate: f64, numbers: &mut Numbers) -> (AnyDetector, u32) {
        let law = Law::Rate(rate);
        let values: Vec<_> = (0..n).map(|_| law.observe(numbers)).collect();
        let ones = values.iter().filter(|seen| seen.value.value() > 0.5).count() as u32;
        let counts = [u64::from(n - ones), u64::from(ones)];
        let baseline =
            Baseline { direction: Direction::Rising, counts: &counts, ..Baseline::default() };
        let two_sample = || EsrTwoSample::new(&baseline, RUN_LENGTH).unwrap();
        let bounded = |bound: f64| -> AnyDetector {
            Detector::EsrBounded(EsrBounded::new(bound_of(bound), RUN_LENGTH).unwrap()).into()
        };
        let detector = match self {
            Self::TwoSample => Detector::EsrTwoSample(two_sample()).into(),
            Self::TwoSampleAnytime => {
                Detector::EsrTwoSample(two_sample().with_head_start(0.0).unwrap()).into()
            }
            Self::UpperBound => {
                let level = Confidence::new(0.95).unwrap();
                let bound = interval::upper_bound(ones.into(), n.into(), level);
                bounded(bound.unwrap_or(1.0))
            }
            Self::PlugIn => bounded(f64::from(ones) / f64::from(n)),
            Self::Learning(entry) => {
                let threshold = Plan::of(entry).made_with();
                let guess = bound_of(f64::from(ones) / f64::from(n));
                let mut detector = entry.make(&guess.into(), threshold).unwrap();
                for value in values {
                    detector.update(value);
                }
                detector
            }
        };
        (detector, ones)
    }
}

/// A rate as the mean that is still normal; the detectors that learn take it as a first guess.
const fn bound_of(rate: f64) -> Null {
    Null::AtMost(rate.clamp(1e-6, 1.0 - 1e-6))
}

fn methods() -> Vec<Method> {
    let mut methods =
        vec![Method::TwoSample, Method::TwoSampleAnytime, Method::UpperBound, Method::PlugIn];
    let learning = registry::every().filter(|entry| {
        let plan = Plan::of(*entry);
        plan.learns && entry.make(&bound_of(0.5).into(), plan.made_with()).is_ok()
    });
    methods.extend(learning.map(Method::Learning));
    methods
}

/// Runs over a rate, each against a baseline of its own; with the baselines' ones.
fn runs(
    method: Method,
    n: u32,
    rates: (f64, f64),
    (count, length): (u32, u32),
    seed: u64,
) -> Vec<(Run, u32)> {
    each(count, seed, |numbers| {
        let (mut detector, ones) = method.make(n, rates.0, numbers);
        let law = Law::Rate(rates.1);
        (Run::of(&mut detector, length, f64::INFINITY, |_| law.observe(numbers)), ones)
    })
}

/// Share of those runs that alarm within so many values.
fn share(runs: &[&Run], threshold: f64, values: u32) -> f64 {
    let alarms = runs.iter().filter(|run| run.alarms_within(threshold, values)).count();
    alarms as f64 / runs.len() as f64
}

/// The methods and their thresholds at that rate; those of the learning ones from long streams.
pub(crate) fn thresholds(rate: f64, effort: Effort) -> Vec<(Method, f64)> {
    let known = Known::new(Kind::Rate, rate);
    let threshold = |method: &Method| match method {
        Method::TwoSample | Method::TwoSampleAnytime | Method::UpperBound | Method::PlugIn => {
            RUN_LENGTH
        }
        Method::Learning(entry) => {
            let Some(detector) = known.make(*entry, &Plan::of(*entry)) else {
                return f64::INFINITY;
            };
            let unchanged = each(effort.null_runs, 11, |numbers| {
                let (mut detector, law) = (detector.clone(), Law::Rate(rate));
                let length = effort.null_values;
                Run::of(&mut detector, length, f64::INFINITY, |_| law.observe(numbers))
            });
            calibrated(&unchanged, RUN_LENGTH)
        }
    };
    let methods = methods();
    let thresholds: Vec<f64> = methods.iter().map(threshold).collect();
    methods.into_iter().zip(thresholds).collect()
}

/// Detection within so many trials, from one rate to another.
pub(crate) fn detection(
    (before, after, within): (f64, f64, u32),
    sizes: &[u32],
    methods: &[(Method, f64)],
    effort: Effort,
) -> Table {
    let mut rows = Vec::new();
    for (seed, n) in (20_u64..).step_by(2).zip(sizes) {
        let mut wanted = 0.0;
        for (method, threshold) in methods {
            let size = (effort.short_runs, within);
            let same = runs(*method, *n, (before, before), size, seed);
            let changed = runs(*method, *n, (before, after), size, seed + 1);
            let same: Vec<&Run> = same.iter().map(|(run, _)| run).collect();
            let changed: Vec<&Run> = changed.iter().map(|(run, _)| run).collect();
            let false_alarms = share(&same, *threshold, within);
            if matches!(method, Method::TwoSample) {
                wanted = false_alarms;
            }
            let level = with_share(&same, wanted, within);
            let alarms = changed.iter().filter_map(|run| run.alarm(*threshold));
            let delays: Vec<f64> = alarms.map(f64::from).collect();
            rows.push(vec![
                Cell::Number((*n).into(), 0),
                Cell::Text(method.name()),
                Cell::Number(100.0 * false_alarms, 1),
                Cell::Number(100.0 * share(&changed, *threshold, within), 1),
                if delays.len() > 1 { Cell::Estimate(mean(&delays)) } else { Cell::Nothing },
                Cell::Number(100.0 * share(&changed, level, within), 1),
            ]);
        }
    }
    let columns = [
        "baseline",
        "detector",
        "false alarms %",
        "found %",
        "mean delay if found",
        "found % at esr-two-sample's false alarms",
    ];
    Table {
        title: format!(
            "Short baselines: {before} to {after} from the first trial, within {within}"
        ),
        note: "At A = 10,000; detectors without a guarantee at the threshold with that average run \
               length at this rate, shown the baseline first. The last column gives every detector \
               the threshold at which it has as many false alarms as esr-two-sample.",
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    }
}

/// False alarms of unchanged versions, over all baselines and over the unlucky ones.
pub(crate) fn false_alarms(rate: f64, sizes: &[u32], effort: Effort) -> Table {
    let checkpoints = [400, 2_000, 10_000];
    let mut rows = Vec::new();
    for (seed, n) in (60_u64..).zip(sizes) {
        for method in
            [Method::TwoSample, Method::TwoSampleAnytime, Method::UpperBound, Method::PlugIn]
        {
            let mut runs = runs(method, *n, (rate, rate), (effort.null_short_runs, 10_000), seed);
            // The twentieth of baselines with the fewest ones makes normal look worst.
            runs.sort_by_key(|(_, ones)| *ones);
            let all: Vec<&Run> = runs.iter().map(|(run, _)| run).collect();
            let unlucky = &all[..all.len() / 20];
            let mut row = vec![Cell::Number((*n).into(), 0), Cell::Text(method.name())];
            for runs in [&all[..], unlucky] {
                row.extend(
                    checkpoints
                        .map(|values| Cell::Number(100.0 * share(runs, RUN_LENGTH, values), 1)),
                );
            }
            rows.push(row);
        }
    }
    for (name, r) in [("esr-two-sample, at most", 500.0), ("head start 0, at most", 0.0)] {
        let mut row = vec![Cell::Text("any".to_owned()), Cell::Text(name.to_owned())];
        row.extend(
            checkpoints.map(|t| Cell::Number(100.0 * (f64::from(t) + r) / (RUN_LENGTH + r), 1)),
        );
        row.extend(checkpoints.map(|_| Cell::Nothing));
        rows.push(row);
    }
    let mut columns = vec!["baseline".to_owned(), "detector".to_owned()];
    for of in ["% by", "unlucky: % by"] {
        columns.extend(checkpoints.map(|values| format!("{of} {values}")));
    }
    Table {
        title: format!("Short baselines: unchanged versions at {rate} that alarm at A = 10,000"),
        note: "Unlucky: the twentieth of the baselines with the lowest rates.",
        columns,
        rows,
    }
}

/// Average run lengths at a small threshold, rate by rate.
pub(crate) fn run_lengths(sizes: &[u32], effort: Effort) -> Table {
    let (a, cut) = (1_000.0, 50_000);
    let rates = [0.02, 0.1, 0.3, 0.5, 0.8, 0.95];
    let mut rows = Vec::new();
    for (seed, n) in (80_u64..).zip(sizes) {
        let mut row = vec![Cell::Number((*n).into(), 0)];
        for rate in rates {
            let lengths: Vec<f64> = each(effort.null_short_runs, seed, |numbers| {
                let law = Law::Rate(rate);
                let ones = (0..*n).filter(|_| numbers.uniform() < rate).count() as u64;
                let counts = [u64::from(*n) - ones, ones];
                let baseline = Baseline {
                    direction: Direction::Rising,
                    counts: &counts,
                    ..Baseline::default()
                };
                let mut detector = EsrTwoSample::new(&baseline, a).unwrap();
                let alarm = (1..=cut).find(|_| {
                    detector.update(law.observe(numbers));
                    detector.statistic() >= a
                });
                f64::from(alarm.unwrap_or(cut))
            });
            let estimate: Estimate = mean(&lengths);
            row.push(Cell::Estimate(estimate));
        }
        rows.push(row);
    }
    let mut columns = vec!["baseline".to_owned()];
    columns.extend(rates.map(|rate| format!("rate {rate}")));
    Table {
        title: "Short baselines: average run length of esr-two-sample at A = 1,000".to_owned(),
        note: "Over baselines and streams, runs cut at 50,000 values; guaranteed 1,000.",
        columns,
        rows,
    }
}
