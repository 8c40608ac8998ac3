//! Which registered detector is measured on which streams, and how it gets its threshold.

use drift::registry::{AnyDetector, AnyEntry};
use drift::{Baseline, Direction, Null};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::simulate::{Law, SIGMA};

/// Average run length that every table is about.
pub(crate) const RUN_LENGTH: f64 = 10_000.0;

/// Kinds of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rate,
    Latency,
}

/// How a detector is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) kinds: &'static [Kind],
    /// It is measured at the threshold that is its guaranteed average run length, and its
    /// statistic then depends on that threshold. Else its threshold is found by simulation.
    pub(crate) guaranteed: bool,
    /// It sees logarithms of latencies: it adds values up, and a logarithm has lighter tails.
    pub(crate) logarithm: bool,
    /// It learns what is normal from the stream, and is shown the baseline before it.
    pub(crate) learns: bool,
}

const RATE: &[Kind] = &[Kind::Rate];
const LATENCY: &[Kind] = &[Kind::Latency];
const BOTH: &[Kind] = &[Kind::Rate, Kind::Latency];

const PINNED: Plan = Plan { kinds: RATE, guaranteed: true, logarithm: false, learns: false };
const CLASSICAL: Plan = Plan { kinds: BOTH, guaranteed: false, logarithm: true, learns: true };

/// By name. A detector without a line is measured as if it had no guarantee, on both.
const PLANS: &[(&str, Plan)] = &[
    ("adwin", CLASSICAL),
    // It compares two versions run side by side, not a stream with its past.
    ("canary", Plan { kinds: &[], ..PINNED }),
    ("ddm", Plan { kinds: RATE, ..CLASSICAL }),
    ("eddm", Plan { kinds: RATE, ..CLASSICAL }),
    ("esr-bounded", PINNED),
    ("esr-conformal", Plan { kinds: BOTH, learns: true, ..PINNED }),
    ("esr-conformal-mix", Plan { learns: true, ..PINNED }),
    ("esr-conformal-rate", Plan { learns: true, ..PINNED }),
    ("esr-multinomial", PINNED),
    ("esr-multinomial-cautious", PINNED),
    ("esr-normal", Plan { kinds: LATENCY, ..PINNED }),
    ("esr-normal-cautious", Plan { kinds: LATENCY, ..PINNED }),
    ("esr-two-sample", PINNED),
    ("kswin", CLASSICAL),
    ("page-hinkley", CLASSICAL),
];

impl Plan {
    pub(crate) fn of(entry: AnyEntry) -> Self {
        let found = PLANS.iter().find(|(name, _)| *name == entry.name());
        found.map_or(CLASSICAL, |(_, plan)| *plan)
    }

    /// The stream of that kind whose rate or median is `level`, as this detector sees it.
    pub(crate) const fn law(&self, kind: Kind, level: f64) -> Law {
        match (kind, self.logarithm) {
            (Kind::Rate, _) => Law::Rate(level),
            (Kind::Latency, false) => Law::Latency(level),
            (Kind::Latency, true) => Law::LogLatency(level),
        }
    }

    /// The threshold a detector is made with: one it never reaches, unless it has a guarantee.
    pub(crate) const fn made_with(&self) -> f64 {
        if self.guaranteed { RUN_LENGTH } else { 1e300 }
    }
}

/// What is known of normal streams in the tables with a long baseline: 10,000 values.
#[derive(Debug)]
pub(crate) struct Known {
    kind: Kind,
    rate: f64,
    sorted: Vec<f64>,
    counts: [u64; 2],
}

impl Known {
    pub(crate) fn new(kind: Kind, rate: f64) -> Self {
        let n = 10_000_u32;
        let ones = (rate * f64::from(n)).round() as u64;
        let normal = Normal::standard();
        let quantile = |i: u32| {
            let probability = (f64::from(i) + 0.5) / f64::from(n);
            match kind {
                Kind::Rate => f64::from(u8::from(probability > 1.0 - rate)),
                Kind::Latency => (SIGMA * normal.inverse_cdf(probability)).exp(),
            }
        };
        let sorted = (0..n).map(quantile).collect();
        Self { kind, rate, sorted, counts: [u64::from(n) - ones, ones] }
    }

    /// The detector, or nothing where this baseline has not what it needs.
    pub(crate) fn make(&self, entry: AnyEntry, plan: &Plan) -> Option<AnyDetector> {
        let baseline = Baseline {
            null: (self.kind == Kind::Rate).then_some(Null::AtMost(self.rate)),
            direction: Direction::Rising,
            sorted: &self.sorted,
            counts: &self.counts,
        };
        entry.make(&baseline, plan.made_with()).ok()
    }
}
