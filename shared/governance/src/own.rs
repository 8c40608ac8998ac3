//! What the owner of a partition signs: its own records, and alerts.

use event::{Cell, Event, TopicPartition, column, kind};
use merkle::note::SigningKey;

use crate::content::content_of;
use crate::id::Id;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::signed;
use crate::trust::{Installation, Purpose, Trust, name_of};

const OWN: &str = "driftseal/own/v1";
const ALERT: &str = "driftseal/alert/v1";

/// Signs for an owner of a partition.
#[derive(Debug, Clone)]
pub struct Signer {
    key: SigningKey,
    installation: Installation,
    partition: TopicPartition,
    history: Id,
    owner: Id,
    epoch: i64,
    /// That of the next record.
    sequence: i64,
}

impl Signer {
    /// A signer for an owner, drawn at random, that claims an epoch of a history. The first record
    /// that it signs must be the `monitor.started` that makes the claim.
    #[must_use]
    pub const fn new(
        key: SigningKey,
        installation: Installation,
        partition: TopicPartition,
        (history, epoch): (Id, i64),
        owner: Id,
    ) -> Self {
        Self { key, installation, partition, history, owner, epoch, sequence: 0 }
    }

    /// The same owner, whose next record has this number.
    #[must_use]
    pub const fn at(mut self, sequence: i64) -> Self {
        self.sequence = sequence;
        self
    }

    /// The claim: history, epoch and owner.
    #[must_use]
    pub const fn claim(&self) -> (Id, i64, Id) {
        (self.history, self.epoch, self.owner)
    }

    /// Signs an own record of the partition, with the next sequence.
    ///
    /// # Panics
    ///
    /// After 2^63 records.
    #[must_use]
    pub fn sign(&mut self, mut event: Event<'static>) -> Event<'static> {
        let sequence = self.sequence;
        #[expect(clippy::expect_used, reason = "see above")]
        {
            self.sequence = sequence.checked_add(1).expect("fewer than 2^63 records");
        }
        event.set(column::monitor::SEQUENCE, sequence.into());
        self.finish(OWN, event, Some(sequence))
    }

    /// Signs an alert that is computed from the partition.
    #[must_use]
    pub fn sign_alert(&self, event: Event<'static>) -> Event<'static> {
        self.finish(ALERT, event, None)
    }

    fn finish(
        &self,
        domain: &str,
        mut event: Event<'static>,
        sequence: Option<i64>,
    ) -> Event<'static> {
        event.set(column::monitor::HISTORY, self.history.to_string().into());
        event.set(column::monitor::OWNER, self.owner.to_string().into());
        event.set(column::monitor::EPOCH, self.epoch.into());
        event.set(column::monitor::SIGNED_BY, name_of(&self.key.verifier()).into());
        let stamp = Stamp { history: self.history, owner: self.owner, epoch: self.epoch, sequence };
        let TopicPartition { topic, partition } = &self.partition;
        let message = message(domain, &self.installation, (topic, *partition), &stamp, &event);
        let signature = self.key.sign_bytes(message.as_bytes());
        event.set(column::monitor::SIGNATURE, Cell::Bytes(signature.to_vec().into()));
        event
    }
}

/// What a signed event says of its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// History of the partition.
    pub history: Id,
    /// Its owner.
    pub owner: Id,
    /// Epoch of the owner.
    pub epoch: i64,
    /// Number of the record; alerts have none.
    pub sequence: Option<i64>,
}

impl Stamp {
    /// The stamp of an event, whether it is true or not.
    #[must_use]
    pub fn of(event: &Event<'_>) -> Option<Self> {
        Some(Self {
            history: Id::parse(event.text(column::monitor::HISTORY)?)?,
            owner: Id::parse(event.text(column::monitor::OWNER)?)?,
            epoch: event.int(column::monitor::EPOCH)?,
            sequence: event.int(column::monitor::SEQUENCE),
        })
    }
}

/// Checks the signature of an own record of a partition. Whether its owner is the current one,
/// [`crate::Ownership`] knows.
///
/// # Errors
///
/// `Unsigned`, `UnknownKey`, `Signature`.
pub fn verify_own(
    trust: &Trust,
    place: (&str, i32),
    event: &Event<'_>,
) -> Result<(Stamp, i64), Refusal> {
    let stamp = Stamp::of(event).ok_or(Refusal::Unsigned)?;
    let is_start = event.text(column::KIND) == Some(kind::MONITOR_STARTED);
    // The start of an owner is its first record, and the only one without a number before it.
    let sequence = stamp.sequence.filter(|sequence| (*sequence == 0) == is_start);
    let sequence = sequence.filter(|sequence| *sequence >= 0 && stamp.epoch >= 1);
    let sequence = sequence.ok_or(Refusal::Unsigned)?;
    verify(OWN, trust, place, &stamp, event)?;
    Ok((stamp, sequence))
}

/// Checks the signature of an alert that was computed from a partition; `place` is topic and number
/// of the partition of *events*, as in the origin of the alert. The alert's own partition has the
/// same number.
///
/// # Errors
///
/// `Unsigned`, `UnknownKey`, `Signature`.
pub fn verify_alert(
    trust: &Trust,
    place: (&str, i32),
    event: &Event<'_>,
) -> Result<Stamp, Refusal> {
    let stamp = Stamp::of(event).filter(|stamp| stamp.sequence.is_none());
    let stamp = stamp.ok_or(Refusal::Unsigned)?;
    verify(ALERT, trust, place, &stamp, event)?;
    Ok(stamp)
}

fn verify(
    domain: &str,
    trust: &Trust,
    place: (&str, i32),
    stamp: &Stamp,
    event: &Event<'_>,
) -> Result<(), Refusal> {
    signed::check(Purpose::Processor, trust, event, || {
        message(domain, trust.installation(), place, stamp, event)
    })
}

fn message(
    domain: &str,
    installation: &Installation,
    (topic, partition): (&str, i32),
    stamp: &Stamp,
    event: &Event<'_>,
) -> Message {
    let message = Message::new(domain)
        .text(&installation.origin)
        .text(&installation.topic_prefix)
        .text(topic)
        .number(i64::from(partition))
        .bytes(stamp.history.as_bytes())
        .bytes(stamp.owner.as_bytes())
        .number(stamp.epoch);
    let message = match stamp.sequence {
        Some(sequence) => message.number(sequence),
        None => message,
    };
    message.text(event.text(column::KIND).unwrap_or_default()).bytes(&content_of(event))
}
