//! The acts of the people around the agents, as a gateway publishes them.

use std::time::Duration;

use event::{Event, column};
use governance::{Id, Installation, sign_act};
use merkle::note::SigningKey;
use ports::{EventLog, Outgoing, publish_and_wait};

use super::watch::{ends, wait_for_admissions};
use crate::outcome::Failure;

/// Longest wait until an act is in the log, and until it is admitted.
const WAIT: Duration = Duration::from_secs(60);

/// Signs acts, publishes them, and waits until they are in force.
#[derive(Debug)]
pub(super) struct Decisions<'a> {
    pub(super) log: &'a dyn EventLog,
    pub(super) key: SigningKey,
    pub(super) installation: Installation,
    /// Topics of acts and of events.
    pub(super) topics: (&'a str, &'a str),
}

impl Decisions<'_> {
    /// Publishes an act, given as JSON, and waits until every partition of events has admitted it.
    pub(super) fn take(&self, body: &[u8]) -> Result<(), Failure> {
        let (governance, events) = self.topics;
        let act = event::decode::decode_json(body, event::Limits::default()).map_err(|fault| {
            Failure::new(format!("an act of the demo does not decode: {fault}"))
        })?;
        let signed = self.sign(act.into_owned())?;
        let subject = signed.text(column::AGENT_ID).unwrap_or_default().as_bytes().to_vec();
        let record = Outgoing::event_as_json(governance, &signed).with_key(subject);
        let before = ends(self.log, events)?;
        let positions = publish_and_wait(&*self.log.producer(), vec![record], WAIT)?;
        let Some(position) = positions.first() else {
            unreachable!("an acknowledged record has a position")
        };
        wait_for_admissions(self.log, before, position.offset, WAIT)
    }

    fn sign(&self, act: Event<'static>) -> Result<Event<'static>, Failure> {
        let mut nonce = [0_u8; 16];
        getrandom::fill(&mut nonce)
            .map_err(|error| Failure::new(format!("no random bytes: {error}")))?;
        sign_act(&self.key, &self.installation, Id::from_bytes(nonce), act)
            .map_err(|error| Failure::new(format!("an act of the demo: {error}")))
    }
}
