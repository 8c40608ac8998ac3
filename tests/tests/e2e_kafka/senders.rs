//! Sends the traffic: half of the plain JSON over HTTP through the collector, everything else
//! straight into the log. Each remembers what was acknowledged.

use std::collections::HashSet;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ports::{LogError, Outgoing, Position};
use serde_json::Value;
use service::shutdown::Shutdown;
use tests::traffic::Item;
use tests::world::{EVENTS, World};

use crate::chaos::Chaos;

/// Records of one publication or request.
const CHUNK: usize = 250;

/// Longest wait for an answer.
const WAIT: Duration = Duration::from_secs(60);

/// What was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Partition and offset, with the event's id, of what was published straight into the log.
    pub(crate) positions: Vec<((i32, i64), Option<String>)>,
    /// Every acknowledged event, by either way.
    pub(crate) event_ids: HashSet<String>,
    /// Records that were sent again because nothing was known about the first time.
    pub(crate) repeated: u64,
}

/// Sends everything, at the pace of the kills, so that they fall into the traffic.
pub(crate) fn send(world: &World, items: Vec<Item>, chaos: &mut Chaos) -> Sent {
    let (mut over_http, mut direct) = (Vec::new(), Vec::new());
    for (number, item) in items.into_iter().enumerate() {
        let plain = item.fault.is_none() && item.headers.is_empty() && item.value.starts_with(b"{");
        if plain && number % 2 == 0 { over_http.push(item) } else { direct.push(item) }
    }
    println!("over HTTP: {}, straight into the log: {}", over_http.len(), direct.len());
    let shutdown = Shutdown::new();
    let (address, collector) = collector(world, shutdown.clone());
    // A chunk is let through when the kills have come as far as the traffic would be with it.
    let (http_permits, http_gate) = mpsc::channel();
    let (direct_permits, direct_gate) = mpsc::channel();
    let log = world.log();
    let http_chunks = over_http.len().div_ceil(CHUNK);
    let direct_chunks = direct.len().div_ceil(CHUNK);
    let http = thread::spawn(move || send_over_http(&address, &over_http, &http_gate));
    let direct = thread::spawn(move || send_direct(&*log, &direct, &direct_gate));
    let (mut http_sent, mut direct_sent) = (0, 0);
    while http_sent < http_chunks || direct_sent < direct_chunks {
        let progress = chaos.progress();
        http_sent += permit(&http_permits, http_sent, http_chunks, progress);
        direct_sent += permit(&direct_permits, direct_sent, direct_chunks, progress);
        thread::sleep(Duration::from_millis(20));
    }
    drop((http_permits, direct_permits));
    let mut sent = direct.join().unwrap();
    let by_http = http.join().unwrap();
    sent.event_ids.extend(by_http.event_ids);
    sent.repeated += by_http.repeated;
    shutdown.trigger();
    collector.join().unwrap();
    sent
}

/// Lets chunks through: a steady trickle, and what the progress of the kills allows.
fn permit(permits: &mpsc::Sender<()>, sent: usize, chunks: usize, progress: f64) -> usize {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of chunks"
    )]
    let allowed = (chunks as f64 * (progress + 0.05)).ceil() as usize;
    let now = allowed.min(chunks).saturating_sub(sent).min(2);
    (0..now).for_each(|_| permits.send(()).unwrap());
    now
}

/// The real collector, on a port of its own.
fn collector(world: &World, shutdown: Shutdown) -> (String, thread::JoinHandle<()>) {
    let log = world.log();
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            collector::run(collector::Config::default(), log, listener.into(), shutdown)
                .await
                .unwrap();
        });
    });
    let address = receiver.recv().unwrap();
    (format!("http://{address}/v1/events"), thread)
}

fn send_over_http(url: &str, items: &[Item], gate: &mpsc::Receiver<()>) -> Sent {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(WAIT))
        .build()
        .into();
    let mut sent = Sent::default();
    for chunk in items.chunks(CHUNK) {
        gate.recv().unwrap();
        let mut body = Vec::new();
        for item in chunk {
            body.extend_from_slice(&item.value);
            body.push(b'\n');
        }
        let accepted = tests::wait::until("the collector to accept", WAIT, || {
            let request = agent.post(url).header("content-type", "application/x-ndjson");
            let answer = request.send(&body[..]);
            let report = answer.ok().filter(|answer| answer.status() == 200).map(|mut answer| {
                let text = answer.body_mut().read_to_string().unwrap();
                serde_json::from_str::<Value>(&text).unwrap()
            });
            if report.is_none() {
                sent.repeated += chunk.len() as u64;
            }
            report
        });
        assert_eq!(accepted["accepted"], chunk.len(), "{accepted}");
        sent.event_ids.extend(chunk.iter().filter_map(|item| item.event_id.clone()));
    }
    sent
}

fn send_direct(log: &dyn ports::EventLog, items: &[Item], gate: &mpsc::Receiver<()>) -> Sent {
    let producer = log.producer();
    let mut sent = Sent::default();
    for chunk in items.chunks(CHUNK) {
        gate.recv().unwrap();
        let mut waiting: Vec<&Item> = chunk.iter().collect();
        while !waiting.is_empty() {
            let answers = publish(&*producer, &waiting);
            let mut again = Vec::new();
            for (item, answer) in waiting.into_iter().zip(answers) {
                match answer {
                    Ok(position) => {
                        let at = (position.partition.partition, position.offset);
                        sent.positions.push((at, item.event_id.clone()));
                        sent.event_ids.extend(item.event_id.clone());
                    }
                    Err(error) => {
                        assert!(matches!(error, LogError::Unavailable(_)), "{error}");
                        sent.repeated += 1;
                        again.push(item);
                    }
                }
            }
            waiting = again;
        }
    }
    sent
}

fn publish(producer: &dyn ports::Producer, items: &[&Item]) -> Vec<Result<Position, LogError>> {
    let records = || {
        items
            .iter()
            .map(|item| Outgoing {
                topic: EVENTS.into(),
                partition: None,
                key: Some(item.agent.clone().into_bytes()),
                value: Some(item.value.clone()),
                headers: item.headers.clone(),
            })
            .collect()
    };
    let (sender, receiver) = mpsc::channel();
    tests::wait::until("room in the producer's queue", WAIT, || {
        let sender = sender.clone();
        let done = Box::new(move |answers| drop(sender.send(answers)));
        producer.publish(records(), done).ok()
    });
    receiver.recv_timeout(WAIT).unwrap()
}
