//! Measures what cold paths read from a log of a given size.

use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use evidence::{Judgement, LogRead, Period, Policy, Scope, Wanted};
use ports::{EventLog, TopicSpec};
use sealer::Keys;
use service::Shutdown;
use service::clock::Stopwatch;
use sim::MemoryLog;

use crate::synthetic::{self, PARTITIONS, ROWS, Synthetic, TOPIC};

const DAY_MS: u64 = 86_400_000;

/// Objects, bytes and time of one cold path.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Requests to the archive.
    pub reads: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time.
    pub elapsed: Duration,
}

/// What cold paths cost in a log of some size.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    /// Segments of the log.
    pub segments: u64,
    /// A sealer from its start until it would join the group.
    pub start: Cost,
    /// The proof of a record by its coordinates.
    pub record: Cost,
    /// The proof of an event by id and hour.
    pub hour: Cost,
    /// The pack of an agent and a day.
    pub day: Cost,
}

/// Measures a log of so many segments.
///
/// # Panics
///
/// If a path does not give what it should.
#[must_use]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
pub fn measure(segments: u64) -> Growth {
    let keys = Keys::generate("synthetic.example/log").unwrap();
    let policy = Policy::parse(&keys.policy()).unwrap();
    let wanted = segments / 3;
    let hours = DAY_MS / 3_600_000 / 2 + 2;
    let around = hours * 3_600_000 / synthetic::STEP_MS;
    let real = wanted.saturating_sub(around)..wanted + around;
    let store = Synthetic::new(segments, real, keys.log.clone(), keys.sealer.clone());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let archive = Archive::over(Arc::new(store.clone()), runtime.handle().clone());

    let log = MemoryLog::new();
    let partitions = i32::try_from(PARTITIONS).unwrap();
    log.create_topics(&[TopicSpec {
        name: TOPIC.to_owned(),
        partitions,
        compacted: false,
        kept: false,
    }])
    .unwrap();
    let shutdown = Shutdown::new();
    shutdown.trigger();
    let config = sealer::Config { topics: vec![TOPIC.to_owned()], ..sealer::Config::default() };
    let start = cost(&store, || {
        sealer::run(config, Arc::new(log), archive.clone(), keys.clone(), shutdown).unwrap();
    });

    let (partition, first) = synthetic::place(wanted);
    let row = ROWS / 2;
    let event_id = synthetic::event_id(wanted, row);
    let prove = |wanted: Wanted| {
        let proof = evidence::prove(&archive, &policy, &wanted, &mut |_| {}).unwrap();
        assert_eq!(proof.event_id, event_id);
        assert_eq!(proof.verify(&policy).verdict, Judgement::Verified);
    };
    let offset = first.saturating_add(row.cast_signed());
    let record = cost(&store, || prove(Wanted::Record { partition, offset }));
    let from_ms = synthetic::first_ms(wanted).saturating_sub(1_800_000);
    let period = Period { from_ms, to_ms: from_ms.saturating_add(3_600_000) };
    let by_hour = Wanted::Id { event_id: event_id.clone(), period: Some(period) };
    let hour = cost(&store, || prove(by_hour));
    let from_ms = synthetic::first_ms(wanted).saturating_sub(DAY_MS.cast_signed() / 2);
    let scope = Scope::new("a", from_ms, from_ms.saturating_add(DAY_MS.cast_signed())).unwrap();
    let day = cost(&store, || {
        let directory = tempfile::tempdir().unwrap();
        let (out, wish) = (directory.path().join("pack.zip"), scope.clone().into());
        let exported =
            evidence::export(&archive, &policy, &keys.evidence, wish, &out, &mut |_| {}).unwrap();
        assert_eq!(exported.report.verdict, Judgement::Verified, "{}", exported.report);
        assert_eq!(exported.read, LogRead::Heads);
        let events = exported.report.verified.unwrap().facts.events;
        assert_eq!(events, DAY_MS / synthetic::STEP_MS * ROWS);
    });
    Growth { segments, start, record, hour, day }
}

fn cost(store: &Synthetic, work: impl FnOnce()) -> Cost {
    let (reads_before, bytes_before) = store.counts();
    let stopwatch = Stopwatch::start();
    work();
    let elapsed = stopwatch.elapsed();
    let (reads, bytes) = store.counts();
    Cost { reads: reads - reads_before, bytes: bytes - bytes_before, elapsed }
}
