//! The log itself.

use std::sync::Arc;
use std::time::Duration;

use event::TopicPartition;
use ports::settings::TopicSettings;
use ports::{Consumer, EventLog, LogError, OffsetRange, Producer, Subscription, TopicSpec};
use rdkafka::admin::AdminClient;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::consumer::KafkaConsumer;
use crate::context::QuietContext;
use crate::instance::Instance;
use crate::options::Options;
use crate::outcome::topic_outcome;
use crate::producer::KafkaProducer;
use crate::renewed::Renewed;
use crate::{native, settings, topics};

/// An event log on a Kafka cluster.
pub struct KafkaLog {
    options: Options,
    /// Client for requests to the brokers; in no group.
    asker: BaseConsumer<QuietContext>,
    admin: AdminClient<QuietContext>,
    producer: Arc<KafkaProducer>,
    cluster_id: String,
    instance: Arc<Instance>,
}

impl std::fmt::Debug for KafkaLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KafkaLog")
            .field("options", &self.options)
            .field("cluster_id", &self.cluster_id)
            .finish_non_exhaustive()
    }
}

impl KafkaLog {
    /// Connects to a cluster.
    ///
    /// # Errors
    ///
    /// `Fatal` if an option is invalid, `Unavailable` if no broker answers within
    /// [`Options::request_wait`].
    pub fn connect(options: Options) -> Result<Self, LogError> {
        options.check()?;
        let asker = BaseConsumer::from_config_and_context(&options.admin(), QuietContext)
            .map_err(|error| LogError::Fatal(format!("Kafka client: {error}")))?;
        let admin = AdminClient::from_config_and_context(&options.admin(), QuietContext)
            .map_err(|error| LogError::Fatal(format!("Kafka admin client: {error}")))?;
        let producer = Arc::new(KafkaProducer::new(&options)?);
        let cluster_id =
            asker.client().fetch_cluster_id(options.request_wait).ok_or_else(|| {
                LogError::Unavailable(format!(
                    "Kafka: no broker of `{}` answered within {:?}",
                    options.bootstrap_servers, options.request_wait
                ))
            })?;
        let name = if options.is_classic() { options.instance.clone() } else { String::new() };
        let instance = Arc::new(Instance::new(name));
        Ok(Self { options, asker, admin, producer, cluster_id, instance })
    }

    /// The client for requests, after its queued events have been served.
    fn asker(&self) -> &BaseConsumer<QuietContext> {
        while self.asker.poll(Duration::ZERO).is_some() {}
        &self.asker
    }
}

impl EventLog for KafkaLog {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        topics::create(&self.options, &self.admin, self.asker(), topics)
    }

    fn grow_topic(&self, topic: &str, partitions: i32) -> Result<bool, LogError> {
        topics::grow(&self.options, &self.admin, self.asker(), topic, partitions)
    }

    fn partitions(&self, topic: &str) -> Result<i32, LogError> {
        topics::partitions(&self.options, self.asker(), topic)
    }

    fn cluster_id(&self) -> Result<String, LogError> {
        Ok(self.cluster_id.clone())
    }

    /// Kafka's topic id, as its tools print it; `<cluster id>/<name>` from brokers before Kafka 2.8, which
    /// have none.
    fn topic_id(&self, topic: &str) -> Result<String, LogError> {
        let id = native::topic_id(self.admin.inner(), topic, self.options.request_wait)
            .map_err(|code| topic_outcome(code, "Describe", topic))?;
        Ok(if id == 0 { format!("{}/{topic}", self.cluster_id) } else { settings::id_text(id) })
    }

    fn topic_settings(&self, topic: &str) -> Result<Option<TopicSettings>, LogError> {
        topics::partitions(&self.options, self.asker(), topic)?;
        settings::read(&self.options, &self.admin, topic)
    }

    fn offsets(&self, partition: &TopicPartition) -> Result<OffsetRange, LogError> {
        let count = topics::partitions(&self.options, self.asker(), &partition.topic)?;
        if !(0..count).contains(&partition.partition) {
            return Err(LogError::UnknownPartition(partition.to_string()));
        }
        topics::watermarks(&self.asker, partition, self.options.request_wait)
    }

    fn producer(&self) -> Arc<dyn Producer> {
        Arc::clone(&self.producer) as Arc<dyn Producer>
    }

    fn consumer(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, LogError> {
        let mut partitions = Vec::new();
        match &subscription {
            Subscription::Group { topics, .. } => {
                for topic in topics {
                    partitions.push(topics::partitions(&self.options, self.asker(), topic)?);
                }
            }
            Subscription::Partitions(read) => {
                for partition in read {
                    self.offsets(partition)?;
                }
            }
        }
        Ok(match subscription {
            Subscription::Group { group, topics } => {
                let subscription = (group, topics);
                Box::new(Renewed::join(&self.options, &self.instance, subscription, partitions)?)
            }
            Subscription::Partitions(_) => {
                Box::new(KafkaConsumer::new(&self.options, &self.instance, subscription, &[])?)
            }
        })
    }
}
