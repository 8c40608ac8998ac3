//! The baselines of the streams of an agent, and what changes them.

use std::collections::BTreeMap;

use super::state::Agent;
use crate::baseline::{Act, By, Pin};
use crate::identity::bounded;
use crate::metric::{Watch, is_per_suite, watch_at};
use crate::metric_settings::BaselineKind;
use crate::output::Outputs;
use crate::policy::Policy;
use crate::stream::{Context, History, Reference, Shared, Stream};
use crate::window::Channel;

/// Number of earlier versions, before the previous one, that are searched for a baseline.
const VERSIONS_BACK_MAX: usize = 16;

impl Agent {
    /// Carries out an act of a person or a release pipeline about baselines, or returns why it is
    /// refused.
    pub(crate) fn act(
        &mut self,
        act: &Act<'_>,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Result<(), &'static str> {
        if act.metric.is_some_and(|metric| !shared.metrics.is_watched(metric)) {
            return Err("no watched metric has that name");
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
        let version = version.ok_or("no version is named, and none is current")?;
        let state = self.versions.get(&version).ok_or("the version is unknown")?;
        let mut found = Vec::new();
        for (channel, stream) in &state.streams {
            let Some(watch) = watch_at(channel.0).filter(|watch| act.is_about(*watch)) else {
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
                let suite = state.suite_key(channel.1);
                found.push((channel.0, suite.to_owned(), history));
            }
        }
        match (found.is_empty(), act.alert_id) {
            (true, None) => return Err("the version has no observations outside of alerts"),
            (true, Some(_)) => {
                return Err("no alert with that identifier is firing for the version");
            }
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

    /// Pins the observations of an outgoing version for metrics with the setting `pinned`, unless
    /// something is pinned already.
    pub(crate) fn pin_by_setting(&mut self, outgoing: &str, at: i64, shared: Shared<'_>) {
        let Some(state) = self.versions.get(outgoing) else {
            unreachable!("version `{outgoing}` is unknown")
        };
        for (channel, stream) in &state.streams {
            let Some(watch) = watch_at(channel.0) else {
                unreachable!("a stream of a metric that is not watched")
            };
            let policy = shared.settings.policy(watch);
            let suite = state.suite_key(channel.1);
            let pins = &mut self.baselines.pins;
            if policy.baseline != BaselineKind::Pinned || pins.get(channel.0, suite).is_some() {
                continue;
            }
            let history = stream.candidate.history();
            if history.count() >= u64::from(policy.baseline_observations_min).max(1) {
                let version = outgoing.to_owned();
                let pin = Pin { at, by: By::Setting, version, history };
                pins.put(channel.0, suite, pin, shared.settings.suites_per_key_max);
            }
        }
    }

    /// The reference of a stream of a version.
    pub(crate) fn reference(
        &self,
        version: &str,
        (channel, watch): (Channel, Watch),
        shared: Shared<'_>,
        time: i64,
    ) -> Reference {
        let state = self.versions.get(version);
        let suite = state.map_or("", |state| state.suite_key(channel.1));
        let policy = shared.settings.policy(watch);
        let basis = self.baselines.basis(&policy, channel.0, suite);
        let previous = || self.version_before(version, (channel.0, suite), watch, &policy);
        self.baselines.reference(basis, (channel.0, suite), &policy, time, previous)
    }

    /// The latest earlier version with enough observations; if there is none, the previous version.
    fn version_before(
        &self,
        version: &str,
        (place, suite): (u8, &str),
        watch: Watch,
        policy: &Policy,
    ) -> (Option<String>, History) {
        let past = |name: &str| {
            let state = self.versions.get(name)?;
            let channel = (place, state.number_of(suite, is_per_suite(place))?);
            state.streams.get(&channel).map(|stream| stream.candidate.history())
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

    /// Restarts the streams of a version whose baseline has changed, against the new one.
    pub(crate) fn rebase(&mut self, version: &str, shared: Shared<'_>, outputs: &mut Outputs<'_>) {
        let Some(state) = self.versions.get(version) else {
            unreachable!("version `{version}` is unknown")
        };
        let changed = |(channel, stream): (&Channel, &Stream)| {
            let watch = watch_at(channel.0)?;
            let suite = state.suite_key(channel.1);
            let basis = self.baselines.basis(&shared.settings.policy(watch), channel.0, suite);
            let time = outputs.time();
            (basis != stream.basis)
                .then(|| (*channel, self.reference(version, (*channel, watch), shared, time)))
        };
        let mut changed: BTreeMap<Channel, Reference> =
            state.streams.iter().filter_map(changed).collect();
        self.each_stream(version, shared, |channel, stream, context: &Context<'_>| {
            if let Some(reference) = changed.remove(&channel) {
                stream.rebase(reference, context, outputs);
            }
        });
    }
}
