//! The successive states of the monitor.
//!
//! A monitor that has lost its state, or never had one, starts at some record and computes from
//! there on; `monitor.started` names that record. It is written at the end of the partition, so the
//! new state covers records that the old one has computed too. Outputs of these records that the
//! old state has published are not published again. So between the first record of the new state
//! and its `monitor.started` an output is correct if either state computes it; from there on, if
//! the new one does.

use event::{Decoded, Event, Record, column};
use governance::{Installation, Ownership, Trust};

use crate::catalogue::{Catalogue, Missing};
use crate::kind::STARTED;
use crate::output::{Destination, Output};
use crate::processor::Processor;
use crate::semantics::SEMANTICS;
use crate::settings::Settings;

/// Largest number of states that are computed side by side. Further starts are not computed, and
/// outputs that follow are in doubt.
const SIDE_BY_SIDE_MAX: usize = 4;

/// A start without state, from a `monitor.started` event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Offset of the event.
    pub at: i64,
    /// Offset of the first record of the new state.
    pub first_offset: i64,
    /// Version of the computation.
    pub semantics: i64,
}

impl Start {
    /// Kind of these events.
    pub const KIND: &'static str = STARTED;

    /// The start in an event at an offset, if it is one. Whether it is that of an owner, `Ownership`
    /// tells.
    #[must_use]
    pub fn of(at: i64, event: &Event<'_>) -> Option<Self> {
        let is_start = event.text(column::KIND) == Some(Self::KIND);
        let first_offset =
            event.int(column::monitor::FIRST_OFFSET).filter(|first| is_start && *first <= at)?;
        Some(Self { at, first_offset, semantics: event.int(column::monitor::SEMANTICS)? })
    }
}

/// An output of one or several states.
#[derive(Debug)]
pub(super) struct Computed {
    pub(super) destination: Destination,
    pub(super) ordinal: i64,
    /// Its different forms; at least one.
    pub(super) forms: Vec<Event<'static>>,
    /// Whether it may be absent, because not every state computes it.
    pub(super) optional: bool,
}

/// A new state took over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenOver {
    By(Start),
    /// One that was not computed, at an offset.
    Unknown(i64),
}

/// A state that will take over.
#[derive(Debug)]
struct Coming {
    start: Start,
    /// `None` if the current state started at the same record, and so is the same, or if there are
    /// too many.
    processor: Option<Processor>,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Generations {
    catalogue: Catalogue,
    /// Of a partition of which nothing was read.
    ownership: Ownership,
    current: Processor,
    /// First record of the current state.
    begin: i64,
    /// Starts that are not reached yet, in order.
    waiting: Vec<Start>,
    coming: Vec<Coming>,
}

impl Generations {
    /// Starts with a state that has no records before `begin`.
    pub(super) fn new(
        topic: &str,
        partition: i32,
        begin: i64,
        starts: &[Start],
        catalogue: Catalogue,
    ) -> Self {
        let mut waiting: Vec<Start> =
            starts.iter().copied().filter(|start| start.semantics == SEMANTICS).collect();
        waiting.sort_by_key(|start| start.at);
        // The first record of a partition only advances: a start before an earlier one is not credible.
        let mut newest = begin;
        waiting.retain(|start| {
            let grows = start.first_offset >= newest;
            newest = newest.max(start.first_offset);
            grows
        });
        let settings = Settings::default();
        let current = Processor::with_catalogue(settings, topic, partition, catalogue.clone());
        let ownership = Ownership::new(Trust::nobody(Installation::default()));
        Self { catalogue, ownership, current, begin, waiting, coming: Vec::new() }
    }

    /// The same, with an installation and its keys.
    pub(super) fn with_ownership(mut self, ownership: Ownership) -> Self {
        self.ownership = ownership.clone();
        self.current = self.current.with_ownership(ownership);
        self
    }

    /// The installation and its keys.
    pub(super) const fn trust(&self) -> &Trust {
        self.current.ownership().trust()
    }

    fn begin_processor(&self, record: &Record<'_>) -> Processor {
        let (settings, catalogue) = (Settings::default(), self.catalogue.clone());
        Processor::with_catalogue(settings, record.topic, record.partition, catalogue)
            .with_ownership(self.ownership.clone())
    }

    /// What is in force in any of the states and not computed, and whether their streams share an
    /// error budget.
    pub(super) fn missing(&self) -> (Missing, bool) {
        let mut missing = self.current.missing().clone();
        let mut shares = self.current.settings().shares_error_budget();
        for coming in self.coming.iter().filter_map(|coming| coming.processor.as_ref()) {
            missing.add(coming.missing());
            shares |= coming.settings().shares_error_budget();
        }
        (missing, shares)
    }

    /// The current state.
    pub(super) const fn current(&self) -> &Processor {
        &self.current
    }

    /// First record of the first state that is known to start within the records.
    pub(super) fn known_from(&self) -> Option<i64> {
        self.waiting.first().map(|start| start.first_offset)
    }

    /// Whether the outputs can depend on a column: see [`Processor::reads`].
    pub(super) fn reads(&self, column: event::ColumnId) -> bool {
        let coming = self.coming.iter().filter_map(|coming| coming.processor.as_ref());
        self.current.reads(column) || coming.into_iter().any(|other| other.reads(column))
    }

    /// Computes a record. Also returns which state took over with it, if one did.
    pub(super) fn handle_record(
        &mut self,
        record: &Record<'_>,
        decoded: &Decoded<'_>,
    ) -> (Vec<Computed>, Option<TakenOver>) {
        self.begin_those_due(record);
        let mut computed: Vec<Computed> = Vec::new();
        for output in self.current.handle_record(record, decoded) {
            computed.push(Computed {
                destination: output.destination,
                ordinal: output.ordinal,
                forms: vec![output.event],
                optional: false,
            });
        }
        for coming in &mut self.coming {
            let Some(processor) = &mut coming.processor else { continue };
            merge(&mut computed, processor.handle_record(record, decoded));
        }
        (computed, self.take_over(record.offset))
    }

    fn begin_those_due(&mut self, record: &Record<'_>) {
        while let Some(start) = self.waiting.first().copied()
            && start.first_offset <= record.offset
        {
            self.waiting.remove(0);
            let known = self.coming.iter().map(|coming| coming.start.first_offset);
            let is_known = start.first_offset == self.begin
                || known.into_iter().any(|first| first == start.first_offset);
            let is_full = self.coming.len() >= SIDE_BY_SIDE_MAX;
            let processor = (!is_known && !is_full).then(|| self.begin_processor(record));
            self.coming.push(Coming { start, processor });
        }
    }

    fn take_over(&mut self, offset: i64) -> Option<TakenOver> {
        let mut last = None;
        while let Some(at) = self.coming.iter().position(|coming| coming.start.at <= offset) {
            let Coming { start, processor } = self.coming.remove(at);
            if let Some(processor) = processor {
                self.current = processor;
                self.begin = start.first_offset;
            }
            // One without a processor that started elsewhere was beyond the limit: its state is unknown.
            let is_known = start.first_offset == self.begin;
            last = Some(if is_known { TakenOver::By(start) } else { TakenOver::Unknown(start.at) });
        }
        last
    }
}

/// Adds the outputs of another state for the same record.
fn merge(computed: &mut Vec<Computed>, others: Vec<Output>) {
    let mut unmatched: Vec<bool> = vec![true; computed.len()];
    for other in others {
        let same_place = computed.iter().position(|known| {
            known.destination == other.destination && known.ordinal == other.ordinal
        });
        match same_place.and_then(|at| Some((at, computed.get_mut(at)?))) {
            Some((at, known)) => {
                if let Some(unmatched) = unmatched.get_mut(at) {
                    *unmatched = false;
                }
                if !known.forms.contains(&other.event) {
                    known.forms.push(other.event);
                }
            }
            None => computed.push(Computed {
                destination: other.destination,
                ordinal: other.ordinal,
                forms: vec![other.event],
                optional: true,
            }),
        }
    }
    for (known, unmatched) in computed.iter_mut().zip(unmatched) {
        known.optional |= unmatched;
    }
}
