//! State of one agent in one environment, and of its versions.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use event::Event;
use serde::{Deserialize, Serialize};

use crate::announced::{Announced, Digests};
use crate::baseline::Baselines;
use crate::canary::Canary;
use crate::change::LastChange;
use crate::columns::columns;
use crate::dedup::digest_of;
use crate::emission::emit_window;
use crate::metric::{self, Watch};
use crate::observe::Kind;
use crate::output::{Destination, Outputs};
use crate::sampler::Sampler;
use crate::silence::Silence;
use crate::stream::{Context, Fleet, History, Mark, Past, Stream, Value};
use crate::window::{Cell, Span, Windows};

/// Bytes kept of a name (tenant, agent, environment, version, suite, run). Of a longer one the
/// beginning and a digest of all of it are kept.
const NAME_BYTES_MAX: usize = 256;
/// Characters kept of a name that is too long.
const NAME_CHARS_KEPT: usize = 48;

/// Number of the suite that counts what has no place of its own.
pub(crate) const OTHER_SUITE: u16 = u16::MAX;
/// Its name.
const OTHER_SUITE_NAME: &str = "_other";

/// A name, bounded in size.
pub(crate) fn bounded(name: &str) -> Cow<'_, str> {
    if name.len() <= NAME_BYTES_MAX {
        return Cow::Borrowed(name);
    }
    let mut short: String = name.chars().take(NAME_CHARS_KEPT).collect();
    short.push('~');
    short.push_str(&format!("{:032x}", digest_of(name)));
    Cow::Owned(short)
}

/// Which agent, of whom and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) tenant: Option<String>,
    pub(crate) id: String,
    pub(crate) environment: Option<String>,
}

impl Identity {
    pub(crate) fn of(event: &Event<'_>, id: &str) -> Self {
        let text = |column| event.text(column).map(|text| bounded(text).into_owned());
        Self {
            tenant: text(columns().tenant_id),
            id: bounded(id).into_owned(),
            environment: text(columns().environment),
        }
    }
}

/// Writes the key of an agent: tenant and id with their lengths, so that no two agents share one
/// and all environments of an agent share the first part, whose length is returned.
pub(crate) fn write_key(event: &Event<'_>, id: &str, into: &mut String) -> usize {
    let mut part = |name: Option<&str>| match name {
        None => into.push_str("-;"),
        Some(name) => {
            let name = bounded(name);
            let mut digits = [0_u8; 20];
            into.push_str(decimal(name.len(), &mut digits));
            into.push(':');
            into.push_str(&name);
            into.push(';');
        }
    };
    part(event.text(columns().tenant_id));
    part(Some(id));
    let prefix = into.len();
    if let Some(environment) = event.text(columns().environment) {
        into.push('=');
        into.push_str(&bounded(environment));
    }
    prefix
}

/// Decimal digits without the formatting machinery: this runs for every event.
fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &str {
    let mut start = digits.len();
    for (at, slot) in digits.iter_mut().enumerate().rev() {
        *slot = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
}

/// An agent in one environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) identity: Identity,
    /// The version that is compared with the next one.
    pub(crate) current: Option<String>,
    /// The version that is tried beside it.
    pub(crate) canary: Option<Box<Canary>>,
    pub(crate) last_change: Option<LastChange>,
    pub(crate) announced: Announced,
    pub(crate) silence: Silence,
    pub(crate) baselines: Baselines,
    pub(crate) versions: BTreeMap<String, Version>,
}

/// A version of an agent: one key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Version {
    /// Offset of its last event.
    pub(crate) last_offset: i64,
    /// The version before it.
    pub(crate) previous: Option<String>,
    /// Names of suites; a suite's number is its place, from 1.
    suites: Vec<String>,
    /// Digests it was seen with.
    pub(crate) digests: Digests,
    /// Which tool calls count for the detectors.
    calls: Sampler,
    /// Which decisions about approvals do.
    decisions: Sampler,
    pub(crate) windows: Windows,
    /// Streams that are watched, by metric and suite.
    pub(crate) streams: BTreeMap<Cell, Stream>,
}

impl Version {
    /// Whether the detectors see an event: of what a run has many of, one counts.
    pub(crate) fn choose(&mut self, kind: Kind, run: Option<&str>) -> bool {
        match kind {
            Kind::Tool | Kind::ToolBlocked => self.calls.choose(run),
            Kind::Approval => self.decisions.choose(run),
            Kind::Run | Kind::Eval | Kind::Other => true,
            Kind::Deployed | Kind::RolledBack | Kind::Change => true,
            Kind::Tick | Kind::Started | Kind::Configured | Kind::Suite => true,
            Kind::Pinned | Kind::Unpinned | Kind::Quiet(_) => true,
        }
    }

    /// Number of a suite, which gets one if there is a place left; [`OTHER_SUITE`] otherwise.
    pub(crate) fn suite(&mut self, name: &str, suites_max: u16) -> u16 {
        let name = bounded(name);
        let known = self.suites.iter().position(|known| *known == name);
        let place = known.unwrap_or(self.suites.len());
        if known.is_none() {
            if place >= usize::from(suites_max) {
                return OTHER_SUITE;
            }
            self.suites.push(name.into_owned());
        }
        u16::try_from(place.saturating_add(1)).unwrap_or(OTHER_SUITE)
    }

    /// Number of a suite that is known; 0 for a metric without suites.
    pub(crate) fn number_of(&self, suite: &str, per_suite: bool) -> Option<u16> {
        if !per_suite {
            return Some(0);
        }
        let place = self.suites.iter().position(|known| known == suite)?;
        u16::try_from(place.saturating_add(1)).ok()
    }

    /// Name of a suite; `None` for 0 and for the suite without a name.
    pub(crate) fn suite_name(&self, suite: u16) -> Option<&str> {
        if suite == OTHER_SUITE {
            return Some(OTHER_SUITE_NAME);
        }
        let place = usize::from(suite).checked_sub(1)?;
        self.suites.get(place).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// How the metric of a cell is watched.
pub(crate) fn watch_of(cell: Cell) -> Option<Watch> {
    metric::ALL.get(usize::from(cell.0)).and_then(|metric| metric.watch)
}

impl Agent {
    /// An agent without versions.
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            current: None,
            canary: None,
            last_change: None,
            announced: Announced::default(),
            silence: Silence::default(),
            baselines: Baselines::default(),
            versions: BTreeMap::new(),
        }
    }

    /// Forgets a version; its open windows are emitted as they are.
    pub(crate) fn forget(&mut self, version: &str, fleet: Fleet<'_>, outputs: &mut Outputs<'_>) {
        let windows = self.versions.get(version).map(|version| version.windows.open().collect());
        let windows: Vec<(Span, i64)> = windows.unwrap_or_default();
        self.end_canary_of(version, outputs);
        for window in windows {
            emit_window(self, version, window, fleet, outputs);
        }
        self.each_stream(version, fleet, |_, stream, _| stream.leave(fleet.standings));
        self.versions.remove(version);
    }

    /// Forgets the versions that were silent for longest, if there are more than may be; neither
    /// the current one nor one with an event at this offset. How many it were.
    pub(crate) fn forget_versions(
        &mut self,
        offset: i64,
        fleet: Fleet<'_>,
        outputs: &mut Outputs<'_>,
    ) -> u64 {
        let versions_max = usize::from(fleet.settings.versions_per_agent_max).max(1);
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
            self.forget(name, fleet, outputs);
        }
        u64::try_from(old.len()).unwrap_or(u64::MAX)
    }

    /// Tests that run, of all versions.
    pub(crate) fn tests(&self) -> u64 {
        let streams = self.versions.values().flat_map(|version| version.streams.values());
        streams.map(|stream| u64::from(stream.is_tested())).sum()
    }

    /// Says that a version, or a digest of it, is there though nobody announced it.
    pub(crate) fn report_unplanned(&self, version: &str, reason: &str, outputs: &mut Outputs<'_>) {
        let time = outputs.time();
        let change = self.last_change.as_ref().map(|change| change.summary.as_str());
        let kind = "drift.version.unplanned";
        outputs.push(Destination::Alerts, kind, time, &self.identity, version, |builder| {
            builder
                .set("drift.severity", "ticket")
                .set_some("drift.baseline_version", self.current.as_deref())
                .set_some("drift.last_change", change)
                .set("drift.reason", reason)
        });
    }

    /// Does something with each stream of a version.
    pub(crate) fn each_stream(
        &mut self,
        version: &str,
        fleet: Fleet<'_>,
        mut act: impl FnMut(Cell, &mut Stream, &Context<'_>),
    ) {
        let Some(state) = self.versions.get_mut(version) else { return };
        let mut streams = std::mem::take(&mut state.streams);
        for (cell, stream) in &mut streams {
            let Some(watch) = watch_of(*cell) else { continue };
            let context = Context {
                fleet,
                agent: &self.identity,
                version,
                watch,
                suite: state.suite_name(cell.1),
                last_change: self.last_change.as_ref(),
            };
            act(*cell, stream, &context);
        }
        state.streams = streams;
    }

    /// Takes an observation of a stream of a version, which is known. How many more tests run now.
    pub(crate) fn observe(
        &mut self,
        version: &str,
        cell: Cell,
        value: Value<'_>,
        (mark, run): (Mark, &str),
        fleet: Fleet<'_>,
        outputs: &mut Outputs<'_>,
    ) -> i64 {
        let Some(watch) = watch_of(cell) else { return 0 };
        let Some(Version { streams, suites, previous, .. }) = self.versions.get_mut(version) else {
            return 0;
        };
        let place = usize::from(cell.1).checked_sub(1);
        let suite = place.and_then(|place| suites.get(place)).map(String::as_str);
        let context = Context {
            fleet,
            agent: &self.identity,
            version,
            watch,
            suite: suite.filter(|name| !name.is_empty()),
            last_change: self.last_change.as_ref(),
        };
        let (baselines, policy) = (&mut self.baselines, context.policy());
        let place = (cell.0, context.suite.unwrap_or_default());
        let basis = baselines.basis(&policy, place.0, place.1);
        let is_canary = self.canary.as_ref().is_some_and(|canary| canary.is(version));
        if !is_canary && streams.get(&cell).is_some_and(|stream| stream.basis != basis) {
            // The settings have changed.
            let before = self.tests();
            self.rebase(version, fleet, outputs);
            let more = difference(self.tests(), before);
            return more.saturating_add(self.observe(
                version,
                cell,
                value,
                (mark, run),
                fleet,
                outputs,
            ));
        }
        // What is tried beside another version is neither tested nor part of the weeks before.
        let expected =
            if is_canary { None } else { baselines.expected(place, (value, mark.time), &policy) };
        let start = |past: Past, outputs: &mut Outputs<'_>| {
            if is_canary {
                return Stream::untested(past, basis);
            }
            let previous = || (previous.clone(), History::empty(watch.model));
            let reference = baselines.reference(basis, place, &policy, mark.time, previous);
            Stream::start(past, reference, &context, outputs)
        };
        let mut before = 0;
        let stream = match streams.entry(cell) {
            Entry::Vacant(new) => new.insert(start(Past::empty(watch.model), outputs)),
            Entry::Occupied(known) => {
                let stream = known.into_mut();
                before = u64::from(stream.is_tested());
                if expected.is_some() && stream.awaits_weeks() {
                    let past = std::mem::replace(&mut stream.past, Past::empty(watch.model));
                    *stream = start(past, outputs);
                }
                stream
            }
        };
        let changed = stream.observe((value, expected), mark, run, &context, outputs);
        if let Some(changed) = changed {
            baselines.forget_since(place, changed.time);
        } else if !is_canary && !stream.is_firing() {
            baselines.keep(place, (value, mark.time), &policy, fleet);
        }
        if let Some(canary) = &mut self.canary {
            canary.observe(cell.0, value, run, &context, outputs);
        }
        difference(u64::from(stream.is_tested()), before)
    }

    /// Makes `to`, which is known, the current version: the outgoing one's alerts end, a baseline
    /// of `to` is frozen, and a new test begins.
    pub(crate) fn introduce(
        &mut self,
        to: &str,
        from: Option<String>,
        fleet: Fleet<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let mut taken_over = Vec::new();
        if let Some(from) = &from {
            self.each_stream(from, fleet, |_, stream, context| {
                stream.restart("another version has taken over", context, outputs);
            });
            self.pin_by_setting(from, outputs.offset(), fleet);
            if let Some(outgoing) = self.versions.get(from) {
                for (place, suite) in outgoing.streams.keys() {
                    let suite = (*suite > 0).then(|| outgoing.suite_name(*suite).unwrap_or(""));
                    taken_over.push((*place, suite.map(str::to_owned)));
                }
            }
        }
        self.each_stream(to, fleet, |_, stream, context| {
            stream.restart("the baseline has changed", context, outputs);
        });
        self.current = Some(to.to_owned());
        let Some(state) = self.versions.get_mut(to) else { return };
        state.previous = from;
        let mut cells: BTreeSet<Cell> = state.streams.keys().copied().collect();
        for (place, suite) in taken_over {
            let number =
                suite.map_or(0, |suite| state.suite(&suite, fleet.settings.suites_per_key_max));
            if number != OTHER_SUITE {
                cells.insert((place, number));
            }
        }
        let time = outputs.time();
        let watched = cells.into_iter().filter_map(|cell| Some((cell, watch_of(cell)?)));
        let references: Vec<_> = watched
            .map(|(cell, watch)| (cell, watch, self.reference(to, (cell, watch), fleet, time)))
            .collect();
        let Some(state) = self.versions.get_mut(to) else { return };
        let mut streams = std::mem::take(&mut state.streams);
        for (cell, watch, reference) in references {
            let context = Context {
                fleet,
                agent: &self.identity,
                version: to,
                watch,
                suite: state.suite_name(cell.1),
                last_change: self.last_change.as_ref(),
            };
            let past = streams.remove(&cell).map(|stream| stream.past);
            let past = past.unwrap_or_else(|| Past::empty(watch.model));
            streams.insert(cell, Stream::start(past, reference, &context, outputs));
        }
        state.streams = streams;
    }

    /// Makes a version current again that was current before: tests begin anew against the
    /// baselines they had.
    pub(crate) fn roll_back(
        &mut self,
        to: &str,
        from: Option<&str>,
        fleet: Fleet<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        for version in from.into_iter().chain([to]) {
            self.each_stream(version, fleet, |_, stream, context| {
                stream.restart("the version was rolled back", context, outputs);
            });
        }
        self.current = Some(to.to_owned());
    }
}

fn difference(now: u64, before: u64) -> i64 {
    i64::try_from(now).unwrap_or(i64::MAX).saturating_sub_unsigned(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::EventBuilder;

    #[test]
    fn no_two_agents_share_a_key() {
        let key = |tenant: Option<&str>, id: &str, environment: Option<&str>| {
            let event = EventBuilder::new("run.completed")
                .set("event_id", "e")
                .set("event_time", event::Timestamp::from_micros(0))
                .set_some("tenant_id", tenant)
                .set_some("environment", environment)
                .build()
                .unwrap();
            let mut key = String::new();
            let prefix = write_key(&event, id, &mut key);
            (key, prefix)
        };
        let all = [
            key(None, "a", None),
            key(None, "a", Some("")),
            key(None, "a;=p", None),
            key(None, "a", Some("p")),
            key(Some(""), "a", None),
            key(Some("a"), "", None),
            key(Some("-"), "a", None),
        ];
        let distinct: BTreeSet<_> = all.iter().map(|(key, _)| key).collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
        let prefix = |(key, prefix): &(String, usize)| key.get(..*prefix).map(str::to_owned);
        assert_eq!(prefix(&all[0]), prefix(&all[3]));
    }

    #[test]
    fn suites_beyond_the_limit_share_one() {
        let mut version = Version::default();
        assert_eq!([version.suite("a", 2), version.suite("b", 2)], [1, 2]);
        assert_eq!([version.suite("c", 2), version.suite("a", 2)], [OTHER_SUITE, 1]);
        assert_eq!(version.suite_name(2), Some("b"));
        assert_eq!(version.suite_name(OTHER_SUITE), Some("_other"));
    }

    #[test]
    fn long_names_are_bounded_and_stay_distinct() {
        let (a, b) = ("x".repeat(1_000), "x".repeat(1_001));
        assert!(bounded(&a).len() < NAME_BYTES_MAX && bounded(&a) != bounded(&b));
        assert_eq!(decimal(1_234_567_890, &mut [0; 20]), "1234567890");
    }
}
