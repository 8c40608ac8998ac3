//! Paths of the archive: each has one spelling. Behind a newline, the object at the path: a note on an
//! orphan has one spelling too.

use segment::layout::{self, SegmentName};
use segment::orphan::Orphan;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(data) else { return false };
    if let Some((path, object)) = path.split_once('\n') {
        let Some(orphan) = Orphan::parse(path, object.as_bytes()) else { return false };
        assert!(SegmentName::is_orphan(path));
        assert_eq!(orphan.to_bytes(), object.as_bytes());
        return true;
    }
    if let Some(sequence) = layout::parse_commit(path) {
        assert_eq!(layout::commit(sequence), path);
        return true;
    }
    let Some(name) = SegmentName::parse(path) else { return false };
    assert!(name.parquet() == path || name.census() == path);
    true
}
