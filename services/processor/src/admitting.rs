//! When the owner of a partition admits acts: as soon as there are some in scope that it does not have.
//!
//! ```text
//!                    acts in scope beyond the frontier: written
//! (nothing to do) ------------------------------------------------> (waiting)
//!        ^                                                             |
//!        +---- read; the frontier has moved ---------------------------+
//! ```

use std::time::Duration;

use event::TopicPartition;
use governance::{Admission, Frontier};
use service::clock::Stopwatch;
use tracing::error;

use crate::governance::Governance;

/// Most bytes of acts in one record, unless a single act has more. So that no record exceeds the usual
/// limit of a topic, 1 MiB, whatever is in it besides.
const BYTES_MAX: usize = 256 * 1024;
/// Share of the largest value that is decoded that acts may take; an admission that would be quarantined
/// is none.
const SHARE: usize = 4;
/// Pause before acts are admitted again after an admission that had no effect, and between two lines
/// about that.
const PAUSE: Duration = Duration::from_secs(60);

/// An admission that is in the log and was not read yet.
#[derive(Debug, Clone, Copy)]
struct Written {
    at: i64,
    next: i64,
}

/// The admissions of one partition.
#[derive(Debug)]
pub(crate) struct Admitting {
    bytes_max: usize,
    written: Option<Written>,
    /// Frontier and end of the governance topic for which there was nothing to do.
    settled: Option<(i64, i64)>,
    /// Since the last trouble.
    trouble: Option<Stopwatch>,
}

impl Admitting {
    pub(crate) fn new(value_bytes_max: usize) -> Self {
        let bytes_max = BYTES_MAX.min(value_bytes_max / SHARE);
        Self { bytes_max, written: None, settled: None, trouble: None }
    }

    /// The next admission that is to be written, if any. `next_offset` is that of the next record of
    /// the partition to be read.
    pub(crate) fn due(
        &mut self,
        (input, next_offset): (&TopicPartition, i64),
        frontier: &Frontier,
        governance: &Governance,
    ) -> Option<Admission> {
        if self.trouble.as_ref().is_some_and(|since| !since.has_passed(PAUSE)) {
            return None;
        }
        if let Some(Written { at, next }) = self.written {
            if next_offset <= at {
                return None;
            }
            self.written = None;
            if frontier.next() < next {
                self.trouble = Some(Stopwatch::start());
                error!(
                    partition = %input, offset = at,
                    "an admission of acts had no effect; admitting them again in a minute"
                );
                return None;
            }
        }
        if let Some(known) = frontier.governance().filter(|known| *known != governance.topic_id()) {
            self.trouble = Some(Stopwatch::start());
            error!(
                partition = %input, known, found = governance.topic_id(),
                "the governance topic is not the one whose acts the partition has admitted; no further act \
                 is admitted"
            );
            return None;
        }
        let state = (frontier.next(), governance.acts().next());
        if self.settled == Some(state) {
            return None;
        }
        let place = (None, &*input.topic, input.partition);
        let admission =
            governance.acts().admission(governance.topic_id(), place, state.0, self.bytes_max);
        if admission.is_none() {
            self.settled = Some(state);
        }
        admission
    }

    /// An admission up to `next` is in the log.
    pub(crate) fn wrote(&mut self, at: i64, next: i64) {
        self.written = Some(Written { at, next });
    }

    /// The log does not take so large a record. Returns whether smaller ones can be tried: an
    /// admission has at least one act, whatever its size.
    pub(crate) fn halve(&mut self) -> bool {
        self.bytes_max /= 2;
        self.bytes_max > 0
    }
}
