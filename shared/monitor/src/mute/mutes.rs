//! The suppressions and maintenance windows of a partition.

use event::Event;
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::maintenance::Maintenance;
use super::suppression::Suppressions;
use crate::identity::Identity;
use crate::kind::Request;
use crate::output::{Output, Outputs};
use crate::settings::Settings;

/// What is kept quiet in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Mutes {
    /// Latest timestamp of the broker; where there is none, the latest event time.
    now: Option<i64>,
    suppressions: Suppressions,
    maintenance: Maintenance,
}

impl Mutes {
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
