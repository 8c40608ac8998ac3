//! Schemas of foreign writers: from a registry that speaks Confluent's protocol, or from a directory.
//!
//! # Promise
//!
//! - A schema that is found is one document: what it refers to in other subjects stands in it.
//! - *There is none* ([`None`]) and *it could not be asked* ([`SourceError`]) are different answers.
//! - Whatever a registry answers gives a schema or an error: answers, schemas with what they refer to,
//!   and the number of references are bounded ([`SCHEMA_BYTES_MAX`], [`REFERENCES_MAX`]).
//! - Passwords are in no message.
//!
//! # What it does not do
//!
//! It caches and retries nothing: whoever asks writes the answer down.

mod background;
mod compose;
mod directory;
mod http;

use std::fmt;

use event::SchemaKey;
use thiserror::Error;

pub use background::Background;
pub use directory::Directory;
pub use http::{Credentials, Registry};

/// Largest schema with everything that it refers to, bytes.
pub const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// Largest number of schemas that one refers to, directly or through others.
pub const REFERENCES_MAX: usize = 64;

/// Language of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Avro.
    Avro,
    /// JSON Schema: what is behind the frame is JSON.
    Json,
    /// Another, such as `PROTOBUF`; events are not written in it.
    Other(String),
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its language.
    pub format: Format,
    /// Its text. An Avro schema holds what it refers to.
    pub text: String,
}

/// Why a source gives no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SourceError {
    /// It cannot be reached, or is busy; the same question may be answered later.
    #[error("schema source unavailable: {0}")]
    Unavailable(String),
    /// The answer has not come yet.
    #[error("the schema source has not answered yet")]
    Pending,
    /// It refuses whoever asks.
    #[error("schema source refuses the request: {0}")]
    Refused(String),
    /// What it answers is no schema that can be used; asking again does not help.
    #[error("schema {key}: {reason}")]
    Invalid {
        /// Which schema.
        key: SchemaKey,
        /// What is wrong with it.
        reason: String,
    },
}

/// Where schemas come from.
pub trait Source: fmt::Debug + Send + Sync {
    /// The schema of a key; `None` if the source says that there is none.
    ///
    /// # Errors
    ///
    /// See [`SourceError`].
    fn find(&self, key: SchemaKey) -> Result<Option<Schema>, SourceError>;
}
