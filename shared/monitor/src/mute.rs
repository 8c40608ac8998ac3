//! What people (or systems) ask to be kept quiet: suppressions and maintenance windows.
//!
//! | | suppression | maintenance window |
//! |---|---|---|
//! | says | tell nobody of such alerts until then | what happens in this time says nothing |
//! | clock | the broker's, as far as the log has come | event time |
//! | of | one agent, or some of its alerts | one agent, or the whole partition |
//! | detectors | go on; alerts are recorded and marked | see nothing of it |
//! | if it ends | who still fires is told then | the test goes on where it stood |
//!
//! Both are asked for by events of the log, and hold from the offset of that event on, so a replay
//! finds the same. What was asked is answered in the alerts topic: applied, or refused with the
//! reason. Nothing is silenced without a bound: who asks is named, both end by themselves, and
//! both are bounded in number. Whatever exceeds a bound is refused, and alerts are told.
//!
//! The reason that a person gives is not read: it is erasable, and a replay must not need it.

mod asked;
mod maintenance;
mod mutes;
mod suppression;

pub(crate) use self::mutes::Mutes;
