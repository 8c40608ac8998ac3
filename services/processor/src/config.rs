//! Configuration of the service.

use std::time::Duration;

use ports::settings::{Demand, Purpose};
use serde::{Deserialize, Serialize};
use service::config::Checks;

use crate::sources::Schemas;

/// Configuration of the processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Consumer group; its members share the partitions. On a cluster it is named
    /// `<topics.prefix><group>.<tag of the installation>`.
    pub group: String,
    /// Topics that are read and written.
    pub topics: Topics,
    /// Name of this monitor in its own events (`monitor.id`).
    pub monitor_id: String,
    /// Longest wait for records in one step, milliseconds. Default 250. It also bounds the delay of
    /// a shutdown, a tick, a snapshot or an admission of acts.
    pub poll_wait_ms: u64,
    /// Number of records of a partition after which a snapshot is due. Default 200,000, at least 1.
    /// A larger number writes fewer bytes, and leaves more records to process again after a crash.
    pub snapshot_records_max: u64,
    /// Age at which a snapshot is due if there were records since, seconds. Default 30.
    pub snapshot_age_secs_max: u64,
    /// Largest piece of a snapshot in one record, bytes. Default 900,000, at least 1,000 and at
    /// most the largest record that the log accepts. One call publishes about this many bytes.
    pub snapshot_chunk_bytes_max: usize,
    /// Interval of the ticks that are written into each partition, busy or idle, seconds. Default
    /// 60; 0 disables ticks. A partition without an event for this long is idle.
    pub tick_interval_secs: u64,
    /// Number of outputs of a partition published in one call. Default 2,000, at least 1. While a
    /// call awaits its acknowledgement the outputs of the next one are computed; then computing
    /// waits. So at most twice this many outputs are in memory.
    pub publish_records_max: usize,
    /// Longest wait for an acknowledgement, milliseconds. Default 30,000. After that the outcome is
    /// unknown, and the partition is opened again from its last snapshot.
    pub publish_wait_ms_max: u64,
    /// Longest wait for the next record while a known range of offsets is read, milliseconds.
    /// Default 10,000. After that, if the log still answers, the rest of the range is taken to
    /// contain no records.
    pub read_wait_ms_max: u64,
    /// Pause before the role starts again after a failure that may pass, milliseconds. Default 1,000. Each
    /// later one is twice as long, up to 30 seconds, until there is progress.
    pub retry_pause_ms: u64,
    /// Largest value that is decoded, bytes. Default 1 MiB. A larger one is quarantined.
    pub value_bytes_max: usize,
    /// Schemas of other writers.
    pub schemas: Schemas,
    /// Settings of windows, detectors and alerts. Where they differ from those in force in a
    /// partition, they are written into it as an event, and are in force from that event on.
    pub monitor: monitor::Settings,
}

/// Topics of the processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topics {
    /// Events of agents: read. Ticks and settings are written to it.
    pub events: String,
    /// Windows: written.
    pub metrics: String,
    /// Baselines and alerts: written.
    pub alerts: String,
    /// Acts of people and pipelines: read whole. One partition, kept for ever. The same as
    /// `notifier.topics.governance`.
    pub governance: String,
    /// Snapshots: written and read. Compacted.
    pub state: String,
}

impl Topics {
    /// What the topics must be set to.
    #[must_use]
    pub fn demands(&self) -> Vec<Demand> {
        vec![
            Demand::written(&self.events, Purpose::Records),
            Demand::written(&self.metrics, Purpose::Records),
            Demand::written(&self.alerts, Purpose::Records),
            Demand::written(&self.state, Purpose::State),
            Demand::read(&self.governance, Purpose::Acts),
        ]
    }
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            events: "agent.events".to_owned(),
            metrics: "driftseal.metrics".to_owned(),
            alerts: "driftseal.alerts".to_owned(),
            governance: "driftseal.governance".to_owned(),
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
            retry_pause_ms: 1_000,
            value_bytes_max: 1024 * 1024,
            schemas: Schemas::default(),
            monitor: monitor::Settings::default(),
        }
    }
}

impl Config {
    /// All problems of the values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        let monitor = self.monitor.problems().into_iter().map(|error| error.to_string());
        checks.below("monitor", monitor);
        checks.below("schemas", self.schemas.problems());
        checks.not_empty("group", &self.group);
        checks.at_least("snapshot_records_max", self.snapshot_records_max, 1);
        checks.at_least("snapshot_chunk_bytes_max", self.snapshot_chunk_bytes_max, 1_000);
        checks.at_least("publish_records_max", self.publish_records_max, 1);
        checks.into_problems()
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
            ["`monitor.keys_max`: must be at least 1", "`publish_records_max`: must be at least 1",]
        );
    }
}
