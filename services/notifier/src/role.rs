//! The role: one thread that reads and decides, and threads that send.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::{Batch, Decoder, Limits, TopicPartition, column, kind};
use monitor::watchdog::{Observation, Verdict, Watchdog};
use ports::{EventLog, LogError, Polled, Position};
use service::clock::{Stopwatch, now_ms};
use service::config::Checks;
use service::metric_names as names;
use service::metrics::count;
use service::role::Pace;
use service::{Member, Role, RoleError, Shutdown};
use tracing::{debug, error, info, warn};

use crate::alert::{Alert, Step};
use crate::answers::{Answers, Said};
use crate::config::Config;
use crate::contact::Contact;
use crate::credentials::Credentials;
use crate::http::{Answered, Job, Pool};
use crate::ignored::Ignored;
use crate::machine::{Delivery, Machine};
use crate::meters;
use crate::mutes::{Held, Mutes};
use crate::outbox::Outbox;
use crate::outcome::Logged;
use crate::owned::Owned;
use crate::position::Positions;
use crate::secret::Secrets;
use crate::sink::Sink;

/// Name of this service in its events.
const ACTOR: &str = "notifier";
/// Longest wait for records while requests are in flight.
const BUSY_WAIT: Duration = Duration::from_millis(10);

/// Runs the notifier until shutdown; blocks its thread. At shutdown it waits for the requests in flight
/// and writes their outcomes.
///
/// # Errors
///
/// An invalid configuration, a missing secret, an outcome that cannot be built, a permanent failure of
/// the log.
pub fn run(
    config: Config,
    credentials: Credentials,
    log: Arc<dyn EventLog>,
    shutdown: Shutdown,
) -> Result<(), RoleError> {
    let pace = Pace {
        poll_wait: Duration::from_millis(config.poll_wait_ms),
        retry_pause: config.retry_pause(),
    };
    service::role::run(pace, &shutdown, || {
        Notifier::start(config.clone(), credentials.clone(), Arc::clone(&log))
    })
}

/// The notifier, driven step by step by [`run`].
#[derive(Debug)]
pub struct Notifier {
    config: Config,
    log: Arc<dyn EventLog>,
    member: Member,
    decoder: Decoder,
    credentials: Credentials,
    answers: Answers,
    ignored: Ignored,
    mutes: Mutes,
    machine: Machine,
    watchdog: Watchdog,
    /// In the order of the machine's plans.
    sinks: Vec<(Arc<str>, Box<dyn Sink>)>,
    pool: Pool,
    owned: BTreeMap<i32, Owned>,
    outbox: Outbox,
    contact: Contact,
    overflowed: u64,
}

impl Notifier {
    /// Reads the secrets and joins the group.
    ///
    /// # Errors
    ///
    /// An invalid configuration, a missing secret, a state topic with too few partitions, or what
    /// the log reports.
    pub fn start(
        config: Config,
        credentials: Credentials,
        log: Arc<dyn EventLog>,
    ) -> Result<Self, RoleError> {
        let mut checks = Checks::new();
        checks.must(!config.sinks.is_empty(), "sinks", "not be empty");
        RoleError::check_config([config.problems(), checks.into_problems()].concat())?;
        config.topics.check(&*log)?;
        let mut sinks = Vec::new();
        for (name, sink) in &config.sinks {
            let opened = sink.open(&Secrets { sink: name, named: &config.secrets });
            let opened = opened.map_err(|error| RoleError::Start(error.to_string()))?;
            sinks.push((Arc::from(name.as_str()), opened));
        }
        let pool = Pool::start(sinks.len(), config.requests_max, config.request_wait())
            .map_err(|error| RoleError::Start(format!("failed to start a thread: {error}")))?;
        let decoder = Decoder::new(Limits { value_bytes_max: config.value_bytes_max });
        let mut ignored = Ignored::new();
        let answers = Answers::open(
            &*log,
            &config.topics.governance,
            &credentials.trust,
            decoder.clone(),
            config.read_wait(),
            &mut |refusal| ignored.count(&config.topics.governance, refusal),
        )?;
        let member = Member::join(&*log, &*config.group, [config.topics.alerts.clone()])?;
        Ok(Self {
            decoder,
            answers,
            ignored,
            mutes: Mutes::default(),
            credentials: credentials.clone(),
            machine: Machine::new(config.limits(), config.plans()),
            watchdog: Watchdog::new(config.dead_after_ms()),
            outbox: Outbox::new(&config, credentials, log.producer()),
            config,
            log,
            member,
            sinks,
            pool,
            owned: BTreeMap::new(),
            contact: Contact::new(),
            overflowed: 0,
        })
    }

    /// How long to wait for records: at most until something else is due.
    fn patience(&self, wait: Duration) -> Duration {
        let busy = self.machine.in_flight() > 0 || !self.outbox.is_empty();
        let wait = if busy { wait.min(BUSY_WAIT) } else { wait };
        let due = self.machine.poll_timeout().into_iter().chain(self.watchdog.poll_timeout());
        let due = due.chain(self.mutes.poll_timeout()).min();
        // Negative if overdue.
        let due = due.map(|due| u64::try_from(due.saturating_sub(now_ms())).unwrap_or(0));
        due.map_or(wait, |ms| wait.min(Duration::from_millis(ms)))
    }

    fn positions(&self) -> Positions<'_> {
        Positions::new(&*self.log, self.credentials.trust.installation(), &self.config)
    }

    fn assign(&mut self, partition: TopicPartition) -> Result<(), LogError> {
        let owned = Owned::open(&*self.log, self.positions(), partition)?;
        let number = owned.partition.partition;
        self.machine.handle_assigned(number);
        self.watchdog.handle_assigned(number);
        self.member.seek(&owned.partition, owned.next)?;
        self.contact.heard();
        self.owned.insert(number, owned);
        Ok(())
    }

    fn revoke(&mut self, partition: i32) {
        self.machine.handle_revoked(partition);
        self.watchdog.handle_revoked(partition);
        self.mutes.forget(|held| held.partition == partition);
        self.owned.remove(&partition);
    }

    fn handle_batch(&mut self, batch: &Batch) -> Result<(), RoleError> {
        let partition = batch.partition().partition;
        let owned = self.owned.get_mut(&partition);
        let owned = owned.ok_or_else(|| RoleError::unassigned(batch.partition()))?;
        let now = now_ms();
        for record in batch.records() {
            let decoded = self.decoder.decode(&record);
            if let Some(fault) = &decoded.fault {
                self.ignored.unreadable(batch.partition(), record.offset, fault);
            }
            let event = decoded.event;
            let trust = &self.credentials.trust;
            match owned.heard.believe(trust, batch.partition(), &event) {
                Some(Ok(())) => {}
                Some(Err(refusal)) => {
                    self.ignored.count(&batch.partition().topic, refusal);
                    // A death of ours that is not believed was overtaken by heartbeats.
                    if event.text(column::KIND) == Some(kind::MONITOR_DEAD) {
                        self.watchdog.handle_unwritten(partition);
                    }
                    continue;
                }
                None => continue,
            }
            let observation = Observation::from_event(&event, record.offset, record.timestamp_ms);
            if let Some(observation) = observation {
                self.watchdog.handle_observation(partition, observation, now);
            }
            if let Some(alert) = Alert::from_event(&event, record.timestamp_ms) {
                let alert_id = Arc::clone(&alert.alert_id);
                let alert = match alert.step {
                    Step::Firing => self.mutes.fires(partition, record.offset, alert, now),
                    Step::Acknowledged => alert,
                    Step::Resolved => {
                        self.mutes.forget(|held| held.alert.alert_id == alert_id);
                        alert
                    }
                };
                self.machine.handle_alert(partition, record.offset, alert, now);
                for answer in self.answers.to(&alert_id) {
                    self.machine.handle_answered(answer.clone(), now);
                }
            } else if let Some(logged) = Logged::from_event(&event) {
                self.machine.handle_logged(partition, record.offset, &logged, now);
            }
        }
        let Some(next) = batch.next_offset() else { unreachable!("a batch has records") };
        owned.next = next;
        owned.heard.mark(next);
        owned.since_progress = Stopwatch::start();
        metrics::counter!(names::NOTIFIER_RECORDS_READ).increment(count(batch.len()));
        self.report_overflow();
        Ok(())
    }

    /// Takes what people said to alerts since. Returns whether there was anything.
    fn hear_people(&mut self) -> Result<bool, LogError> {
        let topic = &self.config.topics.governance;
        let ignored = &mut self.ignored;
        let trust = &self.credentials.trust;
        let given = self.answers.poll(trust, &mut |refusal| ignored.count(topic, refusal))?;
        let any = !given.is_empty();
        for said in given {
            match said {
                Said::Answer(answer) => {
                    if answer.step == Step::Resolved {
                        self.mutes.forget(|held| held.alert.alert_id == answer.alert_id);
                    }
                    self.machine.handle_answered(*answer, now_ms());
                }
                Said::Mute(mute) => self.mutes.start(mute),
                Said::Unmute(id) => self.mutes.end(&id),
            }
        }
        Ok(any)
    }

    /// Alerts that are no longer muted fire now.
    fn unmute(&mut self) {
        for Held { partition, offset, alert, .. } in self.mutes.poll(now_ms()) {
            self.machine.handle_alert(partition, offset, alert, now_ms());
        }
    }

    fn report_overflow(&mut self) {
        let overflowed = self.machine.overflowed();
        let alerts = overflowed - self.overflowed;
        if alerts > 0 {
            metrics::counter!(names::NOTIFIER_ALERTS_DROPPED).increment(alerts);
            error!(
                alerts,
                alerts_max = self.config.alerts_max,
                "alert limit reached; dropping open alerts; raise `notifier.alerts_max`"
            );
            self.overflowed = overflowed;
        }
    }

    /// Partitions that have been read to the end they had when they were assigned go live.
    fn go_live(&mut self) {
        for (number, owned) in &mut self.owned {
            let is_read = owned.next >= owned.until
                || owned.since_progress.has_passed(self.config.read_wait());
            if !owned.is_live && is_read {
                owned.is_live = true;
                self.machine.handle_caught_up(*number, now_ms());
                self.watchdog.handle_caught_up(*number, now_ms());
                debug!(partition = %owned.partition, "caught up");
            }
        }
    }

    /// Writes to the log that the monitor is dead or has recovered; receivers are notified once that is
    /// read back. Returns whether anything was written.
    fn write_transitions(&mut self) -> Result<bool, RoleError> {
        if self.contact.is_lost() {
            self.watchdog.handle_cut_off(now_ms());
        }
        let mut any = false;
        while self.outbox.may_publish()
            && let Some(transition) = self.watchdog.poll_transition(now_ms())
        {
            let partition = transition.partition;
            let event = transition
                .to_event(ACTOR, now_ms())
                .map_err(|error| RoleError::output(transition.verdict.kind(), &error))?;
            let reason = transition.reason();
            match transition.verdict {
                Verdict::Dead => error!(partition, reason, "monitor is dead"),
                Verdict::Recovered => info!(partition, reason, "monitor has recovered"),
            }
            if !self.outbox.publish_now(partition, event)? {
                self.watchdog.handle_unwritten(partition);
                return Ok(any);
            }
            any = true;
        }
        Ok(any)
    }

    fn take_answers(&mut self, wait: Duration) -> bool {
        let mut any = false;
        while let Some(answered) = self.pool.answer(if any { Duration::ZERO } else { wait }) {
            any = true;
            meters::answered(&self.sink(answered.key.sink).0, &answered);
            let Answered { key, answer, request_digest, .. } = answered;
            self.machine.handle_answer(&key, answer, request_digest, now_ms());
        }
        any
    }

    fn sink(&self, index: usize) -> &(Arc<str>, Box<dyn Sink>) {
        let Some(sink) = self.sinks.get(index) else {
            unreachable!("the machine has a plan for each sink")
        };
        sink
    }

    /// Starts the requests that are due, but none while outcomes wait to be written: a restart would
    /// repeat them.
    fn dispatch(&mut self) {
        while self.outbox.is_empty() {
            let now = now_ms();
            let Some(Delivery { key, task, notice }) = self.machine.poll_delivery(now) else {
                return;
            };
            let request = self.sink(key.sink).1.request(&notice, now);
            let request_digest = request.digest();
            self.pool.send(Job { key, task, request, request_digest });
        }
    }

    /// Writes outcomes to the log. Returns whether any was acknowledged.
    fn publish(&mut self) -> Result<bool, RoleError> {
        while let Some(report) = self.machine.poll_report() {
            let event = report
                .outcome
                .to_event(&report.sink, &report.alert, now_ms())
                .map_err(|error| RoleError::output(report.outcome.kind(), &error))?;
            self.outbox.push(report, event);
        }
        let acknowledged = self.outbox.publish()?;
        for report in &acknowledged {
            meters::reported(report);
            self.machine.handle_reported(report, now_ms());
        }
        Ok(!acknowledged.is_empty())
    }

    /// Periodic work: read positions and gauges.
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
        self.contact.measure(&*self.log, self.owned.values());
        meters::state(&self.machine);
    }

    /// Saves the read position of a live partition, if it has moved. It is a hint: after a failure a
    /// restart only reads more.
    fn save(&mut self, partition: i32) {
        let Some(owned) = self.owned.get_mut(&partition).filter(|owned| owned.is_live) else {
            return;
        };
        let low_water = self.machine.low_water(partition, owned.next);
        let low_water = low_water.min(self.watchdog.low_water(partition, owned.next));
        let position = (low_water - i64::from(self.config.overlap_records)).max(0);
        // Without a saved position a restart reads from the start.
        let has_moved = position > owned.saved.unwrap_or(0);
        let saved = if has_moved {
            let order = owned.heard.order_at(position);
            let (of, topic_id) = (owned.partition.clone(), owned.topic_id.clone());
            self.positions().save(&of, &topic_id, position, &order)
        } else {
            Ok(())
        };
        let Some(owned) = self.owned.get_mut(&partition) else { return };
        owned.since_saved = Stopwatch::start();
        match saved {
            Ok(()) => owned.saved = owned.saved.max(Some(position)),
            Err(error) => {
                warn!(partition = %owned.partition, %error, "failed to save the read position");
            }
        }
    }

    fn commit(&mut self) {
        let position =
            |owned: &Owned| Position { partition: owned.partition.clone(), offset: owned.next };
        let positions: Vec<Position> = self.owned.values().map(position).collect();
        self.member.commit(&positions);
    }
}

impl Role for Notifier {
    type Error = RoleError;

    const NAME: &'static str = "notifier";

    fn standing(&self) -> Result<(), String> {
        self.member.standing()
    }

    fn step(&mut self, wait: Duration) -> Result<bool, RoleError> {
        let mut progress = false;
        // Before alerts, which may be muted.
        match self.hear_people() {
            Ok(any) => progress |= any,
            Err(error @ LogError::Unavailable(_)) => self.outbox.handle_failure(error)?,
            Err(error) => return Err(error.into()),
        }
        match self.member.poll(self.patience(wait)) {
            Ok(Polled::Idle) => {}
            Ok(Polled::Assigned(partitions)) => {
                for partition in partitions {
                    self.assign(partition)?;
                }
            }
            Ok(Polled::Revoked(partitions)) => {
                for partition in partitions {
                    self.revoke(partition.partition);
                }
            }
            Ok(Polled::Batch(batch)) => {
                self.handle_batch(&batch)?;
                progress = true;
            }
            Err(error @ LogError::Unavailable(_)) => {
                self.outbox.handle_failure(error)?;
                std::thread::sleep(self.config.retry_pause());
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        progress |= self.take_answers(Duration::ZERO);
        self.unmute();
        self.go_live();
        progress |= self.write_transitions()?;
        progress |= self.publish()?;
        self.dispatch();
        self.keep_up();
        Ok(progress)
    }

    /// Waits for the requests in flight and writes their outcomes. The next owner repeats what fails.
    fn finish(mut self) -> Result<(), RoleError> {
        let limit = Duration::from_millis(self.config.drain_ms_max);
        let watch = Stopwatch::start();
        while self.machine.in_flight() > 0 && !watch.has_passed(limit) {
            self.take_answers(BUSY_WAIT);
        }
        if self.machine.in_flight() > 0 {
            warn!(
                requests = self.machine.in_flight(),
                "drain timeout reached; stopped with requests in flight"
            );
        }
        loop {
            match self.publish() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    warn!(%error, "failed to write outcomes at shutdown");
                    break;
                }
            }
        }
        if !self.outbox.is_empty() {
            warn!(outcomes = self.outbox.len(), "stopped with unwritten outcomes");
        }
        let partitions: Vec<i32> = self.owned.keys().copied().collect();
        for partition in partitions {
            self.save(partition);
        }
        self.commit();
        Ok(())
    }
}
