//! One alert from its first firing to its end, and for each sink what was delivered.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use super::message::{Notice, Task};
use crate::alert::{Alert, Step};
use crate::outcome::{Reason, Verdict};

/// When a task is due, and a serial number that orders tasks due at the same time.
pub(super) type Slot = (i64, u64);

/// The state of an alert at a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Idle,
    /// A task waits until it is due and the sink is free.
    Queued { slot: Slot, task: Task, attempts: u32 },
    /// A request is in flight, after `attempts` failed ones.
    InFlight { task: Task, attempts: u32 },
    /// The outcome is decided, but not in the log yet.
    Reporting { step: Step },
}

/// Whether an alert fired under a suppression, and whether that is recorded.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Suppression {
    /// It did not.
    None,
    /// It did, by this event; the outcome is still to be written.
    Due(Arc<Alert>),
    /// The outcome is being written.
    Reporting,
    /// The outcome is in the log.
    Written,
}

/// The notifications of an alert to one sink.
#[derive(Debug)]
pub(super) struct Track {
    /// The event by which it fired for this sink; `None` if the log no longer holds it.
    pub(super) fired: Option<Arc<Alert>>,
    /// Whether it fired under a suppression before.
    pub(super) suppression: Suppression,
    /// Steps that have an outcome in the log.
    done: [bool; 3],
    pub(super) state: State,
    /// Nothing was or will be sent.
    is_skipped: bool,
    /// When to send the firing alert again to a receiver that needs refreshes.
    pub(super) refresh_due: Option<i64>,
}

impl Track {
    pub(super) const fn new() -> Self {
        Self {
            fired: None,
            suppression: Suppression::None,
            done: [false; 3],
            state: State::Idle,
            is_skipped: false,
            refresh_due: None,
        }
    }

    pub(super) const fn is_done(&self, step: Step) -> bool {
        let [firing, acknowledged, resolved] = self.done;
        match step {
            Step::Firing => firing,
            Step::Acknowledged => acknowledged,
            Step::Resolved => resolved,
        }
    }

    /// The outcome of a step is in the log. `refresh_due` is when to refresh the alert, if the step is
    /// the first and the receiver needs refreshes.
    pub(super) fn settle(&mut self, step: Step, verdict: Verdict, refresh_due: Option<i64>) {
        let [firing, acknowledged, resolved] = &mut self.done;
        match step {
            Step::Firing => *firing = true,
            Step::Acknowledged => *acknowledged = true,
            Step::Resolved => *resolved = true,
        }
        let may_be_there = match verdict {
            // A receiver that was unreachable needs refreshes once it is back.
            Verdict::Delivered | Verdict::Failed(Reason::Exhausted) => true,
            Verdict::Failed(Reason::Refused) | Verdict::Suppressed => false,
            Verdict::Failed(reason @ (Reason::Expired | Reason::Overflow)) => {
                self.is_skipped |= reason.nothing_was_sent();
                false
            }
        };
        if step == Step::Firing && may_be_there {
            self.refresh_due = refresh_due;
        }
    }

    /// The alert fires under a suppression, which matters only if it has not fired before.
    pub(super) fn suppress(&mut self, alert: &Arc<Alert>) {
        let is_known = self.fired.is_some() || self.is_done(Step::Firing);
        if self.suppression == Suppression::None && !is_known {
            self.suppression = Suppression::Due(Arc::clone(alert));
        }
    }

    /// Takes the event of a suppressed alert whose outcome is still to be written.
    pub(super) fn take_suppressed(&mut self) -> Option<Arc<Alert>> {
        let Suppression::Due(alert) = &self.suppression else { return None };
        let alert = Arc::clone(alert);
        self.suppression = Suppression::Reporting;
        Some(alert)
    }

    /// Whether it fired under a suppression and has not fired again since: nothing is sent.
    fn is_suppressed(&self) -> bool {
        self.suppression != Suppression::None && self.fired.is_none() && !self.is_done(Step::Firing)
    }

    /// Whether nothing more is to be sent or written. `is_over` says whether the alert is resolved.
    fn is_complete(&self, is_over: bool) -> bool {
        let is_written = match self.suppression {
            Suppression::None | Suppression::Written => true,
            Suppression::Due(_) | Suppression::Reporting => false,
        };
        let is_done = self.is_skipped || self.is_done(Step::Resolved);
        is_written && self.state == State::Idle && (is_done || self.is_suppressed() && is_over)
    }
}

/// An alert that fired.
#[derive(Debug)]
pub(super) struct Episode {
    /// Offset of the first record that a restart must read to restore it.
    pub(super) offset: i64,
    pub(super) tracks: BTreeMap<usize, Track>,
    pub(super) acknowledged: Option<Arc<Alert>>,
    pub(super) resolved: Option<Arc<Alert>>,
}

impl Episode {
    pub(super) const fn new(offset: i64) -> Self {
        Self { offset, tracks: BTreeMap::new(), acknowledged: None, resolved: None }
    }

    /// Whether nothing more is to be sent to any sink.
    pub(super) fn is_complete(&self) -> bool {
        self.tracks.values().all(|track| track.is_complete(self.resolved.is_some()))
    }

    /// The event of a step.
    pub(super) fn facts(&self, track: &Track, step: Step) -> Option<Arc<Alert>> {
        match step {
            Step::Firing => track.fired.clone(),
            Step::Acknowledged => self.acknowledged.clone(),
            Step::Resolved => self.resolved.clone(),
        }
    }

    /// The next task for a sink, and when it is due (`None`: at once).
    pub(super) fn next_task(&self, track: &Track, refreshes: bool) -> Option<(Task, Option<i64>)> {
        if track.is_skipped || track.is_suppressed() || track.is_done(Step::Resolved) {
            return None;
        }
        let next = Step::ALL
            .into_iter()
            .find(|step| !track.is_done(*step) && self.facts(track, *step).is_some());
        if let Some(step) = next {
            return Some((Task::Notify(step), None));
        }
        let due = track.refresh_due.filter(|_| refreshes && self.resolved.is_none())?;
        track.fired.as_ref()?;
        Some((Task::Refresh, Some(due)))
    }

    /// The queued task of a sink: its track, the task, the attempts before it and its content. `None` if
    /// there is none.
    pub(super) fn queued(&mut self, sink: usize) -> Option<(&mut Track, Task, u32, Notice)> {
        let track = self.tracks.get(&sink)?;
        let State::Queued { task, attempts, .. } = track.state else { return None };
        let notice = self.notice(track, task)?;
        Some((self.tracks.get_mut(&sink)?, task, attempts, notice))
    }

    /// The content of a task: only what was known when the step came, so that a retried request has the
    /// same content whatever happened since.
    fn notice(&self, track: &Track, task: Task) -> Option<Notice> {
        let step = match task {
            Task::Notify(step) => step,
            Task::Refresh if track.is_done(Step::Acknowledged) && self.acknowledged.is_some() => {
                Step::Acknowledged
            }
            Task::Refresh => Step::Firing,
        };
        let current = self.facts(track, step)?;
        let opened = track.fired.clone().unwrap_or_else(|| Arc::clone(&current));
        let acknowledged = self.acknowledged.clone().filter(|_| step >= Step::Acknowledged);
        Some(Notice { opened, acknowledged, current })
    }
}

/// Identifiers of recently closed alerts, which a duplicate record must not open again.
#[derive(Debug, Default)]
pub(super) struct Closed {
    order: VecDeque<Arc<str>>,
    ids: HashSet<Arc<str>>,
}

impl Closed {
    /// Limit of identifiers; beyond it the oldest is dropped.
    pub(super) const MAX: usize = 10_000;

    pub(super) fn insert(&mut self, id: Arc<str>) {
        if self.ids.insert(Arc::clone(&id)) {
            self.order.push_back(id);
        }
        while self.order.len() > Self::MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.ids.remove(&oldest);
            }
        }
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }
}
