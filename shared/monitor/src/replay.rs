//! Computes one partition again from its sealed records, and compares the outputs with the sealed
//! ones.
//!
//! # Contract
//!
//! Pass the records to [`Replay::handle_record`] in offset order, and the rows of each output
//! partition to [`Replay::handle_output`] in theirs. Pass a row when [`Replay::next_offset`] has
//! passed its origin ([`Replay::origin_offset`]), or when no record is left. Then call
//! [`Replay::finish`].
//!
//! # Rules
//!
//! - All fields are compared bit for bit, except `schema_version`, which is that of the writer.
//!   Kafka keys are not compared; the archive has only their digests.
//! - A sealed output may occur several times, if a processor died in between. The copies are
//!   counted and must be identical.
//! - An output that was computed and not sealed is *missing* if a later one of its partition is
//!   sealed; otherwise it is *not sealed yet*. Where rows of an output partition were lost before
//!   they could be sealed ([`Replay::lost_outputs`]), outputs that may be among them are not
//!   comparable.
//! - A sealed output that is not computed is *unexplained*. So is a row of the metric and drift
//!   families without an origin, unless it is an act of a person.
//! - A sealed output whose origin lies after the last sealed record is *awaiting its input*: it was
//!   sealed earlier than its input. Only the last outputs of a partition can be; one that is
//!   followed by others is not comparable.
//! - An alert must be signed by the processor, for this partition; one that is not is a difference,
//!   whatever it says. Who signed is not compared.
//! - A sealed output of another [`SEMANTICS`] version is not comparable.
//! - Metrics and detectors have versions of their own, which `monitor.configured` lists. Outputs of
//!   a metric that was in force, and that this build does not have or has in another version, are
//!   *not compared*, and the metric is named; so are the alerts of a metric that a missing detector
//!   may have tested. Everything else is compared. Limits over several metrics (alerts held under
//!   suppressions, streams of a canary) are assumed not to be reached.
//! - If the settings share an error budget among streams, something missing may change the evidence
//!   that any stream requires. Alerts that are computed identically are compared as usual; the
//!   others are not compared.
//! - A monitor without a metric cannot resolve its alerts when the metric goes out of force, so the
//!   events that do so may be absent (*superseded*).
//! - **Doubt.** From the first offset on where something that mattered is not in the archive
//!   ([`Doubt`]), identical outputs are as good as ever: they do not occur by chance. Other outputs
//!   prove nothing, and are *not comparable* instead of a difference.
//! - **Another state.** A monitor that started without state ([`Start`]) computes the outputs of a
//!   new state. Where the old state covers the record too, an output may be of either state, and
//!   one that only one of them computes may be absent (*superseded*). A doubt about records that
//!   are not in the new state ends where it takes over.
//! - Rows that the log acknowledged according to the monitor's ticks, and that lie after the last
//!   sealed row, are counted: they are not sealed yet, or were left out.
//! - An erased field of a sealed output is not compared. An erased value of a record matters only
//!   if the computation reads its column ([`crate::Processor::reads`]); then it is a doubt.
//!
//! # Cost
//!
//! The memory of the processor, a bounded number of outputs, and some 60 bytes for each output that is not
//! found sealed, or differs. Outputs that were found are forgotten after a while. If a row comes back to one of
//! those, [`Replay::recalled`] says so: its outcome does not hold, and a second pass that remembers them
//! ([`Replay::with_memory`]) compares all rows.
//!
//! # What it does not do
//!
//! It does not read the archive or verify leaves; `evidence` does. It does not know the names of
//! topics.

mod canonical;
mod coverage;
mod doubts;
mod entries;
mod generations;
mod outcome;
mod side;

use std::collections::BTreeSet;

use event::{ColumnId, Decoded, Event, Record, column, kind};
use governance::{Ownership, verify_alert};

use self::coverage::{Comparability, Coverage};
use self::doubts::Doubts;
pub use self::generations::Start;
use self::generations::{Computed, Generations, TakenOver};
pub use self::outcome::{Difference, Doubt, NotCompared, Origin, Outcome, Part, Subject, What};
use self::side::{Expectation, Side};
use crate::catalogue::Catalogue;
use crate::kind::Kind;
use crate::output::Destination;
use crate::semantics::SEMANTICS;

/// Whether events of a kind are computed, and so must have an origin: those of two families,
/// including kinds of later releases, except acts of people.
fn is_computed(kind: &str) -> bool {
    let is_of_family = matches!(kind.split_once('.'), Some(("metric" | "drift", _)));
    let is_act = event::schema().kind(kind).is_some_and(|kind| kind.act);
    let of_monitor = [kind::MONITOR_ALIVE, kind::MONITOR_GAP, kind::MONITOR_FORGED];
    (is_of_family && !is_act) || of_monitor.contains(&kind)
}

/// Outputs that a replay has forgotten and that sealed rows came back to: of metrics, and of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recalled([BTreeSet<Origin>; 2]);

fn sides(recent_max: usize, Recalled([metrics, alerts]): Recalled) -> [Side; 2] {
    [
        Side::new(Destination::Metrics, recent_max, metrics),
        Side::new(Destination::Alerts, recent_max, alerts),
    ]
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
    /// A replay of the records of a partition from `first_offset` on, the first one in the archive.
    /// `starts` are all starts in these records. Settings come from the records.
    #[must_use]
    pub fn new(topic: &str, partition: i32, first_offset: i64, starts: &[Start]) -> Self {
        Self::with_catalogue(topic, partition, first_offset, starts, Catalogue::default())
    }

    /// As [`Self::new`], but with a catalogue other than that of this build, as in an earlier
    /// release.
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
            sides: sides(usize::MAX, Recalled::default()),
            outcome: Outcome::default(),
        };
        if first_offset > 0 {
            replay.doubt(first_offset, Doubt::BeginsLate);
        }
        replay
    }

    /// The same, with an installation and its keys: whose records are obeyed, and whose alerts are the
    /// processor's.
    #[must_use]
    pub fn with_ownership(mut self, ownership: Ownership) -> Self {
        self.generations = self.generations.with_ownership(ownership);
        self
    }

    /// The same, before anything was passed to it: it remembers so many of the last outputs of each
    /// destination that were found sealed (each is 40 bytes), and those that a first pass has forgotten too
    /// early. Without, it remembers all.
    #[must_use]
    pub fn with_memory(mut self, recent_max: usize, recalled: Recalled) -> Self {
        self.sides = sides(recent_max, recalled);
        self
    }

    /// What a second pass must remember to compare every row, if this one has forgotten it; a second one
    /// forgets nothing that matters.
    #[must_use]
    pub fn recalled(&self) -> Option<Recalled> {
        let missed = self.sides.each_ref().map(|side| side.missed().clone());
        missed.iter().any(|missed| !missed.is_empty()).then_some(Recalled(missed))
    }

    /// Number of computed outputs that are remembered now.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.sides.iter().map(Side::remembered).fold(0, usize::saturating_add)
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

    /// Takes the next record. Only its coordinates are used, and of the decoded record the event
    /// and whether there was a fault.
    pub fn handle_record(&mut self, record: &Record<'_>, decoded: &Decoded<'_>) {
        let (computed, taken_over) = self.generations.handle_record(record, decoded);
        self.coverage.set(record.offset, self.generations.missing());
        let mut numbered: Vec<(u32, Computed)> = (0..).zip(computed).collect();
        numbered.sort_by_key(|(_, computed)| computed.ordinal);
        let is_configured = Kind::of(&decoded.event) == Kind::Configured;
        for (sequence, Computed { destination, ordinal, mut forms, optional }) in numbered {
            let origin = Origin { offset: record.offset, ordinal };
            let mut expectation = Expectation::of(optional);
            forms.retain(|form| match self.coverage.of(record.offset, form) {
                Comparability::Full => {
                    // A monitor without a metric cannot resolve its alerts.
                    let kind = form.text(column::KIND);
                    if is_configured && kind == Some(kind::DRIFT_ALERT_RESOLVED) {
                        expectation = expectation.min(Expectation::MayBeAbsent);
                    }
                    true
                }
                Comparability::OnlyIfSame(_) => {
                    expectation = Expectation::Uncertain;
                    true
                }
                Comparability::None(_) => false,
            });
            self.side(destination).computed(origin, sequence, forms, expectation);
        }
        match taken_over {
            Some(TakenOver::By(start)) => self.doubts.forget(start.first_offset, start.at),
            Some(TakenOver::Unknown(at)) => self.doubt(at, Doubt::ManyStarts),
            None => {}
        }
        if !self.generations.current().has_obeyed() {
            return;
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

    /// From this offset on, something that mattered is not in the archive.
    pub fn doubt(&mut self, offset: i64, why: Doubt) {
        self.doubts.cast(offset, why);
    }

    /// Rows of an output partition, after those passed so far, were lost before they could be
    /// sealed.
    pub fn lost_outputs(&mut self, destination: Destination) {
        self.side(destination).lost();
    }

    /// Offset of the record that caused a sealed output, if it has an origin.
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
        if destination == Destination::Alerts && erased.is_empty() {
            let place = (self.topic.as_str(), self.partition);
            if let Err(why) = verify_alert(self.generations.trust(), place, event) {
                self.side(destination).unsigned(at, origin, event, why);
                return;
            }
        }
        if let Some(version) =
            event.int(column::origin::SEMANTICS).filter(|version| *version != SEMANTICS)
        {
            *self.outcome.other_versions.entry(version).or_default() += 1;
            if version < SEMANTICS {
                match self.known_from {
                    Some(from) => self.doubts.cast_until(0, from, Doubt::EarlierVersion),
                    // The archive does not tell where this version took over, and from which state.
                    None => self.doubt(0, Doubt::EarlierVersion),
                }
            } else {
                self.doubt(offset, Doubt::LaterVersion);
            }
            self.side(destination).not_comparable(origin);
        } else if offset < self.first_offset {
            self.outcome.not_comparable += 1;
        } else if offset >= self.next_offset() {
            self.side(destination).awaiting();
        } else if !self.side(destination).is_forgotten(origin) {
            match self.coverage.of(offset, event) {
                Comparability::None(missing) => self.coverage.left_out(missing),
                Comparability::OnlyIfSame(missing)
                    if !erased.is_empty() || !self.side(destination).is_same(origin, event) =>
                {
                    self.side(destination).not_comparable(origin);
                    self.coverage.left_out(missing);
                }
                Comparability::OnlyIfSame(_) | Comparability::Full => {
                    self.side(destination).sealed(at, origin, event, erased);
                }
            }
        }
    }

    /// The outcome, after all rows were passed; see [`Self::recalled`].
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
