//! A version that is tried on part of the traffic beside the one that it may replace.
//!
//! A deployment with `agent.traffic_share` strictly between 0 and 1 starts a canary if a version is
//! current: that one, the *control*, stays current and stays watched. Each stream of zeros and
//! ones or of sizes that both versions have is tested as it comes (see `pair`): does the canary fail
//! more often, or is it slower, dearer, longer?
//!
//! ```text
//!            deployed with a share of the traffic
//! (none) -------------------------------------------> running ----> ended, and says how
//!
//! promoted      deployed without a share, or with 1: it takes over at that offset
//! rolled_back   a rollback that names it or goes back to the control; the control deployed
//!               without a share; deployed with share 0
//! superseded    another canary, or another version takes over
//! forgotten     its state or that of the control made room for others (`keys_max`)
//! ```
//!
//! Deployed with another share it runs on: the test does not mind which side has how much traffic.
//! A version deployed with share 0 has no traffic, and changes nothing else.
//!
//! **Events.** `drift.canary.started`; an alert for each stream in which it is worse, with the
//! detector `canary`, from `drift.alert.firing` at once (the evidence is the whole experiment's)
//! to `drift.alert.resolved` when the canary ends; `drift.canary.ended` for each stream, with the
//! final confidence sequence, or one without a stream if none had a pair.
//!
//! **What it does not do.** Mixes are not compared during a canary, and sizes that become smaller
//! are no alert: the interval of the end tells of them. A canary has no baseline until it is
//! promoted; then what it did as a canary is not held against it, and counts for the next version's
//! baseline.

mod decision;
mod pair;
mod trial;

pub(crate) use self::decision::{Ending, Step, decide};
pub(crate) use self::pair::DETECTOR;
pub(crate) use self::trial::Canary;
