//! What verifying a pack came to.

use std::fmt;

use segment::fault::{Distrust, Fault, Judgement};
use segment::plain::Plain;
use serde::Serialize;

use crate::scope::ScopeText;
use crate::summary::Summary;

/// What no pack proves; part of every report, for people and for programs.
pub const NOT_PROVEN: [&str; 6] = [
    "that what an event says was true when it was written: the evidence begins where the record entered the log",
    "that everything that happened was written: an event that nobody sent is not here (gaps in the numbers of a source are)",
    "who somebody is whose identity was not authenticated: such a name is the sender's word",
    "that a score, a judgement or an approval was right",
    "when exactly the log was made: a checkpoint bounds its own past, and only outside witnesses or timestamps bound its date",
    "anything about documents, people or systems that send no events here",
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

/// The outcome of verifying a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it came to.
    pub verdict: Judgement,
    /// What does not hold, if [`Judgement::Failed`].
    pub fault: Option<Fault>,
    /// Why it cannot be said, if [`Judgement::Unverifiable`].
    pub unverifiable: Option<String>,
    /// What the pack says that it is about.
    pub scope: Option<ScopeText>,
    /// The numbers, if [`Judgement::Verified`].
    pub summary: Option<Summary>,
    /// The checks that held, in order.
    pub steps: Vec<Step>,
    /// What no pack proves.
    pub not_proven: [&'static str; 6],
}

impl Report {
    pub(crate) fn new(
        outcome: Result<Summary, Distrust>,
        scope: Option<ScopeText>,
        steps: Vec<Step>,
    ) -> Self {
        let (verdict, fault, unverifiable, summary) = match outcome {
            Ok(summary) => (Judgement::Verified, None, None, Some(summary)),
            Err(Distrust::Failed(fault)) => (Judgement::Failed, Some(fault), None, None),
            Err(Distrust::Unverifiable(why)) => (Judgement::Unverifiable, None, Some(why), None),
        };
        Self { verdict, fault, unverifiable, scope, summary, steps, not_proven: NOT_PROVEN }
    }
}

/// The report for people; the last line is the verdict.
///
/// Every text that may come from a pack is escaped and bounded: it can neither draw lines of its
/// own nor hide any.
impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scope) = &self.scope {
            writeln!(to, "agent   {}", Plain(&scope.agent_id))?;
            writeln!(to, "period  from {} until before {}", scope.from, scope.to)?;
        }
        for step in &self.steps {
            writeln!(to, "  ok    {}: {}", step.name, Plain(&step.detail))?;
        }
        if let Some(fault) = &self.fault {
            writeln!(to, "FAIL    {}: {}", fault.step, Plain(&fault.place))?;
            writeln!(to, "        expected {}", Plain(&fault.expected))?;
            writeln!(to, "        found    {}", Plain(&fault.found))?;
        }
        if let Some(why) = &self.unverifiable {
            writeln!(to, "        {}", Plain(why))?;
        }
        if let Some(summary) = &self.summary {
            writeln!(to, "events  {} in the period", summary.events)?;
            for (kind, count) in &summary.by_kind {
                writeln!(to, "        {count:>8}  {}", Plain(kind))?;
            }
            if summary.quarantined_of_any_agent > 0 {
                writeln!(
                    to,
                    "        {:>8}  records of any agent that could not be decoded",
                    summary.quarantined_of_any_agent
                )?;
            }
            writeln!(to, "not proven by this or any pack:")?;
            for not_proven in self.not_proven {
                writeln!(to, "  - {not_proven}")?;
            }
        }
        writeln!(to, "{}", self.verdict.name())
    }
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
