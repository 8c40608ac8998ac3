//! Files of events on their way into the pipeline.
//!
//! [`source`] reads files piece by piece (memory is bounded by one record, not by the file),
//! [`reader`] turns the pieces into JSON events, with a mapping or without, and [`sink`] delivers
//! them: to a collector over HTTP, or to the log.

mod load;
pub mod reader;
mod send;
pub mod sink;
pub mod source;

use std::path::PathBuf;

pub(crate) use load::load_mapping;
pub(crate) use send::send_files;
use thiserror::Error;

/// A record that did not become an event in the pipeline, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Line of the file on which the record begins, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Why a whole file could not be emitted.
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
    /// The mapping is wrong.
    #[error("mapping `{}`: {reason}", file.display())]
    Mapping {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The other side does not take events.
    #[error("failed to deliver events: {0}")]
    Delivery(String),
}
