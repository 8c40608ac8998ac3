//! The suppressions and maintenance windows of a partition.

use event::Event;
use serde::{Deserialize, Serialize};

use super::maintenance::Maintenance;
use super::request::MuteRequest;
use super::suppression::Suppressions;
use crate::identity::Identity;
use crate::kind::Request;
use crate::metric::MetricSet;
use crate::output::{Output, Outputs};
use crate::settings::Settings;

/// The suppressions and maintenance windows in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Mutes {
    /// Latest timestamp of the broker; where there is none, the latest event time.
    now: Option<i64>,
    suppressions: Suppressions,
    maintenance: Maintenance,
}

impl Mutes {
    /// Advances the clock of suppressions. Those that expire end, and their alerts that are still
    /// firing are emitted again.
    pub(crate) fn reach(&mut self, time: i64, outputs: &mut Outputs<'_>) {
        let now = self.now.map_or(time, |now| now.max(time));
        self.now = Some(now);
        self.suppressions.reach(now, outputs);
    }

    /// The clock, which every record advances before anything else.
    fn now(&self) -> i64 {
        let Some(now) = self.now else { unreachable!("the clock has not started") };
        now
    }

    /// Handles a request. Returns whether it was refused.
    pub(crate) fn handle(
        &mut self,
        kind: Request,
        event: &Event<'_>,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        let now = self.now();
        let request = MuteRequest::of(event);
        match kind {
            Request::SuppressionStarted => self.suppressions.start(&request, event, now, outputs),
            Request::SuppressionEnded => self.suppressions.end(&request, event, outputs),
            Request::MaintenanceStarted => self.maintenance.start(&request, event, now, outputs),
            Request::MaintenanceEnded => self.maintenance.end(&request, event, outputs),
        }
    }

    /// Removes the held alerts about some metrics.
    pub(crate) fn forget_metrics(&mut self, left: MetricSet) {
        self.suppressions.forget_metrics(left);
    }

    /// Marks an output about an alert that a suppression covers.
    pub(crate) fn mark(&mut self, output: &mut Output) {
        self.suppressions.mark(self.now(), output);
    }

    /// Whether an event time lies in a maintenance window of an agent.
    pub(crate) fn hides(&self, agent: &Identity, time: i64) -> bool {
        self.maintenance.overlaps(agent, time, time.saturating_add(1))
    }

    /// Whether a time range overlaps a maintenance window of an agent.
    pub(crate) fn overlaps(&self, agent: &Identity, from: i64, until: i64) -> bool {
        self.maintenance.overlaps(agent, from, until)
    }

    /// How long an agent may be silent after its last event: the limit, extended by the maintenance
    /// windows within it.
    pub(crate) fn silence_max(&self, agent: &Identity, last: Option<i64>, limit: i64) -> i64 {
        match last {
            Some(last) if limit > 0 => self.maintenance.silence_max(agent, last, limit),
            Some(_) | None => limit,
        }
    }

    /// Removes the maintenance windows that can no longer have an effect.
    pub(crate) fn retire(&mut self, watermark: Option<i64>, settings: &Settings) {
        if let Some(watermark) = watermark {
            self.maintenance.retire(watermark, settings);
        }
    }
}
