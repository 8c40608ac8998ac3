//! The entries of a pack, and the list of their digests.

use merkle::hash;
use segment::fault::{Fault, expect_equal};

use crate::lines;
use crate::zip::{self, Entry};

/// Names of the entries, in the order of the zip file.
pub(crate) mod name {
    pub(crate) const SUMS: &str = "SHA256SUMS";
    pub(crate) const CHECKPOINT: &str = "checkpoint";
    pub(crate) const CSV: &str = "events.csv";
    pub(crate) const EVENTS: &str = "events.parquet";
    pub(crate) const CENSUSES: &str = "log/census.jsonl";
    pub(crate) const ENTRIES: &str = "log/entries.jsonl";
    pub(crate) const HEAD: &str = "log/head.json";
    pub(crate) const NODES: &str = "log/nodes.txt";
    pub(crate) const PACK: &str = "pack.json";
    pub(crate) const PROOFS: &str = "proofs.jsonl";
    pub(crate) const REPORT: &str = "report.html";

    /// All of them.
    pub(crate) const ALL: [&str; 11] =
        [SUMS, CHECKPOINT, CSV, EVENTS, CENSUSES, ENTRIES, HEAD, NODES, PACK, PROOFS, REPORT];
}

/// The zip file of these entries and their digests; `None` beyond the limits of the format.
pub(crate) fn write(entries: &[Entry<'_>]) -> Option<Vec<u8>> {
    let sums = sums(entries);
    let mut all = entries.to_vec();
    all.push((name::SUMS, sums.as_bytes()));
    all.sort_unstable_by_key(|(name, _)| *name);
    zip::write(&all)
}

/// The content of an entry.
pub(crate) fn content<'e>(entries: &[Entry<'e>], name: &str) -> Result<&'e [u8], Fault> {
    let found = entries.iter().find(|(candidate, _)| *candidate == name);
    let missing = || Fault::new("entries of a pack", name, "the entry", "none");
    found.map(|(_, content)| *content).ok_or_else(missing)
}

/// Checks the list of digests against the other entries.
pub(crate) fn check_sums(entries: &[Entry<'_>]) -> Result<(), Fault> {
    let expected = sums(entries);
    let found = lines::split(name::SUMS, content(entries, name::SUMS)?)?;
    for (line, expected) in expected.lines().enumerate() {
        let place = expected.split_once("  ").map_or(name::SUMS, |(_, name)| name);
        let found = found.get(line).copied().unwrap_or("no line");
        expect_equal("SHA256SUMS", place, &expected, &found)?;
    }
    expect_equal("SHA256SUMS", name::SUMS, &expected.lines().count(), &found.len())
}

/// Checks that a pack has no other entries.
pub(crate) fn check_names(entries: &[Entry<'_>]) -> Result<(), Fault> {
    match entries.iter().find(|(name, _)| !name::ALL.contains(name)) {
        None => Ok(()),
        Some((name, _)) => Err(Fault::new("entries of a pack", *name, "no such entry", "one")),
    }
}

/// Digests and names, as `sha256sum` writes and checks them.
fn sums(entries: &[Entry<'_>]) -> String {
    let listed = entries.iter().filter(|(name, _)| *name != name::SUMS);
    listed
        .map(|(name, content)| format!("{}  {name}\n", hash::to_hex(&hash::sha256(content))))
        .collect()
}
