//! Evidence packs (`schemas/evidence/pack.md`): one file about one agent and period, which anybody
//! can verify with nothing but the public keys.
//!
//! A pack holds all entries of the log, the censuses of all segments that touch the period, and all
//! rows of the agent in these segments with their places in the trees. So it shows not only that
//! each event was sealed, but that none is missing: the signed ranges of offsets are contiguous,
//! and each signed census says how many events of each kind the agent has.
//!
//! # Promise
//!
//! - The same archive, scope and program give the same bytes.
//! - [`verify`] computes everything again: what is in the pack and does not follow from signed
//!   bytes (table, report, every count) is rendered again and compared byte by byte.
//! - Three answers, and each names its reason: VERIFIED, FAILED, UNVERIFIABLE.

mod build;
mod content;
mod csv;
mod html;
mod report;
mod scope;
mod slice;
mod summary;
mod zip;

use bytes::Bytes;
use merkle::hash;
use serde::{Deserialize, Serialize};

pub use self::build::{Need, PackBuilder, PackError};
pub use self::html::NOT_PROVEN;
pub use self::report::{Report, Step};
pub use self::scope::{Scope, ScopeError, ScopeText};
pub use self::summary::Summary;

use self::content::{Content, name};
use crate::fault::{Distrust, Fault, expect_equal};
use crate::policy::Policy;

/// Format name in `pack.json`.
pub const PACK_FORMAT: &str = "driftseal/pack/v1";

/// Names of all entries.
const NAMES: [&str; 9] = [
    name::SUMS,
    name::CHECKPOINT,
    name::CSV,
    name::EVENTS,
    name::CENSUSES,
    name::ENTRIES,
    name::PACK,
    name::PROOFS,
    name::REPORT,
];

/// Verifies a pack by a policy; without one, everything that needs no keys.
///
/// Pure: no file, no network, no clock. Any bytes give a report.
#[must_use]
pub fn verify(pack: &Bytes, policy: Option<&Policy>) -> Report {
    let mut steps = Vec::new();
    let mut scope = None;
    let outcome = check(pack, policy, &mut scope, &mut steps);
    Report::new(outcome, scope, steps)
}

fn check(
    pack: &Bytes,
    policy: Option<&Policy>,
    scope_text: &mut Option<ScopeText>,
    steps: &mut Vec<Step>,
) -> Result<Summary, Distrust> {
    let entries = zip::read(pack)?;
    steps.push(Step::new("zip", format!("{} entries in the one exact form", entries.len())));
    let content = |name: &str| -> Result<&[u8], Fault> {
        let found = entries.iter().find(|(candidate, _)| *candidate == name);
        let missing = || Fault::new("entries of a pack", name, "the entry", "none");
        found.map(|(_, content)| *content).ok_or_else(missing)
    };
    check_sums(&entries, content(name::SUMS)?)?;
    steps.push(Step::new("digests", "SHA256SUMS lists every entry with its digest"));
    let document = content(name::PACK)?;
    check_version(document)?;
    for (name, _) in &entries {
        if !NAMES.contains(name) {
            return Err(Fault::new("entries of a pack", *name, "no such entry", "one").into());
        }
    }
    let malformed = |error: String| Fault::new("pack.json", name::PACK, "a pack document", error);
    let document: Document =
        serde_json::from_slice(document).map_err(|error| malformed(error.to_string()))?;
    let scope = Scope::from_text(&document.scope).map_err(|error| malformed(error.to_string()))?;
    *scope_text = Some(scope.to_text());
    let parts = Content {
        checkpoint: text(name::CHECKPOINT, content(name::CHECKPOINT)?)?,
        entries: lines(name::ENTRIES, content(name::ENTRIES)?)?,
        censuses: lines(name::CENSUSES, content(name::CENSUSES)?)?,
        proofs: lines(name::PROOFS, content(name::PROOFS)?)?,
        events: pack.slice_ref(content(name::EVENTS)?),
    };
    let Some(policy) = policy else {
        let why = "there is no policy: without the public keys, obtained from somewhere else than \
                   the pack or its sender, nobody can say who signed it";
        return Err(Distrust::Unverifiable(why.to_owned()));
    };
    let summary = parts.check(&scope, policy, steps)?;
    let derived = derived(&scope, &document.generator, &summary, &parts.events)?;
    for (name, expected) in
        [(name::PACK, derived.pack), (name::CSV, derived.csv), (name::REPORT, derived.report)]
    {
        same_bytes(name, &expected, content(name)?)?;
    }
    steps.push(Step::new(
        "printed numbers",
        "pack.json, events.csv and report.html follow from the events",
    ));
    Ok(summary)
}

/// `pack.json`, as far as it is not derived.
#[derive(Debug, Deserialize)]
struct Document {
    generator: String,
    scope: ScopeText,
}

/// The whole of `pack.json`.
#[derive(Debug, Serialize)]
struct FullDocument<'a> {
    format: &'a str,
    generator: &'a str,
    scope: ScopeText,
    summary: &'a Summary,
}

/// The entries that follow from the others.
struct Derived {
    pack: Vec<u8>,
    csv: Vec<u8>,
    report: Vec<u8>,
}

fn derived(
    scope: &Scope,
    generator: &str,
    summary: &Summary,
    events: &Bytes,
) -> Result<Derived, Fault> {
    let document = FullDocument { format: PACK_FORMAT, generator, scope: scope.to_text(), summary };
    let mut pack = serde_json::to_vec_pretty(&document)
        .map_err(|error| Fault::new("pack.json", name::PACK, "a document", error.to_string()))?;
    pack.push(b'\n');
    Ok(Derived {
        pack,
        csv: csv::render(scope, summary, events)?,
        report: html::render(scope, summary).into_bytes(),
    })
}

/// The zip file of these entries and their digests.
fn seal(entries: &[zip::Entry<'_>]) -> Option<Vec<u8>> {
    let sums = sums(entries);
    let mut all = entries.to_vec();
    all.push((name::SUMS, sums.as_bytes()));
    all.sort_unstable_by_key(|(name, _)| *name);
    zip::write(&all)
}

/// Digests and names, as `sha256sum` writes and checks them.
fn sums(entries: &[zip::Entry<'_>]) -> String {
    let listed = entries.iter().filter(|(name, _)| *name != name::SUMS);
    listed
        .map(|(name, content)| format!("{}  {name}\n", hash::to_hex(&hash::sha256(content))))
        .collect()
}

fn check_sums(entries: &[zip::Entry<'_>], found: &[u8]) -> Result<(), Fault> {
    let expected = sums(entries);
    let found = lines(name::SUMS, found)?;
    for (line, expected) in expected.lines().enumerate() {
        let place = expected.split_once("  ").map_or(name::SUMS, |(_, name)| name);
        let found = found.get(line).copied().unwrap_or("no line");
        expect_equal("SHA256SUMS", place, &expected, &found)?;
    }
    expect_equal("SHA256SUMS", name::SUMS, &expected.lines().count(), &found.len())
}

/// Another version of the format cannot be judged.
fn check_version(document: &[u8]) -> Result<(), Distrust> {
    #[derive(Deserialize)]
    struct Version {
        format: String,
    }
    match serde_json::from_slice::<Version>(document) {
        Ok(Version { format }) if format == PACK_FORMAT => Ok(()),
        Ok(Version { format }) => Err(Distrust::Unverifiable(format!(
            "the pack is of format `{format}`; this version knows `{PACK_FORMAT}`"
        ))),
        Err(error) => {
            Err(Fault::new("pack.json", name::PACK, "a pack document", error.to_string()).into())
        }
    }
}

fn text<'t>(place: &str, bytes: &'t [u8]) -> Result<&'t str, Fault> {
    std::str::from_utf8(bytes)
        .map_err(|error| Fault::new("text", place, "UTF-8", error.to_string()))
}

/// The lines of a text, each of which ends in a newline.
fn lines<'t>(place: &str, bytes: &'t [u8]) -> Result<Vec<&'t str>, Fault> {
    let text = text(place, bytes)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let cut = || Fault::new("lines", place, "a newline at the end", "none");
    Ok(text.strip_suffix('\n').ok_or_else(cut)?.split('\n').collect())
}

fn same_bytes(name: &'static str, expected: &[u8], found: &[u8]) -> Result<(), Fault> {
    if expected == found {
        return Ok(());
    }
    let line = |bytes: &[u8], at: usize| {
        let text = String::from_utf8_lossy(bytes);
        text.split('\n').nth(at).unwrap_or("the end").chars().take(200).collect::<String>()
    };
    let same = expected.iter().zip(found).take_while(|(a, b)| a == b);
    let at = same.filter(|(byte, _)| **byte == b'\n').count();
    Err(Fault::new(
        "printed numbers",
        format!("line {} of {name}", at.saturating_add(1)),
        format!("`{}`", line(expected, at)),
        format!("`{}`", line(found, at)),
    ))
}
