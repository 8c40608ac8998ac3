//! Verification of inclusion and consistency proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2).
//!
//! Total: any input gives `Ok` or a [`ProofError`]. Sizes and roots are the caller's, from a
//! signature.

use thiserror::Error;

use crate::{Hash, hash};

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The leaf's index is not inside the tree.
    #[error("index {index} is not inside a tree of size {size}")]
    OutOfRange {
        /// Index claimed.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The old tree is larger than the new one.
    #[error("a tree cannot shrink from size {old_size} to {new_size}")]
    Shrunk {
        /// Size of the old tree.
        old_size: u64,
        /// Size of the new tree.
        new_size: u64,
    },
    /// The path has another length than the size demands.
    #[error("the path has {found} hashes, which is not what the size demands")]
    PathLength {
        /// Hashes in the path.
        found: usize,
    },
    /// The path leads to another root.
    #[error("root mismatch: computed {computed}, signed {signed}")]
    RootMismatch {
        /// Root that the path leads to, hexadecimal.
        computed: String,
        /// Root that was signed, hexadecimal.
        signed: String,
    },
}

/// Checks that a leaf hash stands at an index of the tree with that size and root.
///
/// # Errors
///
/// See [`ProofError`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    let length = || ProofError::PathLength { found: path.len() };
    let mut at = index;
    let mut last = size.checked_sub(1).ok_or_else(length)?;
    let mut computed = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(length());
        }
        if at & 1 == 1 || at == last {
            computed = hash::node(sibling, &computed);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            computed = hash::node(&computed, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length());
    }
    same_root(&computed, root)
}

/// Checks that the tree of `new_size` extends the tree of `old_size`.
///
/// # Errors
///
/// See [`ProofError`].
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    let length = || ProofError::PathLength { found: path.len() };
    if old_size > new_size {
        return Err(ProofError::Shrunk { old_size, new_size });
    }
    if old_size == 0 || old_size == new_size {
        if !path.is_empty() {
            return Err(length());
        }
        // The empty tree is a prefix of every tree; its root is that of no data.
        let expected = if old_size == 0 { &hash::sha256(b"") } else { new_root };
        return same_root(old_root, expected);
    }
    let mut at = old_size.checked_sub(1).ok_or_else(length)?;
    let mut last = new_size.checked_sub(1).ok_or_else(length)?;
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    // An old tree that is a power of two is itself the first node of the path.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, path)
    } else {
        path.split_first().ok_or_else(length)?
    };
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(length());
        }
        if at & 1 == 1 || at == last {
            old = hash::node(sibling, &old);
            new = hash::node(sibling, &new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new = hash::node(&new, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length());
    }
    same_root(&old, old_root)?;
    same_root(&new, new_root)
}

fn same_root(computed: &Hash, signed: &Hash) -> Result<(), ProofError> {
    if computed == signed {
        return Ok(());
    }
    Err(ProofError::RootMismatch { computed: hash::to_hex(computed), signed: hash::to_hex(signed) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rfc6962::{prove_consistency, prove_inclusion, root};

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|index| hash::leaf(&index.to_be_bytes())).collect()
    }

    fn flips(hash: &Hash) -> impl Iterator<Item = Hash> {
        let hash = *hash;
        (0..256).map(move |bit| {
            let mut flipped = hash;
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        })
    }

    #[test]
    fn every_leaf_of_every_small_tree_proves_only_at_its_place() {
        for size in 1..=40 {
            let all = leaves(size);
            let root = root(&all);
            for index in 0..size {
                let leaf = &all[usize::try_from(index).unwrap()];
                let path = prove_inclusion(&all, index).unwrap();
                for claimed in 0..size {
                    let verdict = verify_inclusion(leaf, claimed, size, &path, &root);
                    assert_eq!(verdict.is_ok(), claimed == index);
                }
            }
        }
    }

    #[test]
    fn every_single_bit_change_fails() {
        let all = leaves(21);
        let signed = root(&all);
        let path = prove_inclusion(&all, 13).unwrap();
        for flipped in flips(&all[13]) {
            assert!(verify_inclusion(&flipped, 13, 21, &path, &signed).is_err());
        }
        for flipped in flips(&signed) {
            assert!(verify_inclusion(&all[13], 13, 21, &path, &flipped).is_err());
        }
        for at in 0..path.len() {
            for flipped in flips(&path[at]) {
                let mut path = path.clone();
                path[at] = flipped;
                assert!(verify_inclusion(&all[13], 13, 21, &path, &signed).is_err());
            }
        }
        for bit in 0..64 {
            assert!(verify_inclusion(&all[13], 13 ^ (1 << bit), 21, &path, &signed).is_err());
        }
        assert!(verify_inclusion(&all[13], 13, 21, &path[1..], &signed).is_err());
    }

    #[test]
    fn every_pair_of_small_trees_is_consistent_and_no_changed_one_is() {
        for new_size in 0..=40_u64 {
            let all = leaves(new_size);
            let new_root = root(&all);
            for old_size in 0..=new_size {
                let old_root = root(&all[..usize::try_from(old_size).unwrap()]);
                let path = prove_consistency(&all, old_size).unwrap();
                assert_eq!(
                    verify_consistency(old_size, &old_root, new_size, &new_root, &path),
                    Ok(()),
                    "{old_size} to {new_size}"
                );
                let mut wrong = old_root;
                wrong[0] ^= 1;
                assert!(verify_consistency(old_size, &wrong, new_size, &new_root, &path).is_err());
                if old_size > 0 && old_size < new_size {
                    let mut wrong = new_root;
                    wrong[31] ^= 1;
                    assert!(
                        verify_consistency(old_size, &old_root, new_size, &wrong, &path).is_err()
                    );
                }
            }
        }
    }
}
