//! The configuration of the product: a section for each role, and for each resource they share.

mod listen;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service::config::Checks;
use service::telemetry::Format;

pub use listen::Listen;

/// Heartbeat intervals that must fit into `notifier.dead_after_secs`.
const HEARTBEATS_MIN: u64 = 3;

/// Longest `kafka.instance`, bytes: Kafka accepts 249, and a dot and 16 digits follow it.
const INSTANCE_BYTES_MAX: usize = 232;

/// Configuration of all roles. `driftseal config print` shows the effective one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Log output of the process.
    pub telemetry: Telemetry,
    /// Addresses that the process listens on.
    pub listen: Listen,
    /// Names and partitions of the topics.
    pub topics: Topics,
    /// Apache Kafka, the event log of installations with more than one process.
    pub kafka: Kafka,
    /// The embedded event log, for a single process; used if no brokers are configured.
    pub embedded: Embedded,
    /// The store of sealed segments and the transparency log.
    pub archive: Archive,
    /// The signing keys of the transparency log.
    pub keys: Keys,
    /// The prefix that the names of topics have been given; see [`Self::with_prefix`].
    #[serde(skip)]
    pub(crate) applied_prefix: String,
    /// The collector: ingests events over HTTP.
    pub collector: collector::Config,
    /// The processor: computes metrics, detects drift, raises alerts.
    pub processor: processor::Config,
    /// The sealer: writes segments and the transparency log.
    pub sealer: sealer::Config,
    /// The notifier: sends alerts to receivers. `driftseal up` runs it if a sink is configured.
    pub notifier: notifier::Config,
    /// The evidence role: follows the transparency log and verifies it.
    pub evidence: evidence::role::Config,
    /// The gateway: acts of people and pipelines over HTTP, in the process of the evidence role; and how
    /// commands reach it.
    pub gateway: evidence::gateway::Config,
    /// What `driftseal ready` requires before a version is deployed; the gateway answers it.
    pub ready: evidence::gateway::ready::Config,
}

/// Log output of the process, on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Level (`error`, `warn`, `info`, `debug`, `trace`) or a filter such as `info,sealer=debug`.
    /// Default `info`.
    pub level: String,
    /// `text` for people, `json` for log collectors. Default `text`.
    pub format: Format,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { level: "info".into(), format: Format::Text }
    }
}

/// Names and partitions of the topics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topics {
    /// Prefix of all topic names, for example `staging.`. Default empty.
    pub prefix: String,
    /// Partitions of topics that `driftseal topics create` or `driftseal up` creates. Default 6, at
    /// least 1. `driftseal topics create` adds partitions to topics that have fewer. The number can never
    /// be reduced, and increasing it moves agents to other partitions. Topics that are derived from the
    /// events get as many as those by themselves.
    pub partitions: i32,
    /// Interval at which running roles read the settings of their topics again, seconds. Default 60, at least
    /// 1. A role whose topics have a setting that loses or falsifies records is not ready until it is repaired.
    pub settings_interval_secs: u64,
}

impl Default for Topics {
    fn default() -> Self {
        Self { prefix: String::new(), partitions: 6, settings_interval_secs: 60 }
    }
}

/// Apache Kafka.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kafka {
    /// Bootstrap brokers, `host:port`. Default none: the embedded log is used.
    pub brokers: Vec<String>,
    /// Static group membership of the process in the groups of its roles: the name of a member
    /// (`group.instance.id`) is this, a dot and a digest of group and subscription. After a crash, a
    /// process that restarts with the same id gets its partitions back at once; without an id, the
    /// group waits for the session timeout (`session.timeout.ms`, 45 s). Processes that run the same
    /// role need different ids: if two use the same one, the process started last keeps it and the
    /// other continues as a dynamic member. A process that stops keeps its partitions until the
    /// session timeout, too. Default `driftseal`; empty disables static membership.
    pub instance: String,
    /// Largest record, bytes; a larger one is rejected. Default 1,000,000. `max.message.bytes` of the
    /// topics must allow it.
    pub record_bytes_max: usize,
    /// Seconds after which partitions that were added to a topic are found at the latest. Default 30,
    /// 1 to 300.
    pub metadata_refresh_secs: u64,
    /// Replication factor of topics that are created. Default -1: that of the brokers.
    pub replication: i32,
    /// Properties of librdkafka, passed through unchanged, for example `"security.protocol"`. They
    /// override those that Driftseal sets.
    pub client: BTreeMap<String, String>,
    /// Files that hold the values of further properties, for secrets: `"sasl.password" =
    /// "/run/secrets/kafka"`. White space around a value is left out. Other users must not be able to
    /// read the files. Read at the start.
    pub client_files: BTreeMap<String, PathBuf>,
}

impl Kafka {
    /// The properties of librdkafka, with those that stand in files.
    ///
    /// # Errors
    ///
    /// The problems of all files, each with its key.
    pub fn properties(&self) -> Result<BTreeMap<String, String>, Vec<String>> {
        let mut properties = self.client.clone();
        let mut problems = Vec::new();
        for (property, file) in &self.client_files {
            let key = format!("`kafka.client_files.\"{property}\"`");
            match service::files::read_secret(file) {
                Ok(text) => {
                    properties.insert(property.clone(), text.trim().to_owned());
                }
                Err(error) => {
                    let shown = file.display();
                    problems.push(format!("{key}: failed to read `{shown}`: {error}"));
                }
            }
        }
        if problems.is_empty() { Ok(properties) } else { Err(problems) }
    }
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            instance: "driftseal".to_owned(),
            record_bytes_max: 1_000_000,
            metadata_refresh_secs: 30,
            replication: -1,
            client: BTreeMap::new(),
            client_files: BTreeMap::new(),
        }
    }
}

impl Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A property may hold a password.
        f.debug_struct("Kafka")
            .field("brokers", &self.brokers)
            .field("client", &self.client.keys())
            .finish_non_exhaustive()
    }
}

/// The embedded event log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedded {
    /// Directory of the log; created if it does not exist. Default `driftseal/log`.
    pub directory: PathBuf,
    /// Whether to acknowledge records only after an `fsync`. Default true. If false, acknowledged
    /// records survive a crash of the process, but not a power failure.
    pub sync: bool,
    /// Largest record, bytes; a larger one is rejected. Default 1 MiB.
    pub record_bytes_max: usize,
    /// Age at which records that are sealed and processed are deleted, seconds. Default 604,800, a
    /// week. Acts in the governance topic are kept for ever. `alert list` shows what is not deleted.
    pub retention_secs: u32,
}

impl Default for Embedded {
    fn default() -> Self {
        Self {
            directory: "driftseal/log".into(),
            sync: true,
            record_bytes_max: 1 << 20,
            retention_secs: 7 * 24 * 3_600,
        }
    }
}

/// The archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// `file:///directory`, a path, or `s3://bucket/prefix`. Default `driftseal/archive`. Credentials
    /// for S3 come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, from the profile `AWS_PROFILE`
    /// of `~/.aws/credentials` and `~/.aws/config`, from web identity
    /// (`AWS_WEB_IDENTITY_TOKEN_FILE`), or from the role of the container or instance.
    pub url: String,
    /// URL of the S3 endpoint, for stores other than Amazon S3. Default empty: `AWS_ENDPOINT_URL_S3`
    /// or `AWS_ENDPOINT_URL`, else the profile's, else Amazon's endpoint of the region.
    pub endpoint: String,
    /// Region of the bucket. Default empty: `AWS_REGION` or `AWS_DEFAULT_REGION`, else the profile's,
    /// else `us-east-1`.
    pub region: String,
    /// Whether the S3 endpoint may be an `http://` URL, which transfers objects unencrypted. Default
    /// false.
    pub allow_http: bool,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            url: "driftseal/archive".into(),
            endpoint: String::new(),
            region: String::new(),
            allow_http: false,
        }
    }
}

impl Archive {
    /// Options of the archive: these settings, and the `AWS_` environment variables.
    #[must_use]
    pub fn options(&self) -> archive::Options {
        archive::Options {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            allow_http: self.allow_http,
            environment: service::config::environment("AWS_"),
            home: std::env::home_dir(),
            ..archive::Options::default()
        }
    }
}

/// The signing keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Directory of `log.key`, `sealer.key`, `evidence.key` (which signs packs), `processor.key` and
    /// `governance.key`, which only their owner may read, and of `policy.txt`, the public keys.
    /// `driftseal log init` creates them; a role needs its own keys and `policy.txt`. Default
    /// `driftseal/keys`.
    pub directory: PathBuf,
}

impl Default for Keys {
    fn default() -> Self {
        Self { directory: "driftseal/keys".into() }
    }
}

impl Config {
    /// Invalid values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        self.listen.check(&mut checks);
        checks.below("gateway", self.gateway.problems());
        checks.below("ready", self.ready.problems());
        checks.must(
            service::telemetry::is_level(&self.telemetry.level),
            "telemetry.level",
            "be `error`, `warn`, `info`, `debug`, `trace` or a filter such as `info,sealer=debug`",
        );
        if let Some(problem) = archive::location_problem(&self.archive.url) {
            checks.must(false, "archive.url", format_args!("name an archive: {problem}"));
        }
        checks.at_least("topics.partitions", self.topics.partitions, 1);
        checks.at_least("topics.settings_interval_secs", self.topics.settings_interval_secs, 1);
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let instance = &self.kafka.instance;
        checks.must(
            instance.len() <= INSTANCE_BYTES_MAX && instance.bytes().all(is_allowed),
            "kafka.instance",
            format_args!("be at most {INSTANCE_BYTES_MAX} of letters, digits, `.`, `_` and `-`"),
        );
        checks.must(
            (1..=300).contains(&self.kafka.metadata_refresh_secs),
            "kafka.metadata_refresh_secs",
            "be 1 to 300",
        );
        for property in self.kafka.client_files.keys() {
            checks.must(
                !self.kafka.client.contains_key(property),
                format_args!("kafka.client_files.\"{property}\""),
                "not be set in `kafka.client` too",
            );
        }
        self.check_across_sections(&mut checks);
        checks.below("collector", self.collector.problems());
        checks.below("processor", self.processor.problems());
        checks.below("sealer", self.sealer.problems());
        checks.below("notifier", self.notifier.problems());
        checks.below("evidence", self.evidence.problems());
        checks.into_problems()
    }

    /// The file of the credentials that servers know.
    #[must_use]
    pub fn credentials_file(&self) -> PathBuf {
        self.keys.directory.join(service::access::CREDENTIALS_FILE)
    }

    /// The configuration of the collector, with the file of credentials.
    pub(crate) fn collector_with_places(&self) -> collector::Config {
        let mut config = self.collector.clone();
        if config.credentials_file.as_os_str().is_empty() {
            config.credentials_file = self.credentials_file();
        }
        config
    }

    /// The file with the token that commands show to the gateway.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        let given = &self.gateway.token_file;
        if given.as_os_str().is_empty() {
            self.keys.directory.join(evidence::gateway::TOKEN_FILE)
        } else {
            given.clone()
        }
    }

    /// What is wrong with the secrets on this machine, each with its key: files that cannot be read or
    /// that others may read, texts that are not what a receiver wants. Apart from
    /// [`Config::problems`], because a machine has the secrets of its own roles only.
    #[must_use]
    pub fn secret_problems(&self) -> Vec<String> {
        let mut problems = self.kafka.properties().err().into_iter().flatten().collect::<Vec<_>>();
        problems.extend(self.notifier.secret_problems());
        let directory = &self.keys.directory;
        if directory.exists()
            && let Err(error) = service::files::check_directory(directory)
        {
            problems.push(format!("`keys.directory`: `{}`: {error}", directory.display()));
        }
        problems
    }

    /// Checks values that depend on those of other sections.
    fn check_across_sections(&self, checks: &mut Checks) {
        let (processor, sealer) = (&self.processor, &self.sealer);
        checks.must(
            processor.value_bytes_max == sealer.value_bytes_max,
            "processor.value_bytes_max",
            format_args!(
                "equal `sealer.value_bytes_max`, for the sealed events to be those that were \
                 processed; they are {} and {}",
                processor.value_bytes_max, sealer.value_bytes_max
            ),
        );
        checks.must(
            self.collector.event_bytes_max <= sealer.value_bytes_max,
            "collector.event_bytes_max",
            format_args!(
                "be at most `sealer.value_bytes_max`, for accepted events not to be quarantined; \
                 they are {} and {}",
                self.collector.event_bytes_max, sealer.value_bytes_max
            ),
        );
        let (admitted, enforced) = (&processor.topics.governance, &self.notifier.topics.governance);
        checks.must(
            admitted == enforced,
            "processor.topics.governance",
            format_args!(
                "equal `notifier.topics.governance`, where the gateway writes acts too; they are \
                 `{admitted}` and `{enforced}`"
            ),
        );
        let (dead_after, tick) =
            (u64::from(self.notifier.dead_after_secs), processor.tick_interval_secs);
        // A product beyond 64 bits is above any setting.
        let least = tick.saturating_mul(HEARTBEATS_MIN);
        checks.must(
            dead_after == 0 || tick == 0 || dead_after >= least,
            "notifier.dead_after_secs",
            format_args!(
                "be 0 or at least {HEARTBEATS_MIN} times `processor.tick_interval_secs`; they are \
                 {dead_after} and {tick}"
            ),
        );
    }

    /// Applies the prefix to all topic names.
    #[must_use]
    pub fn with_prefix(mut self) -> Self {
        let prefix = std::mem::take(&mut self.topics.prefix);
        self.applied_prefix.clone_from(&prefix);
        let topics = &mut self.processor.topics;
        let notified = &mut self.notifier.topics;
        let singles = [
            &mut self.collector.topic,
            &mut topics.events,
            &mut topics.metrics,
            &mut topics.alerts,
            &mut topics.governance,
            &mut topics.state,
            &mut notified.alerts,
            &mut notified.governance,
            &mut notified.state,
        ];
        for topic in singles.into_iter().chain(&mut self.sealer.topics) {
            topic.insert_str(0, &prefix);
        }
        self
    }

    /// Options of a replay: the names of the topics. The settings of the monitor come from the archive.
    #[must_use]
    pub fn replay_options(&self) -> evidence::ReplayOptions {
        let topics = &self.processor.topics;
        evidence::ReplayOptions {
            events: topics.events.clone(),
            metrics: topics.metrics.clone(),
            alerts: topics.alerts.clone(),
            ..evidence::ReplayOptions::default()
        }
    }

    /// The topics that the roles use, by name in ascending order.
    #[must_use]
    pub fn topic_specs(&self) -> Vec<ports::TopicSpec> {
        let processor = &self.processor.topics;
        let mut names: BTreeMap<&str, bool> = BTreeMap::new();
        for name in self.sealer.topics.iter().map(String::as_str).chain([
            self.collector.topic.as_str(),
            &processor.events,
            &processor.metrics,
            &processor.alerts,
            &self.notifier.topics.alerts,
            &self.notifier.topics.governance,
        ]) {
            names.insert(name, false);
        }
        names.insert(&processor.state, true);
        names.insert(&self.notifier.topics.state, true);
        names
            .into_iter()
            .map(|(name, compacted)| ports::TopicSpec {
                name: name.to_owned(),
                // Acts have one order.
                partitions: if name == self.notifier.topics.governance {
                    1
                } else {
                    self.topics.partitions
                },
                compacted,
                // Who starts reads all acts.
                kept: name == self.notifier.topics.governance,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
