//! Baselines: pinning the version that an agent is compared with, and unpinning it.

use event::{Event, column, kind};

use crate::actor::{Actor, Stamp};
use crate::error::{ActError, Field, not_empty};
use crate::target::Target;

/// Compare an agent with the observations of one of its versions until it is unpinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The agent, and the version to compare with; the current one if absent.
    pub target: Target,
    /// A firing alert to accept: the observations since its change become the baseline.
    pub alert_id: Option<String>,
    /// The actor.
    pub actor: Actor,
}

impl Pin {
    /// Kind of the event.
    pub const KIND: &'static str = kind::DRIFT_BASELINE_PINNED;

    /// The event.
    ///
    /// # Errors
    ///
    /// See [`ActError`].
    pub fn event(&self, stamp: &Stamp) -> Result<Event<'static>, ActError> {
        event(Self::KIND, &self.target, self.alert_id.as_deref(), &self.actor, stamp)
    }
}

/// Compare an agent with its configured baseline again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpin {
    /// The agent.
    pub target: Target,
    /// The actor.
    pub actor: Actor,
}

impl Unpin {
    /// Kind of the event.
    pub const KIND: &'static str = kind::DRIFT_BASELINE_UNPINNED;

    /// The event.
    ///
    /// # Errors
    ///
    /// See [`ActError`].
    pub fn event(&self, stamp: &Stamp) -> Result<Event<'static>, ActError> {
        event(Self::KIND, &self.target, None, &self.actor, stamp)
    }
}

fn event(
    kind: &str,
    target: &Target,
    alert_id: Option<&str>,
    actor: &Actor,
    stamp: &Stamp,
) -> Result<Event<'static>, ActError> {
    match &target.agent_id {
        Some(agent) => not_empty(Field::Agent, agent)?,
        None => return Err(ActError::invalid(Field::Agent, "is required")),
    }
    if let Some(metric) = &target.metric {
        let watched = monitor::metric::ALL.iter().filter_map(|metric| metric.watch);
        let names: Vec<&str> = watched.map(|watch| watch.metric).collect();
        if !names.contains(&metric.as_str()) {
            let text = format!("must be one of {}", names.join(", "));
            return Err(ActError::invalid(Field::Metric, text));
        }
    }
    let builder = actor.event(kind, column::drift::REASON, stamp)?;
    Ok(target.set(builder).set_some(column::drift::ALERT_ID, alert_id).build()?)
}
