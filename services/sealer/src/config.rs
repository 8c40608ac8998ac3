//! Configuration of the sealer.

use ports::settings::{Demand, Purpose};
use segment::sealer::Limits;
use serde::{Deserialize, Serialize};
use service::config::Checks;

/// What to do about records that the log deleted before they were sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostRecords {
    /// Stop with an error that names the range, before anything is sealed behind it.
    Stop,
    /// Seal the range as lost, with the next segment, and go on.
    #[default]
    Record,
}

/// Configuration of the sealer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Topics to seal. Default: `agent.events`, `driftseal.metrics`, `driftseal.alerts`,
    /// `driftseal.controls`. They must exist.
    pub topics: Vec<String>,
    /// Consumer group; on a cluster it is named `<topics.prefix><group>.<tag of the installation>`.
    /// Default `driftseal-sealer`. Its committed positions are advisory.
    pub group: String,
    /// Rows of a segment. Default 250,000, at least 1. The segment is sealed with the batch that
    /// reaches them, so it has up to one batch (4,096 records) more.
    pub segment_rows_max: usize,
    /// Bytes of keys, values and headers of a segment. Default 128 MiB, at least 1. The segment is
    /// sealed with the batch that reaches them, so it has up to one batch (1 MiB) more.
    pub segment_bytes_max: usize,
    /// Milliseconds that a record waits at most to be sealed. Default 60,000, not negative.
    pub segment_age_ms_max: i64,
    /// Milliseconds that the monitor's heartbeats wait at most to be sealed, in partitions that hold
    /// nothing else; all of them are sealed together. Default 3,600,000, at least
    /// `segment_age_ms_max`.
    pub heartbeat_age_ms_max: i64,
    /// Bytes of records of all partitions that wait to be sealed. Default 512 MiB, at least 1. When
    /// they are reached, the largest buffer is sealed first, however small it is. Building a
    /// segment takes about as much memory again as the segment's records.
    pub buffer_bytes_max: usize,
    /// Largest value that is decoded. Default 1 MiB. A larger one is sealed as quarantine, with
    /// its bytes.
    pub value_bytes_max: usize,
    /// Attempts of each read or write that may safely be repeated, when the archive or the log is
    /// unavailable. Default 8, at least 1. After them the sealer starts again from the log.
    pub attempts_max: u32,
    /// Milliseconds before the second attempt; each later one waits twice as long as the one
    /// before. Default 100.
    pub retry_ms: u64,
    /// Milliseconds before the sealer starts again after a failure that may pass. Default 1,000. Each
    /// later start waits twice as long as the one before, up to 30 seconds, until it makes progress.
    pub retry_pause_ms: u64,
    /// Whether a shutdown seals what is published at that moment. Default true. Otherwise what is
    /// pending is dropped and read again by the next sealer.
    pub drain_on_shutdown: bool,
    /// Milliseconds that a shutdown reads on at most, to reach what was published when it began.
    /// Default 30,000. What was not read by then is left to the next sealer.
    pub drain_ms_max: u64,
    /// What to do about records that the log deleted before they were sealed, in a partition that
    /// was sealed before. Default `record`: the range is sealed as lost, which `driftseal fsck` and
    /// replays show. `stop` seals nothing until that is changed.
    pub lost_records: LostRecords,
    /// Seconds that an object stays which no commit can name any more. Default 86,400, a day: after the
    /// log was set back to an older copy, what was sealed since looks like that, and is evidence.
    pub orphan_wait_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            topics: [
                "agent.events",
                "driftseal.governance",
                "driftseal.metrics",
                "driftseal.alerts",
                "driftseal.controls",
            ]
            .map(String::from)
            .to_vec(),
            group: "driftseal-sealer".into(),
            segment_rows_max: limits.rows_max,
            segment_bytes_max: limits.bytes_max,
            segment_age_ms_max: limits.age_ms_max,
            heartbeat_age_ms_max: limits.heartbeat_age_ms_max,
            buffer_bytes_max: limits.buffer_bytes_max,
            value_bytes_max: event::Limits::default().value_bytes_max,
            attempts_max: 8,
            retry_ms: 100,
            retry_pause_ms: 1_000,
            drain_on_shutdown: true,
            drain_ms_max: 30_000,
            lost_records: LostRecords::default(),
            orphan_wait_secs: 86_400,
        }
    }
}

impl Config {
    /// What the topics must be set to.
    #[must_use]
    pub fn demands(&self) -> Vec<Demand> {
        let demand = |topic: &String| Demand::read(topic, Purpose::Records);
        self.topics.iter().map(demand).collect()
    }

    /// Everything that is wrong with the values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        checks.not_empty("topics", &self.topics);
        checks.not_empty("group", &self.group);
        checks.at_least("segment_rows_max", self.segment_rows_max, 1);
        checks.at_least("segment_bytes_max", self.segment_bytes_max, 1);
        checks.must(self.segment_age_ms_max >= 0, "segment_age_ms_max", "not be negative");
        checks.must(
            self.heartbeat_age_ms_max >= self.segment_age_ms_max,
            "heartbeat_age_ms_max",
            "not be less than segment_age_ms_max",
        );
        checks.at_least("buffer_bytes_max", self.buffer_bytes_max, 1);
        checks.at_least("attempts_max", self.attempts_max, 1);
        checks.into_problems()
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits {
            rows_max: self.segment_rows_max,
            bytes_max: self.segment_bytes_max,
            age_ms_max: self.segment_age_ms_max,
            heartbeat_age_ms_max: self.heartbeat_age_ms_max,
            buffer_bytes_max: self.buffer_bytes_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problem_and_every_problem_is_named_at_once() {
        assert_eq!(Config::default().problems(), [""; 0]);
        let config = Config { topics: Vec::new(), attempts_max: 0, ..Config::default() };
        assert_eq!(
            config.problems(),
            ["`topics`: must not be empty", "`attempts_max`: must be at least 1"]
        );
    }
}
