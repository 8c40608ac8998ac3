//! The tree of RFC 6962 (section 2.1) over any number of leaf hashes: roots, proofs, and a
//! frontier that grows with O(log n) memory.

use crate::multiproof::Subtree;
use crate::{Hash, hash};

/// The right edge of a growing tree: enough to append and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    /// Roots of the complete subtrees, largest first.
    subtrees: Vec<Hash>,
    size: u64,
}

impl Frontier {
    /// The empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self { subtrees: Vec::new(), size: 0 }
    }

    /// The tree of that size with these complete subtrees, largest first; `None` if a tree of the
    /// size has another number of them.
    #[must_use]
    pub fn from_subtrees(size: u64, subtrees: Vec<Hash>) -> Option<Self> {
        let expected = usize::try_from(size.count_ones()).ok()?;
        (subtrees.len() == expected).then_some(Self { subtrees, size })
    }

    /// Roots of the complete subtrees, largest first.
    #[must_use]
    pub fn subtrees(&self) -> &[Hash] {
        &self.subtrees
    }

    /// Appends a leaf hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut carried = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            let Some(left) = self.subtrees.pop() else {
                unreachable!("there is a subtree for each bit of the size")
            };
            carried = hash::node(&left, &carried);
            size >>= 1;
        }
        self.subtrees.push(carried);
        self.size = match self.size.checked_add(1) {
            Some(size) => size,
            None => unreachable!("nobody appends 2^64 leaves"),
        };
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root; that of no leaves is `SHA256("")`.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut subtrees = self.subtrees.iter().rev();
        let Some(smallest) = subtrees.next() else { return hash::sha256(b"") };
        subtrees.fold(*smallest, |right, left| hash::node(left, &right))
    }
}

/// The root over leaf hashes; that of none is `SHA256("")`.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(*leaf);
    }
    frontier.root()
}

/// The audit path of a leaf, from its sibling up; `None` if there is no such leaf.
#[must_use]
pub fn prove_inclusion(leaves: &[Hash], index: u64) -> Option<Vec<Hash>> {
    let mut index = usize::try_from(index).ok().filter(|index| *index < leaves.len())?;
    let mut rest = leaves;
    let mut path = Vec::new();
    while rest.len() > 1 {
        let (left, right) = rest.split_at_checked(split(rest.len()))?;
        if let Some(inside) = index.checked_sub(left.len()) {
            path.push(root(left));
            (index, rest) = (inside, right);
        } else {
            path.push(root(right));
            rest = left;
        }
    }
    path.reverse();
    Some(path)
}

/// The proof that the tree over all leaves extends the tree over the first `old_size`; `None` if
/// there are fewer leaves. Empty for `old_size` 0 and for the whole tree.
#[must_use]
pub fn prove_consistency(leaves: &[Hash], old_size: u64) -> Option<Vec<Hash>> {
    let nodes = consistency_nodes(old_size, u64::try_from(leaves.len()).ok()?)?;
    let root_of = |node: Subtree| {
        let range = usize::try_from(node.from).ok()?..usize::try_from(node.to).ok()?;
        Some(root(leaves.get(range)?))
    };
    nodes.into_iter().map(root_of).collect()
}

/// The subtrees whose roots are the proof that the tree of `new_size` leaves extends that of
/// `old_size`, in the order of the proof (RFC 9162, section 2.1.4.1); `None` if the new tree is the
/// smaller one. None for `old_size` 0 and for equal sizes.
#[must_use]
pub fn consistency_nodes(old_size: u64, new_size: u64) -> Option<Vec<Subtree>> {
    if old_size > new_size {
        return None;
    }
    let mut nodes = Vec::new();
    if old_size == 0 || old_size == new_size {
        return Some(nodes);
    }
    let (mut from, mut to) = (0_u64, new_size);
    while old_size < to {
        let middle = from.checked_add(split_size(to.checked_sub(from)?))?;
        if old_size > middle {
            nodes.push(Subtree { from, to: middle });
            from = middle;
        } else {
            nodes.push(Subtree { from: middle, to });
            to = middle;
        }
    }
    // The whole old tree is known to who verifies.
    if from > 0 {
        nodes.push(Subtree { from, to });
    }
    nodes.reverse();
    Some(nodes)
}

/// Largest power of two below a size of at least 2.
const fn split_size(size: u64) -> u64 {
    match size.checked_next_power_of_two() {
        Some(power) => power >> 1,
        None => 1 << 63,
    }
}

/// Largest power of two below `count`, which is at least 2 and, as a count of digests in memory,
/// far below `usize::MAX`.
const fn split(count: usize) -> usize {
    count.next_power_of_two() >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MTH of RFC 6962, section 2.1, word for word.
    fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => hash::sha256(b""),
            [leaf] => *leaf,
            many => {
                let mut power = 1;
                while power << 1 < many.len() {
                    power <<= 1;
                }
                hash::node(&naive(&many[..power]), &naive(&many[power..]))
            }
        }
    }

    #[test]
    fn roots_equal_the_definition() {
        let leaves: Vec<_> = (0..300_u32).map(|index| hash::leaf(&index.to_be_bytes())).collect();
        for count in 0..=leaves.len() {
            assert_eq!(root(&leaves[..count]), naive(&leaves[..count]), "{count} leaves");
        }
    }

    #[test]
    fn a_proof_needs_a_leaf() {
        assert_eq!(prove_inclusion(&[], 0), None);
        assert_eq!(prove_consistency(&[], 1), None);
        assert_eq!(consistency_nodes(2, 1), None);
    }

    #[test]
    fn the_proof_of_a_huge_tree_has_few_nodes() {
        for old_size in [1, 2, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX] {
            let nodes = consistency_nodes(old_size, u64::MAX).unwrap();
            assert!(nodes.len() <= 65, "{old_size}");
        }
    }
}
