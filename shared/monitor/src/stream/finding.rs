//! What a comparison finds: direction, effect and its interval, since when, distances.

use drift::distance::{Entry, jensen_shannon, kolmogorov_smirnov, psi, wasserstein};
use drift::{Pooled, Table};

use super::mark::Mark;

/// Why there is no detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDetector {
    /// No version before, or it has no observation of the stream.
    Absent,
    /// Too few observations.
    TooSmall,
    /// The baseline fails (nearly) always, so that nothing can be worse.
    Saturated,
    /// Half of the baseline is zero, so that nothing is a share of its median.
    Zero,
    /// No hour of the week is known well enough yet.
    NoHour,
    /// The settings say so.
    Unwatched,
}

impl NoDetector {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Absent => "no detector: no baseline, the previous version has no observations",
            Self::TooSmall => "no detector: the baseline is too small",
            Self::Saturated => "no detector: the baseline leaves no room for worse",
            Self::Zero => "no detector: the median of the baseline is zero",
            Self::NoHour => "no detector yet: no hour of the week has enough observations",
            Self::Unwatched => "no detector: the settings do not watch this metric",
        }
    }
}

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Rising,
    Falling,
    /// There is no up and down.
    Either,
}

impl Direction {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Either => "both",
        }
    }
}

/// A category whose share changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Category {
    pub(super) name: String,
    /// Its share in the baseline, if the baseline tells it apart.
    pub(super) before: Option<f64>,
    /// Its share since the change.
    pub(super) after: f64,
}

/// Distances between the baseline and what was observed since the change: effect sizes for people
/// who know them. None decides anything, and there is no p-value with them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Distances {
    pub(super) psi: Option<f64>,
    pub(super) jensen_shannon: Option<f64>,
    pub(super) kolmogorov_smirnov: Option<f64>,
    pub(super) wasserstein: Option<f64>,
}

impl Distances {
    pub(super) fn of_table(table: &Table) -> Self {
        let of = |entry: &Entry| entry.compare_counts(table).map(|found| found.statistic.value);
        Self { psi: of(&psi::ENTRY), jensen_shannon: of(&jensen_shannon::ENTRY), ..Self::default() }
    }

    pub(super) fn of_values(pooled: &Pooled) -> Self {
        let of = |entry: &Entry| entry.compare(pooled).map(|found| found.statistic.value);
        Self {
            psi: of(&psi::ENTRY),
            jensen_shannon: None,
            kolmogorov_smirnov: of(&kolmogorov_smirnov::ENTRY),
            wasserstein: of(&wasserstein::ENTRY),
        }
    }
}

/// What is known about a change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    /// The rate, or the median, since the change.
    pub(super) observed: Option<f64>,
    /// Difference from the baseline: of rates, or of medians as a share of the baseline's.
    pub(super) effect: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) direction: Direction,
    /// First observation after the estimated change, and observations since.
    pub(super) since: Option<(Mark, u64)>,
    /// Of a mix, what changed most.
    pub(super) category: Option<Category>,
}

impl Finding {
    /// The effect in the direction of the change.
    pub(super) fn size(&self) -> f64 {
        let effect = self.effect.unwrap_or_default();
        match self.direction {
            Direction::Rising | Direction::Either => effect,
            Direction::Falling => -effect,
        }
    }
}
