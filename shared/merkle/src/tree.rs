//! The tree of a segment; the only use of `merkle-cbt`.
//!
//! `merkle-cbt` merges what it is given: it separates no domains, commits to no count, pairs
//! leaves with indices only after sorting both, overflows on large indices, and calls zeros the
//! root of nothing. Hence this wrapper: leaves and nodes are domain-separated, the leaves are
//! padded to a power of two with [`hash::PADDING_LEAF`] (which makes root and paths those of
//! RFC 6962 over the padded list), proofs are for one leaf, indices are checked, the empty tree does
//! not exist, and verification is our own ([`crate::proof`]). The leaf count is not in the root:
//! whoever signs a root signs the count beside it.

use merkle_cbt::merkle_tree::Merge;
use merkle_cbt::{CBMT, MerkleTree};
use thiserror::Error;

use crate::multiproof::Shape;
use crate::{Hash, hash};

/// Most leaves a segment tree takes.
pub const LEAVES_MAX: usize = 1 << 26;

struct Nodes;

impl Merge for Nodes {
    type Item = Hash;

    fn merge(left: &Hash, right: &Hash) -> Hash {
        hash::node(left, right)
    }
}

/// Why there is no tree over some leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TreeError {
    /// A tree has at least one leaf.
    #[error("failed to build a tree: there is no leaf")]
    Empty,
    /// More than [`LEAVES_MAX`] leaves.
    #[error("failed to build a tree: {count} leaves are more than {LEAVES_MAX}")]
    TooMany {
        /// Number of leaves.
        count: usize,
    },
}

/// A tree that can prove its leaves; 64 bytes of memory for each padded leaf.
pub struct SegmentTree {
    tree: MerkleTree<Hash, Nodes>,
    leaf_count: usize,
    size: usize,
}

impl std::fmt::Debug for SegmentTree {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SegmentTree")
            .field("leaf_count", &self.leaf_count)
            .field("root", &hash::to_hex(&self.root()))
            .finish_non_exhaustive()
    }
}

impl SegmentTree {
    /// Builds the tree over leaf hashes.
    ///
    /// # Errors
    ///
    /// No leaf, or more than [`LEAVES_MAX`].
    pub fn build(leaves: Vec<Hash>) -> Result<Self, TreeError> {
        let leaf_count = leaves.len();
        let padded = pad(leaves)?;
        let size = padded.len();
        Ok(Self { tree: CBMT::<Hash, Nodes>::build_merkle_tree(&padded), leaf_count, size })
    }

    /// The root over the padded leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Number of leaves without padding.
    #[must_use]
    pub const fn leaf_count(&self) -> u64 {
        self.leaf_count as u64
    }

    /// Number of leaves with padding: the tree size that verifiers use.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size as u64
    }

    /// The audit path of a leaf, from its sibling up; `None` if there is no such leaf.
    #[must_use]
    pub fn prove(&self, index: u64) -> Option<Vec<Hash>> {
        if index >= self.leaf_count() {
            return None;
        }
        let proof = self.tree.build_proof(&[u32::try_from(index).ok()?])?;
        Some(proof.lemmas().to_vec())
    }

    /// The nodes of the proof of many leaves ([`crate::multiproof`]); `None` if none is listed, or
    /// the indices do not ascend below the number of leaves.
    #[must_use]
    pub fn prove_many(&self, indices: &[u64]) -> Option<Vec<Hash>> {
        let shape = Shape::padded(self.size(), self.leaf_count())?;
        let hashes = shape.nodes(indices)?.into_iter().map(|node| {
            // Nodes are stored level by level from the root; every subtree is complete.
            let leaves = node.to.checked_sub(node.from)?;
            let above = self.size().checked_div(leaves)?.checked_sub(1)?;
            let at = node.from.checked_div(leaves)?.checked_add(above)?;
            self.tree.nodes().get(usize::try_from(at).ok()?).copied()
        });
        hashes.collect()
    }
}

/// The root alone: cheaper than [`SegmentTree::build`], and equal.
///
/// # Errors
///
/// No leaf, or more than [`LEAVES_MAX`].
pub fn root_of(leaves: Vec<Hash>) -> Result<Hash, TreeError> {
    Ok(CBMT::<Hash, Nodes>::build_merkle_root(&pad(leaves)?))
}

/// Size of the tree over `leaf_count` leaves, the next power of two; `None` beyond [`LEAVES_MAX`].
#[must_use]
pub const fn padded_size(leaf_count: u64) -> Option<u64> {
    if leaf_count <= LEAVES_MAX as u64 { Some(leaf_count.next_power_of_two()) } else { None }
}

fn pad(mut leaves: Vec<Hash>) -> Result<Vec<Hash>, TreeError> {
    let count = leaves.len();
    if count == 0 {
        return Err(TreeError::Empty);
    }
    if count > LEAVES_MAX {
        return Err(TreeError::TooMany { count });
    }
    leaves.resize(count.next_power_of_two(), hash::PADDING_LEAF);
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::verify_inclusion;
    use crate::rfc6962;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|index| hash::leaf(&index.to_be_bytes())).collect()
    }

    #[test]
    fn root_and_paths_are_those_of_rfc_6962_over_the_padded_list() {
        for count in 1..=300 {
            let tree = SegmentTree::build(leaves(count)).unwrap();
            let padded = pad(leaves(count)).unwrap();
            assert_eq!(tree.root(), rfc6962::root(&padded), "{count} leaves");
            assert_eq!(root_of(leaves(count)), Ok(tree.root()));
            for index in (0..count).step_by(7) {
                assert_eq!(
                    tree.prove(index as u64),
                    rfc6962::prove_inclusion(&padded, index as u64)
                );
            }
        }
    }

    #[test]
    fn every_leaf_of_every_small_tree_proves_and_nothing_else_does() {
        for count in 1..=70 {
            let all = leaves(count);
            let tree = SegmentTree::build(all.clone()).unwrap();
            for (index, leaf) in all.iter().enumerate() {
                let path = tree.prove(index as u64).unwrap();
                for claimed in 0..tree.size() {
                    let verdict = verify_inclusion(leaf, claimed, tree.size(), &path, &tree.root());
                    assert_eq!(verdict.is_ok(), claimed == index as u64, "{count} {index}");
                }
            }
            assert_eq!(tree.prove(count as u64), None);
        }
    }

    #[test]
    fn many_leaves_are_proved_by_the_nodes_between_them() {
        let whole = |number: u64| usize::try_from(number).unwrap();
        for count in 1..=70_u64 {
            let all = leaves(whole(count));
            let tree = SegmentTree::build(all.clone()).unwrap();
            let padded = pad(all.clone()).unwrap();
            let shape = Shape::padded(tree.size(), count).unwrap();
            for step in [1, 2, 3, 7, 31] {
                let indices: Vec<u64> = (count % step..count).step_by(whole(step)).collect();
                let Some(nodes) = tree.prove_many(&indices) else {
                    assert!(indices.is_empty());
                    continue;
                };
                let expected = shape
                    .nodes(&indices)
                    .unwrap()
                    .into_iter()
                    .map(|node| rfc6962::root(&padded[whole(node.from)..whole(node.to)]));
                assert_eq!(nodes, expected.collect::<Vec<_>>(), "{count} leaves by {step}");
                assert!(step > 1 || nodes.is_empty());
                let listed: Vec<_> =
                    indices.iter().map(|index| (*index, all[whole(*index)])).collect();
                let verdict = crate::multiproof::verify(shape, &listed, &nodes, &tree.root());
                assert_eq!(verdict, Ok(()));
            }
            assert_eq!(tree.prove_many(&[count]), None);
            assert_eq!(tree.prove_many(&[]), None);
        }
    }

    #[test]
    fn a_proof_holds_for_the_signed_size_only() {
        // Of any tree this would be too much to ask: RFC 6962 paths do not tell all sizes apart.
        // A power of two and one changed bit always differ in the length of the path.
        for count in 1..=70 {
            let all = leaves(count);
            let tree = SegmentTree::build(all.clone()).unwrap();
            let path = tree.prove(count as u64 - 1).unwrap();
            for bit in 0..64 {
                let size = tree.size() ^ (1 << bit);
                let leaf = &all[count - 1];
                let verdict = verify_inclusion(leaf, count as u64 - 1, size, &path, &tree.root());
                assert!(verdict.is_err(), "{count} leaves, bit {bit}");
            }
        }
    }

    #[test]
    fn there_is_no_empty_tree_and_no_proof_of_an_index_that_overflows() {
        assert_eq!(SegmentTree::build(Vec::new()).unwrap_err(), TreeError::Empty);
        let tree = SegmentTree::build(leaves(3)).unwrap();
        assert_eq!(tree.prove(3), None);
        assert_eq!(tree.prove(u64::from(u32::MAX)), None);
        assert_eq!(tree.prove(u64::MAX), None);
    }
}
