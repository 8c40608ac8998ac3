//! What verifying a pack came to.

use std::fmt;

use segment::belief::AcceptedKey;
use segment::fault::{Distrust, Fault, Judgement};
use segment::plain::Plain;
use serde::Serialize;

use crate::facts::Facts;
use crate::scope::ScopeText;
use crate::similar::SimilarName;

/// What no pack proves; part of every report, for people and for programs.
pub const NOT_PROVEN: [&str; 7] = [
    "that what an event says was true when it was written: the evidence begins where the record entered the log",
    "that everything that happened was written: an event that nobody sent is not here (gaps in the numbers of a source are)",
    "who somebody is whose identity was not authenticated: such a name is the sender's word",
    "that a score, a judgement or an approval was right",
    "when exactly the log was made: a checkpoint bounds its own past, and only outside witnesses or timestamps bound its date",
    "anything about documents, people or systems that send no events here",
    "that a segment which is not in it holds no record of the period: its sealer signed so, and only `driftseal fsck` reads the records themselves",
];

/// A check that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which check.
    pub name: &'static str,
    /// What it was about.
    pub detail: String,
}

impl Step {
    pub(crate) fn new(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, detail: detail.into() }
    }
}

/// The file that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackFile {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// Keys that signed what was verified: name and key id of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// Of the log: signed the checkpoint.
    pub log: String,
    /// Of the sealers that the policy names, or that entries of the log accept.
    pub sealers: Vec<String>,
    /// Signed the pack.
    pub evidence: String,
    /// Those of them that are not in the policy: entries of the log accept them.
    pub accepted: Vec<AcceptedKey>,
}

/// What is known of a pack once it is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// What it is about.
    pub scope: ScopeText,
    /// Name and version of the program that made it, by its own word.
    pub generator: String,
    /// Who signed it.
    pub keys: Keys,
    /// Every number.
    pub facts: Facts,
}

/// The outcome of verifying a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it came to.
    pub verdict: Judgement,
    /// What does not hold, if [`Judgement::Failed`].
    pub fault: Option<Fault>,
    /// Why it cannot be said, if [`Judgement::Unverifiable`].
    pub unverifiable: Option<String>,
    /// The file; none if it is no zip file, or cannot be read.
    pub file: Option<PackFile>,
    /// What it holds, if [`Judgement::Verified`]. Nothing that a pack says is shown before.
    pub verified: Option<Box<Verified>>,
    /// The checks that held, in order.
    pub steps: Vec<Step>,
    /// What no pack proves.
    pub not_proven: [&'static str; NOT_PROVEN.len()],
}

impl Report {
    pub(crate) fn new(
        outcome: Result<Verified, Distrust>,
        file: Option<PackFile>,
        steps: Vec<Step>,
    ) -> Self {
        let shown = |text: &str| Plain(text).to_string();
        let (verdict, fault, unverifiable, verified) = match outcome {
            Ok(verified) => (Judgement::Verified, None, None, Some(Box::new(verified))),
            Err(Distrust::Failed(fault)) => {
                let Fault { step, place, expected, found } = fault;
                let fault = Fault::new(step, shown(&place), shown(&expected), shown(&found));
                (Judgement::Failed, Some(fault), None, None)
            }
            Err(Distrust::Unverifiable(why)) => {
                (Judgement::Unverifiable, None, Some(shown(&why)), None)
            }
        };
        Self { verdict, fault, unverifiable, file, verified, steps, not_proven: NOT_PROVEN }
    }
}

/// The report for people; the last line is the verdict.
///
/// Every text that may come from a pack is escaped and bounded: it can neither draw lines of its
/// own nor hide any.
impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            writeln!(to, "pack    {} bytes, SHA-256 {}", file.bytes, file.sha256)?;
        }
        for step in &self.steps {
            writeln!(to, "  ok    {}: {}", step.name, Plain(&step.detail))?;
        }
        if let Some(fault) = &self.fault {
            writeln!(to, "FAIL    {}: {}", fault.step, fault.place)?;
            writeln!(to, "        expected {}", fault.expected)?;
            writeln!(to, "        found    {}", fault.found)?;
        }
        if let Some(why) = &self.unverifiable {
            writeln!(to, "        {why}")?;
        }
        if let Some(verified) = &self.verified {
            show(to, verified)?;
            writeln!(to, "not proven by this or any pack:")?;
            for not_proven in self.not_proven {
                writeln!(to, "  - {not_proven}")?;
            }
        }
        writeln!(to, "{}", self.verdict.name())
    }
}

fn show(to: &mut fmt::Formatter<'_>, verified: &Verified) -> fmt::Result {
    let Verified { scope, generator, keys, facts } = verified;
    writeln!(to, "agent   {}", Plain(&scope.agent_id))?;
    writeln!(to, "period  {scope}")?;
    writeln!(to, "made by {} (its own word)", Plain(generator))?;
    let log = &facts.log;
    writeln!(to, "log     {}: {} entries, root {}", Plain(&log.origin), log.size, log.root)?;
    writeln!(to, "keys    log {}; pack {}", Plain(&keys.log), Plain(&keys.evidence))?;
    for sealer in &keys.sealers {
        writeln!(to, "        sealer {}", Plain(sealer))?;
    }
    for of in &facts.coverage {
        let ends_early = of.reaches_end == Some(false);
        let early = if ends_early { ": BEFORE THE END OF THE PERIOD" } else { "" };
        writeln!(
            to,
            "reaches {}/{} to offset {}, received at {}{early}",
            Plain(&of.topic),
            of.partition,
            of.next_offset.saturating_sub(1),
            of.reaches,
        )?;
    }
    for unsealed in &facts.unsealed {
        writeln!(to, "UNSEALED {unsealed}: nothing of it is in the log")?;
    }
    if facts.events == 0 {
        let why = "the log has no event of an agent of exactly this name in the period";
        writeln!(to, "events  NONE: {why}")?;
    } else {
        writeln!(to, "events  {} in the period", facts.events)?;
    }
    for (kind, count) in &facts.by_kind.listed {
        writeln!(to, "        {count:>8}  {}", Plain(kind))?;
    }
    if facts.by_kind.others > 0 {
        writeln!(to, "        {:>8}  of other kinds", facts.by_kind.others)?;
    }
    if facts.quarantined_of_any_agent > 0 {
        let count = facts.quarantined_of_any_agent;
        writeln!(to, "        {count:>8}  records of any agent that could not be decoded")?;
    }
    for (field, count) in &facts.withheld {
        writeln!(to, "WITHHELD {count:>7}  values of {}", Plain(field))?;
    }
    for (field, count) in &facts.erased {
        writeln!(to, "ERASED  {count:>8}  values of {}, by entries of the log", Plain(field))?;
    }
    for SimilarName { agent_id, events } in &facts.similar_names {
        let name = Plain(agent_id);
        writeln!(to, "SIMILAR {events:>8}  events of another agent, `{name}`, are not here")?;
    }
    if facts.files > 0 {
        writeln!(to, "analyse events/*.parquet (exact values) or events/*.csv")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_pack_draws_no_line_and_hides_none() {
        let fault = Fault::new("step", "a\u{1b}[8mb", "c\nVERIFIED", "\u{202e}d".repeat(1_000));
        let report = Report::new(Err(fault.into()), None, Vec::new());
        let text = report.to_string();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains(r"a\u{1b}[8mb") && text.contains(r"c\nVERIFIED"), "{text}");
        assert!(!text.contains('\u{202e}') && text.contains(r"\u{202e}d"), "{text}");
        assert!(text.len() < 6_000 && text.ends_with("FAILED\n"), "{text}");
    }
}
