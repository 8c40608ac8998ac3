//! Who acts and why, and the identity of the event that says so.

use event::typed::Text;
use event::{EventBuilder, Timestamp, TypedColumn, column};

use crate::error::{ActError, Field, not_empty};

/// Who acts, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Identifier of the person or pipeline, as they state it.
    pub id: String,
    /// The reason they give.
    pub reason: String,
}

/// Identity of an act's event; never chosen here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// `event_id`; must be unique.
    pub event_id: String,
    /// `event_time`.
    pub time: Timestamp,
}

impl Actor {
    /// The beginning of an act's event. `reason` is the column that takes the reason.
    pub(crate) fn event(
        &self,
        kind: &str,
        reason: TypedColumn<Text>,
        stamp: &Stamp,
    ) -> Result<EventBuilder, ActError> {
        not_empty(Field::Actor, &self.id)?;
        not_empty(Field::Reason, &self.reason)?;
        Ok(EventBuilder::new(kind)
            .set(column::EVENT_ID, stamp.event_id.as_str())
            .set(column::EVENT_TIME, stamp.time)
            .set(column::actor::TYPE, "human")
            .set(column::actor::ID, self.id.as_str())
            .set(column::actor::EVIDENCE_LEVEL, "self_reported")
            .set(reason, self.reason.as_str()))
    }
}
