//! Verifies a pack from its bytes alone.

use bytes::Bytes;
use segment::fault::{Distrust, Fault};
use segment::policy::Policy;

use crate::container::{self, content, name};
use crate::content::Content;
use crate::derived::{Derived, Document};
use crate::lines;
use crate::report::{Report, Step};
use crate::scope::ScopeText;
use crate::summary::Summary;
use crate::zip;

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
    container::check_sums(&entries)?;
    steps.push(Step::new("digests", "SHA256SUMS lists every entry with its digest"));
    let document = Document::parse(content(&entries, name::PACK)?)?;
    container::check_names(&entries)?;
    let scope = document.scope()?;
    *scope_text = Some(scope.to_text());
    let lines_of = |name| lines::split(name, content(&entries, name)?);
    let parts = Content {
        checkpoint: lines::text(name::CHECKPOINT, content(&entries, name::CHECKPOINT)?)?,
        head: content(&entries, name::HEAD)?,
        entries: lines_of(name::ENTRIES)?,
        nodes: lines_of(name::NODES)?,
        censuses: lines_of(name::CENSUSES)?,
        proofs: lines_of(name::PROOFS)?,
        events: pack.slice_ref(content(&entries, name::EVENTS)?),
    };
    let Some(policy) = policy else {
        let why = "there is no policy: without the public keys, obtained from somewhere else than \
                   the pack or its sender, nobody can say who signed it";
        return Err(Distrust::Unverifiable(why.to_owned()));
    };
    let summary = parts.check(&scope, policy, steps)?;
    let derived = Derived::new(&scope, &document.generator, &summary, &parts.events)?;
    for (name, expected) in
        [(name::PACK, derived.pack), (name::CSV, derived.csv), (name::REPORT, derived.report)]
    {
        same_bytes(name, &expected, content(&entries, name)?)?;
    }
    steps.push(Step::new(
        "printed numbers",
        "pack.json, events.csv and report.html follow from the events",
    ));
    Ok(summary)
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
        format!("line {} of {name}", at + 1),
        format!("`{}`", line(expected, at)),
        format!("`{}`", line(found, at)),
    ))
}
