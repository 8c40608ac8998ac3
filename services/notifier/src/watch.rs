//! Whether the monitor is alive: its heartbeats come through the log, and when none has come for
//! too long, the monitor, or the log under it, is dead.
//!
//! A state machine for each partition. Time is passed in; the log is the memory: that the monitor is
//! dead is written as `monitor.dead` and read back before anybody is told, and so is
//! `monitor.recovered`. Their identifiers are derived from the last heartbeat, so whoever writes one
//! again, after a restart or beside another notifier, writes the same.
//!
//! ```text
//!            no heartbeat for dead_after          a newer heartbeat
//! alive --------------------------------> dead -----------------------> alive
//!                 monitor.dead                   monitor.recovered
//! ```
//!
//! Not done here: a partition from which no heartbeat ever came is not watched, for nobody may be meant
//! to write into it. Telling receivers: both events are steps of an alert like any other.

use std::collections::BTreeMap;

use event::{BuildError, Event, EventBuilder, Timestamp, schema};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::alert::rfc3339;

/// Kind of a heartbeat.
const ALIVE: &str = "monitor.alive";
/// Kind of the event that the monitor is dead.
pub(crate) const DEAD: &str = "monitor.dead";
/// Kind of the event that it is back.
pub(crate) const RECOVERED: &str = "monitor.recovered";
/// Name in `drift.metric`.
const METRIC: &str = "monitor.dead";
/// After a start there is this share of the time for a heartbeat to come: what was restarted
/// together is not dead.
const GRACE_SHARE: i64 = 2;

/// A heartbeat as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    /// Offset of the record that told it.
    pub(crate) offset: i64,
    pub(crate) event_id: String,
    /// When the log took it, by the broker's clock.
    pub(crate) logged_ms: i64,
    /// Offset up to which the monitor had read.
    pub(crate) next_offset: Option<i64>,
}

/// What the log tells about the monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Alive(Heartbeat),
    /// It was found dead after that heartbeat.
    Dead {
        offset: i64,
        alert_id: String,
        heartbeat_id: String,
    },
    Recovered {
        alert_id: String,
    },
}

impl Told {
    /// What an event tells about the monitor, if it does.
    pub(crate) fn from_event(event: &Event<'_>, offset: i64, logged_ms: i64) -> Option<Self> {
        let text = |path: &str| event.text_at(path).unwrap_or_default().to_owned();
        match event.text_at("kind")? {
            ALIVE => Some(Self::Alive(Heartbeat {
                offset,
                event_id: text("event_id"),
                logged_ms,
                next_offset: schema().id("monitor.next_offset").and_then(|id| event.int(id)),
            })),
            DEAD => {
                let (alert_id, heartbeat_id) = (text("drift.alert_id"), text("links.causation"));
                Some(Self::Dead { offset, alert_id, heartbeat_id })
            }
            RECOVERED => Some(Self::Recovered { alert_id: text("drift.alert_id") }),
            _ => None,
        }
    }
}

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The monitor is dead.
    Dead,
    /// It is back.
    Recovered,
}

/// An event to write into a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) partition: i32,
    pub(crate) verdict: Verdict,
    alert_id: String,
    /// The last one before the silence, or the first known after it.
    heartbeat: Heartbeat,
}

impl Word {
    /// The event. Its identifier is derived, so whoever writes it again writes it under the same.
    pub(crate) fn to_event(&self, now_ms: i64) -> Result<Event<'static>, BuildError> {
        let Heartbeat { event_id, logged_ms, next_offset, .. } = &self.heartbeat;
        let read = next_offset.map(|next| format!("; it had read up to offset {next}"));
        let at = rfc3339(*logged_ms).unwrap_or_default();
        let (kind, reason) = match self.verdict {
            Verdict::Dead => (DEAD, format!("no heartbeat since {at}{}", read.unwrap_or_default())),
            Verdict::Recovered => (RECOVERED, "the monitor has heartbeats again".to_owned()),
        };
        EventBuilder::new(kind)
            .set("event_id", derived(&[kind, &self.alert_id]))
            .set("event_time", Timestamp::from_millis(now_ms))
            .set("actor.type", "service")
            .set("actor.id", "notifier")
            .set("links.causation", event_id.as_str())
            .set("monitor.partition", i64::from(self.partition))
            .set_some("monitor.next_offset", *next_offset)
            .set("drift.alert_id", self.alert_id.as_str())
            .set("drift.metric", METRIC)
            .set("drift.severity", "page")
            .set("drift.since_time", Timestamp::from_millis(*logged_ms))
            .set("drift.reason", reason)
            .build()
    }
}

/// Version 8 UUID (RFC 9562, section 5.8) over a domain-separated digest.
fn derived(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"driftseal/event-id/monitor-dead/v1");
    for part in parts {
        hasher.update([0]);
        hasher.update(part.as_bytes());
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The silence that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Silence {
    offset: i64,
    alert_id: String,
    heartbeat_id: String,
}

#[derive(Debug, Default)]
struct Pulse {
    /// Since when everything that the log held is read.
    live_since_ms: Option<i64>,
    last: Option<Heartbeat>,
    silence: Option<Silence>,
    /// The last silence that is over.
    ended: Option<String>,
    /// A word was given, and not read back yet.
    asked: bool,
}

impl Pulse {
    /// When the monitor is dead, if no heartbeat comes before.
    fn dead_at(&self, dead_after_ms: i64) -> Option<i64> {
        let (last, live_since) = (self.last.as_ref()?, self.live_since_ms?);
        let is_watched = dead_after_ms > 0 && self.silence.is_none() && !self.asked;
        let grace = live_since.saturating_add(dead_after_ms / GRACE_SHARE);
        is_watched.then(|| last.logged_ms.saturating_add(dead_after_ms).max(grace))
    }

    /// A heartbeat that ended the silence, and nobody has said so.
    fn ended_by(&self) -> Option<(&Silence, &Heartbeat)> {
        let (silence, last) = (self.silence.as_ref()?, self.last.as_ref()?);
        let is_due = self.live_since_ms.is_some() && !self.asked;
        (is_due && last.event_id != silence.heartbeat_id).then_some((silence, last))
    }
}

/// The monitor of all partitions that this process reads.
#[derive(Debug)]
pub(crate) struct Watch {
    /// 0 for never.
    dead_after_ms: i64,
    partitions: BTreeMap<i32, Pulse>,
}

impl Watch {
    pub(crate) const fn new(dead_after_ms: i64) -> Self {
        Self { dead_after_ms, partitions: BTreeMap::new() }
    }

    /// A partition is ours; its log is read up to the present before anything is said.
    pub(crate) fn handle_assigned(&mut self, partition: i32) {
        self.partitions.insert(partition, Pulse::default());
    }

    /// A partition is not ours any more.
    pub(crate) fn handle_revoked(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }

    /// Everything that the log held at the assignment was handled.
    pub(crate) fn handle_caught_up(&mut self, partition: i32, now_ms: i64) {
        if let Some(pulse) = self.partitions.get_mut(&partition) {
            pulse.live_since_ms.get_or_insert(now_ms);
        }
    }

    /// The log tells something about the monitor.
    pub(crate) fn handle_told(&mut self, partition: i32, told: Told, now_ms: i64) {
        let Some(pulse) = self.partitions.get_mut(&partition) else { return };
        match told {
            Told::Alive(mut heartbeat) => {
                // A broker's clock that is ahead must not hide a death.
                heartbeat.logged_ms = heartbeat.logged_ms.min(now_ms);
                // Another copy of the last one is no sign of life.
                if pulse.last.as_ref().is_none_or(|last| last.event_id != heartbeat.event_id) {
                    pulse.last = Some(heartbeat);
                }
            }
            Told::Dead { offset, alert_id, heartbeat_id } => {
                pulse.asked = false;
                if pulse.silence.is_none() && pulse.ended.as_ref() != Some(&alert_id) {
                    pulse.silence = Some(Silence { offset, alert_id, heartbeat_id });
                }
            }
            Told::Recovered { alert_id } => {
                pulse.asked = false;
                if pulse.silence.as_ref().is_some_and(|silence| silence.alert_id == alert_id) {
                    pulse.silence = None;
                }
                pulse.ended = Some(alert_id);
            }
        }
    }

    /// What is to be written now, once: until it is read back, or could not be written.
    pub(crate) fn poll_word(&mut self, now_ms: i64) -> Option<Word> {
        for (partition, pulse) in &mut self.partitions {
            let word = if let Some((silence, heartbeat)) = pulse.ended_by() {
                let (alert_id, heartbeat) = (silence.alert_id.clone(), heartbeat.clone());
                let verdict = Verdict::Recovered;
                Some(Word { partition: *partition, verdict, alert_id, heartbeat })
            } else {
                let dead_at = pulse.dead_at(self.dead_after_ms);
                let last = pulse.last.as_ref().filter(|_| dead_at.is_some_and(|at| at <= now_ms));
                last.map(|heartbeat| Word {
                    partition: *partition,
                    verdict: Verdict::Dead,
                    alert_id: derived(&[&partition.to_string(), &heartbeat.event_id]),
                    heartbeat: heartbeat.clone(),
                })
            };
            if word.is_some() {
                pulse.asked = true;
                return word;
            }
        }
        None
    }

    /// What was given could not be written, or nobody knows whether it was.
    pub(crate) fn handle_unwritten(&mut self, partition: i32) {
        if let Some(pulse) = self.partitions.get_mut(&partition) {
            pulse.asked = false;
        }
    }

    /// When there may be something to write, if nothing happens before.
    pub(crate) fn poll_timeout(&self) -> Option<i64> {
        self.partitions.values().filter_map(|pulse| pulse.dead_at(self.dead_after_ms)).min()
    }

    /// The first offset of a partition that is needed to know all of this again.
    pub(crate) fn low_water(&self, partition: i32, next: i64) -> i64 {
        let Some(pulse) = self.partitions.get(&partition) else { return next };
        let last = pulse.last.as_ref().map(|last| last.offset);
        let silence = pulse.silence.as_ref().map(|silence| silence.offset);
        last.into_iter().chain(silence).min().unwrap_or(next).min(next)
    }
}

#[cfg(test)]
mod tests;
