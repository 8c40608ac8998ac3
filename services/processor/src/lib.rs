//! The processing service: reads the events of its partitions and publishes what
//! [`monitor::Processor`] computes from them.
//!
//! # Promise
//!
//! - **Exactly once, without transactions.** Every output names its origin. A snapshot is written
//!   only after everything computed before it was acknowledged, and says how far the output
//!   partitions reached. After a restart the outputs from there on are read, the records since
//!   the snapshot are computed again, and outputs that the log holds are not published again.
//! - An output that cannot be built or published ends the role or is computed again; none is dropped.
//! - A snapshot costs what has changed since the previous one (see `saved`).
//! - After a kill it resumes in about the time that reading its snapshots takes: partitions that are
//!   assigned together are taken over together, with one consumer for all. (This needs static group
//!   membership, `kafka.instance`; a range that ends in offsets without records still costs
//!   `read_wait_ms_max`.)
//! - Output partition = input partition, so one owner writes both.
//! - A zombie process, or a lost acknowledgement, can at worst repeat an identical output under the
//!   same `event_id`.
//! - Every partition gets ticks, so that the archive shows when it was watched and how far its outputs
//!   had got; those into idle ones let windows close. Read back they become `monitor.alive`.
//! - A processor that starts without state in a partition that is not new says so (`monitor.started`)
//!   before it computes, so that a replay can follow.
//! - Settings are part of the record: where those in force differ from the configuration, a
//!   `monitor.configured` event is written into the partition, and they hold from its offset on;
//!   in an empty partition from its first offset on.
//!
//! | state of an output | if the process dies here |
//! |---|---|
//! | computed | nothing has happened; it is computed again |
//! | published, not acknowledged | the log holds it or not; the next owner reads which |
//! | acknowledged, after the snapshot | the next owner computes it, finds it and drops it |
//! | acknowledged, before the snapshot | it is not computed again |
//!
//! # What it does not do
//!
//! It decides nothing: windows, detectors and alerts are computed by `monitor`. It does not create
//! topics.

mod config;
mod load;
mod outbox;
mod partition;
mod published;
mod role;
mod saved;
mod statement;
mod timer;

pub use config::{Config, Topics};
pub use role::{Processor, run};
