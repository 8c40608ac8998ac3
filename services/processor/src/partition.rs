//! One assigned partition: its machine, what is being published, what is there already.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use event::{Batch, Decoder, Event, TopicPartition, schema};
use monitor::{Counters, Processor};
use ports::{EventLog, LogError, Outgoing, Position, Producer, Published, publish_and_wait};
use service::clock::{self, Stopwatch};
use service::metric_names as names;
use tracing::{debug, error, info, warn};

use crate::config::Config;
use crate::load::{Loaded, load, new_writer};
use crate::outbox::{Origin, Outbox};
use crate::own::{Pulse, Tick, configured, started};
use crate::read::read_ranges;
use crate::saved::{Head, KeyValue, Ledger};

/// Records of a snapshot published in one call.
const SAVE_RECORDS_MAX: usize = 1_000;

/// The worker of one partition.
#[derive(Debug)]
pub(crate) struct Worker {
    config: Arc<Config>,
    log: Arc<dyn EventLog>,
    producer: Arc<dyn Producer>,
    input: TopicPartition,
    topic_id: String,
    machine: Processor,
    reported: Counters,
    outbox: Outbox,
    ledger: Ledger,
    records_since_snapshot: u64,
    since_snapshot: Stopwatch,
    since_record: Stopwatch,
    pulse: Pulse,
    since_lag: Stopwatch,
    /// End of the partition when it was taken over, until the settings in force there are known.
    settings_known_at: Option<i64>,
}

impl Worker {
    /// Takes partitions of a topic over, all at once: loads the newest usable snapshot of each and
    /// learns which outputs after it are published.
    ///
    /// # Errors
    ///
    /// What the log says.
    pub(crate) fn open(
        config: &Arc<Config>,
        log: &Arc<dyn EventLog>,
        inputs: &[TopicPartition],
    ) -> Result<Vec<Self>, LogError> {
        let watch = Stopwatch::start();
        let topic_id = log.topic_id(&config.topics.events)?;
        let loaded = load(config, &**log, inputs, &topic_id)?;
        let mut workers = Vec::new();
        for (input, loaded) in inputs.iter().zip(loaded) {
            workers.push(Self::begin(config, log, input, &topic_id, loaded)?);
        }
        learn_published(config, &**log, &mut workers)?;
        for worker in &workers {
            let (next_offset, end) = (worker.machine.next_offset(), worker.settings_known_at);
            info!(
                partition = %worker.input,
                next_offset,
                records = end.unwrap_or_default().saturating_sub(next_offset).max(0),
                keys = worker.machine.keys(),
                outputs = worker.outbox.known(),
                elapsed_ms = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX),
                "took a partition over"
            );
        }
        Ok(workers)
    }

    /// Goes on from what was loaded, or begins anew.
    fn begin(
        config: &Arc<Config>,
        log: &Arc<dyn EventLog>,
        input: &TopicPartition,
        topic_id: &str,
        loaded: Option<Loaded>,
    ) -> Result<Self, LogError> {
        let range = log.offsets(input)?;
        let is_fresh = loaded.is_none();
        let Loaded { machine, output_next, ledger } = loaded.unwrap_or_else(|| Loaded {
            machine: Processor::new(monitor::Settings::default(), &input.topic, input.partition),
            output_next: [0, 0],
            ledger: Ledger::new(input, new_writer(), config.snapshot_chunk_bytes_max),
        });
        if machine.next_offset() > 0 && machine.next_offset() < range.first {
            error!(
                partition = %input,
                next_offset = machine.next_offset(),
                first = range.first,
                "records were deleted before they were processed"
            );
        }
        let producer = log.producer();
        let mut worker = Self {
            outbox: Outbox::new(config, Arc::clone(&producer), input.partition, output_next),
            producer,
            config: Arc::clone(config),
            log: Arc::clone(log),
            input: input.clone(),
            topic_id: topic_id.to_owned(),
            reported: machine.counters(),
            machine,
            ledger,
            records_since_snapshot: 0,
            since_snapshot: Stopwatch::start(),
            since_record: Stopwatch::start(),
            pulse: Pulse::start(),
            since_lag: Stopwatch::start(),
            settings_known_at: Some(range.next),
        };
        if is_fresh {
            worker.begin_anew(range.first)?;
        }
        Ok(worker)
    }

    /// Begins without a state. If another one was there, or records that are gone, the partition says
    /// so before anything is computed; and the new state is saved, so that it is not lost again.
    fn begin_anew(&mut self, first: i64) -> Result<(), LogError> {
        let mut was_there = first > 0;
        for (topic, _) in self.outbox.ends() {
            let output = TopicPartition::new(topic, self.input.partition);
            was_there |= self.log.offsets(&output)?.next > 0;
        }
        if was_there {
            let (topic, id) = (&self.input.topic, &self.config.monitor_id);
            let now_ms = clock::now_ms();
            let record = started(topic, self.input.partition, id, now_ms, first)
                .map_err(|error| LogError::Fatal(format!("a start makes no event: {error}")))?;
            publish_and_wait(&*self.producer, vec![record], self.config.publish_wait())?;
            warn!(partition = %self.input, first_offset = first, "begins without a state");
        }
        self.save().map(drop)
    }

    /// Where to read from, given the first offset that is held.
    pub(crate) fn position(&self, first: i64) -> i64 {
        self.machine.next_offset().max(first)
    }

    /// Agent versions held.
    pub(crate) fn keys(&self) -> u64 {
        self.machine.keys()
    }

    /// Computes a batch and publishes what comes of it.
    ///
    /// # Errors
    ///
    /// What the log says; the worker must then be dropped and opened again.
    pub(crate) fn handle_batch(
        &mut self,
        decoder: &Decoder,
        batch: &Batch,
    ) -> Result<(), LogError> {
        let watch = Stopwatch::start();
        for record in batch.records() {
            let decoded = decoder.decode(&record);
            self.pulse.saw(&record, &decoded.event);
            if let Some(fault) = &decoded.fault {
                let reason = fault.reason.name();
                metrics::counter!(names::PROCESSOR_RECORDS_QUARANTINED, "reason" => reason)
                    .increment(1);
                debug!(partition = %self.input, offset = record.offset, reason, "skipped a record");
            }
            let outbox = &mut self.outbox;
            self.machine.handle_record_into(&record, &decoded, &mut |output| {
                outbox.push(record.offset, &output);
            });
            outbox.check()?;
        }
        metrics::histogram!(names::PROCESSOR_DURATION).record(watch.elapsed_secs());
        self.outbox.publish()?;
        let records = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        self.records_since_snapshot = self.records_since_snapshot.saturating_add(records);
        self.since_record = Stopwatch::start();
        metrics::counter!(names::PROCESSOR_RECORDS_READ).increment(records);
        self.report_counters();
        Ok(())
    }

    fn report_counters(&mut self) {
        let (now, before) = (self.machine.counters(), self.reported);
        let late = now.late + now.too_late - before.late - before.too_late;
        metrics::counter!(names::PROCESSOR_EVENTS_LATE).increment(late);
        metrics::counter!(names::PROCESSOR_SERIES_EVICTED)
            .increment(now.keys_evicted - before.keys_evicted);
        self.reported = now;
    }

    /// Whatever is due by the clock: a snapshot, a tick, the lag gauge. Returns the position to
    /// commit if a snapshot was written.
    ///
    /// # Errors
    ///
    /// What the log says; the worker must then be dropped and opened again.
    pub(crate) fn keep_up(&mut self) -> Result<Option<Position>, LogError> {
        let config = Arc::clone(&self.config);
        let tick_interval = Duration::from_secs(config.tick_interval_secs);
        if self.pulse.take_due(tick_interval) {
            self.publish_tick(tick_interval)?;
        }
        // The end of the partition may hold no record, so silence counts as having reached it.
        let reached = |end| {
            self.machine.next_offset() >= end || self.since_record.has_passed(config.read_wait())
        };
        if self.settings_known_at.is_some_and(reached) {
            self.settings_known_at = None;
            if *self.machine.settings() != config.monitor {
                configure(&config, &*self.producer, &self.input)?;
            }
        }
        if self.since_lag.has_passed(Duration::from_secs(5)) {
            self.since_lag = Stopwatch::start();
            let next = self.log.offsets(&self.input)?.next;
            let lag = next.saturating_sub(self.machine.next_offset()).max(0);
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!(
                names::PROCESSOR_LAG_RECORDS,
                "partition" => self.input.partition.to_string()
            )
            .set(lag as f64);
        }
        let age_max = Duration::from_secs(config.snapshot_age_secs_max);
        let due = self.records_since_snapshot >= config.snapshot_records_max
            || self.records_since_snapshot > 0 && self.since_snapshot.has_passed(age_max);
        if due { self.save().map(Some) } else { Ok(None) }
    }

    fn publish_tick(&mut self, interval: Duration) -> Result<(), LogError> {
        let range = self.log.offsets(&self.input)?;
        let [(_, metrics_next), (_, alerts_next)] = self.outbox.ends();
        let tick = Tick {
            next_offset: self.position(range.first),
            end: range.next,
            read_until_ms: self.pulse.read_until_ms(),
            is_idle: self.pulse.is_idle(interval),
            metrics_next,
            alerts_next,
        };
        let TopicPartition { topic, partition } = &self.input;
        let built = tick.outgoing(topic, *partition, &self.config.monitor_id, clock::now_ms());
        let record = match built {
            Ok(record) => record,
            Err(error) => {
                error!(%error, "a tick does not fit the schema");
                return Ok(());
            }
        };
        // Nothing depends on a tick; the next one comes all the same.
        let partition = self.input.clone();
        let done = Box::new(move |published: Published| match published.into_iter().next() {
            Some(Ok(_)) => metrics::counter!(names::PROCESSOR_TICKS_PUBLISHED).increment(1),
            Some(Err(error)) => warn!(%partition, %error, "a tick was not acknowledged"),
            None => {}
        });
        match self.producer.publish(vec![record], done) {
            Ok(()) | Err(LogError::QueueFull { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes what has changed since the last snapshot, after the outputs computed so far are
    /// acknowledged. Returns the position to commit.
    ///
    /// # Errors
    ///
    /// What the log says; the worker must then be dropped and opened again.
    pub(crate) fn save(&mut self) -> Result<Position, LogError> {
        self.outbox.settle()?;
        let Self { ledger, machine, .. } = self;
        let mut writing = Writing {
            producer: &*self.producer,
            topic: self.config.topics.state.as_str().into(),
            partition: self.input.partition,
            bytes_max: self.config.snapshot_chunk_bytes_max,
            wait: self.config.publish_wait(),
            records: Vec::new(),
            sized: 0,
            size_bytes: 0,
            written_bytes: 0,
        };
        ledger.erase(&mut writing.records);
        let mut entries = 0_u64;
        let mut outcome = Ok(());
        let state = machine.take_changes(&mut |entry, bytes| {
            if outcome.is_ok() {
                entries += 1;
                outcome = ledger
                    .write(entry, bytes.as_deref(), &mut writing.records)
                    .map_err(|error| unfit(&error))
                    .and_then(|()| writing.write(false));
            }
        });
        outcome?;
        writing.write(true)?;
        let next_offset = machine.next_offset();
        let [metrics_next, alerts_next] = self.outbox.covered(next_offset);
        let topic_id = self.topic_id.clone();
        let head = Head { topic_id, next_offset, metrics_next, alerts_next, state };
        writing.records = ledger.finish(head).map_err(|error| unfit(&error))?;
        writing.write(true)?;
        let size_bytes = writing.written_bytes;
        self.records_since_snapshot = 0;
        self.since_snapshot = Stopwatch::start();
        metrics::counter!(names::PROCESSOR_SNAPSHOTS).increment(1);
        debug!(partition = %self.input, next_offset, entries, size_bytes, "wrote a snapshot");
        Ok(Position { partition: self.input.clone(), offset: next_offset })
    }
}

/// The records of a snapshot on their way into the log.
struct Writing<'a> {
    producer: &'a dyn Producer,
    topic: Arc<str>,
    partition: i32,
    bytes_max: usize,
    wait: Duration,
    records: Vec<KeyValue>,
    /// How many of them are in `size_bytes`.
    sized: usize,
    size_bytes: usize,
    written_bytes: usize,
}

impl Writing<'_> {
    /// Publishes what has come together, if that is enough, or all of it; and waits.
    fn write(&mut self, all: bool) -> Result<(), LogError> {
        let size = |(key, value): &KeyValue| key.len() + value.as_ref().map_or(0, Vec::len);
        let new = self.records.get(self.sized..).unwrap_or_default();
        self.size_bytes += new.iter().map(size).sum::<usize>();
        self.sized = self.records.len();
        let enough = self.size_bytes >= self.bytes_max || self.records.len() >= SAVE_RECORDS_MAX;
        if self.records.is_empty() || !all && !enough {
            return Ok(());
        }
        self.written_bytes += std::mem::take(&mut self.size_bytes);
        self.sized = 0;
        let outgoing = |(key, value)| Outgoing {
            topic: Arc::clone(&self.topic),
            partition: Some(self.partition),
            key: Some(key),
            value,
            headers: Vec::new(),
        };
        let records = std::mem::take(&mut self.records).into_iter().map(outgoing).collect();
        publish_and_wait(self.producer, records, self.wait)?;
        Ok(())
    }
}

fn unfit(error: &dyn std::fmt::Display) -> LogError {
    LogError::Fatal(format!("a snapshot does not encode: {error}"))
}

/// Writes the configured settings into a partition; they hold from there on.
///
/// # Errors
///
/// What the log says.
pub(crate) fn configure(
    config: &Config,
    producer: &dyn Producer,
    input: &TopicPartition,
) -> Result<(), LogError> {
    let fits = |error: &dyn std::fmt::Display| {
        LogError::Fatal(format!("the settings do not make an event: {error}"))
    };
    let settings = config.monitor.to_json().map_err(|error| fits(&error))?;
    let (topic, id) = (&input.topic, &config.monitor_id);
    let record = configured(topic, input.partition, id, clock::now_ms(), &settings)
        .map_err(|error| fits(&error))?;
    publish_and_wait(producer, vec![record], config.publish_wait())?;
    info!(partition = %input, "wrote the settings into the partition");
    Ok(())
}

/// Reads the outputs that are there though the loaded states do not know it.
fn learn_published(
    config: &Config,
    log: &dyn EventLog,
    workers: &mut [Worker],
) -> Result<(), LogError> {
    let mut ends: Vec<(TopicPartition, (i64, i64))> = Vec::new();
    for worker in &*workers {
        for (topic, from) in worker.outbox.ends() {
            let output = TopicPartition::new(topic, worker.input.partition);
            let until = log.offsets(&output)?.next;
            ends.push((output, (from, until)));
        }
    }
    let decoder = Decoder::new(event::Limits::default());
    let origin = OriginColumns::find();
    let mut found: BTreeMap<TopicPartition, HashSet<Origin>> = BTreeMap::new();
    let firsts: BTreeMap<i32, i64> = workers
        .iter()
        .map(|worker| (worker.input.partition, worker.machine.next_offset()))
        .collect();
    read_ranges(log, ends.iter().cloned(), config.read_wait(), |output, record| {
        let Some(first) = firsts.get(&output.partition) else { return };
        let decoded = decoder.decode(record);
        let ours = origin.of(&decoded.event, &config.topics.events, i64::from(output.partition));
        if let Some(ours) = ours.filter(|(offset, _)| offset >= first) {
            found.entry(output.clone()).or_default().insert(ours);
        }
    })?;
    let mut ends = ends.into_iter();
    for worker in workers {
        for index in 0..worker.outbox.ends().len() {
            let Some((output, (_, until))) = ends.next() else { return Ok(()) };
            worker.outbox.learn(index, found.remove(&output).unwrap_or_default(), until);
        }
    }
    Ok(())
}

/// Columns of an output's origin.
struct OriginColumns {
    topic: Option<event::ColumnId>,
    partition: Option<event::ColumnId>,
    offset: Option<event::ColumnId>,
    ordinal: Option<event::ColumnId>,
}

impl OriginColumns {
    fn find() -> Self {
        let id = |path| schema().id(path);
        Self {
            topic: id("origin.topic"),
            partition: id("origin.partition"),
            offset: id("origin.offset"),
            ordinal: id("origin.ordinal"),
        }
    }

    fn of(&self, event: &Event<'_>, topic: &str, partition: i64) -> Option<Origin> {
        let ours =
            event.text(self.topic?) == Some(topic) && event.int(self.partition?) == Some(partition);
        ours.then_some(())?;
        Some((event.int(self.offset?)?, event.int(self.ordinal?)?))
    }
}
