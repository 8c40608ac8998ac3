//! Computes one partition again from its sealed records, and compares what comes of it with the
//! sealed outputs.
//!
//! # Contract
//!
//! Records are handed in by [`Replay::handle_record`] in offset order, the rows of each output
//! partition by [`Replay::handle_output`] in theirs. A row is handed in when
//! [`Replay::next_offset`] has passed its origin ([`Replay::origin_offset`]) or no record is left.
//! Then [`Replay::finish`].
//!
//! # Rules
//!
//! - Every field is compared, bit for bit, but for `schema_version`: it names the schema of the
//!   writer, not what was computed. Kafka keys are not compared; the archive holds their digest only.
//! - A sealed output may be there several times, as a processor that died leaves it. The copies are
//!   counted and must be the same.
//! - An output that was computed and not sealed is *missing* if a later one is sealed in its
//!   partition; otherwise it is *not sealed yet*.
//!   Where rows of an output partition were lost before they could be sealed
//!   ([`Replay::lost_outputs`]), those that may be among them are not comparable.
//! - A sealed output that nothing computes is *unexplained*. So is a row of the metric and drift
//!   families without an origin, unless it is an act of a person.
//! - A sealed output whose origin lies behind the sealed records is *awaiting its input*: it was
//!   sealed sooner. These are the last ones of a partition; one that others follow is not
//!   comparable.
//! - A sealed output of another [`SEMANTICS`] version is not comparable.
//! - Metrics and detectors have versions of their own, which `monitor.configured` lists. What was in
//!   force and is not in this build, or in another version, is *not compared*, and named; so are the
//!   alerts of a metric that a missing detector may have tested, and all alerts where the settings
//!   share an error budget among streams. Everything else is compared. Bounds over several metrics
//!   (alerts held under suppressions, streams of a canary) are taken not to be reached.
//! - **Doubt.** From the first offset on where something that counted is not in the archive
//!   ([`Doubt`]), what is the same is as good as ever: it does not come about by chance. What is not
//!   the same proves nothing there, and is *not comparable* instead of a difference.
//! - **Another state.** A monitor that began anew ([`Start`]) computes what a new state computes.
//!   Where the old state covers the record too, an output may be of either, and one that only one of
//!   them computes may be absent (*superseded*). A doubt about what is not in the new state ends where
//!   it takes over.
//! - What the monitor's ticks say was acknowledged by the log, and is behind the last sealed row, is
//!   counted: it is not sealed yet, or was left out.
//! - An erased field of a sealed output is not compared. An erased value of a record matters only if
//!   the computation reads its column ([`crate::Processor::reads`]); then it is a doubt.
//!
//! # What it costs
//!
//! The processor's memory, 40 bytes for each output, and a bounded number of outputs whole.
//!
//! # What it does not do
//!
//! It reads no archive and checks no leaf; `evidence` does. It does not know the names of topics.

mod canonical;
mod coverage;
mod doubts;
mod generations;
mod outcome;
mod side;

use event::{ColumnId, Decoded, Event, Record, column, kind};

use self::coverage::Coverage;
use self::doubts::Doubts;
pub use self::generations::Start;
use self::generations::{Computed, Generations, TakenOver};
pub use self::outcome::{Difference, Doubt, NotCompared, Origin, Outcome, Part, Subject, What};
use self::side::Side;
use crate::catalogue::Catalogue;
use crate::output::Destination;
use crate::semantics::SEMANTICS;

/// Whether events of a kind are computed, so that a row of one says from what: those of two
/// families, later kinds included, but for the acts of people.
fn is_computed(kind: &str) -> bool {
    let is_of_family = matches!(kind.split_once('.'), Some(("metric" | "drift", _)));
    let is_act = event::schema().kind(kind).is_some_and(|kind| kind.act);
    (is_of_family && !is_act) || kind == kind::MONITOR_ALIVE || kind == kind::MONITOR_GAP
}

/// The replay of one partition.
#[derive(Debug)]
pub struct Replay {
    generations: Generations,
    /// First record of the first state that is known to begin in the archive.
    known_from: Option<i64>,
    doubts: Doubts,
    coverage: Coverage,
    topic: String,
    partition: i32,
    first_offset: i64,
    sides: [Side; 2],
    outcome: Outcome,
}

impl Replay {
    /// A replay of the records of a partition from `first_offset` on: the first that the archive
    /// holds. `starts` are all that its records tell. Settings come from the records, as they did.
    #[must_use]
    pub fn new(topic: &str, partition: i32, first_offset: i64, starts: &[Start]) -> Self {
        Self::with_catalogue(topic, partition, first_offset, starts, Catalogue::default())
    }

    /// As [`Self::new`], with less than everything that this build computes: as an earlier release.
    #[must_use]
    pub fn with_catalogue(
        topic: &str,
        partition: i32,
        first_offset: i64,
        starts: &[Start],
        catalogue: Catalogue,
    ) -> Self {
        let generations = Generations::new(topic, partition, first_offset, starts, catalogue);
        let mut replay = Self {
            known_from: generations.known_from(),
            generations,
            doubts: Doubts::default(),
            coverage: Coverage::default(),
            topic: topic.to_owned(),
            partition,
            first_offset,
            sides: [Side::new(Destination::Metrics), Side::new(Destination::Alerts)],
            outcome: Outcome::default(),
        };
        if first_offset > 0 {
            replay.doubt(first_offset, Doubt::BeginsLate);
        }
        replay
    }

    /// Offset of the next record.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        self.generations.current().next_offset()
    }

    /// Whether an erased value of this column is a doubt: see [`crate::Processor::reads`].
    #[must_use]
    pub fn reads(&self, column: ColumnId) -> bool {
        self.generations.reads(column)
    }

    /// Takes the next record. Of the record only the coordinates count, of the decoded record the
    /// event and whether there was a fault.
    pub fn handle_record(&mut self, record: &Record<'_>, decoded: &Decoded<'_>) {
        let (computed, taken_over) = self.generations.handle_record(record, decoded);
        self.coverage.set(record.offset, self.generations.missing());
        let mut numbered: Vec<(u32, Computed)> = (0..).zip(computed).collect();
        numbered.sort_by_key(|(_, computed)| computed.ordinal);
        for (sequence, Computed { destination, ordinal, mut forms, optional }) in numbered {
            forms.retain(|form| self.coverage.missing_of(record.offset, form).is_none());
            let origin = Origin { offset: record.offset, ordinal };
            self.side(destination).computed(origin, sequence, forms, optional);
        }
        match taken_over {
            Some(TakenOver::By(start)) => self.doubts.forget(start.first_offset, start.at),
            Some(TakenOver::Unknown(at)) => self.doubt(at, Doubt::ManyStarts),
            None => {}
        }
        for (destination, column) in [
            (Destination::Metrics, column::monitor::METRICS_NEXT),
            (Destination::Alerts, column::monitor::ALERTS_NEXT),
        ] {
            if let Some(next) = decoded.event.int(column) {
                self.side(destination).acknowledged(next);
            }
        }
    }

    /// From this offset on, something that counted is not in the archive.
    pub fn doubt(&mut self, offset: i64, why: Doubt) {
        self.doubts.cast(offset, why);
    }

    /// Rows of an output partition, behind those handed in so far, were lost before they could be
    /// sealed.
    pub fn lost_outputs(&mut self, destination: Destination) {
        self.side(destination).lost();
    }

    /// Offset of the record that a sealed output stems from, if it says so.
    #[must_use]
    pub fn origin_offset(event: &Event<'_>) -> Option<i64> {
        event.int(column::origin::OFFSET)
    }

    /// Takes a row of an output partition: its offset there, the event, and the columns whose
    /// values were erased.
    pub fn handle_output(
        &mut self,
        destination: Destination,
        at: i64,
        event: &Event<'_>,
        erased: &[ColumnId],
    ) {
        self.side(destination).seen(at);
        let topic = event.text(column::origin::TOPIC);
        let (Some(offset), Some(ordinal)) =
            (event.int(column::origin::OFFSET), event.int(column::origin::ORDINAL))
        else {
            let kind = event.text(column::KIND).unwrap_or_default();
            if topic.is_some() || is_computed(kind) {
                self.side(destination).unexplained(at, None, event);
            } else {
                self.outcome.other_events += 1;
            }
            return;
        };
        let origin = Origin { offset, ordinal };
        let ours = topic == Some(&*self.topic)
            && event.int(column::origin::PARTITION) == Some(i64::from(self.partition));
        if !ours || offset < 0 {
            self.side(destination).unexplained(at, None, event);
            return;
        }
        if let Some(version) =
            event.int(column::origin::SEMANTICS).filter(|version| *version != SEMANTICS)
        {
            *self.outcome.other_versions.entry(version).or_default() += 1;
            if version < SEMANTICS {
                match self.known_from {
                    Some(from) => self.doubts.cast_until(0, from, Doubt::EarlierVersion),
                    // Where this version took over, and from which state, is not in the archive.
                    None => self.doubt(0, Doubt::EarlierVersion),
                }
            } else {
                self.doubt(offset, Doubt::LaterVersion);
            }
            self.side(destination).other_version(origin);
        } else if offset < self.first_offset {
            self.outcome.not_comparable += 1;
        } else if offset >= self.next_offset() {
            self.side(destination).awaiting();
        } else if let Some(missing) = self.coverage.missing_of(offset, event) {
            self.coverage.left_out(missing);
        } else {
            self.side(destination).sealed(at, origin, event, erased);
        }
    }

    /// What it came to; every row must have been handed in.
    #[must_use]
    pub fn finish(self) -> Outcome {
        let mut outcome = self.outcome;
        let counters = self.generations.current().counters();
        (outcome.records, outcome.quarantined) = (counters.records, counters.quarantined);
        outcome.not_comparable += outcome.other_versions.values().sum::<u64>();
        outcome.not_compared = self.coverage.finish();
        outcome.not_comparable += outcome.not_compared.iter().map(|part| part.outputs).sum::<u64>();
        for side in self.sides {
            side.finish(&self.doubts, &mut outcome);
        }
        if let Some((from, why, until)) = self.doubts.first() {
            (outcome.doubt, outcome.doubt_until) = (Some((from, why)), until);
        }
        outcome
    }

    fn side(&mut self, destination: Destination) -> &mut Side {
        let [metrics, alerts] = &mut self.sides;
        match destination {
            Destination::Metrics => metrics,
            Destination::Alerts => alerts,
        }
    }
}
