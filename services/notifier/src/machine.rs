//! What to tell whom, when: one state machine for each sink and alert episode.
//!
//! ```text
//!           due, sink free        accepted, refused, budget spent         in the log
//! queued ----------------> in flight -----------------------> reporting ----------> next step
//!   ^                         | busy
//!   +-------------------------+
//! ```
//!
//! Time is passed in; nothing here reads a clock, a socket or a random number. The grammar is that
//! of the other machines: `handle_*` takes what happened, `poll_*` gives what to do next.
//!
//! # Invariants
//!
//! - For a sink and an episode at most one request is under way, and steps go in their order.
//! - A step is decided once: when its outcome is in the log, it is not told again. Until a
//!   partition is caught up, nothing of it is told.
//! - An alert that fires under a suppression has one outcome that says so, and is told when it fires
//!   without one.
//! - A request that is repeated says the same, whatever was learned since.
//! - Held are at most `episodes_max` episodes, each of bounded size.

mod backoff;
mod episode;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use self::backoff::wait_ms;
use self::episode::{Closed, Episode, Hush, Slot, State, Track};
pub(crate) use self::plan::{Policy, SinkPlan};
use crate::alert::{Alert, Step};
use crate::outcome::{Logged, Outcome, Reason, Verdict};

/// Which sink and episode.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) partition: i32,
    pub(crate) alert_id: Arc<str>,
    /// Number of the sink in the order of the plans.
    pub(crate) sink: usize,
}

/// Why a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// To tell a step; its outcome goes to the log.
    Tell(Step),
    /// To keep a receiver from forgetting; it has no outcome, the next one comes all the same.
    Refresh,
}

/// What a sink is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Notice {
    /// The event by which the alert fired for this sink; that of the step if the log has lost it.
    pub(crate) opened: Arc<Alert>,
    /// The event by which a person took it, if that is told or was told before.
    pub(crate) acknowledged: Option<Arc<Alert>>,
    /// The event of this step.
    pub(crate) current: Arc<Alert>,
}

/// A request to make.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) key: Key,
    pub(crate) task: Task,
    pub(crate) notice: Notice,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The receiver has taken it.
    Accepted { status: u16 },
    /// The receiver will never take it.
    Refused { status: u16, detail: String },
    /// It may be taken later; without a status there was no answer.
    Busy { status: Option<u16>, retry_after_ms: Option<i64>, detail: String },
}

/// An outcome to write into the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) key: Key,
    pub(crate) sink: Arc<str>,
    /// The event that asked for the step.
    pub(crate) alert: Arc<Alert>,
    pub(crate) outcome: Outcome,
}

/// A sink and what waits for it.
#[derive(Debug)]
struct Sink {
    plan: SinkPlan,
    steps: BTreeMap<Slot, Key>,
    refreshes: BTreeMap<Slot, Key>,
    in_flight: usize,
    /// The receiver asked for a pause.
    paused_until: i64,
}

impl Sink {
    fn queue(&mut self, task: Task) -> &mut BTreeMap<Slot, Key> {
        match task {
            Task::Tell(_) => &mut self.steps,
            Task::Refresh => &mut self.refreshes,
        }
    }

    fn is_free(&self, now: i64) -> bool {
        self.in_flight < self.plan.requests_max && self.paused_until <= now
    }

    /// What is due, steps first.
    fn take_due(&mut self, now: i64) -> Option<Key> {
        if !self.is_free(now) {
            return None;
        }
        for queue in [&mut self.steps, &mut self.refreshes] {
            if let Some(first) = queue.first_entry().filter(|entry| entry.key().0 <= now) {
                return Some(first.remove());
            }
        }
        None
    }
}

#[derive(Debug, Default)]
struct Partition {
    is_live: bool,
    episodes: HashMap<Arc<str>, Episode>,
    closed: Closed,
}

/// The machine of all partitions that this process reads.
#[derive(Debug)]
pub(crate) struct Machine {
    policy: Policy,
    sinks: Vec<Sink>,
    partitions: BTreeMap<i32, Partition>,
    reports: VecDeque<Report>,
    serial: u64,
    /// The sink that is asked first next time.
    turn: usize,
    forgotten: u64,
}

impl Machine {
    pub(crate) fn new(policy: Policy, plans: Vec<SinkPlan>) -> Self {
        let sink = |plan| Sink {
            plan,
            steps: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            in_flight: 0,
            paused_until: i64::MIN,
        };
        Self {
            policy,
            sinks: plans.into_iter().map(sink).collect(),
            partitions: BTreeMap::new(),
            reports: VecDeque::new(),
            serial: 0,
            turn: 0,
            forgotten: 0,
        }
    }

    /// Episodes held.
    pub(crate) fn episodes(&self) -> usize {
        self.partitions.values().map(|partition| partition.episodes.len()).sum()
    }

    /// Alerts that were not taken in because the bound was reached while the log was read at the
    /// start.
    pub(crate) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// For each sink, its name and the steps that wait for it or are under way.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.sinks.iter().map(|sink| (&sink.plan.name, sink.steps.len() + sink.in_flight))
    }

    /// Requests under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.sinks.iter().map(|sink| sink.in_flight).sum()
    }

    /// The first offset of a partition that is needed to know all of this again; `next` if nothing
    /// is open.
    pub(crate) fn low_water(&self, partition: i32, next: i64) -> i64 {
        let episodes =
            self.partitions.get(&partition).into_iter().flat_map(|p| p.episodes.values());
        episodes.map(|episode| episode.offset).min().unwrap_or(next).min(next)
    }

    /// When there may be something to do, if nothing happens before.
    pub(crate) fn poll_timeout(&self) -> Option<i64> {
        let due = |sink: &Sink| {
            let steps = sink.steps.keys().next();
            let first = steps.into_iter().chain(sink.refreshes.keys().next()).map(|slot| slot.0);
            Some(first.min()?.max(sink.paused_until))
        };
        let free = self.sinks.iter().filter(|sink| sink.in_flight < sink.plan.requests_max);
        free.filter_map(due).min()
    }

    /// A partition is ours; its log is read up to the present before anything of it is told.
    pub(crate) fn handle_assigned(&mut self, partition: i32) {
        self.handle_revoked(partition);
        self.partitions.insert(partition, Partition::default());
    }

    /// A partition is not ours any more. An answer under way is let go; the next owner asks again.
    pub(crate) fn handle_revoked(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        for sink in &mut self.sinks {
            sink.steps.retain(|_, key| key.partition != partition);
            sink.refreshes.retain(|_, key| key.partition != partition);
        }
        self.reports.retain(|report| report.key.partition != partition);
    }

    /// Everything that the log held at the assignment was handled.
    pub(crate) fn handle_caught_up(&mut self, partition: i32, now: i64) {
        let Some(found) = self.partitions.get_mut(&partition) else { return };
        if std::mem::replace(&mut found.is_live, true) {
            return;
        }
        // In the order of the log, so that what waits longest goes first.
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

    /// The log tells a step of an alert.
    pub(crate) fn handle_alert(&mut self, partition: i32, offset: i64, alert: Alert, now: i64) {
        match alert.step {
            Step::Firing => self.fire(partition, offset, alert, now),
            Step::Acknowledged | Step::Resolved => self.follow(partition, alert, now),
        }
    }

    fn fire(&mut self, partition: i32, offset: i64, alert: Alert, now: i64) {
        let full = self.episodes() >= self.policy.episodes_max;
        let Some(found) = self.partitions.get_mut(&partition) else { return };
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
                self.forgotten = self.forgotten.saturating_add(1);
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
                track.hush(&alert);
                continue;
            }
            if track.fired.is_some() {
                continue;
            }
            track.fired = Some(Arc::clone(&alert));
            let waiting = self.sinks.get(*index).map_or(0, |s| s.steps.len() + s.in_flight);
            let is_new = track.state == State::Idle && !track.is_done(Step::Firing);
            if is_live && is_new && waiting >= self.policy.queue_max {
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
        let found = self.partitions.get_mut(&partition);
        let Some(episode) = found.and_then(|p| p.episodes.get_mut(&alert.alert_id)) else {
            return;
        };
        if episode.resolved.is_some() {
            return;
        }
        let alert = Arc::new(alert);
        let slot = match alert.step {
            Step::Firing => return,
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

    /// The log tells an outcome: of an earlier life of this process, of another one, or our own.
    pub(crate) fn handle_logged(&mut self, partition: i32, offset: i64, logged: &Logged, now: i64) {
        let has_room = self.episodes() < self.policy.episodes_max;
        let Some(sink) = self.sinks.iter().position(|sink| *sink.plan.name == *logged.sink) else {
            return;
        };
        let Some(found) = self.partitions.get_mut(&partition) else { return };
        if found.closed.contains(&logged.alert_id) {
            return;
        }
        if !found.episodes.contains_key(&logged.alert_id) {
            // Only while the log is read at the start can the event of the alert be missing.
            if found.is_live || !has_room {
                return;
            }
            found.episodes.insert(Arc::clone(&logged.alert_id), Episode::new(offset));
        }
        let Some(episode) = found.episodes.get_mut(&logged.alert_id) else { return };
        episode.tracks.entry(sink).or_insert_with(Track::new);
        let key = Key { partition, alert_id: Arc::clone(&logged.alert_id), sink };
        self.settle(&key, logged.step, logged.verdict, now, now);
    }

    /// The outcome of a step is in the log.
    fn settle(&mut self, key: &Key, step: Step, verdict: Verdict, refresh_due: i64, now: i64) {
        let found = self.partitions.get_mut(&key.partition);
        let Some(episode) = found.and_then(|p| p.episodes.get_mut(&key.alert_id)) else { return };
        let Some(track) = episode.tracks.get_mut(&key.sink) else { return };
        if verdict == Verdict::Suppressed {
            track.hush = Hush::Noted;
            return self.advance(key, now);
        }
        if track.is_done(step) {
            return;
        }
        track.settle(step, verdict, refresh_due);
        if let State::Queued { slot, task, .. } = track.state
            && task == Task::Tell(step)
        {
            track.state = State::Idle;
            if let Some(sink) = self.sinks.get_mut(key.sink) {
                sink.steps.remove(&slot);
            }
        }
        self.advance(key, now);
    }

    /// The next request, if one is due and its sink is free. Its answer is to be handed in,
    /// whatever happens to the partition.
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

    /// Turns what was queued into a request, or into a dead letter if it came too late.
    fn begin(&mut self, key: &Key, now: i64) -> Option<Delivery> {
        let found = self.partitions.get_mut(&key.partition)?;
        let episode = found.episodes.get_mut(&key.alert_id)?;
        let track = episode.tracks.get(&key.sink)?;
        let State::Queued { task, attempts, .. } = track.state else { return None };
        let notice = episode.notice(track, task)?;
        let is_over = episode.resolved.is_some();
        let age_ms = now.saturating_sub(notice.opened.logged_ms);
        let track = episode.tracks.get_mut(&key.sink)?;
        if task == Task::Tell(Step::Firing) && is_over && age_ms > self.policy.age_ms_max {
            track.state = State::Reporting { step: Step::Firing };
            let outcome = Outcome { attempts, ..Outcome::unsent(Reason::Expired) };
            self.report(key, &notice.current, outcome);
            return None;
        }
        track.state = State::InFlight { task, attempts };
        let sink = self.sinks.get_mut(key.sink)?;
        sink.in_flight += 1;
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
        let Some(sink) = self.sinks.get_mut(key.sink) else { return };
        sink.in_flight = sink.in_flight.saturating_sub(1);
        let pause_ms = match &answer {
            Answer::Accepted { .. } | Answer::Refused { .. } => None,
            Answer::Busy { retry_after_ms, .. } => *retry_after_ms,
        };
        let pause_ms = pause_ms.map(|ms| ms.clamp(0, self.policy.retry_after_ms_max));
        if let Some(pause_ms) = pause_ms {
            sink.paused_until = sink.paused_until.max(now.saturating_add(pause_ms));
        }
        let refresh_ms = sink.plan.refresh_ms.unwrap_or_default();
        let found = self.partitions.get_mut(&key.partition);
        let Some(episode) = found.and_then(|p| p.episodes.get_mut(&key.alert_id)) else { return };
        let Some(track) = episode.tracks.get_mut(&key.sink) else { return };
        let State::InFlight { task, attempts } = track.state else { return };
        track.state = State::Idle;
        let Task::Tell(step) = task else {
            track.refresh_due = Some(now.saturating_add(refresh_ms));
            return self.advance(key, now);
        };
        if track.is_done(step) {
            // Somebody else told it meanwhile and wrote it down first.
            return self.advance(key, now);
        }
        let attempts = attempts.saturating_add(1);
        let (verdict, status_code, detail) = match answer {
            Answer::Accepted { status } => (Verdict::Delivered, Some(status), None),
            Answer::Refused { status, detail } => {
                (Verdict::Failed(Reason::Refused), Some(status), Some(detail))
            }
            Answer::Busy { status, detail, .. } if attempts >= self.policy.attempts_max => {
                (Verdict::Failed(Reason::Exhausted), status, Some(detail))
            }
            Answer::Busy { .. } => {
                let wait = wait_ms(&self.policy, attempts, &key.alert_id, key.sink);
                let due = now.saturating_add(wait.max(pause_ms.unwrap_or_default()));
                return self.enqueue(key, task, attempts, due);
            }
        };
        track.state = State::Reporting { step };
        let Some(track) = episode.tracks.get(&key.sink) else { return };
        let Some(alert) = episode.facts(track, step) else { return };
        let detail = detail.filter(|detail| !detail.is_empty());
        let request_digest = Some(request_digest);
        let outcome = Outcome { verdict, attempts, status_code, request_digest, detail };
        self.report(key, &alert, outcome);
    }

    /// The next outcome to write into the log, once.
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
        let refresh_ms = self.sinks.get(key.sink).and_then(|sink| sink.plan.refresh_ms);
        let refresh_due = now.saturating_add(refresh_ms.unwrap_or_default());
        self.settle(key, alert.step, outcome.verdict, refresh_due, now);
        // If the log told it first, there is nothing to settle, but more to do.
        self.advance(key, now);
    }

    fn report(&mut self, key: &Key, alert: &Arc<Alert>, outcome: Outcome) {
        let Some(sink) = self.sinks.get(key.sink) else { return };
        let (key, sink, alert) = (key.clone(), Arc::clone(&sink.plan.name), Arc::clone(alert));
        self.reports.push_back(Report { key, sink, alert, outcome });
    }

    /// Says once that a sink is not told, if the alert fired under a suppression.
    fn report_hushed(&mut self, key: &Key) {
        let found = self.partitions.get_mut(&key.partition).filter(|found| found.is_live);
        let episode = found.and_then(|found| found.episodes.get_mut(&key.alert_id));
        let track = episode.and_then(|episode| episode.tracks.get_mut(&key.sink));
        if let Some(alert) = track.and_then(Track::take_hush) {
            self.report(key, &alert, Outcome::suppressed());
        }
    }

    /// Queues what is to be done next for a sink and an episode, or lets the episode go.
    fn advance(&mut self, key: &Key, now: i64) {
        self.report_hushed(key);
        let Some(found) = self.partitions.get_mut(&key.partition) else { return };
        let Some(episode) = found.episodes.get(&key.alert_id) else { return };
        if episode.is_complete() {
            found.episodes.remove(&key.alert_id);
            found.closed.insert(Arc::clone(&key.alert_id));
            return;
        }
        let Some(track) = episode.tracks.get(&key.sink).filter(|_| found.is_live) else { return };
        let refreshes = self.sinks.get(key.sink).is_some_and(|s| s.plan.refresh_ms.is_some());
        let next = episode.next_task(track, refreshes);
        match track.state {
            State::Idle => {}
            // A step that comes meanwhile goes first.
            State::Queued { slot, task: Task::Refresh, .. } => {
                if let Some(sink) = self.sinks.get_mut(key.sink) {
                    sink.refreshes.remove(&slot);
                }
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
        self.serial = self.serial.wrapping_add(1);
        if let Some(sink) = self.sinks.get_mut(key.sink) {
            sink.queue(task).insert(slot, key.clone());
        }
        self.set_state(key, State::Queued { slot, task, attempts });
    }

    fn set_state(&mut self, key: &Key, state: State) {
        let found = self.partitions.get_mut(&key.partition);
        let episode = found.and_then(|p| p.episodes.get_mut(&key.alert_id));
        if let Some(track) = episode.and_then(|episode| episode.tracks.get_mut(&key.sink)) {
            track.state = state;
        }
    }
}
