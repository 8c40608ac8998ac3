//! The options of the adapter.

use std::collections::BTreeMap;
use std::time::Duration;

use ports::LogError;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// Properties that the promises of this crate depend on.
const FIXED: &[&str] = &[
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "group.id",
    "group.instance.id",
    "isolation.level",
    "message.max.bytes",
    "metadata.broker.list",
    "partitioner",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "statistics.interval.ms",
    "request.required.acks",
    "transactional.id",
];

/// Settings of the Kafka adapter. Each limit documents what happens beyond it.
#[derive(Clone)]
pub struct Options {
    /// Bootstrap brokers, `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// What the brokers call the clients (`client.id`), in quotas and logs.
    pub client_id: String,
    /// Properties of librdkafka, passed through unchanged (`security.protocol`, `sasl.password`,
    /// `group.protocol`, …). They override those that this crate sets, except for the fixed ones.
    pub client: BTreeMap<String, String>,
    /// Static group membership; empty disables it. The name of a member (`group.instance.id`) is
    /// `<instance>.<digest of group and subscription>`, so that nobody who subscribes to something else
    /// returns to an old assignment. A process that joins under the name of another one takes over its partitions at once, without a rebalance of the others;
    /// the older process continues as a dynamic member. A static member that leaves keeps its
    /// partitions until it returns or its session times out. The consumer protocol (KIP-848) rejects
    /// an id until the session has timed out, so static membership is not used there.
    pub instance: String,
    /// Largest record (key, value and headers), bytes; a larger one is `TooLarge`. The topic's
    /// `max.message.bytes` must allow it.
    pub record_bytes_max: usize,
    /// Records in flight; beyond that `QueueFull`. A call is always accepted when nothing is in flight.
    pub queue_records_max: usize,
    /// Bytes in flight; beyond that `QueueFull`. A call is always accepted when nothing is in flight.
    pub queue_bytes_max: usize,
    /// Timeout of a request to the brokers; then `Unavailable`.
    pub request_wait: Duration,
    /// Longest wait of a record for its acknowledgement; then its outcome is unknown
    /// (`Unavailable`).
    pub delivery_wait: Duration,
    /// How often clients ask the brokers which partitions topics have: added ones are found after this
    /// time at the latest. At most 5 minutes.
    pub metadata_refresh: Duration,
    /// Replication factor of new topics; -1 for the brokers' default.
    pub replication: i32,
}

impl Options {
    /// The defaults: `client.id` is `driftseal`, dynamic membership, records up to 1,000,000 bytes, 100,000
    /// records or 64 MiB in flight, 10 s for a request, 30 s for an acknowledgement, partitions asked for
    /// every 30 s, the brokers' replication factor.
    #[must_use]
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            client_id: "driftseal".to_owned(),
            client: BTreeMap::new(),
            instance: String::new(),
            record_bytes_max: 1_000_000,
            queue_records_max: 100_000,
            queue_bytes_max: 64 << 20,
            request_wait: Duration::from_secs(10),
            delivery_wait: Duration::from_secs(30),
            metadata_refresh: Duration::from_secs(30),
            replication: -1,
        }
    }

    /// Rejects properties that must not be overridden.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        match self.client.keys().find(|property| FIXED.contains(&property.as_str())) {
            None => Ok(()),
            Some(property) => Err(LogError::Fatal(format!(
                "client property `{property}` must not be set: it is fixed or has a setting of its own"
            ))),
        }
    }

    /// Whether the classic group protocol is used.
    pub(crate) fn is_classic(&self) -> bool {
        self.client.get("group.protocol").is_none_or(|protocol| protocol == "classic")
    }

    /// Largest batch that is sent, bytes: a record of the largest size with what surrounds it.
    pub(crate) fn batch_bytes_max(&self) -> usize {
        self.record_bytes_max.saturating_add(4_096).max(1_000)
    }

    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config.set("client.id", &self.client_id);
        config.set("log.connection.close", "false");
        let refresh_ms = self.metadata_refresh.as_millis().clamp(10, 300_000);
        config.set("topic.metadata.refresh.interval.ms", refresh_ms.to_string());
        // Lines that pass here are filtered by tracing.
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }

    fn with_client(&self, mut config: ClientConfig) -> ClientConfig {
        for (property, value) in &self.client {
            config.set(property, value);
        }
        config
    }

    pub(crate) fn admin(&self) -> ClientConfig {
        let mut config = self.common();
        config.set("isolation.level", "read_committed");
        config.set("allow.auto.create.topics", "false");
        self.with_client(config)
    }

    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.common();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            .set("compression.type", "zstd")
            .set("batch.size", "1000000")
            .set("allow.auto.create.topics", "false")
            .set("topic.metadata.propagation.max.ms", "10000")
            .set("message.timeout.ms", self.delivery_wait.as_millis().to_string())
            .set("message.max.bytes", self.batch_bytes_max().to_string())
            // Our own limits apply before anything is queued; these must only be wider.
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", i32::MAX.to_string());
        self.with_client(config)
    }

    pub(crate) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.common();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("allow.auto.create.topics", "false")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "100")
            // How far it has read, once a second.
            .set("statistics.interval.ms", "1000")
            .set("queued.max.messages.kbytes", "16384");
        if self.is_classic() {
            config.set("partition.assignment.strategy", "range");
        }
        self.with_client(config)
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Any property may hold a secret.
        let client: BTreeMap<&str, &str> =
            self.client.keys().map(|property| (property.as_str(), "…")).collect();
        formatter
            .debug_struct("Options")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("client_id", &self.client_id)
            .field("client", &client)
            .field("instance", &self.instance)
            .field("record_bytes_max", &self.record_bytes_max)
            .field("queue_records_max", &self.queue_records_max)
            .field("queue_bytes_max", &self.queue_bytes_max)
            .field("request_wait", &self.request_wait)
            .field("delivery_wait", &self.delivery_wait)
            .field("metadata_refresh", &self.metadata_refresh)
            .field("replication", &self.replication)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_printed() {
        let mut options = Options::new("localhost:9092");
        options.client.insert("sasl.password".to_owned(), "hunter2".to_owned());
        let text = format!("{options:?}");
        assert!(text.contains("sasl.password") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_property_that_carries_a_promise_is_refused_by_name() {
        let mut options = Options::new("localhost:9092");
        options.client.insert("group.protocol".to_owned(), "consumer".to_owned());
        assert_eq!(options.check(), Ok(()));
        options.client.insert("auto.offset.reset".to_owned(), "latest".to_owned());
        let error = options.check().unwrap_err();
        assert!(error.to_string().contains("`auto.offset.reset`"));
    }

    #[test]
    fn every_configuration_is_known_to_librdkafka() {
        let mut options = Options::new("localhost:9092");
        for protocol in ["classic", "consumer"] {
            options.client.insert("group.protocol".to_owned(), protocol.to_owned());
            for config in [options.admin(), options.producer(), options.consumer("group")] {
                config.create_native_config().unwrap();
            }
        }
    }
}
