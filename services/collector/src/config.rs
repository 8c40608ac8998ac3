//! Configuration of the collector.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::config::Checks;

/// Configuration of the collector. Every limit says what happens at it; memory is bounded by
/// about three times `in_flight_bytes_max`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Topic that events are published to. Default `agent.events`.
    pub topic: String,
    /// Tenant of events that name none. Default empty: none is set.
    pub tenant_id: String,
    /// Prefixes of further kinds to reject, such as `approval.`. Default none. Kinds that Driftseal
    /// writes itself, and acts (suppressions, maintenance, suites and others), are always rejected,
    /// for an agent that could send them could silence its own alerts. Such an event is rejected with the
    /// reason `reserved_kind`, the others of its body are not; `driftseal` writes its own straight
    /// into the log.
    pub kinds_refused: Vec<String>,
    /// Bytes of a body, before and after decompression. Default 16 MiB. Beyond it the request is
    /// answered 413.
    pub body_bytes_max: usize,
    /// Events in a body. Default 10,000. Beyond it the request is answered 413.
    pub body_events_max: usize,
    /// Bytes of one event as sent. Default 900,000, below what a log usually accepts as a record. A
    /// larger event is rejected with the reason `too_large`; the others of its body are not.
    pub event_bytes_max: usize,
    /// Events of all requests that await acknowledgement by the log. Default 100,000, at least
    /// `body_events_max`. Beyond it requests are answered 503 with `Retry-After`.
    pub in_flight_events_max: usize,
    /// Bytes of the bodies of all unanswered requests. Default 256 MiB, at least twice
    /// `body_bytes_max`. Beyond it requests are answered 503 with `Retry-After`.
    pub in_flight_bytes_max: usize,
    /// Longest wait for a whole body, milliseconds. Default 30,000. Beyond it the request is answered
    /// 408.
    pub body_wait_ms_max: u64,
    /// Longest wait for the log's acknowledgement, milliseconds. Default 30,000. Beyond it the request
    /// is answered 503: the events may or may not be in the log.
    pub publish_wait_ms_max: u64,
    /// `Retry-After` of answers 503, seconds. Default 1.
    pub retry_after_secs: u64,
    /// Longest wait for open requests at a shutdown, milliseconds. Default 30,000. Beyond it their
    /// connections are closed without an answer, so that their senders retry.
    pub drain_wait_ms_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topic: "agent.events".to_owned(),
            tenant_id: String::new(),
            kinds_refused: Vec::new(),
            body_bytes_max: 16 * 1024 * 1024,
            body_events_max: 10_000,
            event_bytes_max: 900_000,
            in_flight_events_max: 100_000,
            in_flight_bytes_max: 256 * 1024 * 1024,
            body_wait_ms_max: 30_000,
            publish_wait_ms_max: 30_000,
            retry_after_secs: 1,
            drain_wait_ms_max: 30_000,
        }
    }
}

impl Config {
    /// Everything that is wrong with the values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        checks.not_empty("topic", &self.topic);
        checks.must(
            self.kinds_refused.iter().all(|prefix| !prefix.is_empty()),
            "kinds_refused",
            "not hold an empty prefix, which is that of every kind",
        );
        checks.at_least("body_bytes_max", self.body_bytes_max, 1);
        checks.at_least("body_events_max", self.body_events_max, 1);
        checks.at_least("event_bytes_max", self.event_bytes_max, 1);
        checks.must(
            self.in_flight_events_max >= self.body_events_max,
            "in_flight_events_max",
            "be at least `body_events_max`, or the largest body never fits",
        );
        checks.must(
            self.in_flight_bytes_max / 2 >= self.body_bytes_max,
            "in_flight_bytes_max",
            "be at least twice `body_bytes_max`, or the largest body never fits, compressed and not",
        );
        checks.into_problems()
    }

    pub(crate) const fn body_wait(&self) -> Duration {
        Duration::from_millis(self.body_wait_ms_max)
    }

    pub(crate) const fn publish_wait(&self) -> Duration {
        Duration::from_millis(self.publish_wait_ms_max)
    }

    pub(crate) const fn drain_wait(&self) -> Duration {
        Duration::from_millis(self.drain_wait_ms_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problems_and_all_problems_are_named() {
        assert_eq!(Config::default().problems(), Vec::<String>::new());
        let wrong = Config {
            topic: String::new(),
            kinds_refused: vec![String::new()],
            in_flight_events_max: 9_999,
            in_flight_bytes_max: 33_554_431,
            ..Config::default()
        };
        assert_eq!(wrong.problems().len(), 4);
    }
}
