//! The queue of one sink.

use std::collections::BTreeMap;

use super::episode::Slot;
use super::message::{Key, Task};
use super::plan::SinkPlan;

/// A sink and the tasks queued for it.
#[derive(Debug)]
pub(super) struct SinkQueue {
    pub(super) plan: SinkPlan,
    pub(super) steps: BTreeMap<Slot, Key>,
    pub(super) refreshes: BTreeMap<Slot, Key>,
    pub(super) in_flight: usize,
    /// End of the pause that the receiver requested.
    pub(super) paused_until: i64,
}

impl SinkQueue {
    pub(super) const fn new(plan: SinkPlan) -> Self {
        Self {
            plan,
            steps: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            in_flight: 0,
            paused_until: i64::MIN,
        }
    }

    /// Steps that are queued or in flight.
    pub(super) fn waiting(&self) -> usize {
        self.steps.len() + self.in_flight
    }

    pub(super) fn queue(&mut self, task: Task) -> &mut BTreeMap<Slot, Key> {
        match task {
            Task::Notify(_) => &mut self.steps,
            Task::Refresh => &mut self.refreshes,
        }
    }

    pub(super) fn is_free(&self, now: i64) -> bool {
        self.in_flight < self.plan.requests_max && self.paused_until <= now
    }

    /// Takes the next task that is due, steps first.
    pub(super) fn take_due(&mut self, now: i64) -> Option<Key> {
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
