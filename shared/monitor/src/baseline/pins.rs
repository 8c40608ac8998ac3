//! The baselines of an agent that outlive a version.

use serde::{Deserialize, Serialize};

use super::per_channel::PerChannel;
use super::weeks::Weeks;
use crate::metric_settings::BaselineKind;
use crate::policy::Policy;
use crate::stream::{Basis, Expected, History, Reference, Shared, Source, Value};

/// What caused a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum By {
    /// The setting `pinned`.
    Setting,
    /// An event that names no metric.
    Agent,
    /// An event that names the metric.
    Metric,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) at: i64,
    pub(crate) by: By,
    pub(crate) version: String,
    pub(crate) history: History,
}

/// The baselines of an agent that outlive a version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Baselines {
    pub(crate) pins: PerChannel<Pin>,
    weeks: PerChannel<Weeks>,
}

impl Baselines {
    /// The baseline in force for a stream of any version.
    pub(crate) fn basis(&self, policy: &Policy, place: u8, suite: &str) -> Basis {
        if !policy.watched {
            return Basis { kind: None, pinned_at: None };
        }
        let pin = self.pins.get(place, suite).filter(|pin| match policy.baseline {
            BaselineKind::Pinned => true,
            BaselineKind::Previous => pin.by != By::Setting,
            BaselineKind::Rolling => pin.by == By::Metric,
        });
        let kind = match (pin, policy.baseline) {
            (Some(_), _) => BaselineKind::Pinned,
            (None, BaselineKind::Rolling) => BaselineKind::Rolling,
            (None, BaselineKind::Previous | BaselineKind::Pinned) => BaselineKind::Previous,
        };
        Basis { kind: Some(kind), pinned_at: pin.map(|pin| pin.at) }
    }

    /// The reference of a stream; `previous` gives the version and history of an earlier version,
    /// if that is its baseline.
    pub(crate) fn reference(
        &self,
        basis: Basis,
        (place, suite): (u8, &str),
        policy: &Policy,
        time: i64,
        previous: impl FnOnce() -> (Option<String>, History),
    ) -> Reference {
        let (version, source) = match (basis.kind, self.pins.get(place, suite)) {
            (None, _) => (None, Source::Unwatched),
            (Some(BaselineKind::Pinned), Some(pin)) => {
                (Some(pin.version.clone()), Source::Frozen(pin.history.clone()))
            }
            (Some(BaselineKind::Rolling), _) => {
                let weeks = self.weeks.get(place, suite);
                let none = Weeks::default();
                (None, Source::Rolling(weeks.unwrap_or(&none).summary(time, policy)))
            }
            (Some(BaselineKind::Previous), _) | (Some(BaselineKind::Pinned), None) => {
                let (version, history) = previous();
                (version, Source::Frozen(history))
            }
        };
        Reference { basis, version, source }
    }

    /// Removes everything about some metrics, by their places.
    pub(crate) fn forget_metrics(&mut self, is_left: impl Fn(u8) -> bool) {
        self.pins.keep(|place| !is_left(place));
        self.weeks.keep(|place| !is_left(place));
    }

    /// Whether the weeks before are used, or were until now.
    fn has_weeks(&self, policy: &Policy) -> bool {
        policy.baseline == BaselineKind::Rolling || !self.weeks.is_empty()
    }

    /// What the weeks before predict for an observation.
    pub(crate) fn expected(
        &mut self,
        (place, suite): (u8, &str),
        (value, time): (Value<'_>, i64),
        policy: &Policy,
    ) -> Option<Expected> {
        if !self.has_weeks(policy) {
            return None;
        }
        self.weeks.get_mut(place, suite)?.expected(value, time, policy)
    }

    /// Records an observation for the weeks to come; removes the weeks if the settings no longer
    /// use them.
    pub(crate) fn keep(
        &mut self,
        (place, suite): (u8, &str),
        (value, time): (Value<'_>, i64),
        policy: &Policy,
        shared: Shared<'_>,
    ) {
        if !self.has_weeks(policy) {
            return;
        }
        if policy.baseline != BaselineKind::Rolling {
            self.weeks.remove(place, suite);
            return;
        }
        if self.weeks.get(place, suite).is_none() {
            let suites_max = shared.settings.suites_per_key_max;
            self.weeks.put(place, suite, Weeks::default(), suites_max);
        }
        // Suites beyond the limit have no weeks.
        if let Some(weeks) = self.weeks.get_mut(place, suite) {
            weeks.keep(value, time);
        }
    }

    /// Removes the observations since a detected change.
    pub(crate) fn forget_since(&mut self, (place, suite): (u8, &str), time: i64) {
        if let Some(weeks) = self.weeks.get_mut(place, suite) {
            weeks.forget_since(time);
        }
    }
}
