//! Versions of an agent: how one takes over, is rolled back, or is evicted.

use std::collections::BTreeSet;

use super::state::Agent;
use super::version::OTHER_SUITE;
use crate::metric::watch_at;
use crate::output::Outputs;
use crate::stream::{BaselineCandidate, Context, Shared, Stream};
use crate::window::{Channel, Span};

impl Agent {
    /// Evicts a version, which is known: its open windows are emitted as they are, and its open alerts
    /// are resolved.
    pub(crate) fn forget(&mut self, version: &str, shared: Shared<'_>, outputs: &mut Outputs<'_>) {
        let Some(state) = self.versions.get(version) else {
            unreachable!("version `{version}` is unknown")
        };
        let windows: Vec<(Span, i64)> = state.windows.open().collect();
        self.end_canary_of(version, outputs);
        for window in windows {
            self.emit_window(version, window, shared, outputs);
        }
        // Nothing else would ever resolve its open alerts.
        self.each_stream(version, shared, |_, stream, context| {
            stream.restart("the state of the version was evicted", context, outputs);
            stream.leave(shared.standings);
        });
        self.versions.remove(version);
    }

    /// Evicts all versions, before the agent itself is removed.
    pub(crate) fn evict(&mut self, shared: Shared<'_>, outputs: &mut Outputs<'_>) {
        let current = self.current.clone().unwrap_or_default();
        let versions: Vec<String> = self.versions.keys().cloned().collect();
        for version in &versions {
            self.forget(version, shared, outputs);
        }
        self.silence.evict(&self.identity, &current, outputs);
    }

    /// Evicts the versions without an event for longest, if there are too many; neither the current
    /// one, a canary, nor one with an event at this offset. Returns their number.
    pub(crate) fn forget_versions(
        &mut self,
        offset: i64,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) -> u64 {
        let versions_max = usize::from(shared.settings.versions_per_agent_max).max(1);
        let excess = self.versions.len().saturating_sub(versions_max);
        if excess == 0 {
            return 0;
        }
        let mut old: Vec<(i64, String)> = self
            .versions
            .iter()
            .filter(|(name, version)| {
                let is_used = self.current.as_ref() == Some(name) || self.is_canary(name);
                !is_used && version.last_offset != offset
            })
            .map(|(name, version)| (version.last_offset, name.clone()))
            .collect();
        old.sort();
        old.truncate(excess);
        for (_, name) in &old {
            self.forget(name, shared, outputs);
        }
        old.len() as u64
    }

    /// Makes `to`, which is known, the current version: alerts of the outgoing one are resolved,
    /// the baselines of `to` are frozen, and its tests start.
    pub(crate) fn introduce(
        &mut self,
        to: &str,
        from: Option<String>,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let mut taken_over = Vec::new();
        if let Some(from) = &from {
            self.each_stream(from, shared, |_, stream, context| {
                stream.restart("another version took over", context, outputs);
            });
            self.pin_by_setting(from, outputs.offset(), shared);
            if let Some(outgoing) = self.versions.get(from) {
                for (place, suite) in outgoing.streams.keys() {
                    let suite = (*suite > 0).then(|| outgoing.suite_key(*suite));
                    taken_over.push((*place, suite.map(str::to_owned)));
                }
            }
        }
        self.each_stream(to, shared, |_, stream, context| {
            stream.restart("the baseline has changed", context, outputs);
        });
        self.current = Some(to.to_owned());
        let Some(state) = self.versions.get_mut(to) else {
            unreachable!("version `{to}` is unknown")
        };
        state.previous = from;
        let mut channels: BTreeSet<Channel> = state.streams.keys().copied().collect();
        for (place, suite) in taken_over {
            let number =
                suite.map_or(0, |suite| state.suite(&suite, shared.settings.suites_per_key_max));
            if number != OTHER_SUITE {
                channels.insert((place, number));
            }
        }
        let time = outputs.time();
        let watched =
            channels.into_iter().filter_map(|channel| Some((channel, watch_at(channel.0)?)));
        let references: Vec<_> = watched
            .map(|(channel, watch)| {
                (channel, watch, self.reference(to, (channel, watch), shared, time))
            })
            .collect();
        let Some(state) = self.versions.get_mut(to) else {
            unreachable!("version `{to}` is unknown")
        };
        let mut streams = std::mem::take(&mut state.streams);
        for (channel, watch, reference) in references {
            let context = Context {
                shared,
                agent: &self.identity,
                version: to,
                place: channel.0,
                watch,
                suite: state.suite_name(channel.1),
                last_change: self.last_change.as_ref(),
            };
            let candidate = streams.remove(&channel).map(|stream| stream.candidate);
            let candidate = candidate.unwrap_or_else(|| BaselineCandidate::empty(watch.model));
            streams.insert(channel, Stream::start(candidate, reference, &context, outputs));
        }
        state.streams = streams;
    }

    /// Makes an earlier version current again: its tests restart against the baselines they had.
    pub(crate) fn roll_back(
        &mut self,
        to: &str,
        from: Option<&str>,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        for version in from.into_iter().chain([to]) {
            self.each_stream(version, shared, |_, stream, context| {
                stream.restart("the version was rolled back", context, outputs);
            });
        }
        self.current = Some(to.to_owned());
    }
}
