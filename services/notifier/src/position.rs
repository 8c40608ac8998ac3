//! The read position, saved as a record of a compacted topic.
//!
//! It is a hint that shortens reading after a restart: no alert before it is open. If it is old or
//! missing, more is read, and the outcomes in the log tell what was delivered. Correctness does not
//! depend on it.

use std::time::Duration;

use event::TopicPartition;
use governance::Installation;
use ports::{EventLog, LogError, Outgoing, publish_and_wait};
use serde::{Deserialize, Serialize};
use service::read::read_ranges;
use tracing::warn;

use crate::config::Config;
use crate::heard::Order;

/// Version of the format.
const FORMAT: u8 = 2;
/// Records at the end of the topic that are searched first.
const TAIL: i64 = 256;
/// Growth factor of that number while no position is found.
const TAIL_GROWTH: i64 = 16;

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    format: u8,
    /// Identity of the topic; offsets of another incarnation are meaningless.
    topic_id: String,
    next_offset: i64,
    /// How far signed records were heard, at or before the time of saving.
    order: Order,
}

/// The store of read positions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Positions<'a> {
    pub(crate) log: &'a dyn EventLog,
    pub(crate) installation: &'a Installation,
    /// The compacted topic.
    pub(crate) state: &'a str,
    pub(crate) read_wait: Duration,
    pub(crate) publish_wait: Duration,
}

impl<'a> Positions<'a> {
    pub(crate) fn new(
        log: &'a dyn EventLog,
        installation: &'a Installation,
        config: &'a Config,
    ) -> Self {
        Self {
            log,
            installation,
            state: &config.topics.state,
            read_wait: config.read_wait(),
            publish_wait: config.publish_wait(),
        }
    }

    /// Installations that share a topic of state have different keys.
    fn key(&self, of: &TopicPartition) -> Vec<u8> {
        let tag = self.installation.tag();
        format!("notifier/{tag}/{}/{}", of.topic, of.partition).into_bytes()
    }

    /// The position saved last for a partition of this incarnation of its topic.
    ///
    /// # Errors
    ///
    /// What the log reports.
    pub(crate) fn load(
        &self,
        of: &TopicPartition,
        topic_id: &str,
    ) -> Result<Option<(i64, Order)>, LogError> {
        let state = TopicPartition::new(self.state, of.partition);
        let range = self.log.offsets(&state)?;
        let key = self.key(of);
        let mut tail = TAIL;
        loop {
            let from = (range.next - tail).max(range.first);
            let mut newest = None;
            let ranges = [(state.clone(), from..range.next)];
            let unread = read_ranges(self.log, ranges, self.read_wait, |_, record| {
                if record.key != Some(&key) {
                    return;
                }
                let Some(value) = record.value else { return };
                match serde_json::from_slice::<Saved>(value) {
                    Ok(saved) => newest = Some(saved),
                    Err(error) => {
                        let offset = record.offset;
                        warn!(partition = %state, offset, %error, "unreadable read position");
                    }
                }
            })?;
            for (partition, range) in unread {
                warn!(%partition, from = range.start, until = range.end, "offsets without records");
            }
            if let Some(saved) = newest {
                let is_ours = saved.format == FORMAT && saved.topic_id == topic_id;
                return Ok(is_ours.then_some((saved.next_offset, saved.order)));
            }
            if from <= range.first {
                return Ok(None);
            }
            // The search ends once the tail exceeds the range, before this can overflow.
            tail *= TAIL_GROWTH;
        }
    }

    /// Saves a position.
    ///
    /// # Errors
    ///
    /// What the log reports.
    pub(crate) fn save(
        &self,
        of: &TopicPartition,
        topic_id: &str,
        next_offset: i64,
        order: &Order,
    ) -> Result<(), LogError> {
        let order = order.clone();
        let saved = Saved { format: FORMAT, topic_id: topic_id.to_owned(), next_offset, order };
        let value = serde_json::to_vec(&saved).map_err(|error| {
            LogError::Fatal(format!("failed to encode a read position: {error}"))
        })?;
        let record =
            Outgoing { topic: self.state.into(), value: Some(value), ..Outgoing::default() };
        let record = record.in_partition(of.partition).with_key(self.key(of));
        publish_and_wait(&*self.log.producer(), vec![record], self.publish_wait).map(drop)
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
        let spec = TopicSpec { name: "state".into(), partitions: 2, compacted: true, kept: false };
        log.create_topics(&[spec]).unwrap();
        let wait = Duration::from_millis(200);
        let installation = Installation::default();
        let positions = Positions {
            log: &log,
            installation: &installation,
            state: "state",
            read_wait: wait,
            publish_wait: wait,
        };
        let of = TopicPartition::new("alerts", 1);
        let order = Order::default();
        assert_eq!(positions.load(&of, "id"), Ok(None));
        positions.save(&of, "id", 7, &order).unwrap();
        positions.save(&of, "id", 9, &order).unwrap();
        positions.save(&TopicPartition::new("other", 1), "id", 11, &order).unwrap();
        for _ in 0..1_000 {
            publish(&log, "processor/x/agent.events/1/a/0", &[0; 10]);
        }
        assert_eq!(positions.load(&of, "id"), Ok(Some((9, order.clone()))));
        assert_eq!(positions.load(&of, "made anew"), Ok(None));
        publish(&log, &format!("notifier/{}/alerts/1", installation.tag()), b"garbage");
        assert_eq!(positions.load(&of, "id"), Ok(Some((9, order.clone()))));
        let other = Installation { origin: "other".to_owned(), ..Installation::default() };
        let positions = Positions { installation: &other, ..positions };
        assert_eq!(positions.load(&of, "id"), Ok(None), "that of another installation");
    }
}
