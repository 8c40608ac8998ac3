//! What the tests of the service share: a log with alerts, receivers that behave as they are told,
//! and the outcomes as a reader of the log sees them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use event::{Decoder, Event, EventBuilder, Limits, Timestamp, TopicPartition, column};
use governance::{Id, Installation, Signer, Trust, sign_act};
use merkle::note::SigningKey;
use notifier::{Config, Credentials};
use ports::{EventLog, Outgoing, Polled, Subscription, TopicSpec, publish_and_wait};
use service::clock::{Stopwatch, now_ms};

pub(crate) const ALERTS: &str = "driftseal.alerts";
pub(crate) const EVENTS: &str = "agent.events";
pub(crate) const GOVERNANCE: &str = "driftseal.governance";
pub(crate) const STATE: &str = "driftseal.state";
pub(crate) const PARTITIONS: i32 = 2;
pub(crate) const WAIT: Duration = Duration::from_secs(10);
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(crate) fn create_topics(log: &dyn EventLog) {
    let spec = |name: &str, compacted| TopicSpec {
        name: name.to_owned(),
        partitions: PARTITIONS,
        compacted,
        kept: false,
    };
    let governance = TopicSpec { partitions: 1, kept: true, ..spec(GOVERNANCE, false) };
    log.create_topics(&[spec(ALERTS, false), spec(STATE, true), governance]).unwrap();
}

fn secret_key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).unwrap()
}

pub(crate) fn installation() -> Installation {
    Installation { origin: "log.example/a".into(), topic_prefix: String::new() }
}

/// The keys of the installation: processor 1, gateway 2, notifier 3.
pub(crate) fn credentials() -> Credentials {
    let text = |name, seed| secret_key(name, seed).verifier().to_vkey();
    let trust = Trust::parse(installation(), [text("p", 1)], [text("g", 2)]).unwrap();
    let trust = trust.with_notifiers([text("n", 3)]).unwrap();
    Credentials { trust, key: secret_key("n", 3) }
}

/// Signs as the processor for a partition of alerts; origins ascend from record to record.
pub(crate) fn signed(mut event: Event<'static>, partition: i32) -> Event<'static> {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    event.set(column::origin::TOPIC.id(), EVENTS.into());
    event.set(column::origin::PARTITION.id(), i64::from(partition).into());
    event.set(column::origin::OFFSET.id(), NEXT.fetch_add(1, Ordering::Relaxed).into());
    let claim = (Id::from_bytes([1; 16]), 1);
    let place = TopicPartition::new(EVENTS, partition);
    let owner = Id::from_bytes([2; 16]);
    Signer::new(secret_key("p", 1), installation(), place, claim, owner).sign_alert(event)
}

/// Publishes an event of the alerts topic as it is.
pub(crate) fn publish_event(log: &dyn EventLog, partition: i32, event: &Event<'_>) {
    let record = Outgoing::event(ALERTS, event).in_partition(partition);
    publish_and_wait(&*log.producer(), vec![record], WAIT).unwrap();
}

/// The partition of an agent's alerts.
pub(crate) fn partition_of(agent: &str) -> i32 {
    ports::partition_of(agent.as_bytes(), PARTITIONS)
}

/// Waits are short, so that tests are.
pub(crate) fn config(sinks: &str) -> Config {
    let config = format!(
        "poll_wait_ms = 20\nrequest_wait_ms_max = 400\nretry_ms = 10\nretry_ms_max = 50\n\
         attempts_max = 5\nread_wait_ms_max = 500\nposition_secs_max = 0\noverlap_records = 0\nretry_pause_ms = 10\n\
         publish_wait_ms_max = 2000\n[secrets]\nhook = '{SECRET}'\n{sinks}"
    );
    toml::from_str(&config).unwrap()
}

/// A webhook sink.
pub(crate) fn webhook(name: &str, url: &str) -> String {
    format!("[sinks.{name}]\ntype = 'webhook'\nurl = '{url}'\ntoken_name = 'hook'\n")
}

/// A step of an alert of that agent, not signed.
pub(crate) fn step_of(agent: &str, alert: &str, step: &str) -> Event<'static> {
    EventBuilder::new(&format!("drift.alert.{step}"))
        .set(column::EVENT_ID, format!("{alert}-{step}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(now_ms()))
        .set(column::AGENT_ID, agent)
        .set(column::AGENT_VERSION, "v2")
        .set(column::ENVIRONMENT, "production")
        .set(column::drift::ALERT_ID, alert)
        .set(column::drift::METRIC, "run.error_rate")
        .set(column::drift::SEVERITY, "page")
        .build()
        .unwrap()
}

/// Publishes a step of an alert of that agent: of the processor in the partition of its alerts, of people
/// in the governance topic.
pub(crate) fn publish(log: &dyn EventLog, agent: &str, alert: &str, step: &str) {
    let event = step_of(agent, alert, step);
    if ["acknowledged", "dismissed"].contains(&step) {
        publish_act(log, event);
        return;
    }
    let partition = partition_of(agent);
    publish_event(log, partition, &signed(event, partition));
}

/// Publishes an act as the gateway signs it.
pub(crate) fn publish_act(log: &dyn EventLog, act: Event<'static>) {
    static NONCES: AtomicI64 = AtomicI64::new(1);
    let number = NONCES.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let mut nonce = [0; 16];
    nonce.iter_mut().zip(number).for_each(|(slot, byte)| *slot = byte);
    let nonce = Id::from_bytes(nonce);
    let act = sign_act(&secret_key("g", 2), &installation(), nonce, act).unwrap();
    let record = Outgoing::event(GOVERNANCE, &act).in_partition(0);
    publish_and_wait(&*log.producer(), vec![record], WAIT).unwrap();
}

/// An outcome in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) event_id: String,
    pub(crate) kind: String,
    pub(crate) reason: Option<String>,
    pub(crate) attempts: i64,
    pub(crate) status_code: Option<i64>,
    pub(crate) request_digest: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) causation: Option<String>,
}

/// Sink, alert and step.
pub(crate) type Key = (String, String, String);

/// All outcomes in the log, each as often as it is there.
pub(crate) fn outcomes(log: &dyn EventLog) -> BTreeMap<Key, Vec<Outcome>> {
    let decoder = Decoder::new(Limits::default());
    let mut found: BTreeMap<Key, Vec<Outcome>> = BTreeMap::new();
    for number in 0..PARTITIONS {
        let partition = TopicPartition::new(ALERTS, number);
        let until = log.offsets(&partition).unwrap().next;
        let subscription = Subscription::Partitions(vec![partition.clone()]);
        let mut consumer = log.consumer(subscription).unwrap();
        let mut next = 0;
        while next < until {
            match consumer.poll(WAIT).unwrap() {
                Polled::Assigned(_) => consumer.seek(&partition, 0).unwrap(),
                Polled::Batch(batch) => {
                    for record in batch.records() {
                        let event = decoder.decode(&record).event;
                        let text = |column| event.text(column).map(str::to_owned);
                        let int = |column| event.int(column);
                        let kind = text(column::KIND).unwrap();
                        if !kind.starts_with("notification.") {
                            continue;
                        }
                        let name = |column| text(column).unwrap();
                        found
                            .entry((
                                name(column::notification::SINK),
                                name(column::notification::ALERT_ID),
                                name(column::notification::STEP),
                            ))
                            .or_default()
                            .push(Outcome {
                                event_id: text(column::EVENT_ID).unwrap(),
                                kind,
                                reason: text(column::notification::REASON),
                                attempts: int(column::notification::ATTEMPTS).unwrap(),
                                status_code: int(column::notification::STATUS_CODE),
                                request_digest: text(column::notification::REQUEST_DIGEST),
                                detail: text(column::notification::DETAIL),
                                causation: text(column::links::CAUSATION),
                            });
                    }
                    next = batch.next_offset().unwrap();
                }
                Polled::Idle | Polled::Revoked(_) => panic!("the log does not go on"),
            }
        }
    }
    found
}

pub(crate) fn key(sink: &str, alert: &str, step: &str) -> Key {
    (sink.to_owned(), alert.to_owned(), step.to_owned())
}

/// Looks until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while !is_so() {
        assert!(!watch.has_passed(WAIT), "waited {WAIT:?} for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A request as a receiver sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// How a receiver treats a request.
pub(crate) enum Manner {
    /// Answers with that status and these further header lines.
    Status(u16, String),
    /// Answers with that status and text.
    Say(u16, Vec<u8>),
    /// Answers that it has taken it, then does that.
    TakeThen(Box<dyn FnOnce() + Send>),
    /// Takes the request and never answers.
    Hang,
    /// Takes the request and closes the connection.
    Close,
}

pub(crate) fn status(code: u16) -> Manner {
    Manner::Status(code, String::new())
}

/// A receiver on a free port. Its threads end with the process.
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// A receiver that treats the request of that number (from 0) as `manner` says.
    pub(crate) fn start(
        manner: impl Fn(usize, &Received) -> Manner + Send + Sync + 'static,
    ) -> Self {
        Self::over("http", Some, manner)
    }

    /// A receiver that speaks through whatever `open` makes of a connection, if it makes anything.
    pub(crate) fn over<S: Read + Write>(
        scheme: &str,
        open: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
        manner: impl Fn(usize, &Received) -> Manner + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, how) = (Arc::clone(&received), Arc::new((open, manner)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, how) = (Arc::clone(&kept), Arc::clone(&how));
                let stream = stream.unwrap();
                thread::spawn(move || {
                    let Some(stream) = how.0(stream) else { return };
                    serve(stream, &kept, &how.1);
                });
            }
        });
        Self { url, received }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Requests of one connection, until it closes.
fn serve(
    stream: impl Read + Write,
    kept: &Mutex<Vec<Received>>,
    manner: &dyn Fn(usize, &Received) -> Manner,
) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let number = {
            let mut kept = kept.lock().unwrap();
            kept.push(request.clone());
            kept.len() - 1
        };
        match manner(number, &request) {
            Manner::Status(code, headers) => {
                if answer(reader.get_mut(), code, &headers, b"said").is_err() {
                    return;
                }
            }
            Manner::Say(code, text) => {
                if answer(reader.get_mut(), code, "", &text).is_err() {
                    return;
                }
            }
            Manner::TakeThen(then) => {
                drop(answer(reader.get_mut(), 200, "", b""));
                then();
            }
            Manner::Hang => thread::sleep(WAIT),
            Manner::Close => return,
        }
    }
}

fn answer(stream: &mut impl Write, code: u16, headers: &str, text: &[u8]) -> std::io::Result<()> {
    let length = text.len();
    let head = format!("HTTP/1.1 {code} x\r\ncontent-length: {length}\r\n{headers}\r\n");
    stream.write_all(&[head.as_bytes(), text].concat())
}

fn read(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { path, headers, body })
}
