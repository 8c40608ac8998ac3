//! Names of the entries of a pack, in the order of the zip file.

pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const ENTRIES: &str = "log/entries.jsonl";
pub(crate) const HEAD: &str = "log/head.json";
pub(crate) const NODES: &str = "log/nodes.txt";
pub(crate) const CENSUSES: &str = "log/census.jsonl";
pub(crate) const PACK: &str = "pack.json";
pub(crate) const REPORT: &str = "report.html";
pub(crate) const SUMS: &str = "SHA256SUMS";
pub(crate) const SIGNATURE: &str = "SHA256SUMS.sig";

/// Those before the events.
const FIRST: [&str; 5] = [CHECKPOINT, ENTRIES, HEAD, NODES, CENSUSES];
/// Those behind.
const LAST: [&str; 4] = [PACK, REPORT, SUMS, SIGNATURE];

pub(crate) fn parquet(file: usize) -> String {
    format!("events/{file:05}.parquet")
}

pub(crate) fn proofs(file: usize) -> String {
    format!("proofs/{file:05}.jsonl")
}

pub(crate) fn csv(file: usize) -> String {
    format!("events/{file:05}.csv")
}

/// All entries of a pack whose events are in so many files.
pub(crate) fn all(files: usize) -> impl Iterator<Item = String> {
    let first = FIRST.into_iter().map(str::to_owned);
    let events = (0..files).flat_map(|file| [parquet(file), proofs(file)]);
    let last = LAST.into_iter().map(str::to_owned);
    first.chain(events).chain((0..files).map(csv)).chain(last)
}

/// In how many files the events of a pack of so many entries are.
pub(crate) const fn files(entries: usize) -> Option<usize> {
    match entries.checked_sub(FIRST.len() + LAST.len()) {
        Some(of_files) if of_files.is_multiple_of(3) => Some(of_files / 3),
        Some(_) | None => None,
    }
}
