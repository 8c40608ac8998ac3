//! The processing service: reads the events of its partitions, and publishes what
//! [`monitor::Processor`] computes from them.
//!
//! # Promise
//!
//! - **Exactly once, without transactions.** Every output names its origin. A snapshot is written
//!   only after everything computed before it was acknowledged, and says how far the output
//!   partitions reached. After a restart the outputs from there on are read, the records since
//!   the snapshot are computed again, and what is already there is not published again.
//! - A snapshot costs what has changed since the one before (see `saved`).
//! - After a kill it is back in about as long as it takes to read its snapshots: partitions that come
//!   together are taken over together, each reading by one consumer for all. (The group must know
//!   the process by its name, `kafka.instance`; a range that ends in offsets without records still
//!   costs `read_wait_ms_max`.)
//! - Output partition = input partition, so one owner writes both.
//! - A zombie, or an answer that was lost, can at worst repeat an identical output with the same
//!   `event_id`.
//! - Every partition gets ticks, so that the archive shows when it was watched and how far its outputs
//!   had got; those into idle ones let windows close. Read again they are `monitor.alive`.
//! - A state that begins anew in a partition that is not new says so (`monitor.started`) before it
//!   computes, so that a replay can follow.
//! - Settings are part of the record: where those in force differ from the configuration, a
//!   `monitor.configured` event is written into the partition, and they hold from its offset on;
//!   from the first offset of a partition that was empty.
//!
//! | state of an output | if the process dies here |
//! |---|---|
//! | computed | nothing has happened; it is computed again |
//! | published, not acknowledged | it is there or not; the next owner reads which |
//! | acknowledged, after the snapshot | the next owner computes it, finds it and keeps silent |
//! | acknowledged, before the snapshot | it is not computed again |
//!
//! # What it does not do
//!
//! It decides nothing: windows, detectors and alerts are `monitor`'s. It does not create topics.

mod config;
mod load;
mod outbox;
mod own;
mod partition;
mod read;
mod role;
mod saved;

pub use config::{Config, Topics};
pub use role::{Role, RunError, run};
