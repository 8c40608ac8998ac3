//! Which notification goes to which sink, and when: a state machine for each sink and alert.
//!
//! ```text
//!           due, sink free        accepted, refused, budget spent         in the log
//! queued ----------------> in flight -----------------------> reporting ----------> next step
//!   ^                         | busy
//!   +-------------------------+
//! ```
//!
//! Time is an argument; nothing here reads a clock, a socket or a random number. As in the other
//! machines, `handle_*` takes an input and `poll_*` returns what to do next.
//!
//! # Invariants
//!
//! - For a sink and an alert at most one request is in flight, and steps are sent in order.
//! - A step is decided once: after its outcome is in the log, it is not sent again. Nothing is sent for
//!   a partition until it is caught up.
//! - An alert that fires under a suppression has one outcome that records this, and is sent when it
//!   fires without one.
//! - A retried request has the same content, whatever has been read since.
//! - At most `alerts_max` alerts are held, each of bounded size.

mod backoff;
mod episode;
mod message;
mod plan;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use self::backoff::wait_ms;
use self::episode::{Closed, Episode, State, Suppression, Track};
pub(crate) use self::message::{Answer, Delivery, Key, Notice, Report, Task};
pub(crate) use self::plan::{DeliveryLimits, SinkPlan};
use self::queue::SinkQueue;
use crate::alert::{Alert, Step};
use crate::outcome::{Logged, Outcome, Reason, Verdict};

#[derive(Debug, Default)]
struct Partition {
    is_live: bool,
    episodes: HashMap<Arc<str>, Episode>,
    closed: Closed,
}

/// The machine for all partitions assigned to this process.
#[derive(Debug)]
pub(crate) struct Machine {
    limits: DeliveryLimits,
    sinks: Vec<SinkQueue>,
    partitions: BTreeMap<i32, Partition>,
    reports: VecDeque<Report>,
    serial: u64,
    /// The sink that is polled first next time.
    turn: usize,
    overflowed: u64,
}

impl Machine {
    pub(crate) fn new(limits: DeliveryLimits, plans: Vec<SinkPlan>) -> Self {
        Self {
            limits,
            sinks: plans.into_iter().map(SinkQueue::new).collect(),
            partitions: BTreeMap::new(),
            reports: VecDeque::new(),
            serial: 0,
            turn: 0,
            overflowed: 0,
        }
    }

    /// Episodes held.
    pub(crate) fn episodes(&self) -> usize {
        self.partitions.values().map(|partition| partition.episodes.len()).sum()
    }

    /// Alerts dropped because the limit was reached while the log was read at the start.
    pub(crate) const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// For each sink, its name and the steps that are queued or in flight.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.sinks.iter().map(|sink| (&sink.plan.name, sink.waiting()))
    }

    /// Requests in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.sinks.iter().map(|sink| sink.in_flight).sum()
    }

    /// The first offset of a partition that a restart must read to restore this state; `next` if no
    /// alert is open.
    pub(crate) fn low_water(&self, partition: i32, next: i64) -> i64 {
        let episodes =
            self.partitions.get(&partition).into_iter().flat_map(|p| p.episodes.values());
        episodes.map(|episode| episode.offset).fold(next, i64::min)
    }

    /// When something is due, if there is no input before.
    pub(crate) fn poll_timeout(&self) -> Option<i64> {
        let due = |sink: &SinkQueue| {
            let steps = sink.steps.keys().next();
            let first = steps.into_iter().chain(sink.refreshes.keys().next()).map(|slot| slot.0);
            Some(first.min()?.max(sink.paused_until))
        };
        let free = self.sinks.iter().filter(|sink| sink.in_flight < sink.plan.requests_max);
        free.filter_map(due).min()
    }

    /// A partition was assigned. Nothing is sent for it before [`Machine::handle_caught_up`].
    pub(crate) fn handle_assigned(&mut self, partition: i32) {
        self.handle_revoked(partition);
        self.partitions.insert(partition, Partition::default());
    }

    /// A partition was revoked. The response to a request in flight is ignored; the next owner repeats
    /// the request.
    pub(crate) fn handle_revoked(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        for sink in &mut self.sinks {
            sink.steps.retain(|_, key| key.partition != partition);
            sink.refreshes.retain(|_, key| key.partition != partition);
        }
        self.reports.retain(|report| report.key.partition != partition);
    }

    /// All records that the partition held when it was assigned have been handled.
    pub(crate) fn handle_caught_up(&mut self, partition: i32, now: i64) {
        let Some(found) = self.partitions.get_mut(&partition) else { return };
        if std::mem::replace(&mut found.is_live, true) {
            return;
        }
        // In the order of the log, oldest first.
        let mut keys: Vec<(i64, Key)> = Vec::new();
        for (alert_id, episode) in &found.episodes {
            let key = |sink| Key { partition, alert_id: Arc::clone(alert_id), sink };
            keys.extend(episode.tracks.keys().map(|sink| (episode.offset, key(*sink))));
        }
        keys.sort_by_key(|(offset, key)| (*offset, key.sink));
        for (_, key) in keys {
            self.advance(&key, now);
        }
    }

    /// A step of an alert was read.
    pub(crate) fn handle_alert(&mut self, partition: i32, offset: i64, alert: Alert, now: i64) {
        match alert.step {
            Step::Firing => self.fire(partition, offset, alert, now),
            Step::Acknowledged | Step::Resolved => self.follow(partition, alert, now),
        }
    }

    /// A person acknowledged or dismissed an alert, which may be in any partition.
    pub(crate) fn handle_answered(&mut self, answer: Alert, now: i64) {
        let has = |found: &Partition| found.episodes.contains_key(&answer.alert_id);
        let found = self.partitions.iter().find(|(_, found)| has(found));
        if let Some((partition, _)) = found {
            self.follow(*partition, answer, now);
        }
    }

    fn fire(&mut self, partition: i32, offset: i64, alert: Alert, now: i64) {
        let full = self.episodes() >= self.limits.alerts_max;
        let found = assigned(&mut self.partitions, partition);
        let sinks = self.sinks.iter().enumerate().filter(|(_, sink)| sink.plan.takes(&alert));
        let matching: Vec<usize> = sinks.map(|(index, _)| index).collect();
        if matching.is_empty() || found.closed.contains(&alert.alert_id) {
            return;
        }
        let alert = Arc::new(alert);
        let key = |sink| Key { partition, alert_id: Arc::clone(&alert.alert_id), sink };
        if full && !found.episodes.contains_key(&alert.alert_id) {
            if found.is_live && alert.suppressed_by.is_none() {
                found.closed.insert(Arc::clone(&alert.alert_id));
                for sink in matching {
                    self.report(&key(sink), &alert, Outcome::unsent(Reason::Overflow));
                }
            } else {
                self.overflowed += 1;
            }
            return;
        }
        let is_live = found.is_live;
        let episode = found
            .episodes
            .entry(Arc::clone(&alert.alert_id))
            .or_insert_with(|| Episode::new(offset));
        if episode.resolved.is_some() {
            return;
        }
        let mut overflow = Vec::new();
        for index in &matching {
            let track = episode.tracks.entry(*index).or_insert_with(Track::new);
            if alert.suppressed_by.is_some() {
                track.suppress(&alert);
                continue;
            }
            if track.fired.is_some() {
                continue;
            }
            track.fired = Some(Arc::clone(&alert));
            let waiting = queue_of(&self.sinks, *index).waiting();
            let is_new = track.state == State::Idle && !track.is_done(Step::Firing);
            if is_live && is_new && waiting >= self.limits.queue_max {
                track.state = State::Reporting { step: Step::Firing };
                overflow.push(*index);
            }
        }
        for index in overflow {
            self.report(&key(index), &alert, Outcome::unsent(Reason::Overflow));
        }
        for index in matching {
            self.advance(&key(index), now);
        }
    }

    fn follow(&mut self, partition: i32, alert: Alert, now: i64) {
        let found = assigned(&mut self.partitions, partition);
        let Some(episode) = found.episodes.get_mut(&alert.alert_id) else { return };
        if episode.resolved.is_some() {
            return;
        }
        let alert = Arc::new(alert);
        let slot = match alert.step {
            Step::Firing => unreachable!("a firing alert does not follow one"),
            Step::Acknowledged => &mut episode.acknowledged,
            Step::Resolved => &mut episode.resolved,
        };
        if slot.is_none() {
            *slot = Some(Arc::clone(&alert));
        }
        let sinks: Vec<usize> = episode.tracks.keys().copied().collect();
        for sink in sinks {
            self.advance(&Key { partition, alert_id: Arc::clone(&alert.alert_id), sink }, now);
        }
    }

    /// An outcome was read: of an earlier process, of another one, or of this one.
    pub(crate) fn handle_logged(&mut self, partition: i32, offset: i64, logged: &Logged, now: i64) {
        let has_room = self.episodes() < self.limits.alerts_max;
        let Some(sink) = self.sinks.iter().position(|sink| *sink.plan.name == *logged.sink) else {
            // Of a sink that is no longer configured.
            return;
        };
        let found = assigned(&mut self.partitions, partition);
        if found.closed.contains(&logged.alert_id) {
            return;
        }
        if !found.episodes.contains_key(&logged.alert_id) {
            // The event of the alert can only be missing while the log is read at the start.
            if found.is_live || !has_room {
                return;
            }
            found.episodes.insert(Arc::clone(&logged.alert_id), Episode::new(offset));
        }
        let Some(episode) = found.episodes.get_mut(&logged.alert_id) else { return };
        episode.tracks.entry(sink).or_insert_with(Track::new);
        let key = Key { partition, alert_id: Arc::clone(&logged.alert_id), sink };
        self.settle(&key, logged.step, logged.verdict, Some(now), now);
    }

    /// The outcome of a step is in the log.
    fn settle(
        &mut self,
        key: &Key,
        step: Step,
        verdict: Verdict,
        refresh_due: Option<i64>,
        now: i64,
    ) {
        let found = self.partitions.get_mut(&key.partition);
        let Some(episode) = found.and_then(|p| p.episodes.get_mut(&key.alert_id)) else { return };
        let Some(track) = episode.tracks.get_mut(&key.sink) else { return };
        if verdict == Verdict::Suppressed {
            track.suppression = Suppression::Written;
            return self.advance(key, now);
        }
        if track.is_done(step) {
            return;
        }
        track.settle(step, verdict, refresh_due);
        if let State::Queued { slot, task, .. } = track.state
            && task == Task::Notify(step)
        {
            track.state = State::Idle;
            queue_of_mut(&mut self.sinks, key.sink).steps.remove(&slot);
        }
        self.advance(key, now);
    }

    /// The next request, if one is due and its sink is free. The caller must hand in its answer, even if
    /// the partition is revoked meanwhile.
    pub(crate) fn poll_delivery(&mut self, now: i64) -> Option<Delivery> {
        let count = self.sinks.len();
        for number in 0..count {
            let index = (self.turn + number) % count;
            while let Some(key) = self.sinks.get_mut(index).and_then(|sink| sink.take_due(now)) {
                if let Some(delivery) = self.begin(&key, now) {
                    self.turn = (index + 1) % count;
                    return Some(delivery);
                }
            }
        }
        None
    }

    /// Turns a queued task into a request, or into a dead letter if it is too late.
    fn begin(&mut self, key: &Key, now: i64) -> Option<Delivery> {
        let found = self.partitions.get_mut(&key.partition);
        let Some(episode) = found.and_then(|found| found.episodes.get_mut(&key.alert_id)) else {
            unreachable!("an alert with something queued is held")
        };
        let is_over = episode.resolved.is_some();
        let Some((track, task, attempts, notice)) = episode.queued(key.sink) else {
            unreachable!("what is queued has an event to send")
        };
        // The broker's timestamp may be any number.
        let age_ms = now.saturating_sub(notice.opened.logged_ms);
        if task == Task::Notify(Step::Firing) && is_over && age_ms > self.limits.age_ms_max {
            track.state = State::Reporting { step: Step::Firing };
            let outcome = Outcome { attempts, ..Outcome::unsent(Reason::Expired) };
            self.report(key, &notice.current, outcome);
            return None;
        }
        track.state = State::InFlight { task, attempts };
        queue_of_mut(&mut self.sinks, key.sink).in_flight += 1;
        Some(Delivery { key: key.clone(), task, notice })
    }

    /// A request has ended. `request_digest` is that of the body that was sent.
    pub(crate) fn handle_answer(
        &mut self,
        key: &Key,
        answer: Answer,
        request_digest: String,
        now: i64,
    ) {
        let sink = queue_of_mut(&mut self.sinks, key.sink);
        assert!(sink.in_flight > 0, "an answer without a request");
        sink.in_flight -= 1;
        let pause_ms = match &answer {
            Answer::Accepted { .. } | Answer::Refused { .. } => None,
            Answer::Busy { retry_after_ms, .. } => *retry_after_ms,
        };
        let pause_ms = pause_ms.map(|ms| ms.clamp(0, self.limits.retry_after_ms_max));
        if let Some(pause_ms) = pause_ms {
            sink.paused_until = sink.paused_until.max(now + pause_ms);
        }
        let refresh_due = sink.plan.refresh_ms.map(|ms| now + ms);
        let found = self.partitions.get_mut(&key.partition);
        let Some(episode) = found.and_then(|p| p.episodes.get_mut(&key.alert_id)) else { return };
        let Some(track) = episode.tracks.get_mut(&key.sink) else { return };
        let State::InFlight { task, attempts } = track.state else { return };
        track.state = State::Idle;
        let Task::Notify(step) = task else {
            track.refresh_due = refresh_due;
            return self.advance(key, now);
        };
        if track.is_done(step) {
            // Another process has sent it and recorded the outcome meanwhile.
            return self.advance(key, now);
        }
        let attempts = attempts + 1;
        let (verdict, status_code, detail) = match answer {
            Answer::Accepted { status } => (Verdict::Delivered, Some(status), None),
            Answer::Refused { status, detail } => {
                (Verdict::Failed(Reason::Refused), Some(status), Some(detail))
            }
            Answer::Busy { status, detail, .. } if attempts >= self.limits.attempts_max => {
                (Verdict::Failed(Reason::Exhausted), status, Some(detail))
            }
            Answer::Busy { .. } => {
                let wait = wait_ms(&self.limits, attempts, &key.alert_id, key.sink);
                let due = now + pause_ms.map_or(wait, |pause_ms| wait.max(pause_ms));
                return self.enqueue(key, task, attempts, due);
            }
        };
        track.state = State::Reporting { step };
        let alert = episode.tracks.get(&key.sink).and_then(|track| episode.facts(track, step));
        let Some(alert) = alert else { unreachable!("a step that was sent has its event") };
        let detail = detail.filter(|detail| !detail.is_empty());
        let request_digest = Some(request_digest);
        let outcome = Outcome { verdict, attempts, status_code, request_digest, detail };
        self.report(key, &alert, outcome);
    }

    /// The next outcome to write to the log; returned once.
    pub(crate) fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// The log has acknowledged an outcome.
    pub(crate) fn handle_reported(&mut self, report: &Report, now: i64) {
        let Report { key, alert, outcome, .. } = report;
        let found = self.partitions.get_mut(&key.partition);
        let episode = found.and_then(|p| p.episodes.get_mut(&key.alert_id));
        let track = episode.and_then(|episode| episode.tracks.get_mut(&key.sink));
        let is_step = outcome.verdict != Verdict::Suppressed;
        let reporting = State::Reporting { step: alert.step };
        if let Some(track) = track.filter(|track| is_step && track.state == reporting) {
            track.state = State::Idle;
        }
        let refresh_ms = queue_of(&self.sinks, key.sink).plan.refresh_ms;
        let refresh_due = refresh_ms.map(|ms| now + ms);
        self.settle(key, alert.step, outcome.verdict, refresh_due, now);
        // If the outcome was read before, it is settled, but the next task is not queued yet.
        self.advance(key, now);
    }

    fn report(&mut self, key: &Key, alert: &Arc<Alert>, outcome: Outcome) {
        let sink = Arc::clone(&queue_of(&self.sinks, key.sink).plan.name);
        let (key, alert) = (key.clone(), Arc::clone(alert));
        self.reports.push_back(Report { key, sink, alert, outcome });
    }

    /// Reports, once, that a sink is not notified because the alert fired under a suppression.
    fn report_suppressed(&mut self, key: &Key) {
        let found = self.partitions.get_mut(&key.partition).filter(|found| found.is_live);
        let episode = found.and_then(|found| found.episodes.get_mut(&key.alert_id));
        let track = episode.and_then(|episode| episode.tracks.get_mut(&key.sink));
        if let Some(alert) = track.and_then(Track::take_suppressed) {
            self.report(key, &alert, Outcome::suppressed());
        }
    }

    /// Queues the next task of an alert for a sink; drops the alert once it is complete.
    fn advance(&mut self, key: &Key, now: i64) {
        self.report_suppressed(key);
        let Some(found) = self.partitions.get_mut(&key.partition) else { return };
        let Some(episode) = found.episodes.get(&key.alert_id) else { return };
        if episode.is_complete() {
            found.episodes.remove(&key.alert_id);
            found.closed.insert(Arc::clone(&key.alert_id));
            return;
        }
        let Some(track) = episode.tracks.get(&key.sink).filter(|_| found.is_live) else { return };
        let refreshes = queue_of(&self.sinks, key.sink).plan.refresh_ms.is_some();
        let next = episode.next_task(track, refreshes);
        match track.state {
            State::Idle => {}
            // A new step takes precedence over a refresh.
            State::Queued { slot, task: Task::Refresh, .. } => {
                queue_of_mut(&mut self.sinks, key.sink).refreshes.remove(&slot);
            }
            State::Queued { .. } | State::InFlight { .. } | State::Reporting { .. } => return,
        }
        match next {
            Some((task, due)) => self.enqueue(key, task, 0, due.unwrap_or(now)),
            None => self.set_state(key, State::Idle),
        }
    }

    fn enqueue(&mut self, key: &Key, task: Task, attempts: u32, due: i64) {
        let slot = (due, self.serial);
        self.serial += 1;
        queue_of_mut(&mut self.sinks, key.sink).queue(task).insert(slot, key.clone());
        self.set_state(key, State::Queued { slot, task, attempts });
    }

    fn set_state(&mut self, key: &Key, state: State) {
        let found = self.partitions.get_mut(&key.partition);
        let episode = found.and_then(|p| p.episodes.get_mut(&key.alert_id));
        let Some(track) = episode.and_then(|episode| episode.tracks.get_mut(&key.sink)) else {
            unreachable!("the state of an alert that is held changes")
        };
        track.state = state;
    }
}

fn assigned(partitions: &mut BTreeMap<i32, Partition>, number: i32) -> &mut Partition {
    let Some(partition) = partitions.get_mut(&number) else {
        unreachable!("records are of assigned partitions")
    };
    partition
}

fn queue_of(sinks: &[SinkQueue], sink: usize) -> &SinkQueue {
    let Some(queue) = sinks.get(sink) else { unreachable!("a key names one of the plans") };
    queue
}

fn queue_of_mut(sinks: &mut [SinkQueue], sink: usize) -> &mut SinkQueue {
    let Some(queue) = sinks.get_mut(sink) else { unreachable!("a key names one of the plans") };
    queue
}
