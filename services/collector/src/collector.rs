//! What all requests share: limits, who may send, and the way into the log.

use std::sync::Arc;

use access::Principal;
use axum::http::HeaderMap;
use event::Remark;
use event::plain::Plain;
use otlp::DocumentError;
use ports::Producer;
use service::access::Gate;
use service::metric_names as names;
use service::seldom::Seldom;
use tracing::warn;

use crate::answer::{Rejection, Report};
use crate::budget::{Budget, Share};
use crate::config::Config;
use crate::failure::LogFailure;
use crate::prepare::{Prepared, Preparer};
use crate::publish;
use crate::receiver::Receiver;

/// Largest body that is handled on the thread that read it, bytes; a larger one would block the other
/// connections of that thread for too long.
const INLINE_BYTES_MAX: usize = 128 * 1024;

/// A collector.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) config: Config,
    pub(crate) gate: Arc<Gate>,
    pub(crate) preparer: Preparer,
    pub(crate) events: Budget,
    pub(crate) bytes: Budget,
    pub(crate) receiver: Receiver,
    producer: Arc<dyn Producer>,
    failure: LogFailure,
    said: Seldom,
}

impl Collector {
    /// # Errors
    ///
    /// A mapping of OTLP is invalid.
    pub(crate) fn new(
        config: Config,
        gate: Arc<Gate>,
        producer: Arc<dyn Producer>,
        failure: LogFailure,
    ) -> Result<Self, DocumentError> {
        Ok(Self {
            gate,
            preparer: Preparer::new(&config),
            events: Budget::new(config.in_flight_events_max, names::COLLECTOR_IN_FLIGHT_EVENTS),
            bytes: Budget::new(config.in_flight_bytes_max, names::COLLECTOR_IN_FLIGHT_BYTES),
            receiver: Receiver::new(&config.otlp_agent)?,
            producer,
            failure,
            said: Seldom::default(),
            config,
        })
    }

    /// Who sends a request, by its headers alone.
    pub(crate) fn admit_sender(&self, headers: &HeaderMap) -> Result<Principal, Rejection> {
        let principal = self.gate.authenticate(headers).map_err(Rejection::Refused)?;
        self.gate.take(&principal, (0, 0)).map_err(Rejection::Exhausted)?;
        Ok(principal)
    }

    /// Publishes what was prepared, and waits until the log has it. `events` is held until then.
    pub(crate) async fn publish(&self, mut prepared: Prepared, events: Share) -> Report {
        let records = std::mem::take(&mut prepared.records);
        let acknowledged = publish::publish(&*self.producer, records, events, self.failure.clone());
        let published = match tokio::time::timeout(self.config.publish_wait(), acknowledged).await {
            Ok(Ok(published)) => Some(published),
            // The log was too slow or dropped the callback: the outcome is unknown.
            Ok(Err(_)) | Err(_) => None,
        };
        publish::report(prepared, published)
    }

    /// Counts the events that were rejected, and logs one now and then.
    pub(crate) fn count_errors(&self, prepared: &Prepared) {
        for error in &prepared.errors {
            publish::count_rejected(error.reason, 1);
            if let Some(left_out) = self.said.is_due(error.reason) {
                let (pointer, detail) = (Plain(&error.pointer), Plain(&error.detail));
                let reason = error.reason;
                warn!(reason, %pointer, %detail, left_out, "rejected an event");
            }
        }
    }

    /// Counts a remark, and logs it now and then.
    pub(crate) fn say(&self, remark: &Remark) {
        let code = remark.code.name();
        metrics::counter!(names::COLLECTOR_EVENTS_REMARKED, "remark" => code).increment(1);
        if let Some(left_out) = self.said.is_due(code) {
            warn!(%remark, left_out, "accepted a suspicious event");
        }
    }
}

/// Does the part of a request that does not wait: at once, or where it blocks no connection if the body is
/// large.
pub(crate) async fn prepare<T: Send + 'static>(
    body_bytes: usize,
    prepare: impl FnOnce() -> Result<T, Rejection> + Send + 'static,
) -> Result<T, Rejection> {
    if body_bytes <= INLINE_BYTES_MAX {
        return prepare();
    }
    let prepared = tokio::task::spawn_blocking(prepare).await;
    prepared.map_err(|error| {
        tracing::error!(%error, "request handler failed");
        Rejection::Internal
    })?
}
