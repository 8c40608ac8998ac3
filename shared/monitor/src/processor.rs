//! The state machine of one partition.

use std::collections::{BTreeMap, BTreeSet};

use event::{ColumnId, Decoded, Event, Record, Timestamp, TimestampType};
use serde::{Deserialize, Serialize};
use suite::Suites;

use crate::agent::{Agent, Identity, OTHER_SUITE, Version, bounded, write_key};
use crate::change::LastChange;
use crate::columns::{self, columns};
use crate::counters::Counters;
use crate::dedup::{RecentIds, number_of};
use crate::emission::emit_window;
use crate::judged;
use crate::metric::{self, Metric};
use crate::observe::Kind;
use crate::output::{Output, Outputs};
use crate::settings::Settings;
use crate::silence::Look;
use crate::snapshot::{self, ResumeError};
use crate::stream::{Fleet, Mark, Standings, Value};
use crate::watermark::{Placed, Watermark};
use crate::window::{Cell, PANE_MICROS, Span, Touched};

/// What happens to a window when the watermark reaches an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Action {
    Emit,
    Expire,
    Silence,
}

/// An action that waits for the watermark; in the order in which they are carried out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Due {
    at: i64,
    action: Action,
    /// Shorter ones first: what they leave is in time for the longer.
    span: Span,
    agent: String,
    version: String,
    window: i64,
}

/// Everything that a processor knows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    next_offset: i64,
    watermark: Watermark,
    counters: Counters,
    ids: RecentIds,
    agents: BTreeMap<String, Agent>,
    /// Sum over agents of their versions, at least 1 each.
    keys: u64,
    /// Streams that are tested, of all agents.
    tests: u64,
    /// Where they stand.
    standings: Standings,
    schedule: BTreeSet<Due>,
    suites: Suites,
}

/// Computes windows, baselines and alerts from the records of one partition.
///
/// Call [`Self::handle_record`] with every record in offset order; everything else only looks.
#[derive(Debug)]
pub struct Processor {
    settings: Settings,
    state: State,
    /// Buffer for keys, so that looking an agent up allocates nothing.
    key: String,
}

impl Processor {
    /// A processor that has seen nothing of its partition. These settings hold until the log says
    /// others, by a `monitor.configured` event.
    #[must_use]
    pub fn new(settings: Settings, topic: &str, partition: i32) -> Self {
        let state = State {
            topic: topic.to_owned(),
            partition,
            next_offset: 0,
            watermark: Watermark::default(),
            counters: Counters::default(),
            ids: RecentIds::default(),
            agents: BTreeMap::new(),
            keys: 0,
            tests: 0,
            standings: Standings::default(),
            schedule: BTreeSet::new(),
            suites: Suites::new(suite::Limits::default()),
        };
        Self { settings, state, key: String::new() }
    }

    /// Continues from a snapshot.
    ///
    /// # Errors
    ///
    /// If the snapshot is of another format, semantics or partition, or damaged.
    pub fn resume(topic: &str, partition: i32, snapshot: &[u8]) -> Result<Self, ResumeError> {
        let (settings, state) = snapshot::load(snapshot, topic, partition)?;
        Ok(Self { settings, state, key: String::new() })
    }

    /// Everything that is needed to continue at [`Self::next_offset`], as bytes.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::save(&self.settings, &self.state)
    }

    /// Offset of the next record; 0 at the beginning.
    #[must_use]
    pub const fn next_offset(&self) -> i64 {
        self.state.next_offset
    }

    /// The settings that hold at [`Self::next_offset`].
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the outputs can depend on the values of a column. Where one that they can depend on
    /// was erased, nobody can recompute what followed. A suite in force may read any column.
    #[must_use]
    pub fn reads(&self, column: ColumnId) -> bool {
        columns::reads(column) || !self.state.suites.is_empty()
    }

    /// What has been seen and left out.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.state.counters
    }

    /// Agent versions whose state is held (an agent without a version counts as one).
    #[must_use]
    pub const fn keys(&self) -> u64 {
        self.state.keys
    }

    /// Event time up to which the partition is taken to be complete.
    #[must_use]
    pub fn watermark(&self) -> Option<Timestamp> {
        self.state.watermark.at().map(Timestamp::from_micros)
    }

    /// Takes the next record. A record before [`Self::next_offset`] was seen already and is
    /// ignored. A record that did not decode is counted and has no other effect.
    pub fn handle_record(&mut self, record: &Record<'_>, decoded: &Decoded<'_>) -> Vec<Output> {
        if record.offset < self.state.next_offset {
            return Vec::new();
        }
        self.state.next_offset = record.offset.saturating_add(1);
        self.state.counters.records += 1;
        if decoded.fault.is_some() {
            self.state.counters.quarantined += 1;
            return Vec::new();
        }
        let event = &decoded.event;
        let broker = (record.timestamp_type != TimestampType::None)
            .then(|| Timestamp::from_millis(record.timestamp_ms).micros());
        self.state.watermark.saw_broker_time(broker);
        let time = event.time(columns().event_time).map(Timestamp::micros);
        let time = time.or(broker).unwrap_or_default();
        let placed = self.state.watermark.place(time, broker, &self.settings);
        let mut outputs = Outputs::of(record, placed.micros);

        let kind = Kind::of(event);
        let moved = match kind {
            Kind::Configured => {
                self.configure(event.text(columns().monitor_settings).unwrap_or_default());
                false
            }
            Kind::Suite => {
                let document = suite::document_of(event).unwrap_or_default();
                let published = self.state.suites.publish(document, record.offset);
                self.state.counters.suites_refused += u64::from(published.is_err());
                false
            }
            Kind::Tick => {
                self.state.watermark.tick(broker.unwrap_or(placed.micros), &self.settings)
            }
            Kind::Run
            | Kind::Tool
            | Kind::ToolBlocked
            | Kind::Eval
            | Kind::Approval
            | Kind::Deployed
            | Kind::RolledBack
            | Kind::Change
            | Kind::Other => {
                self.handle_event(record.offset, event, kind, placed, &mut outputs);
                self.state.watermark.advance(placed.micros, broker, &self.settings)
            }
        };
        if moved {
            self.carry_out_due(&mut outputs);
        }
        outputs.into_outputs()
    }

    /// Other settings hold from here on, thresholds included; tests that run keep their evidence and
    /// their bound. What makes no sense changes nothing.
    fn configure(&mut self, settings: &str) {
        match Settings::from_json(settings) {
            Ok(settings) => {
                self.settings = settings;
                self.state.counters.settings_applied += 1;
            }
            Err(_) => self.state.counters.settings_refused += 1,
        }
    }

    fn handle_event(
        &mut self,
        offset: i64,
        event: &Event<'_>,
        kind: Kind,
        placed: Placed,
        outputs: &mut Outputs<'_>,
    ) {
        let columns = columns();
        let state = &mut self.state;
        state.counters.future_skew += u64::from(placed.skewed);
        let Some(id) = event.text(columns.agent_id) else {
            state.counters.unattributed += 1;
            return;
        };
        self.key.clear();
        let prefix = write_key(event, id, &mut self.key);
        let agent = if let Some(agent) = state.agents.get_mut(self.key.as_str()) {
            agent
        } else {
            state.keys += 1;
            let mut agent = Agent::new(&self.key, Identity::of(event, id));
            let everywhere = self.key.get(..prefix).and_then(|key| state.agents.get(key));
            if let Some(everywhere) = everywhere {
                agent.inherit(everywhere);
            }
            state.agents.entry(self.key.clone()).or_insert(agent)
        };
        agent.last_offset = offset;
        let number = number_of(event.text(columns.event_id).unwrap_or_default()) ^ agent.salt;
        let ids_max = usize::try_from(self.settings.event_ids_max).unwrap_or(usize::MAX);
        if !state.ids.insert(number, ids_max) {
            state.counters.duplicates += 1;
            self.evict(offset, outputs);
            return;
        }
        match kind {
            Kind::Change => self.note_change(offset, event, prefix),
            Kind::Deployed | Kind::RolledBack => {
                self.note_change(offset, event, prefix);
                self.deploy(offset, event, kind, prefix, outputs);
            }
            Kind::Run
            | Kind::Tool
            | Kind::ToolBlocked
            | Kind::Eval
            | Kind::Approval
            | Kind::Other => {
                self.observe(offset, event, kind, placed, outputs);
            }
            Kind::Tick | Kind::Configured | Kind::Suite => {}
        }
        self.evict(offset, outputs);
    }

    /// Keys of an agent in the environment of an event; without one, in every environment known.
    fn keys_of(&self, event: &Event<'_>, prefix: usize) -> Vec<String> {
        if event.text(columns().environment).is_some() {
            return vec![self.key.clone()];
        }
        let prefix = self.key.get(..prefix).unwrap_or_default();
        let all = self.state.agents.range(prefix.to_owned()..);
        all.map(|(key, _)| key.clone()).take_while(|key| key.starts_with(prefix)).collect()
    }

    fn note_change(&mut self, offset: i64, event: &Event<'_>, prefix: usize) {
        for key in self.keys_of(event, prefix) {
            if let Some(agent) = self.state.agents.get_mut(&key) {
                let change = LastChange::saw(agent.last_change.as_ref(), event, offset);
                agent.last_change = Some(change);
                agent.announced.saw(event);
            }
        }
    }

    /// A version takes over, at this offset. Without an environment it does so in every
    /// environment of the agent that is known.
    fn deploy(
        &mut self,
        offset: i64,
        event: &Event<'_>,
        kind: Kind,
        prefix: usize,
        outputs: &mut Outputs<'_>,
    ) {
        let columns = columns();
        let named = |column| event.text(column).filter(|name| !name.is_empty()).map(bounded);
        let to = named(columns.agent_to_version).or_else(|| named(columns.agent_version));
        let Some(to) = to else { return };
        let from = named(columns.agent_from_version);
        for key in self.keys_of(event, prefix) {
            let Some(agent) = self.state.agents.get_mut(&key) else { continue };
            agent.last_offset = offset;
            if agent.current.as_deref() == Some(&*to) {
                continue;
            }
            let known = agent.versions.contains_key(&*to);
            if !known {
                self.state.keys += u64::from(!agent.versions.is_empty());
                agent.versions.insert(to.clone().into_owned(), Version::default());
            }
            if let Some(version) = agent.versions.get_mut(&*to) {
                version.last_offset = offset;
            }
            let outgoing = from
                .as_deref()
                .filter(|from| agent.versions.contains_key(*from) && **from != *to)
                .map(str::to_owned)
                .or_else(|| agent.current.clone());
            let tests = agent.tests();
            let fleet = Fleet {
                settings: &self.settings,
                tests: self.state.tests,
                standings: &self.state.standings,
            };
            if known && kind == Kind::RolledBack {
                agent.roll_back(&to, outgoing.as_deref(), fleet, outputs);
            } else {
                agent.introduce(&to, outgoing, fleet, outputs);
            }
            let now = self.state.tests.saturating_add(agent.tests());
            self.state.tests = now.saturating_sub(tests);
        }
    }

    /// An event of a version: panes and streams.
    fn observe(
        &mut self,
        offset: i64,
        event: &Event<'_>,
        kind: Kind,
        placed: Placed,
        outputs: &mut Outputs<'_>,
    ) {
        let columns = columns();
        let (settings, state) = (&self.settings, &mut self.state);
        let fleet = Fleet { settings, tests: state.tests, standings: &state.standings };
        let Some(agent) = state.agents.get_mut(self.key.as_str()) else { return };
        let name = bounded(event.text(columns.agent_version).unwrap_or_default());
        if !agent.versions.contains_key(&*name) {
            state.keys += u64::from(!agent.versions.is_empty());
            agent.versions.insert(name.clone().into_owned(), Version::default());
            // What names no version cannot take over from one.
            if !name.is_empty() {
                if agent.current.is_some() && !agent.announced.contains(&name) {
                    let reason = "the version appeared and no deployment or change names it";
                    agent.report_unplanned(&name, reason, outputs);
                }
                let outgoing = agent.current.clone();
                let tests = agent.tests();
                agent.introduce(&name, outgoing, fleet, outputs);
                let now = state.tests.saturating_add(agent.tests());
                state.tests = now.saturating_sub(tests);
            }
        }
        if let Some(digest) = event.text(columns.version_digest).filter(|text| !text.is_empty()) {
            let digests = agent.versions.get_mut(&*name).map(|version| &mut version.digests);
            let before = digests.and_then(|digests| digests.saw(digest)).map(str::to_owned);
            if let Some(before) = before.filter(|_| !agent.announced.contains(&bounded(digest))) {
                let digest = bounded(digest);
                let reason = format!(
                    "the digest of the version changed from {before} to {digest} and no \
                     deployment or change names it"
                );
                agent.report_unplanned(&name, &reason, outputs);
            }
        }
        let limit = Settings::micros(settings.silence_secs);
        let Agent { silence, identity, .. } = &mut *agent;
        if let Some(at) = silence.heard(placed.micros, limit, identity, &name, outputs) {
            let agent = self.key.clone();
            let (action, span, version) = (Action::Silence, Span::Minutes, String::new());
            state.schedule.insert(Due { at, action, span, agent, version, window: 0 });
        }
        let Some(version) = agent.versions.get_mut(&*name) else { return };
        version.last_offset = offset;
        let suite = if kind == Kind::Eval {
            let suite = event.text(columns.eval_suite).unwrap_or_default();
            version.suite(suite, settings.suites_per_key_max)
        } else {
            0
        };
        state.counters.suites_merged += u64::from(suite == OTHER_SUITE);

        let mut cells: Vec<(Cell, &Metric, f64)> = Vec::new();
        for (place, metric) in (0_u8..).zip(metric::ALL) {
            if let Some(value) = metric.sample(event, kind, columns) {
                cells.push(((place, if metric.per_suite { suite } else { 0 }), metric, value));
            }
        }
        for verdict in state.suites.observe(event) {
            judged::emit(&verdict, event, &agent.identity, &name, outputs);
            let number = version.suite(&verdict.suite, settings.suites_per_key_max);
            let values = [
                (metric::EVAL_PASS_RATE, verdict.passed.map(|passed| f64::from(u8::from(passed)))),
                (metric::EVAL_SCORE, verdict.score),
            ];
            for (place, value) in values {
                if let Some((metric, value)) = metric::ALL.get(usize::from(place)).zip(value) {
                    cells.push(((place, number), metric, value));
                }
            }
        }
        if cells.is_empty() && kind == Kind::Other {
            return;
        }
        let watermark = state.watermark.at();
        let retention = Settings::micros(settings.retention_secs);
        let end = Span::Minutes.end(Span::Minutes.start(placed.micros));
        if watermark.is_some_and(|watermark| end.saturating_add(retention) <= watermark) {
            state.counters.too_late += 1;
        } else {
            state.counters.late += u64::from(watermark.is_some_and(|watermark| end <= watermark));
            // A late event waits for the next minute, so that a burst of them makes one revision.
            let due = |span: Span, window| match watermark {
                Some(watermark) if span.end(window) <= watermark => next_minute(watermark),
                Some(_) | None => span.end(window),
            };
            let (pane, touched) = version.windows.touch(placed.micros, due);
            for (cell, metric, value) in &cells {
                if !pane.cells.entry(*cell).or_default().add(metric.shape, *value) {
                    state.counters.invalid_values += 1;
                }
            }
            for Touched { span, window, schedule, new } in touched {
                let wait = |at, action| {
                    let (agent, version) = (self.key.clone(), name.clone().into_owned());
                    Due { at, action, span, agent, version, window }
                };
                if let Some(at) = schedule {
                    state.schedule.insert(wait(at, Action::Emit));
                }
                if new {
                    let expires = span.end(window).saturating_add(retention);
                    state.schedule.insert(wait(expires, Action::Expire));
                }
            }
        }

        let run = event.text(columns.run_id).or_else(|| event.text(columns.event_id));
        let run = bounded(run.unwrap_or_default());
        let mark = Mark { offset, time: placed.micros };
        for (cell, metric, value) in cells {
            let Some(watch) = metric.watch.filter(|_| cell.1 != OTHER_SUITE) else { continue };
            if let Some(value) = Value::of(watch.model, value) {
                agent.observe(&name, cell, value, (mark, &run), fleet, outputs);
            }
        }
    }

    /// Emits and forgets the windows that the watermark has reached.
    fn carry_out_due(&mut self, outputs: &mut Outputs<'_>) {
        let Some(watermark) = self.state.watermark.at() else { return };
        while self.state.schedule.first().is_some_and(|due| due.at <= watermark) {
            let Some(due) = self.state.schedule.pop_first() else { return };
            let Some(agent) = self.state.agents.get_mut(&due.agent) else { continue };
            match due.action {
                Action::Emit => {
                    let window = (due.span, due.window);
                    let fleet = Fleet {
                        settings: &self.settings,
                        tests: self.state.tests,
                        standings: &self.state.standings,
                    };
                    emit_window(agent, &due.version, window, fleet, outputs);
                }
                Action::Silence => {
                    let limit = Settings::micros(self.settings.silence_secs);
                    let Agent { silence, identity, current, .. } = agent;
                    let version = current.as_deref().unwrap_or_default();
                    match silence.look(watermark, limit, identity, version, outputs) {
                        Look::Again(at) => {
                            self.state.schedule.insert(Due { at, ..due });
                        }
                        Look::Done => {}
                    }
                }
                Action::Expire => {
                    if let Some(version) = agent.versions.get_mut(&due.version) {
                        version.windows.expire(due.span, due.window);
                    }
                }
            }
        }
    }

    /// Lets go of the keys that were silent for longest, if there are too many.
    fn evict(&mut self, offset: i64, outputs: &mut Outputs<'_>) {
        let keys_max = u64::from(self.settings.keys_max).max(1);
        if self.state.keys <= keys_max {
            return;
        }
        let mut all: Vec<(i64, String, Option<String>)> = Vec::new();
        for (key, agent) in &self.state.agents {
            if agent.versions.is_empty() {
                all.push((agent.last_offset, key.clone(), None));
            }
            for (name, version) in &agent.versions {
                all.push((version.last_offset, key.clone(), Some(name.clone())));
            }
        }
        all.sort();
        let excess = self.state.keys - keys_max + keys_max / 16;
        let excess = usize::try_from(excess).unwrap_or(usize::MAX);
        for (last_offset, key, version) in all.into_iter().take(excess) {
            // The key of this very record stays, even when there is room for one only.
            if last_offset == offset {
                break;
            }
            self.forget(&key, version.as_deref(), outputs);
            self.state.keys -= 1;
            self.state.counters.keys_evicted += 1;
        }
    }

    fn forget(&mut self, key: &str, version: Option<&str>, outputs: &mut Outputs<'_>) {
        let retention = Settings::micros(self.settings.retention_secs);
        let fleet = Fleet {
            settings: &self.settings,
            tests: self.state.tests,
            standings: &self.state.standings,
        };
        let Some(agent) = self.state.agents.get_mut(key) else { return };
        let tests = agent.tests();
        if let Some(name) = version {
            let windows = agent.versions.get(name).map(|version| version.windows.all().collect());
            let windows: Vec<(Span, i64, Option<i64>)> = windows.unwrap_or_default();
            for (span, window, due) in windows {
                let mut waiting = Due {
                    at: span.end(window).saturating_add(retention),
                    action: Action::Expire,
                    span,
                    agent: key.to_owned(),
                    version: name.to_owned(),
                    window,
                };
                self.state.schedule.remove(&waiting);
                if let Some(at) = due {
                    emit_window(agent, name, (span, window), fleet, outputs);
                    (waiting.at, waiting.action) = (at, Action::Emit);
                    self.state.schedule.remove(&waiting);
                }
            }
            agent.each_stream(name, fleet, |_, stream, _| stream.leave(&self.state.standings));
            agent.versions.remove(name);
        }
        let now = self.state.tests.saturating_add(agent.tests());
        self.state.tests = now.saturating_sub(tests);
        if agent.versions.is_empty() {
            self.state.agents.remove(key);
        }
    }
}

/// End of the minute that an instant lies in.
const fn next_minute(micros: i64) -> i64 {
    micros.div_euclid(PANE_MICROS).saturating_add(1).saturating_mul(PANE_MICROS)
}
