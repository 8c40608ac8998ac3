//! Signed notes: no changed one opens.

use merkle::checkpoint::Checkpoint;
use merkle::note;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let keys = [seeds::log_key().verifier()];
    let _checkpoint = Checkpoint::open(text, &keys).is_ok();
    let Ok(opened) = note::open(text, &keys) else { return false };
    // Nobody can sign another text: it is that of a seed.
    assert!(seeds::signed_texts().contains(&opened.text), "{text}");
    true
}
