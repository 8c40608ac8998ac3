//! The finding of a comparison: direction, effect with interval, time of the change, distances.

use drift::distance::{Entry, jensen_shannon, kolmogorov_smirnov, psi, wasserstein};
use drift::{NullError, Pooled, Table};
use event::{EventBuilder, Timestamp, column};

use super::mark::Mark;
use crate::number::int;

/// Why a stream has no detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDetector {
    /// There is no previous version, or it has no observations of the stream.
    Absent,
    /// Too few observations.
    TooSmall,
    /// (Nearly) all observations of the baseline are failures, so that nothing can be worse.
    Saturated,
    /// The median of the baseline is zero, so that there is no relative change.
    Zero,
    /// No hour of the week has enough observations yet.
    NoHour,
    /// The settings disable it.
    Unwatched,
}

impl NoDetector {
    /// Why a detector refuses a baseline. Its other parameters were validated as settings.
    pub(super) fn of(error: NullError) -> Self {
        match error {
            NullError::Bound(_) | NullError::Order(..) => Self::Saturated,
            NullError::Missing(_) => Self::Absent,
            NullError::TooSmall(_) => Self::TooSmall,
            NullError::Threshold(_)
            | NullError::HeadStart(_)
            | NullError::Setting(..)
            | NullError::Malformed(_)
            | NullError::Miss(_) => unreachable!("{error}"),
        }
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Absent => {
                "no detector: there is no baseline, because the previous version has no observations"
            }
            Self::TooSmall => "no detector: the baseline is too small",
            Self::Saturated => "no detector: the baseline leaves no room for worse",
            Self::Zero => "no detector: the median of the baseline is zero",
            Self::NoHour => "no detector yet: no hour of the week has enough observations",
            Self::Unwatched => "no detector: the settings do not watch this metric",
        }
    }
}

/// Direction of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Rising,
    Falling,
    /// The observations have no order.
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
    /// Its share in the baseline; `None` if it is not known there.
    pub(super) before: Option<f64>,
    /// Its share since the change.
    pub(super) after: f64,
}

/// Distances between the baseline and the observations since the change: effect sizes for people
/// who know them. They decide nothing, and have no p-value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Distances {
    pub(super) psi: Option<f64>,
    pub(super) jensen_shannon: Option<f64>,
    pub(super) kolmogorov_smirnov: Option<f64>,
    pub(super) wasserstein: Option<f64>,
}

impl Distances {
    /// Sets the fields of an alert.
    pub(super) fn fill(self, builder: EventBuilder) -> EventBuilder {
        builder
            .set_some(column::drift::PSI, self.psi)
            .set_some(column::drift::JENSEN_SHANNON, self.jensen_shannon)
            .set_some(column::drift::KOLMOGOROV_SMIRNOV, self.kolmogorov_smirnov)
            .set_some(column::drift::WASSERSTEIN, self.wasserstein)
    }

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

/// A finding.
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
    /// For a mix, the category that changed most.
    pub(super) category: Option<Category>,
}

impl Finding {
    /// Sets the fields of an alert.
    pub(super) fn fill(&self, builder: EventBuilder) -> EventBuilder {
        let category = self.category.as_ref();
        let since = self.since.as_ref();
        let time = since.map(|(mark, _)| Timestamp::from_micros(mark.time));
        builder
            .set(column::drift::DIRECTION, self.direction.name())
            .set_some(column::drift::OBSERVED, self.observed)
            .set_some(column::drift::EFFECT, self.effect)
            .set_some(column::drift::EFFECT_LOW, self.low)
            .set_some(column::drift::EFFECT_HIGH, self.high)
            .set_some(column::drift::CATEGORY, category.map(|category| category.name.as_str()))
            .set_some(column::drift::CATEGORY_BEFORE, category.and_then(|found| found.before))
            .set_some(column::drift::CATEGORY_AFTER, category.map(|category| category.after))
            .set_some(column::drift::SINCE_TIME, time)
            .set_some(column::drift::SINCE_OFFSET, since.map(|(mark, _)| mark.offset))
            .set_some(column::drift::SINCE_OBSERVATIONS, since.map(|(_, count)| int(*count)))
    }

    /// The effect in the direction of the change; 0 without observations.
    pub(super) fn size(&self) -> f64 {
        let effect = self.effect.unwrap_or_default();
        match self.direction {
            Direction::Rising | Direction::Either => effect,
            Direction::Falling => -effect,
        }
    }
}
