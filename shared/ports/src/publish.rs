//! Publishing from a thread that waits for the acknowledgements, at once or later.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use crate::{LogError, Outgoing, Position, Producer, Published};

/// The acknowledgements of one call that has been queued.
#[derive(Debug)]
pub struct Receipt(Receiver<Published>);

impl Receipt {
    /// Waits for every acknowledgement; the outcome of each record, in the order given.
    ///
    /// # Errors
    ///
    /// `Unavailable` after `wait`: each record may or may not be in the log.
    pub fn wait(self, wait: Duration) -> Result<Published, LogError> {
        let unknown = |_| LogError::Unavailable(format!("no acknowledgement within {wait:?}"));
        self.0.recv_timeout(wait).map_err(unknown)
    }
}

/// Queues records for publication without waiting for their acknowledgement.
///
/// # Errors
///
/// `QueueFull`: nothing was queued.
pub fn publish(producer: &dyn Producer, records: Vec<Outgoing>) -> Result<Receipt, LogError> {
    let (sender, receiver) = sync_channel(1);
    let done = Box::new(move |published| {
        // The receiver is gone only if nobody waits any more; the outcome concerns nobody then.
        drop(sender.try_send(published));
    });
    producer.publish(records, done)?;
    Ok(Receipt(receiver))
}

/// Publishes records and waits for every acknowledgement; where each landed, in the order given.
///
/// # Errors
///
/// The first record's error; `QueueFull` if nothing was queued; `Unavailable` after `wait`.
pub fn publish_and_wait(
    producer: &dyn Producer,
    records: Vec<Outgoing>,
    wait: Duration,
) -> Result<Vec<Position>, LogError> {
    publish(producer, records)?.wait(wait)?.into_iter().collect()
}
