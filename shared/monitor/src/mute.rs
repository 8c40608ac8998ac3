//! Suppressions and maintenance windows: how people, or release pipelines, mute the monitor.
//!
//! | | suppression | maintenance window |
//! |---|---|---|
//! | purpose | mute matching alerts until a deadline | exclude a time range from drift detection |
//! | clock | the broker's | event time |
//! | scope | one agent, or some of its alerts | one agent, or the whole partition |
//! | detectors | go on; alerts are emitted and marked | see nothing of that range |
//! | at its end | alerts that still fire are emitted again | tests continue where they stood |
//!
//! Both are events of the log and in force from the offset of that event on, so that a replay
//! repeats them. The alerts topic carries the answer: applied, or refused with the reason. Nothing
//! is muted without a bound: each names who requested it, ends by itself, and counts towards a
//! limit. A request beyond a limit is refused, and alerts are delivered.
//!
//! The reason that a person gives is not read: it is erasable, and a replay must not need it.

mod maintenance;
mod mutes;
mod request;
mod suppression;

pub(crate) use self::mutes::Mutes;
