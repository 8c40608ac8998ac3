//! Publishes events to the log directly.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use event::{Limits, Remarker, Timestamp, column};
use ports::{EventLog, LogError, Outgoing, Producer, Published, QueueFull};
use service::clock::Stopwatch;

use super::{EmitError, Mark, Rejected, Report, Sink, Teller};

/// Events per publish call.
const BATCH_EVENTS: usize = 500;
/// Unacknowledged publish calls at which sending blocks.
const BATCHES_MAX: usize = 16;
/// Longest wait for an acknowledgement.
const WAIT: Duration = Duration::from_secs(60);
/// Wait for an acknowledgement after which it is said that there is none.
const SAID_AFTER: Duration = Duration::from_secs(5);

/// Encoding of events in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Avro single-object encoding; events are validated before.
    Avro,
    /// The JSON text, unchanged and unvalidated. Events that do not decode are quarantined when they are
    /// read.
    Json,
}

/// Publishes to a topic, keyed by agent.
#[derive(Debug)]
pub struct LogSink {
    producer: Arc<dyn Producer>,
    topic: Arc<str>,
    encoding: Encoding,
    teller: Teller,
    waiting: Vec<(Mark, Outgoing)>,
    under_way: usize,
    sender: Sender<(Vec<Mark>, Published)>,
    receiver: Receiver<(Vec<Mark>, Published)>,
    remarker: Remarker,
    report: Report,
}

impl LogSink {
    /// A sink that publishes to `topic`; `teller` says what is waited for.
    #[must_use]
    pub fn new(log: &dyn EventLog, topic: &str, encoding: Encoding, teller: Teller) -> Self {
        let (sender, receiver) = channel();
        Self {
            producer: log.producer(),
            topic: topic.into(),
            encoding,
            teller,
            waiting: Vec::new(),
            under_way: 0,
            sender,
            receiver,
            remarker: Remarker::new(),
            report: Report::default(),
        }
    }

    fn record(&mut self, mark: Mark, bytes: Vec<u8>) -> Result<Outgoing, String> {
        let decoded = event::decode::decode_json(&bytes, Limits::default());
        if let Ok(event) = &decoded {
            let now = Timestamp::from_micros(service::clock::now_micros());
            for remark in self.remarker.remarks(event, now) {
                self.report.remark(mark, remark.to_string());
            }
        }
        let outgoing = |key: Option<&str>, value| Outgoing {
            topic: Arc::clone(&self.topic),
            partition: None,
            key: key.map(|key| key.as_bytes().to_vec()),
            value: Some(value),
            headers: Vec::new(),
        };
        match (self.encoding, decoded) {
            (Encoding::Json, decoded) => {
                // What does not decode has no key; the log chooses its partition.
                let event = decoded.as_ref().ok();
                let key = event.and_then(|event| event.text(column::AGENT_ID));
                Ok(outgoing(key, bytes))
            }
            (Encoding::Avro, Err(fault)) => Err(fault.to_string()),
            (Encoding::Avro, Ok(mut event)) => {
                if event.get(column::EVENT_ID).is_none() {
                    event.set(column::EVENT_ID, uuid::Uuid::now_v7().to_string().into());
                }
                if event.get(column::EVENT_TIME).is_none() {
                    let now = Timestamp::from_micros(service::clock::now_micros());
                    event.set(column::EVENT_TIME, now.into());
                }
                let mut value = Vec::with_capacity(bytes.len());
                event::encode::encode(&event, &mut value);
                Ok(outgoing(event.text(column::AGENT_ID), value))
            }
        }
    }

    fn publish(&mut self) -> Result<(), EmitError> {
        while self.under_way >= BATCHES_MAX {
            self.acknowledged()?;
        }
        let batch = std::mem::take(&mut self.waiting);
        if batch.is_empty() {
            return Ok(());
        }
        let (marks, mut records): (Vec<Mark>, Vec<Outgoing>) = batch.into_iter().unzip();
        loop {
            let (sender, own) = (self.sender.clone(), marks.clone());
            let done = Box::new(move |published| {
                // Fails only if the sink was dropped: then nobody asks for the outcome.
                drop(sender.send((own, published)));
            });
            match self.producer.publish(records, done) {
                Ok(()) => {
                    self.under_way += 1;
                    return Ok(());
                }
                Err(QueueFull { records: returned, .. }) if self.under_way > 0 => {
                    records = returned;
                    self.acknowledged()?;
                }
                Err(full) => return Err(EmitError::Delivery(full.to_string())),
            }
        }
    }

    /// Waits for the acknowledgement of one publish call.
    fn acknowledged(&mut self) -> Result<(), EmitError> {
        let started = Stopwatch::start();
        let (marks, published) = loop {
            match self.receiver.recv_timeout(SAID_AFTER) {
                Ok(acknowledged) => break acknowledged,
                // The sink keeps a sender itself: nothing else ends the wait.
                Err(_) if started.has_passed(WAIT) => {
                    let secs = WAIT.as_secs();
                    let text = format!("no acknowledgement within {secs} s");
                    return Err(EmitError::Delivery(text));
                }
                Err(_) => self.teller.waits(&format!(
                    "waiting for Apache Kafka to acknowledge events of `{}`; giving up after {} s",
                    self.topic,
                    WAIT.as_secs()
                )),
            }
        };
        self.teller.goes_on();
        self.under_way -= 1;
        assert_eq!(marks.len(), published.len(), "the log reports an outcome for every record");
        for (mark, outcome) in marks.into_iter().zip(published) {
            match outcome {
                Ok(_) => self.report.accepted += 1,
                Err(error @ LogError::TooLarge { .. }) => {
                    let rejected = Rejected { line: mark.line, reason: error.to_string() };
                    self.report.reject(mark.file, rejected);
                }
                Err(error) => return Err(EmitError::Delivery(error.to_string())),
            }
        }
        Ok(())
    }
}

impl Sink for LogSink {
    fn send(&mut self, mark: Mark, event: Vec<u8>) -> Result<(), EmitError> {
        match self.record(mark, event) {
            Ok(record) => self.waiting.push((mark, record)),
            Err(reason) => self.report.reject(mark.file, Rejected { line: mark.line, reason }),
        }
        if self.waiting.len() >= BATCH_EVENTS { self.publish() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), EmitError> {
        self.publish()?;
        while self.under_way > 0 {
            self.acknowledged()?;
        }
        Ok(())
    }

    fn report(&mut self) -> &mut Report {
        &mut self.report
    }
}
