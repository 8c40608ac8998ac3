//! Acts: signing them, and telling them from what only claims to be one.

use event::{Cell, Event, column};
use merkle::note::SigningKey;
use thiserror::Error;

use crate::content::{ContentDigest, content_of};
use crate::effect::{Effect, EffectError};
use crate::id::Id;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::trust::{Installation, Purpose, Trust, name_of};

const DOMAIN: &str = "driftseal/act/v1";

/// An act.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Its offset in the governance topic.
    pub offset: i64,
    /// Its event identifier.
    pub event_id: String,
    /// Digest of its content.
    pub digest: ContentDigest,
    /// For which partitions it is meant.
    pub scope: Scope,
    /// What has an effect in partitions, if anything.
    pub effect: Option<Effect>,
}

/// Why an act is not signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignError {
    /// It could not be admitted.
    #[error(transparent)]
    Effect(#[from] EffectError),
}

/// Signs an act: adds nonce, key and signature. The nonce must be drawn at random for each act.
///
/// # Errors
///
/// An act whose effect could not be admitted: see [`EffectError`].
pub fn sign_act(
    key: &SigningKey,
    installation: &Installation,
    nonce: Id,
    mut act: Event<'static>,
) -> Result<Event<'static>, SignError> {
    Effect::of(&act)?;
    act.set(column::governance::NONCE, nonce.to_string().into());
    act.set(column::governance::SIGNED_BY, name_of(&key.verifier()).into());
    let message = message(installation, &nonce, &act, &content_of(&act));
    let signature = key.sign_bytes(message.as_bytes());
    act.set(column::governance::SIGNATURE, Cell::Bytes(signature.to_vec().into()));
    Ok(act)
}

/// Whether an event claims to be an act: it carries a signature.
#[must_use]
pub fn is_signed(event: &Event<'_>) -> bool {
    event.bytes(column::governance::SIGNATURE).is_some()
}

/// Checks that an event is an act of the gateway. Returns its nonce and the digest of its content.
/// It does not know copies; [`crate::Acts`] does.
///
/// # Errors
///
/// `Unsigned`, `UnknownKey`, `Signature`.
pub fn verify_act(trust: &Trust, event: &Event<'_>) -> Result<(Id, ContentDigest), Refusal> {
    let nonce = event.text(column::governance::NONCE).and_then(Id::parse);
    let signature = event.bytes(column::governance::SIGNATURE);
    let signature = signature.and_then(|bytes| <&[u8; 64]>::try_from(bytes).ok());
    let signed_by = event.text(column::governance::SIGNED_BY);
    let (Some(nonce), Some(signature), Some(signed_by)) = (nonce, signature, signed_by) else {
        return Err(Refusal::Unsigned);
    };
    let key = trust.key(Purpose::Governance, signed_by).ok_or(Refusal::UnknownKey)?;
    let content = content_of(event);
    let message = message(trust.installation(), &nonce, event, &content);
    if !key.verify_bytes(message.as_bytes(), signature) {
        return Err(Refusal::Signature);
    }
    Ok((nonce, content))
}

fn message(
    installation: &Installation,
    nonce: &Id,
    act: &Event<'_>,
    content: &ContentDigest,
) -> Message {
    Message::new(DOMAIN)
        .text(&installation.origin)
        .text(&installation.topic_prefix)
        .text(&Scope::of(act).to_string())
        .bytes(nonce.as_bytes())
        .text(act.text(column::KIND).unwrap_or_default())
        .bytes(content)
}
