//! Versions of an agent: how one takes over, is rolled back, or is forgotten.

use event::{column, kind};
use std::collections::BTreeSet;

use super::state::Agent;
use super::version::OTHER_SUITE;
use crate::metric::watch_at;
use crate::output::{About, Destination, Outputs};
use crate::stream::{BaselineCandidate, Context, Shared, Stream};
use crate::window::{Cell, Span};

impl Agent {
    /// Forgets a version; its open windows are emitted as they are.
    pub(crate) fn forget(&mut self, version: &str, shared: Shared<'_>, outputs: &mut Outputs<'_>) {
        let windows = self.versions.get(version).map(|version| version.windows.open().collect());
        let windows: Vec<(Span, i64)> = windows.unwrap_or_default();
        self.end_canary_of(version, outputs);
        for window in windows {
            self.emit_window(version, window, shared, outputs);
        }
        self.each_stream(version, shared, |_, stream, _| stream.leave(shared.standings));
        self.versions.remove(version);
    }

    /// Forgets the versions that were silent for longest, if there are more than may be; neither
    /// the current one nor one with an event at this offset. How many it were.
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
        u64::try_from(old.len()).unwrap_or(u64::MAX)
    }

    /// Reports a version, or a digest of it, that no deployment or change announced.
    pub(crate) fn report_unplanned(&self, version: &str, reason: &str, outputs: &mut Outputs<'_>) {
        let time = outputs.time();
        let change = self.last_change.as_ref().map(|change| change.summary.as_str());
        let kind = kind::DRIFT_VERSION_UNPLANNED;
        outputs.push(
            Destination::Alerts,
            kind,
            time,
            About::version(&self.identity, version),
            |builder| {
                builder
                    .set(column::drift::SEVERITY, "ticket")
                    .set_some(column::drift::BASELINE_VERSION, self.current.as_deref())
                    .set_some(column::drift::LAST_CHANGE, change)
                    .set(column::drift::REASON, reason)
            },
        );
    }

    /// Makes `to`, which is known, the current version: the outgoing one's alerts end, a baseline
    /// of `to` is frozen, and a new test begins.
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
                stream.restart("another version has taken over", context, outputs);
            });
            self.pin_by_setting(from, outputs.offset(), shared);
            if let Some(outgoing) = self.versions.get(from) {
                for (place, suite) in outgoing.streams.keys() {
                    let suite = (*suite > 0).then(|| outgoing.suite_name(*suite).unwrap_or(""));
                    taken_over.push((*place, suite.map(str::to_owned)));
                }
            }
        }
        self.each_stream(to, shared, |_, stream, context| {
            stream.restart("the baseline has changed", context, outputs);
        });
        self.current = Some(to.to_owned());
        let Some(state) = self.versions.get_mut(to) else { return };
        state.previous = from;
        let mut cells: BTreeSet<Cell> = state.streams.keys().copied().collect();
        for (place, suite) in taken_over {
            let number =
                suite.map_or(0, |suite| state.suite(&suite, shared.settings.suites_per_key_max));
            if number != OTHER_SUITE {
                cells.insert((place, number));
            }
        }
        let time = outputs.time();
        let watched = cells.into_iter().filter_map(|cell| Some((cell, watch_at(cell.0)?)));
        let references: Vec<_> = watched
            .map(|(cell, watch)| (cell, watch, self.reference(to, (cell, watch), shared, time)))
            .collect();
        let Some(state) = self.versions.get_mut(to) else { return };
        let mut streams = std::mem::take(&mut state.streams);
        for (cell, watch, reference) in references {
            let context = Context {
                shared,
                agent: &self.identity,
                version: to,
                place: cell.0,
                watch,
                suite: state.suite_name(cell.1),
                last_change: self.last_change.as_ref(),
            };
            let candidate = streams.remove(&cell).map(|stream| stream.candidate);
            let candidate = candidate.unwrap_or_else(|| BaselineCandidate::empty(watch.model));
            streams.insert(cell, Stream::start(candidate, reference, &context, outputs));
        }
        state.streams = streams;
    }

    /// Makes a version current again that was current before: tests begin anew against the
    /// baselines they had.
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
