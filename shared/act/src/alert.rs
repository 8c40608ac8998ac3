//! Firing alerts, and acknowledging or dismissing them.
//!
//! Acknowledging tells receivers that somebody is working on an alert; dismissing ends it for them.
//! Neither affects the monitor, which resolves the alert when the effect is gone.

use std::collections::BTreeMap;

use event::{Event, Timestamp, column, kind};

use crate::actor::{Actor, Stamp};
use crate::error::ActError;
use crate::target::Target;

/// The answer of a person to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Somebody is working on it.
    Acknowledge,
    /// It is false or known.
    Dismiss,
}

impl Answer {
    /// Kind of the event.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Acknowledge => kind::DRIFT_ALERT_ACKNOWLEDGED,
            Self::Dismiss => kind::DRIFT_ALERT_DISMISSED,
        }
    }

    /// The event, with the target of the alert. It must be published to the partition of the alert.
    ///
    /// # Errors
    ///
    /// See [`ActError`].
    pub fn event(
        self,
        alert: &Open,
        actor: &Actor,
        stamp: &Stamp,
    ) -> Result<Event<'static>, ActError> {
        let builder = actor.event(self.kind(), column::drift::REASON, stamp)?;
        let builder = alert
            .target
            .set(builder)
            .set(column::drift::ALERT_ID, alert.alert_id.as_str())
            .set_some(column::drift::DIRECTION, alert.direction.as_deref())
            .set_some(column::monitor::PARTITION, alert.watched_partition);
        Ok(builder.build()?)
    }
}

/// An alert that is firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its identifier.
    pub alert_id: String,
    /// Its target.
    pub target: Target,
    /// `rising`, `falling` or `both`.
    pub direction: Option<String>,
    /// When the change that it is about is estimated to have begun.
    pub since: Option<Timestamp>,
    /// When it fired, by the broker's clock. One that fired under a suppression and outlasted it fired when
    /// the suppression ended.
    pub fired_at: Timestamp,
    /// Who acknowledged it first.
    pub acknowledged_by: Option<String>,
    /// When, by the broker's clock.
    pub acknowledged_at: Option<Timestamp>,
    /// `event_id` of the last change of the agent before it fired.
    pub last_change_id: Option<String>,
    /// The suppression that mutes it.
    pub suppressed_by: Option<String>,
    /// Partition of the alerts topic.
    pub partition: i32,
    /// For a dead monitor: the partition that it watches.
    pub watched_partition: Option<i64>,
}

impl Open {
    /// Applies an event, read from `partition` and stamped by the broker with the time `at`, to the
    /// open alerts. Who wrote it, and whether it is believed, the caller knows.
    pub fn apply(
        open: &mut BTreeMap<String, Self>,
        partition: i32,
        at: Timestamp,
        event: &Event<'_>,
    ) {
        let text = |column| event.text(column).map(str::to_owned);
        let Some(alert_id) = text(column::drift::ALERT_ID) else { return };
        match event.text(column::KIND) {
            Some(kind::DRIFT_ALERT_FIRING | kind::MONITOR_DEAD) => {
                let known = open.get(&alert_id);
                if known.is_some_and(|known| known.suppressed_by.is_none()) {
                    // It has fired already, as for its receivers.
                    return;
                }
                let alert = Self {
                    target: Target::of(event),
                    direction: text(column::drift::DIRECTION),
                    since: event.time(column::drift::SINCE_TIME),
                    fired_at: at,
                    acknowledged_by: known.and_then(|known| known.acknowledged_by.clone()),
                    acknowledged_at: known.and_then(|known| known.acknowledged_at),
                    last_change_id: text(column::drift::LAST_CHANGE_ID),
                    suppressed_by: text(column::drift::SUPPRESSED_BY),
                    partition,
                    watched_partition: event.int(column::monitor::PARTITION),
                    alert_id: alert_id.clone(),
                };
                open.insert(alert_id, alert);
            }
            Some(kind::DRIFT_ALERT_ACKNOWLEDGED) => {
                if let Some(alert) = open.get_mut(&alert_id)
                    && alert.acknowledged_at.is_none()
                {
                    alert.acknowledged_by = text(column::actor::ID);
                    alert.acknowledged_at = Some(at);
                }
            }
            Some(
                kind::DRIFT_ALERT_RESOLVED | kind::DRIFT_ALERT_DISMISSED | kind::MONITOR_RECOVERED,
            ) => {
                open.remove(&alert_id);
            }
            Some(_) | None => {}
        }
    }
}
