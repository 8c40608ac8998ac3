//! Publishes the records of a save.

use std::sync::Arc;
use std::time::Duration;

use ports::{LogError, Outgoing, Producer, publish_and_wait};

use super::KeyValue;

/// Largest number of records of a save in one call.
const RECORDS_MAX: usize = 1_000;

/// Publishes the records of a save in calls of bounded size, one after the other.
pub(crate) struct Writing<'a> {
    producer: &'a dyn Producer,
    topic: Arc<str>,
    partition: i32,
    bytes_max: usize,
    wait: Duration,
    records: Vec<KeyValue>,
    size_bytes: usize,
    written_bytes: usize,
}

impl<'a> Writing<'a> {
    /// Begins a save. `bytes_max` bounds a call, `wait` the wait for its acknowledgement.
    pub(crate) fn new(
        producer: &'a dyn Producer,
        topic: Arc<str>,
        partition: i32,
        bytes_max: usize,
        wait: Duration,
    ) -> Self {
        let (records, size_bytes, written_bytes) = (Vec::new(), 0, 0);
        Self { producer, topic, partition, bytes_max, wait, records, size_bytes, written_bytes }
    }

    /// Takes records; publishes them if there are enough for a call.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub(crate) fn take(
        &mut self,
        records: impl IntoIterator<Item = KeyValue>,
    ) -> Result<(), LogError> {
        for (key, value) in records {
            self.size_bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            self.records.push((key, value));
        }
        let is_enough = self.size_bytes >= self.bytes_max || self.records.len() >= RECORDS_MAX;
        if is_enough { self.flush() } else { Ok(()) }
    }

    /// Publishes the records taken so far, and waits for the acknowledgement.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub(crate) fn flush(&mut self) -> Result<(), LogError> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.written_bytes += std::mem::take(&mut self.size_bytes);
        let outgoing = |(key, value)| Outgoing {
            topic: Arc::clone(&self.topic),
            partition: Some(self.partition),
            key: Some(key),
            value,
            headers: Vec::new(),
        };
        let records = std::mem::take(&mut self.records).into_iter().map(outgoing).collect();
        publish_and_wait(self.producer, records, self.wait).map(drop)
    }

    /// Bytes of keys and values published so far.
    pub(crate) const fn written_bytes(&self) -> usize {
        self.written_bytes
    }
}
