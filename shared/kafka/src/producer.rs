//! Publishes through a producer of librdkafka and counts acknowledgements.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use event::TopicPartition;
use ports::{Delivery, LogError, Outgoing, Position, Producer, Published};
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Message};

use crate::context::{log, log_error};
use crate::options::Options;
use crate::outcome::code_outcome;

/// What is in flight, to be bounded.
#[derive(Debug, Default)]
struct Load {
    records: AtomicUsize,
    bytes: AtomicUsize,
}

/// One call of `publish`: its answers come together here.
struct PendingCall {
    answers: Mutex<Published>,
    missing: AtomicUsize,
    done: Mutex<Option<Delivery>>,
    load: Arc<Load>,
}

/// A record's claim on its answer; librdkafka carries it and gives it back.
struct Ticket {
    call: Arc<PendingCall>,
    index: usize,
    size_bytes: usize,
    bytes_max: usize,
}

impl PendingCall {
    /// Puts in an answer. The last one to be put in answers the call.
    fn answer(&self, index: usize, answer: Result<Position, LogError>, size_bytes: usize) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = answers.get_mut(index) {
            *slot = answer;
        }
        drop(answers);
        self.load.records.fetch_sub(1, Ordering::AcqRel);
        self.load.bytes.fetch_sub(size_bytes, Ordering::AcqRel);
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.finish();
        }
    }

    fn finish(&self) {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(done) = done {
            let answers = &mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            done(std::mem::take(answers));
        }
    }
}

struct DeliveryContext;

impl ClientContext for DeliveryContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let answer = match delivered {
            Ok(message) => Ok(Position {
                partition: TopicPartition::new(message.topic(), message.partition()),
                offset: message.offset(),
            }),
            Err((error, message)) => Err(failure(error, message.topic(), &ticket)),
        };
        ticket.call.answer(ticket.index, answer, ticket.size_bytes);
    }
}

fn failure(error: &KafkaError, topic: &str, ticket: &Ticket) -> LogError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            LogError::TooLarge { size_bytes: ticket.size_bytes, bytes_max: ticket.bytes_max }
        }
        Some(code) => code_outcome(code, topic),
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
}

impl std::fmt::Debug for KafkaProducer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KafkaProducer").field("load", &self.load).finish_non_exhaustive()
    }
}

/// What a record costs against limits.
fn size_bytes(record: &Outgoing) -> usize {
    let of = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + of(value)).sum();
    of(&record.key) + of(&record.value) + headers
}

impl KafkaProducer {
    pub(crate) fn new(options: &Options) -> Result<Self, LogError> {
        let native =
            ThreadedProducer::from_config_and_context(&options.producer(), DeliveryContext)
                .map_err(|error| LogError::Fatal(format!("Kafka producer: {error}")))?;
        Ok(Self {
            native,
            load: Arc::default(),
            record_bytes_max: options.record_bytes_max,
            queue_records_max: options.queue_records_max,
            queue_bytes_max: options.queue_bytes_max,
        })
    }

    /// Counts the call in, unless that would exceed a limit.
    fn take(&self, records: usize, bytes: usize) -> Result<(), LogError> {
        let waiting = self.load.records.fetch_add(records, Ordering::AcqRel);
        let waiting_bytes = self.load.bytes.fetch_add(bytes, Ordering::AcqRel);
        let fits = waiting + records <= self.queue_records_max
            && waiting_bytes + bytes <= self.queue_bytes_max;
        if fits || waiting == 0 {
            return Ok(());
        }
        self.load.records.fetch_sub(records, Ordering::AcqRel);
        self.load.bytes.fetch_sub(bytes, Ordering::AcqRel);
        Err(LogError::QueueFull { waiting })
    }

    fn send(&self, record: &Outgoing, ticket: Box<Ticket>) {
        if ticket.size_bytes > self.record_bytes_max {
            let too_large = LogError::TooLarge {
                size_bytes: ticket.size_bytes,
                bytes_max: self.record_bytes_max,
            };
            return ticket.call.answer(ticket.index, Err(too_large), ticket.size_bytes);
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
        if let Err((error, outgoing)) = self.native.send(outgoing) {
            let ticket = outgoing.delivery_opaque;
            let answer = Err(failure(&error, &record.topic, &ticket));
            ticket.call.answer(ticket.index, answer, ticket.size_bytes);
        }
    }
}

impl Producer for KafkaProducer {
    fn publish(&self, records: Vec<Outgoing>, done: Delivery) -> Result<(), LogError> {
        let sizes: Vec<_> = records.iter().map(size_bytes).collect();
        self.take(records.len(), sizes.iter().sum())?;
        let unknown = || Err(LogError::Unavailable("not answered".to_owned()));
        let call = Arc::new(PendingCall {
            answers: Mutex::new(records.iter().map(|_| unknown()).collect()),
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
