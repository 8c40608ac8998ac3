//! The claim of a worker to own its partition: `monitor.started`, written when the partition is
//! opened. The worker owns the partition once it has read its claim, and another one was not earlier;
//! until then it writes nothing else.
//!
//! ```text
//!             read, accepted              another owner was accepted
//! (waiting) -----------------> (owner) ------------------------------> (lost)
//!     |                                                                  |
//!     +---- read, another was first at the epoch ------------------------+--> claims again
//! ```

use event::{Event, TopicPartition, kind};
use governance::Signer;
use monitor::Processor;
use ports::{Outgoing, Producer, publish_and_wait};
use service::RoleError;
use service::clock::{self, Stopwatch};

use crate::config::Config;
use crate::identity::{Identity, draw};
use crate::statement::{record, started};

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not read yet.
    Waiting,
    /// The worker owns the partition.
    Owner,
    /// Another one does.
    Lost,
}

/// A claim that is in the log.
#[derive(Debug)]
pub(crate) struct Claim {
    signer: Signer,
    /// Its offset.
    at: i64,
    since: Stopwatch,
}

impl Claim {
    /// Claims the epoch after the one in force in the state of a worker. `first_offset` is that of the
    /// first record of a state that began without records, unless the partition knows already.
    /// `first` adds records that hold if the claim does.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub(crate) fn make(
        identity: &Identity,
        config: &Config,
        producer: &dyn Producer,
        (input, machine): (&TopicPartition, &Processor),
        first_offset: Option<i64>,
        first: Option<Event<'static>>,
    ) -> Result<Self, RoleError> {
        let claimed = match machine.ownership().current() {
            Some(current) => {
                let Some(epoch) = current.epoch.checked_add(1) else {
                    return Err(RoleError::Start(format!("{input} has no further epoch")));
                };
                (current.history, epoch)
            }
            None => (draw()?, 1),
        };
        let installation = identity.trust.installation().clone();
        let mut signer =
            Signer::new(identity.key.clone(), installation, input.clone(), claimed, draw()?);
        let event = started(&config.monitor_id, clock::now_ms(), first_offset)
            .map_err(|error| RoleError::output(kind::MONITOR_STARTED, &error))?;
        let events = std::iter::once(event).chain(first);
        let records: Vec<Outgoing> =
            events.map(|event| record(&signer.sign(event), input)).collect();
        let positions = publish_and_wait(producer, records, config.publish_wait())?;
        let Some(position) = positions.first() else {
            unreachable!("an acknowledged record has a position")
        };
        Ok(Self { signer, at: position.offset, since: Stopwatch::start() })
    }

    /// How it stands in a state.
    pub(crate) fn standing(&self, machine: &Processor) -> Standing {
        let (_, _, owner) = self.signer.claim();
        if machine.ownership().is_owned_by(owner) {
            Standing::Owner
        } else if machine.next_offset() <= self.at {
            Standing::Waiting
        } else {
            Standing::Lost
        }
    }

    /// Since when it is in the log.
    pub(crate) const fn since(&self) -> &Stopwatch {
        &self.since
    }

    /// The signer of the owner that is claimed.
    pub(crate) const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The record of an own event.
    pub(crate) fn record(&mut self, event: Event<'static>, input: &TopicPartition) -> Outgoing {
        record(&self.signer.sign(event), input)
    }
}
