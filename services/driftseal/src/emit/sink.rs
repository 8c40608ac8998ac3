//! Where events go: to a collector over HTTP, or to the log itself.

mod http;
mod log;

pub use http::HttpSink;
pub use log::{Encoding, LogSink};

use super::{EmitError, Rejected};

/// Rejections kept with their reasons; more are counted only.
pub const REJECTIONS_MAX: usize = 20;

/// What became of the events so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that the log acknowledged.
    pub accepted: u64,
    /// Records and events that were not accepted.
    pub rejected: u64,
    /// The first of them: index of the file, and why.
    pub rejections: Vec<(usize, Rejected)>,
}

impl Report {
    /// Counts a rejection, and keeps it if it is among the first.
    pub fn reject(&mut self, file: usize, rejected: Rejected) {
        self.rejected += 1;
        if self.rejections.len() < REJECTIONS_MAX {
            self.rejections.push((file, rejected));
        }
    }
}

/// Where a record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Index of the file.
    pub file: usize,
    /// Line of the file, from 1.
    pub line: u64,
}

/// Takes events in order; memory is bounded by the batches under way.
pub trait Sink {
    /// Takes an event; may deliver events taken before.
    ///
    /// # Errors
    ///
    /// If the other side does not take events any more, after the retries that make sense.
    fn send(&mut self, mark: Mark, event: Vec<u8>) -> Result<(), EmitError>;

    /// Delivers everything that was taken.
    ///
    /// # Errors
    ///
    /// As [`Sink::send`].
    fn finish(&mut self) -> Result<(), EmitError>;

    /// What became of the events.
    fn report(&mut self) -> &mut Report;
}
