//! What suppressions and maintenance windows have in common: kinds and columns of an act that holds
//! for a time.

use event::TypedColumn;
use event::typed::{Text, Time};

/// The kinds and columns of an act that holds for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// What it is called.
    pub name: &'static str,
    /// Kind of the request.
    pub started: &'static str,
    /// Kind of the request to end it early.
    pub ended: &'static str,
    /// Kind by which the monitor says that it is in force.
    pub applied: &'static str,
    /// Kind by which the monitor says that it is over, if it does.
    pub closed: Option<&'static str>,
    /// Column of its identifier.
    pub(crate) id: TypedColumn<Text>,
    /// Whether the request's own `event_id` identifies it; else the column does.
    pub(crate) id_is_event_id: bool,
    /// Column of its beginning.
    pub(crate) from: TypedColumn<Time>,
    /// Column of its end.
    pub(crate) until: TypedColumn<Time>,
    /// Column of the reason.
    pub(crate) reason: TypedColumn<Text>,
    /// Whether it must name an agent.
    pub(crate) needs_agent: bool,
    /// Whether a request to end it says when it ended.
    pub(crate) end_has_time: bool,
}
