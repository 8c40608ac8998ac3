//! Sends events from files.
//!
//! [`source`] reads files record by record (memory is bounded by one record, not by the file),
//! [`reader`] turns the records into JSON events, with or without a mapping, and [`sink`] delivers
//! them: to a collector over HTTP, or directly to the log.

mod load;
pub mod reader;
mod send;
pub mod sink;
pub mod source;

use std::path::PathBuf;

pub(crate) use load::load_mapping;
pub(crate) use send::send_files;
use thiserror::Error;

/// A record that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Line of the file on which the record begins, from 1.
    pub line: u64,
    /// Reason.
    pub reason: String,
}

/// Why sending failed.
#[derive(Debug, Error)]
pub enum EmitError {
    /// The file cannot be read.
    #[error("failed to read `{}`: {reason}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The mapping cannot be read or is invalid.
    #[error("invalid mapping `{}`: {reason}", file.display())]
    Mapping {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The collector or the log does not accept events.
    #[error("failed to deliver events: {0}")]
    Delivery(String),
}
