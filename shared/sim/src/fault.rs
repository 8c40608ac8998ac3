//! Planned faults: which call fails, and how.

use std::collections::BTreeMap;

/// Calls that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `Consumer::commit`.
    Commit,
    /// `EventLog::create_topics`.
    CreateTopics,
    /// `EventLog::offsets`.
    Offsets,
    /// `Consumer::poll`. It changes nothing, so `NotApplied` and `LostAnswer` are the same for it.
    Poll,
    /// `Producer::publish`; one call, whatever its number of records.
    Publish,
    /// `Consumer::seek`.
    Seek,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It fails without effect.
    NotApplied,
    /// It takes effect, but is reported as failed: the answer was lost.
    LostAnswer,
    /// It takes effect; the acknowledgement is withheld until `MemoryLog::release`. Only for
    /// [`Operation::Publish`].
    Held,
    /// Its records are appended twice; the first copy is acknowledged. Only for
    /// [`Operation::Publish`].
    Duplicated,
}

/// Planned faults, by operation and number of the call.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    calls: BTreeMap<Operation, u64>,
    faults: BTreeMap<(Operation, u64), Fault>,
}

impl Plan {
    /// Makes the call after `skip` further calls of that operation fail.
    pub(crate) fn add(&mut self, operation: Operation, skip: u64, fault: Fault) {
        assert!(
            operation == Operation::Publish || !matches!(fault, Fault::Held | Fault::Duplicated),
            "{fault:?} is a fault of publishing, not of {operation:?}"
        );
        self.faults.insert((operation, self.calls(operation) + skip), fault);
    }

    /// Counts a call; returns its fault, if one is planned.
    pub(crate) fn next(&mut self, operation: Operation) -> Option<Fault> {
        let calls = self.calls.entry(operation).or_default();
        let number = *calls;
        *calls += 1;
        self.faults.remove(&(operation, number))
    }

    /// Calls of that operation so far.
    pub(crate) fn calls(&self, operation: Operation) -> u64 {
        // An operation that was never called has no entry.
        self.calls.get(&operation).copied().unwrap_or(0)
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }
}
