//! What the core needs from the world: an event log, and nothing about which one.
//!
//! [`EventLog`] is a partitioned, ordered log with keys, offsets and broker timestamps. It has
//! three adapters: `kafka` (rdkafka), `embedded` (a directory) and `sim` (memory, with faults).
//! One public suite, [`conformance`], defines what they must do; all three pass it.
//!
//! Everything is blocking: a consumer belongs to one thread, and a batch is handed over whole, so
//! the port costs a reader one virtual call per batch. Publishing is asynchronous by callback,
//! which suits threads and async runtimes alike.
//!
//! # What it does not promise
//!
//! No transactions, and no position of its own: after an assignment a consumer delivers nothing
//! from a partition until [`Consumer::seek`] has said where to start. Positions committed to the
//! log are advisory (lag displays); the truth about progress is elsewhere.

pub mod conformance;
mod error;
pub mod group;
pub mod local;
mod log;
mod partitioner;
mod publish;

pub use error::LogError;
pub use log::{
    Consumer, Delivery, EventLog, OffsetRange, Outgoing, Polled, Position, Producer, Published,
    Subscription, TopicSpec,
};
pub use partitioner::partition_of;
pub use publish::{Receipt, publish, publish_and_wait};
