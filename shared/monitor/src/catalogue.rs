//! The versions of metrics and detectors: those of this build, those in force in a partition, and
//! what of these the build computes.
//!
//! A `monitor.configured` event lists the metrics and detectors in force from its offset on, with
//! the version of each. Only a metric that is listed with the version this build has is computed.
//! So whoever computes an archive again gets what its records say, with every later release: a
//! metric that came later is not computed where it was not in force, and one that the build does
//! not have is named ([`crate::replay::NotCompared`]). Before the first such event
//! [`Versions::initial`] is in force.
//!
//! Outputs are numbered for each metric by itself (see [`crate::Output::ordinal`]), so that one
//! metric more or less changes no identifier of another's outputs.

use std::collections::BTreeMap;

use event::{Cell, Event, column};
use serde::{Deserialize, Serialize};

use crate::canary;
use crate::detector::DetectorVersion;
use crate::identity::bounded;
use crate::metric::{self, MetricSet, Model};
use crate::stream;

/// The first metrics of the list, which were there from the beginning.
const INITIAL_METRICS: usize = 16;
/// Names that an event can list; further ones are not in force.
const NAMES_MAX: usize = 256;

/// All detectors, by whom they are used.
fn detectors() -> impl Iterator<Item = &'static DetectorVersion> {
    stream::DETECTORS.iter().chain([&canary::DETECTOR])
}

/// Metrics and detectors by their names, with the version of each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Versions {
    /// Metrics, by their name in `metric.name`.
    pub metrics: BTreeMap<String, u32>,
    /// Detectors, by their name in `drift.detector`.
    pub detectors: BTreeMap<String, u32>,
}

impl Versions {
    /// What is in force before the first `monitor.configured`: the metrics and detectors of the
    /// first release that had versions. Never changed.
    #[must_use]
    pub fn initial() -> Self {
        let metrics = metric::ALL.iter().take(INITIAL_METRICS);
        Self {
            metrics: metrics.map(|metric| (metric.name.to_owned(), 1)).collect(),
            detectors: INITIAL_DETECTORS.map(|name| (name.to_owned(), 1)).into(),
        }
    }

    /// What a `monitor.configured` event lists, if it does.
    pub(crate) fn of(event: &Event<'_>) -> Option<Self> {
        let versions = |column| match event.get(column)? {
            Cell::Map(pairs) => {
                let pairs = pairs.iter().take(NAMES_MAX);
                let parsed = pairs.map(|(name, version)| {
                    Some((bounded(name).into_owned(), version.parse().ok()?))
                });
                parsed.collect::<Option<BTreeMap<String, u32>>>()
            }
            Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) | Cell::Text(_) => None,
            Cell::Bytes(_) | Cell::Time(_) | Cell::Texts(_) => None,
        };
        let metrics = versions(column::monitor::METRICS)?;
        Some(Self { metrics, detectors: versions(column::monitor::DETECTORS)? })
    }

    /// The maps `monitor.metrics` and `monitor.detectors` that list these.
    #[must_use]
    pub fn to_maps(&self) -> [BTreeMap<String, String>; 2] {
        [&self.metrics, &self.detectors].map(|versions| {
            versions.iter().map(|(name, version)| (name.clone(), version.to_string())).collect()
        })
    }

    /// Those that are in another as well, with the same version.
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

/// Names of [`Versions::initial`].
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

/// What a build computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    versions: Versions,
}

impl Default for Catalogue {
    /// Everything that this build has.
    fn default() -> Self {
        let metrics = metric::ALL.iter().map(|metric| (metric.name.to_owned(), metric.version));
        let detectors = detectors().map(|one| (one.name.to_owned(), one.version));
        Self { versions: Versions { metrics: metrics.collect(), detectors: detectors.collect() } }
    }
}

impl Catalogue {
    /// Everything but a metric or detector: what an earlier release was.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.versions.metrics.remove(name);
        self.versions.detectors.remove(name);
        self
    }

    /// The versions of what it computes.
    #[must_use]
    pub const fn versions(&self) -> &Versions {
        &self.versions
    }

    /// Whether a state that another build has made can be continued: no detector that it knew means
    /// something else here.
    pub(crate) fn continues(&self, detectors: &BTreeMap<String, u32>) -> bool {
        detectors.iter().all(|(name, version)| self.versions.detectors.get(name) == Some(version))
    }
}

/// What is in force in a partition, and what of it is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) versions: Versions,
    /// The metrics that are computed.
    pub(crate) metrics: MetricSet,
    /// What is in force and not computed.
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

    /// Whether a setting of a metric of that name makes sense: one that this build does not have may
    /// well be watched.
    pub(crate) fn can_be_set(&self, name: &str) -> bool {
        self.metrics.is_watched(name) || self.missing.metrics.contains_key(metric::name_of(name))
    }

    /// Names of the metrics that are computed.
    pub(crate) fn computed(&self) -> Vec<String> {
        let names = self.versions.metrics.keys();
        names.filter(|name| !self.missing.metrics.contains_key(*name)).cloned().collect()
    }
}

/// What is in force and not computed, with the version that is in force.
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

    /// Adds what another state is missing.
    pub(crate) fn add(&mut self, other: &Self) {
        self.metrics.extend(other.metrics.iter().map(|(name, version)| (name.clone(), *version)));
        let detectors = other.detectors.iter();
        self.detectors.extend(detectors.map(|(name, version)| (name.clone(), *version)));
    }

    /// The detector that is missing and may have tested a metric; one that nobody knows may have
    /// tested any.
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
