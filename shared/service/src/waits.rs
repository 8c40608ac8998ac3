//! Partitions where a record waits until the processor has said what its schema is.

use std::collections::BTreeMap;
use std::time::Duration;

use event::{SchemaKey, TopicPartition};
use tracing::{info, warn};

use crate::clock::Stopwatch;
use crate::metric_names as names;

/// How long a record may wait before a line is written.
const PATIENCE: Duration = Duration::from_secs(10);

/// A record that waits.
#[derive(Debug)]
struct Waiting {
    offset: i64,
    since: Stopwatch,
    is_told: bool,
}

/// The records that a role waits for.
#[derive(Debug)]
pub struct Waits {
    role: &'static str,
    waiting: BTreeMap<TopicPartition, Waiting>,
}

impl Waits {
    /// Of a role that waits for nothing.
    #[must_use]
    pub const fn new(role: &'static str) -> Self {
        Self { role, waiting: BTreeMap::new() }
    }

    /// Takes what waits now, each with its offset and its schema: sets the gauge, and says once what
    /// waits for long.
    pub fn update<'p>(&mut self, now: impl Iterator<Item = (&'p TopicPartition, i64, SchemaKey)>) {
        let mut before = std::mem::take(&mut self.waiting);
        for (partition, offset, schema) in now {
            let known = before.remove(partition).filter(|waiting| waiting.offset == offset);
            let mut waiting = known.unwrap_or_else(|| Waiting {
                offset,
                since: Stopwatch::start(),
                is_told: false,
            });
            self.set(partition, waiting.since.elapsed_secs());
            if !waiting.is_told && waiting.since.has_passed(PATIENCE) {
                waiting.is_told = true;
                warn!(
                    %partition, offset, %schema,
                    "a record waits until the processor has said what its schema is; nothing behind it is \
                     processed or sealed until then"
                );
            }
            self.waiting.insert(partition.clone(), waiting);
        }
        for (partition, waiting) in before {
            if !self.waiting.contains_key(&partition) {
                self.set(&partition, 0.0);
            }
            if waiting.is_told {
                info!(%partition, offset = waiting.offset, "the record waits no longer");
            }
        }
    }

    fn set(&self, partition: &TopicPartition, seconds: f64) {
        metrics::gauge!(
            names::SCHEMA_WAIT_SECONDS,
            "role" => self.role,
            "topic" => partition.topic.to_string(),
            "partition" => partition.partition.to_string()
        )
        .set(seconds);
    }
}

impl Drop for Waits {
    /// Whoever reads the partitions next, here or elsewhere, says what waits.
    fn drop(&mut self) {
        self.waiting.keys().for_each(|partition| self.set(partition, 0.0));
    }
}
