//! Firing alerts, and acknowledging or dismissing them.
//!
//! Acknowledging tells receivers that somebody is working on an alert; dismissing ends it for them.
//! Neither affects the monitor, which resolves the alert when the effect is gone.

use std::collections::BTreeMap;
use std::fmt;

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
    /// When it fired.
    pub since: Option<Timestamp>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// The suppression that mutes it.
    pub suppressed_by: Option<String>,
    /// Partition of the alerts topic.
    pub partition: i32,
    /// For a dead monitor: the partition that it watches.
    pub watched_partition: Option<i64>,
}

impl Open {
    /// Applies an event of the alerts topic, read from `partition`, to the open alerts.
    pub fn apply(open: &mut BTreeMap<String, Self>, partition: i32, event: &Event<'_>) {
        let text = |column| event.text(column).map(str::to_owned);
        let Some(alert_id) = text(column::drift::ALERT_ID) else { return };
        match event.text(column::KIND) {
            Some(kind::DRIFT_ALERT_FIRING | kind::MONITOR_DEAD) => {
                let alert = Self {
                    target: Target::of(event),
                    direction: text(column::drift::DIRECTION),
                    since: event.time(column::EVENT_TIME),
                    acknowledged_by: None,
                    suppressed_by: text(column::drift::SUPPRESSED_BY),
                    partition,
                    watched_partition: event.int(column::monitor::PARTITION),
                    alert_id: alert_id.clone(),
                };
                open.insert(alert_id, alert);
            }
            Some(kind::DRIFT_ALERT_ACKNOWLEDGED) => {
                if let Some(alert) = open.get_mut(&alert_id) {
                    alert.acknowledged_by = text(column::actor::ID);
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

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        write!(
            f,
            "{}  {} {} {} [{}] since ",
            self.alert_id,
            text(&target.agent_id),
            text(&target.agent_version),
            text(&target.metric),
            text(&target.severity),
        )?;
        match self.since {
            Some(since) => write!(f, "{since}")?,
            None => f.write_str("-")?,
        }
        if let Some(actor) = &self.acknowledged_by {
            write!(f, ", acknowledged by {actor}")?;
        }
        if let Some(id) = &self.suppressed_by {
            write!(f, ", suppressed by {id}")?;
        }
        Ok(())
    }
}
