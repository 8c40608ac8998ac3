//! What a shell does about orphans.

use std::collections::BTreeSet;
use std::sync::Arc;

use event::TopicPartition;
use tracing::warn;

use super::Shell;
use crate::orphans;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

impl Shell {
    /// Looks for what sealers before this one have stored and not committed, and for their notes.
    pub(super) fn find_orphans(&mut self, partitions: &[TopicPartition]) {
        let topics: BTreeSet<&Arc<str>> = partitions.iter().map(|part| &part.topic).collect();
        for topic in topics {
            let of_topic: Vec<_> = partitions.iter().filter(|part| part.topic == *topic).collect();
            if let Err(error) = self.waiting.find(&self.archive, topic, &of_topic) {
                warn!(%topic, %error, "cannot look for orphans that wait for their removal");
            }
            let ends = of_topic.iter().map(|partition| self.ledger.end(partition));
            // What comes after the sealed part of a partition is of its last day or later, but for
            // the steps of a broker's clock.
            let since = ends.map(|end| Some(end?.max_timestamp_ms.saturating_sub(DAY_MS)));
            match orphans::list(&self.archive, topic, since.min().flatten()) {
                Ok(paths) => {
                    for partition in of_topic {
                        let sealed_to = self.ledger.end(partition).map_or(0, |end| end.next_offset);
                        self.orphans.find(partition, sealed_to, paths.iter().map(String::as_str));
                    }
                }
                Err(error) => warn!(%topic, %error, "cannot look for objects that no commit names"),
            }
        }
    }

    /// Removes the orphans that have waited long enough.
    pub(super) fn remove_orphans(&mut self) {
        let wait_ms = i64::try_from(self.config.orphan_wait_secs.saturating_mul(1_000));
        let (now_ms, wait_ms) = ((self.clock)(), wait_ms.unwrap_or(i64::MAX));
        let log_at = |sequence| self.ledger.head_at(sequence);
        match self.waiting.remove_due(&self.archive, now_ms, wait_ms, log_at) {
            Ok(removed) => self.meters.orphans_removed(removed),
            Err(error) => warn!(%error, "the log cannot be checked; orphans are kept until it can"),
        }
        self.meters.orphans_waiting(self.waiting.len());
    }
}
