//! Records whose signature binds them to the partition that they are written to.

use event::{Cell, Event, column};
use merkle::note::SigningKey;

use crate::content::content_of;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::trust::{Installation, Purpose, Trust, name_of};

/// Signs a record; `place` is topic and number of the partition that it is written to.
pub(crate) fn sign(
    domain: &str,
    key: &SigningKey,
    installation: &Installation,
    place: (&str, i32),
    mut event: Event<'static>,
) -> Event<'static> {
    event.set(column::monitor::SIGNED_BY, name_of(&key.verifier()).into());
    let signature = key.sign_bytes(message(domain, installation, place, &event).as_bytes());
    event.set(column::monitor::SIGNATURE, Cell::Bytes(signature.to_vec().into()));
    event
}

/// Checks that a valid key of a purpose has signed a record for the partition that it was read from.
pub(crate) fn verify(
    domain: &str,
    purpose: Purpose,
    trust: &Trust,
    place: (&str, i32),
    event: &Event<'_>,
) -> Result<(), Refusal> {
    check(purpose, trust, event, || message(domain, trust.installation(), place, event))
}

/// Checks that a valid key of a purpose has signed a message, as the event says.
pub(crate) fn check(
    purpose: Purpose,
    trust: &Trust,
    event: &Event<'_>,
    message: impl FnOnce() -> Message,
) -> Result<(), Refusal> {
    let signature = event.bytes(column::monitor::SIGNATURE);
    let signature = signature.and_then(|bytes| <&[u8; 64]>::try_from(bytes).ok());
    let signed_by = event.text(column::monitor::SIGNED_BY);
    let (Some(signature), Some(signed_by)) = (signature, signed_by) else {
        return Err(Refusal::Unsigned);
    };
    let key = trust.key(purpose, signed_by).ok_or(Refusal::UnknownKey)?;
    if key.verify_bytes(message().as_bytes(), signature) { Ok(()) } else { Err(Refusal::Signature) }
}

fn message(
    domain: &str,
    installation: &Installation,
    (topic, partition): (&str, i32),
    event: &Event<'_>,
) -> Message {
    Message::new(domain)
        .text(&installation.origin)
        .text(&installation.topic_prefix)
        .text(topic)
        .number(partition.into())
        .text(event.text(column::KIND).unwrap_or_default())
        .bytes(&content_of(event))
}
