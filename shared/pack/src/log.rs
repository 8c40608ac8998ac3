//! The part of the log that is in a pack: `log/head.json`, `log/entries.jsonl`, `log/nodes.txt`.

use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use merkle::checkpoint::Checkpoint;
use merkle::{Hash, hash};
use segment::belief::Believed;
use segment::excerpt::Excerpt;
use segment::fault::{Distrust, Fault};
use segment::log::Head;
use segment::replay::Entry;
use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use crate::lines::{Lines, put};
use crate::names;

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

/// Writes the lines of `log/entries.jsonl`.
pub(crate) fn put_entries(to: &mut dyn Write, excerpt: &Excerpt) -> io::Result<()> {
    excerpt.entries.iter().try_for_each(|entry| put(to, &entry_line(entry.index, &entry.envelope)))
}

/// Writes the lines of `log/nodes.txt`.
pub(crate) fn put_nodes(to: &mut dyn Write, excerpt: &Excerpt) -> io::Result<()> {
    excerpt.nodes.iter().try_for_each(|node| put(to, &BASE64.encode(node)))
}

/// Opens what a pack has of the log: everything is in the tree of the checkpoint, and signed by a
/// sealer who is believed at its place; `believed` takes the keys that entries accept. Whether it is what the period needs, [`Excerpt::check`] tells. The texts of
/// the entries are not kept, and `fields` holds which fields their records fill.
pub(crate) fn open<R: Read>(
    head: &[u8],
    entries: Lines<R>,
    nodes: Lines<R>,
    checkpoint: &Checkpoint,
    believed: &mut Believed,
    fields: &mut Fields,
) -> Result<Excerpt, Distrust> {
    let head = Head::parse(head)
        .map_err(|error| Fault::new("head form", names::HEAD, "a head", error.to_string()))?;
    let (leaves, opened) = open_entries(entries, believed, fields)?;
    let nodes = open_nodes(nodes)?;
    Excerpt::check_tree(&head, &leaves, &nodes, checkpoint, names::ENTRIES)?;
    Ok(Excerpt { head, entries: opened?, nodes })
}

/// Leaves of entries, by their numbers.
type Leaves = Vec<(u64, Hash)>;

/// Leaves of all lines, and the entries in them; or why the first that cannot be opened cannot. Of
/// what is not in the tree of the log it does not matter who signed it: the caller looks there first.
fn open_entries<R: Read>(
    mut lines: Lines<R>,
    believed: &mut Believed,
    fields: &mut Fields,
) -> Result<(Leaves, Result<Vec<Entry>, Distrust>), Distrust> {
    const STEP: &str = "log entries";
    let (mut leaves, mut entries): (Leaves, _) = (Vec::new(), Ok(Vec::new()));
    while let Some(line) = lines.next()? {
        let fault =
            |expected: &str, found: String| Fault::new(STEP, lines.place(), expected, found);
        let (index, envelope) =
            parse_entry(&line).ok_or_else(|| fault("an entry with its number", line))?;
        if leaves.last().is_some_and(|(before, _)| index <= *before) {
            return Err(fault("ascending numbers", format!("log entry {index}")).into());
        }
        let leaf = hash::leaf(envelope.as_bytes());
        leaves.push((index, leaf));
        let Ok(so_far) = &mut entries else { continue };
        let place = format!("log entry {index} in {}", names::ENTRIES);
        let opened = believed.open_manifest(&place, index, envelope.as_bytes());
        let accepted = opened.and_then(|opened| {
            believed.accept(&place, index, &opened)?;
            Ok(opened)
        });
        match accepted {
            Ok(mut opened) => {
                fields.take(index, &mut opened);
                so_far.push(Entry { index, envelope: String::new(), leaf, opened });
            }
            Err(why) => entries = Err(why),
        }
    }
    Ok((leaves, entries))
}

fn open_nodes<R: Read>(mut lines: Lines<R>) -> Result<Vec<Hash>, Distrust> {
    let mut nodes = Vec::new();
    while let Some(line) = lines.next()? {
        let node = BASE64.decode(&line).ok().and_then(|node| Hash::try_from(node).ok());
        let node = node.filter(|node| BASE64.encode(node) == line);
        let wrong = || Fault::new("log nodes", lines.place(), "SHA-256 in base64", line);
        nodes.push(node.ok_or_else(wrong)?);
    }
    Ok(nodes)
}
