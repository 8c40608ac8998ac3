//! What people (or systems) ask to be kept quiet: suppressions and maintenance windows.
//!
//! | | suppression | maintenance window |
//! |---|---|---|
//! | says | tell nobody of such alerts until then | what happens in this time says nothing |
//! | clock | the broker's, as far as the log has come | event time |
//! | of | one agent, or some of its alerts | one agent, or the whole partition |
//! | detectors | go on; alerts are recorded and marked | see nothing of it |
//! | if it ends | who still fires is told then | the test goes on where it stood |
//!
//! Both are asked for by events of the log, and hold from the offset of that event on, so a replay
//! finds the same. What was asked is answered in the alerts topic: applied, or refused with the
//! reason. Nothing is silenced without a bound: who asks is named, both end by themselves, and
//! both are bounded in number. Whatever exceeds a bound is refused, and alerts are told.
//!
//! The reason that a person gives is not read: it is erasable, and a replay must not need it.

mod maintenance;
mod request;
mod suppression;

use event::{ColumnId, Event, Timestamp};
use serde::{Deserialize, Serialize};

use self::maintenance::Maintenance;
pub(crate) use self::request::Request;
use self::suppression::Suppressions;
use crate::agent::{Identity, bounded};
use crate::columns::columns;
use crate::output::{Output, Outputs};
use crate::settings::Settings;

/// Longest time that may be kept quiet, and how far ahead it may begin.
const AHEAD_MICROS_MAX: i64 = 30 * 24 * 3_600 * 1_000_000;
/// Suppressions or windows of one agent, and of all agents together, that are held at once.
const PER_AGENT_MAX: usize = 32;
/// The same of a partition.
const PER_PARTITION_MAX: usize = 1_024;

/// What is kept quiet in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Quiet {
    /// Latest timestamp of the broker; where there is none, the latest event time.
    now: Option<i64>,
    suppressions: Suppressions,
    maintenance: Maintenance,
}

impl Quiet {
    /// The log has come to that time: suppressions that are over by then end, and those of their
    /// alerts that still fire are told.
    pub(crate) fn reach(&mut self, time: i64, outputs: &mut Outputs<'_>) {
        self.now = self.now.max(Some(time));
        if let Some(now) = self.now {
            self.suppressions.reach(now, outputs);
        }
    }

    /// Does what an event asks for. Returns whether it was refused.
    pub(crate) fn handle(
        &mut self,
        request: Request,
        event: &Event<'_>,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        let now = self.now.unwrap_or_default();
        let asked = Asked::of(event);
        match request {
            Request::SuppressionStarted => self.suppressions.start(&asked, event, now, outputs),
            Request::SuppressionEnded => self.suppressions.end(&asked, event, outputs),
            Request::MaintenanceStarted => self.maintenance.start(&asked, event, now, outputs),
            Request::MaintenanceEnded => self.maintenance.end(&asked, event, outputs),
        }
    }

    /// Marks an alert that nobody is told of.
    pub(crate) fn mark(&mut self, output: &mut Output) {
        if let Some(now) = self.now {
            self.suppressions.mark(now, output);
        }
    }

    /// Whether an instant of an agent lies in a maintenance window.
    pub(crate) fn hides(&self, agent: &Identity, time: i64) -> bool {
        self.maintenance.overlaps(agent, time, time.saturating_add(1))
    }

    /// Whether a stretch of event time of an agent overlaps a maintenance window.
    pub(crate) fn overlaps(&self, agent: &Identity, from: i64, until: i64) -> bool {
        self.maintenance.overlaps(agent, from, until)
    }

    /// How long an agent may be silent after `last`: the limit, counted from the end of the
    /// maintenance windows that follow.
    pub(crate) fn silence_max(&self, agent: &Identity, last: Option<i64>, limit: i64) -> i64 {
        match last {
            Some(last) if limit > 0 => self.maintenance.silence_max(agent, last, limit),
            Some(_) | None => limit,
        }
    }

    /// Forgets the maintenance windows that nothing can ask for any more.
    pub(crate) fn retire(&mut self, watermark: Option<i64>, settings: &Settings) {
        if let Some(watermark) = watermark {
            self.maintenance.retire(watermark, settings);
        }
    }
}

/// Who asks, about whom.
#[derive(Debug)]
struct Asked {
    /// Identifier of the event.
    event_id: String,
    /// Who asks; empty if the event does not say.
    actor: String,
    /// The agent it is about; its id is empty if it is about all of them.
    about: Identity,
}

impl Asked {
    fn of(event: &Event<'_>) -> Self {
        let columns = columns();
        Self {
            event_id: own(event, columns.event_id).unwrap_or_default(),
            actor: own(event, columns.actor_id).unwrap_or_default(),
            about: Identity::of(event, event.text(columns.agent_id).unwrap_or_default()),
        }
    }
}

/// A text that is there, bounded in size.
fn own(event: &Event<'_>, column: ColumnId) -> Option<String> {
    let text = event.text(column).filter(|text| !text.is_empty());
    text.map(|text| bounded(text).into_owned())
}

fn micros(event: &Event<'_>, column: ColumnId) -> Option<i64> {
    event.time(column).map(Timestamp::micros)
}
