//! The agents of a partition: recently used ones as values, the others serialized.
//!
//! # Promise
//!
//! - Whether an agent is open or packed makes no difference: packing and opening restores the same
//!   value.
//! - At most [`OPEN_MAX`] agents are open, plus those that the current record opens. A packed agent
//!   costs its bytes and its entry: about 700 bytes in all for three runs of one version (`cargo
//!   bench -p monitor --bench scale`).
//! - Changes since the last save are tracked, so that the cost of saving is proportional to them.
//! - The watermark of an agent's next task is known without opening it.
//! - The size of the state is known: that of an agent when it was last weighed, and what its events
//!   may have added since. What an event is charged is an estimate, so an agent is weighed again when
//!   the charges reach half of its weight, and after its tasks. All of it is saved, so that a restart
//!   counts the same.
//!
//! # What it does not do
//!
//! It does not bound the number of agents or their size; the processor does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::identity::{AgentKey, Digest};

/// Largest number of agents that stay open.
const OPEN_MAX: usize = 2_048;
/// Largest part of the state that stays open, as a share of its largest size: one in so many.
const OPEN_SHARE: u64 = 32;
/// What an agent costs besides its saved bytes: its key and its entry.
const ENTRY_BYTES: u64 = 256;
/// What an agent is charged when its versions or tests have changed.
const RECOUNT_BYTES: u64 = 512;
/// Charges up to which an agent is not weighed, however small it is.
const CHARGED_MIN: u64 = 4_096;
/// In [`Facts::next_due`]: there is no task.
const NEVER: i64 = i64::MAX;

/// The part of an agent that is known without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    /// Offset of its last event.
    last_offset: i64,
    /// Watermark before which it has no task.
    next_due: i64,
    /// Number of its keys: its versions, at least 1.
    keys: u32,
    /// Number of streams that are tested.
    tests: u32,
    /// Saved size when it was last weighed.
    weight: u64,
    /// What its events were charged since.
    charged: u64,
}

impl Facts {
    const fn bytes(&self) -> u64 {
        ENTRY_BYTES + self.weight + self.charged
    }
}

#[derive(Debug)]
enum Body {
    Open(Box<Agent>),
    Packed(Box<[u8]>),
}

#[derive(Debug)]
struct Entry {
    facts: Facts,
    /// Number of openings until its last use.
    used: u64,
    /// Whether it has changed since it was saved.
    is_changed: bool,
    body: Body,
}

/// The agents.
#[derive(Debug, Default)]
pub(crate) struct Store {
    entries: BTreeMap<AgentKey, Entry>,
    /// Agents by the watermark of their next task; entries with another [`Facts::next_due`] are
    /// obsolete.
    schedule: BTreeMap<i64, Vec<AgentKey>>,
    keys: u64,
    tests: u64,
    bytes: u64,
    /// Weight of the agents that are open, at most.
    open_bytes: u64,
    opened: Vec<AgentKey>,
    openings: u64,
    changed: Vec<AgentKey>,
    removed: Vec<AgentKey>,
}

impl Store {
    /// Number of keys of all agents: their versions, at least 1 each.
    pub(crate) const fn keys(&self) -> u64 {
        self.keys
    }

    /// Number of streams of all agents that are tested.
    pub(crate) const fn tests(&self) -> u64 {
        self.tests
    }

    /// Size of the state of all agents.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Size of the state of an agent, which is known.
    pub(crate) fn bytes_of(&mut self, key: AgentKey) -> u64 {
        entry_of(&mut self.entries, key).facts.bytes()
    }

    /// Charges an agent, which is known, for what an event may have added to it.
    pub(crate) fn charge(&mut self, key: AgentKey, bytes: u64) {
        let facts = &mut entry_of(&mut self.entries, key).facts;
        facts.charged += bytes;
        self.bytes += bytes;
        if facts.charged > CHARGED_MIN.max(facts.weight / 2) {
            self.weigh(key);
        }
    }

    fn weigh(&mut self, key: AgentKey) {
        let entry = entry_of(&mut self.entries, key);
        let (weight, is_open) = match &entry.body {
            Body::Open(agent) => (size_of_packed(agent), true),
            Body::Packed(bytes) => (bytes.len() as u64, false),
        };
        let facts = &mut entry.facts;
        let before = facts.bytes();
        if is_open {
            // What shrinks is counted when agents are packed.
            self.open_bytes += weight.saturating_sub(facts.weight);
        }
        (facts.weight, facts.charged) = (weight, 0);
        self.bytes = less(self.bytes + facts.bytes(), before);
    }

    pub(crate) fn contains(&self, key: AgentKey) -> bool {
        self.entries.contains_key(&key)
    }

    /// Adds a new agent.
    pub(crate) fn insert(&mut self, key: AgentKey, agent: Agent) {
        self.openings += 1;
        let (weight, charged) = (0, 0);
        let facts = Facts { last_offset: 0, next_due: NEVER, keys: 1, tests: 0, weight, charged };
        self.bytes += facts.bytes();
        let body = Body::Open(Box::new(agent));
        let entry = Entry { facts, used: self.openings, is_changed: true, body };
        if self.entries.insert(key, entry).is_none() {
            self.keys += 1;
        }
        self.opened.push(key);
        self.changed.push(key);
    }

    /// An agent that is known, to be changed.
    pub(crate) fn agent(&mut self, key: AgentKey) -> &mut Agent {
        let Some(agent) = self.open(key) else { unreachable!("agent {key:?} is unknown") };
        agent
    }

    /// An agent, to be changed; `None` if it is unknown.
    pub(crate) fn open(&mut self, key: AgentKey) -> Option<&mut Agent> {
        let entry = self.entries.get_mut(&key)?;
        self.openings += 1;
        entry.used = self.openings;
        if !entry.is_changed {
            entry.is_changed = true;
            self.changed.push(key);
        }
        if let Body::Packed(bytes) = &entry.body {
            self.open_bytes += entry.facts.weight;
            entry.body = Body::Open(Box::new(unpack(bytes)));
            self.opened.push(key);
        }
        match &mut entry.body {
            Body::Open(agent) => Some(agent),
            Body::Packed(_) => unreachable!("it was unpacked"),
        }
    }

    /// Keys of all agents.
    pub(crate) fn all(&self) -> Vec<AgentKey> {
        self.entries.keys().copied().collect()
    }

    /// Keys of the known environments of an agent.
    pub(crate) fn family(&self, family: Digest) -> Vec<AgentKey> {
        let first = AgentKey { family, whole: [0; 2] };
        let last = AgentKey { family, whole: [u64::MAX; 2] };
        self.entries.range(first..=last).map(|(key, _)| *key).collect()
    }

    /// Records the offset of an event of an agent, which is known.
    pub(crate) fn heard(&mut self, key: AgentKey, offset: i64) {
        let entry = entry_of(&mut self.entries, key);
        entry.facts.last_offset = offset;
        if !entry.is_changed {
            entry.is_changed = true;
            self.changed.push(key);
        }
    }

    /// Records that an agent, which is known, has a task at a watermark.
    pub(crate) fn schedule(&mut self, key: AgentKey, at: i64) {
        let entry = entry_of(&mut self.entries, key);
        if at < entry.facts.next_due {
            entry.facts.next_due = at;
            self.schedule.entry(at).or_default().push(key);
        }
    }

    /// The agents with tasks at the earliest instant, unless it lies after the watermark. Each must
    /// be rescheduled.
    pub(crate) fn take_due(&mut self, watermark: i64) -> Option<Vec<AgentKey>> {
        let (at, mut keys) =
            self.schedule.first_entry().filter(|e| *e.key() <= watermark)?.remove_entry();
        keys.retain(|key| self.entries.get(key).is_some_and(|entry| entry.facts.next_due == at));
        keys.sort_unstable();
        keys.dedup();
        Some(keys)
    }

    /// Counts the keys and tests of an open agent, after they may have changed.
    pub(crate) fn recount(&mut self, key: AgentKey) {
        let Entry { facts, body: Body::Open(agent), .. } = entry_of(&mut self.entries, key) else {
            unreachable!("agent {key:?} is not open")
        };
        let (versions, tests) = (agent.versions.len().max(1), agent.tests());
        let (Ok(keys), Ok(tests)) = (u32::try_from(versions), u32::try_from(tests)) else {
            unreachable!("{versions} versions, {tests} tests: settings of 16 bits bound both")
        };
        self.keys = less(self.keys + u64::from(keys), u64::from(facts.keys));
        self.tests = less(self.tests + u64::from(tests), u64::from(facts.tests));
        (facts.keys, facts.tests) = (keys, tests);
        // A new version, or a test that started.
        self.charge(key, RECOUNT_BYTES);
    }

    /// Schedules the next task of an open agent, after all tasks up to a watermark are done.
    pub(crate) fn reschedule(&mut self, key: AgentKey, watermark: i64) {
        let Entry { facts, body: Body::Open(agent), .. } = entry_of(&mut self.entries, key) else {
            unreachable!("agent {key:?} is not open")
        };
        let next = agent.next_due();
        // Watermarks are foreign, and saturate.
        facts.next_due = next.map_or(NEVER, |at| at.max(watermark.saturating_add(1)));
        if facts.next_due != NEVER {
            self.schedule.entry(facts.next_due).or_default().push(key);
        }
        // Windows have been discarded.
        self.weigh(key);
    }

    /// The agents without an event for longest, and without one at that offset; as many as have
    /// `keys` keys and `bytes` bytes together.
    pub(crate) fn oldest(&self, keys: u64, bytes: u64, offset: i64) -> Vec<AgentKey> {
        let mut all: Vec<(i64, AgentKey, u64, u64)> = self
            .entries
            .iter()
            .map(|(key, Entry { facts, .. })| {
                (facts.last_offset, *key, u64::from(facts.keys), facts.bytes())
            })
            .filter(|(last_offset, ..)| *last_offset != offset)
            .collect();
        all.sort_unstable();
        let mut left = (keys, bytes);
        let wanted = all.into_iter().take_while(|(_, _, keys, bytes)| {
            let is_wanted = left.0 > 0 || left.1 > 0;
            left = (left.0.saturating_sub(*keys), left.1.saturating_sub(*bytes));
            is_wanted
        });
        wanted.map(|(_, key, ..)| key).collect()
    }

    /// Of some agents, all known, the one without an event for longest.
    pub(crate) fn oldest_of(&self, keys: &[AgentKey]) -> Option<AgentKey> {
        let heard = |key: &AgentKey| {
            let entry = self.entries.get(key)?;
            Some((entry.facts.last_offset, *key))
        };
        keys.iter().filter_map(heard).min().map(|(_, key)| key)
    }

    /// Removes an agent, which is known.
    pub(crate) fn remove(&mut self, key: AgentKey) {
        let Some(Entry { facts, .. }) = self.entries.remove(&key) else {
            unreachable!("agent {key:?} is unknown")
        };
        self.keys = less(self.keys, u64::from(facts.keys));
        self.tests = less(self.tests, u64::from(facts.tests));
        self.bytes = less(self.bytes, facts.bytes());
        self.removed.push(key);
    }

    /// Packs the least recently used agents, if too many are open, or more of a state of that size
    /// than may be. Call it when no agent is in use.
    pub(crate) fn tidy(&mut self, state_bytes_max: u64) {
        if self.opened.len() > OPEN_MAX {
            self.pack(OPEN_MAX / 2);
        } else if self.open_bytes > state_bytes_max / OPEN_SHARE && self.opened.len() > 1 {
            self.pack(self.opened.len() / 2);
        }
    }

    /// Packs all but the `open` most recently used agents.
    fn pack(&mut self, open: usize) {
        let used = |key: &AgentKey| self.entries.get(key).map_or(0, |entry| entry.used);
        let mut opened: Vec<(u64, AgentKey)> =
            self.opened.iter().map(|key| (used(key), *key)).collect();
        // An agent that is listed twice was removed and added again.
        opened.sort_unstable_by(|a, b| b.cmp(a));
        opened.dedup();
        for (_, key) in opened.split_off(open.min(opened.len())) {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            if let Body::Open(agent) = &entry.body {
                entry.body = Body::Packed(pack(agent).into_boxed_slice());
            }
        }
        self.opened = opened.into_iter().map(|(_, key)| key).collect();
        let weight = |key: &AgentKey| self.entries.get(key).map_or(0, |entry| entry.facts.weight);
        self.open_bytes = self.opened.iter().map(weight).sum();
    }

    /// Passes each agent that has changed since the last call to `show`, as it is to be saved; `None`
    /// for one that was removed.
    pub(crate) fn take_changes(&mut self, mut show: impl FnMut(AgentKey, Option<Vec<u8>>)) {
        for key in std::mem::take(&mut self.removed) {
            if !self.contains(key) {
                show(key, None);
            }
        }
        for key in std::mem::take(&mut self.changed) {
            let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.is_changed) else {
                continue;
            };
            entry.is_changed = false;
            let mut bytes = encode(&entry.facts);
            match &entry.body {
                Body::Open(agent) => bytes.append(&mut pack(agent)),
                Body::Packed(packed) => bytes.extend_from_slice(packed),
            }
            show(key, Some(bytes));
        }
    }

    /// Restores a saved agent. It is opened when it is used.
    ///
    /// # Errors
    ///
    /// Bytes that do not begin with the facts of an agent.
    pub(crate) fn restore(&mut self, key: AgentKey, bytes: &[u8]) -> Result<(), postcard::Error> {
        let (facts, packed): (Facts, &[u8]) = postcard::take_from_bytes(bytes)?;
        let body = Body::Packed(packed.into());
        let entry = Entry { facts, used: 0, is_changed: false, body };
        if self.entries.insert(key, entry).is_none() {
            self.keys += u64::from(facts.keys);
            self.tests += u64::from(facts.tests);
            self.bytes += facts.bytes();
            if facts.next_due != NEVER {
                self.schedule.entry(facts.next_due).or_default().push(key);
            }
        }
        Ok(())
    }
}

fn entry_of(entries: &mut BTreeMap<AgentKey, Entry>, key: AgentKey) -> &mut Entry {
    let Some(entry) = entries.get_mut(&key) else { unreachable!("agent {key:?} is unknown") };
    entry
}

fn pack(agent: &Agent) -> Vec<u8> {
    encode(agent)
}

/// A total without the share of one agent.
fn less(total: u64, own: u64) -> u64 {
    assert!(total >= own, "an agent has {own} of {total}");
    total - own
}

/// Size of an agent as [`pack`] writes it.
#[expect(clippy::panic, reason = "every type of the state has a postcard form")]
fn size_of_packed(agent: &Agent) -> u64 {
    match postcard::experimental::serialized_size(agent) {
        Ok(size) => size as u64,
        Err(error) => panic!("the state of an agent does not encode: {error}"),
    }
}

/// Every type of the state has a postcard form.
#[expect(clippy::panic, reason = "without its bytes an agent is lost")]
fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value)
        .unwrap_or_else(|error| panic!("the state of an agent does not encode: {error}"))
}

/// Saved bytes are verified where they are stored, so this fails only if a type of the state does not
/// survive a round trip.
#[expect(clippy::panic, reason = "without its state an agent is lost")]
fn unpack(bytes: &[u8]) -> Agent {
    postcard::from_bytes(bytes)
        .unwrap_or_else(|error| panic!("the state of an agent does not decode: {error}"))
}
