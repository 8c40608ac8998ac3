//! Requests to start and to end an act with a period.

use event::{Event, Timestamp};

use crate::actor::{Actor, Stamp};
use crate::error::{ActError, Field, not_empty};
use crate::in_force::InForce;
use crate::period::Period;
use crate::target::Target;
use crate::timed::Timed;

/// A request to start one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its identifier.
    pub id: String,
    /// Its target.
    pub target: Target,
    /// Its period.
    pub period: Period,
    /// The actor.
    pub actor: Actor,
}

impl Request {
    /// The event.
    ///
    /// # Errors
    ///
    /// See [`ActError`].
    pub fn event(&self, timed: &Timed, stamp: &Stamp) -> Result<Event<'static>, ActError> {
        if let Some(agent) = &self.target.agent_id {
            not_empty(Field::Agent, agent)?;
        } else if timed.needs_agent {
            return Err(ActError::invalid(Field::Agent, "is required"));
        }
        let (from, until) = self.period.resolve(stamp.time)?;
        let own = Stamp { event_id: self.id.clone(), time: stamp.time };
        let stamp = if timed.id_is_event_id { &own } else { stamp };
        let mut builder = self.actor.event(timed.started, timed.reason, stamp)?;
        if !timed.id_is_event_id {
            builder = builder.set(timed.id, self.id.as_str());
        }
        builder = self.target.set(builder).set(timed.from, from).set(timed.until, until);
        Ok(builder.build()?)
    }
}

/// A request to end one early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When it ended; the time of the event if absent. Not used for a suppression, which ends when the
    /// monitor reads the request.
    pub at: Option<Timestamp>,
    /// The actor.
    pub actor: Actor,
}

impl Ending {
    /// The event that ends `in_force`, with the same target.
    ///
    /// # Errors
    ///
    /// See [`ActError`]; [`Field::EndedAt`] if it had ended before.
    pub fn event(
        &self,
        timed: &Timed,
        in_force: &InForce,
        stamp: &Stamp,
    ) -> Result<Event<'static>, ActError> {
        let mut builder = self.actor.event(timed.ended, timed.reason, stamp)?;
        builder = in_force.target.set(builder).set(timed.id, in_force.id.as_str());
        if timed.end_has_time {
            let at = self.at.unwrap_or(stamp.time);
            if let Some(until) = in_force.until.filter(|until| at >= *until) {
                let text = format!("must be before the end of the {}, {until}", timed.name);
                return Err(ActError::invalid(Field::EndedAt, text));
            }
            builder = builder.set(timed.until, at);
        }
        Ok(builder.build()?)
    }
}
