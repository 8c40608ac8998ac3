//! A partition of the alerts that is assigned to this process: how far it is read and saved.

use event::TopicPartition;
use ports::{EventLog, LogError};
use service::clock::Stopwatch;
use tracing::{info, warn};

use crate::position::Positions;

/// An assigned partition.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) partition: TopicPartition,
    pub(crate) topic_id: String,
    /// Offset of the next record to read.
    pub(crate) next: i64,
    /// Where the log ended when the partition was assigned; before that nobody is notified.
    pub(crate) until: i64,
    pub(crate) is_live: bool,
    pub(crate) since_progress: Stopwatch,
    /// The read position that was saved last.
    pub(crate) saved: Option<i64>,
    pub(crate) since_saved: Stopwatch,
}

impl Owned {
    /// Finds where to read a partition from.
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
        let saved = positions.load(&partition, &topic_id)?;
        let held = log.offsets(&partition)?;
        let next = match saved {
            None => held.first,
            Some(saved) if saved < held.first => {
                warn!(%partition, saved, first = held.first, "unread alerts were deleted");
                held.first
            }
            Some(saved) if saved > held.next => {
                warn!(
                    %partition, saved, end = held.next,
                    "the saved read position is beyond the end of the partition; reading all of it"
                );
                held.first
            }
            Some(saved) => saved,
        };
        info!(%partition, next, records = held.next - next, "took over a partition");
        Ok(Self {
            partition,
            topic_id,
            next,
            until: held.next,
            is_live: false,
            since_progress: Stopwatch::start(),
            // What is not held any more is saved anew.
            saved: saved.filter(|saved| *saved == next),
            since_saved: Stopwatch::start(),
        })
    }
}
