//! Maintenance windows: time ranges that are excluded from drift detection.
//!
//! Observations within one are counted in metrics, but neither tested nor part of a baseline. The
//! event time decides, with the windows known at the event's offset. The silence of an agent counts
//! from the end of the window. Observations tested before the request remain tested.
//!
//! A window is kept until no aggregation window that overlaps it can close any more, no event
//! within it can be on time, and no silence can reach back to it.

use std::collections::BTreeMap;

use event::{Event, Timestamp, column, kind};
use serde::{Deserialize, Serialize};

use super::request::{
    AHEAD_MICROS_MAX, MuteRequest, PER_AGENT_MAX, PER_PARTITION_MAX, micros, own,
};
use crate::identity::Identity;
use crate::output::{About, Destination, Outputs};
use crate::settings::Settings;
use crate::window::Span;

/// The maintenance windows of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Maintenance {
    /// By their identifiers.
    windows: BTreeMap<String, Window>,
    /// Watermark before which none of them can be removed.
    check_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    /// The agent. An empty id stands for all agents, an absent environment for all environments
    /// and, with an empty id, an absent tenant for all tenants.
    of: Identity,
    from: i64,
    until: i64,
}

impl Window {
    fn is_of(&self, agent: &Identity) -> bool {
        let Identity { tenant, id, environment } = &self.of;
        let is_all = id.is_empty();
        (is_all || *id == agent.id)
            && (is_all && tenant.is_none() || *tenant == agent.tenant)
            && (environment.is_none() || *environment == agent.environment)
    }
}

impl Maintenance {
    pub(super) fn overlaps(&self, agent: &Identity, from: i64, until: i64) -> bool {
        let overlaps = |window: &Window| window.from < until && window.until > from;
        self.windows.values().any(|window| overlaps(window) && window.is_of(agent))
    }

    pub(super) fn silence_max(&self, agent: &Identity, last: i64, limit: i64) -> i64 {
        let mut since = last;
        loop {
            let at = since.saturating_add(limit);
            let later = self
                .windows
                .values()
                .filter(|window| window.from < at && window.until > since && window.is_of(agent))
                .map(|window| window.until)
                .max();
            let Some(until) = later else { return at.saturating_sub(last) };
            since = until;
        }
    }

    pub(super) fn retire(&mut self, watermark: i64, settings: &Settings) {
        if self.check_at.is_none_or(|at| at > watermark) {
            return;
        }
        let retention = Settings::micros(settings.retention_secs);
        let silence = Settings::micros(settings.silence_secs);
        let needed_until = |window: &Window| {
            let day = Span::Day.end(Span::Day.start(window.until.saturating_sub(1)));
            day.saturating_add(retention).max(window.until.saturating_add(silence))
        };
        self.windows.retain(|_, window| needed_until(window) > watermark);
        self.check_at = self.windows.values().map(needed_until).min();
    }

    pub(super) fn start(
        &mut self,
        request: &MuteRequest,
        event: &Event<'_>,
        now: i64,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        let id = own(event, column::maintenance::ID).unwrap_or_else(|| request.event_id.clone());
        match self.checked(request, &id, event, now, outputs.time()) {
            Ok(window) => {
                answer(request, &id, &window, outputs);
                self.check_at = Some(self.check_at.map_or(window.until, |at| at.min(window.until)));
                self.windows.insert(id, window);
                false
            }
            Err(why) => {
                refuse(request, &id, why, outputs);
                true
            }
        }
    }

    /// The requested window, or why it is refused.
    fn checked(
        &self,
        request: &MuteRequest,
        id: &str,
        event: &Event<'_>,
        now: i64,
        event_time: i64,
    ) -> Result<Window, &'static str> {
        let from = micros(event, column::maintenance::FROM).unwrap_or(event_time);
        let until = micros(event, column::maintenance::UNTIL);
        let until = until.ok_or("it has no end: `maintenance.until` is missing")?;
        request.check_actor()?;
        let of_agent = self.windows.values().filter(|window| request.concerns(&window.of));
        if until <= from {
            Err("`maintenance.until` is not after its beginning")
        } else if until.saturating_sub(from) > AHEAD_MICROS_MAX {
            Err("`maintenance.until` is more than 30 days after its beginning")
        } else if from > now.saturating_add(AHEAD_MICROS_MAX) {
            Err("`maintenance.from` is more than 30 days ahead")
        } else if self.windows.contains_key(id) {
            Err("a maintenance window with that identifier exists")
        } else if of_agent.count() >= PER_AGENT_MAX || self.windows.len() >= PER_PARTITION_MAX {
            Err("too many maintenance windows")
        } else {
            Ok(Window { of: request.about.clone(), from, until })
        }
    }

    pub(super) fn end(
        &mut self,
        request: &MuteRequest,
        event: &Event<'_>,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        // Without an identifier none is found.
        let id = own(event, column::maintenance::ID).unwrap_or_default();
        let found = self.windows.get_mut(&id).filter(|window| request.concerns(&window.of));
        let found = found
            .ok_or("no such maintenance window of that agent: see `maintenance.id`, `agent_id`");
        let window = match request.check_actor().and(found) {
            Ok(window) => window,
            Err(why) => {
                refuse(request, &id, why, outputs);
                return true;
            }
        };
        // It can end sooner, never later. If it ends before its beginning, nothing is left of it.
        let until = micros(event, column::maintenance::UNTIL).unwrap_or_else(|| outputs.time());
        window.until = window.until.min(until).max(window.from);
        let window = window.clone();
        answer(request, &id, &window, outputs);
        if window.until == window.from {
            self.windows.remove(&id);
        }
        self.check_at = Some(self.check_at.map_or(window.until, |at| at.min(window.until)));
        false
    }
}

/// Responds to a request with the window that is now in force.
fn answer(request: &MuteRequest, id: &str, window: &Window, outputs: &mut Outputs<'_>) {
    let (kind, time) = (kind::MAINTENANCE_APPLIED, outputs.time());
    outputs.push(Destination::Alerts, kind, time, About::version(&window.of, ""), |builder| {
        builder
            .set(column::maintenance::ID, id)
            .set(column::maintenance::FROM, Timestamp::from_micros(window.from))
            .set(column::maintenance::UNTIL, Timestamp::from_micros(window.until))
            .set(column::ON_BEHALF_OF, vec![request.actor.clone()])
            .set(column::links::CAUSATION, request.event_id.as_str())
    });
}

fn refuse(request: &MuteRequest, id: &str, why: &str, outputs: &mut Outputs<'_>) {
    let columns = (column::maintenance::ID, column::maintenance::REASON);
    request.refuse((kind::MAINTENANCE_REFUSED, columns), id, why, outputs);
}
