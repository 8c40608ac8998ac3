//! An event log in memory, with faults, for tests of everything that reads or writes a log.
//!
//! # Promise
//!
//! - Deterministic: the same calls in the same order give the same answers. Timestamps come from a
//!   clock that the test sets ([`MemoryLog::set_now_ms`]), identities from a counter; there is no
//!   randomness.
//! - It passes the same conformance suites as the durable logs (`ports::conformance`).
//! - Faults come in pairs: every call can fail without having been applied, or be applied and lose
//!   its answer ([`Fault`]). Further: late acknowledgements, duplicate appends, an unreachable
//!   log, rebalances, evicted members that do not know it yet, offsets without records, deleted
//!   records, deleted topics.
//!
//! ```
//! use ports::{EventLog, Outgoing, TopicSpec, publish_and_wait};
//! use std::time::Duration;
//!
//! let log = sim::MemoryLog::new();
//! log.create_topics(&[TopicSpec { name: "t".into(), partitions: 1, compacted: false }])?;
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
//! Compaction (a compacted topic keeps every record, which readers must cope with anyway) and
//! survival of the process.

mod fault;
mod log;
mod store;

pub use fault::{Fault, Operation};
pub use log::{DEFAULT_RECORD_BYTES_MAX, MemoryLog, Settings};
