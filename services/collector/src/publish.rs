//! Publishes records and counts their acknowledgements.
//!
//! Events are counted when the log answers, not when the sender is answered, so that those of a sender
//! that disconnects are counted too.

use ports::{LogError, Outgoing, Producer, Published};
use service::metric_names::{COLLECTOR_EVENTS_PUBLISHED, COLLECTOR_EVENTS_REJECTED};
use service::metrics::count;
use tokio::sync::oneshot;

use crate::answer::{ItemError, Report};
use crate::budget::Share;
use crate::failure::LogFailure;
use crate::prepare::Prepared;

/// Why a valid event was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// The log is unreachable or did not answer in time; the event may have been appended.
    Unavailable,
    /// The publish queue is full.
    QueueFull,
    /// The record exceeds the size limit of the log.
    TooLarge,
    /// The topic does not exist.
    UnknownTopic,
    /// The log is unusable; the role ends.
    Failed,
}

impl Reason {
    const fn of(error: &LogError) -> Self {
        match error {
            LogError::Unavailable(_) => Self::Unavailable,
            LogError::QueueFull { .. } => Self::QueueFull,
            LogError::TooLarge { .. } => Self::TooLarge,
            LogError::UnknownPartition(_) => Self::UnknownTopic,
            // Publishing has no offset that could be out of range.
            LogError::OutOfRange { .. } | LogError::Fatal(_) => Self::Failed,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::QueueFull => "queue_full",
            Self::TooLarge => "too_large",
            Self::UnknownTopic => "unknown_topic",
            Self::Failed => "log_failed",
        }
    }

    /// Whether a retry may succeed.
    const fn retry(self) -> bool {
        match self {
            Self::Unavailable | Self::QueueFull | Self::UnknownTopic | Self::Failed => true,
            Self::TooLarge => false,
        }
    }
}

/// Counts rejected events.
pub(crate) fn count_rejected(reason: &'static str, events: u64) {
    metrics::counter!(COLLECTOR_EVENTS_REJECTED, "reason" => reason).increment(events);
}

/// Publishes records. The share of the budget is held until the log has answered for all of them.
pub(crate) fn publish(
    producer: &dyn Producer,
    records: Vec<Outgoing>,
    share: Share,
    failure: LogFailure,
) -> oneshot::Receiver<Published> {
    let (sender, receiver) = oneshot::channel();
    let size = records.len();
    if size == 0 {
        // All events of the body were rejected.
        drop(sender.send(Vec::new()));
        return receiver;
    }
    let answer = move |published: Published| {
        let acknowledged = published.iter().filter(|outcome| outcome.is_ok()).count();
        metrics::counter!(COLLECTOR_EVENTS_PUBLISHED).increment(count(acknowledged));
        for error in published.iter().filter_map(|outcome| outcome.as_ref().err()) {
            count_rejected(Reason::of(error).name(), 1);
            failure.report(error);
        }
        drop(share);
        // Fails if the request has ended: its sender disconnected, or the wait was over.
        drop(sender.send(published));
    };
    let Err(full) = producer.publish(records, Box::new(answer)) else { return receiver };
    // The callback was dropped uncalled, and with it its channel.
    let error = LogError::from(full);
    count_rejected(Reason::of(&error).name(), count(size));
    let (sender, receiver) = oneshot::channel();
    drop(sender.send(vec![Err(error); size]));
    receiver
}

/// The outcome of each event of a body. `published` is `None` if no answer came in time.
pub(crate) fn report(prepared: Prepared, published: Option<Published>) -> Report {
    let Prepared { mut event_ids, mut errors, remarked, remarks, refused, .. } = prepared;
    let mut retry = false;
    if let Some(published) = &published {
        let sent = event_ids.iter().flatten().count();
        assert_eq!(published.len(), sent, "the log reports an outcome for every record");
    }
    let mut outcomes = published.map(Vec::into_iter);
    for (index, id) in event_ids.iter_mut().enumerate() {
        if id.is_none() {
            continue;
        }
        let outcome = match &mut outcomes {
            Some(outcomes) => outcomes.next(),
            None => None,
        };
        let error = match outcome {
            Some(Ok(_)) => continue,
            Some(Err(error)) => error,
            None => LogError::Unavailable("no acknowledgement in time".to_owned()),
        };
        *id = None;
        let reason = Reason::of(&error);
        retry |= reason.retry();
        let detail = error.to_string();
        errors.push(ItemError { index, pointer: String::new(), reason: reason.name(), detail });
    }
    errors.sort_by_key(|error| error.index);
    let rejected = errors.len();
    let accepted = event_ids.len() - rejected;
    Report { accepted, rejected, errors, event_ids, remarked, remarks, refused, retry }
}
