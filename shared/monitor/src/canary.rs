//! A canary: a version that is tried on part of the traffic beside the one it may replace.
//!
//! A deployment with `agent.traffic_share` strictly between 0 and 1 starts a canary if a version is
//! current. That version, the *control*, stays current and stays watched. Each stream of rates or
//! sizes that both versions have is tested as it arrives (see `pair`): does the canary fail more
//! often, or is it slower, costlier, longer?
//!
//! ```text
//!            deployed with a share of the traffic
//! (none) -------------------------------------------> running ----> ended, with an outcome
//!
//! promoted      deployed without a share, or with 1: it takes over at that offset
//! rolled_back   a rollback that names it or returns to the control; the control deployed
//!               without a share; deployed with share 0
//! superseded    another canary starts, or another version takes over
//! forgotten     its state or that of the control was evicted (`keys_max`)
//! ```
//!
//! Deployed with another share, it continues: the test does not depend on the split of the traffic.
//! A version deployed with share 0 has no traffic, and nothing else changes.
//!
//! **Events.** `drift.canary.started`; an alert for each stream in which the canary is worse, with
//! the detector `canary`, from `drift.alert.firing` at once (the evidence is the whole experiment's)
//! to `drift.alert.resolved` when the canary ends; `drift.canary.ended` for each stream, with the
//! final confidence sequence, or one without a stream if none had a pair.
//!
//! **What it does not do.** Mixes are not compared during a canary, and sizes that become smaller
//! are no alert: the final interval shows them. A canary has no baseline until it is promoted; what
//! it did before is then not tested, and counts towards the next version's baseline.

mod decision;
mod pair;
mod trial;

pub(crate) use self::decision::{Ending, Step, decide};
pub(crate) use self::pair::{DETECTOR, Pair};
pub(crate) use self::trial::Canary;
