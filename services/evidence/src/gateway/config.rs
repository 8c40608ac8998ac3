//! Settings of the gateway, and of the commands that ask it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::config::{Checks, Secret};

/// The gateway: acts of people and pipelines over HTTP, in the process of the evidence role; and how
/// commands reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// URL at which commands reach the gateway. Default empty: `http://` and `listen.gateway`.
    pub url: String,
    /// File with the token that commands show. Default empty: `gateway.token` in `keys.directory`.
    /// Other users must not be able to read it.
    pub token_file: PathBuf,
    /// The token itself, instead of a file. Meant for the environment: `DRIFTSEAL__GATEWAY__TOKEN`.
    pub token: Secret,
    /// Host names by which the gateway is reached, such as `gateway.internal`. Default none: IP
    /// addresses and `localhost`. A request to any other name is answered with 421.
    pub hosts: Vec<String>,
    /// Largest body of a request, bytes. Default 1 MiB. A larger one is answered with 413.
    pub body_bytes_max: usize,
    /// Longest wait for a complete body, milliseconds. Default 10,000. Then the request is answered
    /// with 408.
    pub body_wait_ms_max: u64,
    /// Longest wait for the log's acknowledgement, milliseconds. Default 30,000. Then the request is
    /// answered with 503: the act may or may not be in the log.
    pub publish_wait_ms_max: u64,
    /// Longest wait for the next record when a list is read, milliseconds. Default 10,000. Then the
    /// request is answered with 503.
    pub read_wait_ms_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            token_file: PathBuf::new(),
            token: Secret::default(),
            hosts: Vec::new(),
            body_bytes_max: 1024 * 1024,
            body_wait_ms_max: 10_000,
            publish_wait_ms_max: 30_000,
            read_wait_ms_max: 10_000,
        }
    }
}

impl Config {
    /// Invalid values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        let is_url = self.url.is_empty()
            || ["http://", "https://"].iter().any(|scheme| self.url.starts_with(scheme));
        checks.must(is_url, "url", "be a URL that begins with `http://` or `https://`");
        let both = !self.token_file.as_os_str().is_empty() && !self.token.reveal().is_empty();
        checks.must(!both, "token_file", "not be set together with `token`");
        checks.at_least("body_bytes_max", self.body_bytes_max, 1);
        checks.into_problems()
    }

    pub(super) const fn body_wait(&self) -> Duration {
        Duration::from_millis(self.body_wait_ms_max)
    }

    pub(super) const fn publish_wait(&self) -> Duration {
        Duration::from_millis(self.publish_wait_ms_max)
    }

    pub(super) const fn read_wait(&self) -> Duration {
        Duration::from_millis(self.read_wait_ms_max)
    }
}
