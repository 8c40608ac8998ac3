//! The event log port: what the core needs from a log, whichever one it is.
//!
//! [`EventLog`] is a partitioned, ordered log with keys, offsets and broker timestamps. It has
//! three adapters: `kafka` (rdkafka), `embedded` (a directory) and `sim` (in memory, with fault
//! injection). One public suite, [`conformance`], defines their behaviour; all three pass it.
//!
//! Reading blocks: a consumer belongs to one thread and returns whole batches, so that the port
//! costs a reader one virtual call per batch. Publishing is asynchronous, with a callback, which
//! suits threads and async runtimes alike.
//!
//! # What it does not do
//!
//! No transactions. No stored start position: after an assignment a consumer delivers nothing from
//! a partition until [`Consumer::seek`] sets its offset. Offsets committed to the log are advisory
//! (they feed lag displays); each role keeps its own record of progress.

pub mod conformance;
mod error;
pub mod group;
pub mod identity;
pub mod local;
mod log;
pub mod mark;
mod partitioner;
mod publish;
pub mod settings;

pub use error::LogError;
pub use log::{
    Consumer, Delivery, EventLog, OffsetRange, Outgoing, Polled, Position, Producer, Published,
    QueueFull, Subscription, TopicSpec,
};
pub use partitioner::partition_of;
pub use publish::{Receipt, publish, publish_and_wait};
