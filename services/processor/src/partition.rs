//! The worker of one assigned partition: its machine, its outputs and its snapshots.

mod open;
mod schemas;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::plain::{Name, Plain};
use event::{Batch, TopicPartition, kind};
use governance::{Look, Reader, Refusal};
use monitor::{Counters, Processor, RefusedSuite};
use ports::identity::Changed;
use ports::mark::{Mark, MarkKey};
use ports::{EventLog, LogError, Position, Producer, Published, publish_and_wait};
use service::RoleError;
use service::clock::{self, Stopwatch};
use service::{metric_names as names, role};
use tracing::{debug, error, info, warn};

use crate::admitting::Admitting;
use crate::answering::Answering;
use crate::claim::{Claim, Standing};
use crate::config::Config;
use crate::governance::{Governance, count_admitted};
use crate::identity::Identity;
use crate::outbox::{DESTINATIONS, Outbox};
use crate::remarks::Remarks;
use crate::saved::{Head, LastRecord, Ledger, Writing};
use crate::statement::{Tick, admitted, configuration};
use crate::timer::TickTimer;

/// Interval of measuring the lag.
const LAG_INTERVAL: Duration = Duration::from_secs(5);
/// Pause before the settings of a partition are written again: two owners with different settings
/// must not answer each other without end.
const CONFIGURE_PAUSE: Duration = Duration::from_secs(60);

/// Pause before an owner that another one has superseded claims the partition again: two that are both
/// assigned must not answer each other without end.
const CLAIM_PAUSE: Duration = Duration::from_secs(60);

/// The worker of one partition.
#[derive(Debug)]
pub(crate) struct Worker {
    config: Arc<Config>,
    identity: Arc<Identity>,
    log: Arc<dyn EventLog>,
    producer: Arc<dyn Producer>,
    input: TopicPartition,
    topic_id: String,
    machine: Processor,
    /// The last record in the machine; `None` if nothing was read.
    last_record: Option<LastRecord>,
    marks: MarkKey,
    reader: Reader,
    answering: Answering,
    claim: Claim,
    /// Whether the worker was the owner once.
    was_owner: bool,
    /// First record of a state that began without records, as long as the partition does not know it.
    begins_at: Option<i64>,
    reported: Counters,
    forged: BTreeMap<Refusal, u64>,
    remarks: Remarks,
    outbox: Outbox,
    ledger: Ledger,
    records_since_snapshot: u64,
    since_snapshot: Stopwatch,
    since_record: Stopwatch,
    ticks: TickTimer,
    admitting: Admitting,
    since_lag: Stopwatch,
    /// End of the partition when it was opened.
    end_at_start: i64,
    /// Number of changes of the settings that the machine had applied when those in force were last
    /// compared with the configured ones.
    settings_checked: Option<u64>,
    /// Since the settings were written; `None` before.
    since_configured: Option<Stopwatch>,
}

impl Worker {
    /// Whether the worker owns its partition; claims it again if another one was first.
    fn keep_claim(&mut self) -> Result<bool, RoleError> {
        match self.claim.standing(&self.machine) {
            Standing::Waiting => return Ok(false),
            Standing::Owner => {
                self.was_owner = true;
                self.begins_at = None;
                return Ok(true);
            }
            Standing::Lost if self.was_owner && !self.claim.since().has_passed(CLAIM_PAUSE) => {
                return Ok(false);
            }
            Standing::Lost => {}
        }
        warn!(partition = %self.input, "another processor owns the partition; claiming it again");
        let (identity, config) = (&self.identity, &self.config);
        let place = (&self.input, &self.machine);
        self.claim = Claim::make(identity, config, &*self.producer, place, self.begins_at, None)?;
        Ok(false)
    }

    /// Offset to read from, given the first offset of the partition.
    pub(crate) fn position(&self, first: i64) -> i64 {
        self.machine.next_offset().max(first)
    }

    /// Number of agent versions with state.
    pub(crate) fn keys(&self) -> u64 {
        self.machine.keys()
    }

    /// Computes a batch and publishes its outputs. Returns the offset to read from again, if the batch
    /// holds the answer that a record before it waits for.
    ///
    /// # Errors
    ///
    /// Those of the log; the worker must then be dropped and opened again.
    pub(crate) fn handle_batch(&mut self, batch: &Batch) -> Result<Option<i64>, RoleError> {
        let watch = Stopwatch::start();
        let (mut records, mut again, mut last) = (0, None, None);
        for record in batch.records() {
            match role::handle(&record, || self.reader.look(&record))? {
                Look::Take => {}
                Look::Pass => continue,
                Look::Return(offset) => {
                    again = Some(offset);
                    break;
                }
            }
            records += 1;
            role::handle(&record, || {
                let decoded = self.reader.decoder().decode(&record);
                self.ticks.handle_record(&record, &decoded.event);
                self.remarks.handle_record(&record, &decoded);
                let outbox = &mut self.outbox;
                let signer = self.claim.signer();
                self.machine.handle_record_into(&record, &decoded, &mut |output| {
                    outbox.push(record.offset, output, signer);
                });
            })?;
            self.outbox.check()?;
            last = Some(record);
        }
        if let Some(record) = last {
            let Mark(mark) = self.marks.mark(&record);
            self.last_record = Some(LastRecord { key_id: self.identity.key.key_id_hex(), mark });
        }
        metrics::histogram!(names::PROCESSOR_DURATION).record(watch.elapsed_secs());
        self.outbox.publish()?;
        self.records_since_snapshot += records;
        self.since_record = Stopwatch::start();
        metrics::counter!(names::PROCESSOR_RECORDS_READ).increment(records);
        self.report_counters();
        self.report_doubts();
        Ok(again)
    }

    fn report_counters(&mut self) {
        for RefusedSuite { suite, why } in self.machine.take_refused_suites() {
            warn!(
                partition = %self.input, suite = %Name(&suite), why = %Plain(&why),
                "a suite that was published is not in force here"
            );
        }
        let (now, before) = (self.machine.counters(), self.reported);
        let late = now.late + now.too_late - before.late - before.too_late;
        metrics::counter!(names::PROCESSOR_EVENTS_LATE).increment(late);
        self.remarks.count(&self.input, &before, &now);
        self.reported = now;
        for (refusal, count) in self.machine.forged() {
            let before = self.forged.insert(*refusal, *count).unwrap_or(0);
            metrics::counter!(names::PROCESSOR_RECORDS_FORGED, "reason" => refusal.name())
                .increment(count - before);
        }
    }

    /// Does what is due: an admission of acts; by the clock a snapshot, a tick, the lag gauge. `passed` is
    /// how far the partition was read. Returns the position to commit if a snapshot was written.
    ///
    /// # Errors
    ///
    /// Those of the log; the worker must then be dropped and opened again.
    pub(crate) fn keep_up(
        &mut self,
        governance: &Governance,
        passed: Option<i64>,
    ) -> Result<Option<Position>, RoleError> {
        let tick_interval = Duration::from_secs(self.config.tick_interval_secs);
        // Its claim may stand behind the record that waits.
        self.answer(passed)?;
        if self.keep_claim()? {
            self.announce()?;
            if self.ticks.take_due(tick_interval) {
                self.publish_tick(tick_interval)?;
            }
            self.check_settings()?;
            self.admit(governance)?;
        }
        if self.since_lag.has_passed(LAG_INTERVAL) {
            self.since_lag = Stopwatch::start();
            self.report_lag(passed)?;
        }
        let age_max = Duration::from_secs(self.config.snapshot_age_secs_max);
        let due = self.records_since_snapshot >= self.config.snapshot_records_max
            || self.records_since_snapshot > 0 && self.since_snapshot.has_passed(age_max);
        if due { self.save().map(Some) } else { Ok(None) }
    }

    /// Compares the settings, metrics and detectors in force with the configured ones, once the
    /// partition is read to its end at the start and after each change; where they differ, the
    /// configured ones are written.
    fn check_settings(&mut self) -> Result<(), RoleError> {
        // There may be no record at the end, so silence counts as having reached it.
        let is_reached = self.settings_checked.is_some()
            || self.machine.next_offset() >= self.end_at_start
            || self.since_record.has_passed(self.config.read_wait());
        let applied = Some(self.machine.counters().settings_applied);
        let may_write =
            self.since_configured.as_ref().is_none_or(|since| since.has_passed(CONFIGURE_PAUSE));
        if !is_reached || self.settings_checked == applied || !may_write {
            return Ok(());
        }
        let is_first = self.settings_checked.is_none();
        self.settings_checked = applied;
        let Some(event) = configuration(&self.config, &self.machine)? else { return Ok(()) };
        if !is_first {
            warn!(partition = %self.input, "monitor settings were changed by another owner");
        }
        self.since_configured = Some(Stopwatch::start());
        let record = self.claim.record(event, &self.input);
        publish_and_wait(&*self.producer, vec![record], self.config.publish_wait())?;
        info!(partition = %self.input, "wrote monitor settings");
        Ok(())
    }

    /// Admits acts that the partition does not have, one record at a time.
    fn admit(&mut self, governance: &Governance) -> Result<(), RoleError> {
        let (place, frontier) =
            ((&self.input, self.machine.next_offset()), self.machine.frontier());
        let Some(admission) = self.admitting.due(place, frontier, governance) else {
            return Ok(());
        };
        let event = admitted(&self.config.monitor_id, clock::now_ms(), &admission)
            .map_err(|error| RoleError::output(kind::MONITOR_ADMITTED, &error))?;
        let record = self.claim.record(event, &self.input);
        let wait = self.config.publish_wait();
        let positions = match publish_and_wait(&*self.producer, vec![record], wait) {
            Ok(positions) => positions,
            Err(LogError::TooLarge { .. }) if self.admitting.halve() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let Some(position) = positions.first() else {
            unreachable!("an acknowledged record has a position")
        };
        self.admitting.wrote(position.offset, admission.next);
        count_admitted(admission.acts.len());
        debug!(
            partition = %self.input, from = admission.from, next = admission.next,
            acts = admission.acts.len(), "admitted acts"
        );
        Ok(())
    }

    fn report_lag(&self, passed: Option<i64>) -> Result<(), RoleError> {
        // Nothing comes from a topic that is gone, so that nobody else would hear of it.
        self.confirm_topic()?;
        let next = self.log.offsets(&self.input)?.next;
        // Behind the last record there may be offsets without one.
        let passed = passed.filter(|_| self.reader.held().is_none()).unwrap_or(0);
        let lag = (next - passed.max(self.machine.next_offset())).max(0);
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!(
            names::PROCESSOR_LAG_RECORDS,
            "partition" => self.input.partition.to_string()
        )
        .set(lag as f64);
        Ok(())
    }

    fn publish_tick(&mut self, interval: Duration) -> Result<(), RoleError> {
        let range = self.log.offsets(&self.input)?;
        let [metrics_next, alerts_next] = DESTINATIONS.map(|of| self.outbox.next(of));
        let tick = Tick {
            next_offset: self.position(range.first),
            end: range.next,
            read_until_ms: self.ticks.read_until_ms(),
            is_idle: self.ticks.is_idle(interval),
            metrics_next,
            alerts_next,
        };
        let event = tick
            .event(&self.config.monitor_id, clock::now_ms())
            .map_err(|error| RoleError::output(kind::MONITOR_TICK, &error))?;
        let record = self.claim.record(event, &self.input);
        // A tick reports this moment, so one that was not written is not retried.
        let partition = self.input.clone();
        let done = Box::new(move |published: Published| match published.into_iter().next() {
            Some(Ok(_)) => metrics::counter!(names::PROCESSOR_TICKS_PUBLISHED).increment(1),
            Some(Err(error)) => warn!(%partition, %error, "failed to publish a tick"),
            None => error!(%partition, "the log returned no acknowledgement of a tick"),
        });
        if let Err(full) = self.producer.publish(vec![record], done) {
            warn!(partition = %self.input, error = %full, "skipped a tick");
        }
        Ok(())
    }

    /// Makes sure that what was processed is of the topic that was opened: one that was deleted and
    /// created again meanwhile may hold the next offset too.
    fn confirm_topic(&self) -> Result<(), RoleError> {
        let found = self.log.topic_id(&self.input.topic)?;
        if found == self.topic_id {
            return Ok(());
        }
        let (kept, position) = (self.topic_id.clone(), self.machine.next_offset());
        let changed = Changed::AnotherTopic { kept, found, position };
        Err(RoleError::Changed { partition: self.input.clone(), changed })
    }

    /// Writes what has changed since the last snapshot, after all outputs so far are acknowledged.
    /// Returns the position to commit.
    ///
    /// # Errors
    ///
    /// Those of the log; the worker must then be dropped and opened again.
    pub(crate) fn save(&mut self) -> Result<Position, RoleError> {
        self.outbox.settle()?;
        self.confirm_topic()?;
        let Self { ledger, machine, config, .. } = self;
        let mut writing = Writing::new(
            &*self.producer,
            config.topics.state.as_str().into(),
            self.input.partition,
            config.snapshot_chunk_bytes_max,
            config.publish_wait(),
        );
        let mut records = Vec::new();
        ledger.erase(&mut records);
        let mut entries = 0_u64;
        let mut outcome = Ok(());
        let state = machine.take_changes(&mut |entry, bytes| {
            if outcome.is_ok() {
                entries += 1;
                outcome = ledger
                    .write(entry, bytes.as_deref(), &mut records)
                    .map_err(|error| unfit(&error))
                    .and_then(|()| writing.take(records.drain(..)));
            }
        });
        outcome?;
        writing.take(records.drain(..))?;
        // The head is valid only if everything before it was written.
        writing.flush()?;
        let next_offset = machine.next_offset();
        let [metrics_next, alerts_next] = self.outbox.covered(next_offset);
        let topic_id = self.topic_id.clone();
        let begins_at = self.begins_at;
        let fingerprint = event::encode::fingerprint();
        let head = Head {
            topic_id,
            next_offset,
            last_record: self.last_record.clone(),
            metrics_next,
            alerts_next,
            fingerprint,
            begins_at,
            state,
        };
        writing.take(ledger.finish(head).map_err(|error| unfit(&error))?)?;
        writing.flush()?;
        let size_bytes = writing.written_bytes();
        self.records_since_snapshot = 0;
        self.since_snapshot = Stopwatch::start();
        metrics::counter!(names::PROCESSOR_SNAPSHOTS).increment(1);
        debug!(partition = %self.input, next_offset, entries, size_bytes, "saved a snapshot");
        Ok(Position { partition: self.input.clone(), offset: next_offset })
    }
}

fn unfit(error: &dyn std::fmt::Display) -> LogError {
    LogError::Fatal(format!("failed to encode a snapshot: {error}"))
}
