//! The processing service: reads the events of its partitions and publishes what
//! [`monitor::Processor`] computes from them.
//!
//! # Promise
//!
//! - **Exactly once, without transactions.** Every output names its origin. A snapshot is written
//!   only after all outputs before it were acknowledged, and records the ends of the output
//!   partitions. After a restart the outputs from there on are read, the records since the snapshot
//!   are computed again, and outputs that are in the log already are not published again.
//! - No output is dropped: one that cannot be built ends the role, and one that cannot be published
//!   is computed again.
//! - The cost of a snapshot is proportional to what has changed since the previous one (see
//!   `saved`).
//! - After a kill it resumes in about the time that it takes to read its snapshots: partitions that
//!   are assigned together are opened together, with one consumer. (This needs static group
//!   membership, `kafka.instance`; a range that ends in offsets without records still costs
//!   `read_wait_ms_max`.)
//! - The partition of an output is that of its input, so one owner writes both.
//! - A zombie process, or a lost acknowledgement, can at worst repeat an identical output under the
//!   same `event_id`.
//! - Ticks are written into every partition: the archive shows when it was watched and how far its
//!   outputs had reached, and in idle partitions they let windows close. When a tick is read, it
//!   gives `monitor.alive`.
//! - A processor that opens a partition claims it by `monitor.started`, with the next epoch. It writes
//!   nothing else into it before it has read its claim and no other one was earlier. One that
//!   starts without state in a partition that is not new says so in its claim, before it computes,
//!   so that a replay can follow.
//! - What it writes into partitions, and alerts, carries its signature (`governance`); records of
//!   anybody else change nothing.
//! - Acts of people and pipelines are read from the governance topic. Those that are signed by the gateway,
//!   in scope and not in the partition yet, its owner admits (`monitor.admitted`), within about
//!   [`Config::poll_wait_ms`]; they take effect at that record and nowhere else.
//! - A record that names the schema of another writer waits, if there is a registry, until the worker of its
//!   partition has said in the partition what that schema is (`monitor.schemas`), or that there is none;
//!   so that the sealer decodes it alike ([`::governance::Reader`]).
//! - Settings are part of the record: where those in force differ from the configuration, a
//!   `monitor.configured` event is written into the partition, and they are in force from its
//!   offset on; in an empty partition right behind the claim.
//!
//! | state of an output | if the process dies here |
//! |---|---|
//! | computed | it is computed again |
//! | published, not acknowledged | the next owner reads whether it is in the log |
//! | acknowledged, after the snapshot | the next owner computes it again, finds it in the log and does not publish it |
//! | acknowledged, before the snapshot | it is not computed again |
//!
//! # What it does not do
//!
//! It makes no decisions: windows, detectors and alerts are computed by `monitor`. It does not
//! create topics.

mod admitting;
mod answering;
mod claim;
mod config;
mod governance;
mod identity;
mod load;
mod outbox;
mod partition;
mod published;
mod remarks;
mod role;
mod saved;
mod sources;
mod statement;
mod timer;

pub use config::{Config, Topics};
pub use identity::Identity;
pub use role::{Processor, run};
pub use sources::Schemas;
