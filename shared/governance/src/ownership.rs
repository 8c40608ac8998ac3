//! Who owns a partition: the state machine of `README.md`.

use event::{Event, column, kind};
use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::own::{Stamp, verify_own};
use crate::refusal::Refusal;
use crate::trust::Trust;

/// The owner in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// History of the partition.
    pub history: Id,
    /// Epoch of the owner.
    pub epoch: i64,
    /// The owner.
    pub owner: Id,
    /// Number of the last record that was accepted.
    pub sequence: i64,
    /// Its offset.
    pub at: i64,
}

/// Who owns a partition, and with which keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    trust: Trust,
    current: Option<Current>,
}

impl Ownership {
    /// A partition that nobody owns yet.
    #[must_use]
    pub const fn new(trust: Trust) -> Self {
        Self { trust, current: None }
    }

    /// The installation and the keys that are valid.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The owner in force.
    #[must_use]
    pub const fn current(&self) -> Option<&Current> {
        self.current.as_ref()
    }

    /// Whether that owner is in force.
    #[must_use]
    pub fn is_owned_by(&self, owner: Id) -> bool {
        self.current.is_some_and(|current| current.owner == owner)
    }

    /// Takes a record that claims to be the owner's; `place` is its topic and partition, `at` its
    /// offset. It has its effect exactly if this returns without an error.
    ///
    /// # Errors
    ///
    /// Why the record is not obeyed; the state is unchanged.
    pub fn accept(
        &mut self,
        place: (&str, i32),
        at: i64,
        event: &Event<'_>,
    ) -> Result<(), Refusal> {
        let (stamp, sequence) = verify_own(&self.trust, place, event)?;
        let is_start = event.text(column::KIND) == Some(kind::MONITOR_STARTED);
        if let Some(current) = &self.current {
            let begins_at = event.int(column::monitor::FIRST_OFFSET).filter(|_| is_start);
            current.check(&stamp, (sequence, is_start), begins_at)?;
        }
        let Stamp { history, owner, epoch, .. } = stamp;
        self.current = Some(Current { history, epoch, owner, sequence, at });
        Ok(())
    }
}

impl Current {
    /// Whether a signed record can come after this state.
    fn check(
        &self,
        stamp: &Stamp,
        (sequence, is_start): (i64, bool),
        begins_at: Option<i64>,
    ) -> Result<(), Refusal> {
        if stamp.history != self.history {
            // Whoever began without state behind all records of this history could not know it. No copy
            // of a start that was in this log begins that late.
            let knew_nothing = begins_at.is_some_and(|first| first > self.at);
            return if knew_nothing { Ok(()) } else { Err(Refusal::History) };
        }
        if stamp.epoch > self.epoch {
            // A start, or, for somebody who begins to read later, whatever comes first of an owner.
            return Ok(());
        }
        if is_start || stamp.epoch < self.epoch || stamp.owner != self.owner {
            return Err(Refusal::Superseded);
        }
        if sequence <= self.sequence { Err(Refusal::Copied) } else { Ok(()) }
    }
}
