//! The agents of a partition: recently active ones as values, the others serialized.
//!
//! # Promise
//!
//! - Whether an agent is open or packed has no effect: packing and opening restores the same value.
//! - At most [`OPEN_MAX`] agents are open, and what one record opens besides. A packed one costs its
//!   bytes and what finds it again: all in all some 700 bytes for three runs of one version
//!   (`cargo bench -p monitor --bench scale`).
//! - What has changed since it was last saved is known, so that saving costs no more than that.
//! - The watermark at which an agent has something to do next is known without opening it.
//!
//! # What it does not do
//!
//! It does not bound the number of agents; the processor does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::identity::{AgentKey, Digest};

/// Agents that are kept as values.
const OPEN_MAX: usize = 2_048;
/// In [`Facts::next_due`]: nothing to do.
const NEVER: i64 = i64::MAX;

/// What is known of an agent without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    /// Offset of its last event.
    last_offset: i64,
    /// Watermark before which it has nothing to do.
    next_due: i64,
    /// Its keys: its versions, at least 1.
    keys: u32,
    /// Tests that run.
    tests: u32,
}

#[derive(Debug)]
enum Body {
    Open(Box<Agent>),
    Packed(Box<[u8]>),
}

#[derive(Debug)]
struct Entry {
    facts: Facts,
    /// When it was used last, in openings.
    used: u64,
    /// Whether it is not as it was saved.
    is_changed: bool,
    body: Body,
}

/// The agents.
#[derive(Debug, Default)]
pub(crate) struct Store {
    entries: BTreeMap<AgentKey, Entry>,
    /// Watermarks at which agents have something to do: those whose [`Facts::next_due`] it is.
    /// Others were moved and count no more.
    schedule: BTreeMap<i64, Vec<AgentKey>>,
    keys: u64,
    tests: u64,
    opened: Vec<AgentKey>,
    openings: u64,
    changed: Vec<AgentKey>,
    removed: Vec<AgentKey>,
}

impl Store {
    /// Keys of all agents: their versions, at least 1 each.
    pub(crate) const fn keys(&self) -> u64 {
        self.keys
    }

    /// Tests that run, of all agents.
    pub(crate) const fn tests(&self) -> u64 {
        self.tests
    }

    pub(crate) fn contains(&self, key: AgentKey) -> bool {
        self.entries.contains_key(&key)
    }

    /// Adds an agent that is not there.
    pub(crate) fn insert(&mut self, key: AgentKey, agent: Agent) {
        self.openings += 1;
        let facts = Facts { last_offset: 0, next_due: NEVER, keys: 1, tests: 0 };
        let body = Body::Open(Box::new(agent));
        let entry = Entry { facts, used: self.openings, is_changed: true, body };
        if self.entries.insert(key, entry).is_none() {
            self.keys += 1;
        }
        self.opened.push(key);
        self.changed.push(key);
    }

    /// An agent, to be changed.
    pub(crate) fn open(&mut self, key: AgentKey) -> Option<&mut Agent> {
        let entry = self.entries.get_mut(&key)?;
        self.openings += 1;
        entry.used = self.openings;
        if !entry.is_changed {
            entry.is_changed = true;
            self.changed.push(key);
        }
        if let Body::Packed(bytes) = &entry.body {
            entry.body = Body::Open(Box::new(unpack(bytes)));
            self.opened.push(key);
        }
        match &mut entry.body {
            Body::Open(agent) => Some(agent),
            Body::Packed(_) => None,
        }
    }

    /// All agents.
    pub(crate) fn all(&self) -> Vec<AgentKey> {
        self.entries.keys().copied().collect()
    }

    /// The environments of an agent that are known.
    pub(crate) fn family(&self, family: Digest) -> Vec<AgentKey> {
        let first = AgentKey { family, whole: [0; 2] };
        let last = AgentKey { family, whole: [u64::MAX; 2] };
        self.entries.range(first..=last).map(|(key, _)| *key).collect()
    }

    /// An agent has an event at that offset.
    pub(crate) fn heard(&mut self, key: AgentKey, offset: i64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.facts.last_offset = offset;
            if !entry.is_changed {
                entry.is_changed = true;
                self.changed.push(key);
            }
        }
    }

    /// An agent has something to do at that watermark.
    pub(crate) fn schedule(&mut self, key: AgentKey, at: i64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if at < entry.facts.next_due {
            entry.facts.next_due = at;
            self.schedule.entry(at).or_default().push(key);
        }
    }

    /// The agents that have something to do at the earliest instant, if that is not behind the
    /// watermark. Each must be rescheduled.
    pub(crate) fn take_due(&mut self, watermark: i64) -> Option<Vec<AgentKey>> {
        let (at, mut keys) =
            self.schedule.first_entry().filter(|e| *e.key() <= watermark)?.remove_entry();
        keys.retain(|key| self.entries.get(key).is_some_and(|entry| entry.facts.next_due == at));
        keys.sort_unstable();
        keys.dedup();
        Some(keys)
    }

    /// Counts what an open agent has, after its versions or tests have changed.
    pub(crate) fn recount(&mut self, key: AgentKey) {
        let Some(Entry { facts, body: Body::Open(agent), .. }) = self.entries.get_mut(&key) else {
            return;
        };
        // Both are bounded by settings of 16 bits.
        let keys = u32::try_from(agent.versions.len().max(1)).unwrap_or(u32::MAX);
        let tests = u32::try_from(agent.tests()).unwrap_or(u32::MAX);
        self.keys = less(self.keys + u64::from(keys), facts.keys);
        self.tests = less(self.tests + u64::from(tests), facts.tests);
        (facts.keys, facts.tests) = (keys, tests);
    }

    /// Asks an agent that was due when it has something to do next, now that everything up to that
    /// watermark is done.
    pub(crate) fn reschedule(&mut self, key: AgentKey, watermark: i64) {
        let Some(Entry { facts, body, .. }) = self.entries.get_mut(&key) else { return };
        let next = match body {
            Body::Open(agent) => agent.next_due(),
            Body::Packed(_) => None,
        };
        facts.next_due = next.map_or(NEVER, |at| at.max(watermark.saturating_add(1)));
        if facts.next_due != NEVER {
            self.schedule.entry(facts.next_due).or_default().push(key);
        }
    }

    /// The agents that were silent for longest and have no event at that offset; as many as it takes
    /// for so many keys.
    pub(crate) fn oldest(&self, keys: u64, offset: i64) -> Vec<AgentKey> {
        let mut all: Vec<(i64, AgentKey, u32)> = self
            .entries
            .iter()
            .map(|(key, entry)| (entry.facts.last_offset, *key, entry.facts.keys))
            .filter(|(last_offset, ..)| *last_offset != offset)
            .collect();
        all.sort_unstable();
        let mut left = keys;
        let wanted = all.into_iter().take_while(|(_, _, keys)| {
            let is_wanted = left > 0;
            left = left.saturating_sub(u64::from(*keys));
            is_wanted
        });
        wanted.map(|(_, key, _)| key).collect()
    }

    /// Forgets an agent.
    pub(crate) fn remove(&mut self, key: AgentKey) {
        let Some(Entry { facts, .. }) = self.entries.remove(&key) else { return };
        self.keys = less(self.keys, facts.keys);
        self.tests = less(self.tests, facts.tests);
        self.removed.push(key);
    }

    /// Packs those that were not used for longest, if too many are open. To be called when no agent
    /// is in use.
    pub(crate) fn tidy(&mut self) {
        if self.opened.len() > OPEN_MAX {
            self.pack(OPEN_MAX / 2);
        }
    }

    /// Leaves so many open.
    fn pack(&mut self, open: usize) {
        let used = |key: &AgentKey| self.entries.get(key).map_or(0, |entry| entry.used);
        let mut opened: Vec<(u64, AgentKey)> =
            self.opened.iter().map(|key| (used(key), *key)).collect();
        // What is listed twice was removed and came again.
        opened.sort_unstable_by(|a, b| b.cmp(a));
        opened.dedup();
        for (_, key) in opened.split_off(open.min(opened.len())) {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            if let Body::Open(agent) = &entry.body {
                entry.body = Body::Packed(pack(agent).into_boxed_slice());
            }
        }
        self.opened = opened.into_iter().map(|(_, key)| key).collect();
    }

    /// Shows each agent that has changed since the last call, as it is to be saved; `None` for one
    /// that is gone.
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

    /// Takes an agent as it was saved. It is opened when it is used.
    ///
    /// # Errors
    ///
    /// Bytes that do not begin with what is known of an agent.
    pub(crate) fn restore(&mut self, key: AgentKey, bytes: &[u8]) -> Result<(), postcard::Error> {
        let (facts, packed): (Facts, &[u8]) = postcard::take_from_bytes(bytes)?;
        let body = Body::Packed(packed.into());
        let entry = Entry { facts, used: 0, is_changed: false, body };
        if self.entries.insert(key, entry).is_none() {
            self.keys += u64::from(facts.keys);
            self.tests += u64::from(facts.tests);
            if facts.next_due != NEVER {
                self.schedule.entry(facts.next_due).or_default().push(key);
            }
        }
        Ok(())
    }
}

fn pack(agent: &Agent) -> Vec<u8> {
    encode(agent)
}

/// A total without what one agent had of it.
fn less(total: u64, own: u32) -> u64 {
    assert!(total >= u64::from(own), "an agent has {own} of {total}");
    total - u64::from(own)
}

/// Every type of the state has a postcard form.
#[expect(clippy::panic, reason = "without its bytes an agent is lost")]
fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value)
        .unwrap_or_else(|error| panic!("the state of an agent does not encode: {error}"))
}

/// Bytes that were saved are checked where they are stored, so this fails only if a type of the
/// state has no round trip.
#[expect(clippy::panic, reason = "without its state an agent is lost")]
fn unpack(bytes: &[u8]) -> Agent {
    postcard::from_bytes(bytes)
        .unwrap_or_else(|error| panic!("the state of an agent does not decode: {error}"))
}
