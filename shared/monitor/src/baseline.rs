//! The baselines of an agent that outlive a version: pinned snapshots and the weeks before.
//!
//! | `baseline` of the metric | a `drift.baseline.pinned` event | baseline in force |
//! |---|---|---|
//! | `previous` | names the metric, or none | the pin, until `drift.baseline.unpinned` |
//! | `pinned` | names the metric, or none | the pin; without one, the first version with enough observations that was replaced by another |
//! | `rolling` | names the metric | the pin |
//! | `rolling` | names no metric | the weeks before |
//!
//! Tests restart at the exact offset of a pin; after a change of settings, at the stream's next
//! observation. A pin takes the observations of its version until then, outside of alerts, and
//! never changes afterwards. A pin that names an open alert (`drift.alert_id`) declares the new
//! level as normal: it takes the observations since the alert fired.
//!
//! A pin of an unknown version, or without observations, is refused, counted (`pins_refused`) and
//! reported (`drift.baseline.refused`).
//!
//! **Bound.** `suites_per_key_max` suites per metric; pins are lost when the agent is evicted.

mod act;
#[cfg(test)]
mod calm;
mod coarse;
mod per_channel;
mod pins;
mod weeks;

pub(crate) use self::act::Act;
pub(crate) use self::pins::{Baselines, By, Pin};
