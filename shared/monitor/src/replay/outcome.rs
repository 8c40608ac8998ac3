//! The outcome of a replay.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use event::{ColumnId, Event, column};
use serde::Serialize;

use super::canonical::{compared, same, show};
use crate::output::Destination;

/// Origin of an output: its record, and its ordinal among the outputs of that record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin {
    /// Offset of the record.
    pub offset: i64,
    /// Ordinal among the outputs of the record.
    pub ordinal: i64,
}

/// Why outputs after an offset may rightly differ from the recomputed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The archive begins after the first record of the partition.
    BeginsLate,
    /// An earlier version of the computation wrote some of the outputs; the archive does not tell
    /// where this one took over, and with which state.
    EarlierVersion,
    /// A value that the computation reads was erased.
    ErasedValue,
    /// A later version of the computation wrote some of the outputs.
    LaterVersion,
    /// Records were lost before they could be sealed.
    LostRecords,
    /// The monitor started without state too often to compute all its states.
    ManyStarts,
}

impl Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BeginsLate => "records before it are not in the archive, and may have mattered",
            Self::EarlierVersion => "an earlier version of the computation wrote some outputs",
            Self::ErasedValue => "a value that the computation reads was erased",
            Self::LaterVersion => "a later version of the computation wrote some outputs",
            Self::LostRecords => "records were lost before they could be sealed",
            Self::ManyStarts => {
                "the monitor started without state too often to compute all its states"
            }
        })
    }
}

/// The subject of an output.
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

/// How a sealed output differs from the recomputed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    /// A field differs.
    Field {
        /// The first field, by its path.
        path: String,
        /// The sealed value; `None` if the field is empty.
        sealed: Option<String>,
        /// The computed value; `None` if the field is empty.
        computed: Option<String>,
        /// Number of further fields that differ.
        others: u64,
    },
    /// Some field differs; which one is unknown, as too many outputs were out of order to keep them
    /// whole.
    Event,
    /// The output is computed and not sealed, although a later one is.
    Missing,
    /// The output is sealed and not computed.
    Unexplained,
    /// The output is computed, but the sealed one is not signed by the processor.
    Unsigned {
        /// What is wrong with its signature.
        why: String,
    },
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The destination of the output.
    pub destination: Destination,
    /// Offset of the sealed output in its partition, if there is one.
    pub sealed_at: Option<i64>,
    /// Origin of the output; `None` if it has none, or one of another partition.
    pub origin: Option<Origin>,
    /// Subject of the output.
    pub subject: Subject,
    /// The difference.
    pub what: What,
}

impl Difference {
    /// Offset by which differences are ordered. Outputs without an origin come first: no doubt
    /// excuses them.
    pub(super) fn offset(&self) -> i64 {
        self.origin.map_or(i64::MIN, |origin| origin.offset)
    }

    /// Whether it comes before another.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        let key = |difference: &Self| (difference.origin, difference.sealed_at);
        key(self) < key(other)
    }
}

/// The fields in which two events differ, except erased ones.
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
        others: differing.len() as u64 - 1,
    })
}

/// A part of the computation with a version of its own.
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

/// A metric or detector that was in force, and that this build does not have in that version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// Whether it is a metric or a detector.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// The version that was in force.
    pub version: u32,
    /// Number of sealed outputs that were not compared because of it.
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
    /// Rows of the output topics that are not computed, such as acts of people.
    pub other_events: u64,
    /// Sealed outputs of other versions of the computation, by version.
    pub other_versions: BTreeMap<i64, u64>,
    /// Metrics and detectors that were in force and could not be computed.
    pub not_compared: Vec<NotCompared>,
    /// Outputs that could not be compared, including those of other versions and of metrics and
    /// detectors that could not be computed.
    pub not_comparable: u64,
    /// Computed outputs that are rightly absent: those of a state that was replaced before it
    /// published them, and the end of alerts about a metric that the monitor did not have.
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
    /// Number of sealed outputs that equal the recomputed ones, of the kinds of a family.
    #[must_use]
    pub fn same_in(&self, family: &str) -> u64 {
        let is_in = |kind: &str| event::schema().family(kind) == Some(family);
        self.same.iter().filter(|(kind, _)| is_in(kind)).map(|(_, count)| count).sum()
    }

    /// Number of sealed outputs that equal the recomputed ones, of kinds with a prefix.
    #[must_use]
    pub fn same_of(&self, family: &str) -> u64 {
        let of = |(kind, count): (&String, &u64)| if kind.starts_with(family) { *count } else { 0 };
        self.same.iter().map(of).sum()
    }
}
