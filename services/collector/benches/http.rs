//! Events per second through the collector over real HTTP on one connection, which waits for each
//! answer: the wall time is the collector's, the kernel's and the (cheap) client's together, so
//! the rate is a lower bound of what one core does. `cargo bench -p collector`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use collector::Config;
use event::TopicPartition;
use ports::settings::TopicSettings;
use ports::{
    Consumer, Delivery, EventLog, LogError, OffsetRange, Outgoing, Position, Producer,
    Subscription, TopicSpec,
};
use service::Shutdown;
use service::clock::Stopwatch;

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

fn main() {
    // `cargo test` runs benchmarks too, once, to see that they work.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 2_000 } else { 1 };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let run = collector::run(Config::default(), Arc::new(Nowhere), listener, shutdown.clone());
    let server = runtime.spawn(run);

    let events: Vec<String> = (0..BATCH).map(event).collect();
    for (name, body) in [
        ("array of 100", format!("[{}]", events.join(","))),
        ("100 lines", events.join("\n")),
        ("one event", events.first().cloned().unwrap()),
    ] {
        let count = if name == "one event" { 1 } else { BATCH };
        let request = format!(
            "POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut answers = BufReader::new(stream.try_clone().unwrap());
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let watch = Stopwatch::start();
            for _ in 0..rounds {
                stream.write_all(request.as_bytes()).unwrap();
                answer(&mut answers);
            }
            best = best.min(watch.elapsed() / rounds);
        }
        let each = best.as_secs_f64() / f64::from(u32::try_from(count).unwrap());
        println!(
            "{name:<14} {:>8.1} us/event {:>9.0} events/s  ({} bytes each)",
            each * 1e6,
            1.0 / each,
            body.len() / count
        );
    }
    shutdown.trigger();
    runtime.block_on(server).unwrap().unwrap();
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
