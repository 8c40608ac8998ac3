//! What one core of the collector does, over real HTTP: `make bench-ingest`.
//!
//! The server runs in a process of its own on core 1, the generator on core 0. What counts is the processor time
//! that the server used for an event, which is its own alone; beside it stands an axum handler that reads the body and
//! drops it, and what decoding alone takes in memory, measured in the same run.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::routing::any;
use collector::Config;
use event::TopicPartition;
use otlp::{Encoding, Mapper};
use ports::settings::TopicSettings;
use ports::{
    Consumer, Delivery, EventLog, LogError, OffsetRange, Outgoing, Position, Producer,
    Subscription, TopicSpec,
};
use service::Shutdown;
use service::clock::Stopwatch;
use tokio::net::TcpListener;

const BATCH: usize = 100;

/// Acknowledges at once and keeps nothing, so that only the collector is measured.
#[derive(Debug, Clone)]
struct Nowhere;

impl Producer for Nowhere {
    fn publish(&self, records: Vec<Outgoing>, done: Delivery) -> Result<(), ports::QueueFull> {
        let partition = TopicPartition::new("agent.events", 0);
        let position = |_| Ok(Position { partition: partition.clone(), offset: 0 });
        done(records.iter().map(position).collect());
        Ok(())
    }

    fn in_flight(&self) -> usize {
        0
    }
}

impl EventLog for Nowhere {
    fn create_topics(&self, _topics: &[TopicSpec]) -> Result<(), LogError> {
        Ok(())
    }

    fn partitions(&self, _topic: &str) -> Result<i32, LogError> {
        Ok(1)
    }

    fn cluster_id(&self) -> Result<String, LogError> {
        Ok("none".to_owned())
    }

    fn topic_id(&self, topic: &str) -> Result<String, LogError> {
        Ok(topic.to_owned())
    }

    fn grow_topic(&self, _topic: &str, _partitions: i32) -> Result<bool, LogError> {
        Ok(false)
    }

    fn topic_settings(&self, _topic: &str) -> Result<Option<TopicSettings>, LogError> {
        Ok(None)
    }

    fn offsets(&self, _partition: &TopicPartition) -> Result<OffsetRange, LogError> {
        Ok(OffsetRange { first: 0, next: 0 })
    }

    fn producer(&self) -> Arc<dyn Producer> {
        Arc::new(self.clone())
    }

    fn consumer(&self, _subscription: Subscription) -> Result<Box<dyn Consumer>, LogError> {
        Err(LogError::Fatal("write only".to_owned()))
    }
}

fn event(number: usize) -> String {
    format!(
        r#"{{"kind":"tool.called","event_time":"2026-11-24T10:00:00.123456Z","environment":"production","agent_id":"support-agent-{}","agent_version":"2.4.1","run_id":"run-{:08}","span_id":"00f067aa0ba902b7","source":{{"id":"pod-7f9c","epoch":3,"seq":{number}}},"tool":{{"name":"search_orders","call_id":"call_{number}","duration_ms":{}.25,"arguments":"{{\"order\":\"A-{number}\",\"limit\":10}}"}},"attributes":{{"region":"eu-central-1","host":"node-17"}}}}"#,
        number % 50,
        number / 7,
        number % 400,
    )
}

/// Decodes a body once.
type Decode = Box<dyn Fn(&[u8])>;

/// A request, and what it asks of a server.
struct Load {
    name: &'static str,
    path: &'static str,
    media: &'static str,
    body: Vec<u8>,
    events: usize,
    decode: Decode,
}

/// The call of a model as pydantic-ai sends it, a hundred times.
fn spans() -> Vec<u8> {
    let captured = include_str!("../../../tests/emitters/captured/pydantic-ai.traces.jsonl");
    let mut request =
        otlp::traces(captured.lines().next().unwrap().as_bytes(), Encoding::Json).unwrap();
    request.resource_spans.truncate(1);
    let scope = request.resource_spans.first_mut().unwrap().scope_spans.first_mut().unwrap();
    let own = scope.spans.clone();
    scope.spans = (0..BATCH)
        .map(|number| {
            let mut span = own.get(number % own.len()).unwrap().clone();
            span.span_id = u64::try_from(number + 1).unwrap().to_be_bytes().to_vec();
            span
        })
        .collect();
    prost::Message::encode_to_vec(&request)
}

fn loads() -> Vec<Load> {
    let events: Vec<String> = (0..BATCH).map(event).collect();
    let json = |bytes: &[u8]| {
        let limits = event::Limits::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            std::hint::black_box(event::decode::decode_json_borrowed(line, limits).unwrap());
        }
    };
    let mapper = Mapper::new().unwrap();
    let map = move |bytes: &[u8]| {
        let request = otlp::traces(bytes, Encoding::Protobuf).unwrap();
        let mut each = |event: event::Event<'_>| {
            std::hint::black_box(event.cells().len());
            ControlFlow::Continue(())
        };
        mapper.spans(&request, &mut each, &mut |_| {});
    };
    let read = |bytes: &[u8]| {
        drop(std::hint::black_box(otlp::traces(bytes, Encoding::Protobuf).unwrap()));
    };
    let load =
        |name, path, media, body, events, decode| Load { name, path, media, body, events, decode };
    let (lines, otlp) = ("application/x-ndjson", "application/x-protobuf");
    vec![
        load(
            "JSON, 100 events",
            "/v1/events",
            lines,
            events.join("\n").into(),
            BATCH,
            Box::new(json),
        ),
        load("JSON, one event", "/v1/events", lines, event(0).into(), 1, Box::new(json)),
        load("OTLP, 100 spans, to protobuf", "/v1/traces", otlp, spans(), BATCH, Box::new(read)),
        load("OTLP, 100 spans, to events", "/v1/traces", otlp, spans(), BATCH, Box::new(map)),
    ]
}

/// A server in a process of its own.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(what: &str) -> Self {
        let own = std::env::current_exe().unwrap();
        let mut process = Command::new("taskset")
            .args(["-c", "1"])
            .arg(own)
            .args(["serve", what])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { process, address: line.trim().parse().unwrap() }
    }

    /// Processor time that was used, seconds (proc(5), fields 14 and 15, in hundredths).
    fn used(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields = fields.split_ascii_whitespace();
        fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
    }

    /// Seconds of the server's processor, and of the clock, for each event.
    fn measure(&self, load: &Load, rounds: usize) -> (f64, f64) {
        let Load { path, media, body, .. } = load;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut answers = BufReader::new(stream.try_clone().unwrap());
        let mut send = |rounds: usize| {
            for _ in 0..rounds {
                stream.write_all(&request).unwrap();
                answer(&mut answers);
            }
        };
        send(rounds.div_ceil(10));
        let (before, watch) = (self.used(), Stopwatch::start());
        send(rounds);
        let events = f64::from(u32::try_from(rounds * load.events).unwrap());
        ((self.used() - before) / events, watch.elapsed().as_secs_f64() / events)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn serve(what: &str) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        if what == "nothing" {
            let drops = |body: Bytes| async move { drop(body) };
            let router = Router::new().route("/{*path}", any(drops));
            let limits = service::server::Limits::default();
            service::server::serve(listener, router, limits, std::future::pending()).await;
        } else {
            let (log, shutdown) = (Arc::new(Nowhere), Shutdown::new());
            collector::run(Config::default(), log, listener.into(), shutdown).await.unwrap();
        }
    });
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|argument| argument == "serve") {
        return serve(arguments.get(2).unwrap());
    }
    // `cargo test` runs benchmarks too, once, to see that they work.
    let rounds = if arguments.iter().any(|argument| argument == "--bench") { 3_000 } else { 1 };
    let (nothing, collector) = (Server::start("nothing"), Server::start("collector"));
    println!(
        "{:<30} {:>7} {:>12} {:>12} {:>12} {:>12} {:>7}",
        "", "bytes", "decode", "read, drop", "collector", "events/s", "ratio"
    );
    for load in loads() {
        let rounds = if load.events == 1 { rounds * 10 } else { rounds };
        let watch = Stopwatch::start();
        for _ in 0..rounds {
            (load.decode)(&load.body);
        }
        let events = f64::from(u32::try_from(rounds * load.events).unwrap());
        let decode = watch.elapsed().as_secs_f64() / events;
        let (drops, _) = nothing.measure(&load, rounds);
        let (own, _) = collector.measure(&load, rounds);
        println!(
            "{:<30} {:>7} {:>9.2} us {:>9.2} us {:>9.2} us {:>12.0} {:>7.2}",
            load.name,
            load.body.len() / load.events,
            decode * 1e6,
            drops * 1e6,
            own * 1e6,
            1.0 / own,
            own / decode,
        );
    }
}

fn answer(answers: &mut BufReader<TcpStream>) {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        answers.read_line(&mut line).unwrap();
        if line.starts_with("HTTP/") {
            assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    answers.read_exact(&mut body).unwrap();
}
