//! Which call fails, and how.

use std::collections::BTreeMap;

/// Calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `Consumer::commit`.
    Commit,
    /// `EventLog::create_topics`.
    CreateTopics,
    /// `EventLog::offsets`.
    Offsets,
    /// `Consumer::poll`. Reading changes nothing, so both failures mean the same for it.
    Poll,
    /// `Producer::publish`, one call however many records it has.
    Publish,
    /// `Consumer::seek`.
    Seek,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It fails and had no effect.
    NotApplied,
    /// It takes effect, and is reported as failed: the lost answer.
    LostAnswer,
    /// It takes effect; the acknowledgement is withheld until `MemoryLog::release`. Meant for
    /// [`Operation::Publish`]; elsewhere it changes nothing.
    Held,
    /// Its records are appended twice; the first copy is acknowledged. Meant for
    /// [`Operation::Publish`]; elsewhere it changes nothing.
    Duplicated,
}

/// Faults to come, by operation and number of the call.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    calls: BTreeMap<Operation, u64>,
    faults: BTreeMap<(Operation, u64), Fault>,
}

impl Plan {
    /// The call after `skip` further calls of that operation will fail.
    pub(crate) fn add(&mut self, operation: Operation, skip: u64, fault: Fault) {
        let next = self.calls.get(&operation).copied().unwrap_or(0);
        self.faults.insert((operation, next + skip), fault);
    }

    /// Counts a call and says how it fails.
    pub(crate) fn next(&mut self, operation: Operation) -> Option<Fault> {
        let calls = self.calls.entry(operation).or_default();
        let number = *calls;
        *calls += 1;
        self.faults.remove(&(operation, number))
    }

    /// Calls of that operation so far.
    pub(crate) fn calls(&self, operation: Operation) -> u64 {
        self.calls.get(&operation).copied().unwrap_or(0)
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }
}
