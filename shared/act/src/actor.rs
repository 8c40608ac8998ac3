//! The actor of an act, and the identity of its event.

use event::typed::Text;
use event::{EventBuilder, Timestamp, TypedColumn, column};

use crate::error::{ActError, Field, not_empty};

/// Who acts and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Name of the person or pipeline, self-reported.
    pub id: String,
    /// Reason.
    pub reason: String,
}

/// Identity and time of the event of an act, chosen by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// `event_id`, unique.
    pub event_id: String,
    /// `event_time`.
    pub time: Timestamp,
}

impl Actor {
    /// Starts the event of an act. `reason` is the column for the reason.
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
