//! Detects a dead monitor: heartbeats arrive through the log, and if none has arrived for too long,
//! the monitor or its log is dead.
//!
//! A state machine per partition. It needs a clock, so it is not part of [`crate::Processor`]: the
//! caller passes the time. The log is its memory: `monitor.dead` is written to the log and read
//! back before anybody is notified, and so is `monitor.recovered`. Their identifiers are derived
//! from the last heartbeat, so one that is written again, after a restart or by another process, is
//! identical.
//!
//! ```text
//!            no heartbeat for dead_after          a newer heartbeat
//! alive --------------------------------> dead -----------------------> alive
//!                 monitor.dead                   monitor.recovered
//! ```
//!
//! # What it does not do
//!
//! A partition without any heartbeat is not watched, because there may be no monitor for it. It
//! notifies nobody: both events are steps of an alert like any other.

use std::collections::BTreeMap;

use event::{BuildError, Event, EventBuilder, Timestamp, column, id, kind};

/// Name in `drift.metric`.
const METRIC: &str = kind::MONITOR_DEAD;
/// Domain separator of the identifiers.
const DOMAIN: &str = "driftseal/event-id/monitor-dead/v1";
/// After a start, a heartbeat must arrive within the limit divided by this: a monitor that was
/// restarted at the same time is not dead.
const GRACE_SHARE: i64 = 2;

/// A heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Offset of its record.
    offset: i64,
    event_id: String,
    /// The broker's timestamp, milliseconds since the epoch.
    logged_ms: i64,
    /// Offset up to which the monitor had read.
    next_offset: Option<i64>,
}

/// What an event says about the monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// It was alive.
    Alive(Heartbeat),
    /// It was declared dead after a heartbeat.
    Dead {
        /// Offset of the record.
        offset: i64,
        /// The alert that is opened.
        alert_id: String,
        /// Identifier of the last heartbeat before.
        heartbeat_id: String,
    },
    /// It was declared alive again.
    Recovered {
        /// The alert that is resolved.
        alert_id: String,
    },
}

impl Observation {
    /// What an event says about the monitor, if anything. `logged_ms` is the broker's timestamp of
    /// its record.
    #[must_use]
    pub fn from_event(event: &Event<'_>, offset: i64, logged_ms: i64) -> Option<Self> {
        let text = |column| event.text(column).map(str::to_owned);
        match event.text(column::KIND)? {
            kind::MONITOR_ALIVE => Some(Self::Alive(Heartbeat {
                offset,
                event_id: text(column::EVENT_ID)?,
                logged_ms,
                next_offset: event.int(column::monitor::NEXT_OFFSET),
            })),
            kind::MONITOR_DEAD => {
                let (alert_id, heartbeat_id) =
                    (text(column::drift::ALERT_ID)?, text(column::links::CAUSATION)?);
                Some(Self::Dead { offset, alert_id, heartbeat_id })
            }
            kind::MONITOR_RECOVERED => {
                Some(Self::Recovered { alert_id: text(column::drift::ALERT_ID)? })
            }
            _ => None,
        }
    }
}

/// The state of the monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is dead.
    Dead,
    /// It is alive again.
    Recovered,
}

impl Verdict {
    /// Kind of the event that reports it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Dead => kind::MONITOR_DEAD,
            Self::Recovered => kind::MONITOR_RECOVERED,
        }
    }
}

/// A change that is to be written into a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The partition.
    pub partition: i32,
    /// The new state of the monitor.
    pub verdict: Verdict,
    alert_id: String,
    /// The last heartbeat before the silence, or one after it.
    heartbeat: Heartbeat,
}

impl Transition {
    /// The reason, for people.
    #[must_use]
    pub fn reason(&self) -> String {
        let Heartbeat { logged_ms, next_offset, .. } = &self.heartbeat;
        match self.verdict {
            Verdict::Dead => {
                let at = Timestamp::from_millis(*logged_ms).to_rfc3339();
                let at = at.unwrap_or_else(|| format!("{logged_ms} ms after the epoch"));
                let read = next_offset.map(|next| format!("; it had read up to offset {next}"));
                format!("no heartbeat since {at}{}", read.unwrap_or_default())
            }
            Verdict::Recovered => "heartbeats have resumed".to_owned(),
        }
    }

    /// The event. Its identifier is derived, so writing it again gives the same one.
    ///
    /// # Errors
    ///
    /// An event that does not fit the schema.
    pub fn to_event(&self, actor_id: &str, now_ms: i64) -> Result<Event<'static>, BuildError> {
        let Heartbeat { event_id, logged_ms, next_offset, .. } = &self.heartbeat;
        let kind = self.verdict.kind();
        EventBuilder::new(kind)
            .set(column::EVENT_ID, id::from_texts(DOMAIN, &[kind, &self.alert_id]))
            .set(column::EVENT_TIME, Timestamp::from_millis(now_ms))
            .set(column::actor::TYPE, "service")
            .set(column::actor::ID, actor_id)
            .set(column::links::CAUSATION, event_id.as_str())
            .set(column::monitor::PARTITION, i64::from(self.partition))
            .set_some(column::monitor::NEXT_OFFSET, *next_offset)
            .set(column::drift::ALERT_ID, self.alert_id.as_str())
            .set(column::drift::METRIC, METRIC)
            .set(column::drift::SEVERITY, "page")
            .set(column::drift::SINCE_TIME, Timestamp::from_millis(*logged_ms))
            .set(column::drift::REASON, self.reason())
            .build()
    }
}

/// A death that is recorded in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Death {
    offset: i64,
    alert_id: String,
    heartbeat_id: String,
}

/// State of the monitor of one partition.
#[derive(Debug, Default)]
struct Watched {
    /// Time at which the log was read to its end; `None` before.
    live_since_ms: Option<i64>,
    last: Option<Heartbeat>,
    death: Option<Death>,
    /// Alert of the last death, once it is over.
    ended: Option<String>,
    /// Whether a transition was returned and not read back yet.
    is_pending: bool,
}

impl Watched {
    /// Time at which the monitor counts as dead, unless a heartbeat arrives before.
    fn dead_at(&self, dead_after_ms: i64) -> Option<i64> {
        let (last, live_since) = (self.last.as_ref()?, self.live_since_ms?);
        let is_watched = dead_after_ms > 0 && self.death.is_none() && !self.is_pending;
        // Times in the log are foreign, so they saturate: a time in the far future means never.
        let grace = live_since.saturating_add(dead_after_ms / GRACE_SHARE);
        is_watched.then(|| last.logged_ms.saturating_add(dead_after_ms).max(grace))
    }

    /// The death and a later heartbeat, if the recovery is not in the log yet.
    fn recovery(&self) -> Option<(&Death, &Heartbeat)> {
        let (death, last) = (self.death.as_ref()?, self.last.as_ref()?);
        let is_due = self.live_since_ms.is_some() && !self.is_pending;
        (is_due && last.event_id != death.heartbeat_id).then_some((death, last))
    }
}

/// Watches the monitor of every partition that a process reads.
#[derive(Debug)]
pub struct Watchdog {
    /// 0 if it is disabled.
    dead_after_ms: i64,
    partitions: BTreeMap<i32, Watched>,
}

impl Watchdog {
    /// A watchdog of no partition yet. A monitor counts as dead after that many milliseconds
    /// without a heartbeat; 0 disables the watchdog.
    #[must_use]
    pub const fn new(dead_after_ms: i64) -> Self {
        Self { dead_after_ms, partitions: BTreeMap::new() }
    }

    /// A partition was assigned; nothing is written before its log is read to the end.
    pub fn handle_assigned(&mut self, partition: i32) {
        self.partitions.insert(partition, Watched::default());
    }

    /// A partition was revoked.
    pub fn handle_revoked(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }

    /// Everything that was in the log at the assignment was handled.
    pub fn handle_caught_up(&mut self, partition: i32, now_ms: i64) {
        if let Some(watched) = self.partitions.get_mut(&partition) {
            watched.live_since_ms.get_or_insert(now_ms);
        }
    }

    /// The caller was cut off from the log until now, so that silence says nothing of the monitor. The
    /// next heartbeat must arrive as after a start.
    pub fn handle_cut_off(&mut self, now_ms: i64) {
        for live_since in
            self.partitions.values_mut().filter_map(|found| found.live_since_ms.as_mut())
        {
            *live_since = now_ms;
        }
    }

    /// An event about the monitor was read.
    pub fn handle_observation(&mut self, partition: i32, observation: Observation, now_ms: i64) {
        let Some(watched) = self.partitions.get_mut(&partition) else { return };
        match observation {
            Observation::Alive(mut heartbeat) => {
                // A broker's clock that is ahead must not hide a death.
                heartbeat.logged_ms = heartbeat.logged_ms.min(now_ms);
                // A copy of the last heartbeat is no sign of life.
                if watched.last.as_ref().is_none_or(|last| last.event_id != heartbeat.event_id) {
                    watched.last = Some(heartbeat);
                }
            }
            Observation::Dead { offset, alert_id, heartbeat_id } => {
                watched.is_pending = false;
                if watched.death.is_none() && watched.ended.as_ref() != Some(&alert_id) {
                    watched.death = Some(Death { offset, alert_id, heartbeat_id });
                }
            }
            Observation::Recovered { alert_id } => {
                watched.is_pending = false;
                if watched.death.as_ref().is_some_and(|death| death.alert_id == alert_id) {
                    watched.death = None;
                }
                watched.ended = Some(alert_id);
            }
        }
    }

    /// A transition that is to be written now. It is returned once, until it is read back or could
    /// not be written.
    pub fn poll_transition(&mut self, now_ms: i64) -> Option<Transition> {
        for (partition, watched) in &mut self.partitions {
            let transition = if let Some((death, heartbeat)) = watched.recovery() {
                let (alert_id, heartbeat) = (death.alert_id.clone(), heartbeat.clone());
                let verdict = Verdict::Recovered;
                Some(Transition { partition: *partition, verdict, alert_id, heartbeat })
            } else {
                let dead_at = watched.dead_at(self.dead_after_ms);
                let last = watched.last.as_ref().filter(|_| dead_at.is_some_and(|at| at <= now_ms));
                last.map(|heartbeat| Transition {
                    partition: *partition,
                    verdict: Verdict::Dead,
                    alert_id: id::from_texts(
                        DOMAIN,
                        &[&partition.to_string(), &heartbeat.event_id],
                    ),
                    heartbeat: heartbeat.clone(),
                })
            };
            if transition.is_some() {
                watched.is_pending = true;
                return transition;
            }
        }
        None
    }

    /// The transition of a partition could not be written, or it is unknown whether it was.
    pub fn handle_unwritten(&mut self, partition: i32) {
        if let Some(watched) = self.partitions.get_mut(&partition) {
            watched.is_pending = false;
        }
    }

    /// The next time at which a transition may be due, milliseconds since the epoch.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<i64> {
        self.partitions.values().filter_map(|watched| watched.dead_at(self.dead_after_ms)).min()
    }

    /// The first offset of a partition that is needed to restore this state; `next` if none before
    /// it is.
    #[must_use]
    pub fn low_water(&self, partition: i32, next: i64) -> i64 {
        let Some(watched) = self.partitions.get(&partition) else { return next };
        let last = watched.last.as_ref().map(|last| last.offset);
        let death = watched.death.as_ref().map(|death| death.offset);
        last.into_iter().chain(death).min().map_or(next, |first| first.min(next))
    }
}

#[cfg(test)]
mod tests;
