//! The loop of the service: one thread that reads and decides, and threads that send.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use event::{Batch, Decoder, Limits, TopicPartition, encode};
use ports::{Consumer, EventLog, LogError, Outgoing, Polled, Position, Published, Subscription};
use service::Shutdown;
use service::clock::{Stopwatch, now_ms};
use service::metric_names as names;
use service::role::{Retries, drive};
use thiserror::Error;
use tracing::{debug, error, info, warn};

use crate::alert::Alert;
use crate::config::Config;
use crate::http::{Answered, Job, Pool};
use crate::machine::{Answer, Delivery, Machine, Report};
use crate::meters;
use crate::outcome::Logged;
use crate::position::Positions;
use crate::secret::{SecretError, Secrets};
use crate::sink::Sink;
use crate::watch::{Told, Verdict, Watch};

/// Longest wait for records while requests are under way.
const BUSY_WAIT: Duration = Duration::from_millis(10);
/// Most outcomes published in one call.
const PUBLISH_MAX: usize = 500;
/// How often the lag is looked at.
const LAG_INTERVAL: Duration = Duration::from_secs(5);

/// Why the role ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RunError {
    /// The configuration makes no sense; all that is wrong with it.
    #[error("failed to start the notifier: {}", .0.join("; "))]
    Config(Vec<String>),
    /// A secret is missing or wrong.
    #[error("failed to start the notifier: {0}")]
    Secret(#[from] SecretError),
    /// The system gave no thread.
    #[error("failed to start the notifier: {0}")]
    Thread(String),
    /// The log failed in a way that does not pass, or too many times in a row.
    #[error("failed to notify: {0}")]
    Log(#[from] LogError),
}

/// Runs the notifier until the shutdown. Blocking; give it a thread. On shutdown it waits for the
/// requests under way, and writes what came of them.
///
/// # Errors
///
/// A configuration that makes no sense, a secret that is not there, or a log that failed for good
/// or too many times in a row.
pub fn run(config: Config, log: Arc<dyn EventLog>, shutdown: Shutdown) -> Result<(), RunError> {
    let wait = Duration::from_millis(config.poll_wait_ms);
    let retries = Retries { max: config.retries_max, pause: config.retry_pause() };
    let role = drive(
        &shutdown,
        retries,
        || Role::start(config.clone(), Arc::clone(&log)),
        |role| role.step(wait),
        RunError::may_pass,
    )?;
    if let Some(role) = role {
        role.finish();
    }
    Ok(())
}

impl RunError {
    /// Whether starting again may help.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Log(error) => error.may_pass(),
            Self::Config(_) | Self::Secret(_) | Self::Thread(_) => false,
        }
    }
}

/// A partition that is ours.
#[derive(Debug)]
struct Owned {
    partition: TopicPartition,
    topic_id: String,
    /// Offset of the next record to read.
    next: i64,
    /// Where the log ended when the partition became ours; before that nothing is told.
    until: i64,
    is_live: bool,
    since_progress: Stopwatch,
    saved: i64,
    since_saved: Stopwatch,
}

/// The notifier as a machine that is driven step by step. [`run`] drives it; dropping it anywhere
/// is the same as killing the process there.
#[derive(Debug)]
pub struct Role {
    config: Config,
    log: Arc<dyn EventLog>,
    consumer: Box<dyn Consumer>,
    decoder: Decoder,
    machine: Machine,
    watch: Watch,
    names: Vec<Arc<str>>,
    sinks: Vec<Box<dyn Sink>>,
    pool: Pool,
    owned: BTreeMap<i32, Owned>,
    /// Outcomes that the log has not acknowledged, and their events.
    outbox: VecDeque<(Report, Outgoing)>,
    /// Failures of the log in a row.
    failures: u32,
    since_failure: Stopwatch,
    since_lag: Stopwatch,
    forgotten: u64,
}

impl Role {
    /// Reads the secrets and joins the group.
    ///
    /// # Errors
    ///
    /// A configuration that makes no sense, a secret that is not there, or what the log says.
    pub fn start(config: Config, log: Arc<dyn EventLog>) -> Result<Self, RunError> {
        let mut problems = config.problems();
        if config.sinks.is_empty() {
            problems.push("`sinks`: at least one is needed".to_owned());
        }
        let needed = log.partitions(&config.topics.alerts)?;
        let found = log.partitions(&config.topics.state)?;
        if found < needed {
            let topic = &config.topics.state;
            problems.push(format!(
                "topic `{topic}` has {found} partitions, fewer than the {needed} of the alerts"
            ));
        }
        if !problems.is_empty() {
            return Err(RunError::Config(problems));
        }
        let mut sinks = Vec::new();
        for (name, sink) in &config.sinks {
            sinks.push(sink.open(&Secrets { sink: name, named: &config.secrets })?);
        }
        let pool = Pool::start(sinks.len(), config.requests_max, config.request_wait())
            .map_err(|error| RunError::Thread(error.to_string()))?;
        let consumer = log.consumer(Subscription::Group {
            group: config.group.clone(),
            topics: vec![config.topics.alerts.clone()],
        })?;
        let plans = config.plans();
        let names = plans.iter().map(|plan| Arc::clone(&plan.name)).collect();
        Ok(Self {
            decoder: Decoder::new(Limits { value_bytes_max: config.value_bytes_max }),
            machine: Machine::new(config.policy(), plans),
            watch: Watch::new(config.dead_after_ms()),
            config,
            log,
            consumer,
            names,
            sinks,
            pool,
            owned: BTreeMap::new(),
            outbox: VecDeque::new(),
            failures: 0,
            since_failure: Stopwatch::start(),
            since_lag: Stopwatch::start(),
            forgotten: 0,
        })
    }

    /// Waits for the next thing to happen, and handles it; then does what is due. Returns whether
    /// anything happened.
    ///
    /// # Errors
    ///
    /// What the log says. The role must then be dropped; a new one continues from the log.
    pub fn step(&mut self, wait: Duration) -> Result<bool, RunError> {
        let mut progress = false;
        match self.consumer.poll(self.patience(wait)) {
            Ok(Polled::Idle) => {}
            Ok(Polled::Assigned(partitions)) => {
                for partition in partitions {
                    self.open(partition)?;
                }
            }
            Ok(Polled::Revoked(partitions)) => {
                for partition in partitions {
                    self.machine.handle_revoked(partition.partition);
                    self.watch.handle_revoked(partition.partition);
                    self.owned.remove(&partition.partition);
                    info!(%partition, "gave a partition back");
                }
            }
            Ok(Polled::Batch(batch)) => {
                self.handle_batch(&batch);
                progress = true;
            }
            Err(error @ LogError::Unavailable(_)) => {
                self.failed(error)?;
                std::thread::sleep(self.config.retry_pause());
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        progress |= self.take_answers(Duration::ZERO);
        self.look_for_the_end();
        progress |= self.speak()?;
        progress |= self.publish()?;
        self.dispatch();
        self.keep_up();
        Ok(progress)
    }

    /// Waits for the requests under way, and writes what came of them. What fails is told again
    /// by the next owner.
    pub fn finish(mut self) {
        let limit = Duration::from_millis(self.config.drain_ms_max);
        let watch = Stopwatch::start();
        while self.machine.in_flight() > 0 && !watch.has_passed(limit) {
            self.take_answers(BUSY_WAIT);
        }
        if self.machine.in_flight() > 0 {
            warn!(requests = self.machine.in_flight(), "stopped without their answers");
        }
        while let Ok(true) = self.publish() {}
        if !self.outbox.is_empty() {
            warn!(outcomes = self.outbox.len(), "stopped without writing what came of requests");
        }
        let partitions: Vec<i32> = self.owned.keys().copied().collect();
        for partition in partitions {
            self.save(partition);
        }
        self.commit();
    }

    /// How long to wait for records: less when something else may happen before.
    fn patience(&self, wait: Duration) -> Duration {
        let busy = self.machine.in_flight() > 0 || !self.outbox.is_empty();
        let wait = if busy { wait.min(BUSY_WAIT) } else { wait };
        let due = self.machine.poll_timeout().into_iter().chain(self.watch.poll_timeout()).min();
        let due_ms = due.map(|due| due.saturating_sub(now_ms()).max(0));
        let due = due_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        due.map_or(wait, |due| wait.min(due))
    }

    fn positions(&self) -> Positions<'_> {
        Positions {
            log: &*self.log,
            state: &self.config.topics.state,
            read_wait: self.config.read_wait(),
            publish_wait: self.config.publish_wait(),
        }
    }

    /// Takes a partition over.
    fn open(&mut self, partition: TopicPartition) -> Result<(), LogError> {
        let topic_id = self.log.topic_id(&partition.topic)?;
        let saved = self.positions().load(&partition, &topic_id)?;
        let range = self.log.offsets(&partition)?;
        if saved.is_some_and(|saved| saved < range.first) {
            warn!(%partition, saved, first = range.first, "alerts were deleted before they ended");
        }
        let next = saved.unwrap_or_default().clamp(range.first, range.next);
        self.machine.handle_assigned(partition.partition);
        self.watch.handle_assigned(partition.partition);
        self.consumer.seek(&partition, next)?;
        info!(%partition, next, records = range.next - next, "took a partition over");
        let owned = Owned {
            topic_id,
            next,
            until: range.next,
            is_live: false,
            since_progress: Stopwatch::start(),
            saved: saved.unwrap_or_default(),
            since_saved: Stopwatch::start(),
            partition,
        };
        self.owned.insert(owned.partition.partition, owned);
        Ok(())
    }

    fn handle_batch(&mut self, batch: &Batch) {
        let partition = batch.partition().partition;
        let Some(owned) = self.owned.get_mut(&partition) else { return };
        let now = now_ms();
        for record in batch.records() {
            let decoded = self.decoder.decode(&record);
            let told = Told::from_event(&decoded.event, record.offset, record.timestamp_ms);
            if let Some(told) = told {
                self.watch.handle_told(partition, told, now);
            }
            if let Some(alert) = Alert::from_event(&decoded.event, record.timestamp_ms) {
                self.machine.handle_alert(partition, record.offset, alert, now);
            } else if let Some(logged) = Logged::from_event(&decoded.event) {
                self.machine.handle_logged(partition, record.offset, &logged, now);
            }
        }
        owned.next = batch.next_offset().unwrap_or(owned.next);
        owned.since_progress = Stopwatch::start();
        let records = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        metrics::counter!(names::NOTIFIER_RECORDS_READ).increment(records);
        let forgotten = self.machine.forgotten();
        if forgotten > self.forgotten {
            let alerts = forgotten - self.forgotten;
            metrics::counter!(names::NOTIFIER_EPISODES_FORGOTTEN).increment(alerts);
            error!(
                alerts,
                episodes_max = self.config.episodes_max,
                "open alerts are not held and not told; raise notifier.episodes_max"
            );
            self.forgotten = forgotten;
        }
    }

    /// Partitions that are read up to where they ended when they became ours begin to be told.
    fn look_for_the_end(&mut self) {
        for (number, owned) in &mut self.owned {
            let is_read = owned.next >= owned.until
                || owned.since_progress.has_passed(self.config.read_wait());
            if !owned.is_live && is_read {
                owned.is_live = true;
                self.machine.handle_caught_up(*number, now_ms());
                self.watch.handle_caught_up(*number, now_ms());
                debug!(partition = %owned.partition, "caught up");
            }
        }
    }

    /// Writes into the log that the monitor is dead or back; receivers are told when it is read
    /// again. Returns whether anything was written.
    fn speak(&mut self) -> Result<bool, LogError> {
        if self.failures > 0 && !self.since_failure.has_passed(self.config.retry_pause()) {
            return Ok(false);
        }
        let mut any = false;
        while let Some(word) = self.watch.poll_word(now_ms()) {
            let partition = word.partition;
            let event = match word.to_event(now_ms()) {
                Ok(event) => event,
                Err(error) => {
                    error!(%error, "what is to be said of the monitor does not fit the schema");
                    continue;
                }
            };
            let mut value = Vec::new();
            encode::encode(&event, &mut value);
            let record = Outgoing {
                topic: self.config.topics.alerts.as_str().into(),
                partition: Some(partition),
                key: Some(partition.to_string().into_bytes()),
                value: Some(value),
                headers: Vec::new(),
            };
            let reason = event.text_at("drift.reason").unwrap_or_default();
            match word.verdict {
                Verdict::Dead => error!(partition, reason, "the monitor is dead"),
                Verdict::Recovered => info!(partition, reason, "the monitor is back"),
            }
            let wait = self.config.publish_wait();
            let unknown = || LogError::Unavailable(format!("no acknowledgement in {wait:?}"));
            let published = self.publish_and_wait(vec![record]).into_iter().next();
            if let Err(error) = published.unwrap_or_else(|| Err(unknown())) {
                self.watch.handle_unwritten(partition);
                self.failed(error)?;
                return Ok(any);
            }
            self.failures = 0;
            any = true;
        }
        Ok(any)
    }

    fn take_answers(&mut self, wait: Duration) -> bool {
        let mut any = false;
        while let Some(answered) = self.pool.answer(if any { Duration::ZERO } else { wait }) {
            any = true;
            let name = self.names.get(answered.key.sink).map_or("", |name| &**name);
            meters::answered(name, &answered);
            let Answered { key, answer, request_digest, .. } = answered;
            self.machine.handle_answer(&key, answer, request_digest, now_ms());
        }
        any
    }

    /// Hands over the requests that are due. While outcomes wait to be written, none: what is not
    /// written down is told again after a restart.
    fn dispatch(&mut self) {
        while self.outbox.is_empty() {
            let now = now_ms();
            let Some(Delivery { key, task, notice }) = self.machine.poll_delivery(now) else {
                return;
            };
            let Some(sink) = self.sinks.get(key.sink) else { return };
            let request = sink.request(&notice, now);
            let request_digest = request.digest();
            let again = (key.clone(), request_digest.clone());
            if !self.pool.send(Job { key, task, request, request_digest }) {
                let detail = "no thread was free".to_owned();
                let busy = Answer::Busy { status: None, retry_after_ms: None, detail };
                self.machine.handle_answer(&again.0, busy, again.1, now);
            }
        }
    }

    /// Writes outcomes into the log. Returns whether any was acknowledged.
    fn publish(&mut self) -> Result<bool, LogError> {
        let topic: Arc<str> = self.config.topics.alerts.as_str().into();
        while let Some(report) = self.machine.poll_report() {
            match report.outcome.to_event(&report.sink, &report.alert, now_ms()) {
                Ok(event) => {
                    let mut value = Vec::new();
                    encode::encode(&event, &mut value);
                    let record = Outgoing {
                        topic: Arc::clone(&topic),
                        partition: Some(report.key.partition),
                        key: Some(report.alert.agent_id.clone().into_bytes())
                            .filter(|key| !key.is_empty()),
                        value: Some(value),
                        headers: Vec::new(),
                    };
                    self.outbox.push_back((report, record));
                }
                Err(error) => error!(%error, "an outcome does not fit the schema"),
            }
        }
        let waits = self.failures > 0 && !self.since_failure.has_passed(self.config.retry_pause());
        if self.outbox.is_empty() || waits {
            return Ok(false);
        }
        let batch: Vec<(Report, Outgoing)> =
            self.outbox.drain(..self.outbox.len().min(PUBLISH_MAX)).collect();
        let records = batch.iter().map(|(_, record)| record.clone()).collect();
        let published = self.publish_and_wait(records);
        let mut failure = None;
        let mut any = false;
        let outcomes = published.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        for ((report, record), outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Some(Ok(_)) => {
                    any = true;
                    meters::reported(&report);
                    self.machine.handle_reported(&report, now_ms());
                }
                Some(Err(error)) => {
                    failure = Some(error);
                    self.outbox.push_back((report, record));
                }
                None => self.outbox.push_back((report, record)),
            }
        }
        match failure {
            None if any => self.failures = 0,
            None => {
                let wait = self.config.publish_wait();
                self.failed(LogError::Unavailable(format!("no acknowledgement in {wait:?}")))?;
            }
            Some(error) => self.failed(error)?,
        }
        Ok(any)
    }

    /// The outcome of each record; none if the acknowledgement does not come in time.
    fn publish_and_wait(&self, records: Vec<Outgoing>) -> Published {
        let (sender, receiver) = sync_channel(1);
        let count = records.len();
        let done = Box::new(move |published: Published| {
            // The receiver is gone only when the wait below has ended, which is an answer.
            drop(sender.try_send(published));
        });
        match self.log.producer().publish(records, done) {
            Ok(()) => receiver.recv_timeout(self.config.publish_wait()).unwrap_or_default(),
            Err(error) => std::iter::repeat_n(Err(error), count).collect(),
        }
    }

    /// Counts a failure of the log; gives it back if it does not pass or was one too many.
    fn failed(&mut self, error: LogError) -> Result<(), LogError> {
        self.failures += 1;
        self.since_failure = Stopwatch::start();
        let passes = match &error {
            LogError::Unavailable(_) | LogError::QueueFull { .. } => true,
            LogError::OutOfRange { .. }
            | LogError::TooLarge { .. }
            | LogError::UnknownPartition(_)
            | LogError::Fatal(_) => false,
        };
        if !passes || self.failures > self.config.retries_max {
            return Err(error);
        }
        warn!(%error, failures = self.failures, "the log failed; trying again");
        Ok(())
    }

    /// Whatever is due by the clock: positions, gauges.
    fn keep_up(&mut self) {
        let age_max = Duration::from_secs(self.config.position_secs_max);
        let due = |owned: &&Owned| owned.is_live && owned.since_saved.has_passed(age_max);
        let due: Vec<i32> =
            self.owned.values().filter(due).map(|owned| owned.partition.partition).collect();
        let any = !due.is_empty();
        for partition in due {
            self.save(partition);
        }
        if any {
            self.commit();
        }
        if self.since_lag.has_passed(LAG_INTERVAL) {
            self.since_lag = Stopwatch::start();
            for owned in self.owned.values() {
                if let Ok(range) = self.log.offsets(&owned.partition) {
                    meters::lag(owned.partition.partition, range.next - owned.next);
                }
            }
        }
        meters::state(&self.machine);
    }

    /// Notes where to begin after a restart, if that has moved. It is a hint: a failure costs
    /// reading, no more.
    fn save(&mut self, partition: i32) {
        let Some(owned) = self.owned.get(&partition).filter(|owned| owned.is_live) else { return };
        let low_water = self.machine.low_water(partition, owned.next);
        let low_water = low_water.min(self.watch.low_water(partition, owned.next));
        let position = low_water.saturating_sub(self.config.overlap_records.into()).max(0);
        let saved = if position > owned.saved {
            self.positions().save(&owned.partition, &owned.topic_id, position)
        } else {
            Ok(())
        };
        let Some(owned) = self.owned.get_mut(&partition) else { return };
        owned.since_saved = Stopwatch::start();
        match saved {
            Ok(()) => owned.saved = owned.saved.max(position),
            Err(error) => {
                warn!(partition = %owned.partition, %error, "did not note where to begin again");
            }
        }
    }

    fn commit(&mut self) {
        let position =
            |owned: &Owned| Position { partition: owned.partition.clone(), offset: owned.next };
        let positions: Vec<Position> = self.owned.values().map(position).collect();
        if let Err(error) = self.consumer.commit(&positions) {
            warn!(%error, "the lag display of the group stays behind");
        }
    }
}
