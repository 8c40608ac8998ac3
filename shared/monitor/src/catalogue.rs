//! The versions of metrics and detectors: those of this build, those in force in a partition, and
//! those that are computed.
//!
//! A `monitor.configured` event lists the metrics and detectors in force from its offset on, with
//! the version of each. A metric is computed only if it is listed with the version that this build
//! has. So a replay with any later release gives the outputs that belong to the records: a metric
//! that was added later is not computed where it was not in force, and one that the build does not
//! have is reported ([`crate::replay::NotCompared`]). Before the first such event
//! [`Versions::initial`] is in force.
//!
//! Outputs are numbered per metric (see [`crate::Output::ordinal`]), so adding or removing a metric
//! does not change the identifiers of other metrics' outputs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use event::{ColumnId, Event, column};
use serde::{Deserialize, Serialize};

use crate::canary;
use crate::detector::DetectorVersion;
use crate::identity::bounded;
use crate::metric::{self, MetricSet, Model};
use crate::stream;

/// Number of metrics of the first release: the first ones of the list.
const INITIAL_METRICS: usize = 16;
/// Those of them of which the second version was there: the others are of the first.
const INITIAL_SECOND: [&str; 4] =
    ["approval.override_rate", "run.error_rate", "tool.denied_rate", "tool.error_rate"];
/// Largest number of names that an event can list.
const NAMES_MAX: usize = 256;

/// All detectors: those of streams, and that of canaries.
fn detectors() -> impl Iterator<Item = &'static DetectorVersion> {
    stream::DETECTORS.iter().chain([&canary::DETECTOR])
}

/// Versions of metrics and detectors.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Versions {
    /// Versions of metrics, by their name in `metric.name`.
    pub metrics: BTreeMap<String, u32>,
    /// Versions of detectors, by their name in `drift.detector`.
    pub detectors: BTreeMap<String, u32>,
}

impl Versions {
    /// In force before the first `monitor.configured`: the metrics and detectors that the first
    /// release with this version of the computation had ([`crate::SEMANTICS`]). It changes only with
    /// that.
    #[must_use]
    pub fn initial() -> Self {
        let metrics = metric::ALL.iter().take(INITIAL_METRICS);
        Self {
            metrics: metrics
                .map(|metric| {
                    let is_second = INITIAL_SECOND.contains(&metric.name);
                    (metric.name.to_owned(), if is_second { 2 } else { 1 })
                })
                .collect(),
            detectors: INITIAL_DETECTORS.map(|name| (name.to_owned(), 1)).into(),
        }
    }

    /// The versions that a `monitor.configured` event lists; `None` if it lists none.
    ///
    /// # Errors
    ///
    /// Too many names, a version that is not a number, or metrics without detectors (or the other
    /// way round): what such an event means is unknown, so it has no effect.
    pub(crate) fn of(event: &Event<'_>) -> Result<Option<Self>, Unreadable> {
        let (metrics, detectors) =
            (event.map(column::monitor::METRICS), event.map(column::monitor::DETECTORS));
        let is_listed = |column: ColumnId| event.get(column).is_some();
        match (is_listed(column::monitor::METRICS.id()), is_listed(column::monitor::DETECTORS.id()))
        {
            (false, false) => Ok(None),
            (true, true) => {
                Ok(Some(Self { metrics: versions(metrics)?, detectors: versions(detectors)? }))
            }
            (true, false) | (false, true) => Err(Unreadable),
        }
    }

    /// The values of `monitor.metrics` and `monitor.detectors` that list these versions.
    #[must_use]
    pub fn to_maps(&self) -> [BTreeMap<String, String>; 2] {
        [&self.metrics, &self.detectors].map(|versions| {
            versions.iter().map(|(name, version)| (name.clone(), version.to_string())).collect()
        })
    }

    /// The entries that another one has too, with the same version.
    fn common(&self, other: &Self) -> Self {
        let both = |one: &BTreeMap<String, u32>, other: &BTreeMap<String, u32>| {
            let same = one.iter().filter(|(name, version)| other.get(*name) == Some(version));
            same.map(|(name, version)| (name.clone(), *version)).collect()
        };
        Self {
            metrics: both(&self.metrics, &other.metrics),
            detectors: both(&self.detectors, &other.detectors),
        }
    }
}

/// The lists of versions in an event are malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

fn versions(pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<BTreeMap<String, u32>, Unreadable> {
    if pairs.len() > NAMES_MAX {
        return Err(Unreadable);
    }
    let parsed = pairs.iter().map(|(name, version)| {
        let version = version.parse().map_err(|_| Unreadable)?;
        Ok((bounded(name).into_owned(), version))
    });
    parsed.collect()
}

/// The detectors of [`Versions::initial`].
const INITIAL_DETECTORS: [&str; 8] = [
    "canary",
    "esr-bounded",
    "esr-bounded by hour of week",
    "esr-bounded of ranks",
    "esr-bounded of ranks by hour of week",
    "esr-conformal-mix",
    "esr-multinomial-cautious",
    "esr-two-sample",
];

/// The metrics and detectors that a build computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    versions: Versions,
}

impl Default for Catalogue {
    /// All metrics and detectors of this build.
    fn default() -> Self {
        let metrics = metric::ALL.iter().map(|metric| (metric.name.to_owned(), metric.version));
        let detectors = detectors().map(|one| (one.name.to_owned(), one.version));
        Self { versions: Versions { metrics: metrics.collect(), detectors: detectors.collect() } }
    }
}

impl Catalogue {
    /// The catalogue without a metric or detector, as in an earlier release.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.versions.metrics.remove(name);
        self.versions.detectors.remove(name);
        self
    }

    /// The versions of the metrics and detectors.
    #[must_use]
    pub const fn versions(&self) -> &Versions {
        &self.versions
    }

    /// Whether a state with these detectors can be resumed: this build has each of them in the same
    /// version.
    pub(crate) fn continues(&self, detectors: &BTreeMap<String, u32>) -> bool {
        detectors.iter().all(|(name, version)| self.versions.detectors.get(name) == Some(version))
    }
}

/// The metrics and detectors in force in a partition, and which of them are computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) versions: Versions,
    /// The metrics that are computed.
    pub(crate) metrics: MetricSet,
    /// Those that are in force and not computed.
    pub(crate) missing: Missing,
}

impl InForce {
    pub(crate) fn new(versions: Versions, catalogue: &Catalogue) -> Self {
        let computed = versions.common(&catalogue.versions);
        let is_computed = |name: &str| computed.metrics.contains_key(name);
        let metrics = MetricSet::of(|metric| is_computed(metric.name));
        let missing = Missing::of(&versions, &computed);
        Self { versions, metrics, missing }
    }

    /// Whether a metric can have settings: it is watched, or this build does not have it and cannot
    /// know.
    pub(crate) fn can_be_set(&self, name: &str) -> bool {
        self.metrics.is_watched(name) || self.missing.metrics.contains_key(metric::name_of(name))
    }

    /// Names of the metrics that are computed.
    pub(crate) fn computed(&self) -> Vec<String> {
        let names = self.versions.metrics.keys();
        names.filter(|name| !self.missing.metrics.contains_key(*name)).cloned().collect()
    }
}

/// Metrics and detectors that are in force and not computed, with the version in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Missing {
    pub(crate) metrics: BTreeMap<String, u32>,
    pub(crate) detectors: BTreeMap<String, u32>,
}

impl Missing {
    fn of(versions: &Versions, computed: &Versions) -> Self {
        let left = |all: &BTreeMap<String, u32>, computed: &BTreeMap<String, u32>| {
            let left = all.iter().filter(|(name, _)| !computed.contains_key(*name));
            left.map(|(name, version)| (name.clone(), *version)).collect()
        };
        Self {
            metrics: left(&versions.metrics, &computed.metrics),
            detectors: left(&versions.detectors, &computed.detectors),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.metrics.is_empty() && self.detectors.is_empty()
    }

    /// Adds those of another state.
    pub(crate) fn add(&mut self, other: &Self) {
        self.metrics.extend(other.metrics.iter().map(|(name, version)| (name.clone(), *version)));
        let detectors = other.detectors.iter();
        self.detectors.extend(detectors.map(|(name, version)| (name.clone(), *version)));
    }

    /// A missing detector that may have tested a metric; an unknown detector may have tested any.
    pub(crate) fn detector_of(&self, metric: &str) -> Option<(&str, u32)> {
        let model = metric::watched(metric).map(|watch| watch.model);
        let tests = |name: &str, model: Model| {
            detectors().find(|one| one.name == name).is_none_or(|one| one.models.contains(&model))
        };
        let mut missing = self.detectors.iter();
        let found = missing.find(|(name, _)| model.is_some_and(|model| tests(name, model)))?;
        Some((found.0, *found.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_the_first_ones_are_there() {
        let versions = Catalogue::default().versions;
        assert_eq!(versions.metrics.len(), metric::ALL.len());
        assert_eq!(versions.detectors.len(), detectors().count());
        for name in INITIAL_DETECTORS {
            assert!(versions.detectors.contains_key(name), "{name}");
        }
        let initial = InForce::new(Versions::initial(), &Catalogue::default());
        assert!(initial.missing.is_empty());
    }

    #[test]
    fn what_is_not_there_is_missing_with_its_version() {
        let mut versions = Catalogue::default().versions;
        versions.metrics.insert("run.mood".to_owned(), 3);
        versions.metrics.insert("run.steps".to_owned(), 2);
        versions.detectors.insert("canary".to_owned(), 2);
        let in_force = InForce::new(versions, &Catalogue::default());
        let missing = &in_force.missing;
        let metrics: Vec<_> = missing.metrics.iter().map(|(name, v)| (name.as_str(), *v)).collect();
        assert_eq!(metrics, [("run.mood", 3), ("run.steps", 2)]);
        assert_eq!(missing.detector_of("run.cost_usd"), Some(("canary", 2)));
        assert_eq!(missing.detector_of("tool.mix"), None);
        assert!(!in_force.computed().contains(&"run.steps".to_owned()));
    }
}
