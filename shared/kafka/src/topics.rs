//! Creation and metadata of topics.

use std::time::Duration;

use event::TopicPartition;
use ports::{LogError, OffsetRange, TopicSpec};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;

use crate::blocking::wait_for;
use crate::context::QuietContext;
use crate::options::Options;
use crate::outcome::{denied, is_unknown, outcome, topic_error, topic_outcome};

/// `segment.bytes` of a compacted topic; Kafka's default is 1 GiB.
const COMPACTED_SEGMENT_BYTES: &str = "67108864";
/// `min.cleanable.dirty.ratio` of a compacted topic; Kafka's default is 0.5.
const COMPACTED_DIRTY_RATIO: &str = "0.2";

/// Creates the topics that are missing and waits until all brokers serve them.
pub(crate) fn create(
    options: &Options,
    admin: &AdminClient<QuietContext>,
    asker: &BaseConsumer<QuietContext>,
    topics: &[TopicSpec],
) -> Result<(), LogError> {
    topics.iter().try_for_each(TopicSpec::check)?;
    let missing = missing(options, asker, topics)?;
    if missing.is_empty() {
        return Ok(());
    }
    let specs: Vec<_> = missing
        .iter()
        .map(|spec| {
            let copies = TopicReplication::Fixed(options.replication);
            let topic = NewTopic::new(&spec.name, spec.partitions, copies)
                .set("message.timestamp.type", "LogAppendTime");
            let topic = if spec.kept {
                topic.set("retention.ms", "-1").set("retention.bytes", "-1")
            } else {
                topic
            };
            if spec.compacted {
                // A restart reads the whole topic, and the active segment is never compacted.
                topic
                    .set("cleanup.policy", "compact")
                    .set("segment.bytes", COMPACTED_SEGMENT_BYTES)
                    .set("min.cleanable.dirty.ratio", COMPACTED_DIRTY_RATIO)
            } else {
                topic.set("cleanup.policy", "delete")
            }
        })
        .collect();
    let wait = Some(options.request_wait);
    let admin_options = AdminOptions::new().request_timeout(wait).operation_timeout(wait);
    let results = wait_for(admin.create_topics(&specs, &admin_options))
        .map_err(|error| outcome(&error, "topics"))?;
    for result in results {
        match result {
            // Another process was faster.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(topic_outcome(code, "Create", &topic)),
        }
    }
    wait_served(options, asker, &missing)
}

/// Adds partitions to a topic until it has so many, and waits until all brokers serve them; whether any
/// was added.
pub(crate) fn grow(
    options: &Options,
    admin: &AdminClient<QuietContext>,
    asker: &BaseConsumer<QuietContext>,
    topic: &str,
    wanted: i32,
) -> Result<bool, LogError> {
    let found = partitions(options, asker, topic)?;
    let Some(count) = usize::try_from(wanted).ok().filter(|_| found < wanted) else {
        return Ok(false);
    };
    let wait = Some(options.request_wait);
    let admin_options = AdminOptions::new().request_timeout(wait).operation_timeout(wait);
    let results =
        wait_for(admin.create_partitions([&NewPartitions::new(topic, count)], &admin_options))
            .map_err(|error| outcome(&error, topic))?;
    for result in results {
        match result {
            // Another process may have been faster.
            Ok(_) | Err((_, RDKafkaErrorCode::InvalidPartitions)) => {}
            Err((topic, code)) => return Err(topic_outcome(code, "Alter", &topic)),
        }
    }
    let name = topic.to_owned();
    let grown = TopicSpec { name, partitions: wanted, compacted: false, kept: false };
    wait_served(options, asker, &[&grown])?;
    Ok(true)
}

/// Waits until all brokers serve topics: the controller has changed them; the brokers learn of it and
/// elect leaders a little later.
fn wait_served(
    options: &Options,
    asker: &BaseConsumer<QuietContext>,
    topics: &[&TopicSpec],
) -> Result<(), LogError> {
    let step = Duration::from_millis(20);
    let steps = options.request_wait.as_millis() / step.as_millis();
    for _ in 0..=steps {
        if all_answer(options, asker, topics)? {
            return Ok(());
        }
        std::thread::park_timeout(step);
    }
    Err(LogError::Unavailable(format!(
        "Kafka: not all brokers serve the new partitions after {:?}",
        options.request_wait
    )))
}

/// Whether the leaders of all partitions of the topics answer, of as many as asked for at least.
fn all_answer(
    options: &Options,
    asker: &BaseConsumer<QuietContext>,
    topics: &[&TopicSpec],
) -> Result<bool, LogError> {
    for spec in topics {
        let answers = partitions(options, asker, &spec.name).and_then(|count| {
            (0..count.max(spec.partitions)).try_for_each(|partition| {
                asker
                    .fetch_watermarks(&spec.name, partition, options.request_wait)
                    .map(drop)
                    .map_err(|error| topic_error(&error, "Describe", &spec.name))
            })
        });
        match answers {
            Ok(()) => {}
            Err(LogError::UnknownPartition(_) | LogError::Unavailable(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// The topics that do not exist.
fn missing<'a>(
    options: &Options,
    asker: &BaseConsumer<QuietContext>,
    topics: &'a [TopicSpec],
) -> Result<Vec<&'a TopicSpec>, LogError> {
    let mut missing = Vec::new();
    for spec in topics {
        match partitions(options, asker, &spec.name) {
            Ok(_) => {}
            Err(LogError::UnknownPartition(_)) => missing.push(spec),
            Err(error) => return Err(error),
        }
    }
    Ok(missing)
}

/// Number of partitions of a topic.
pub(crate) fn partitions(
    options: &Options,
    asker: &BaseConsumer<QuietContext>,
    topic: &str,
) -> Result<i32, LogError> {
    let metadata = asker
        .fetch_metadata(Some(topic), options.request_wait)
        .map_err(|error| topic_error(&error, "Describe", topic))?;
    let unknown = || LogError::UnknownPartition(topic.to_owned());
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.ok_or_else(unknown)?;
    if let Some(error) = found.error() {
        let code = RDKafkaErrorCode::from(error);
        let denied = || topic_outcome(code, "Describe", topic);
        return Err(if is_unknown(code) { unknown() } else { denied() });
    }
    if found.partitions().is_empty() {
        // Being created.
        return Err(unknown());
    }
    if found.partitions().iter().any(|partition| partition.leader() < 0) {
        // An election is in progress.
        return Err(LogError::Unavailable(format!(
            "Kafka: a partition of `{topic}` has no leader"
        )));
    }
    let Ok(count) = i32::try_from(found.partitions().len()) else {
        unreachable!("Kafka numbers partitions with an `i32`")
    };
    Ok(count)
}

/// The offsets that a partition holds, up to the last stable offset.
pub(crate) fn watermarks<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    partition: &TopicPartition,
    wait: Duration,
) -> Result<OffsetRange, LogError> {
    let (first, next) = client
        .fetch_watermarks(&partition.topic, partition.partition, wait)
        .map_err(|error| match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                denied("Describe", "topic", &[&partition.topic])
            }
            _ => outcome(&error, &partition.to_string()),
        })?;
    Ok(OffsetRange { first, next })
}
