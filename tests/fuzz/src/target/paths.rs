//! Paths of the archive: each has one spelling.

use segment::layout::{self, SegmentName};

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(data) else { return false };
    if let Some(sequence) = layout::parse_commit(path) {
        assert_eq!(layout::commit(sequence), path);
        return true;
    }
    let Some(name) = SegmentName::parse(path) else { return false };
    assert!(name.parquet() == path || name.census() == path);
    true
}
