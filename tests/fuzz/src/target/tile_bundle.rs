//! Entry bundles of the log: one exact form.

use merkle::tile;

pub(crate) fn run(data: &[u8]) -> bool {
    let Some(entries) = tile::decode_bundle(data) else { return false };
    let entries: Vec<_> = entries.into_iter().map(<[u8]>::to_vec).collect();
    assert_eq!(tile::encode_bundle(&entries), data);
    true
}
