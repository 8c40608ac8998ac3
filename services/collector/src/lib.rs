//! HTTP ingestion: accepts JSON events, publishes them, and responds only after the log has
//! acknowledged them.
//!
//! `POST /v1/events` accepts one JSON object, an array, or one object per line (NDJSON), optionally
//! gzipped, or CloudEvents in any of their forms. The response reports for each event whether it was
//! accepted and, if not, where it is wrong and why, and what is suspicious about those that were.
//! `?strict=true` takes all events of a body or none. `GET /healthz`, `/readyz` and `/metrics` are for operators.
//!
//! # Promise
//!
//! - An event that was reported as accepted is in the log. One that was not may be there too, if the
//!   log's answer was lost (503): send it again with the same `event_id`.
//! - Counts balance: received = published + rejected + in flight.
//! - Memory is bounded by [`Config`], which documents what happens at each limit. Overload is answered
//!   with 503 and `Retry-After`, before anything is queued.
//! - A shutdown drains: requests in progress are answered.
//! - An unusable log ends the role with an error.
//! - A web page cannot send events: see [`service::guard`].
//! - Kinds reserved to Driftseal are rejected: nobody speaks for the monitor over HTTP.
//!
//! # What it does not do
//!
//! It stores nothing on disk and does not deduplicate. It has no authentication: run it behind a proxy
//! that has.

mod answer;
mod body;
mod budget;
mod check;
mod config;
mod failure;
mod form;
mod prepare;
mod publish;
mod split;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use axum::routing::post;
use bytes::Bytes;
use event::plain::Plain;
use event::{Remark, Timestamp};
use ports::{EventLog, LogError, Producer};
use service::clock::{self, Stopwatch};
use service::guard::Guard;
use service::metric_names as names;
use service::metrics::count;
use service::operations::{self, Readiness};
use service::seldom::Seldom;
use service::server;
use service::{Exposition, Shutdown};
use thiserror::Error;
use tokio::net::TcpListener;
use tracing::warn;
use uuid::Uuid;

use crate::answer::{Rejection, Report};
use crate::body::Compression;
use crate::budget::{Budget, Share};
use crate::failure::LogFailure;
use crate::form::Form;
use crate::prepare::{Prepared, Preparer};

/// The numbers of events of a body that would be published and rejected, without publishing any;
/// `None` if the request would be rejected as a whole. `context` is a header of a CloudEvent. For
/// fuzzing.
#[doc(hidden)]
#[must_use]
pub fn dry_run(
    config: &Config,
    content_type: &str,
    context: Option<&[u8]>,
    gzip: bool,
    body: &[u8],
) -> Option<(usize, usize)> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).ok()?);
    if let Some(context) = context {
        headers.insert("ce-id", HeaderValue::from_bytes(context).ok()?);
    }
    let form = Form::of(&headers).ok()?;
    let mut share =
        Budget::new(config.in_flight_bytes_max, names::COLLECTOR_IN_FLIGHT_BYTES).share();
    let body = if gzip {
        body::gunzip(body, config.body_bytes_max, &mut share).ok()?
    } else {
        Bytes::copy_from_slice(body)
    };
    let items = if form.is_split() {
        split::split(&body, content_type, config.body_events_max).ok()?
    } else {
        vec![&*body]
    };
    let preparer = Preparer::new(config);
    let mut number = 0_u64;
    let new_id = || {
        number += 1;
        format!("event-{number}")
    };
    let now = Timestamp::from_millis(1);
    let prepared = preparer.prepare((&items, &form), now, new_id, &mut |_| {});
    Some((prepared.records.len(), prepared.errors.len()))
}

pub use crate::check::{Checker, Rejected};
pub use crate::config::Config;

/// Interval between checks whether the log is reachable.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Largest body that is handled on the thread that read it, bytes; a larger one would block the other
/// connections of that thread for too long.
const INLINE_BYTES_MAX: usize = 128 * 1024;

/// Why the collector ended.
#[derive(Debug, Error)]
pub enum RunError {
    /// The configuration is invalid; all of its problems.
    #[error("invalid configuration: {}", .0.join("; "))]
    Config(Vec<String>),
    /// A thread could not be started.
    #[error("failed to start a thread: {0}")]
    Thread(std::io::Error),
    /// The log is unusable.
    #[error(transparent)]
    Log(LogError),
}

#[derive(Debug)]
struct Collector {
    config: Config,
    preparer: Preparer,
    producer: Arc<dyn Producer>,
    events: Budget,
    bytes: Budget,
    failure: LogFailure,
    said: Seldom,
}

/// Serves until shutdown, then drains. While the topic does not exist or the log is unreachable,
/// `/readyz` answers 503.
///
/// # Errors
///
/// An invalid configuration, a failure of the listener, an unusable log.
pub async fn run(
    config: Config,
    log: Arc<dyn EventLog>,
    listener: TcpListener,
    shutdown: Shutdown,
) -> Result<(), RunError> {
    let exposition = service::metrics::install();
    let (drain, limits) = (config.drain_wait(), config.limits());
    let failure = LogFailure::default();
    let topic = config.topic.clone();
    let ready = watch(Arc::clone(&log), topic, failure.clone(), shutdown.clone())?;
    let app = router(config, &*log, exposition, ready, failure.clone())?;
    let (stop, broken) = (shutdown.clone(), failure.clone());
    let serve = server::serve(listener, app, limits, async move { end_of(&stop, &broken).await });
    let mut serve = std::pin::pin!(serve);
    tokio::select! {
        () = &mut serve => {}
        () = end_of(&shutdown, &failure) => {
            if tokio::time::timeout(drain, serve).await.is_err() {
                tracing::warn!(
                    drain_ms = drain.as_millis(),
                    "drain timeout reached; closed connections with open requests"
                );
            }
        }
    }
    match failure.error() {
        Some(error) => Err(RunError::Log(error.clone())),
        None => Ok(()),
    }
}

/// Waits for the shutdown, or for a permanent failure of the log, which has the same effect.
async fn end_of(shutdown: &Shutdown, failure: &LogFailure) {
    tokio::select! {
        () = shutdown.wait() => {}
        () = failure.wait() => {}
    }
}

/// Checks periodically whether the topic is reachable, on a thread of its own, because calls of the log
/// block.
fn watch(
    log: Arc<dyn EventLog>,
    topic: String,
    failure: LogFailure,
    shutdown: Shutdown,
) -> Result<Readiness, RunError> {
    let health = service::health::of("collector");
    let answer = Arc::clone(&health);
    let stopping = shutdown.clone();
    let probe = move || {
        let mut before = None;
        loop {
            let there = log.partitions(&topic);
            health.say(there.as_ref().map(|_| ()).map_err(ToString::to_string));
            if before != Some(there.is_ok()) {
                match &there {
                    Ok(partitions) => tracing::info!(topic, partitions, "log reachable"),
                    Err(error) => tracing::warn!(topic, %error, "log unreachable"),
                }
            }
            before = Some(there.is_ok());
            if let Err(error) = &there {
                failure.report(error);
            }
            if shutdown.wait_timeout(PROBE_INTERVAL) {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("collector-probe".to_owned());
    thread.spawn(probe).map_err(RunError::Thread)?;
    Ok(Arc::new(move || {
        if stopping.is_triggered() {
            return Err(service::health::STOPPING.to_owned());
        }
        answer.check()
    }))
}

/// The collector's routes.
fn router(
    config: Config,
    log: &dyn EventLog,
    exposition: Exposition,
    ready: Readiness,
    failure: LogFailure,
) -> Result<Router, RunError> {
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(RunError::Config(problems));
    }
    let collector = Collector {
        preparer: Preparer::new(&config),
        producer: log.producer(),
        events: Budget::new(config.in_flight_events_max, names::COLLECTOR_IN_FLIGHT_EVENTS),
        bytes: Budget::new(config.in_flight_bytes_max, names::COLLECTOR_IN_FLIGHT_BYTES),
        failure,
        said: Seldom::default(),
        config,
    };
    let guard = Guard::new(collector.config.hosts.clone());
    let routes = Router::new().route("/v1/events", post(events)).with_state(Arc::new(collector));
    // Probes and scrapes are heard under any name: they take nothing and tell nothing of agents.
    Ok(guard.around(routes).merge(operations::router(exposition, ready)))
}

async fn events(State(collector): State<Arc<Collector>>, request: Request) -> Response<Body> {
    let watch = Stopwatch::start();
    let retry_after_secs = collector.config.retry_after_secs;
    let response = match handle(collector, request).await {
        Ok(report) => answer::reported(&report, retry_after_secs),
        Err(rejection) => {
            let reason = rejection.code();
            metrics::counter!(names::COLLECTOR_REQUESTS_REJECTED, "reason" => reason).increment(1);
            answer::rejected(&rejection, retry_after_secs)
        }
    };
    let status = response.status().as_str().to_owned();
    metrics::counter!(names::COLLECTOR_REQUESTS, "status" => status).increment(1);
    metrics::histogram!(names::COLLECTOR_REQUEST_DURATION).record(watch.elapsed_secs());
    response
}

async fn handle(collector: Arc<Collector>, request: Request) -> Result<Report, Rejection> {
    let (head, body) = request.into_parts();
    let config = &collector.config;
    let compression = Compression::of(&head.headers)?;
    let form = Form::of(&head.headers)?;
    let is_strict = is_strict(head.uri.query().unwrap_or(""))?;
    let mut bytes = collector.bytes.share();
    let body =
        body::read(body, &head.headers, config.body_bytes_max, config.body_wait(), &mut bytes)
            .await?;
    metrics::counter!(names::COLLECTOR_BODY_BYTES).increment(count(body.len()));
    let content_type = form::content_type(&head.headers);
    let shape = (form, is_strict);

    let (mut prepared, events) = if body.len() <= INLINE_BYTES_MAX {
        collector.prepare(&body, compression, (content_type, shape), &mut bytes)?
    } else {
        let (collector, content_type) = (Arc::clone(&collector), content_type.to_owned());
        let prepare = move || {
            let prepared =
                collector.prepare(&body, compression, (&content_type, shape), &mut bytes);
            prepared.map(|prepared| (prepared, bytes))
        };
        let prepared = tokio::task::spawn_blocking(prepare).await;
        let (prepared, share) = prepared.map_err(|error| {
            tracing::error!(%error, "request handler failed");
            Rejection::Internal
        })??;
        bytes = share;
        prepared
    };
    let records = std::mem::take(&mut prepared.records);
    let acknowledged =
        publish::publish(&*collector.producer, records, events, collector.failure.clone());
    let wait = collector.config.publish_wait();
    let published = match tokio::time::timeout(wait, acknowledged).await {
        Ok(Ok(published)) => Some(published),
        // The log was too slow or dropped the callback: the outcome is unknown.
        Ok(Err(_)) | Err(_) => None,
    };
    drop(bytes);
    Ok(publish::report(prepared, published))
}

/// Whether the sender asks for all or none. A parameter that does not exist is refused: it would
/// have no effect.
fn is_strict(query: &str) -> Result<bool, Rejection> {
    let mut is_strict = false;
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        is_strict = match parameter {
            "strict=true" => true,
            "strict=false" => false,
            _ => return Err(Rejection::InvalidQuery { name: parameter.to_owned() }),
        };
    }
    Ok(is_strict)
}

impl Collector {
    /// The part that does not block: decompresses, splits, decodes, encodes. Events count as received
    /// only if there is room for them.
    fn prepare(
        &self,
        body: &Bytes,
        compression: Compression,
        (content_type, (form, is_strict)): (&str, (Form, bool)),
        bytes: &mut Share,
    ) -> Result<(Prepared, Share), Rejection> {
        let plain;
        let body = match compression {
            Compression::None => body,
            Compression::Gzip => {
                plain = body::gunzip(body, self.config.body_bytes_max, bytes)?;
                &plain
            }
        };
        let items = if form.is_split() {
            split::split(body, content_type, self.config.body_events_max)?
        } else {
            vec![&**body]
        };
        let mut events = self.events.share();
        if !events.grow(items.len()) {
            return Err(Rejection::Backpressure);
        }
        metrics::counter!(names::COLLECTOR_EVENTS_RECEIVED).increment(count(items.len()));
        let received_at = Timestamp::from_micros(clock::now_micros());
        let new_id = || Uuid::now_v7().to_string();
        let mut prepared =
            self.preparer.prepare((&items, &form), received_at, new_id, &mut |r| self.say(r));
        if is_strict {
            prepared.all_or_none();
        }
        for error in &prepared.errors {
            publish::count_rejected(error.reason, 1);
            if let Some(left_out) = self.said.is_due(error.reason) {
                let (pointer, detail) = (Plain(&error.pointer), Plain(&error.detail));
                let reason = error.reason;
                warn!(reason, %pointer, %detail, left_out, "rejected an event");
            }
        }
        Ok((prepared, events))
    }

    /// Counts a remark, and logs it now and then.
    fn say(&self, remark: &Remark) {
        let code = remark.code.name();
        metrics::counter!(names::COLLECTOR_EVENTS_REMARKED, "remark" => code).increment(1);
        if let Some(left_out) = self.said.is_due(code) {
            warn!(%remark, left_out, "accepted a suspicious event");
        }
    }
}
