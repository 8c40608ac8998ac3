//! Proofs of many leaves in a small tree: only the true nodes are accepted. Two bytes for the shape,
//! eight that list leaves, then the nodes.

use merkle::multiproof::{Shape, verify};
use merkle::{hash, rfc6962};

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((&[size, count], rest)) = data.split_first_chunk() else { return false };
    let Some((mask, rest)) = rest.split_first_chunk() else { return false };
    let (nodes, _) = rest.as_chunks::<32>();
    let Some(shape) = Shape::padded(u64::from(size), u64::from(count)) else { return false };
    let leaf = |index: u8| if index < count { hash::leaf(&[index]) } else { hash::PADDING_LEAF };
    let leaves: Vec<_> = (0..size).map(leaf).collect();
    let listed: Vec<u8> =
        (0..64).filter(|index| u64::from_be_bytes(*mask) >> index & 1 == 1).collect();
    let claimed: Vec<_> = listed.iter().map(|index| (u64::from(*index), leaf(*index))).collect();
    let verified = verify(shape, &claimed, nodes, &rfc6962::root(&leaves)).is_ok();
    let indices: Vec<_> = listed.iter().map(|index| u64::from(*index)).collect();
    let honest = shape.nodes(&indices).map(|nodes| {
        let root = |from: u64, to: u64| {
            let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
            rfc6962::root(leaves.get(range).unwrap_or_default())
        };
        nodes.into_iter().map(|node| root(node.from, node.to)).collect::<Vec<_>>()
    });
    assert_eq!(verified, honest.is_some_and(|honest| honest == nodes));
    verified
}
