//! Maintenance windows: a time range excluded from drift detection and from baselines, for one
//! agent or for all.

use event::{column, kind};

use crate::timed::Timed;

/// `maintenance.*`.
pub const MAINTENANCE: Timed = Timed {
    name: "maintenance window",
    started: kind::MAINTENANCE_STARTED,
    ended: kind::MAINTENANCE_ENDED,
    applied: kind::MAINTENANCE_APPLIED,
    closed: None,
    id: column::maintenance::ID,
    id_is_event_id: false,
    from: column::maintenance::FROM,
    until: column::maintenance::UNTIL,
    reason: column::maintenance::REASON,
    needs_agent: false,
    end_has_time: true,
};
