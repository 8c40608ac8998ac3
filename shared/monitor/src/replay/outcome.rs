//! The outcome of a replay.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use event::{ColumnId, Event, column};
use serde::Serialize;

use super::canonical::{compared, same, show};
use crate::output::Destination;

/// Which record an output stems from, and which of its outputs it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin {
    /// Offset of the record.
    pub offset: i64,
    /// Number among the outputs of the record.
    pub ordinal: i64,
}

/// Why what follows an offset may rightly be otherwise than it is recomputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The archive begins later than the partition did.
    BeginsLate,
    /// An earlier version of the computation wrote some of the outputs; where this one took over,
    /// and what it then knew, is not in the archive.
    EarlierVersion,
    /// A value that the computation reads was erased.
    ErasedValue,
    /// A later version of the computation wrote some of the outputs.
    LaterVersion,
    /// Records were lost before they could be sealed.
    LostRecords,
    /// The monitor began anew too often for every state of it to be computed.
    ManyStarts,
}

impl Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BeginsLate => "records before it are not in the archive, and may have counted",
            Self::EarlierVersion => "an earlier version of the computation wrote some outputs",
            Self::ErasedValue => "a value that the computation reads was erased",
            Self::LaterVersion => "a later version of the computation wrote some outputs",
            Self::LostRecords => "records were lost before they could be sealed",
            Self::ManyStarts => "the monitor began anew too often to compute every state of it",
        })
    }
}

/// What an output is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Subject {
    /// Its identifier.
    pub event_id: Option<String>,
    /// Its kind.
    pub kind: Option<String>,
    /// The agent.
    pub agent_id: Option<String>,
    /// Its version.
    pub agent_version: Option<String>,
    /// The metric.
    pub metric: Option<String>,
    /// The suite, for evaluation metrics.
    pub suite: Option<String>,
}

impl Subject {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let text = |column| event.text(column).map(str::to_owned);
        Self {
            event_id: text(column::EVENT_ID),
            kind: text(column::KIND),
            agent_id: text(column::AGENT_ID),
            agent_version: text(column::AGENT_VERSION),
            metric: text(column::metric::NAME).or_else(|| text(column::drift::METRIC)),
            suite: text(column::metric::SUITE).or_else(|| text(column::drift::SUITE)),
        }
    }
}

impl Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind.as_deref().unwrap_or("an output"))?;
        if let Some(metric) = &self.metric {
            write!(formatter, " {metric}")?;
        }
        if let Some(suite) = &self.suite {
            write!(formatter, " ({suite})")?;
        }
        if let Some(agent) = &self.agent_id {
            write!(formatter, " of {agent}")?;
        }
        if let Some(version) = &self.agent_version {
            write!(formatter, " {version}")?;
        }
        Ok(())
    }
}

/// How a sealed output and the recomputed one differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    /// In a field.
    Field {
        /// The first field, by its path.
        path: String,
        /// What was sealed; nothing if the field has no value there.
        sealed: Option<String>,
        /// What was computed; nothing if the field has no value there.
        computed: Option<String>,
        /// Further fields that differ.
        others: u64,
    },
    /// In some field; too many outputs were out of place to keep all of them whole.
    Event,
    /// It is computed and not sealed, although a later one is.
    Missing,
    /// It is sealed, and nothing computes it.
    Unexplained,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where it belongs.
    pub destination: Destination,
    /// Offset of the sealed output in its partition, if there is one.
    pub sealed_at: Option<i64>,
    /// Where it stems from; nothing if it does not say, or names another partition.
    pub origin: Option<Origin>,
    /// What it is about.
    pub subject: Subject,
    /// How it differs.
    pub what: What,
}

impl Difference {
    /// Offset by which differences are ordered. What has no origin comes first: no doubt excuses
    /// it.
    pub(super) fn offset(&self) -> i64 {
        self.origin.map_or(i64::MIN, |origin| origin.offset)
    }

    /// Whether it comes before another.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        let key = |difference: &Self| (difference.origin, difference.sealed_at);
        key(self) < key(other)
    }
}

/// The fields in which two events differ, but for the erased ones.
pub(super) fn difference_of(
    sealed: &Event<'_>,
    computed: &Event<'_>,
    erased: &[ColumnId],
) -> Option<What> {
    let mut differing: Vec<ColumnId> = Vec::new();
    for (id, cell) in compared(computed).filter(|(id, _)| !erased.contains(id)) {
        if sealed.get(id).is_none_or(|found| !same(found, cell)) {
            differing.push(id);
        }
    }
    differing.extend(compared(sealed).map(|(id, _)| id).filter(|id| computed.get(*id).is_none()));
    let first = differing.iter().min()?;
    Some(What::Field {
        path: event::schema().column(*first).path.clone(),
        sealed: sealed.get(*first).map(show),
        computed: computed.get(*first).map(show),
        others: differing.len().saturating_sub(1) as u64,
    })
}

/// Something that has a version of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A metric.
    Metric,
    /// A detector.
    Detector,
}

impl Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Metric => "metric",
            Self::Detector => "detector",
        })
    }
}

/// A metric or detector that was in force and that this build does not have in that version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// Which of the two.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// The version that was in force.
    pub version: u32,
    /// Sealed outputs that were left out for it.
    pub outputs: u64,
}

impl Display for NotCompared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, name, version, outputs } = self;
        write!(formatter, "{part} `{name}` version {version}: {outputs} outputs not compared")
    }
}

/// The outcome of the replay of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcome {
    /// Records replayed.
    pub records: u64,
    /// Those of them that did not decode.
    pub quarantined: u64,
    /// Sealed outputs that equal the recomputed ones, by kind.
    pub same: BTreeMap<String, u64>,
    /// Further copies of these.
    pub repeated: u64,
    /// Fields of sealed outputs that were erased and not compared.
    pub erased_fields: u64,
    /// Outputs that are not sealed yet.
    pub not_sealed: u64,
    /// Sealed outputs whose input is not sealed yet.
    pub awaiting_input: u64,
    /// Rows of the output topics that nothing computes, such as acts of people.
    pub other_events: u64,
    /// Sealed outputs of other versions of the computation, by version.
    pub other_versions: BTreeMap<i64, u64>,
    /// Metrics and detectors that were in force and could not be computed.
    pub not_compared: Vec<NotCompared>,
    /// Outputs that could not be compared, including those of other versions and of metrics and
    /// detectors that could not be computed.
    pub not_comparable: u64,
    /// Outputs of a state that was replaced before it had published them.
    pub superseded: u64,
    /// Rows of the output partitions after the last sealed one that the log had acknowledged,
    /// according to the monitor's ticks.
    pub acknowledged_not_sealed: u64,
    /// The first doubt, and the offset from which it applies.
    pub doubt: Option<(i64, Doubt)>,
    /// Offset at which that doubt ends.
    pub doubt_until: Option<i64>,
    /// Differences.
    pub differences: u64,
    /// The first difference by its origin; if there are none, the first that the doubt excuses.
    pub first: Option<Difference>,
}

impl Outcome {
    /// Sealed outputs that are as recomputed, of the kinds of a family.
    #[must_use]
    pub fn same_in(&self, family: &str) -> u64 {
        let is_in = |kind: &str| event::schema().family(kind) == Some(family);
        self.same.iter().filter(|(kind, _)| is_in(kind)).map(|(_, count)| count).sum()
    }

    /// Sealed outputs that are as recomputed, whose kind begins so.
    #[must_use]
    pub fn same_of(&self, family: &str) -> u64 {
        let of = |(kind, count): (&String, &u64)| if kind.starts_with(family) { *count } else { 0 };
        self.same.iter().map(of).sum()
    }
}
