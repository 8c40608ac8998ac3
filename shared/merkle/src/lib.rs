//! Merkle trees, signed checkpoints and their proofs, as small total functions.
//!
//! # Promise
//!
//! - SHA-256 with the domain separation of RFC 6962: leaf `H(00 ‖ data)`, node `H(01 ‖ l ‖ r)`.
//! - Every verifier is total: any bytes give an answer, never a panic, and the tree size comes from
//!   the caller (who has it from a signature), never from the proof.
//! - Formats are those of C2SP (signed note, checkpoint, tiles, `tlog-proof`) and DSSE, so other
//!   people's verifiers read what is written here.
//!
//! ```
//! use merkle::{hash, proof, tree::SegmentTree};
//!
//! let leaves: Vec<_> = [b"a", b"b", b"c"].iter().map(|data| hash::leaf(*data)).collect();
//! let tree = SegmentTree::build(leaves.clone())?;
//! let path = tree.prove(2).expect("the tree has a third leaf");
//! assert_eq!(proof::verify_inclusion(&leaves[2], 2, tree.size(), &path, &tree.root()), Ok(()));
//! # Ok::<(), merkle::tree::TreeError>(())
//! ```
//!
//! # What it does not do
//!
//! No I/O, no clock, no randomness: seeds of keys are arguments. It knows nothing of what the
//! leaves mean.
#![deny(clippy::arithmetic_side_effects)]

pub mod checkpoint;
pub mod dsse;
pub mod hash;
pub mod multiproof;
pub mod note;
pub mod proof;
pub mod rfc6962;
pub mod tile;
pub mod tlog_proof;
pub mod tree;

/// A SHA-256 digest.
pub type Hash = [u8; 32];
