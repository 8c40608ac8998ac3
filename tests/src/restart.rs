//! A processor with many keys that is killed without warning and started again: how long until
//! what was published meanwhile has been processed in every partition.
//!
//! The configuration is the product's own, timeouts of the group included; only addresses and
//! directories are the test's. "Processed" is what anybody can see: of each partition the output
//! that names a record as its origin which was published after the kill.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use event::{Decoder, EventBuilder, Limits, Timestamp, TopicPartition, column, encode, kind};
use ports::{Consumer, EventLog, Outgoing, Polled, Subscription, publish_and_wait};
use service::clock::{Stopwatch, now_micros};

use crate::process::Role;
use crate::wait;
use crate::world::{ALERTS, EVENTS, PARTITIONS, World};

/// Runs of each agent; each has one version.
const RUNS: u32 = 3;
/// The load's events are of so long.
const SPAN_MICROS: i64 = 6 * 3_600 * 1_000_000;
/// Of so many agents one has another run that no snapshot covers when the kill comes.
const AFTER_SNAPSHOT: u32 = 10;
/// Records published in one call.
const CALL: usize = 5_000;
/// Longest wait for anything but the restart itself.
const LIMIT: Duration = Duration::from_secs(300);

/// A running processor that holds the keys.
#[derive(Debug)]
pub struct Loaded {
    world: World,
    processor: Role,
    keys: u32,
}

/// What a restart took, from the kill on.
#[derive(Debug, Clone, Default)]
pub struct Restart {
    /// The process says its first word.
    pub started: Duration,
    /// It has its partitions.
    pub assigned: Duration,
    /// It has taken the last one over: state read, later outputs known.
    pub taken_over: Duration,
    /// The first record published after the kill is processed.
    pub first: Duration,
    /// One is in every partition.
    pub every: Duration,
    /// Keys that it resumed with.
    pub keys: u64,
    /// Records after the snapshot.
    pub records: u64,
    /// What the process said.
    pub said: String,
}

impl Loaded {
    /// Starts a broker and a processor, and has so many keys processed and saved. `None` if that
    /// is not possible here and was not asked for.
    ///
    /// # Panics
    ///
    /// If a step fails.
    #[must_use]
    pub fn start(test: &str, keys: u32, configuration: &str) -> Option<Self> {
        let world = World::start_as_deployed(test, configuration)?;
        let log = world.log();
        let processor = world.role("processor");
        let start = now_micros() - SPAN_MICROS;
        let number_of = |agent: u32, run: u32| i64::from(agent * RUNS + run);
        let step = SPAN_MICROS / i64::from(keys * RUNS);
        let runs = (0..keys).flat_map(|agent| (0..RUNS).map(move |run| (agent, run)));
        publish(
            &*log,
            runs.map(|(agent, run)| {
                (agent, number_of(agent, run), start + number_of(agent, run) * step)
            }),
        );
        let ends = ends(&*log);
        wait::until("a snapshot of everything", LIMIT, || {
            let said = processor.said();
            ends.iter().all(|(partition, end)| saved(&said, *partition) >= *end).then_some(())
        });
        Some(Self { world, processor, keys })
    }

    /// Lets the processor compute what no snapshot covers, kills it and starts it again.
    ///
    /// # Panics
    ///
    /// If a step fails, or it does not come back.
    pub fn kill_and_restart(&mut self) -> Restart {
        let log = self.world.log();
        let mut alerts = Alerts::from_the_end(&*log);
        let seed = now_micros();
        let again = (0..self.keys / AFTER_SNAPSHOT).map(|n| n * AFTER_SNAPSHOT);
        publish(&*log, again.map(|agent| (agent, seed + i64::from(agent), now_micros())));
        alerts.wait_for(&mark(&*log), &Stopwatch::start());

        let heard_before = self.processor.said().len();
        let (killed_at, watch) = (now_micros(), Stopwatch::start());
        self.processor.kill_and_restart();
        let marks = mark(&*log);
        let (first, every) = alerts.wait_for(&marks, &watch);

        let mut said = self.processor.said();
        let said = said.split_off(heard_before);
        let micros_of = |line: &str| {
            let text = line.split_whitespace().next().unwrap_or_default();
            chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros())
        };
        let since_kill = |micros: i64| {
            Duration::from_micros(u64::try_from(micros.saturating_sub(killed_at)).unwrap_or(0))
        };
        let last_of = |what: &str| {
            let lines = said.lines().filter(|line| line.contains(what));
            let last = lines.filter_map(micros_of).max().map(since_kill);
            let Some(last) = last else { unreachable!("no line says `{what}`:\n{said}") };
            last
        };
        let sum_of = |field: &str| {
            let taken = said.lines().filter(|line| line.contains("opened a partition"));
            taken.filter_map(|line| number_after(line, field)).sum::<i64>().unsigned_abs()
        };
        Restart {
            started: said.lines().find_map(micros_of).map(since_kill).unwrap_or_default(),
            assigned: last_of("partitions assigned"),
            taken_over: last_of("opened a partition"),
            first,
            every,
            keys: sum_of(" keys="),
            records: sum_of(" records="),
            said,
        }
    }
}

/// Publishes a run of each `(agent, number, time)`.
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
fn publish(log: &dyn EventLog, runs: impl Iterator<Item = (u32, i64, i64)>) {
    let producer = log.producer();
    let mut records: Vec<Outgoing> = runs
        .map(|(agent, number, at)| {
            let agent = format!("agent-{agent}");
            let event = EventBuilder::new(kind::RUN_COMPLETED)
                .set(
                    column::EVENT_ID,
                    format!("00000000-0000-7000-8000-{:012x}", number & 0xffff_ffff_ffff),
                )
                .set(column::EVENT_TIME, Timestamp::from_micros(at))
                .set(column::AGENT_ID, agent.as_str())
                .set(column::AGENT_VERSION, "2026-11-24")
                .set(column::RUN_ID, format!("run-{number}"))
                .set(column::run::STATUS, if number % 10 == 0 { "error" } else { "ok" })
                .set(
                    column::run::DURATION_MS,
                    250.0 + f64::from(i32::try_from(number % 5_000).unwrap()),
                )
                .set(column::run::INPUT_TOKENS, 900_i64 + number % 77)
                .set(column::run::OUTPUT_TOKENS, 100_i64)
                .set(column::run::COST_USD, 0.002);
            outgoing(None, Some(agent.into_bytes()), event)
        })
        .collect();
    while !records.is_empty() {
        let call = records.drain(..records.len().min(CALL)).collect();
        publish_and_wait(&*producer, call, LIMIT).unwrap();
    }
}

/// How long until something that is published now has been computed in every partition.
///
/// # Panics
///
/// If that takes too long.
#[must_use]
pub fn time_of_a_record(log: &dyn EventLog) -> Duration {
    let (mut alerts, watch) = (Alerts::from_the_end(log), Stopwatch::start());
    alerts.wait_for(&mark(log), &watch).1
}

/// Publishes two events into each partition, of the second of which an output says at once that it was
/// computed: a version of an agent that nobody has announced. Where these are.
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
fn mark(log: &dyn EventLog) -> BTreeSet<(i64, i64)> {
    let mark = |partition: i32, version: &str| {
        let now = now_micros();
        let event = EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::EVENT_ID, format!("mark-{partition}-{version}-{now}"))
            .set(column::EVENT_TIME, Timestamp::from_micros(now))
            .set(column::AGENT_ID, format!("mark-{partition}"))
            .set(column::AGENT_VERSION, format!("{version}-{now}"))
            .set(column::run::STATUS, "ok");
        outgoing(Some(partition), None, event)
    };
    let all = |version| (0..PARTITIONS).map(|partition| mark(partition, version)).collect();
    publish_and_wait(&*log.producer(), all("before"), LIMIT).unwrap();
    let published = publish_and_wait(&*log.producer(), all("after"), LIMIT).unwrap();
    published.into_iter().map(|at| (i64::from(at.partition.partition), at.offset)).collect()
}

#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
fn outgoing(partition: Option<i32>, key: Option<Vec<u8>>, event: EventBuilder) -> Outgoing {
    let mut value = Vec::new();
    encode::encode(&event.build().unwrap(), &mut value);
    Outgoing { topic: EVENTS.into(), partition, key, value: Some(value), headers: Vec::new() }
}

#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
fn ends(log: &dyn EventLog) -> BTreeMap<i32, i64> {
    let end = |n| log.offsets(&TopicPartition::new(EVENTS, n)).unwrap().next;
    (0..PARTITIONS).map(|partition| (partition, end(partition))).collect()
}

/// How far the last snapshot of a partition goes, as the process says.
fn saved(said: &str, partition: i32) -> i64 {
    let of = format!("partition={}", TopicPartition::new(EVENTS, partition));
    let lines = said.lines().filter(|line| line.contains("saved a snapshot"));
    let ours = lines.filter(|line| line.split_whitespace().any(|word| word == of));
    ours.filter_map(|line| number_after(line, " next_offset=")).max().unwrap_or(-1)
}

fn number_after(line: &str, field: &str) -> Option<i64> {
    let (_, rest) = line.split_once(field)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The outputs of a processor that say at once that something was computed.
struct Alerts {
    consumer: Box<dyn Consumer>,
}

#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
impl Alerts {
    /// Those that come from now on.
    fn from_the_end(log: &dyn EventLog) -> Self {
        let partitions: Vec<_> = (0..PARTITIONS).map(|n| TopicPartition::new(ALERTS, n)).collect();
        let mut consumer = log.consumer(Subscription::Partitions(partitions.clone())).unwrap();
        while !matches!(consumer.poll(LIMIT).unwrap(), Polled::Assigned(_)) {}
        for partition in &partitions {
            consumer.seek(partition, log.offsets(partition).unwrap().next).unwrap();
        }
        Self { consumer }
    }

    /// When the first and when the last of the marks had been computed.
    fn wait_for(
        &mut self,
        marks: &BTreeSet<(i64, i64)>,
        watch: &Stopwatch,
    ) -> (Duration, Duration) {
        let decoder = Decoder::new(Limits::default());
        let (of_partition, of_offset) = (column::origin::PARTITION, column::origin::OFFSET);
        let (mut missing, mut first) = (marks.clone(), None);
        while !missing.is_empty() {
            assert!(!watch.has_passed(LIMIT), "not computed: {missing:?}");
            let Polled::Batch(batch) = self.consumer.poll(Duration::from_millis(50)).unwrap()
            else {
                continue;
            };
            for record in batch.records() {
                let decoded = decoder.decode(&record);
                let int = |column| decoded.event.int(column);
                if let Some(origin) = int(of_partition).zip(int(of_offset))
                    && missing.remove(&origin)
                {
                    first.get_or_insert_with(|| watch.elapsed());
                }
            }
        }
        (first.unwrap_or_default(), watch.elapsed())
    }
}

impl std::fmt::Display for Restart {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secs = |duration: Duration| duration.as_secs_f64();
        write!(
            formatter,
            "{} keys, {} records after the snapshot; from the kill on: process {:.2} s, partitions \
             assigned {:.2} s, all taken over {:.2} s, first new record processed {:.2} s, one in \
             every partition {:.2} s",
            self.keys,
            self.records,
            secs(self.started),
            secs(self.assigned),
            secs(self.taken_over),
            secs(self.first),
            secs(self.every),
        )
    }
}
