//! What operators and other applications do to topics of a cluster, for tests: create, change, delete,
//! and leave transactions open. Built with the feature `operate` only.

use std::ffi::{CStr, CString};
use std::time::Duration;

use event::TopicPartition;
use ports::{LogError, Outgoing};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::blocking::wait_for;
use crate::context::QuietContext;
use crate::native;
use crate::options::Options;
use crate::outcome::{code_outcome, outcome};

/// Longest wait for the brokers.
const WAIT: Duration = Duration::from_secs(30);

fn fatal(error: &KafkaError) -> LogError {
    LogError::Fatal(format!("Kafka: {error}"))
}

/// Who holds a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replicas {
    /// The broker that leads it; negative while nobody does.
    pub leader: i32,
    /// Brokers that hold all that was acknowledged.
    pub in_sync: Vec<i32>,
}

/// An operator of a cluster.
pub struct Operator {
    admin: AdminClient<QuietContext>,
    bootstrap: String,
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Operator")
            .field("bootstrap", &self.bootstrap)
            .finish_non_exhaustive()
    }
}

impl Operator {
    /// Connects to a cluster.
    ///
    /// # Errors
    ///
    /// `Fatal` if the client cannot be made.
    pub fn connect(bootstrap: &str) -> Result<Self, LogError> {
        let options = Options::new(bootstrap);
        let admin = AdminClient::from_config_and_context(&options.admin(), QuietContext)
            .map_err(|error| fatal(&error))?;
        Ok(Self { admin, bootstrap: bootstrap.to_owned() })
    }

    fn options() -> AdminOptions {
        AdminOptions::new().request_timeout(Some(WAIT)).operation_timeout(Some(WAIT))
    }

    /// Creates a topic with these settings.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn create(
        &self,
        topic: &str,
        partitions: i32,
        settings: &[(&str, &str)],
    ) -> Result<(), LogError> {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
        let results = wait_for(self.admin.create_topics([&new], &Self::options()));
        first(results.map_err(|error| outcome(&error, topic))?)
    }

    /// Who holds the partitions of a topic.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn replicas(&self, topic: &str) -> Result<Vec<Replicas>, LogError> {
        let found = self.admin.inner().fetch_metadata(Some(topic), WAIT);
        let found = found.map_err(|error| outcome(&error, topic))?;
        let partitions = found.topics().iter().flat_map(|topic| topic.partitions());
        let replicas = partitions.map(|partition| Replicas {
            leader: partition.leader(),
            in_sync: partition.isr().to_vec(),
        });
        Ok(replicas.collect())
    }

    /// Deletes a topic.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn delete(&self, topic: &str) -> Result<(), LogError> {
        let results = wait_for(self.admin.delete_topics(&[topic], &Self::options()));
        first(results.map_err(|error| outcome(&error, topic))?)
    }

    /// Replaces the settings of a topic.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn set(&self, topic: &str, settings: &[(&str, &str)]) -> Result<(), LogError> {
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic));
        let change = settings.iter().fold(change, |change, (name, value)| change.set(name, value));
        let results = wait_for(self.admin.alter_configs([&change], &Self::options()))
            .map_err(|error| outcome(&error, topic))?;
        for result in results {
            result.map_err(|(_, code)| code_outcome(code, topic))?;
        }
        Ok(())
    }

    /// Adds partitions to a topic until it has so many.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn grow(&self, topic: &str, partitions: usize) -> Result<(), LogError> {
        let new = NewPartitions::new(topic, partitions);
        let results = wait_for(self.admin.create_partitions([&new], &Self::options()));
        first(results.map_err(|error| outcome(&error, topic))?)
    }

    /// Deletes the records of a partition before an offset, as retention does.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn delete_records(&self, partition: &TopicPartition, before: i64) -> Result<(), LogError> {
        let (topic, number) = (&*partition.topic, partition.partition);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, number, Offset::Offset(before))
            .map_err(|error| fatal(&error))?;
        let results = wait_for(self.admin.delete_records(&list, &Self::options()))
            .map_err(|error| outcome(&error, topic))?;
        for element in results.elements() {
            element.error().map_err(|error| outcome(&error, topic))?;
        }
        Ok(())
    }

    /// Publishes a record with a header of any name, also one that is no text.
    ///
    /// # Errors
    ///
    /// What librdkafka says.
    pub fn publish_with_header(
        &self,
        partition: &TopicPartition,
        value: &[u8],
        header: &CStr,
    ) -> Result<(), LogError> {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .create()
            .map_err(|error| fatal(&error))?;
        let name = CString::new(&*partition.topic);
        let name = name.map_err(|error| LogError::Fatal(format!("topic name: {error}")))?;
        let to = (&*name, partition.partition);
        native::publish_with_header(producer.client(), to, value, header)
            .map_err(|code| code_outcome(code, &partition.topic))?;
        producer.flush(WAIT).map_err(|error| fatal(&error))
    }

    /// Begins a transaction of another application.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn begin(&self, transactional_id: &str) -> Result<Transaction, LogError> {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .set("transactional.id", transactional_id)
            .create()
            .map_err(|error| fatal(&error))?;
        producer.init_transactions(WAIT).map_err(|error| fatal(&error))?;
        producer.begin_transaction().map_err(|error| fatal(&error))?;
        Ok(Transaction { producer })
    }
}

fn first(
    results: Vec<Result<String, (String, rdkafka::error::RDKafkaErrorCode)>>,
) -> Result<(), LogError> {
    for result in results {
        result.map_err(|(topic, code)| code_outcome(code, &topic))?;
    }
    Ok(())
}

/// A transaction that is open; one that is dropped stays open until it times out.
pub struct Transaction {
    producer: BaseProducer,
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Transaction").finish_non_exhaustive()
    }
}

impl Transaction {
    /// Writes records, which are in the partition when it returns.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn write(&self, records: &[Outgoing]) -> Result<(), LogError> {
        for record in records {
            let mut outgoing: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&record.topic);
            outgoing.partition = record.partition;
            outgoing.key = record.key.as_deref();
            outgoing.payload = record.value.as_deref();
            self.producer.send(outgoing).map_err(|(error, _)| fatal(&error))?;
        }
        self.producer.flush(WAIT).map_err(|error| fatal(&error))
    }

    /// Commits it.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn commit(self) -> Result<(), LogError> {
        self.producer.commit_transaction(WAIT).map_err(|error| fatal(&error))
    }

    /// Aborts it.
    ///
    /// # Errors
    ///
    /// What the brokers say.
    pub fn abort(self) -> Result<(), LogError> {
        self.producer.abort_transaction(WAIT).map_err(|error| fatal(&error))
    }
}
