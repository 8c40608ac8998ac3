//! Configuration of the collector.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::config::Checks;
use service::server::Limits;

/// Whom the collector hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Everybody who reaches it.
    #[default]
    None,
    /// Who shows a token.
    Token,
}

/// Configuration of the collector. Each limit documents what happens beyond it; memory is bounded by
/// about three times `in_flight_bytes_max`, but for OTLP, whose messages are larger decoded than in the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Topic to publish events to. Default `agent.events`.
    pub topic: String,
    /// Tenant (`tenant_id`) of events without one. Default empty: not set.
    pub tenant_id: String,
    /// Whom the collector hears: `none` is everybody who reaches it, `token` who shows a token of `driftseal
    /// token create`, within its scope. Default `none`. An event says in `actor` how its sender was
    /// authenticated; what a sender claims about that is kept as an attribute.
    pub auth: Auth,
    /// File of the credentials that are known. Default empty: `credentials.toml` in `keys.directory`. It is
    /// read every second; other users must not be able to read it.
    pub credentials_file: PathBuf,
    /// Where spans and log records of OTLP name their agent, first the most important: attributes, and `resource:`
    /// with one of the resource, such as `["gen_ai.agent.name", "resource:service.name"]`. Default empty: as the
    /// mapping of each convention says, mostly `service.name`, which all spans of a run share.
    pub otlp_agent: Vec<String>,
    /// Prefixes of further kinds to reject, such as `approval.`. Default none. Kinds that Driftseal
    /// itself writes, and acts (suppressions, maintenance, suites and others), are always rejected: an
    /// agent could silence its own alerts with them. The reason is `reserved_kind`; the other events
    /// of the body are not affected. `driftseal` publishes its own events directly to the log.
    pub kinds_rejected: Vec<String>,
    /// Host names by which senders reach the collector, such as `collector.internal`. Default none: IP
    /// addresses and `localhost`. A request to any other name is answered with 421, because a web
    /// page could have made its own name resolve to the collector.
    pub hosts: Vec<String>,
    /// Largest body, bytes, before and after decompression. Default 16 MiB. A larger one is answered
    /// with 413.
    pub body_bytes_max: usize,
    /// Most events in a body. Default 10,000. A body with more is answered with 413.
    pub body_events_max: usize,
    /// Largest event as sent, bytes. Default 900,000, below the usual size limit of records in Kafka.
    /// A larger event is rejected with the reason `too_large`; the other events of the body are not
    /// affected.
    pub event_bytes_max: usize,
    /// Most events awaiting acknowledgement by the log, over all requests. Default 100,000, at least
    /// `body_events_max`. Further requests are answered with 503 and `Retry-After`.
    pub in_flight_events_max: usize,
    /// Most bytes of bodies of unanswered requests. Default 256 MiB, at least twice `body_bytes_max`.
    /// Further requests are answered with 503 and `Retry-After`.
    pub in_flight_bytes_max: usize,
    /// Most open connections. Default 512. A further one is answered with 503 and closed. Each HTTP server
    /// of a process takes at most a tenth of the files that the process may open; a lower number is said at
    /// the start.
    pub connections_max: usize,
    /// Most open connections of one IP address. Default 256. A further one is answered with 503 and
    /// closed. Behind a proxy, set it to `connections_max`.
    pub connections_per_client_max: usize,
    /// Longest wait for the head of a request, milliseconds, from the opening of the connection or the
    /// end of the response before. Default 30,000. Then the connection is closed.
    pub header_wait_ms_max: u64,
    /// Longest wait for a complete body, milliseconds. Default 30,000. Then the request is answered
    /// with 408.
    pub body_wait_ms_max: u64,
    /// Longest wait for the log's acknowledgement, milliseconds. Default 30,000. Then the request is
    /// answered with 503: its events may or may not be in the log.
    pub publish_wait_ms_max: u64,
    /// `Retry-After` of responses with 503, seconds. Default 1.
    pub retry_after_secs: u64,
    /// Longest wait for open requests at shutdown, milliseconds. Default 30,000. Then their connections
    /// are closed without a response, and their senders retry.
    pub drain_wait_ms_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topic: "agent.events".to_owned(),
            tenant_id: String::new(),
            auth: Auth::None,
            credentials_file: PathBuf::new(),
            otlp_agent: Vec::new(),
            kinds_rejected: Vec::new(),
            hosts: Vec::new(),
            body_bytes_max: 16 * 1024 * 1024,
            body_events_max: 10_000,
            event_bytes_max: 900_000,
            in_flight_events_max: 100_000,
            in_flight_bytes_max: 256 * 1024 * 1024,
            connections_max: Limits::default().connections_max,
            connections_per_client_max: Limits::default().per_client_max,
            header_wait_ms_max: 30_000,
            body_wait_ms_max: 30_000,
            publish_wait_ms_max: 30_000,
            retry_after_secs: 1,
            drain_wait_ms_max: 30_000,
        }
    }
}

impl Config {
    /// Invalid values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        checks.not_empty("topic", &self.topic);
        checks.must(
            self.kinds_rejected.iter().all(|prefix| !prefix.is_empty()),
            "kinds_rejected",
            "not contain an empty prefix, which matches every kind",
        );
        let mapper = otlp::Mapper::new().and_then(|mapper| mapper.with_agent(&self.otlp_agent));
        if let Err(error) = mapper {
            checks.must(false, "otlp_agent", format_args!("name attributes: {error}"));
        }
        checks.at_least("body_bytes_max", self.body_bytes_max, 1);
        checks.at_least("body_events_max", self.body_events_max, 1);
        checks.at_least("event_bytes_max", self.event_bytes_max, 1);
        checks.must(
            self.in_flight_events_max >= self.body_events_max,
            "in_flight_events_max",
            "be at least `body_events_max`, for the largest body to fit",
        );
        checks.must(
            self.in_flight_bytes_max / 2 >= self.body_bytes_max,
            "in_flight_bytes_max",
            "be at least twice `body_bytes_max`, for the largest body to fit, compressed and \
             decompressed",
        );
        checks.at_least("connections_max", self.connections_max, 1);
        checks.at_least("connections_per_client_max", self.connections_per_client_max, 1);
        checks.at_least("header_wait_ms_max", self.header_wait_ms_max, 1);
        checks.into_problems()
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits {
            connections_max: self.connections_max,
            per_client_max: self.connections_per_client_max,
            header_wait: Duration::from_millis(self.header_wait_ms_max),
        }
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
            kinds_rejected: vec![String::new()],
            in_flight_events_max: 9_999,
            in_flight_bytes_max: 33_554_431,
            ..Config::default()
        };
        assert_eq!(wrong.problems().len(), 4);
    }
}
