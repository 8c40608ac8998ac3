//! Publishes records and counts their acknowledgements.
//!
//! Everything is counted where the log answers, not where the sender is answered: a sender that hangs
//! up does not make an event uncounted.

use ports::{LogError, Outgoing, Producer, Published};
use service::metric_names::{COLLECTOR_EVENTS_PUBLISHED, COLLECTOR_EVENTS_REJECTED};
use service::metrics::count;
use tokio::sync::oneshot;

use crate::answer::{ItemError, Report};
use crate::budget::Share;
use crate::failure::LogFailure;
use crate::prepare::Prepared;

/// Why a valid event was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// The log cannot be reached, or its answer did not come; the event may be there.
    Unavailable,
    QueueFull,
    /// Larger than the log accepts.
    TooLarge,
    /// The topic does not exist.
    UnknownTopic,
    /// The log cannot be used any more; the role ends.
    Failed,
}

impl Reason {
    const fn of(error: &LogError) -> Self {
        match error {
            LogError::Unavailable(_) => Self::Unavailable,
            LogError::QueueFull { .. } => Self::QueueFull,
            LogError::TooLarge { .. } => Self::TooLarge,
            LogError::UnknownPartition(_) => Self::UnknownTopic,
            // Publishing names no position.
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

    /// Whether the same event may be accepted later.
    const fn retry(self) -> bool {
        match self {
            Self::Unavailable | Self::QueueFull | Self::UnknownTopic | Self::Failed => true,
            Self::TooLarge => false,
        }
    }
}

/// Counts events that were not published.
pub(crate) fn count_rejected(reason: &'static str, events: u64) {
    metrics::counter!(COLLECTOR_EVENTS_REJECTED, "reason" => reason).increment(events);
}

/// Hands records to the log. The share of the budget is held until the log has answered for all.
pub(crate) fn publish(
    producer: &dyn Producer,
    records: Vec<Outgoing>,
    share: Share,
    failure: LogFailure,
) -> oneshot::Receiver<Published> {
    let (sender, receiver) = oneshot::channel();
    let size = records.len();
    if size == 0 {
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
        // A sender that hung up does not need the answer.
        drop(sender.send(published));
    };
    // The callback is consumed either way, so a refusal is answered through a second channel.
    let (refused, refusal) = oneshot::channel();
    let delivery = Box::new(answer);
    if let Err(error) = producer.publish(records, delivery) {
        count_rejected(Reason::of(&error).name(), count(size));
        drop(refused.send(vec![Err(error); size]));
        return refusal;
    }
    receiver
}

/// The outcome of each event of a body. `published` is `None` if no answer came in time.
pub(crate) fn report(prepared: Prepared, published: Option<Published>) -> Report {
    let Prepared { records: _, mut event_ids, mut errors } = prepared;
    let mut retry = false;
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
    Report { accepted: event_ids.len() - rejected, rejected, errors, event_ids, retry }
}
