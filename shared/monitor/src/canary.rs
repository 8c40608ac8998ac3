//! A canary: a version that runs on part of the traffic beside the one that it may replace.
//!
//! A deployment with `agent.traffic_share` strictly between 0 and 1 starts a canary if there is a
//! current version. That version, the *control*, stays current and is still watched. Each stream of
//! rates or sizes that both versions have is tested continuously (see `pair`): does the canary fail
//! more often, or is it slower, costlier or longer?
//!
//! ```text
//!            deployed with a share of the traffic
//! (none) -------------------------------------------> running ----> ended, with an outcome
//!
//! promoted      deployed without a share, or with 1: it takes over at that offset; or all runs are its own,
//!               so that there is nothing to compare it with: at least 128 in a row, more for a large share
//! rolled_back   a rollback that names it or returns to the control; the control deployed
//!               without a share; deployed with share 0
//! superseded    another canary starts, or another version takes over
//! forgotten     its state or that of the control was evicted (`keys_max`)
//! ```
//!
//! If it is deployed with another share, it continues: the test does not depend on the split of the
//! traffic. Deploying a new version with share 0 has no effect, as it gets no traffic.
//!
//! **Events.** `drift.canary.started`; for each stream in which the canary is worse an alert with
//! the detector `canary`, which fires without a pending phase (the evidence is that of the whole
//! experiment) and resolves when the canary ends; `drift.canary.ended` for each stream, with the
//! final confidence sequence, or a single one if there was no stream with pairs.
//!
//! **What it does not do.** Mixes are not compared, and a canary with smaller sizes does not alert:
//! the final interval shows the difference. A canary is not compared with a baseline until it is
//! promoted; its observations before count towards the next version's baseline.

mod decision;
mod pair;
mod trial;

pub(crate) use self::decision::{Ending, Step, decide};
pub(crate) use self::pair::{DETECTOR, Pair};
pub(crate) use self::trial::Canary;
