//! The vocabulary of Driftseal: what a record of the log is, what an event is, and how the one
//! becomes the other.
//!
//! # Promise
//!
//! - The Avro documents under `schemas/events/` are the only definition of fields and kinds. A new
//!   family of kinds is one file there and one line in [`schema::FAMILIES`].
//! - Decoding is *total*: every record becomes an [`Event`]. What does not decode becomes a
//!   `quarantine.added` event with reason, place and the exact bytes ([`decode::Decoder`]), even if
//!   reading it panics ([`barrier`]).
//! - Nothing a sender wrote is dropped: what has no column goes to `attributes`.
//! - The cells of an event are in ascending byte order of their column paths, which is also the
//!   order of the sealed leaf.
//!
//! # What it does not do
//!
//! No I/O, no clock, no randomness, no logging. It does not know Kafka, Parquet or Merkle trees.

pub mod barrier;
pub mod cell;
pub mod column;
pub mod decimal;
pub mod decode;
pub mod encode;
mod encode_json;
pub mod event;
pub mod id;
pub mod kind;
pub mod plain;
mod plan;
pub mod record;
pub mod remark;
pub mod schema;
mod schema_key;
pub mod time;
pub mod typed;
pub mod view;

pub use cell::{Cell, CellType};
pub use decode::{Decoded, Decoder, Fault, Limits, Reason};
pub use encode_json::encode_json;
pub use event::{BuildError, Event, EventBuilder};
pub use kind::{About, Kind, Writer};
pub use record::{Batch, BatchBuilder, Headers, Record, TimestampType, TopicPartition};
pub use remark::{Remark, Remarker};
pub use schema::{Column, ColumnId, EventSchema, schema};
pub use schema_key::SchemaKey;
pub use time::Timestamp;
pub use typed::TypedColumn;
