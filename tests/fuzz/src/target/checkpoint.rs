//! Texts of checkpoints: one exact form.

use merkle::checkpoint::Checkpoint;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(checkpoint) = Checkpoint::parse(text) else { return false };
    assert_eq!(checkpoint.to_text(), text);
    true
}
