//! An in-memory event log with fault injection, for tests of everything that reads or writes a log.
//!
//! # Promise
//!
//! - Deterministic: the same calls in the same order give the same answers. Timestamps come from a
//!   clock that the test sets ([`MemoryLog::set_now_ms`]), identities from a counter; there is no
//!   randomness.
//! - It passes the conformance suites of the durable logs (`ports::conformance`).
//! - Every call can fail without effect, or take effect and lose its answer ([`Fault`]). Also
//!   simulated: late acknowledgements, duplicate appends, an unreachable log, rebalances, members
//!   that were evicted without knowing it yet, offsets without records, deleted records, deleted
//!   topics.
//!
//! ```
//! use ports::{EventLog, Outgoing, TopicSpec, publish_and_wait};
//! use std::time::Duration;
//!
//! let log = sim::MemoryLog::new();
//! log.create_topics(&[TopicSpec { name: "t".into(), partitions: 1, compacted: false, kept: false }])?;
//! let record = Outgoing { topic: "t".into(), value: Some(b"v".to_vec()), ..Outgoing::default() };
//!
//! log.inject(sim::Operation::Publish, 0, sim::Fault::LostAnswer);
//! let producer = log.producer();
//! let first = publish_and_wait(&*producer, vec![record.clone()], Duration::ZERO);
//! assert!(first.is_err(), "the answer was lost");
//! let second = publish_and_wait(&*producer, vec![record], Duration::ZERO)?;
//! assert_eq!(second[0].offset, 1, "but the first record is there");
//! # Ok::<(), ports::LogError>(())
//! ```
//!
//! # What it does not do
//!
//! Compaction: a compacted topic keeps every record, which readers must tolerate anyway.
//! Durability: the log ends with the process.

mod fault;
mod log;
mod operate;
mod store;

pub use fault::{Fault, Operation};
pub use log::{DEFAULT_RECORD_BYTES_MAX, MemoryLog, Settings};
