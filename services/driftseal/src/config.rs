//! The one configuration of the product: a section per role and one for each thing they share.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service::telemetry::Format;

/// Heartbeats of the processor that must fit into the time after which it is taken for dead.
const HEARTBEATS_MIN: u64 = 3;

/// Longest name of a member that Kafka takes.
const INSTANCE_BYTES_MAX: usize = 249;

/// Configuration of every role. `driftseal config print` shows what is in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Log lines of the process.
    pub telemetry: Telemetry,
    /// Where the process listens.
    pub listen: Listen,
    /// Names and shape of the topics.
    pub topics: Topics,
    /// Apache Kafka, the event log wherever more than one process or machine matters.
    pub kafka: Kafka,
    /// The event log in a directory, for one process; used when no brokers are configured.
    pub embedded: Embedded,
    /// Where sealed segments and the transparency log are.
    pub archive: Archive,
    /// The signing keys of the transparency log.
    pub keys: Keys,
    /// The collector: events over HTTP into the log.
    pub collector: collector::Config,
    /// The processor: metrics, drift and alerts.
    pub processor: processor::Config,
    /// The sealer: segments and the transparency log.
    pub sealer: sealer::Config,
    /// The notifier: alerts to receivers. It runs where a sink is configured.
    pub notifier: notifier::Config,
    /// The evidence role: follows the transparency log and says whether it holds.
    pub evidence: evidence::role::Config,
}

/// Log lines of the process, on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Level, or a filter such as `info,sealer=debug`.
    pub level: String,
    /// `text` for people, `json` for collectors of log lines.
    pub format: Format,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { level: "info".into(), format: Format::Text }
    }
}

/// Where the process listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address of the collector's HTTP server; it has no authentication of its own, so the
    /// default is this machine only.
    pub collector: String,
    /// Address of `/healthz`, `/readyz` and `/metrics` for
    /// `driftseal run processor|sealer|notifier`.
    pub operations: String,
    /// Address of `/healthz`, `/readyz` and `/metrics` of the evidence role.
    pub evidence: String,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            collector: "127.0.0.1:8480".into(),
            operations: "127.0.0.1:8481".into(),
            evidence: "127.0.0.1:8482".into(),
        }
    }
}

/// Names and shape of the topics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topics {
    /// Put before the name of every topic of every role, for example `staging.`.
    pub prefix: String,
    /// Partitions of a topic that `driftseal topics create` or `driftseal up` creates. They cannot
    /// be fewer later; more of them change which partition an agent belongs to.
    pub partitions: i32,
}

impl Default for Topics {
    fn default() -> Self {
        Self { prefix: String::new(), partitions: 6 }
    }
}

/// Apache Kafka.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kafka {
    /// Addresses of brokers, `host:port`. Empty: the embedded log is used.
    pub brokers: Vec<String>,
    /// Name of the process in the groups that its roles join. A process that died and comes back
    /// under its name has its partitions again at once; without a name the group waits until the
    /// dead one has timed out (`session.timeout.ms`, 45 s). Where several processes run the same
    /// role give each a name of its own: of two with one name the last one started has it, and the
    /// other goes on without. A named process that ends keeps its partitions for as long, too.
    /// Default `driftseal`; empty for none.
    pub instance: String,
    /// Largest record, bytes; a larger one is refused. The topics' `max.message.bytes` must allow
    /// it.
    pub record_bytes_max: usize,
    /// Copies of each partition of a topic that is created; -1 leaves it to the brokers.
    pub replication: i32,
    /// Properties of librdkafka, handed on as they are, for example `"security.protocol"`. They
    /// win over what Driftseal sets.
    pub client: BTreeMap<String, String>,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            instance: "driftseal".to_owned(),
            record_bytes_max: 1_000_000,
            replication: -1,
            client: BTreeMap::new(),
        }
    }
}

impl Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A property may be a password.
        f.debug_struct("Kafka")
            .field("brokers", &self.brokers)
            .field("client", &self.client.keys())
            .finish_non_exhaustive()
    }
}

/// The event log in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedded {
    /// The directory; created if it does not exist.
    pub directory: PathBuf,
    /// Whether a record is acknowledged only once it is on the disk. Off, what was acknowledged
    /// survives the death of the process but not a power loss.
    pub sync: bool,
    /// Largest record, bytes; a larger one is refused.
    pub record_bytes_max: usize,
}

impl Default for Embedded {
    fn default() -> Self {
        Self { directory: "driftseal/log".into(), sync: true, record_bytes_max: 1 << 20 }
    }
}

/// The archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// `file:///directory`, a path, or `s3://bucket/prefix`. Credentials for S3 come from where
    /// Amazon's tools look for them: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, web identity
    /// (`AWS_WEB_IDENTITY_TOKEN_FILE`), the container's or the instance's role.
    pub url: String,
    /// URL of the S3 endpoint, for stores other than Amazon's. Empty: that of the environment
    /// (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`), else Amazon's of the region.
    pub endpoint: String,
    /// Region of the bucket. Empty: that of the environment (`AWS_REGION`, `AWS_DEFAULT_REGION`),
    /// else `us-east-1`.
    pub region: String,
    /// Whether the S3 endpoint may be an `http://` URL: objects then cross the network in clear.
    /// Default false.
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
    /// How the archive is reached: these keys, and the variables of the environment that belong to
    /// S3.
    #[must_use]
    pub fn options(&self) -> archive::Options {
        archive::Options {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            allow_http: self.allow_http,
            environment: service::config::environment("AWS_"),
            ..archive::Options::default()
        }
    }
}

/// The signing keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Directory of `log.key` and `sealer.key`, readable by their owner only, and of
    /// `policy.txt`, which verifiers are given. `driftseal log init` creates them.
    pub directory: PathBuf,
}

impl Default for Keys {
    fn default() -> Self {
        Self { directory: "driftseal/keys".into() }
    }
}

impl Config {
    /// Everything that is wrong with the values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, address) in [
            ("collector", &self.listen.collector),
            ("operations", &self.listen.operations),
            ("evidence", &self.listen.evidence),
        ] {
            if address.parse::<std::net::SocketAddr>().is_err() {
                problems.push(format!(
                    "`listen.{key}`: `{address}` is not an address like 127.0.0.1:8480"
                ));
            }
        }
        if self.topics.partitions < 1 {
            problems.push("`topics.partitions`: must be at least 1".into());
        }
        let may_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let instance = &self.kafka.instance;
        if instance.len() > INSTANCE_BYTES_MAX || !instance.bytes().all(may_name) {
            problems.push(format!(
                "`kafka.instance`: at most {INSTANCE_BYTES_MAX} letters, digits, `.`, `_` and `-`"
            ));
        }
        problems.extend(self.contradictions());
        let sections = [
            ("collector", self.collector.problems()),
            ("processor", self.processor.problems()),
            ("sealer", self.sealer.problems()),
            ("notifier", self.notifier.problems()),
            ("evidence", self.evidence.problems()),
        ];
        for (section, found) in sections {
            problems.extend(found.into_iter().map(|problem| format!("[{section}] {problem}")));
        }
        problems
    }

    /// Values of different sections that do not go together.
    fn contradictions(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (processor, sealer) = (&self.processor, &self.sealer);
        if processor.value_bytes_max != sealer.value_bytes_max {
            problems.push(format!(
                "`processor.value_bytes_max` ({}) and `sealer.value_bytes_max` ({}): must be the \
                 same, or what is sealed is not what was computed from",
                processor.value_bytes_max, sealer.value_bytes_max
            ));
        }
        if self.collector.event_bytes_max > sealer.value_bytes_max {
            problems.push(format!(
                "`collector.event_bytes_max` ({}): must be at most `sealer.value_bytes_max` ({}), \
                 or an event that is accepted is quarantined",
                self.collector.event_bytes_max, sealer.value_bytes_max
            ));
        }
        let (dead_after, tick) =
            (u64::from(self.notifier.dead_after_secs), processor.tick_interval_secs);
        if dead_after > 0 && tick > 0 && dead_after < tick.saturating_mul(HEARTBEATS_MIN) {
            problems.push(format!(
                "`notifier.dead_after_secs` ({dead_after}): must be 0 or at least \
                 {HEARTBEATS_MIN} times `processor.tick_interval_secs` ({tick})"
            ));
        }
        problems
    }

    /// The configuration with the prefix put before every topic.
    #[must_use]
    pub fn with_prefix(mut self) -> Self {
        let prefix = std::mem::take(&mut self.topics.prefix);
        let topics = &mut self.processor.topics;
        let notified = &mut self.notifier.topics;
        let singles = [
            &mut self.collector.topic,
            &mut topics.events,
            &mut topics.metrics,
            &mut topics.alerts,
            &mut topics.state,
            &mut notified.alerts,
            &mut notified.state,
        ];
        for topic in singles.into_iter().chain(&mut self.sealer.topics) {
            topic.insert_str(0, &prefix);
        }
        self
    }

    /// What a replay reads: the names of the topics. Settings of the computation come from the
    /// archive.
    #[must_use]
    pub fn replay_options(&self) -> evidence::ReplayOptions {
        let topics = &self.processor.topics;
        evidence::ReplayOptions {
            events: topics.events.clone(),
            metrics: topics.metrics.clone(),
            alerts: topics.alerts.clone(),
            trust_archive: false,
        }
    }

    /// Every topic that the roles use, in ascending order of names.
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
        ]) {
            names.insert(name, false);
        }
        names.insert(&processor.state, true);
        names.insert(&self.notifier.topics.state, true);
        names
            .into_iter()
            .map(|(name, compacted)| ports::TopicSpec {
                name: name.to_owned(),
                partitions: self.topics.partitions,
                compacted,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problems_and_problems_name_their_section() {
        assert_eq!(Config::default().problems(), Vec::<String>::new());
        let mut wrong = Config::default();
        wrong.listen.operations = "nowhere".into();
        wrong.topics.partitions = 0;
        wrong.sealer.group.clear();
        wrong.notifier.queue_max = 0;
        assert_eq!(
            wrong.problems(),
            [
                "`listen.operations`: `nowhere` is not an address like 127.0.0.1:8480",
                "`topics.partitions`: must be at least 1",
                "[sealer] `group`: a name is needed",
                "[notifier] `queue_max`: must be at least 1",
            ]
        );
    }

    #[test]
    fn values_that_do_not_go_together_are_named_with_both_keys() {
        let mut config = Config::default();
        config.processor.value_bytes_max = 2_000_000;
        config.collector.event_bytes_max = 3_000_000;
        config.notifier.dead_after_secs = 179;
        let problems = config.problems();
        let keys = [
            ["`processor.value_bytes_max` (2000000)", "`sealer.value_bytes_max` (1048576)"],
            ["`collector.event_bytes_max` (3000000)", "`sealer.value_bytes_max` (1048576)"],
            ["`notifier.dead_after_secs` (179)", "`processor.tick_interval_secs` (60)"],
        ];
        assert_eq!(problems.len(), keys.len(), "{problems:?}");
        for (problem, keys) in problems.iter().zip(keys) {
            assert!(keys.iter().all(|key| problem.contains(key)), "{problem}");
        }
        config.processor.tick_interval_secs = 0;
        assert_eq!(config.problems().len(), 2, "without heartbeats nobody is dead");
    }

    #[test]
    fn a_prefix_stands_before_every_topic_and_the_state_topic_is_compacted() {
        let mut config = Config::default();
        config.topics.prefix = "staging.".into();
        let specs = config.with_prefix().topic_specs();
        let names: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.compacted)).collect();
        assert_eq!(
            names,
            [
                ("staging.agent.events", false),
                ("staging.driftseal.alerts", false),
                ("staging.driftseal.controls", false),
                ("staging.driftseal.metrics", false),
                ("staging.driftseal.state", true),
            ]
        );
    }

    #[cfg(feature = "tls")]
    #[test]
    fn sinks_are_named_tables_and_their_secrets_may_come_from_the_environment() {
        let file = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            file
        };
        let given = file(
            "[notifier]\nrequests_max = 2\n[notifier.sinks.oncall]\ntype = 'pagerduty'\n\
             token_name = 'pagerduty'\nroute = { severities = ['page'] }\n\
             [notifier.sinks.am]\ntype = 'alertmanager'\nurl = 'http://a:9093'\n\
             resend_secs = 30\nlabels = { team = 'ai' }\n",
        );
        let secret = ("DRIFTSEAL__NOTIFIER__SECRETS__PAGERDUTY".to_owned(), "hunter2".to_owned());
        let config: Config =
            service::config::load_from(Some(given.path()), [secret.clone()]).unwrap();
        assert_eq!(config.problems(), Vec::<String>::new());
        assert_eq!(config.notifier.sinks.keys().collect::<Vec<_>>(), ["am", "oncall"]);
        assert_eq!(config.notifier.secrets["pagerduty"].reveal(), "hunter2");
        let shown = format!("{config:?}{}", toml::to_string_pretty(&config).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");

        let wrong = file(
            "[notifier]\nrequest_max = 2\n[notifier.sinks.oncall]\ntype = 'pagerduty'\n\
             tokn_file = 'x'\n[notifier.sinks.dove]\ntype = 'pigeon'\n",
        );
        let error = service::config::load_from::<Config>(Some(wrong.path()), []).unwrap_err();
        let text = error.to_string();
        for expected in [
            "`notifier.request_max`: no such key; the nearest is `notifier.requests_max`",
            "`notifier.sinks.oncall`: unknown field `tokn_file`",
            "`notifier.sinks.dove`: unknown variant `pigeon`",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn the_debug_form_shows_no_property() {
        let mut config = Config::default();
        config.kafka.client.insert("sasl.password".into(), "hunter2".into());
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
