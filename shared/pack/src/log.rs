//! The part of the log that is in a pack: `log/head.json`, `log/entries.jsonl`, `log/nodes.txt`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use merkle::checkpoint::Checkpoint;
use merkle::{Hash, hash};
use segment::excerpt::Excerpt;
use segment::fault::{Distrust, Fault};
use segment::log::Head;
use segment::policy::Policy;
use segment::replay::Entry;
use serde::{Deserialize, Serialize};

use crate::container::name;
use crate::lines;

/// A line of `log/entries.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    envelope: String,
    index: String,
}

fn entry_line(index: u64, envelope: &str) -> String {
    let line = Line { envelope: envelope.to_owned(), index: index.to_string() };
    match serde_json::to_string(&line) {
        Ok(line) => line,
        Err(error) => unreachable!("texts have a JSON form: {error}"),
    }
}

fn parse_entry(line: &str) -> Option<(u64, String)> {
    let json: Line = serde_json::from_str(line).ok()?;
    let index = json.index.parse().ok()?;
    (entry_line(index, &json.envelope) == line).then_some((index, json.envelope))
}

/// The part of the log as the entries of a pack hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogPart {
    pub(crate) head: Vec<u8>,
    pub(crate) entries: String,
    pub(crate) nodes: String,
}

impl LogPart {
    pub(crate) fn of(excerpt: &Excerpt) -> Self {
        let entries = excerpt.entries.iter().map(|entry| entry_line(entry.index, &entry.envelope));
        let nodes = excerpt.nodes.iter().map(|node| BASE64.encode(node));
        Self {
            head: excerpt.head.to_bytes(),
            entries: lines::join(&entries.collect::<Vec<_>>()),
            nodes: lines::join(&nodes.collect::<Vec<_>>()),
        }
    }

    /// Opens it: everything is in the tree of the checkpoint, and signed by a sealer of the policy.
    /// Whether it is what the period needs, [`Excerpt::check`] tells.
    pub(crate) fn open(
        head: &[u8],
        entries: &[&str],
        nodes: &[&str],
        checkpoint: &Checkpoint,
        policy: &Policy,
    ) -> Result<Excerpt, Distrust> {
        let head = Head::parse(head)
            .map_err(|error| Fault::new("head form", name::HEAD, "a head", error.to_string()))?;
        let mut found: Vec<(u64, String)> = Vec::with_capacity(entries.len());
        for (number, line) in (1_u64..).zip(entries) {
            let place = || format!("line {number} of {}", name::ENTRIES);
            let entry = parse_entry(line).ok_or_else(|| {
                Fault::new("log entries", place(), "an entry with its number", *line)
            })?;
            if found.last().is_some_and(|(before, _)| entry.0 <= *before) {
                let found = format!("log entry {}", entry.0);
                return Err(Fault::new("log entries", place(), "ascending numbers", found).into());
            }
            found.push(entry);
        }
        let nodes: Option<Vec<Hash>> = nodes
            .iter()
            .map(|line| {
                let node: Hash = BASE64.decode(line).ok()?.try_into().ok()?;
                (BASE64.encode(node) == *line).then_some(node)
            })
            .collect();
        let nodes = nodes
            .ok_or_else(|| Fault::new("log nodes", name::NODES, "base64 SHA-256", "others"))?;
        let leaf = |(index, envelope): &(u64, String)| (*index, hash::leaf(envelope.as_bytes()));
        let leaves: Vec<_> = found.iter().map(leaf).collect();
        Excerpt::check_tree(&head, &leaves, &nodes, checkpoint, name::ENTRIES)?;
        let mut entries = Vec::with_capacity(found.len());
        for ((index, envelope), (_, leaf)) in found.into_iter().zip(leaves) {
            let place = format!("log entry {index} in {}", name::ENTRIES);
            let opened = policy.open_manifest(&place, envelope.as_bytes())?;
            entries.push(Entry { index, envelope, leaf, opened });
        }
        Ok(Excerpt { head, entries, nodes })
    }
}
