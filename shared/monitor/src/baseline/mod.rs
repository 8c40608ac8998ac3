//! Which baseline the streams of an agent have, and the baselines that outlive a version: pinned
//! snapshots and the weeks before.
//!
//! | `baseline` of the metric | a `drift.baseline.pinned` event | what holds |
//! |---|---|---|
//! | `previous` | names the metric, or none | the pin, until `drift.baseline.unpinned` |
//! | `pinned` | names the metric, or none | the pin; without one, the first version with enough observations that another took over from |
//! | `rolling` | names the metric | the pin |
//! | `rolling` | names no metric | the weeks before |
//!
//! Tests begin anew at the exact offset of a pin; of a changed setting, at the stream's next
//! observation. A pin takes what its version has shown until then outside of alerts, and never
//! absorbs anything. One that names an open alert (`drift.alert_id`) says that the new level is
//! the norm: it takes what was observed since the alert fired.
//!
//! A pin of what is not known or has no observations is refused, counted (`pins_refused`) and said
//! so (`drift.baseline.refused`).
//!
//! **Bound.** As many suites of a metric as `suites_per_key_max`; pins go when the agent is
//! evicted.

#[cfg(test)]
mod calm;
mod cells;
mod coarse;
mod weeks;

use std::collections::BTreeMap;

use event::Event;
use serde::{Deserialize, Serialize};

use self::cells::Cells;
use self::weeks::Weeks;
use crate::agent::{Agent, Identity, bounded, watch_of};
use crate::columns::columns;
use crate::metric::{self, Watch};
use crate::observe::Kind;
use crate::output::{Destination, Outputs};
use crate::policy::{self, BaselineKind, Policy};
use crate::stream::{Context, Expected, Fleet, History, Reference, Source, Stream, Value};
use crate::window::Cell;

/// Versions before the last one among which a baseline is looked for.
const VERSIONS_BACK_MAX: usize = 16;

/// Which baseline a stream is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// `None` if it is not watched.
    pub(crate) kind: Option<BaselineKind>,
    /// Offset at which it was pinned.
    pinned_at: Option<i64>,
}

/// Who has pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum By {
    /// The setting `pinned`.
    Setting,
    /// An event that names no metric.
    Agent,
    /// An event that names the metric.
    Metric,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pin {
    at: i64,
    by: By,
    version: String,
    history: History,
}

/// The baselines of an agent that outlive a version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Baselines {
    pins: Cells<Pin>,
    weeks: Cells<Weeks>,
}

impl Baselines {
    /// Which baseline a stream of any version has.
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

    /// What a stream is compared with whose baseline is not a version before; else the version and
    /// history given.
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

    /// Whether the weeks of a stream are to be looked up or kept, or were.
    fn has_weeks(&self, policy: &Policy) -> bool {
        policy.baseline == BaselineKind::Rolling || !self.weeks.is_empty()
    }

    /// What was to be expected of an observation, by the weeks before.
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

    /// Keeps an observation for the weeks to come; forgets them where nobody asks for them.
    pub(crate) fn keep(
        &mut self,
        (place, suite): (u8, &str),
        (value, time): (Value<'_>, i64),
        policy: &Policy,
        fleet: Fleet<'_>,
    ) {
        if !self.has_weeks(policy) {
            return;
        }
        if policy.baseline != BaselineKind::Rolling {
            self.weeks.remove(place, suite);
            return;
        }
        if self.weeks.get(place, suite).is_none() {
            let suites_max = fleet.settings.suites_per_key_max;
            self.weeks.put(place, suite, Weeks::default(), suites_max);
        }
        if let Some(weeks) = self.weeks.get_mut(place, suite) {
            weeks.keep(value, time);
        }
    }

    /// An alert says that something has changed: the weeks to come do not see it.
    pub(crate) fn forget_since(&mut self, (place, suite): (u8, &str), time: i64) {
        if let Some(weeks) = self.weeks.get_mut(place, suite) {
            weeks.forget_since(time);
        }
    }
}

/// A `drift.baseline.pinned` or `drift.baseline.unpinned` event.
#[derive(Debug)]
pub(crate) struct Act<'e> {
    pins: bool,
    offset: i64,
    version: Option<&'e str>,
    metric: Option<&'e str>,
    alert_id: Option<&'e str>,
    cause: Option<&'e str>,
}

impl<'e> Act<'e> {
    pub(crate) fn of(event: &'e Event<'_>, kind: Kind, offset: i64) -> Self {
        let columns = columns();
        let named = |column| event.text(column).filter(|name: &&str| !name.is_empty());
        Self {
            pins: kind == Kind::Pinned,
            offset,
            version: named(columns.agent_version),
            metric: named(columns.drift_metric),
            alert_id: named(columns.drift_alert_id),
            cause: named(columns.event_id),
        }
    }

    fn is_about(&self, watch: Watch) -> bool {
        self.metric.is_none_or(|metric| metric == watch.metric)
    }

    /// Says that it was refused.
    pub(crate) fn refuse(&self, reason: &str, agent: &Identity, outputs: &mut Outputs<'_>) {
        let time = outputs.time();
        let version = self.version.map(bounded).unwrap_or_default();
        let kind = "drift.baseline.refused";
        outputs.push(Destination::Alerts, kind, time, agent, &version, |builder| {
            builder
                .set_some("drift.metric", self.metric.map(|metric| bounded(metric).into_owned()))
                .set_some("links.causation", self.cause)
                .set("drift.reason", reason)
        });
    }
}

impl Agent {
    /// Carries out what a person or a release pipeline says about baselines; or why not.
    pub(crate) fn act(
        &mut self,
        act: &Act<'_>,
        fleet: Fleet<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Result<(), &'static str> {
        if act.metric.is_some_and(|metric| !policy::is_watched(metric)) {
            return Err("no metric of that name is watched");
        }
        if act.pins {
            self.pin(act, fleet)?;
        } else if !self
            .baselines
            .pins
            .keep(|place| watch_of((place, 0)).is_some_and(|watch| !act.is_about(watch)))
        {
            return Err("nothing is pinned");
        }
        let versions: Vec<String> = self.versions.keys().cloned().collect();
        for version in versions {
            self.rebase(&version, fleet, outputs);
        }
        Ok(())
    }

    fn pin(&mut self, act: &Act<'_>, fleet: Fleet<'_>) -> Result<(), &'static str> {
        let named = act.version.map(bounded).map(std::borrow::Cow::into_owned);
        let version = named.or_else(|| self.current.clone());
        let version = version.ok_or("no version is named and none is current")?;
        let state = self.versions.get(&version).ok_or("the version is not known")?;
        let mut found = Vec::new();
        for (cell, stream) in &state.streams {
            let Some(watch) = watch_of(*cell).filter(|watch| act.is_about(*watch)) else {
                continue;
            };
            let history = match act.alert_id {
                None => stream.past.history(),
                Some(id) => {
                    let Some(since) = stream.since_alert(id) else { continue };
                    let needed = fleet.settings.policy(watch).baseline_observations_min;
                    if since.count() < u64::from(needed) {
                        return Err("too few observations since the alert fired to be a baseline");
                    }
                    since.clone()
                }
            };
            if history.count() > 0 {
                let suite = state.suite_name(cell.1).unwrap_or_default();
                found.push((cell.0, suite.to_owned(), history));
            }
        }
        match (found.is_empty(), act.alert_id) {
            (true, None) => return Err("the version has no observations outside of alerts"),
            (true, Some(_)) => return Err("no alert of that name is firing for the version"),
            (false, _) => {}
        }
        let pins = &mut self.baselines.pins;
        let by = match (act.metric, act.alert_id) {
            (None, None) => By::Agent,
            (Some(_), _) | (None, Some(_)) => By::Metric,
        };
        if act.alert_id.is_none() {
            pins.keep(|place| watch_of((place, 0)).is_some_and(|watch| !act.is_about(watch)));
        }
        for (place, suite, history) in found {
            let pin = Pin { at: act.offset, by, version: version.clone(), history };
            pins.put(place, &suite, pin, fleet.settings.suites_per_key_max);
        }
        Ok(())
    }

    /// Pins what an outgoing version has shown of the metrics whose setting is `pinned`, where
    /// nothing is pinned yet.
    pub(crate) fn pin_by_setting(&mut self, outgoing: &str, at: i64, fleet: Fleet<'_>) {
        let Some(state) = self.versions.get(outgoing) else { return };
        for (cell, stream) in &state.streams {
            let Some(watch) = watch_of(*cell) else { continue };
            let policy = fleet.settings.policy(watch);
            let suite = state.suite_name(cell.1).unwrap_or_default();
            let pins = &mut self.baselines.pins;
            if policy.baseline != BaselineKind::Pinned || pins.get(cell.0, suite).is_some() {
                continue;
            }
            let history = stream.past.history();
            if history.count() >= u64::from(policy.baseline_observations_min).max(1) {
                let version = outgoing.to_owned();
                let pin = Pin { at, by: By::Setting, version, history };
                pins.put(cell.0, suite, pin, fleet.settings.suites_per_key_max);
            }
        }
    }

    /// What a stream of a version is compared with.
    pub(crate) fn reference(
        &self,
        version: &str,
        (cell, watch): (Cell, Watch),
        fleet: Fleet<'_>,
        time: i64,
    ) -> Reference {
        let state = self.versions.get(version);
        let suite = state.and_then(|state| state.suite_name(cell.1)).unwrap_or_default();
        let policy = fleet.settings.policy(watch);
        let basis = self.baselines.basis(&policy, cell.0, suite);
        let previous = || self.version_before(version, (cell.0, suite), watch, &policy);
        self.baselines.reference(basis, (cell.0, suite), &policy, time, previous)
    }

    /// The last version before that has enough observations; if there is none, the one before.
    fn version_before(
        &self,
        version: &str,
        (place, suite): (u8, &str),
        watch: Watch,
        policy: &Policy,
    ) -> (Option<String>, History) {
        let past = |name: &str| {
            let state = self.versions.get(name)?;
            let cell = (place, state.number_of(suite, watch_is_per_suite(place))?);
            state.streams.get(&cell).map(|stream| stream.past.history())
        };
        let before = |name: &str| self.versions.get(name)?.previous.as_deref();
        let first = before(version);
        let mut candidate = first;
        for _ in 0..VERSIONS_BACK_MAX {
            let Some(name) = candidate else { break };
            let enough = u64::from(policy.baseline_observations_min).max(1);
            if let Some(history) = past(name).filter(|history| history.count() >= enough) {
                return (Some(name.to_owned()), history);
            }
            candidate = before(name);
        }
        let history = first.and_then(past).unwrap_or_else(|| History::empty(watch.model));
        (first.map(str::to_owned), history)
    }

    /// Compares the streams of a version with the baselines that they have now, where those are
    /// others than before.
    pub(crate) fn rebase(&mut self, version: &str, fleet: Fleet<'_>, outputs: &mut Outputs<'_>) {
        let Some(state) = self.versions.get(version) else { return };
        let changed = |(cell, stream): (&Cell, &Stream)| {
            let watch = watch_of(*cell)?;
            let suite = state.suite_name(cell.1).unwrap_or_default();
            let basis = self.baselines.basis(&fleet.settings.policy(watch), cell.0, suite);
            let time = outputs.time();
            (basis != stream.basis)
                .then(|| (*cell, self.reference(version, (*cell, watch), fleet, time)))
        };
        let mut changed: BTreeMap<Cell, Reference> =
            state.streams.iter().filter_map(changed).collect();
        self.each_stream(version, fleet, |cell, stream, context: &Context<'_>| {
            if let Some(reference) = changed.remove(&cell) {
                stream.rebase(reference, context, outputs);
            }
        });
    }
}

/// Whether the metric at a place has a stream for each suite.
fn watch_is_per_suite(place: u8) -> bool {
    metric::ALL.get(usize::from(place)).is_some_and(|metric| metric.per_suite)
}
