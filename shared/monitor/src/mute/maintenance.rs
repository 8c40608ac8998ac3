//! Maintenance windows: stretches of event time that say nothing about an agent.
//!
//! What lies in one is measured, and neither tested nor part of a baseline, whenever it arrives:
//! its event time decides, by the windows that are known at its offset. The silence of an agent
//! counts anew from the end of a window. What was tested before a window was asked for stays
//! tested.
//!
//! A window is held until no measured window that overlaps it can close any more, no event of it
//! can be on time, and no silence can reach back to it.

use std::collections::BTreeMap;

use event::{Event, Timestamp, column, kind};
use serde::{Deserialize, Serialize};

use super::asked::{AHEAD_MICROS_MAX, Asked, PER_AGENT_MAX, PER_PARTITION_MAX, micros, own};
use crate::identity::Identity;
use crate::output::{Destination, Outputs};
use crate::settings::Settings;
use crate::window::Span;

/// The maintenance windows of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Maintenance {
    /// By their identifiers.
    windows: BTreeMap<String, Window>,
    /// Watermark before which none of them can be forgotten.
    look_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    /// Whose; all agents if its id is empty, all environments if it names none, and for all agents
    /// all tenants if it names none.
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
        if self.look_at.is_none_or(|at| at > watermark) {
            return;
        }
        let retention = Settings::micros(settings.retention_secs);
        let silence = Settings::micros(settings.silence_secs);
        let needed_until = |window: &Window| {
            let day = Span::Day.end(Span::Day.start(window.until.saturating_sub(1)));
            day.saturating_add(retention).max(window.until.saturating_add(silence))
        };
        self.windows.retain(|_, window| needed_until(window) > watermark);
        self.look_at = self.windows.values().map(needed_until).min();
    }

    pub(super) fn start(
        &mut self,
        asked: &Asked,
        event: &Event<'_>,
        now: i64,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        let id = own(event, column::maintenance::ID).unwrap_or_else(|| asked.event_id.clone());
        match self.checked(asked, &id, event, now, outputs.time()) {
            Ok(window) => {
                answer(asked, &id, &window, outputs);
                self.look_at = Some(self.look_at.map_or(window.until, |at| at.min(window.until)));
                self.windows.insert(id, window);
                false
            }
            Err(why) => {
                refuse(asked, &id, why, outputs);
                true
            }
        }
    }

    /// The window that is asked for, or what is wrong with it.
    fn checked(
        &self,
        asked: &Asked,
        id: &str,
        event: &Event<'_>,
        now: i64,
        event_time: i64,
    ) -> Result<Window, &'static str> {
        let from = micros(event, column::maintenance::FROM).unwrap_or(event_time);
        let until = micros(event, column::maintenance::UNTIL);
        let until = until.ok_or("it does not end: `maintenance.until` is missing")?;
        let same = |window: &&Window| {
            (&window.of.tenant, &window.of.id) == (&asked.about.tenant, &asked.about.id)
        };
        if asked.actor.is_empty() {
            Err("nobody asks for it: `actor.id` is missing")
        } else if until <= from {
            Err("`maintenance.until` is not after its beginning")
        } else if until.saturating_sub(from) > AHEAD_MICROS_MAX {
            Err("`maintenance.until` is more than 30 days after its beginning")
        } else if from > now.saturating_add(AHEAD_MICROS_MAX) {
            Err("`maintenance.from` is more than 30 days ahead")
        } else if self.windows.contains_key(id) {
            Err("a window of that identifier is held already")
        } else if self.windows.values().filter(same).count() >= PER_AGENT_MAX
            || self.windows.len() >= PER_PARTITION_MAX
        {
            Err("too many maintenance windows are held already")
        } else {
            Ok(Window { of: asked.about.clone(), from, until })
        }
    }

    pub(super) fn end(
        &mut self,
        asked: &Asked,
        event: &Event<'_>,
        outputs: &mut Outputs<'_>,
    ) -> bool {
        let id = own(event, column::maintenance::ID).unwrap_or_default();
        let found = self.windows.get_mut(&id).filter(|window| {
            (&window.of.tenant, &window.of.id) == (&asked.about.tenant, &asked.about.id)
        });
        let Some(window) = found.filter(|_| !asked.actor.is_empty()) else {
            let why = if asked.actor.is_empty() {
                "nobody ends it: `actor.id` is missing"
            } else {
                "no such window of that agent is held: see `maintenance.id`, `agent_id`"
            };
            refuse(asked, &id, why, outputs);
            return true;
        };
        // It ends sooner, never later; before its beginning there is nothing left of it.
        let until = micros(event, column::maintenance::UNTIL).unwrap_or_else(|| outputs.time());
        window.until = window.until.min(until).max(window.from);
        let window = window.clone();
        answer(asked, &id, &window, outputs);
        if window.until == window.from {
            self.windows.remove(&id);
        }
        self.look_at = Some(self.look_at.map_or(window.until, |at| at.min(window.until)));
        false
    }
}

/// Says that a window holds, and from when until when.
fn answer(asked: &Asked, id: &str, window: &Window, outputs: &mut Outputs<'_>) {
    let (kind, time) = (kind::MAINTENANCE_APPLIED, outputs.time());
    outputs.push(Destination::Alerts, kind, time, &window.of, "", |builder| {
        builder
            .set(column::maintenance::ID, id)
            .set(column::maintenance::FROM, Timestamp::from_micros(window.from))
            .set(column::maintenance::UNTIL, Timestamp::from_micros(window.until))
            .set(column::ON_BEHALF_OF, vec![asked.actor.clone()])
            .set(column::links::CAUSATION, asked.event_id.as_str())
    });
}

fn refuse(asked: &Asked, id: &str, why: &str, outputs: &mut Outputs<'_>) {
    let (kind, time) = (kind::MAINTENANCE_REFUSED, outputs.time());
    outputs.push(Destination::Alerts, kind, time, &asked.about, "", |builder| {
        builder
            .set(column::maintenance::ID, id)
            .set(column::maintenance::REASON, why)
            .set(column::links::CAUSATION, asked.event_id.as_str())
    });
}
