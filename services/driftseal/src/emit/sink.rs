//! Destinations of events: a collector over HTTP, or the log.

mod http;
mod log;
mod teller;

pub use http::HttpSink;
pub use log::{Encoding, LogSink};
pub use teller::Teller;

use super::{EmitError, Rejected};

/// Rejections kept with their reasons; further ones are only counted.
pub const REJECTIONS_MAX: usize = 20;

/// The outcome of the events sent so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that the log acknowledged.
    pub accepted: u64,
    /// Records and events that were rejected.
    pub rejected: u64,
    /// The first of them: index of the file, and the reason.
    pub rejections: Vec<(usize, Rejected)>,
    /// Remarks on events that were accepted.
    pub remarked: u64,
    /// The first of them: index of the file, line and text.
    pub remarks: Vec<(usize, Rejected)>,
}

impl Report {
    /// Counts a rejection; keeps the first ones.
    pub fn reject(&mut self, file: usize, rejected: Rejected) {
        self.rejected += 1;
        if self.rejections.len() < REJECTIONS_MAX {
            self.rejections.push((file, rejected));
        }
    }
}

impl Report {
    /// Counts a remark; keeps the first ones.
    pub fn remark(&mut self, mark: Mark, reason: String) {
        self.remarked += 1;
        if self.remarks.len() < REJECTIONS_MAX {
            self.remarks.push((mark.file, Rejected { line: mark.line, reason }));
        }
    }
}

/// The origin of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Index of the file.
    pub file: usize,
    /// Line of the file, from 1.
    pub line: u64,
}

/// A destination of events, which takes them in order. Memory is bounded by the batches in flight.
pub trait Sink {
    /// Takes an event; may deliver events that were taken before.
    ///
    /// # Errors
    ///
    /// If the destination does not accept events, after retries.
    fn send(&mut self, mark: Mark, event: Vec<u8>) -> Result<(), EmitError>;

    /// Delivers all events that were taken.
    ///
    /// # Errors
    ///
    /// As [`Sink::send`].
    fn finish(&mut self) -> Result<(), EmitError>;

    /// The outcome of the events so far.
    fn report(&mut self) -> &mut Report;
}
