//! Acts with a period: what suppressions and maintenance windows share.

use event::TypedColumn;
use event::typed::{Text, Time};

/// Kinds and columns of an act with a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// Its name.
    pub name: &'static str,
    /// Kind of the request.
    pub started: &'static str,
    /// Kind of the request to end it early.
    pub ended: &'static str,
    /// Kind of the monitor's event that it is in force.
    pub applied: &'static str,
    /// Kind of the monitor's event that it has ended, if there is one.
    pub closed: Option<&'static str>,
    /// Column of its identifier.
    pub(crate) id: TypedColumn<Text>,
    /// Whether the `event_id` of the request is its identifier; else the column is.
    pub(crate) id_is_event_id: bool,
    /// Column of its beginning.
    pub(crate) from: TypedColumn<Time>,
    /// Column of its end.
    pub(crate) until: TypedColumn<Time>,
    /// Column of the reason.
    pub(crate) reason: TypedColumn<Text>,
    /// Whether it must name an agent.
    pub(crate) needs_agent: bool,
    /// Whether a request to end it has the time of the end.
    pub(crate) end_has_time: bool,
}
