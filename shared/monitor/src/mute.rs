//! Suppressions and maintenance windows, by which people or release pipelines mute the monitor.
//!
//! | | suppression | maintenance window |
//! |---|---|---|
//! | purpose | mute matching alerts until a deadline | exclude a time range from drift detection |
//! | clock | the broker's | event time |
//! | scope | one agent, or some of its alerts | one agent, or the whole partition |
//! | detectors | continue; alerts are emitted and marked | ignore that range |
//! | at its end | alerts that still fire are emitted again | tests continue from where they were |
//!
//! Both are events in the log, in force from the offset of the event on, so that a replay includes
//! them. The response is an event in the alerts topic: applied, or refused with the reason. Muting
//! is always bounded: each request names its requester, expires by itself, and counts towards a
//! limit. A request beyond a limit is refused, and alerts are delivered.
//!
//! The reason that a person gives is not read: it is erasable, and a replay must not depend on it.

mod maintenance;
mod mutes;
mod request;
mod suppression;

pub(crate) use self::mutes::Mutes;
