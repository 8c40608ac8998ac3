//! Partitions that nobody can read on, because somebody's transaction is open.

use std::collections::BTreeMap;
use std::time::Duration;

use event::TopicPartition;
use ports::Position;
use tracing::{info, warn};

use crate::clock::Stopwatch;
use crate::metric_names as names;

/// How long a transaction may stay open before a line is written; Kafka's own limit is a minute by
/// default.
const PATIENCE: Duration = Duration::from_secs(30);

/// A transaction that is waited for.
#[derive(Debug)]
struct Open {
    offset: i64,
    since: Stopwatch,
    is_told: bool,
}

/// What a member waits for.
#[derive(Debug, Default)]
pub(crate) struct Blocked(BTreeMap<TopicPartition, Open>);

impl Blocked {
    /// Takes the partitions that are blocked now, each with the offset where the transaction begins:
    /// sets the gauge, and says once what has been open for long.
    pub(crate) fn update(&mut self, now: Vec<Position>) {
        let mut before = std::mem::take(&mut self.0);
        for Position { partition, offset } in now {
            let known = before.remove(&partition).filter(|open| open.offset == offset);
            let mut open =
                known.unwrap_or_else(|| Open { offset, since: Stopwatch::start(), is_told: false });
            set(&partition, open.since.elapsed_secs());
            if !open.is_told && open.since.has_passed(PATIENCE) {
                open.is_told = true;
                warn!(
                    %partition,
                    offset,
                    "a transaction of some application is open since this offset: nothing behind it can \
                     be read or sealed until it ends; `kafka-transactions.sh find-hanging` and `abort`"
                );
            }
            self.0.insert(partition, open);
        }
        for (partition, open) in before {
            // The partition may be blocked by the next transaction already.
            if !self.0.contains_key(&partition) {
                set(&partition, 0.0);
            }
            if open.is_told {
                info!(%partition, offset = open.offset, "the transaction has ended");
            }
        }
    }
}

fn set(partition: &TopicPartition, seconds: f64) {
    metrics::gauge!(
        names::LOG_BLOCKED_SECONDS,
        "topic" => partition.topic.to_string(),
        "partition" => partition.partition.to_string()
    )
    .set(seconds);
}
