//! Publishes through a producer of librdkafka and collects the acknowledgements.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event::TopicPartition;
use ports::{Delivery, LogError, Outgoing, Position, Producer, Published, QueueFull};
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::{ClientContext, Message};

use crate::context::{log, log_error};
use crate::options::Options;
use crate::outcome::{denied, is_unknown, topic_outcome};

/// Records and bytes in flight.
#[derive(Debug, Default)]
struct Load {
    records: AtomicUsize,
    bytes: AtomicUsize,
}

/// One call of `publish`, until all of its records have an outcome.
struct PendingCall {
    outcomes: Mutex<Vec<Option<Result<Position, LogError>>>>,
    missing: AtomicUsize,
    done: Mutex<Option<Delivery>>,
    load: Arc<Load>,
}

/// Identifies a record in the delivery callback; librdkafka carries it as the record's opaque.
struct Ticket {
    call: Arc<PendingCall>,
    index: usize,
    size_bytes: usize,
    bytes_max: usize,
}

impl PendingCall {
    /// Stores the outcome of a record. With the last one the call is complete.
    fn settle(&self, index: usize, outcome: Result<Position, LogError>, size_bytes: usize) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = outcomes.get_mut(index);
        let first = slot.is_some_and(|slot| slot.replace(outcome).is_none());
        drop(outcomes);
        assert!(first, "librdkafka reported record {index} of a call twice");
        self.load.records.fetch_sub(1, Ordering::AcqRel);
        self.load.bytes.fetch_sub(size_bytes, Ordering::AcqRel);
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.finish();
        }
    }

    fn finish(&self) {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(done) = done else { unreachable!("a call is completed once") };
        let outcomes =
            std::mem::take(&mut *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        let published: Option<Published> = outcomes.into_iter().collect();
        let Some(published) = published else {
            unreachable!("a call is complete when all of its records have an outcome")
        };
        done(published);
    }
}

/// What librdkafka's lines begin with that say that a producer is beyond repair.
const FATAL: &str = "FATAL";

#[derive(Default)]
struct DeliveryContext {
    /// Why the producer is beyond repair, said before the outcomes of the records that it drops.
    broken: Mutex<Option<(RDKafkaErrorCode, String)>>,
}

impl ClientContext for DeliveryContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == FATAL {
            // Whoever publishes gets it as an error. Who never does, such as the sealer, may not write.
            return tracing::debug!(facility, message, "librdkafka");
        }
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
        if let Some(
            code @ (RDKafkaErrorCode::Fatal | RDKafkaErrorCode::ClusterAuthorizationFailed),
        ) = error.rdkafka_error_code()
        {
            let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
            broken.get_or_insert_with(|| (code, reason.to_owned()));
        }
    }
}

impl DeliveryContext {
    fn failure(&self, error: &KafkaError, topic: &str, ticket: &Ticket) -> LogError {
        let is_dropped = matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::Fatal
                    | RDKafkaErrorCode::PurgeQueue
                    | RDKafkaErrorCode::PurgeInflight
            )
        );
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        match &*broken {
            // Brokers number the records of whoever may write to some topic, and of nobody else.
            Some((RDKafkaErrorCode::ClusterAuthorizationFailed, _)) if is_dropped => {
                denied("Write", "topic", &[topic])
            }
            Some((_, reason)) if is_dropped => {
                LogError::Fatal(format!("Kafka: {reason} ({topic})"))
            }
            _ => failure(error, topic, ticket),
        }
    }
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let outcome = match delivered {
            Ok(message) => Ok(Position {
                partition: TopicPartition::new(message.topic(), message.partition()),
                offset: message.offset(),
            }),
            Err((error, message)) => Err(self.failure(error, message.topic(), &ticket)),
        };
        ticket.call.settle(ticket.index, outcome, ticket.size_bytes);
    }
}

fn failure(error: &KafkaError, topic: &str, ticket: &Ticket) -> LogError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            LogError::TooLarge { size_bytes: ticket.size_bytes, bytes_max: ticket.bytes_max }
        }
        Some(code) => topic_outcome(code, "Write", topic),
        None => LogError::Unavailable(format!("Kafka: {error}")),
    }
}

/// The producer of a Kafka log.
pub(crate) struct KafkaProducer {
    native: ThreadedProducer<DeliveryContext>,
    load: Arc<Load>,
    record_bytes_max: usize,
    queue_records_max: usize,
    queue_bytes_max: usize,
    request_wait: Duration,
}

impl std::fmt::Debug for KafkaProducer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KafkaProducer").field("load", &self.load).finish_non_exhaustive()
    }
}

/// Size of a record against the limits, bytes.
fn size_bytes(record: &Outgoing) -> usize {
    let of = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + of(value)).sum();
    of(&record.key) + of(&record.value) + headers
}

impl KafkaProducer {
    pub(crate) fn new(options: &Options) -> Result<Self, LogError> {
        let native = ThreadedProducer::from_config_and_context(
            &options.producer(),
            DeliveryContext::default(),
        )
        .map_err(|error| LogError::Fatal(format!("Kafka producer: {error}")))?;
        Ok(Self {
            native,
            load: Arc::default(),
            record_bytes_max: options.record_bytes_max,
            queue_records_max: options.queue_records_max,
            queue_bytes_max: options.queue_bytes_max,
            request_wait: options.request_wait,
        })
    }

    /// Reserves room for a call. If that would exceed a limit, returns the number of records in
    /// flight.
    fn reserve(&self, records: usize, bytes: usize) -> Result<(), usize> {
        let waiting = self.load.records.fetch_add(records, Ordering::AcqRel);
        let waiting_bytes = self.load.bytes.fetch_add(bytes, Ordering::AcqRel);
        let fits = waiting + records <= self.queue_records_max
            && waiting_bytes + bytes <= self.queue_bytes_max;
        if fits || waiting == 0 {
            return Ok(());
        }
        self.load.records.fetch_sub(records, Ordering::AcqRel);
        self.load.bytes.fetch_sub(bytes, Ordering::AcqRel);
        Err(waiting)
    }

    fn send(&self, record: &Outgoing, ticket: Box<Ticket>) {
        if ticket.size_bytes > self.record_bytes_max {
            let too_large = LogError::TooLarge {
                size_bytes: ticket.size_bytes,
                bytes_max: self.record_bytes_max,
            };
            return ticket.call.settle(ticket.index, Err(too_large), ticket.size_bytes);
        }
        let mut outgoing: BaseRecord<'_, [u8], [u8], Box<Ticket>> =
            BaseRecord::with_opaque_to(&record.topic, ticket);
        outgoing.partition = record.partition;
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.value.as_deref();
        if !record.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(record.headers.len());
            outgoing.headers =
                Some(record.headers.iter().fold(headers, |headers, (name, value)| {
                    headers.insert(Header { key: name, value: value.as_ref() })
                }));
        }
        let mut sent = self.native.send(outgoing);
        if let Err((error, outgoing)) = sent {
            let is_missed = record.partition.is_some()
                && error.rdkafka_error_code().is_some_and(is_unknown)
                // The partition may have been added since this client asked for those of the topic.
                && self
                    .native
                    .client()
                    .fetch_metadata(Some(&record.topic), self.request_wait)
                    .is_ok();
            sent = if is_missed { self.native.send(outgoing) } else { Err((error, outgoing)) };
        }
        if let Err((error, outgoing)) = sent {
            let ticket = outgoing.delivery_opaque;
            let context = self.native.context();
            let outcome = Err(context.failure(&error, &record.topic, &ticket));
            ticket.call.settle(ticket.index, outcome, ticket.size_bytes);
        }
    }
}

impl Producer for KafkaProducer {
    fn publish(&self, records: Vec<Outgoing>, done: Delivery) -> Result<(), QueueFull> {
        let sizes: Vec<_> = records.iter().map(size_bytes).collect();
        if let Err(waiting) = self.reserve(records.len(), sizes.iter().sum()) {
            return Err(QueueFull { records, waiting });
        }
        let call = Arc::new(PendingCall {
            outcomes: Mutex::new(records.iter().map(|_| None).collect()),
            missing: AtomicUsize::new(records.len()),
            done: Mutex::new(Some(done)),
            load: Arc::clone(&self.load),
        });
        if records.is_empty() {
            call.finish();
        }
        for ((index, record), size_bytes) in records.iter().enumerate().zip(sizes) {
            let call = Arc::clone(&call);
            let bytes_max = self.record_bytes_max;
            self.send(record, Box::new(Ticket { call, index, size_bytes, bytes_max }));
        }
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.load.records.load(Ordering::Acquire)
    }
}
