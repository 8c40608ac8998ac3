//! Commit objects: canonical bytes only.

use segment::log::Commit;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(commit) = Commit::parse(1, data) else { return false };
    assert_eq!(commit.to_bytes(), data);
    let _entries: Vec<_> = commit
        .entries
        .iter()
        .map(|entry| segment::manifest::Manifest::peek(entry.as_bytes()).is_ok())
        .collect();
    true
}
