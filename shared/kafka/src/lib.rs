//! The event log on Apache Kafka. The only crate that names rdkafka.
//!
//! # Promise
//!
//! - Publishing is idempotent and acknowledged by all in-sync replicas; records with a key land
//!   where Java clients put them (`murmur2_random`).
//! - A consumer never reads from an offset that it was not given: a partition enters librdkafka's
//!   assignment only with the offset of a seek, `auto.offset.reset` is `error`, and committed
//!   offsets are written but never read.
//! - Records of revoked partitions are not delivered after the revocation, even if already fetched.
//! - Records of aborted transactions are never delivered (`read_committed`);
//!   [`ports::OffsetRange::next`] is the last stable offset.
//! - A static group member ([`Options::instance`]) that crashes gets its partitions back as soon as it
//!   restarts, without waiting for a session timeout. Two processes with one id do not stop each other.
//! - A member whose client librdkafka gives up joins anew; its partitions are reported as revoked.
//! - Memory is bounded: records in flight, librdkafka's prefetch queue, and the copied records.
//! - Properties of librdkafka pass through unchanged ([`Options::client`]), except those that the
//!   promises above depend on, which are rejected. Their values are never printed.
//!
//! # What it does not do
//!
//! Transactions. Where brokers are older than Kafka 2.8 they have no topic ids, so that
//! [`ports::EventLog::topic_id`] consists of cluster id and name.
//!
//! `unsafe` is in one module, `native`, with its invariants.

mod blocking;
mod closing;
mod consumer;
mod context;
mod cursor;
mod instance;
mod log;
mod native;
#[cfg(feature = "operate")]
pub mod operate;
mod options;
mod outcome;
mod producer;
mod progress;
mod renewed;
mod settings;
mod topics;
mod unowned;
mod unreadable;

pub use log::KafkaLog;
pub use options::Options;
