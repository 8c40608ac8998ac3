//! One alert from its first firing to its end, and for each sink how far it was told.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use super::message::{Notice, Task};
use crate::alert::{Alert, Step};
use crate::outcome::{Reason, Verdict};

/// When it is due, and a number that keeps the order of those due at once.
pub(super) type Slot = (i64, u64);

/// What is going on between an episode and a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Idle,
    /// It waits for its time and for the sink.
    Queued { slot: Slot, task: Task, attempts: u32 },
    /// A request is under way; so many failed before it.
    InFlight { task: Task, attempts: u32 },
    /// The outcome is decided, and not in the log yet.
    Reporting { step: Step },
}

/// What is known of an alert that fired under a suppression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Suppression {
    /// It did not.
    None,
    /// It did; its event. The log does not say yet that nobody is told.
    Due(Arc<Alert>),
    /// That is being written.
    Reporting,
    /// It is in the log.
    Written,
}

/// How far a sink was told of an episode.
#[derive(Debug)]
pub(super) struct Track {
    /// The event by which it fired for this sink; `None` if the log does not hold it any more.
    pub(super) fired: Option<Arc<Alert>>,
    /// Whether it fired under a suppression before.
    pub(super) suppression: Suppression,
    /// Steps that have an outcome in the log.
    done: [bool; 3],
    pub(super) state: State,
    /// Nothing was sent and nothing will be.
    is_skipped: bool,
    /// When to tell it again that the alert fires, if that makes sense.
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

    /// Notes that the log holds the outcome of a step. `refresh_due` is when to tell it again, if
    /// the step was the first and the receiver forgets.
    pub(super) fn settle(&mut self, step: Step, verdict: Verdict, refresh_due: Option<i64>) {
        let [firing, acknowledged, resolved] = &mut self.done;
        match step {
            Step::Firing => *firing = true,
            Step::Acknowledged => *acknowledged = true,
            Step::Resolved => *resolved = true,
        }
        let may_be_there = match verdict {
            // An exhausted sink may have been away only, and will want to know when it is back.
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

    /// Takes note of an alert that fires under a suppression, if it did not fire before.
    pub(super) fn suppress(&mut self, alert: &Arc<Alert>) {
        let is_known = self.fired.is_some() || self.is_done(Step::Firing);
        if self.suppression == Suppression::None && !is_known {
            self.suppression = Suppression::Due(Arc::clone(alert));
        }
    }

    /// The event of a suppressed alert, if the log is to say now that nobody is told.
    pub(super) fn take_suppressed(&mut self) -> Option<Arc<Alert>> {
        let Suppression::Due(alert) = &self.suppression else { return None };
        let alert = Arc::clone(alert);
        self.suppression = Suppression::Reporting;
        Some(alert)
    }

    /// Whether it fired under a suppression, and did not fire again since: nothing is told.
    fn is_suppressed(&self) -> bool {
        self.suppression != Suppression::None && self.fired.is_none() && !self.is_done(Step::Firing)
    }

    /// Whether nothing more is to be told or written. `is_over` says whether the episode is.
    fn is_complete(&self, is_over: bool) -> bool {
        let is_written = match self.suppression {
            Suppression::None | Suppression::Written => true,
            Suppression::Due(_) | Suppression::Reporting => false,
        };
        let is_told = self.is_skipped || self.is_done(Step::Resolved);
        is_written && self.state == State::Idle && (is_told || self.is_suppressed() && is_over)
    }
}

/// An alert that fired.
#[derive(Debug)]
pub(super) struct Episode {
    /// Offset of the first record that is needed to know of it again.
    pub(super) offset: i64,
    pub(super) tracks: BTreeMap<usize, Track>,
    pub(super) acknowledged: Option<Arc<Alert>>,
    pub(super) resolved: Option<Arc<Alert>>,
}

impl Episode {
    pub(super) const fn new(offset: i64) -> Self {
        Self { offset, tracks: BTreeMap::new(), acknowledged: None, resolved: None }
    }

    /// Whether no sink is to be told anything more.
    pub(super) fn is_complete(&self) -> bool {
        self.tracks.values().all(|track| track.is_complete(self.resolved.is_some()))
    }

    /// The event that asks for a step.
    pub(super) fn facts(&self, track: &Track, step: Step) -> Option<Arc<Alert>> {
        match step {
            Step::Firing => track.fired.clone(),
            Step::Acknowledged => self.acknowledged.clone(),
            Step::Resolved => self.resolved.clone(),
        }
    }

    /// What is to be done next for a sink, and when at the earliest; `None` for at once.
    pub(super) fn next_task(&self, track: &Track, refreshes: bool) -> Option<(Task, Option<i64>)> {
        if track.is_skipped || track.is_suppressed() || track.is_done(Step::Resolved) {
            return None;
        }
        let next = Step::ALL
            .into_iter()
            .find(|step| !track.is_done(*step) && self.facts(track, *step).is_some());
        if let Some(step) = next {
            return Some((Task::Tell(step), None));
        }
        let due = track.refresh_due.filter(|_| refreshes && self.resolved.is_none())?;
        track.fired.as_ref()?;
        Some((Task::Refresh, Some(due)))
    }

    /// What is queued for a sink: its track, the task, the attempts before it and what it says;
    /// `None` if nothing is.
    pub(super) fn queued(&mut self, sink: usize) -> Option<(&mut Track, Task, u32, Notice)> {
        let track = self.tracks.get(&sink)?;
        let State::Queued { task, attempts, .. } = track.state else { return None };
        let notice = self.notice(track, task)?;
        Some((self.tracks.get_mut(&sink)?, task, attempts, notice))
    }

    /// What a sink is told by a task. Only what was known when the step came, so that a repeated
    /// request says the same whatever happened since.
    fn notice(&self, track: &Track, task: Task) -> Option<Notice> {
        let step = match task {
            Task::Tell(step) => step,
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

/// Episodes that are over, as many as the bound allows: a record that is there twice must not
/// begin one again.
#[derive(Debug, Default)]
pub(super) struct Closed {
    order: VecDeque<Arc<str>>,
    ids: HashSet<Arc<str>>,
}

impl Closed {
    /// Most identifiers held.
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
