//! The event log on Apache Kafka. The only crate that names rdkafka.
//!
//! # Promise
//!
//! - Publishing is idempotent and acknowledged by all in-sync replicas; records with a key land
//!   where Java clients put them (`murmur2_random`).
//! - A consumer never reads from an offset that nobody asked for: a partition enters librdkafka's
//!   assignment only with the offset that was sought, `auto.offset.reset` is `error`, and committed
//!   offsets are only ever written.
//! - Records of revoked partitions are not delivered afterwards, not even those already fetched.
//! - Aborted records of transactions are never seen (`read_committed`); [`ports::OffsetRange::next`]
//!   is the last stable offset.
//! - A static group member ([`Options::instance`]) that crashes gets its partitions back as soon as it
//!   restarts, without waiting for a session timeout. Two processes with one id do not stop each other.
//! - Memory is bounded: publications in flight, librdkafka's prefetch, and the records copied.
//! - Properties of librdkafka pass through unchanged ([`Options::client`]), except those on which
//!   the promises above rest, which are refused. Their values are never printed.
//!
//! # What it does not do
//!
//! Transactions. And it cannot see that a topic was deleted and created again: the client library
//! offers no topic identity without unsafe code, so [`ports::EventLog::topic_id`] is the identity
//! of the cluster and the name. A position beyond the end of the new topic is still noticed, as
//! `OutOfRange`.

mod consumer;
mod context;
mod instance;
mod log;
mod options;
mod outcome;
mod producer;
mod topics;

pub use log::KafkaLog;
pub use options::Options;
