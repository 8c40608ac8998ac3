//! Which baseline the streams of an agent have, and the baselines that outlive a version: pinned
//! snapshots and the weeks before.
//!
//! | `baseline` of the metric | a `drift.baseline.pinned` event | what holds |
//! |---|---|---|
//! | `previous` | names the metric, or none | the pin, until `drift.baseline.unpinned` |
//! | `pinned` | names the metric, or none | the pin; without one, the first version with enough observations that another took over from |
//! | `rolling` | names the metric | the pin |
//! | `rolling` | names no metric | the weeks before |
//!
//! Tests begin anew at the exact offset of a pin; of a changed setting, at the stream's next
//! observation. A pin takes what its version has shown until then outside of alerts, and never
//! absorbs anything. One that names an open alert (`drift.alert_id`) says that the new level is
//! the norm: it takes what was observed since the alert fired.
//!
//! A pin of what is not known or has no observations is refused, counted (`pins_refused`) and said
//! so (`drift.baseline.refused`).
//!
//! **Bound.** As many suites of a metric as `suites_per_key_max`; pins go when the agent is
//! evicted.

mod act;
#[cfg(test)]
mod calm;
mod cells;
mod coarse;
mod pins;
mod weeks;

pub(crate) use self::act::Act;
pub(crate) use self::pins::{Baselines, By, Pin};
