//! States that the monitor had one after the other.
//!
//! A monitor that has lost its state, or never had one, begins at some record and computes from there
//! on; `monitor.started` says where. It is written when the newest record is long read, so the new
//! state covers records that the old one had computed too. What the old one has published of these
//! the new one does not publish again. So between the first record of the new state and its
//! `monitor.started` an output is right if either of them computes it; from there on, the new one.

use event::{Decoded, Event, Record, column};

use crate::catalogue::{Catalogue, Missing};
use crate::kind::STARTED;
use crate::output::{Destination, Output};
use crate::processor::Processor;
use crate::semantics::SEMANTICS;
use crate::settings::Settings;

/// States that are computed side by side; of more starts at once the later are left out, and what
/// follows is doubtful.
const SIDE_BY_SIDE_MAX: usize = 4;

/// Where a monitor without a state began, as a `monitor.started` event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Offset of the event.
    pub at: i64,
    /// First record that is in the new state.
    pub first_offset: i64,
    /// Version of the computation.
    pub semantics: i64,
}

impl Start {
    /// Kind of the events that say it.
    pub const KIND: &'static str = STARTED;

    /// What an event at that offset says of a start, if it does.
    #[must_use]
    pub fn of(at: i64, event: &Event<'_>) -> Option<Self> {
        let is_start = event.text(column::KIND) == Some(Self::KIND);
        let first_offset =
            event.int(column::monitor::FIRST_OFFSET).filter(|first| is_start && *first <= at)?;
        Some(Self { at, first_offset, semantics: event.int(column::monitor::SEMANTICS)? })
    }
}

/// An output as one or several states compute it.
#[derive(Debug)]
pub(super) struct Computed {
    pub(super) destination: Destination,
    pub(super) ordinal: i64,
    /// Each different form of it; at least one.
    pub(super) forms: Vec<Event<'static>>,
    /// Whether it may be absent: not every state computes this one.
    pub(super) optional: bool,
}

/// A new state holds from a record on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenOver {
    By(Start),
    /// One that was not computed, at that offset.
    Unknown(i64),
}

/// A state that is to take over.
#[derive(Debug)]
struct Coming {
    start: Start,
    /// Nothing if the present one began at the same record: they are the same.
    processor: Option<Processor>,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Generations {
    catalogue: Catalogue,
    current: Processor,
    /// First record in it.
    begin: i64,
    /// Not begun yet, in their order.
    waiting: Vec<Start>,
    coming: Vec<Coming>,
}

impl Generations {
    /// Begins with a state that knows nothing before `begin`.
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
        // Retention only grows: one that begins before an earlier one began is not to be believed.
        let mut newest = begin;
        waiting.retain(|start| {
            let grows = start.first_offset >= newest;
            newest = newest.max(start.first_offset);
            grows
        });
        let settings = Settings::default();
        let current = Processor::with_catalogue(settings, topic, partition, catalogue.clone());
        Self { catalogue, current, begin, waiting, coming: Vec::new() }
    }

    fn begin_processor(&self, record: &Record<'_>) -> Processor {
        let (settings, catalogue) = (Settings::default(), self.catalogue.clone());
        Processor::with_catalogue(settings, record.topic, record.partition, catalogue)
    }

    /// What is in force for any of the states and not computed, and whether their alerts share an
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

    /// The state that holds.
    pub(super) const fn current(&self) -> &Processor {
        &self.current
    }

    /// First record of the first state that is known to begin within the records.
    pub(super) fn known_from(&self) -> Option<i64> {
        self.waiting.first().map(|start| start.first_offset)
    }

    /// Whether the outputs can depend on a column: see [`Processor::reads`].
    pub(super) fn reads(&self, column: event::ColumnId) -> bool {
        let coming = self.coming.iter().filter_map(|coming| coming.processor.as_ref());
        self.current.reads(column) || coming.into_iter().any(|other| other.reads(column))
    }

    /// Computes a record; also says which state took over with it.
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
            // One without a processor that began elsewhere was one too many: its state is unknown.
            let is_known = start.first_offset == self.begin;
            last = Some(if is_known { TakenOver::By(start) } else { TakenOver::Unknown(start.at) });
        }
        last
    }
}

/// Adds what another state computes of the same record.
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
