//! Which baseline the streams of an agent have, and what changes it.

use std::collections::BTreeMap;

use super::state::Agent;
use crate::baseline::{Act, By, Pin};
use crate::identity::bounded;
use crate::metric::{Watch, is_per_suite, watch_at};
use crate::metric_settings::BaselineKind;
use crate::output::Outputs;
use crate::policy::Policy;
use crate::stream::{Context, History, Reference, Shared, Stream};
use crate::window::Cell;

/// Versions before the last one among which a baseline is looked for.
const VERSIONS_BACK_MAX: usize = 16;

impl Agent {
    /// Carries out what a person or a release pipeline says about baselines; or why not.
    pub(crate) fn act(
        &mut self,
        act: &Act<'_>,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Result<(), &'static str> {
        if act.metric.is_some_and(|metric| !shared.metrics.is_watched(metric)) {
            return Err("no metric of that name is watched");
        }
        if act.pins {
            self.pin(act, shared)?;
        } else if !self
            .baselines
            .pins
            .keep(|place| watch_at(place).is_some_and(|watch| !act.is_about(watch)))
        {
            return Err("nothing is pinned");
        }
        let versions: Vec<String> = self.versions.keys().cloned().collect();
        for version in versions {
            self.rebase(&version, shared, outputs);
        }
        Ok(())
    }

    fn pin(&mut self, act: &Act<'_>, shared: Shared<'_>) -> Result<(), &'static str> {
        let named = act.version.map(bounded).map(std::borrow::Cow::into_owned);
        let version = named.or_else(|| self.current.clone());
        let version = version.ok_or("no version is named and none is current")?;
        let state = self.versions.get(&version).ok_or("the version is not known")?;
        let mut found = Vec::new();
        for (cell, stream) in &state.streams {
            let Some(watch) = watch_at(cell.0).filter(|watch| act.is_about(*watch)) else {
                continue;
            };
            let history = match act.alert_id {
                None => stream.candidate.history(),
                Some(id) => {
                    let Some(since) = stream.since_alert(id) else { continue };
                    let needed = shared.settings.policy(watch).baseline_observations_min;
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
            pins.keep(|place| watch_at(place).is_some_and(|watch| !act.is_about(watch)));
        }
        for (place, suite, history) in found {
            let pin = Pin { at: act.offset, by, version: version.clone(), history };
            pins.put(place, &suite, pin, shared.settings.suites_per_key_max);
        }
        Ok(())
    }

    /// Pins what an outgoing version has shown of the metrics whose setting is `pinned`, where
    /// nothing is pinned yet.
    pub(crate) fn pin_by_setting(&mut self, outgoing: &str, at: i64, shared: Shared<'_>) {
        let Some(state) = self.versions.get(outgoing) else { return };
        for (cell, stream) in &state.streams {
            let Some(watch) = watch_at(cell.0) else { continue };
            let policy = shared.settings.policy(watch);
            let suite = state.suite_name(cell.1).unwrap_or_default();
            let pins = &mut self.baselines.pins;
            if policy.baseline != BaselineKind::Pinned || pins.get(cell.0, suite).is_some() {
                continue;
            }
            let history = stream.candidate.history();
            if history.count() >= u64::from(policy.baseline_observations_min).max(1) {
                let version = outgoing.to_owned();
                let pin = Pin { at, by: By::Setting, version, history };
                pins.put(cell.0, suite, pin, shared.settings.suites_per_key_max);
            }
        }
    }

    /// What a stream of a version is compared with.
    pub(crate) fn reference(
        &self,
        version: &str,
        (cell, watch): (Cell, Watch),
        shared: Shared<'_>,
        time: i64,
    ) -> Reference {
        let state = self.versions.get(version);
        let suite = state.and_then(|state| state.suite_name(cell.1)).unwrap_or_default();
        let policy = shared.settings.policy(watch);
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
            let cell = (place, state.number_of(suite, is_per_suite(place))?);
            state.streams.get(&cell).map(|stream| stream.candidate.history())
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
    pub(crate) fn rebase(&mut self, version: &str, shared: Shared<'_>, outputs: &mut Outputs<'_>) {
        let Some(state) = self.versions.get(version) else { return };
        let changed = |(cell, stream): (&Cell, &Stream)| {
            let watch = watch_at(cell.0)?;
            let suite = state.suite_name(cell.1).unwrap_or_default();
            let basis = self.baselines.basis(&shared.settings.policy(watch), cell.0, suite);
            let time = outputs.time();
            (basis != stream.basis)
                .then(|| (*cell, self.reference(version, (*cell, watch), shared, time)))
        };
        let mut changed: BTreeMap<Cell, Reference> =
            state.streams.iter().filter_map(changed).collect();
        self.each_stream(version, shared, |cell, stream, context: &Context<'_>| {
            if let Some(reference) = changed.remove(&cell) {
                stream.rebase(reference, context, outputs);
            }
        });
    }
}
