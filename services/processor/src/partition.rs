//! One assigned partition: its machine, what is being published, what is there already.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use event::{Batch, Decoder, Event, TopicPartition, encode, schema};
use monitor::{Counters, Destination, Output, Processor};
use ports::{EventLog, LogError, Outgoing, Position, Producer, Published, publish_and_wait};
use service::clock::{self, Stopwatch};
use service::metric_names as names;
use tracing::{debug, error, info, warn};

use crate::config::Config;
use crate::own::{Pulse, Tick, configured, started};
use crate::read::read_range;
use crate::slots::{Assembly, Saved, Slot, chunks};

/// Records of the state topic that are looked at first when a snapshot is searched from the end.
const STATE_TAIL: i64 = 32;
/// Factor by which that grows while no snapshot is found.
const STATE_TAIL_GROWTH: i64 = 16;
/// Pause before a full queue is tried again.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Which record and which of its outputs.
type Origin = (i64, i64);

/// Outputs published in one call that is not acknowledged yet.
#[derive(Debug)]
struct InFlight {
    answer: Receiver<Published>,
    kinds: Vec<&'static str>,
}

/// The worker of one partition.
#[derive(Debug)]
pub(crate) struct Worker {
    config: Arc<Config>,
    log: Arc<dyn EventLog>,
    producer: Arc<dyn Producer>,
    input: TopicPartition,
    topics: [Arc<str>; 2],
    topic_id: String,
    machine: Processor,
    reported: Counters,
    /// Outputs that the log holds though no snapshot covers them; by destination.
    published: [HashSet<Origin>; 2],
    /// Offset in each output partition from which on these are.
    learned_from: [i64; 2],
    /// Offset in each output partition before which every acknowledged output is.
    output_next: [i64; 2],
    outbox: Vec<Outgoing>,
    outbox_kinds: Vec<&'static str>,
    in_flight: Option<InFlight>,
    slot: Slot,
    records_since_snapshot: u64,
    since_snapshot: Stopwatch,
    since_record: Stopwatch,
    pulse: Pulse,
    since_lag: Stopwatch,
    /// End of the partition when it was taken over, until the settings in force there are known.
    settings_known_at: Option<i64>,
}

const fn index_of(destination: Destination) -> usize {
    match destination {
        Destination::Metrics => 0,
        Destination::Alerts => 1,
    }
}

impl Worker {
    /// Takes a partition over: loads the newest usable snapshot and learns which outputs after it
    /// are published.
    ///
    /// # Errors
    ///
    /// What the log says.
    pub(crate) fn open(
        config: &Arc<Config>,
        log: &Arc<dyn EventLog>,
        input: &TopicPartition,
    ) -> Result<Self, LogError> {
        let topic_id = log.topic_id(&input.topic)?;
        let range = log.offsets(input)?;
        let topics: [Arc<str>; 2] =
            [config.topics.metrics.as_str().into(), config.topics.alerts.as_str().into()];
        let outputs = topics.clone().map(|topic| TopicPartition::new(topic, input.partition));

        let loaded = load(config, &**log, input, &topic_id)?;
        let is_fresh = loaded.is_none();
        let (slot, machine, output_next) = match loaded {
            Some((slot, saved, machine)) => {
                (slot, machine, [saved.metrics_next, saved.alerts_next])
            }
            None => {
                let settings = monitor::Settings::default();
                (Slot::B, Processor::new(settings, &input.topic, input.partition), [0, 0])
            }
        };
        if machine.next_offset() > 0 && machine.next_offset() < range.first {
            error!(
                partition = %input,
                next_offset = machine.next_offset(),
                first = range.first,
                "records were deleted before they were processed"
            );
        }
        let mut worker = Self {
            producer: log.producer(),
            config: Arc::clone(config),
            log: Arc::clone(log),
            input: input.clone(),
            topics,
            topic_id,
            reported: machine.counters(),
            machine,
            published: [HashSet::new(), HashSet::new()],
            learned_from: output_next,
            output_next,
            outbox: Vec::new(),
            outbox_kinds: Vec::new(),
            in_flight: None,
            slot,
            records_since_snapshot: 0,
            since_snapshot: Stopwatch::start(),
            since_record: Stopwatch::start(),
            pulse: Pulse::start(),
            since_lag: Stopwatch::start(),
            settings_known_at: Some(range.next),
        };
        if is_fresh {
            worker.begin(range.first, &outputs)?;
        }
        for (index, output) in outputs.iter().enumerate() {
            worker.learn_published(index, output)?;
        }
        info!(
            partition = %worker.input,
            next_offset = worker.position(range.first),
            records = range.next.saturating_sub(worker.machine.next_offset()).max(0),
            outputs = worker.published.iter().map(HashSet::len).sum::<usize>(),
            "took a partition over"
        );
        Ok(worker)
    }

    /// Reads the outputs that are there though the loaded state does not know it.
    fn learn_published(&mut self, index: usize, output: &TopicPartition) -> Result<(), LogError> {
        let until = self.log.offsets(output)?.next;
        let from = self.output_next.get(index).copied().unwrap_or_default();
        let decoder = Decoder::new(event::Limits::default());
        let origin = OriginColumns::find();
        let (topic, partition) = (Arc::clone(&self.input.topic), i64::from(self.input.partition));
        let first = self.machine.next_offset();
        let mut found = HashSet::new();
        let log = Arc::clone(&self.log);
        read_range(&*log, output, from, until, self.config.read_wait(), |record| {
            let decoded = decoder.decode(record);
            if let Some(origin) = origin.of(&decoded.event, &topic, partition)
                && origin.0 >= first
            {
                found.insert(origin);
            }
        })?;
        if let (Some(published), Some(next)) =
            (self.published.get_mut(index), self.output_next.get_mut(index))
        {
            *published = found;
            *next = until.max(*next);
        }
        Ok(())
    }

    /// Begins without a state. If another one was there, or records that are gone, the partition says
    /// so before anything is computed; and the new state is saved, so that it is not lost again.
    fn begin(&mut self, first: i64, outputs: &[TopicPartition]) -> Result<(), LogError> {
        let mut was_there = first > 0;
        for output in outputs {
            was_there |= self.log.offsets(output)?.next > 0;
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
        let mut watch = Stopwatch::start();
        let mut busy = 0.0;
        for record in batch.records() {
            let decoded = decoder.decode(&record);
            self.pulse.saw(&record, &decoded.event);
            if let Some(fault) = &decoded.fault {
                let reason = fault.reason.name();
                metrics::counter!(names::PROCESSOR_RECORDS_QUARANTINED, "reason" => reason)
                    .increment(1);
                debug!(partition = %self.input, offset = record.offset, reason, "skipped a record");
            }
            for output in self.machine.handle_record(&record, &decoded) {
                self.enqueue(record.offset, &output);
            }
            if self.outbox.len() >= self.config.publish_records_max.max(1) {
                busy += watch.elapsed_secs();
                self.publish()?;
                watch = Stopwatch::start();
            }
        }
        busy += watch.elapsed_secs();
        self.publish()?;
        let records = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        self.records_since_snapshot = self.records_since_snapshot.saturating_add(records);
        self.since_record = Stopwatch::start();
        metrics::counter!(names::PROCESSOR_RECORDS_READ).increment(records);
        metrics::histogram!(names::PROCESSOR_DURATION).record(busy);
        self.report_counters();
        Ok(())
    }

    fn enqueue(&mut self, offset: i64, output: &Output) {
        let index = index_of(output.destination);
        let known = self.published.get_mut(index);
        if known.is_some_and(|known| known.remove(&(offset, output.ordinal))) {
            metrics::counter!(names::PROCESSOR_OUTPUTS_SUPPRESSED).increment(1);
            return;
        }
        let Some(topic) = self.topics.get(index) else { return };
        let mut value = Vec::new();
        encode::encode(&output.event, &mut value);
        self.outbox.push(Outgoing {
            topic: Arc::clone(topic),
            partition: Some(self.input.partition),
            key: Some(output.key.clone()),
            value: Some(value),
            headers: Vec::new(),
        });
        self.outbox_kinds.push(label_of(output.event.text_at("kind").unwrap_or_default()));
    }

    /// Publishes the outbox; waits first for what was published before.
    fn publish(&mut self) -> Result<(), LogError> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        self.wait_for_answer()?;
        let records = std::mem::take(&mut self.outbox);
        let kinds = std::mem::take(&mut self.outbox_kinds);
        let waiting = Stopwatch::start();
        loop {
            let (sender, answer) = sync_channel(1);
            let done = Box::new(move |published: Published| {
                // Nobody waits any more when the worker was dropped.
                drop(sender.try_send(published));
            });
            match self.producer.publish(records.clone(), done) {
                Ok(()) => {
                    self.in_flight = Some(InFlight { answer, kinds });
                    return Ok(());
                }
                Err(LogError::QueueFull { .. })
                    if !waiting.has_passed(self.config.publish_wait()) =>
                {
                    std::thread::sleep(QUEUE_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until everything published is acknowledged.
    fn wait_for_answer(&mut self) -> Result<(), LogError> {
        let Some(InFlight { answer, kinds }) = self.in_flight.take() else { return Ok(()) };
        let wait = self.config.publish_wait();
        let published = answer
            .recv_timeout(wait)
            .map_err(|_| LogError::Unavailable(format!("no acknowledgement in {wait:?}")))?;
        for (outcome, kind) in published.into_iter().zip(kinds) {
            let Position { partition, offset } = outcome?;
            let index = usize::from(partition.topic != self.topics[0]);
            if let Some(next) = self.output_next.get_mut(index) {
                *next = (*next).max(offset.saturating_add(1));
            }
            metrics::counter!(names::PROCESSOR_OUTPUTS_PUBLISHED, "kind" => kind).increment(1);
            if let Some(state) = kind.strip_prefix("drift.alert.") {
                metrics::counter!(names::PROCESSOR_ALERTS, "state" => state).increment(1);
            }
        }
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
        let [metrics_next, alerts_next] = self.output_next;
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

    /// Offset in each output partition from which on the next owner has to look for outputs that the
    /// state does not cover. Where some are there already that are still to be computed again, it is
    /// that from which on these are.
    fn covered(&mut self) -> [i64; 2] {
        let next_offset = self.machine.next_offset();
        let mut covered = self.output_next;
        let places = covered.iter_mut().zip(self.learned_from);
        for ((covered, learned_from), published) in places.zip(&mut self.published) {
            published.retain(|(offset, _)| *offset >= next_offset);
            if !published.is_empty() {
                *covered = learned_from;
            }
        }
        covered
    }

    /// Writes a snapshot of everything computed so far, after its outputs are acknowledged.
    /// Returns the position to commit.
    ///
    /// # Errors
    ///
    /// What the log says; the worker must then be dropped and opened again.
    pub(crate) fn save(&mut self) -> Result<Position, LogError> {
        self.publish()?;
        self.wait_for_answer()?;
        let next_offset = self.machine.next_offset();
        let [metrics_next, alerts_next] = self.covered();
        let (topic_id, state) = (self.topic_id.clone(), self.machine.snapshot());
        let saved = Saved { topic_id, next_offset, metrics_next, alerts_next, state };
        let slot = self.slot.other();
        let chunk_bytes_max = self.config.snapshot_chunk_bytes_max;
        let TopicPartition { topic, partition } = &self.input;
        let chunks = chunks(&saved, slot, topic, *partition, chunk_bytes_max)
            .map_err(|error| LogError::Fatal(format!("a snapshot does not encode: {error}")))?;
        let state_topic: Arc<str> = self.config.topics.state.as_str().into();
        let size_bytes: usize = chunks.iter().map(|(_, value)| value.len()).sum();
        for (key, value) in chunks {
            let record = Outgoing {
                topic: Arc::clone(&state_topic),
                partition: Some(self.input.partition),
                key: Some(key),
                value: Some(value),
                headers: Vec::new(),
            };
            publish_and_wait(&*self.producer, vec![record], self.config.publish_wait())?;
        }
        self.slot = slot;
        self.records_since_snapshot = 0;
        self.since_snapshot = Stopwatch::start();
        metrics::counter!(names::PROCESSOR_SNAPSHOTS).increment(1);
        debug!(partition = %self.input, next_offset, size_bytes, "wrote a snapshot");
        Ok(Position { partition: self.input.clone(), offset: next_offset })
    }
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

/// The newest snapshot of a partition that can be resumed.
fn load(
    config: &Config,
    log: &dyn EventLog,
    input: &TopicPartition,
    topic_id: &str,
) -> Result<Option<(Slot, Saved, Processor)>, LogError> {
    let state = TopicPartition::new(config.topics.state.as_str(), input.partition);
    let range = log.offsets(&state)?;
    let mut tail = STATE_TAIL;
    loop {
        // Snapshots lie at the end; the log need not be read from its beginning.
        let from = range.next.saturating_sub(tail).max(range.first);
        let mut assembly = Assembly::new(&input.topic, input.partition);
        read_range(log, &state, from, range.next, config.read_wait(), |r| assembly.take(r))?;
        for (slot, saved) in assembly.complete() {
            if saved.topic_id != topic_id {
                warn!(partition = %input, "a snapshot belongs to a deleted topic of that name");
                continue;
            }
            let TopicPartition { topic, partition } = input;
            match Processor::resume(topic, *partition, &saved.state) {
                Ok(machine) => return Ok(Some((slot, saved, machine))),
                Err(error) => warn!(partition = %input, %error, "a snapshot cannot be used"),
            }
        }
        if from <= range.first {
            return Ok(None);
        }
        tail = tail.saturating_mul(STATE_TAIL_GROWTH);
    }
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

/// A kind as a bounded label.
fn label_of(kind: &str) -> &'static str {
    match kind {
        "metric.window" => "metric.window",
        "drift.baseline.set" => "drift.baseline.set",
        "drift.alert.pending" => "drift.alert.pending",
        "drift.alert.firing" => "drift.alert.firing",
        "drift.alert.resolved" => "drift.alert.resolved",
        "monitor.alive" => "monitor.alive",
        "monitor.gap" => "monitor.gap",
        _ => "other",
    }
}
