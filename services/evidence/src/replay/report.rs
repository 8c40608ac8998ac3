//! What a replay reports.

use event::kind;
use event::plain::Plain;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use monitor::Destination;
use monitor::replay::{Difference, Outcome, What};
use segment::fault::{Fault, Judgement};
use serde::Serialize;

use super::options::ReplayOptions;
use crate::Log;

/// The replay of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionReplay {
    /// Topic of the records.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First offset sealed.
    pub first_offset: i64,
    /// Offset after the last record replayed.
    pub next_offset: i64,
    /// How often the monitor began without a state.
    pub starts: u64,
    /// Why it was replayed no further: the archive is not what was sealed.
    pub fault: Option<Fault>,
    /// The same, where this version cannot judge the archive.
    pub unverifiable: Option<String>,
    /// What the comparison came to.
    pub outcome: Outcome,
}

/// A difference with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Topic of the sealed output.
    pub topic: String,
    /// Its partition, which is also that of the record.
    pub partition: i32,
    /// Topic of the record that the output stems from.
    pub origin_topic: String,
    /// What differs.
    pub difference: Difference,
}

/// The outcome of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// `VERIFIED`: everything sealed is as recomputed. `FAILED`: there is a difference, or the
    /// archive is not what was sealed. `UNVERIFIABLE`: something could not be compared.
    pub verdict: Judgement,
    /// Why it cannot be said, if so.
    pub unverifiable: Option<String>,
    /// Origin of the log.
    pub origin: String,
    /// Entries of the log.
    pub entries: u64,
    /// Version of the computation.
    pub semantics: i64,
    /// Whether the segments were read without checking them.
    pub trusted: bool,
    /// Records replayed.
    pub records: u64,
    /// Those of them that did not decode.
    pub quarantined: u64,
    /// Sealed windows that are as recomputed.
    pub windows: u64,
    /// Sealed baselines that are as recomputed.
    pub baselines: u64,
    /// Sealed alert events that are as recomputed, other findings included.
    pub alerts: u64,
    /// Sealed heartbeats of the monitor that are as recomputed.
    pub heartbeats: u64,
    /// Times in which the monitor was away, as it was recomputed.
    pub gaps: u64,
    /// Sealed outputs that are as recomputed, by kind.
    pub same: BTreeMap<String, u64>,
    /// Further copies of sealed outputs.
    pub repeated: u64,
    /// Fields that were erased and not compared.
    pub erased_fields: u64,
    /// Outputs that are not sealed yet.
    pub not_sealed: u64,
    /// Sealed outputs whose input is not sealed yet.
    pub awaiting_input: u64,
    /// Outputs that a state of the monitor computes which another one replaced.
    pub superseded: u64,
    /// Output rows that the log had acknowledged and that are behind the last sealed one.
    pub acknowledged_not_sealed: u64,
    /// Outputs of which nothing can be said.
    pub not_comparable: u64,
    /// Differences.
    pub differences: u64,
    /// The first difference; if there are none, the first that a doubt excuses.
    pub first: Option<Found>,
    /// Each partition.
    pub partitions: Vec<PartitionReplay>,
    /// Topic of the windows.
    pub metrics_topic: String,
    /// Topic of baselines and alerts.
    pub alerts_topic: String,
}

impl ReplayReport {
    pub(super) fn of(log: &Log, options: &ReplayOptions) -> Self {
        Self {
            verdict: Judgement::Unverifiable,
            unverifiable: None,
            origin: log.origin.clone(),
            entries: log.entries.len() as u64,
            semantics: monitor::SEMANTICS,
            trusted: options.trust_archive,
            records: 0,
            quarantined: 0,
            windows: 0,
            baselines: 0,
            alerts: 0,
            heartbeats: 0,
            gaps: 0,
            same: BTreeMap::new(),
            repeated: 0,
            erased_fields: 0,
            not_sealed: 0,
            awaiting_input: 0,
            superseded: 0,
            acknowledged_not_sealed: 0,
            not_comparable: 0,
            differences: 0,
            first: None,
            partitions: Vec::new(),
            metrics_topic: options.metrics.clone(),
            alerts_topic: options.alerts.clone(),
        }
    }

    /// Adds the partitions up and comes to a verdict.
    pub(super) fn judge(&mut self) {
        self.partitions.sort_by_key(|partition| partition.partition);
        let mut first: Option<(bool, Found)> = None;
        for PartitionReplay { topic, partition, outcome, .. } in &self.partitions {
            self.records += outcome.records;
            self.quarantined += outcome.quarantined;
            self.windows += outcome.same_in("metric");
            self.baselines += outcome.same_of("drift.baseline.");
            self.alerts += outcome.same_in("drift") - outcome.same_of("drift.baseline.");
            self.heartbeats += outcome.same_of(kind::MONITOR_ALIVE);
            self.gaps += outcome.same_of(kind::MONITOR_GAP);
            for (kind, count) in &outcome.same {
                *self.same.entry(kind.clone()).or_default() += count;
            }
            self.repeated += outcome.repeated;
            self.erased_fields += outcome.erased_fields;
            self.not_sealed += outcome.not_sealed;
            self.awaiting_input += outcome.awaiting_input;
            self.superseded += outcome.superseded;
            self.acknowledged_not_sealed += outcome.acknowledged_not_sealed;
            self.not_comparable += outcome.not_comparable;
            self.differences += outcome.differences;
            let Some(difference) = &outcome.first else { continue };
            let excused = outcome.differences == 0;
            if first.as_ref().is_none_or(|(other, _)| *other && !excused) {
                let output_topic = match difference.destination {
                    Destination::Metrics => &self.metrics_topic,
                    Destination::Alerts => &self.alerts_topic,
                };
                let found = Found {
                    topic: output_topic.clone(),
                    partition: *partition,
                    origin_topic: topic.clone(),
                    difference: difference.clone(),
                };
                first = Some((excused, found));
            }
        }
        self.first = first.map(|(_, found)| found);
        let faulty = self.partitions.iter().any(|partition| partition.fault.is_some());
        self.unverifiable = self.why_unverifiable();
        self.verdict = match (&self.unverifiable, faulty || self.differences > 0) {
            (_, true) => Judgement::Failed,
            (Some(_), false) => Judgement::Unverifiable,
            (None, false) => Judgement::Verified,
        };
    }

    fn why_unverifiable(&self) -> Option<String> {
        let of_partition = |partition: &PartitionReplay| partition.unverifiable.clone();
        if let Some(why) = self.partitions.iter().find_map(of_partition) {
            return Some(why);
        }
        if self.not_comparable > 0 {
            return Some(format!("{} outputs cannot be compared", self.not_comparable));
        }
        let nothing = self.same.is_empty() && self.not_sealed > 0;
        nothing.then(|| "no output is sealed that could be compared".to_owned())
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
        for fault in self.partitions.iter().filter_map(|partition| partition.fault.as_ref()) {
            writeln!(to, "FAILED      {}: {}", Plain(&fault.place), fault.step)?;
            writeln!(to, "            expected {}", Plain(&fault.expected))?;
            writeln!(to, "            found    {}", Plain(&fault.found))?;
        }
        if let Some(found) = &self.first {
            found.write(self.differences == 0, to)?;
        }
        writeln!(to, "log         {}, {} entries", Plain(&self.origin), self.entries)?;
        writeln!(
            to,
            "replayed    {} records of {} partitions, {} of them quarantined; semantics {}",
            self.records,
            self.partitions.len(),
            self.quarantined,
            self.semantics
        )?;
        writeln!(
            to,
            "the same    {} windows, {} baselines, {} alert events",
            self.windows, self.baselines, self.alerts
        )?;
        let lines = [
            (self.heartbeats, "heartbeats ", "of the monitor, the same"),
            (self.gaps, "gaps       ", "in which no monitor was there, by its heartbeats"),
            (self.differences, "different  ", "outputs"),
            (self.not_comparable, "unknown    ", "outputs cannot be compared"),
            (self.repeated, "repeated   ", "further copies of outputs (readers ignore them)"),
            (self.superseded, "superseded ", "outputs of a lost state that are not there"),
            (self.not_sealed, "not sealed ", "outputs after the last that is"),
            (
                self.acknowledged_not_sealed,
                "left out   ",
                "output rows that the monitor saw written, and that are not sealed (yet)",
            ),
            (self.awaiting_input, "awaiting   ", "sealed outputs whose records are not sealed yet"),
            (self.erased_fields, "erased     ", "fields of outputs, not compared"),
        ];
        for (count, name, what) in lines {
            if count > 0 {
                writeln!(to, "{name} {count} {what}")?;
            }
        }
        for PartitionReplay {
            topic, partition, first_offset, next_offset, starts, outcome, ..
        } in &self.partitions
        {
            let same: u64 = outcome.same.values().sum();
            let last = next_offset.saturating_sub(1);
            let range = if last < *first_offset {
                "no records".to_owned()
            } else {
                format!("offsets {first_offset} to {last}")
            };
            writeln!(
                to,
                "partition   {}/{partition}: {range}, {same} outputs the same, {} different",
                Plain(topic),
                outcome.differences
            )?;
            if *starts > 0 {
                writeln!(to, "            the monitor began without a state {starts} times")?;
            }
            if let Some((offset, doubt)) = outcome.doubt {
                let until = match outcome.doubt_until {
                    Some(until) => format!("to {}", until.saturating_sub(1)),
                    None => "on".to_owned(),
                };
                writeln!(
                    to,
                    "            from offset {offset} {until} a difference proves nothing:"
                )?;
                writeln!(to, "            {doubt}")?;
            }
            for not_compared in &outcome.not_compared {
                writeln!(to, "            {not_compared}")?;
            }
            for (version, count) in &outcome.other_versions {
                writeln!(to, "            {count} outputs of semantics {version}")?;
            }
        }
        if self.trusted {
            writeln!(to, "note        the segments were taken as they are (--trust-archive)")?;
        }
        if let Some(why) = &self.unverifiable {
            writeln!(to, "because     {}", Plain(why))?;
        }
        writeln!(to, "{}", self.verdict.name())
    }
}

impl Found {
    fn write(&self, excused: bool, to: &mut String) -> std::fmt::Result {
        let Self { topic, partition, origin_topic, difference } = self;
        let (topic, origin_topic) = (Plain(topic), Plain(origin_topic));
        let subject = difference.subject.to_string();
        let subject = Plain(&subject);
        let name = if excused { "UNCLEAR    " } else { "DIFFERENCE " };
        match difference.sealed_at {
            Some(offset) => {
                writeln!(to, "{name} {topic}/{partition}, offset {offset}: {subject}")?;
            }
            None => writeln!(to, "{name} {topic}/{partition}: {subject}")?,
        }
        match difference.origin {
            Some(origin) => writeln!(
                to,
                "            of the record {origin_topic}/{partition}, offset {}, its output {}",
                origin.offset, origin.ordinal
            )?,
            None => writeln!(to, "            names no record of {origin_topic}/{partition}")?,
        }
        let or_nothing = |value: &Option<String>| match value {
            Some(value) => Plain(value).to_string(),
            None => "nothing".to_owned(),
        };
        match &difference.what {
            What::Field { path, sealed, computed, others } => {
                writeln!(to, "            {path} was sealed as     {}", or_nothing(sealed))?;
                writeln!(to, "            {path} is recomputed as {}", or_nothing(computed))?;
                if *others > 0 {
                    writeln!(to, "            and {others} more of its fields differ")?;
                }
            }
            What::Event => writeln!(to, "            some of its fields differ")?,
            What::Missing => writeln!(
                to,
                "            is recomputed, and not sealed although a later output is"
            )?,
            What::Unexplained => writeln!(to, "            is sealed, and nothing computes it")?,
            What::Unsigned { why } => {
                writeln!(to, "            is sealed, and the processor has not signed it: {why}")?
            }
        }
        Ok(())
    }
}
