//! The leaf of a record (`schemas/segment/leaf.md`, format `driftseal/leaf/v1`): what it binds, and
//! what of it can be erased without changing it.
//!
//! Costs per record, besides hashing its bytes once (in the digest) and its columns once (in the
//! preimage): the key state of the row's HMAC, and two short hashes for each erasable field.
//! Nothing is allocated once the buffers have grown.

mod cell;
mod hasher;
mod salt;
#[cfg(test)]
mod tests;

pub use self::cell::{FIELD_FORMAT, field_commitment};
pub use self::hasher::{Head, LEAF_FORMAT, LeafError, LeafHasher, Secrets};
pub use self::salt::{RECORD_FORMAT, RowSalt, Salts};
