//! The state of an assigned partition: how far it has been read and saved.

use event::TopicPartition;
use ports::{EventLog, LogError};
use service::clock::Stopwatch;
use tracing::{info, warn};

use crate::heard::{Heard, Order};
use crate::position::Positions;

/// An assigned partition.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) partition: TopicPartition,
    pub(crate) topic_id: String,
    /// Offset of the next record to read.
    pub(crate) next: i64,
    /// End of the partition when it was assigned; nobody is notified before it is reached.
    pub(crate) until: i64,
    pub(crate) is_live: bool,
    pub(crate) heard: Heard,
    pub(crate) since_progress: Stopwatch,
    /// The read position that was saved last.
    pub(crate) saved: Option<i64>,
    pub(crate) since_saved: Stopwatch,
}

impl Owned {
    /// Determines the offset to read a partition from.
    ///
    /// # Errors
    ///
    /// What the log reports.
    pub(crate) fn open(
        log: &dyn EventLog,
        positions: Positions<'_>,
        partition: TopicPartition,
    ) -> Result<Self, LogError> {
        let topic_id = log.topic_id(&partition.topic)?;
        let (saved, order) = match positions.load(&partition, &topic_id)? {
            Some((saved, order)) => (Some(saved), order),
            None => (None, Order::default()),
        };
        let held = log.offsets(&partition)?;
        // What was saved goes with the offset that was saved.
        let order = if saved.is_some_and(|saved| saved >= held.first && saved <= held.next) {
            order
        } else {
            Order::default()
        };
        let next = match saved {
            None => held.first,
            Some(saved) if saved < held.first => {
                warn!(%partition, saved, first = held.first, "retention deleted unread alerts");
                held.first
            }
            Some(saved) if saved > held.next => {
                warn!(
                    %partition, saved, end = held.next,
                    "saved read position is beyond the end of the partition; reading it from the start"
                );
                held.first
            }
            Some(saved) => saved,
        };
        info!(%partition, next, records = held.next - next, "opened a partition");
        Ok(Self {
            partition,
            topic_id,
            next,
            until: held.next,
            is_live: false,
            heard: Heard::resume(next, order),
            since_progress: Stopwatch::start(),
            // A position that was corrected is saved again.
            saved: saved.filter(|saved| *saved == next),
            since_saved: Stopwatch::start(),
        })
    }
}
