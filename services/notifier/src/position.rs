//! Where to begin after a restart, as a record of a compacted topic.
//!
//! The position is a hint that saves reading: before it nothing is open. It may be old, and it may
//! be missing; then more is read, and the outcomes in the log say what was told. The truth is
//! never here.

use std::time::Duration;

use event::{Record, TopicPartition};
use ports::{EventLog, LogError, Outgoing, Polled, Subscription, publish_and_wait};
use serde::{Deserialize, Serialize};
use service::clock::Stopwatch;

/// Version of the format.
const FORMAT: u8 = 1;
/// Records of the topic that are looked at first, from the end.
const TAIL: i64 = 256;
/// Factor by which that grows while no position is found.
const TAIL_GROWTH: i64 = 16;
/// Longest single poll; a lost wake-up costs no more.
const POLL: Duration = Duration::from_millis(250);

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    format: u8,
    /// Identity of the topic; offsets of another incarnation mean nothing.
    topic_id: String,
    next_offset: i64,
}

/// Where the positions of a topic are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Positions<'a> {
    pub(crate) log: &'a dyn EventLog,
    /// The compacted topic.
    pub(crate) state: &'a str,
    pub(crate) read_wait: Duration,
    pub(crate) publish_wait: Duration,
}

fn key(of: &TopicPartition) -> Vec<u8> {
    format!("notifier/{}/{}", of.topic, of.partition).into_bytes()
}

impl Positions<'_> {
    /// The last position that was saved of a partition of this incarnation of its topic.
    ///
    /// # Errors
    ///
    /// What the log says.
    pub(crate) fn load(
        &self,
        of: &TopicPartition,
        topic_id: &str,
    ) -> Result<Option<i64>, LogError> {
        let state = TopicPartition::new(self.state, of.partition);
        let range = self.log.offsets(&state)?;
        let key = key(of);
        let mut tail = TAIL;
        loop {
            let from = range.next.saturating_sub(tail).max(range.first);
            let mut newest = None;
            self.read(&state, from, range.next, |record| {
                if record.key == Some(&key)
                    && let Some(value) = record.value
                    && let Ok(saved) = serde_json::from_slice::<Saved>(value)
                {
                    newest = Some(saved);
                }
            })?;
            if let Some(saved) = newest {
                let is_ours = saved.format == FORMAT && saved.topic_id == topic_id;
                return Ok(is_ours.then_some(saved.next_offset));
            }
            if from <= range.first {
                return Ok(None);
            }
            tail = tail.saturating_mul(TAIL_GROWTH);
        }
    }

    /// Saves a position.
    ///
    /// # Errors
    ///
    /// What the log says.
    pub(crate) fn save(
        &self,
        of: &TopicPartition,
        topic_id: &str,
        next_offset: i64,
    ) -> Result<(), LogError> {
        let saved = Saved { format: FORMAT, topic_id: topic_id.to_owned(), next_offset };
        let value = serde_json::to_vec(&saved)
            .map_err(|error| LogError::Fatal(format!("a position does not encode: {error}")))?;
        let record = Outgoing {
            topic: self.state.into(),
            partition: Some(of.partition),
            key: Some(key(of)),
            value: Some(value),
            headers: Vec::new(),
        };
        publish_and_wait(&*self.log.producer(), vec![record], self.publish_wait).map(drop)
    }

    /// Shows each record of a range. When nothing has come for the wait, the rest of it is taken
    /// to hold no record.
    fn read(
        &self,
        partition: &TopicPartition,
        from: i64,
        until: i64,
        mut show: impl FnMut(&Record<'_>),
    ) -> Result<(), LogError> {
        let mut next = from;
        if next >= until {
            return Ok(());
        }
        let mut consumer = self.log.consumer(Subscription::Partitions(vec![partition.clone()]))?;
        let mut since_progress = Stopwatch::start();
        while next < until {
            match consumer.poll(POLL.min(self.read_wait))? {
                Polled::Assigned(_) => consumer.seek(partition, next)?,
                Polled::Batch(batch) => {
                    batch.records().filter(|record| record.offset < until).for_each(|r| show(&r));
                    next = batch.next_offset().unwrap_or(next).max(next);
                    since_progress = Stopwatch::start();
                }
                Polled::Idle | Polled::Revoked(_) => {
                    if since_progress.has_passed(self.read_wait) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ports::TopicSpec;
    use sim::MemoryLog;

    use super::*;

    fn publish(log: &MemoryLog, key: &str, value: &[u8]) {
        let record = Outgoing {
            topic: "state".into(),
            partition: Some(1),
            key: Some(key.as_bytes().to_vec()),
            value: Some(value.to_vec()),
            headers: Vec::new(),
        };
        publish_and_wait(&*log.producer(), vec![record], Duration::ZERO).unwrap();
    }

    #[test]
    fn the_newest_position_is_found_among_everything_else() {
        let log = MemoryLog::new();
        let spec = TopicSpec { name: "state".into(), partitions: 2, compacted: true };
        log.create_topics(&[spec]).unwrap();
        let wait = Duration::from_millis(200);
        let positions =
            Positions { log: &log, state: "state", read_wait: wait, publish_wait: wait };
        let of = TopicPartition::new("alerts", 1);
        assert_eq!(positions.load(&of, "id"), Ok(None));
        positions.save(&of, "id", 7).unwrap();
        positions.save(&of, "id", 9).unwrap();
        positions.save(&TopicPartition::new("other", 1), "id", 11).unwrap();
        for _ in 0..1_000 {
            publish(&log, "processor/agent.events/1/a/0", &[0; 10]);
        }
        assert_eq!(positions.load(&of, "id"), Ok(Some(9)));
        assert_eq!(positions.load(&of, "made anew"), Ok(None));
        publish(&log, "notifier/alerts/1", b"garbage");
        assert_eq!(positions.load(&of, "id"), Ok(Some(9)));
    }
}
