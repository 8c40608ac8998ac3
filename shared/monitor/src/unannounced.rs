//! Versions, and digests of them, that no act has named when they were first seen.
//!
//! A deployment that is decided and carried out at once may be seen here before its act is admitted. So
//! a version is reported only if no act has named it within [`WAIT_MICROS`] of the broker's time after its
//! first event. Beyond [`WAITING_MAX`] the one that has waited longest is reported with the next record.

use std::collections::VecDeque;

use event::{column, kind};
use serde::{Deserialize, Serialize};

use crate::change::LastChange;
use crate::identity::{AgentKey, Identity};
use crate::output::{About, Destination, Outputs};

/// How long an act may come after the first event, microseconds of the broker's time.
const WAIT_MICROS: i64 = 60_000_000;
/// Largest number that wait.
const WAITING_MAX: usize = 256;

/// A version, or a digest of one, that was seen and not named by an act so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) key: AgentKey,
    pub(crate) agent: Identity,
    pub(crate) version: String,
    /// The name or digest that an act must name.
    pub(crate) name: String,
    /// The version that it took over from.
    pub(crate) before: Option<String>,
    /// Event time of its first event.
    pub(crate) time: i64,
    pub(crate) reason: String,
}

impl Seen {
    /// Reports that no act has named it. `change` is the last one of the agent.
    pub(crate) fn report(&self, change: Option<&LastChange>, outputs: &mut Outputs<'_>) {
        let kind = kind::DRIFT_VERSION_UNPLANNED;
        let about = About::version(&self.agent, &self.version);
        outputs.push(Destination::Alerts, kind, self.time, about, |builder| {
            LastChange::fill(change, builder)
                .set(column::drift::SEVERITY, "ticket")
                .set_some(column::drift::BASELINE_VERSION, self.before.as_deref())
                .set(column::drift::REASON, self.reason.as_str())
        });
    }
}

/// Those that wait, with the broker's time at which each is reported; oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Unannounced(VecDeque<(i64, Seen)>);

impl Unannounced {
    /// Lets one wait from a time on.
    pub(crate) fn wait(&mut self, now: i64, seen: Seen) {
        self.0.push_back((now.saturating_add(WAIT_MICROS), seen));
    }

    /// The next one that waits no longer: its time is over, or there is no room for so many.
    pub(crate) fn take_due(&mut self, now: i64) -> Option<Seen> {
        let (due, _) = self.0.front()?;
        let is_due = *due <= now || self.0.len() > WAITING_MAX;
        if is_due { self.0.pop_front().map(|(_, seen)| seen) } else { None }
    }
}
