//! A log in memory with traffic of all sorts, the real processor over it, and the real sealer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use event::typed::Int;
use event::{
    Cell, ColumnId, Decoder, Event, EventBuilder, Timestamp, TimestampType, TopicPartition,
    TypedColumn, column, kind,
};
use evidence::{EvidenceError, FsckReport, Policy, ReplayOptions, ReplayReport};
use monitor::Settings;
use ports::{EventLog, Outgoing, TopicSpec};
use processor::Processor;
use sealer::{Keys, LostRecords};
use service::Role as _;
use service::Shutdown;
use sim::{Fault, MemoryLog, Operation};
use tempfile::TempDir;
use tests::owner::Owner;
use tests::traffic::Traffic;
use tests::wait;
use tokio::runtime::Runtime;

pub(crate) const EVENTS: &str = "agent.events";
pub(crate) const METRICS: &str = "driftseal.metrics";
pub(crate) const ALERTS: &str = "driftseal.alerts";
const ORIGIN: &str = "replay.example/log";
const STATE: &str = "driftseal.state";
pub(crate) const GOVERNANCE: &str = "driftseal.governance";
pub(crate) const PARTITIONS: i32 = 2;

pub(crate) const START_MS: i64 = 1_760_000_000_000;
const SPAN_MS: i64 = 40 * 60 * 1_000;
const ITEMS: usize = 5_000;
/// Records that come at once.
const PIECE: usize = 250;
/// Every so many items one comes this much later than it should: by some eight minutes.
const LATE_EVERY: usize = 30;
const LATE_BY: usize = 800;

fn empty_log() -> MemoryLog {
    let log = MemoryLog::new();
    let spec = |name: &str| TopicSpec {
        name: name.to_owned(),
        partitions: PARTITIONS,
        compacted: name == STATE,
        kept: false,
    };
    log.create_topics(&[EVENTS, METRICS, ALERTS, STATE].map(spec)).unwrap();
    log.create_topics(&[TopicSpec { partitions: 1, kept: true, ..spec(GOVERNANCE) }]).unwrap();
    log
}

pub(crate) fn append(log: &MemoryLog, record: Outgoing, at_ms: i64) {
    log.append_at(record, at_ms, TimestampType::LogAppendTime).unwrap();
}

/// Traffic of three agents, of which one gets worse, some of it late, some of it garbage; each with its broker time.
fn traffic() -> Vec<(Outgoing, i64)> {
    let (items, _) = Traffic::new(3, 3, START_MS * 1_000, SPAN_MS * 1_000).make(ITEMS);
    let count = items.len();
    let mut placed: Vec<_> = items.into_iter().enumerate().collect();
    placed.sort_by_key(|(index, _)| if index % LATE_EVERY == 7 { index + LATE_BY } else { *index });
    let step = SPAN_MS / i64::try_from(count).unwrap();
    (0..)
        .zip(placed)
        .map(|(place, (_, item))| {
            let number: u8 = item.agent.bytes().last().unwrap();
            let record = Outgoing {
                topic: EVENTS.into(),
                partition: Some(i32::from(number) % PARTITIONS),
                key: Some(item.agent.into_bytes()),
                value: Some(item.value),
                headers: item.headers,
            };
            (record, START_MS + 30_000 + place * step)
        })
        .collect()
}

/// The installation of all these tests.
pub(crate) fn owner() -> Owner {
    Owner::of(ORIGIN)
}

/// What an idle partition gets from its owner.
fn tick(log: &MemoryLog, partition: i32) -> Outgoing {
    let event = EventBuilder::new(kind::MONITOR_TICK)
        .set(column::EVENT_ID, format!("tick-{partition}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(START_MS));
    let event = owner().write(log, &TopicPartition::new(EVENTS, partition), event);
    outgoing(EVENTS, partition, None, &event)
}

pub(crate) fn outgoing(
    topic: &str,
    partition: i32,
    key: Option<Vec<u8>>,
    event: &Event<'_>,
) -> Outgoing {
    let mut value = Vec::new();
    event::encode::encode(event, &mut value);
    Outgoing {
        topic: topic.into(),
        partition: Some(partition),
        key,
        value: Some(value),
        headers: Vec::new(),
    }
}

fn config(monitor: Settings) -> processor::Config {
    processor::Config {
        monitor,
        snapshot_records_max: 300,
        tick_interval_secs: 0,
        publish_records_max: 20,
        poll_wait_ms: 0,
        publish_wait_ms_max: 1,
        read_wait_ms_max: 1_000,
        ..processor::Config::default()
    }
}

/// Steps until nothing comes any more; whether it got there.
fn drain(role: &mut Processor) -> bool {
    let mut idle = 0;
    while idle < 3 {
        match role.step(Duration::ZERO) {
            Ok(true) => idle = 0,
            Ok(false) => idle += 1,
            Err(_) => return false,
        }
    }
    true
}

/// Plays the traffic to a processor, piece by piece. A disturbed one is killed before every third
/// piece; publications come twice, or their answers are lost.
pub(crate) fn play(disturbed: bool, settings: Settings) -> MemoryLog {
    play_with(disturbed, settings, |_, _, _| {})
}

/// As [`play`]; `meddle` may act before each piece.
pub(crate) fn play_with(
    disturbed: bool,
    settings: Settings,
    mut meddle: impl FnMut(u64, &MemoryLog, &mut Option<Processor>),
) -> MemoryLog {
    let log = empty_log();
    let config = config(settings);
    let mut role: Option<Processor> = None;
    let traffic = traffic();
    let end_ms = traffic.last().unwrap().1;
    // In the end the owner moves the time of each partition.
    let pieces = traffic.chunks(PIECE).map(Some).chain([None]);
    for (number, piece) in (0_u64..).zip(pieces) {
        match piece {
            Some(piece) => {
                piece.iter().for_each(|(record, at_ms)| append(&log, record.clone(), *at_ms));
            }
            None => (0..PARTITIONS)
                .for_each(|partition| append(&log, tick(&log, partition), end_ms + 3_600_000)),
        }
        if disturbed {
            let fault = if number % 2 == 0 { Fault::Duplicated } else { Fault::LostAnswer };
            log.inject(Operation::Publish, number % 4, fault);
            if number % 3 == 0 {
                role = None;
            }
        }
        meddle(number, &log, &mut role);
        for attempt in 0.. {
            assert!(attempt < 50, "no progress");
            let started = role.take().or_else(|| {
                let log = Arc::new(log.clone());
                Processor::start(config.clone(), log, owner().identity()).ok()
            });
            if let Some(mut running) = started
                && drain(&mut running)
            {
                role = Some(running);
                break;
            }
        }
    }
    log.clear_faults();
    if let Some(role) = role {
        role.finish().unwrap();
    }
    log
}

/// Takes away what processors have saved, and the events of each partition before an offset.
pub(crate) fn lose_state(log: &MemoryLog, first: i64) {
    log.delete_topic(STATE);
    let spec =
        TopicSpec { name: STATE.to_owned(), partitions: PARTITIONS, compacted: true, kept: false };
    log.create_topics(&[spec]).unwrap();
    for partition in 0..PARTITIONS {
        log.trim(&TopicPartition::new(EVENTS, partition), first).unwrap();
    }
}

/// A record of a log.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) topic: &'static str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) event: Event<'static>,
}

/// Records of a topic; those that do not decode are left out.
pub(crate) fn records(log: &MemoryLog, topic: &'static str) -> Vec<Seen> {
    let decoder = Decoder::new(event::Limits::default());
    let mut seen = Vec::new();
    for partition in 0..PARTITIONS {
        let batch = log.records(&TopicPartition::new(topic, partition)).unwrap();
        for record in batch.records() {
            let event = decoder.decode(&record).event.into_owned();
            seen.push(Seen { topic, partition, offset: record.offset, event });
        }
    }
    seen
}

/// The sealed topics of a log, copied, with whatever `change` makes of each computed event.
pub(crate) fn copy(
    log: &MemoryLog,
    mut change: impl FnMut(&Seen) -> Vec<Event<'static>>,
) -> MemoryLog {
    // Whoever has the key of the processor can write what it has not computed.
    let owner = owner();
    copy_as_is(log, |seen| {
        change(seen).into_iter().map(|event| owner.alert(EVENTS, event)).collect()
    })
}

/// As [`copy`], and alerts are not signed again.
pub(crate) fn copy_as_is(
    log: &MemoryLog,
    mut change: impl FnMut(&Seen) -> Vec<Event<'static>>,
) -> MemoryLog {
    let new = empty_log();
    let decoder = Decoder::new(event::Limits::default());
    for topic in [EVENTS, METRICS, ALERTS] {
        for partition in 0..PARTITIONS {
            let batch = log.records(&TopicPartition::new(topic, partition)).unwrap();
            for record in batch.records() {
                let at_ms = record.timestamp_ms;
                let key = record.key.map(<[u8]>::to_vec);
                if topic == EVENTS {
                    let headers = record.headers.iter();
                    let headers = headers
                        .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
                        .collect();
                    let value = record.value.map(<[u8]>::to_vec);
                    let topic = topic.into();
                    let record =
                        Outgoing { topic, partition: Some(partition), key, value, headers };
                    append(&new, record, at_ms);
                    continue;
                }
                let event = decoder.decode(&record).event.into_owned();
                let seen = Seen { topic, partition, offset: record.offset, event };
                for event in change(&seen) {
                    append(&new, outgoing(topic, partition, key.clone(), &event), at_ms);
                }
            }
        }
    }
    new
}

pub(crate) fn set(
    event: &mut Event<'static>,
    column: impl Into<ColumnId>,
    cell: impl Into<Cell<'static>>,
) {
    event.set(column, cell.into());
}

pub(crate) fn int(event: &Event<'_>, column: TypedColumn<Int>) -> i64 {
    event.int(column).unwrap_or_default()
}

/// A sealed archive in a directory.
pub(crate) struct Sealed {
    directory: TempDir,
    archive: Archive,
    keys: Keys,
    _runtime: Runtime,
}

/// Seals everything that a log holds.
pub(crate) fn seal(log: &MemoryLog) -> Sealed {
    let sealed = Sealed::new();
    sealed.take(log, LostRecords::Stop);
    sealed
}

/// Seals what a log holds, but for the events of each partition from `lost` up to `held`, which
/// are gone before the sealer comes back for them.
pub(crate) fn seal_with_loss(log: &MemoryLog, lost: i64, held: i64) -> Sealed {
    let sealed = Sealed::new();
    let whole = copy(log, |record| vec![record.event.clone()]);
    let part = empty_log();
    let mut rest = Vec::new();
    for topic in [EVENTS, METRICS, ALERTS] {
        for partition in 0..PARTITIONS {
            let batch = whole.records(&TopicPartition::new(topic, partition)).unwrap();
            for record in batch.records() {
                let headers = record.headers.iter();
                let outgoing = Outgoing {
                    topic: topic.into(),
                    partition: Some(partition),
                    key: record.key.map(<[u8]>::to_vec),
                    value: record.value.map(<[u8]>::to_vec),
                    headers: headers
                        .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
                        .collect(),
                };
                if topic == EVENTS && record.offset >= lost {
                    rest.push((outgoing, record.timestamp_ms));
                } else {
                    append(&part, outgoing, record.timestamp_ms);
                }
            }
        }
    }
    sealed.take(&part, LostRecords::Stop);
    rest.into_iter().for_each(|(record, at_ms)| append(&part, record, at_ms));
    for partition in 0..PARTITIONS {
        part.trim(&TopicPartition::new(EVENTS, partition), held).unwrap();
    }
    sealed.take(&part, LostRecords::Record);
    sealed
}

struct StopOnDrop(Shutdown);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.trigger();
    }
}

impl Sealed {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let location = directory.path().join("archive").display().to_string();
        let archive = Archive::create(&location, runtime.handle().clone()).unwrap();
        let keys = Keys::generate(ORIGIN).unwrap();
        let topics = [EVENTS, METRICS, ALERTS].map(String::from);
        let mut installation = sealer::describe(&MemoryLog::new(), "", &topics).unwrap();
        installation.keys = owner().installed();
        sealer::init_log(&archive, &keys, installation).unwrap();
        let sealed = Self { directory, archive, keys, _runtime: runtime };
        std::fs::write(sealed.policy_path(), sealed.keys.policy()).unwrap();
        sealed
    }

    /// Runs the sealer until everything that the log holds is sealed.
    pub(crate) fn take(&self, log: &MemoryLog, lost_records: LostRecords) {
        let config = sealer::Config {
            topics: [EVENTS, METRICS, ALERTS].map(String::from).to_vec(),
            // Tests share a log, and no partitions of it.
            group: self.location().display().to_string(),
            segment_rows_max: 300,
            segment_age_ms_max: 20,
            heartbeat_age_ms_max: 20,
            lost_records,
            ..sealer::Config::default()
        };
        let shutdown = Shutdown::new();
        let mut sealed = tests::sealed::Sealed::open(&self.location(), &self.policy_path());
        std::thread::scope(|scope| {
            // Also when something here fails, lest it be waited for.
            let stop = StopOnDrop(shutdown.clone());
            let role = scope.spawn(|| {
                let (archive, keys) = (self.archive.clone(), self.keys.clone());
                sealer::run(config, Arc::new(log.clone()), archive, keys, shutdown.clone())
            });
            wait::until("everything to be sealed", Duration::from_secs(60), || {
                sealed.refresh();
                let all = [EVENTS, METRICS, ALERTS].into_iter().all(|topic| {
                    let ends = sealed.ends(topic);
                    (0..PARTITIONS).all(|number| {
                        let partition = TopicPartition::new(topic, number);
                        let held = log.offsets(&partition).unwrap();
                        held.next == held.first || ends.get(&number) == Some(&held.next)
                    })
                });
                (all || role.is_finished()).then_some(())
            });
            drop(stop);
            role.join().unwrap().unwrap();
        });
    }

    pub(crate) fn location(&self) -> PathBuf {
        self.directory.path().join("archive")
    }

    pub(crate) fn policy_path(&self) -> PathBuf {
        self.directory.path().join("policy.txt")
    }

    fn policy(&self) -> Policy {
        Policy::parse(&self.keys.policy()).unwrap()
    }

    pub(crate) fn fsck(&self) -> FsckReport {
        evidence::fsck(&self.archive, &self.policy(), None, &mut |_| {})
    }

    pub(crate) fn replay(&self) -> ReplayReport {
        self.replay_with(&ReplayOptions::default())
    }

    pub(crate) fn replay_with(&self, options: &ReplayOptions) -> ReplayReport {
        self.try_replay(options).unwrap()
    }

    pub(crate) fn try_replay(
        &self,
        options: &ReplayOptions,
    ) -> Result<ReplayReport, EvidenceError> {
        let mut last = evidence::Progress::default();
        let report = evidence::replay(&self.archive, &self.policy(), options, &mut |progress| {
            last = progress
        })?;
        assert!(last.done <= last.total, "{last:?}");
        Ok(report)
    }

    /// Changes one bit of a segment of a topic; its path.
    pub(crate) fn flip_a_bit(&self, topic: &str) -> String {
        let listed = self.archive.list(&format!("data/v1/topic={topic}")).unwrap();
        let path = listed.first().unwrap().path.clone();
        let mut bytes = self.archive.get(&path).unwrap().to_vec();
        let middle = bytes.len() / 2;
        *bytes.get_mut(middle).unwrap() ^= 1;
        self.archive.put(&path, bytes).unwrap();
        path
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.location().join(path)).unwrap();
    }
}
