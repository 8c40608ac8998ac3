//! Creating topics and asking about them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use event::TopicPartition;
use ports::{LogError, OffsetRange, TopicSpec};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;

use crate::context::QuietContext;
use crate::options::Options;
use crate::outcome::{code_outcome, is_unknown, outcome};

/// Size of a segment of a compacted topic; the default is 1 GiB.
const COMPACTED_SEGMENT_BYTES: &str = "67108864";
/// Share of a compacted topic that is written twice before it is compacted; the default is one half.
const COMPACTED_DIRTY_RATIO: &str = "0.2";

/// Creates the topics that are missing and waits until the brokers know them.
pub(crate) fn create(
    options: &Options,
    asker: &BaseConsumer<QuietContext>,
    topics: &[TopicSpec],
) -> Result<(), LogError> {
    let missing = missing(options, asker, topics)?;
    if missing.is_empty() {
        return Ok(());
    }
    let admin = AdminClient::from_config_and_context(&options.admin(), QuietContext)
        .map_err(|error| LogError::Fatal(format!("Kafka admin client: {error}")))?;
    let specs: Vec<_> = missing
        .iter()
        .map(|spec| {
            let copies = TopicReplication::Fixed(options.replication);
            let topic = NewTopic::new(&spec.name, spec.partitions.max(1), copies)
                .set("message.timestamp.type", "LogAppendTime");
            if spec.compacted {
                // Whoever restarts reads all of it, and the last segment is never compacted.
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
            // Somebody else was faster.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(code_outcome(code, &topic)),
        }
    }
    // The controller has created them; the brokers hear of it, and begin to lead, a little later.
    let step = Duration::from_millis(20);
    let steps = options.request_wait.as_millis() / step.as_millis();
    for _ in 0..=steps {
        if all_answer(options, asker, &missing)? {
            return Ok(());
        }
        std::thread::park_timeout(step);
    }
    Err(LogError::Unavailable("Kafka: new topics are not known to all brokers yet".to_owned()))
}

/// Whether the leader of every partition of the topics answers.
fn all_answer(
    options: &Options,
    asker: &BaseConsumer<QuietContext>,
    topics: &[&TopicSpec],
) -> Result<bool, LogError> {
    for spec in topics {
        let answers = partitions(options, asker, &spec.name).and_then(|count| {
            (0..count).try_for_each(|partition| {
                asker
                    .fetch_watermarks(&spec.name, partition, options.request_wait)
                    .map(drop)
                    .map_err(|error| outcome(&error, &spec.name))
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

/// The topics that do not exist, or have a partition without a leader.
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
        .map_err(|error| outcome(&error, topic))?;
    let unknown = || LogError::UnknownPartition(topic.to_owned());
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.ok_or_else(unknown)?;
    if let Some(error) = found.error() {
        let code = RDKafkaErrorCode::from(error);
        return Err(if is_unknown(code) { unknown() } else { code_outcome(code, topic) });
    }
    if found.partitions().is_empty() || found.partitions().iter().any(|part| part.leader() < 0) {
        // Being created, or being elected.
        return Err(if found.partitions().is_empty() {
            unknown()
        } else {
            LogError::Unavailable(format!("Kafka: a partition of `{topic}` has no leader"))
        });
    }
    i32::try_from(found.partitions().len()).map_err(|_| unknown())
}

/// What a partition holds, up to the last stable offset.
pub(crate) fn watermarks<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    partition: &TopicPartition,
    wait: Duration,
) -> Result<OffsetRange, LogError> {
    let (first, next) = client
        .fetch_watermarks(&partition.topic, partition.partition, wait)
        .map_err(|error| outcome(&error, &partition.to_string()))?;
    Ok(OffsetRange { first, next })
}

/// Wakes the thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an answer of the admin client; its requests end by their own timeouts.
fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
