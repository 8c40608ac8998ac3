//! One proof that many leaves stand in a tree (RFC 6962 shape), in which paths share their nodes.
//!
//! A tree of `size` leaves, of which the first `count` are data and the others
//! padding ([`hash::PADDING_LEAF`]). Leaves are listed by strictly ascending indices below the
//! count. A node belongs to the proof exactly if its subtree holds data, but no listed leaf, and its
//! sibling's subtree holds a listed one. Nodes are in the order of their subtrees, left to right,
//! which is also the order in which a walk from the root meets them. What is padding only is
//! computed, and of a tree that is listed whole no node is sent. So leaves and tree have exactly one
//! proof.
//!
//! The shape is the caller's, from a signature. Verification is total, walks only to listed leaves,
//! and takes memory for the depth of the tree only.

use thiserror::Error;

use crate::{Hash, hash};

/// How many leaves a tree has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    size: u64,
    count: u64,
}

/// A subtree: the leaves from one index up to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subtree {
    /// First leaf.
    pub from: u64,
    /// First leaf after it.
    pub to: u64,
}

/// Why a proof of many leaves does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MultiproofError {
    /// Nothing is listed, so that nothing leads to the root.
    #[error("no leaf is listed")]
    NoLeaf,
    /// The listed indices do not ascend strictly, or one is not below the number of leaves.
    #[error("index {index} is not after the one before it and below {count}")]
    Index {
        /// The index.
        index: u64,
        /// Number of leaves of data.
        count: u64,
    },
    /// There are fewer nodes than the walk needs.
    #[error("a node is missing: {found} are too few")]
    Missing {
        /// Nodes in the proof.
        found: usize,
    },
    /// There are more nodes than the walk needs.
    #[error("{left} nodes are left over")]
    LeftOver {
        /// Nodes that were not needed.
        left: usize,
    },
    /// Leaves and nodes lead to another root.
    #[error("root mismatch: computed {computed}, signed {signed}")]
    RootMismatch {
        /// Root that they lead to, hexadecimal.
        computed: String,
        /// Root that was signed, hexadecimal.
        signed: String,
    },
}

impl Shape {
    /// A tree without padding.
    #[must_use]
    pub const fn of(size: u64) -> Self {
        Self { size, count: size }
    }

    /// A tree whose leaves after the first `count` are padding; `None` if there is no leaf of data,
    /// or more of them than the tree has leaves.
    #[must_use]
    pub const fn padded(size: u64, count: u64) -> Option<Self> {
        if count == 0 || count > size { None } else { Some(Self { size, count }) }
    }

    /// The nodes of the proof of these leaves, in their order; `None` if no leaf is listed, or the
    /// indices do not ascend below the number of leaves.
    #[must_use]
    pub fn nodes(self, indices: &[u64]) -> Option<Vec<Subtree>> {
        check(self, indices.iter().copied()).ok()?;
        let mut nodes = Vec::new();
        let mut walk = Walk { shape: self, visit: |node| nodes.push(node) };
        walk.down(Subtree { from: 0, to: self.size }, indices);
        Some(nodes)
    }
}

/// Checks that the listed leaves stand at their indices in the tree of that shape and root.
///
/// # Errors
///
/// See [`MultiproofError`].
pub fn verify(
    shape: Shape,
    listed: &[(u64, Hash)],
    nodes: &[Hash],
    root: &Hash,
) -> Result<(), MultiproofError> {
    check(shape, listed.iter().map(|(index, _)| *index))?;
    let mut rest = nodes.iter();
    let whole = Subtree { from: 0, to: shape.size };
    let missing = MultiproofError::Missing { found: nodes.len() };
    let computed = fold(shape, whole, listed, &mut rest).ok_or(missing)?;
    match rest.len() {
        0 if computed == *root => Ok(()),
        0 => Err(MultiproofError::RootMismatch {
            computed: hash::to_hex(&computed),
            signed: hash::to_hex(root),
        }),
        left => Err(MultiproofError::LeftOver { left }),
    }
}

fn check(shape: Shape, indices: impl Iterator<Item = u64>) -> Result<(), MultiproofError> {
    let mut lowest = Some(0);
    let mut any = false;
    for index in indices {
        if lowest.is_none_or(|lowest| index < lowest) || index >= shape.count {
            return Err(MultiproofError::Index { index, count: shape.count });
        }
        lowest = index.checked_add(1);
        any = true;
    }
    if any { Ok(()) } else { Err(MultiproofError::NoLeaf) }
}

/// Root of a subtree that holds at least one of the listed leaves, which are all in it; `None` if
/// a node is missing. The depth is at most 64.
fn fold(
    shape: Shape,
    subtree: Subtree,
    listed: &[(u64, Hash)],
    nodes: &mut std::slice::Iter<'_, Hash>,
) -> Option<Hash> {
    let Some((left, right)) = subtree.halves() else {
        // One leaf, and it is listed.
        return listed.first().map(|(_, leaf)| *leaf);
    };
    let (in_left, in_right) =
        listed.split_at_checked(listed.partition_point(|(index, _)| *index < left.to))?;
    let mut side = |subtree: Subtree, listed: &[(u64, Hash)]| {
        if !listed.is_empty() {
            return fold(shape, subtree, listed, nodes);
        }
        if subtree.from >= shape.count {
            return Some(padding(subtree));
        }
        nodes.next().copied()
    };
    let left = side(left, in_left)?;
    Some(hash::node(&left, &side(right, in_right)?))
}

struct Walk<V> {
    shape: Shape,
    visit: V,
}

impl<V: FnMut(Subtree)> Walk<V> {
    /// As [`fold`], but names the nodes.
    fn down(&mut self, subtree: Subtree, indices: &[u64]) {
        let Some((left, right)) = subtree.halves() else { return };
        let middle = indices.partition_point(|index| *index < left.to);
        let Some((in_left, in_right)) = indices.split_at_checked(middle) else { return };
        for (side, indices) in [(left, in_left), (right, in_right)] {
            if !indices.is_empty() {
                self.down(side, indices);
            } else if side.from < self.shape.count {
                (self.visit)(side);
            }
        }
    }
}

impl Subtree {
    /// The two subtrees below; `None` of a leaf.
    fn halves(self) -> Option<(Self, Self)> {
        let size = self.to.checked_sub(self.from).filter(|size| *size > 1)?;
        // The largest power of two below the size, which a `u64` holds.
        let below = size.checked_sub(1)?;
        let middle = self.from.checked_add(1_u64.checked_shl(below.ilog2())?)?;
        Some((Self { from: self.from, to: middle }, Self { from: middle, to: self.to }))
    }
}

/// Root of a subtree of padding only.
fn padding(subtree: Subtree) -> Hash {
    match subtree.halves() {
        None => hash::PADDING_LEAF,
        Some((left, right)) => {
            let right_size = right.to.wrapping_sub(right.from);
            // The left half is complete: as deep as the tree, not as large.
            let left_root = complete_padding(left.to.wrapping_sub(left.from));
            let right_root = if right_size.is_power_of_two() {
                complete_padding(right_size)
            } else {
                padding(right)
            };
            hash::node(&left_root, &right_root)
        }
    }
}

/// Root over a power of two of padding leaves.
fn complete_padding(size: u64) -> Hash {
    (0..size.trailing_zeros()).fold(hash::PADDING_LEAF, |below, _| hash::node(&below, &below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rfc6962;

    /// Leaves of a tree of that shape, padding included.
    fn leaves(shape: Shape) -> Vec<Hash> {
        let leaf = |index: u64| {
            if index < shape.count { hash::leaf(&index.to_be_bytes()) } else { hash::PADDING_LEAF }
        };
        (0..shape.size).map(leaf).collect()
    }

    fn root_of(leaves: &[Hash], subtree: Subtree) -> Hash {
        let range = usize::try_from(subtree.from).unwrap()..usize::try_from(subtree.to).unwrap();
        rfc6962::root(&leaves[range])
    }

    fn prove(shape: Shape, all: &[Hash], indices: &[u64]) -> Vec<Hash> {
        let nodes = shape.nodes(indices).unwrap();
        nodes.into_iter().map(|subtree| root_of(all, subtree)).collect()
    }

    fn listed(all: &[Hash], indices: &[u64]) -> Vec<(u64, Hash)> {
        indices.iter().map(|index| (*index, all[usize::try_from(*index).unwrap()])).collect()
    }

    fn subset(bits: u64, count: u64) -> Vec<u64> {
        (0..count).filter(|index| bits >> index & 1 == 1).collect()
    }

    /// Every tree of at most nine leaves, with any number of them padding.
    fn shapes() -> impl Iterator<Item = Shape> {
        (1..=9_u64).flat_map(|size| (1..=size).map(move |count| Shape { size, count }))
    }

    #[test]
    fn every_subset_of_every_small_tree_has_exactly_one_proof() {
        for shape in shapes() {
            let all = leaves(shape);
            let root = rfc6962::root(&all);
            for bits in 1..1_u64 << shape.count {
                let indices = subset(bits, shape.count);
                let leaves = listed(&all, &indices);
                let nodes = prove(shape, &all, &indices);
                assert_eq!(verify(shape, &leaves, &nodes, &root), Ok(()), "{shape:?} {bits:b}");
                assert!(nodes.is_empty() || bits + 1 < 1 << shape.count, "listed whole");
                // No node holds a listed leaf or padding only; no two are siblings.
                let subtrees = shape.nodes(&indices).unwrap();
                for subtree in &subtrees {
                    assert!(subtree.from < shape.count);
                    assert!(indices.iter().all(|at| *at < subtree.from || *at >= subtree.to));
                }
                assert!(subtrees.is_sorted_by(|a, b| a.to <= b.from));

                let mut more = nodes.clone();
                more.push([7; 32]);
                let left = verify(shape, &leaves, &more, &root);
                assert_eq!(left, Err(MultiproofError::LeftOver { left: 1 }));
                for at in 0..nodes.len() {
                    let mut fewer = nodes.clone();
                    fewer.remove(at);
                    let missing = MultiproofError::Missing { found: fewer.len() };
                    assert_eq!(verify(shape, &leaves, &fewer, &root), Err(missing));
                    let mut changed = nodes.clone();
                    changed[at][5] ^= 1;
                    let changed = verify(shape, &leaves, &changed, &root);
                    assert!(matches!(changed, Err(MultiproofError::RootMismatch { .. })));
                }
            }
        }
    }

    #[test]
    fn no_proof_of_some_leaves_is_one_of_others() {
        for size in 1..=6_u64 {
            for count in 1..=size {
                let shape = Shape { size, count };
                let all = leaves(shape);
                let root = rfc6962::root(&all);
                for bits in 1..1_u64 << count {
                    let indices = subset(bits, count);
                    let nodes = prove(shape, &all, &indices);
                    // The same leaves and nodes, claimed at all other places, and in other trees.
                    for other in 1..1_u64 << count {
                        let at = subset(other, count);
                        if at.len() != indices.len() {
                            continue;
                        }
                        let leaves: Vec<_> = at
                            .iter()
                            .zip(listed(&all, &indices))
                            .map(|(at, (_, leaf))| (*at, leaf))
                            .collect();
                        let verdict = verify(shape, &leaves, &nodes, &root);
                        assert_eq!(verdict.is_ok(), at == indices, "{shape:?} {bits:b} {other:b}");
                    }
                    for at in 0..indices.len() {
                        let mut changed = listed(&all, &indices);
                        changed[at].1[0] ^= 128;
                        assert!(verify(shape, &changed, &nodes, &root).is_err());
                    }
                }
            }
        }
    }

    #[test]
    fn indices_ascend_below_the_count() {
        let shape = Shape::padded(8, 5).unwrap();
        let leaf = [1; 32];
        let verdict = |indices: &[u64]| {
            let listed: Vec<_> = indices.iter().map(|index| (*index, leaf)).collect();
            verify(shape, &listed, &[], &leaf).unwrap_err()
        };
        assert_eq!(verdict(&[]), MultiproofError::NoLeaf);
        for (indices, index) in [
            (&[1, 1][..], 1),
            (&[2, 1], 1),
            (&[5], 5),
            (&[u64::MAX], u64::MAX),
            (&[0, u64::MAX, 0], u64::MAX),
        ] {
            assert_eq!(verdict(indices), MultiproofError::Index { index, count: 5 });
            assert_eq!(shape.nodes(indices), None);
        }
        assert_eq!(Shape::padded(8, 0), None);
        assert_eq!(Shape::padded(8, 9), None);
        assert_eq!(Shape::of(0).nodes(&[]), None);
    }

    #[test]
    fn the_largest_tree_has_an_answer_at_once() {
        let leaf = [1; 32];
        let last = u64::MAX - 1;
        for shape in [Shape::of(u64::MAX), Shape::padded(u64::MAX, 1).unwrap()] {
            let verdict = verify(shape, &[(0, leaf)], &[], &leaf).unwrap_err();
            let padded = shape.count == 1;
            assert_eq!(matches!(verdict, MultiproofError::RootMismatch { .. }), padded);
        }
        let nodes = Shape::of(u64::MAX).nodes(&[0, last]).unwrap();
        assert_eq!(nodes.len(), 62 + 63);
        let all = [(0, leaf), (last, leaf)];
        let verdict = verify(Shape::of(u64::MAX), &all, &vec![leaf; nodes.len()], &leaf);
        assert!(matches!(verdict, Err(MultiproofError::RootMismatch { .. })));
    }

    #[test]
    fn one_leaf_is_proved_by_its_audit_path() {
        for size in 1..=40_u64 {
            let all = leaves(Shape::of(size));
            for index in 0..size {
                let mut nodes = prove(Shape::of(size), &all, &[index]);
                let mut path = rfc6962::prove_inclusion(&all, index).unwrap();
                nodes.sort_unstable();
                path.sort_unstable();
                assert_eq!(nodes, path, "{index} of {size}");
            }
        }
    }
}
