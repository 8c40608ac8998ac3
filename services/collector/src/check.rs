//! The collector's judgement of single events, without a collector.

use access::Principal;
use event::{Event, Remark, Remarker, Timestamp};

use crate::answer::ItemError;
use crate::config::Config;
use crate::form::Form;
use crate::prepare::Preparer;

/// Judges events as a collector with that configuration would, and sends none.
#[derive(Debug)]
pub struct Checker {
    preparer: Preparer,
    remarker: Remarker,
}

/// Why an event would be rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// From a fixed list: the reasons of quarantine, and `reserved_kind`.
    pub reason: &'static str,
    /// JSON pointer into the event, or `byte N`; empty for the event as a whole.
    pub pointer: String,
    /// Explanation, for people.
    pub detail: String,
}

impl From<ItemError> for Rejected {
    fn from(error: ItemError) -> Self {
        let ItemError { index: _, pointer, reason, detail } = error;
        Self { reason, pointer, detail }
    }
}

impl Checker {
    /// A checker with the limits and reserved kinds of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { preparer: Preparer::new(config), remarker: Remarker::new() }
    }

    /// The remarks about an event in JSON, or a CloudEvent in structured mode, if it arrived now.
    ///
    /// # Errors
    ///
    /// Why it would be rejected.
    pub fn json(&mut self, value: &[u8], now: Timestamp) -> Result<Vec<Remark>, Rejected> {
        let decoded = self.preparer.decode(value, &Form::Events);
        let event = decoded.map_err(|fault| Rejected {
            reason: fault.reason.name(),
            pointer: fault.pointer,
            detail: fault.detail,
        })?;
        let event = self.preparer.allow(0, event)?;
        let remarks = self.remarker.remarks(&event, now);
        self.preparer.admit(0, &Principal::anybody(), event)?;
        Ok(remarks)
    }

    /// The remarks about an event that was decoded from a record of the log, where every kind is
    /// accepted.
    pub fn event(&mut self, event: &Event<'_>, now: Timestamp) -> Vec<Remark> {
        self.remarker.remarks(event, now)
    }
}
