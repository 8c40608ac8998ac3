//! Seal throughput from real Apache Kafka: a backlog of Avro events, sealed by the real sealer into
//! a durable archive in a directory, against reading the same backlog and doing nothing with it.
//!
//! Broker, sealer and disk share the machine, so the wall-clock figure is that of this machine;
//! events per CPU second of this process are what the sealer costs. `DRIFTSEAL_BENCH_EVENTS` sets
//! the number of events.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a failed step ends the benchmark; it prints figures"
)]

use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use event::TopicPartition;
use ports::{EventLog, Outgoing, Polled, Subscription, TopicSpec, publish_and_wait};
use sealer::Keys;
use service::clock::{Stopwatch, now_micros};
use service::shutdown::Shutdown;
use tests::kafka::TestKafka;
use tests::sealed::Sealed;
use tests::traffic::Traffic;
use tests::workspace;

/// The allocator of the product binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TOPIC: &str = "bench.events";
const PARTITIONS: i32 = 4;
/// Events made and published at a time.
const CHUNK: usize = 20_000;

fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let kafka = match TestKafka::start() {
        Ok(kafka) => kafka,
        Err(error) => {
            workspace::not_run("kafka_seal", &error.to_string());
            return;
        }
    };
    let events = workspace::variable("DRIFTSEAL_BENCH_EVENTS")
        .and_then(|events| events.parse().ok())
        .unwrap_or(1_000_000);
    let log = kafka.log();
    let (events, bytes) = publish(&*log, events);
    let each = bytes as f64 / events as f64;
    println!("{events} events of {each:.0} bytes in {PARTITIONS} partitions");

    let read = Measure::of(|| read(&*log, events));
    read.print("read only", events);
    let directory = tempfile::tempdir().unwrap();
    let (root, policy) = (directory.path().join("archive"), directory.path().join("policy"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let archive = Archive::create(&root.display().to_string(), runtime.handle().clone()).unwrap();
    let keys = Keys::generate("bench.example/log").unwrap();
    std::fs::write(&policy, keys.policy()).unwrap();
    let installation = sealer::describe(&*log, "", &[TOPIC.into()]).unwrap();
    sealer::init_log(&archive, &keys, installation).unwrap();
    let seal = Measure::of(|| seal(&log, &archive, keys, &root, &policy));
    seal.print("sealed", events);

    let mut sealed = Sealed::open(&root, &policy);
    sealed.refresh();
    assert_eq!(sealed.ends(TOPIC).values().sum::<i64>(), i64::try_from(events).unwrap());
    let size: u64 =
        sealed.parquet_files().iter().map(|file| std::fs::metadata(file).unwrap().len()).sum();
    println!(
        "{} segments, {:.0} bytes an event, {:.1} times the cost of reading",
        sealed.segments(),
        size as f64 / events as f64,
        seal.cpu_secs / read.cpu_secs
    );
}

/// Publishes at least that many; how many, and how many bytes of values.
fn publish(log: &dyn EventLog, events: usize) -> (usize, usize) {
    let topic =
        TopicSpec { name: TOPIC.into(), partitions: PARTITIONS, compacted: false, kept: false };
    log.create_topics(&[topic]).unwrap();
    let producer = log.producer();
    let (mut published, mut bytes) = (0, 0);
    for seed in 0.. {
        if published >= events {
            break;
        }
        let traffic = Traffic::new(seed, 40, now_micros(), 60_000_000).all_avro();
        let (items, _) = traffic.make(CHUNK.min(events - published));
        published += items.len();
        bytes += items.iter().map(|item| item.value.len()).sum::<usize>();
        let records: Vec<Outgoing> = items
            .into_iter()
            .map(|item| Outgoing {
                topic: TOPIC.into(),
                partition: None,
                key: Some(item.agent.into_bytes()),
                value: Some(item.value),
                headers: Vec::new(),
            })
            .collect();
        publish_and_wait(&*producer, records, Duration::from_secs(120)).unwrap();
    }
    (published, bytes)
}

/// Reads everything: what any consumer pays.
fn read(log: &dyn EventLog, events: usize) {
    let partitions: Vec<TopicPartition> =
        (0..PARTITIONS).map(|partition| TopicPartition::new(TOPIC, partition)).collect();
    let mut consumer = log.consumer(Subscription::Partitions(partitions)).unwrap();
    let mut seen = 0;
    while seen < events {
        match consumer.poll(Duration::from_secs(1)).unwrap() {
            Polled::Assigned(partitions) => {
                partitions.iter().for_each(|partition| consumer.seek(partition, 0).unwrap());
            }
            Polled::Batch(batch) => seen += batch.len(),
            Polled::Idle | Polled::Revoked(_) => {}
        }
    }
}

/// Seals everything: once the first segment is there, a shutdown drains what is published.
fn seal(
    log: &Arc<dyn EventLog>,
    archive: &Archive,
    keys: Keys,
    root: &std::path::Path,
    policy: &std::path::Path,
) {
    let config = sealer::Config {
        topics: vec![TOPIC.into()],
        segment_age_ms_max: 600_000,
        drain_ms_max: 600_000,
        ..sealer::Config::default()
    };
    let shutdown = Shutdown::new();
    std::thread::scope(|scope| {
        let role = scope.spawn(|| {
            sealer::run(config, Arc::clone(log), archive.clone(), keys, shutdown.clone())
        });
        let mut sealed = Sealed::open(root, policy);
        tests::wait::until("the first segment", Duration::from_secs(300), || {
            sealed.refresh();
            (role.is_finished() || sealed.segments() > 0).then_some(())
        });
        shutdown.trigger();
        role.join().unwrap().unwrap();
    });
}

/// What something took.
struct Measure {
    wall_secs: f64,
    cpu_secs: f64,
}

impl Measure {
    fn of(work: impl FnOnce()) -> Self {
        let (watch, cpu) = (Stopwatch::start(), cpu_secs());
        work();
        Self { wall_secs: watch.elapsed_secs(), cpu_secs: cpu_secs() - cpu }
    }

    fn print(&self, name: &str, events: usize) {
        let events = events as f64;
        println!(
            "{name}: {:.0} events/s, {:.0} events per CPU second of this process ({:.1} s, {:.1} CPU s)",
            events / self.wall_secs,
            events / self.cpu_secs,
            self.wall_secs,
            self.cpu_secs
        );
    }
}

/// CPU time of this process so far; NaN where there is no /proc.
fn cpu_secs() -> f64 {
    // Fields 14 and 15 of proc(5) stat, in ticks of 1/100 s; the name before them may hold spaces.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = |field| after_name.split(' ').nth(field).and_then(|text| text.parse::<f64>().ok());
    ticks(11).zip(ticks(12)).map_or(f64::NAN, |(user, system)| (user + system) / 100.0)
}
