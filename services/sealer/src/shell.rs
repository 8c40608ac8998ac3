//! The loop around the machine: select, handle, act.

mod orphaned;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use event::{Decoder, TopicPartition};
use ports::mark::{self, MarkKey};
use ports::{EventLog, LogError, Polled, Position};
use segment::log::ENTRIES_MAX;
use segment::manifest::{Manifest, SegmentManifest};
use segment::orphan::Orphan;
use segment::sealer::{Action, Sealable, Sealer};
use service::clock::Stopwatch;
use service::role::Pace;
use service::waits::Waits;
use service::{Member, Role, Shutdown, last};
use tracing::{debug, info, warn};

use crate::ledger::{Ledger, Outcome};
use crate::meters::{Dropped, Meters};
use crate::orphans::{self, Orphans, Waiting};
use crate::program::{NAME, PROGRAM};
use crate::readings::{self, Readings};
use crate::retry::Retry;
use crate::store::{Stored, Storer};
use crate::topics::{Identities, check_settings};
use crate::{Config, Keys, RunError, installation};

/// Longest wait for records; bounds how late a shutdown or an age is noticed.
const POLL_WAIT: Duration = Duration::from_millis(100);
/// How long a drain listens to a silent log before it believes that there is nothing more.
const DRAIN_SILENCE: Duration = Duration::from_secs(3);
/// How long the log may take to show the record before the end of a partition's sealed part.
const LAST_RECORD_WAIT: Duration = Duration::from_secs(10);
/// Time between two looks at the ends of the partitions.
const LAG_EVERY: Duration = Duration::from_secs(10);

/// Milliseconds since the epoch.
pub(crate) type Clock = Box<dyn Fn() -> i64 + Send>;

/// How a sealer is driven.
pub(crate) const fn pace(config: &Config) -> Pace {
    Pace { poll_wait: POLL_WAIT, retry_pause: Duration::from_millis(config.retry_pause_ms) }
}

/// A sealer that runs on the caller's thread.
pub(crate) struct Shell {
    config: Config,
    keys: Keys,
    log: Arc<dyn EventLog>,
    member: Member,
    machine: Sealer,
    ledger: Ledger,
    storer: Storer,
    marks: MarkKey,
    readings: Readings,
    waits: Waits,
    orphans: Orphans,
    waiting: Waiting,
    archive: Archive,
    retry: Retry,
    clock: Clock,
    topics: Identities,
    /// Since the last look at the ends of the partitions.
    lag_watch: Option<Stopwatch>,
    pub(crate) meters: Meters,
}

impl fmt::Debug for Shell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shell").field("machine", &self.machine).finish_non_exhaustive()
    }
}

impl Shell {
    /// Reads the transparency log and joins the consumer group.
    pub(crate) fn start(
        config: Config,
        log: Arc<dyn EventLog>,
        archive: &Archive,
        keys: Keys,
        shutdown: &Shutdown,
        clock: Clock,
    ) -> Result<Self, RunError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(RunError::Config(problems));
        }
        let retry = Retry::new(&config, shutdown.clone());
        let ledger = Ledger::open(archive, &keys, &retry)?;
        installation::check(ledger.installation(), &*log, &config.topics, &retry)?;
        check_settings(&*log, &config, &retry)?;
        let member =
            retry.run(|| Member::join(&*log, config.group.as_str(), config.topics.clone()))?;
        let trust = readings::trust(ledger.origin(), ledger.installation())?;
        let decoder = Decoder::new(event::Limits { value_bytes_max: config.value_bytes_max });
        let marks = MarkKey::new(&keys.log.sign_bytes(mark::SIGNED));
        let meters = Meters::default();
        meters.log_size(ledger.size());
        Ok(Self {
            machine: Sealer::new(config.limits()),
            readings: Readings::new(trust, decoder.clone()),
            waits: Waits::new(NAME),
            storer: Storer::new(archive.clone(), retry.clone(), decoder, marks.clone()),
            marks,
            orphans: Orphans::default(),
            waiting: Waiting::default(),
            archive: archive.clone(),
            lag_watch: None,
            topics: Identities::default(),
            config,
            keys,
            log,
            member,
            ledger,
            retry,
            clock,
            meters,
        })
    }

    /// Drains, if so configured.
    fn end(&mut self) -> Result<(), RunError> {
        if self.config.drain_on_shutdown {
            return self.drain();
        }
        self.meters.dropped(self.machine.pending_rows(), Dropped::Shutdown);
        Ok(())
    }

    /// Seals what is published now, and all that is pending.
    pub(crate) fn drain(&mut self) -> Result<(), RunError> {
        if let Err(reason) = self.member.standing() {
            warn!(reason, "the shutdown leaves published records to the next sealer");
        }
        let mut ends = Vec::new();
        for partition in self.machine.partitions().cloned().collect::<Vec<_>>() {
            let range = self.retry.run(|| self.log.offsets(&partition))?;
            ends.push((partition, range.next));
        }
        let limit = Duration::from_millis(self.config.drain_ms_max);
        let (started, mut heard) = (Stopwatch::start(), Stopwatch::start());
        while self.is_behind(&ends)
            && !started.has_passed(limit)
            && !heard.has_passed(DRAIN_SILENCE)
        {
            let before = self.meters.totals.read;
            self.step(POLL_WAIT)?;
            if self.meters.totals.read != before {
                heard = Stopwatch::start();
            }
        }
        if self.is_behind(&ends) {
            warn!("the shutdown leaves published records to the next sealer");
        }
        self.machine.handle_drain();
        self.act()?;
        self.report()?;
        let totals = self.meters.totals;
        info!(records = totals.sealed, segments = totals.segments, "drained the sealer");
        Ok(())
    }

    /// Whether records before these ends were not read. Offsets without a record may be the last ones.
    fn is_behind(&self, ends: &[(TopicPartition, i64)]) -> bool {
        ends.iter().any(|(partition, end)| {
            let passed = self.passed(partition).unwrap_or(i64::MIN);
            self.machine.position(partition).is_some_and(|at| at.max(passed) < *end)
        })
    }

    /// How far a partition was read, as [`Member::passed`], unless a record of it waits.
    fn passed(&self, partition: &TopicPartition) -> Option<i64> {
        if self.readings.is_waiting(partition) { None } else { self.member.passed(partition) }
    }

    fn select(&mut self, wait: Duration) -> Result<(), RunError> {
        match self.member.poll(wait) {
            Ok(Polled::Idle) => Ok(()),
            Ok(Polled::Assigned(partitions)) => {
                self.assign(&partitions).map_err(|error| error.of_the_archive(false))
            }
            Ok(Polled::Revoked(partitions)) => {
                for partition in &partitions {
                    let let_go = self.machine.handle_revoked(partition);
                    self.orphans.forget(partition);
                    self.waiting.forget(partition);
                    self.readings.forget(partition);
                    self.meters.dropped(let_go, Dropped::Revoked);
                }
                Ok(())
            }
            Ok(Polled::Batch(batch)) => {
                let partition = batch.partition().clone();
                let (taken, again) = self.readings.screen(batch);
                if let Some(offset) = again {
                    self.seek(&partition, offset)?;
                }
                let Some(batch) = taken else { return Ok(()) };
                self.meters.read(batch.len());
                let now_ms = (self.clock)();
                let storer = &self.storer;
                let taken =
                    self.machine.handle_batch(batch, now_ms, |record| storer.is_heartbeat(record));
                self.meters.dropped(taken.dropped, Dropped::Redelivered);
                Ok(())
            }
            // Reading changes nothing, so it is tried for as long as it takes; what is pending is
            // sealed by age meanwhile.
            Err(LogError::Unavailable(error)) => {
                warn!(%error, "the event log is unavailable, will poll again");
                self.retry.pause(self.retry.first_wait());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Resumes partitions where the transparency log says that their sealed part ends.
    fn assign(&mut self, partitions: &[TopicPartition]) -> Result<(), RunError> {
        // Whoever had the partitions before has sealed since we last looked.
        self.ledger.refresh()?;
        check_settings(&*self.log, &self.config, &self.retry)?;
        self.topics.clear();
        let positions: Vec<_> = partitions
            .iter()
            .map(|partition| {
                (partition.clone(), self.ledger.end(partition).map(|end| end.next_offset))
            })
            .collect();
        let look = || last::look(&*self.log, &self.marks, &positions, LAST_RECORD_WAIT);
        for (partition, held) in partitions.iter().zip(self.retry.run(look)?) {
            let (end, lost_records) = (self.ledger.end(partition), self.config.lost_records);
            let asked = (&*self.log, &self.retry);
            let resume = self.topics.resume((partition, held), end, lost_records, asked)?;
            let document = self.ledger.end(partition).and_then(|end| end.writer_schemas);
            self.readings.begin(partition, document, (&self.archive, &self.retry))?;
            debug!(%partition, offset = resume.read_from, "resumed a partition");
            self.machine.handle_assigned(partition, resume.position, resume.read_from);
        }
        self.find_orphans(partitions);
        Ok(())
    }

    /// Does what the machine says until it says no more. What is to be sealed at the same moment
    /// becomes one commit.
    fn act(&mut self) -> Result<(), RunError> {
        loop {
            let mut seals = Vec::new();
            let mut idle = true;
            while let Some(action) = self.machine.poll_action() {
                idle = false;
                match action {
                    Action::Seek { partition, offset } => self.seek(&partition, offset)?,
                    Action::Seal(seal) => seals.push(seal),
                }
            }
            if idle {
                return Ok(());
            }
            if !seals.is_empty() {
                self.seal(seals)?;
            }
        }
    }

    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), RunError> {
        match self.retry.run(|| self.member.seek(partition, offset)) {
            // Revoked meanwhile; the next poll says so.
            Err(LogError::UnknownPartition(_)) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Makes records part of the log. Everything before the commit may be repeated, everything
    /// after it may be lost.
    fn seal(&mut self, seals: Vec<Sealable>) -> Result<(), RunError> {
        let watch = Stopwatch::start();
        let mut waiting = VecDeque::new();
        for seal in seals {
            // The machine seals only what is ours.
            let Some(reading) = self.readings.of(&seal.partition) else { continue };
            waiting.extend(self.storer.store(seal, reading, self.readings.trust())?);
        }
        self.topics.confirm(waiting.iter(), &*self.log)?;
        loop {
            self.let_go_of_lost(&mut waiting)?;
            if waiting.is_empty() {
                return Ok(());
            }
            let now = waiting.len().min(ENTRIES_MAX);
            let entries = self.sign(waiting.iter().take(now))?;
            match self.ledger.commit(entries)? {
                Outcome::Lost => {
                    self.meters.conflict();
                    info!("another sealer has committed first, will try again behind it");
                }
                Outcome::Committed => {
                    let sealed: Vec<_> = waiting.drain(..now).collect();
                    self.meters.committed(self.ledger.size(), watch.elapsed_secs(), (self.clock)());
                    self.sealed(&sealed);
                }
            }
        }
    }

    /// Drops what no longer begins where its partition is sealed up to.
    fn let_go_of_lost(&mut self, waiting: &mut VecDeque<Stored>) -> Result<(), RunError> {
        let mut ends: BTreeMap<TopicPartition, i64> = BTreeMap::new();
        let mut fenced: BTreeSet<TopicPartition> = BTreeSet::new();
        for stored in waiting.iter() {
            let facts = &stored.facts;
            let head = self.ledger.end(&facts.partition).map(|head| head.next_offset);
            // A partition of which nothing is sealed yet may begin anywhere.
            let end = ends.get(&facts.partition).copied().or(head).unwrap_or(facts.first_offset);
            if end == facts.first_offset {
                ends.insert(facts.partition.clone(), facts.next_offset);
            } else {
                fenced.insert(facts.partition.clone());
            }
        }
        for partition in fenced {
            // They were stored under names that nobody else knows.
            let (lost, kept) = std::mem::take(waiting)
                .into_iter()
                .partition::<VecDeque<_>, _>(|stored| stored.facts.partition == partition);
            *waiting = kept;
            self.orphans.forget(&partition);
            let remove = |lost: &Stored| {
                orphans::remove(&self.archive, &lost.parquet_path, &lost.census_path)
            };
            self.meters.orphans_removed(lost.iter().filter(|lost| remove(lost)).count());
            if let Some(head) = self.ledger.end(&partition) {
                let (offset, document) = (head.next_offset, head.writer_schemas);
                self.readings.begin(&partition, document, (&self.archive, &self.retry))?;
                let let_go = self.machine.handle_fenced(&partition, offset);
                self.meters.dropped(let_go, Dropped::Fenced);
                info!(%partition, offset, "another sealer has sealed these records first");
            }
        }
        Ok(())
    }

    /// Signs the manifests of segments, each the successor of the one before in its partition.
    fn sign<'a>(
        &mut self,
        segments: impl Iterator<Item = &'a Stored>,
    ) -> Result<Vec<String>, RunError> {
        let mut chains = BTreeMap::new();
        let mut entries = Vec::new();
        for stored in segments {
            let partition = &stored.facts.partition;
            // Of a copy of the topic, the chain keeps the identity that it began with.
            let topic_id = match self.ledger.end(partition) {
                Some(end) => end.topic_id.clone(),
                None => self.topics.of(&partition.topic, &*self.log, &self.retry)?,
            };
            let (sequence, previous, largest) =
                chains.get(partition).copied().unwrap_or_else(|| {
                    self.ledger.end(partition).map_or((0, None, i64::MIN), |end| {
                        (end.next_sequence, Some(end.manifest), end.max_timestamp_ms)
                    })
                });
            let failed = |detail: String| RunError::Build {
                partition: partition.clone(),
                offset: stored.facts.first_offset,
                detail,
            };
            let head = self.ledger.head().ok_or_else(|| failed("the log has no head".into()))?;
            let largest_timestamp_ms = stored.facts.max_timestamp_ms.max(largest);
            let manifest = Manifest::from(SegmentManifest {
                log: self.ledger.origin().to_owned(),
                cluster: self.ledger.installation().cluster.clone(),
                topic_id,
                sequence,
                previous,
                largest_timestamp_ms,
                last_record: stored.last_record,
                writer_schemas: stored.writer_schemas,
                head,
                parquet_path: stored.parquet_path.clone(),
                census_path: stored.census_path.clone(),
                facts: stored.facts.clone(),
                sealer: PROGRAM.to_owned(),
            });
            let entry =
                manifest.sign(&self.keys.sealer).map_err(|error| failed(error.to_string()))?;
            let next = sequence.checked_add(1).ok_or_else(|| failed("no number is left".into()))?;
            chains.insert(partition.clone(), (next, Some(manifest.digest()), largest_timestamp_ms));
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Everything that follows from a commit.
    fn sealed(&mut self, segments: &[Stored]) {
        let mut positions = BTreeMap::new();
        for stored in segments {
            let facts = &stored.facts;
            self.machine.handle_sealed(&facts.partition, stored.rows);
            self.readings.sealed(&facts.partition, stored.schemas.clone());
            self.meters.sealed(facts.count, facts.parquet.size_bytes, stored.cause);
            self.meters.quarantined(&stored.quarantined);
            positions.insert(facts.partition.clone(), facts.next_offset);
            info!(
                segment = stored.parquet_path,
                records = facts.count,
                bytes = facts.parquet.size_bytes,
                cause = stored.cause.name(),
                "sealed a segment"
            );
        }
        let positions: Vec<_> = positions
            .into_iter()
            .map(|(partition, offset)| Position { partition, offset })
            .collect();
        self.member.commit(&positions);
        if let Some(covered_by) = self.ledger.head() {
            for name in self.orphans.covered(segments) {
                let note = Orphan { name, covered_by, covered_at_ms: (self.clock)() };
                self.waiting.add(&self.archive, note);
            }
        }
    }

    /// Records of a partition that are not sealed.
    fn lag(&self, partition: &TopicPartition) -> Option<u64> {
        let range = self.log.offsets(partition).ok()?;
        let mut sealed_to = self.ledger.end(partition).map_or(range.first, |end| end.next_offset);
        // Behind the last record there may be offsets that will never be sealed.
        if self.machine.position(partition) == Some(sealed_to) {
            sealed_to = sealed_to.max(self.passed(partition).unwrap_or(sealed_to));
        }
        // Negative where the log has lost its end, which the next assignment finds.
        Some(u64::try_from(range.next - sealed_to).unwrap_or(0))
    }

    fn report(&mut self) -> Result<(), RunError> {
        self.meters.pending(self.machine.pending_rows(), self.machine.pending_bytes());
        if self.lag_watch.as_ref().is_some_and(|watch| !watch.has_passed(LAG_EVERY)) {
            return Ok(());
        }
        self.lag_watch = Some(Stopwatch::start());
        self.waits.update(self.readings.waiting());
        self.remove_orphans();
        let position = |partition| Some((partition, self.machine.position(partition)?));
        self.topics.look(self.machine.partitions().filter_map(position), &*self.log)?;
        let mut lags: BTreeMap<&str, u64> = BTreeMap::new();
        for partition in self.machine.partitions() {
            // A lag that cannot be told now is told the next time.
            let Some(lag) = self.lag(partition) else { return Ok(()) };
            *lags.entry(&partition.topic).or_default() += lag;
        }
        for (topic, lag) in lags {
            self.meters.lag(topic, lag);
        }
        Ok(())
    }
}

impl Role for Shell {
    type Error = RunError;

    const NAME: &'static str = NAME;

    fn standing(&self) -> Result<(), String> {
        self.member.standing()
    }

    fn step(&mut self, wait: Duration) -> Result<bool, RunError> {
        // What was only read is read again after a failure: pauses begin anew with what is sealed.
        let before = self.meters.totals.sealed;
        let wait = match self.machine.poll_timeout() {
            None => wait,
            // What is due already is not waited for.
            Some(at_ms) => match u64::try_from(at_ms.saturating_sub((self.clock)())) {
                Ok(left_ms) => wait.min(Duration::from_millis(left_ms)),
                Err(_) => Duration::ZERO,
            },
        };
        self.select(wait)?;
        self.machine.handle_timeout((self.clock)());
        self.act().map_err(|error| error.of_the_archive(false))?;
        self.report()?;
        Ok(self.meters.totals.sealed != before)
    }

    fn finish(mut self) -> Result<(), RunError> {
        self.end()
    }
}

#[cfg(test)]
mod tests;
