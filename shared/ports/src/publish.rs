//! Publishing from a thread that blocks for the acknowledgements, at once or later.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use crate::{LogError, Outgoing, Position, Producer, Published, QueueFull};

/// The acknowledgements of one publish call, to come.
#[derive(Debug)]
pub struct Receipt(Receiver<Published>);

impl Receipt {
    /// Waits for all acknowledgements. Returns the outcome of each record, in the order given.
    ///
    /// # Errors
    ///
    /// `Unavailable` after `wait`: each record may or may not have been appended.
    pub fn wait(self, wait: Duration) -> Result<Published, LogError> {
        let unknown = |_| LogError::Unavailable(format!("no acknowledgement within {wait:?}"));
        self.0.recv_timeout(wait).map_err(unknown)
    }
}

/// Queues records for publication without waiting for their acknowledgement.
///
/// # Errors
///
/// As [`Producer::publish`].
pub fn publish(producer: &dyn Producer, records: Vec<Outgoing>) -> Result<Receipt, QueueFull> {
    let (sender, receiver) = sync_channel(1);
    let done = Box::new(move |published| {
        // Fails only if the receipt was dropped: then nobody asks for the outcome.
        drop(sender.try_send(published));
    });
    producer.publish(records, done)?;
    Ok(Receipt(receiver))
}

/// Publishes records and waits for all acknowledgements. Returns the position of each record, in the
/// order given.
///
/// # Errors
///
/// That of the first record that failed; `QueueFull` if nothing was queued; `Unavailable` after
/// `wait`.
pub fn publish_and_wait(
    producer: &dyn Producer,
    records: Vec<Outgoing>,
    wait: Duration,
) -> Result<Vec<Position>, LogError> {
    publish(producer, records)?.wait(wait)?.into_iter().collect()
}
