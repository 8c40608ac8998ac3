//! Configuration of the service.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Configuration of the processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the consumer group; its members share the partitions.
    pub group: String,
    /// Topics read and written.
    pub topics: Topics,
    /// Name of this monitor in its ticks.
    pub monitor_id: String,
    /// Longest wait for records in one step, milliseconds. Also how late a shutdown, a tick or a
    /// snapshot may be noticed.
    pub poll_wait_ms: u64,
    /// Records of a partition after which a snapshot is due. More means fewer bytes written and
    /// a longer replay after a crash.
    pub snapshot_records_max: u64,
    /// Age after which a snapshot is due, if there were records, seconds.
    pub snapshot_age_secs_max: u64,
    /// Largest piece of a snapshot in one record, bytes; at most what the log accepts as a record.
    /// Pieces are published in calls of about as many bytes.
    pub snapshot_chunk_bytes_max: usize,
    /// Seconds from one tick to the next that is written into a partition, busy or idle; 0 for never.
    /// A partition without an event for as long is idle. Default 60.
    pub tick_interval_secs: u64,
    /// Outputs of a partition published in one call. One call is unacknowledged at a time while
    /// the next is computed; then computing waits, so at most twice this many are held (and those
    /// of one record, which closes at most all windows of the partition).
    pub publish_records_max: usize,
    /// Longest wait for an acknowledgement, milliseconds. Beyond it the outcome is unknown, and
    /// the partition starts again from its snapshot.
    pub publish_wait_ms_max: u64,
    /// Longest wait for the next record when a known range is read back at the start of a
    /// partition, milliseconds. Beyond it the rest of the range is taken to hold no record.
    pub read_wait_ms_max: u64,
    /// Failures in a row that are retried; one more ends the role.
    pub retries_max: u32,
    /// Pause before each retry, milliseconds.
    pub retry_pause_ms: u64,
    /// Largest value that is decoded, bytes; a larger one is quarantined.
    pub value_bytes_max: usize,
    /// Windows, detectors and alerts. Written into the partitions as an event when they differ from
    /// those in force there; they hold from that event on.
    pub monitor: monitor::Settings,
}

/// Topics of the processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topics {
    /// Read: events of agents. Ticks are written into it.
    pub events: String,
    /// Written: windows.
    pub metrics: String,
    /// Written: baselines and alerts.
    pub alerts: String,
    /// Written and read: snapshots. Compacted.
    pub state: String,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            events: "agent.events".to_owned(),
            metrics: "driftseal.metrics".to_owned(),
            alerts: "driftseal.alerts".to_owned(),
            state: "driftseal.state".to_owned(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            group: "driftseal-processor".to_owned(),
            topics: Topics::default(),
            monitor_id: "processor".to_owned(),
            poll_wait_ms: 250,
            snapshot_records_max: 200_000,
            snapshot_age_secs_max: 30,
            snapshot_chunk_bytes_max: 900_000,
            tick_interval_secs: 60,
            publish_records_max: 2_000,
            publish_wait_ms_max: 30_000,
            read_wait_ms_max: 10_000,
            retries_max: 60,
            retry_pause_ms: 1_000,
            value_bytes_max: 1024 * 1024,
            monitor: monitor::Settings::default(),
        }
    }
}

impl Config {
    /// All problems: key and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            self.monitor.problems().into_iter().map(|error| format!("monitor.{error}")).collect();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(!self.group.is_empty(), "`group`: must not be empty");
        check(self.snapshot_records_max >= 1, "`snapshot_records_max`: must be at least 1");
        check(
            self.snapshot_chunk_bytes_max >= 1_000,
            "`snapshot_chunk_bytes_max`: must be at least 1000",
        );
        check(self.publish_records_max >= 1, "`publish_records_max`: must be at least 1");
        problems
    }

    pub(crate) const fn publish_wait(&self) -> Duration {
        Duration::from_millis(self.publish_wait_ms_max)
    }

    pub(crate) const fn read_wait(&self) -> Duration {
        Duration::from_millis(self.read_wait_ms_max)
    }

    pub(crate) const fn retry_pause(&self) -> Duration {
        Duration::from_millis(self.retry_pause_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problems_and_all_problems_are_named() {
        assert_eq!(Config::default().problems(), Vec::<String>::new());
        let monitor = monitor::Settings { keys_max: 0, ..monitor::Settings::default() };
        let wrong = Config { publish_records_max: 0, monitor, ..Config::default() };
        assert_eq!(
            wrong.problems(),
            ["monitor.`keys_max`: must be at least 1", "`publish_records_max`: must be at least 1",]
        );
    }
}
