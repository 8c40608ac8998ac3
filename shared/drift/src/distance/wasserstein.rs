//! Wasserstein distance of order 1: the area between two distribution functions, in units of the
//! values.
//!
//! Kantorovich: *On the translocation of masses*, 1942; Vallender: *Calculation of the Wasserstein
//! distance between probability distributions on the line*, Theory of Probability and its
//! Applications 18, 1974. From samples it is exact, ties included. From sketches the bounds hold
//! for all values: moving every value by its slack moves the distance by no more than
//! the mean slack of each sample.
//!
//! **Threshold.** A tenth of the reference's standard deviation or, if it is larger, a bound for
//! equal distributions: `3.29 sqrt(1/n + 1/m)` times the area under `sqrt(F (1 - F))` of the pooled
//! distribution function `F`, which assumes that all differences have the same sign.

use super::comparison::{Bounded, Comparison, EFFECT_MIN, float};
use super::measure::{Entry, Measure};
use super::pooled::Pooled;

/// Normal quantile of 99.95 %.
const Z: f64 = 3.290_526_731_491_926;

/// Its entry in the list.
pub const ENTRY: Entry = Entry {
    name: "wasserstein",
    paper: "Vallender, Theory of Probability and its Applications 18, 1974",
    measure: Measure::Values(compare),
};

/// Standard deviation of the reference (of its population, `ddof = 0`).
#[must_use]
pub fn reference_deviation(pooled: &Pooled) -> f64 {
    let n = float(pooled.counts().0);
    let mean = |of: &dyn Fn(f64) -> f64| {
        let weighted = pooled.atoms().iter().map(|atom| float(atom.reference) * of(atom.value));
        weighted.sum::<f64>() / n
    };
    let middle = mean(&|value| value);
    mean(&|value| (value - middle) * (value - middle)).sqrt()
}

fn compare(pooled: &Pooled) -> Comparison {
    let (n, m) = (float(pooled.counts().0), float(pooled.counts().1));
    let (mut distance, mut spread, mut slack) = (0.0, 0.0, 0.0);
    let mut from = None;
    for (atom, reference, current) in pooled.passed() {
        if let Some(from) = from {
            let width = atom.value - from;
            let (f, g) = (float(reference) / n, float(current) / m);
            distance += (f - g).abs() * width;
            let both = (f * n + g * m) / (n + m);
            spread += (both * (1.0 - both)).max(0.0).sqrt() * width;
        }
        slack += atom.slack * (float(atom.reference) / n + float(atom.current) / m);
        from = Some(atom.value);
    }
    let chance = Z * pooled.harmonic().sqrt() * spread;
    Comparison {
        statistic: Bounded {
            value: distance,
            low: (distance - slack).max(0.0),
            high: distance + slack,
        },
        threshold: chance.max(EFFECT_MIN * reference_deviation(pooled)),
        p_value: None,
    }
}
