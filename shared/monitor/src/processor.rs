//! The state machine of one partition.

use event::{ColumnId, Decoded, Event, Record, Timestamp, TimestampType};
use hashbrown::HashMap;
use suite::Suites;

use crate::agent::{Agent, Identity, OTHER_SUITE, bounded, write_key};
use crate::alive::{self, Alive};
use crate::baseline::Act;
use crate::canary::{Outcome, Step};
use crate::change::LastChange;
use crate::columns::{self, columns};
use crate::counters::Counters;
use crate::dedup::{RecentIds, number_of};
use crate::judged;
use crate::metric::{self, Metric, Sample};
use crate::observe::Kind;
use crate::output::{Destination, Output, Outputs};
use crate::quiet::Quiet;
use crate::settings::Settings;
use crate::state::State;
use crate::store::{Key, Store};
use crate::stream::{Fleet, Mark, Standings, Value};
use crate::watermark::{Placed, Watermark};
use crate::window::{Cell, Span, end_of_minute};

/// Names whose digests are remembered.
const NAMES_MAX: usize = 65_536;

/// What an event says about a metric.
struct Found<'e> {
    cell: Cell,
    metric: &'static Metric,
    sample: Sample<'e>,
    /// Whether the detectors see it.
    is_chosen: bool,
}

/// Computes windows, baselines and alerts from the records of one partition.
///
/// Call [`Self::handle_record`] with every record in offset order; everything else only looks.
#[derive(Debug)]
pub struct Processor {
    pub(crate) settings: Settings,
    pub(crate) state: State,
    /// Buffer for names, so that looking an agent up allocates nothing.
    pub(crate) name: String,
    /// Keys of names that were seen lately.
    pub(crate) names: HashMap<String, Key>,
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
            alive: Alive::default(),
            ids: RecentIds::default(),
            agents: Store::default(),
            standings: Standings::default(),
            suites: Suites::new(suite::Limits::default()),
            quiet: Quiet::default(),
        };
        Self { settings, state, name: String::new(), names: HashMap::new() }
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
        self.state.agents.keys()
    }

    /// Event time up to which the partition is taken to be complete.
    #[must_use]
    pub fn watermark(&self) -> Option<Timestamp> {
        self.state.watermark.at().map(Timestamp::from_micros)
    }

    /// Takes the next record, and gives everything that comes of it. Where one record may close the
    /// windows of very many agents, call [`Self::handle_record_into`].
    pub fn handle_record(&mut self, record: &Record<'_>, decoded: &Decoded<'_>) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.handle_record_into(record, decoded, &mut |output| outputs.push(output));
        outputs
    }

    /// Takes the next record, and hands on each window as it is computed; what is said of alerts and
    /// baselines comes last. A record before [`Self::next_offset`] was seen already and is ignored. A
    /// record that did not decode is counted and has no other effect.
    pub fn handle_record_into(
        &mut self,
        record: &Record<'_>,
        decoded: &Decoded<'_>,
        emit: &mut dyn FnMut(Output),
    ) {
        if record.offset < self.state.next_offset {
            return;
        }
        self.state.next_offset = record.offset.saturating_add(1);
        self.state.counters.records += 1;
        if decoded.fault.is_some() {
            self.state.counters.quarantined += 1;
            return;
        }
        let event = &decoded.event;
        let broker = (record.timestamp_type != TimestampType::None)
            .then(|| Timestamp::from_millis(record.timestamp_ms).micros());
        self.state.watermark.saw_broker_time(broker);
        let time = event.time(columns().event_time).map(Timestamp::micros);
        let time = time.or(broker).unwrap_or_default();
        let placed = self.state.watermark.place(time, broker, &self.settings);
        // What is said of alerts may still be marked, and they are few beside the windows.
        let mut alerts = Vec::new();
        let mut pass = |output: Output| match output.destination {
            Destination::Metrics => emit(output),
            Destination::Alerts => alerts.push(output),
        };
        let mut outputs = Outputs::of(record, placed.micros, &mut pass);
        let log_time = self.state.watermark.log_time().unwrap_or(placed.micros);
        self.state.quiet.reach(log_time, &mut outputs);

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
            Kind::Quiet(request) => {
                let id = number_of(event.text(columns().event_id).unwrap_or_default());
                let ids_max = usize::try_from(self.settings.event_ids_max).unwrap_or(usize::MAX);
                if self.state.ids.insert(id, ids_max) {
                    let refused = self.state.quiet.handle(request, event, &mut outputs);
                    self.state.counters.quiet_refused += u64::from(refused);
                } else {
                    self.state.counters.duplicates += 1;
                }
                false
            }
            Kind::Started => false,
            Kind::Tick => {
                let State { watermark, alive, .. } = &mut self.state;
                let at = broker.unwrap_or(placed.micros);
                let moved = alive::is_idle(event) && watermark.tick(at, &self.settings);
                let place = (record.offset, at);
                alive.tick(event, place, watermark.at(), &self.settings, &mut outputs);
                moved
            }
            Kind::Run
            | Kind::Tool
            | Kind::ToolBlocked
            | Kind::Eval
            | Kind::Approval
            | Kind::Deployed
            | Kind::RolledBack
            | Kind::Change
            | Kind::Pinned
            | Kind::Unpinned
            | Kind::Other => {
                self.handle_event(record.offset, event, kind, placed, &mut outputs);
                self.state.watermark.advance(placed.micros, broker, &self.settings)
            }
        };
        if moved {
            self.carry_out_due(&mut outputs);
            self.state.quiet.retire(self.state.watermark.at(), &self.settings);
        }
        self.state.agents.tidy();
        for mut alert in alerts {
            self.state.quiet.mark(&mut alert);
            emit(alert);
        }
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
        self.state.counters.future_skew += u64::from(placed.skewed);
        let Some(id) = event.text(columns.agent_id) else {
            self.state.counters.unattributed += 1;
            return;
        };
        let key = self.key_of(event, id);
        let state = &mut self.state;
        if !state.agents.contains(key) {
            let mut agent = Agent::new(Identity::of(event, id));
            // What is known of changes that named no environment.
            if let Some(everywhere) = state.agents.open(key.everywhere()) {
                agent.last_change.clone_from(&everywhere.last_change);
                agent.announced.clone_from(&everywhere.announced);
            }
            state.agents.insert(key, agent);
        }
        state.agents.heard(key, offset);
        // Mixed with the agent, so that one cannot use up another's.
        let number = number_of(event.text(columns.event_id).unwrap_or_default()) ^ key.number();
        let ids_max = usize::try_from(self.settings.event_ids_max).unwrap_or(usize::MAX);
        if !state.ids.insert(number, ids_max) {
            state.counters.duplicates += 1;
            self.evict(offset, outputs);
            return;
        }
        match kind {
            Kind::Change => self.note_change(offset, event, key),
            Kind::Pinned | Kind::Unpinned => {
                self.rebase(&Act::of(event, kind, offset), event, key, outputs);
            }
            Kind::Deployed | Kind::RolledBack => {
                self.note_change(offset, event, key);
                self.deploy(offset, event, kind, key, outputs);
            }
            Kind::Run
            | Kind::Tool
            | Kind::ToolBlocked
            | Kind::Eval
            | Kind::Approval
            | Kind::Other => {
                self.observe(offset, event, kind, (key, placed), outputs);
            }
            Kind::Tick | Kind::Started | Kind::Configured | Kind::Suite | Kind::Quiet(_) => {}
        }
        self.evict(offset, outputs);
    }

    /// The key of an agent that an event names.
    fn key_of(&mut self, event: &Event<'_>, id: &str) -> Key {
        self.name.clear();
        let family_bytes = write_key(event, id, &mut self.name);
        if let Some(key) = self.names.get(self.name.as_str()) {
            return *key;
        }
        let key = Key::of(&self.name, family_bytes);
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        self.names.insert(self.name.clone(), key);
        key
    }

    /// Keys of an agent in the environment of an event; without one, in every environment known.
    fn keys_of(&self, event: &Event<'_>, key: Key) -> Vec<Key> {
        if event.text(columns().environment).is_some() {
            return vec![key];
        }
        self.state.agents.family(key.family)
    }

    fn note_change(&mut self, offset: i64, event: &Event<'_>, key: Key) {
        for key in self.keys_of(event, key) {
            if let Some(agent) = self.state.agents.open(key) {
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
        key: Key,
        outputs: &mut Outputs<'_>,
    ) {
        let columns = columns();
        let named = |column| event.text(column).filter(|name| !name.is_empty()).map(bounded);
        let to = named(columns.agent_to_version).or_else(|| named(columns.agent_version));
        let Some(to) = to else { return };
        let from = named(columns.agent_from_version);
        let share = event.number(columns.agent_traffic_share);
        for key in self.keys_of(event, key) {
            let fleet = Fleet {
                settings: &self.settings,
                tests: self.state.agents.tests(),
                standings: &self.state.standings,
                quiet: &self.state.quiet,
            };
            let Some(agent) = self.state.agents.open(key) else { continue };
            let step = agent.decide((&to, from.as_deref()), kind, share, outputs);
            if !matches!(step, Step::Share(_) | Step::Nothing) {
                let known = agent.versions.contains_key(&*to);
                agent.versions.entry(to.clone().into_owned()).or_default().last_offset = offset;
                let outgoing = from
                    .as_deref()
                    .filter(|from| agent.versions.contains_key(*from) && **from != *to)
                    .map(str::to_owned)
                    .or_else(|| agent.current.clone());
                if let Step::Start(share) = step {
                    agent.start_canary(&to, share, offset, fleet, outputs);
                } else if known && kind == Kind::RolledBack {
                    agent.roll_back(&to, outgoing.as_deref(), fleet, outputs);
                } else {
                    agent.introduce(&to, outgoing, fleet, outputs);
                }
                let forgotten = agent.forget_versions(offset, fleet, outputs);
                self.state.counters.keys_evicted += forgotten;
                self.state.agents.recount(key);
            }
            self.state.agents.heard(key, offset);
        }
    }

    /// What somebody says about baselines, at this offset; as for deployments in every environment
    /// of the agent if it names none.
    fn rebase(&mut self, act: &Act<'_>, event: &Event<'_>, key: Key, outputs: &mut Outputs<'_>) {
        let mut refused = "no event of the agent was seen before";
        let mut done = false;
        for key in self.keys_of(event, key) {
            let fleet = Fleet {
                settings: &self.settings,
                tests: self.state.agents.tests(),
                standings: &self.state.standings,
                quiet: &self.state.quiet,
            };
            let Some(agent) = self.state.agents.open(key) else { continue };
            if agent.versions.is_empty() {
                continue;
            }
            match agent.act(act, fleet, outputs) {
                Ok(()) => done = true,
                Err(reason) => refused = reason,
            }
            self.state.agents.recount(key);
        }
        if let Some(agent) = self.state.agents.open(key).filter(|_| !done) {
            self.state.counters.pins_refused += 1;
            act.refuse(refused, &agent.identity, outputs);
        }
    }

    /// An event of a version: panes and streams.
    fn observe(
        &mut self,
        offset: i64,
        event: &Event<'_>,
        kind: Kind,
        (key, placed): (Key, Placed),
        outputs: &mut Outputs<'_>,
    ) {
        let columns = columns();
        let (settings, state) = (&self.settings, &mut self.state);
        let fleet = Fleet {
            settings,
            tests: state.agents.tests(),
            standings: &state.standings,
            quiet: &state.quiet,
        };
        let Some(agent) = state.agents.open(key) else { return };
        let name = bounded(event.text(columns.agent_version).unwrap_or_default());
        let is_new = !agent.versions.contains_key(&*name);
        if is_new {
            agent.versions.entry(name.clone().into_owned()).or_default().last_offset = offset;
            // What names no version cannot take over from one, nor can a canary.
            if !name.is_empty() && !agent.is_canary(&name) {
                agent.end_canary(Outcome::Superseded, outputs);
                if agent.current.is_some() && !agent.announced.contains(&name) {
                    let reason = "the version appeared and no deployment or change names it";
                    agent.report_unplanned(&name, reason, outputs);
                }
                let outgoing = agent.current.clone();
                agent.introduce(&name, outgoing, fleet, outputs);
            }
            state.counters.keys_evicted += agent.forget_versions(offset, fleet, outputs);
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
        let mut due = silence.heard(placed.micros, limit, identity, &name, outputs);
        let Some(version) = agent.versions.get_mut(&*name) else { return };
        version.last_offset = offset;
        let suite = if kind == Kind::Eval {
            let suite = event.text(columns.eval_suite).unwrap_or_default();
            version.suite(suite, settings.suites_per_key_max)
        } else {
            0
        };
        state.counters.suites_merged += u64::from(suite == OTHER_SUITE);

        let run = event.text(columns.run_id);
        let is_chosen = version.choose(kind, run);
        let mut found: Vec<Found<'_>> = Vec::new();
        for (place, metric) in (0_u8..).zip(metric::ALL) {
            if let Some(sample) = metric.sample(event, kind, columns) {
                let cell = (place, if metric.per_suite { suite } else { 0 });
                found.push(Found { cell, metric, sample, is_chosen });
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
                    let (cell, sample) = ((place, number), Sample::Number(value));
                    found.push(Found { cell, metric, sample, is_chosen: true });
                }
            }
        }
        let is_seen = !found.is_empty() || kind != Kind::Other;
        let watermark = state.watermark.at();
        let retention = Settings::micros(settings.retention_secs);
        let end = Span::Minutes.end(Span::Minutes.start(placed.micros));
        if watermark.is_some_and(|watermark| end.saturating_add(retention) <= watermark) {
            state.counters.too_late += u64::from(is_seen);
        } else if is_seen {
            state.counters.late += u64::from(watermark.is_some_and(|watermark| end <= watermark));
            // A late event waits for the next minute, so that a burst of them makes one revision.
            let when = |span: Span, window| match watermark {
                Some(watermark) if span.end(window) <= watermark => end_of_minute(watermark),
                Some(_) | None => span.end(window),
            };
            let (pane, earliest) = version.windows.touch(placed.micros, retention, when);
            for Found { cell, metric, sample, is_chosen } in &found {
                if !pane.cells.entry(*cell).or_default().add(metric.shape, sample, *is_chosen) {
                    state.counters.invalid_values += 1;
                }
            }
            due = due.into_iter().chain(earliest).min();
        }

        let is_hidden = state.quiet.hides(&agent.identity, placed.micros);
        let run = run.or_else(|| event.text(columns.event_id));
        let run = bounded(run.unwrap_or_default());
        let mark = Mark { offset, time: placed.micros };
        let mut more = 0;
        for Found { cell, metric, sample, .. } in found.iter().filter(|found| found.is_chosen) {
            let watch = metric.watch.filter(|_| cell.1 != OTHER_SUITE && !is_hidden);
            let Some(watch) = watch else { continue };
            if let Some(value) = Value::of(watch.model, sample) {
                more += agent.observe(&name, *cell, value, (mark, &run), fleet, outputs);
            }
        }
        if let Some(at) = due {
            state.agents.schedule(key, at);
        }
        if is_new || more != 0 {
            state.agents.recount(key);
        }
    }

    /// Emits and forgets the windows that the watermark has reached, and notices silence.
    fn carry_out_due(&mut self, outputs: &mut Outputs<'_>) {
        let Some(watermark) = self.state.watermark.at() else { return };
        while let Some(keys) = self.state.agents.take_due(watermark) {
            for key in keys {
                let fleet = Fleet {
                    settings: &self.settings,
                    tests: self.state.agents.tests(),
                    standings: &self.state.standings,
                    quiet: &self.state.quiet,
                };
                if let Some(agent) = self.state.agents.open(key) {
                    agent.carry_out_due(watermark, fleet, outputs);
                }
                self.state.agents.reschedule(key, watermark);
                self.state.agents.tidy();
            }
        }
    }

    /// Lets go of the agents that were silent for longest, if there are too many keys.
    fn evict(&mut self, offset: i64, outputs: &mut Outputs<'_>) {
        let keys_max = u64::from(self.settings.keys_max).max(1);
        let keys = self.state.agents.keys();
        if keys <= keys_max {
            return;
        }
        // The agent of this very record stays, even when there is room for one only.
        for key in self.state.agents.oldest(keys - keys_max + keys_max / 16, offset) {
            let fleet = Fleet {
                settings: &self.settings,
                tests: self.state.agents.tests(),
                standings: &self.state.standings,
                quiet: &self.state.quiet,
            };
            if let Some(agent) = self.state.agents.open(key) {
                let versions: Vec<String> = agent.versions.keys().cloned().collect();
                for version in &versions {
                    agent.forget(version, fleet, outputs);
                }
            }
            self.state.agents.remove(key);
        }
        self.state.counters.keys_evicted += keys.saturating_sub(self.state.agents.keys());
    }
}
