//! What an fsck reports.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::findings::{Finding, Findings, ORPHAN_MEANING, ORPHAN_STEP, Severity};
use crate::belief::AcceptedKey;
use crate::chain::Chains;
use crate::fault::Judgement;
use crate::plain::Plain;
use crate::unsealed::Unsealed;

/// How far an fsck is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Progress {
    /// Commits read.
    pub commits_done: u64,
    /// Commits listed.
    pub commits_total: u64,
    /// Segments checked.
    pub segments_done: u64,
    /// Segments listed, orphans included.
    pub segments_total: u64,
    /// Events checked.
    pub events_done: u64,
    /// Bytes read.
    pub bytes_done: u64,
    /// Bytes listed.
    pub bytes_total: u64,
}

/// What is sealed of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionReport {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First offset sealed.
    pub first_offset: i64,
    /// Offset after the last one sealed.
    pub next_offset: i64,
    /// Segments.
    pub segments: u64,
    /// Events: each exactly once, by its offset.
    pub events: u64,
    /// Offsets that hold no record.
    pub gaps: u64,
    /// Those of them whose records the event log had deleted before they were sealed.
    pub lost: u64,
}

impl PartitionReport {
    /// What the chains of a log hold, by partition.
    #[must_use]
    pub fn of(chains: &Chains) -> Vec<Self> {
        let report = |(partition, chain): (&event::TopicPartition, &crate::chain::Chain)| Self {
            topic: partition.topic.to_string(),
            partition: partition.partition,
            first_offset: chain.first_offset,
            next_offset: chain.next_offset,
            segments: chain.segments,
            events: chain.events,
            gaps: chain.gaps,
            lost: chain.lost,
        };
        chains.all().iter().map(report).collect()
    }
}

/// The outcome of an fsck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it came to.
    pub verdict: Judgement,
    /// Why it cannot be said, if so.
    pub unverifiable: Option<String>,
    /// Origin of the log.
    pub origin: String,
    /// Commits read.
    pub commits: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Root of the log, hexadecimal.
    pub root: String,
    /// Segments checked.
    pub segments: u64,
    /// Events whose leaves were derived again.
    pub events: u64,
    /// Bytes of segments and censuses read.
    pub bytes: u64,
    /// Quarantined events by reason.
    pub quarantined: BTreeMap<String, u64>,
    /// Computed events that repeat an `event_id`: a processor that died appended them again. Readers
    /// ignore them.
    pub repeated_computed_events: u64,
    /// Keys that were believed because entries of the log accept them: the policy does not have them.
    pub accepted_keys: Vec<AcceptedKey>,
    /// What is sealed, by partition.
    pub partitions: Vec<PartitionReport>,
    /// What the log is for and has nothing of: it is idle, or was rolled back.
    pub unsealed: Vec<Unsealed>,
    /// Objects that nothing names as far as could be judged. They may be evidence: they are no orphans.
    pub unjudged_objects: u64,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// Findings that are counted and not listed.
    pub findings_dropped: u64,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            verdict: Judgement::Unverifiable,
            unverifiable: None,
            origin: String::new(),
            commits: 0,
            entries: 0,
            root: String::new(),
            segments: 0,
            events: 0,
            bytes: 0,
            quarantined: BTreeMap::new(),
            repeated_computed_events: 0,
            accepted_keys: Vec::new(),
            partitions: Vec::new(),
            unsealed: Vec::new(),
            unjudged_objects: 0,
            findings: Vec::new(),
            findings_dropped: 0,
        }
    }
}

impl Report {
    /// Says what chains hold, and of what there is none.
    pub(super) fn hold(&mut self, chains: &Chains) {
        self.partitions = PartitionReport::of(chains);
        self.unsealed = chains.unsealed();
    }

    pub(super) fn judge(&mut self, findings: Findings, unverifiable: Option<String>) {
        self.verdict = match (findings.failures, &unverifiable) {
            (0, None) => Judgement::Verified,
            (0, Some(_)) => Judgement::Unverifiable,
            (_, _) => Judgement::Failed,
        };
        self.unverifiable = unverifiable;
        self.findings_dropped = findings.dropped;
        self.findings = findings.into_sorted();
    }

    /// The report for people; the last line is the verdict.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        self.write(&mut text).unwrap_or(());
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        for Finding { severity, fault } in &self.findings {
            let severity = match severity {
                Severity::Failed => "FAILED ",
                Severity::Derived => "derived",
                Severity::Warning => "warning",
            };
            writeln!(to, "{severity}  {}: {}", Plain(&fault.place), fault.step)?;
            writeln!(to, "         expected {}", Plain(&fault.expected))?;
            writeln!(to, "         found    {}", Plain(&fault.found))?;
        }
        if self.findings_dropped > 0 {
            writeln!(to, "and {} more findings", self.findings_dropped)?;
        }
        let is_any = |severity| self.findings.iter().any(|finding| finding.severity == severity);
        for severity in [Severity::Failed, Severity::Derived, Severity::Warning] {
            if is_any(severity) {
                writeln!(to, "means       {}", severity.meaning())?;
            }
        }
        let is_orphan = |finding: &Finding| finding.fault.step == ORPHAN_STEP;
        if self.findings.iter().any(is_orphan) {
            writeln!(to, "means       {ORPHAN_MEANING}")?;
        }
        writeln!(to, "log         {}", Plain(&self.origin))?;
        writeln!(to, "            {} commits, {} entries", self.commits, self.entries)?;
        writeln!(to, "            root {}", self.root)?;
        writeln!(
            to,
            "checked     {} segments, {} events, {} bytes",
            self.segments, self.events, self.bytes
        )?;
        for key in &self.accepted_keys {
            writeln!(to, "believed    {}", Plain(&key.to_string()))?;
        }
        for partition in &self.partitions {
            writeln!(
                to,
                "partition   {}/{}: offsets {} to {}, {} events in {} segments, {} offsets without record{}",
                partition.topic,
                partition.partition,
                partition.first_offset,
                partition.next_offset.saturating_sub(1),
                partition.events,
                partition.segments,
                partition.gaps,
                match partition.lost {
                    0 => String::new(),
                    lost => format!(", {lost} of them LOST before they were sealed"),
                },
            )?;
        }
        for unsealed in &self.unsealed {
            writeln!(to, "unsealed    {unsealed}: nothing of it is in the log")?;
        }
        for (reason, count) in &self.quarantined {
            writeln!(to, "quarantined {count} events: {}", Plain(reason))?;
        }
        if self.repeated_computed_events > 0 {
            writeln!(
                to,
                "repeated    {} computed events (same event_id; readers ignore them)",
                self.repeated_computed_events
            )?;
        }
        if self.unjudged_objects > 0 {
            writeln!(
                to,
                "unjudged    {} objects, which may be evidence that could not be judged: do not delete them",
                self.unjudged_objects
            )?;
        }
        if let Some(why) = &self.unverifiable {
            writeln!(to, "because     {}", Plain(why))?;
        }
        writeln!(to, "{}", self.verdict.name())
    }
}
