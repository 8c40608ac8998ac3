//! Suppressions: matching alerts are recorded, but not sent, until a deadline.

use event::{column, kind};

use crate::timed::Timed;

/// `drift.suppression.*`.
pub const SUPPRESSION: Timed = Timed {
    name: "suppression",
    started: kind::DRIFT_SUPPRESSION_STARTED,
    ended: kind::DRIFT_SUPPRESSION_ENDED,
    applied: kind::DRIFT_SUPPRESSION_APPLIED,
    closed: Some(kind::DRIFT_SUPPRESSION_CLOSED),
    id: column::drift::SUPPRESSION_ID,
    id_is_event_id: true,
    from: column::drift::FROM,
    until: column::drift::UNTIL,
    reason: column::drift::REASON,
    needs_agent: true,
    end_has_time: false,
};
