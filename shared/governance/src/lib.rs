//! Who is obeyed: signed acts, signed records of the owner of a partition, and the state machines
//! that tell them from everything else. `README.md` beside this crate has the states, transitions
//! and invariants, and the bytes that are signed.
//!
//! # Promise
//!
//! - Only what a valid key signed for exactly this installation, topic and partition changes state
//!   ([`Ownership`], [`Frontier`], [`Acts`]); everything else is refused with a [`Refusal`].
//! - An act takes effect at most once in a partition, in governance order.
//! - States are plain values: serialized and resumed anywhere they continue the same.
//! - Signatures are carried in columns, so that the sealed archive proves them.
//!
//! # What it does not do
//!
//! No I/O, no clock, no randomness: nonces, histories and owners are arguments. It does not say what
//! an act does; `monitor` does.

mod act;
mod acts;
mod admission;
mod content;
mod effect;
mod fold;
mod id;
mod message;
mod notice;
mod own;
mod ownership;
mod reading;
mod refusal;
mod schemas;
mod scope;
mod signed;
mod trust;

pub use act::{Act, SignError, is_signed, sign_act, verify_act};
pub use acts::Acts;
pub use admission::{Admission, AdmissionError, Admitted, Frontier};
pub use content::{ContentDigest, content_of};
pub use effect::{EFFECT_BYTES_MAX, Effect, EffectError, has_effect};
pub use id::Id;
pub use notice::{sign_notice, verify_notice};
pub use own::{Signer, Stamp, verify_alert, verify_own};
pub use ownership::{Current, Ownership};
pub use reading::{ASKED_MAX, Held, Look, Reader, take as take_answer};
pub use refusal::Refusal;
pub use schemas::{
    ANSWER_KEY, Answer, KnownSchema, SCHEMA_BYTES_MAX, SCHEMAS_BYTES_MAX, SCHEMAS_MAX, Schemas,
    SchemasHead, Taken, sign_answer,
};
pub use scope::Scope;
pub use trust::{Installation, Purpose, Trust, TrustError};
