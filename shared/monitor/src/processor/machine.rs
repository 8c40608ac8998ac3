//! The processor: the path of a record through the state machine.

use std::collections::BTreeMap;

use event::{ColumnId, Decoded, Event, Record, Timestamp, TimestampType, column};
use governance::{Frontier, Installation, Ownership, Refusal, Schemas, Trust};
use hashbrown::HashMap;
use suite::Suites;

use super::refused::RefusedSuites;
use super::state::{Common, State};
use super::store::Store;
use crate::catalogue::{Catalogue, InForce, Missing, Versions};
use crate::columns;
use crate::counters::Counters;
use crate::decided::Decided;
use crate::dedup::{RecentIds, number_of};
use crate::forged::Forged;
use crate::heartbeat::{self, Heartbeats};
use crate::identity::{AgentKey, Identity, write_key};
use crate::kind::Kind;
use crate::metric::MetricSet;
use crate::mute::Mutes;
use crate::output::{Destination, Output, Outputs};
use crate::settings::Settings;
use crate::stream::Standings;
use crate::unannounced::Unannounced;
use crate::watermark::{Placed, Watermark};

/// Largest number of names whose keys are cached.
const NAMES_MAX: usize = 65_536;
/// Largest name that is remembered, bytes.
const NAME_BYTES_MAX: usize = 256;

/// Computes windows, baselines and alerts from the records of one partition.
///
/// Call [`Self::handle_record`] with every record, in offset order.
#[derive(Debug)]
pub struct Processor {
    pub(super) state: State,
    /// The metrics and detectors that this processor computes where they are in force.
    pub(super) catalogue: Catalogue,
    /// Buffer for names, so that looking up an agent does not allocate.
    name: String,
    /// Cached keys of names.
    names: HashMap<String, AgentKey>,
    /// Whether the last record was the owner's.
    has_obeyed: bool,
    /// See [`Self::take_refused_suites`].
    pub(super) refused_suites: RefusedSuites,
}

/// An event of an agent, with its coordinates.
#[derive(Clone, Copy)]
pub(super) struct Attributed<'e, 'a> {
    pub(super) offset: i64,
    pub(super) event: &'e Event<'a>,
    pub(super) kind: Kind,
    pub(super) key: AgentKey,
    pub(super) placed: Placed,
}

impl Processor {
    /// A processor without state. These settings are in force until the first `monitor.configured`
    /// event of an owner. Nobody is accepted as one: see [`Self::with_ownership`].
    #[must_use]
    pub fn new(settings: Settings, topic: &str, partition: i32) -> Self {
        Self::with_catalogue(settings, topic, partition, Catalogue::default())
    }

    /// As [`Self::new`], but with a catalogue other than that of this build, as in an earlier release.
    #[must_use]
    pub fn with_catalogue(
        settings: Settings,
        topic: &str,
        partition: i32,
        catalogue: Catalogue,
    ) -> Self {
        let in_force = InForce::new(Versions::initial(), &catalogue);
        let standings = Standings::default();
        let state = State {
            topic: topic.to_owned(),
            partition,
            next_offset: 0,
            ownership: Ownership::new(Trust::nobody(Installation::default())),
            frontier: Frontier::default(),
            schemas: Schemas::default(),
            schemas_unsaved: Vec::new(),
            forged: Forged::default(),
            watermark: Watermark::default(),
            counters: Counters::default(),
            heartbeats: Heartbeats::default(),
            ids: RecentIds::default(),
            agents: Store::default(),
            decided: Decided::default(),
            unannounced: Unannounced::default(),
            suites: Suites::new(suite::Limits::default()),
            common: Common { settings, in_force, standings, mutes: Mutes::default() },
        };
        Self::of(state, catalogue)
    }

    pub(super) fn of(state: State, catalogue: Catalogue) -> Self {
        let (name, names) = (String::new(), HashMap::new());
        Self {
            state,
            catalogue,
            name,
            names,
            has_obeyed: false,
            refused_suites: RefusedSuites::default(),
        }
    }

    /// The same, with an installation and its keys; it decides whose records are obeyed.
    #[must_use]
    pub fn with_ownership(mut self, ownership: Ownership) -> Self {
        self.state.ownership = ownership;
        self
    }

    /// The same, with the schemas of other writers that are known where it begins.
    #[must_use]
    pub fn with_schemas(mut self, schemas: Schemas) -> Self {
        self.state.schemas = schemas;
        self
    }

    /// Who owns the partition at [`Self::next_offset`].
    #[must_use]
    pub const fn ownership(&self) -> &Ownership {
        &self.state.ownership
    }

    /// The schemas of other writers that the partition knows at [`Self::next_offset`].
    #[must_use]
    pub const fn schemas(&self) -> &Schemas {
        &self.state.schemas
    }

    /// Whether the last record was one of the owner's, and had its effect.
    pub(crate) const fn has_obeyed(&self) -> bool {
        self.has_obeyed
    }

    /// Number of records that claimed to be the owner's and were not, by reason.
    #[must_use]
    pub const fn forged(&self) -> &BTreeMap<Refusal, u64> {
        self.state.forged.total()
    }

    /// Offset of the next record; 0 at the beginning.
    #[must_use]
    pub const fn next_offset(&self) -> i64 {
        self.state.next_offset
    }

    /// The settings in force at [`Self::next_offset`].
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.state.common.settings
    }

    /// The metrics and detectors in force at [`Self::next_offset`], computed or not.
    #[must_use]
    pub const fn versions(&self) -> &Versions {
        &self.state.common.in_force.versions
    }

    /// Metrics and detectors that are in force at [`Self::next_offset`] and not computed.
    pub(crate) const fn missing(&self) -> &Missing {
        &self.state.common.in_force.missing
    }

    /// Whether the outputs can depend on the values of a column. If such a value is erased, the outputs
    /// that follow cannot be recomputed. A suite in force may read any column.
    #[must_use]
    pub fn reads(&self, column: ColumnId) -> bool {
        columns::reads(column) || !self.state.suites.is_empty()
    }

    /// Counts of what was handled and left out.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.state.counters
    }

    /// Number of agent versions with state (an agent without a version counts as one).
    #[must_use]
    pub const fn keys(&self) -> u64 {
        self.state.agents.keys()
    }

    /// Event time up to which the partition is assumed to be complete.
    #[must_use]
    pub fn watermark(&self) -> Option<Timestamp> {
        self.state.watermark.at().map(Timestamp::from_micros)
    }

    /// Takes the next record, and returns its outputs. A record that closes the windows of many agents
    /// has many outputs; [`Self::handle_record_into`] does not collect them.
    pub fn handle_record(&mut self, record: &Record<'_>, decoded: &Decoded<'_>) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.handle_record_into(record, decoded, &mut |output| outputs.push(output));
        outputs
    }

    /// Takes the next record, and emits each window as it is computed; events about alerts and
    /// baselines come last. A record before [`Self::next_offset`] was handled already and is ignored. A
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
        // In a replay offsets are foreign.
        self.state.next_offset = record.offset.saturating_add(1);
        self.state.counters.records += 1;
        self.has_obeyed = false;
        if decoded.fault.is_some() {
            self.state.counters.quarantined += 1;
            return;
        }
        // Alerts are marked as suppressed at the end; they are few compared with windows.
        let mut alerts = Vec::new();
        let mut pass = |output: Output| match output.destination {
            Destination::Metrics => emit(output),
            Destination::Alerts => alerts.push(output),
        };
        let left = self.handle_decoded(record, &decoded.event, &mut pass);
        for mut alert in alerts {
            self.state.common.mutes.mark(&mut alert);
            emit(alert);
        }
        // Only now, because resolving an alert that was held removes it as well.
        self.state.common.mutes.forget_metrics(left);
    }

    /// Handles an event. Returns the metrics that are no longer in force because of it.
    fn handle_decoded(
        &mut self,
        record: &Record<'_>,
        event: &Event<'_>,
        emit: &mut dyn FnMut(Output),
    ) -> MetricSet {
        let state = &mut self.state;
        let broker = (record.timestamp_type != TimestampType::None)
            .then(|| Timestamp::from_millis(record.timestamp_ms).micros());
        state.watermark.saw_broker_time(broker);
        let time = event.time(column::EVENT_TIME).map(Timestamp::micros);
        // Without any time, an event is placed at the epoch.
        let time = time.or(broker).unwrap_or_default();
        let placed = state.watermark.place(time, broker, &state.common.settings);
        let mut outputs = Outputs::of(record, placed.micros, emit);
        let log_time = state.watermark.log_time().unwrap_or(placed.micros);
        state.common.mutes.reach(log_time, &mut outputs);
        self.report_unannounced(log_time, &mut outputs);

        let kind = Kind::of(event);
        let mut left = MetricSet::default();
        if kind.is_own() {
            let place = (record.topic, record.partition);
            if let Err(refusal) = self.state.ownership.accept(place, record.offset, event) {
                // Owners that race, and one that resumes from an old snapshot, write one honestly.
                let is_late = kind == Kind::Started && refusal == Refusal::Superseded;
                self.state.forged.count(record.offset, refusal, is_late);
                return left;
            }
            self.has_obeyed = true;
        }
        let moved = match kind {
            Kind::Configured => {
                left = self.configure(event, &mut outputs);
                false
            }
            Kind::Admitted => {
                let at = (record.offset, broker);
                self.has_obeyed = self.admit(event, at, &mut outputs);
                false
            }
            Kind::Started => false,
            Kind::Schemas => {
                let place = (record.topic, record.partition);
                let State { schemas, ownership, forged, .. } = &mut self.state;
                match schemas.take(ownership.trust(), place, record.offset, event) {
                    Ok(Some(taken)) => {
                        self.has_obeyed = true;
                        self.state.schemas_unsaved.extend(taken.added);
                    }
                    // A copy, or an owner that raced.
                    Ok(None) => {}
                    Err(refusal) => forged.count(record.offset, refusal, false),
                }
                false
            }
            Kind::Tick => {
                let at = broker.unwrap_or(placed.micros);
                let moved = self.tick(event, (record.offset, at), &mut outputs);
                self.state.forged.report(&mut outputs);
                moved
            }
            Kind::Run
            | Kind::Tool
            | Kind::ToolBlocked
            | Kind::Eval
            | Kind::Approval
            | Kind::Other => {
                self.handle_event(record.offset, event, kind, placed, &mut outputs);
                let state = &mut self.state;
                state.watermark.advance(placed.micros, broker, &state.common.settings)
            }
            // Anybody may write it here. It is so where the owner has admitted it.
            Kind::Suite
            | Kind::Mute(_)
            | Kind::Deployed
            | Kind::RolledBack
            | Kind::Change
            | Kind::Pinned
            | Kind::Unpinned => {
                let state = &mut self.state;
                state.counters.self_reported += 1;
                state.watermark.advance(placed.micros, broker, &state.common.settings)
            }
        };
        if moved {
            self.carry_out_due(&mut outputs);
            let State { watermark, common, .. } = &mut self.state;
            common.mutes.retire(watermark.at(), &common.settings);
        }
        self.state.agents.tidy(self.state.common.settings.state_bytes_max);
        left
    }

    /// Puts other settings in force, thresholds included; running tests keep their evidence and
    /// their bound. Invalid settings change nothing. Returns the metrics that are no longer in force.
    fn configure(&mut self, event: &Event<'_>, outputs: &mut Outputs<'_>) -> MetricSet {
        let State { common, counters, .. } = &mut self.state;
        let Ok(versions) = Versions::of(event) else {
            counters.settings_refused += 1;
            return MetricSet::default();
        };
        let in_force = versions.map(|versions| InForce::new(versions, &self.catalogue));
        // Without text they do not parse, and are refused.
        let settings = event.text(column::monitor::SETTINGS).unwrap_or_default();
        // Whether a metric can have settings depends on the record, not on this build.
        let watched = in_force.as_ref().unwrap_or(&common.in_force);
        let Ok(settings) = Settings::from_record(settings, |name| watched.can_be_set(name)) else {
            counters.settings_refused += 1;
            return MetricSet::default();
        };
        common.settings = settings;
        counters.settings_applied += 1;
        in_force.map_or_else(MetricSet::default, |in_force| self.put_in_force(in_force, outputs))
    }

    /// Puts other metrics and detectors in force. The state of metrics that are no longer in force is
    /// removed: if they come back, they start without state. Returns these metrics.
    fn put_in_force(&mut self, in_force: InForce, outputs: &mut Outputs<'_>) -> MetricSet {
        let State { agents, common, .. } = &mut self.state;
        let left = common.in_force.metrics.without(in_force.metrics);
        if !left.is_empty() {
            for key in agents.all() {
                let shared = common.shared(agents.tests());
                agents.agent(key).forget_metrics(left, shared, outputs);
                agents.recount(key);
                agents.tidy(common.settings.state_bytes_max);
            }
        }
        common.in_force = in_force;
        left
    }

    /// Reports versions that no act has named in time.
    fn report_unannounced(&mut self, now: i64, outputs: &mut Outputs<'_>) {
        let State { unannounced, agents, decided, .. } = &mut self.state;
        while let Some(seen) = unannounced.take_due(now) {
            let agent = agents.open(seen.key).map(|agent| &*agent);
            // An agent that was evicted meanwhile has its acts still.
            let mut acts = decided.of(seen.key.family, seen.agent.environment.as_deref());
            let is_named = agent.is_some_and(|agent| agent.announced.contains(&seen.name))
                || acts.any(|act| act.announced.contains(&seen.name));
            if !is_named {
                seen.report(agent.and_then(|agent| agent.last_change.as_ref()), outputs);
            }
        }
    }

    /// Handles a tick of the monitor. Returns whether it moved the watermark.
    fn tick(&mut self, tick: &Event<'_>, place: (i64, i64), outputs: &mut Outputs<'_>) -> bool {
        let State { watermark, heartbeats, common, .. } = &mut self.state;
        let (_, at) = place;
        let moved = heartbeat::is_idle(tick) && watermark.tick(at, &common.settings);
        heartbeats.tick(tick, place, watermark.at(), &common.settings, outputs);
        moved
    }

    /// Whether an event id, as a number, was seen before; if so, it is counted.
    fn is_repeated(&mut self, id: u128) -> bool {
        let state = &mut self.state;
        let ids_max = state.common.settings.event_ids_max as usize;
        let is_new = state.ids.insert(id, ids_max);
        state.counters.duplicates += u64::from(!is_new);
        !is_new
    }

    fn handle_event(
        &mut self,
        offset: i64,
        event: &Event<'_>,
        kind: Kind,
        placed: Placed,
        outputs: &mut Outputs<'_>,
    ) {
        self.state.counters.future_skew += u64::from(placed.skewed);
        let Some(id) = event.text(column::AGENT_ID) else {
            self.state.counters.unattributed += 1;
            return;
        };
        let key = self.key_of(event, id);
        if !self.state.agents.contains(key) {
            self.add_agent(key, Identity::of(event, id), offset, outputs);
            self.state.agents.heard(key, offset);
            self.evict_environments(key, outputs);
        } else {
            self.state.agents.heard(key, offset);
        }
        // Combined with the agent, so that an agent cannot use the ids of another.
        let number = number_of(event.text(column::EVENT_ID).unwrap_or_default()) ^ key.number();
        if !self.is_repeated(number) {
            let of_agent = Attributed { offset, event, kind, key, placed };
            self.observe(of_agent, outputs);
            self.charge(key, event);
        }
        self.evict(key, offset, outputs);
    }

    /// The key of the agent of an event.
    pub(super) fn key_of(&mut self, event: &Event<'_>, id: &str) -> AgentKey {
        self.name.clear();
        let family_bytes = write_key(event, id, &mut self.name);
        if let Some(key) = self.names.get(self.name.as_str()) {
            return *key;
        }
        let key = AgentKey::of(&self.name, family_bytes);
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        // The longest names would take most of the memory, and are the least usual.
        if self.name.len() <= NAME_BYTES_MAX {
            self.names.insert(self.name.clone(), key);
        }
        key
    }

    /// Carries out the tasks of all agents that are due at the watermark.
    fn carry_out_due(&mut self, outputs: &mut Outputs<'_>) {
        let State { watermark, agents, common, .. } = &mut self.state;
        let Some(watermark) = watermark.at() else { return };
        while let Some(keys) = agents.take_due(watermark) {
            for key in keys {
                let shared = common.shared(agents.tests());
                agents.agent(key).carry_out_due(watermark, shared, outputs);
                agents.reschedule(key, watermark);
                agents.tidy(common.settings.state_bytes_max);
            }
        }
    }
}
