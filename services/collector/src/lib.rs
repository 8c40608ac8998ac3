//! HTTP ingestion: accepts JSON events, publishes them, and responds only after the log has
//! acknowledged them.
//!
//! `POST /v1/events` accepts one JSON object, an array, or one object per line (NDJSON), optionally
//! gzipped, or CloudEvents in any of their forms. The response reports for each event whether it was
//! accepted and, if not, where it is wrong and why, and what is suspicious about those that were.
//! `?strict=true` takes all events of a body or none. What exporters of OpenTelemetry send is taken over HTTP
//! and gRPC (`src/open_telemetry.rs`). `GET /healthz`, `/readyz` and `/metrics` are for operators.
//!
//! # Promise
//!
//! - An event that was reported as accepted is in the log. One that was not may be there too, if the
//!   log's answer was lost (503): send it again with the same `event_id`.
//! - Counts balance: received = published + rejected + in flight.
//! - Memory of events in JSON is bounded by [`Config`], which documents what happens at each limit. Overload
//!   is answered with 503 and `Retry-After`, before anything is queued. That of OTLP is not yet: a message of
//!   many empty parts takes far more memory decoded than in the body, and is counted only then.
//! - A shutdown drains: requests in progress are answered.
//! - An unusable log ends the role with an error.
//! - Who must show a token and does not is answered 401, before its body is read. An event outside the
//!   scope of the token is rejected. What was proved about the sender stands in `actor`; what it claimed
//!   about that is an attribute ([`access::Principal::admit`]).
//! - A web page cannot send events: see [`service::guard`].
//! - Kinds reserved to Driftseal are rejected: nobody speaks for the monitor over HTTP.
//!
//! # What it does not do
//!
//! It stores nothing on disk and does not deduplicate. Quotas of tokens are counted in memory: a restart begins
//! them anew, and each collector of several counts by itself.

mod answer;
mod body;
mod budget;
mod check;
mod collector;
mod config;
mod events;
mod failure;
mod form;
mod open_telemetry;
mod prepare;
mod publish;
mod receiver;
mod split;

use std::sync::Arc;
use std::time::Duration;

use access::{Principal, Role};
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use event::Timestamp;
use ports::{EventLog, LogError};
use service::access::{AccessError, Gate};
use service::guard::Guard;
use service::metric_names as names;
use service::operations::{self, Readiness};
use service::server::{self, Protocol};
use service::{Exposition, Shutdown};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::budget::Budget;
use crate::collector::Collector;
use crate::failure::LogFailure;
use crate::form::Form;
use crate::prepare::Preparer;

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
    let anybody = Principal::anybody();
    let prepared = preparer.prepare(&anybody, (&items, &form, None), now, new_id, &mut |_| {});
    Some((prepared.records.len(), prepared.errors.len()))
}

pub use crate::check::{Checker, Rejected};
pub use crate::config::{Auth, Config};

/// Interval between checks whether the log is reachable.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Why the collector ended.
#[derive(Debug, Error)]
pub enum RunError {
    /// The configuration is invalid; all of its problems.
    #[error("invalid configuration: {}", .0.join("; "))]
    Config(Vec<String>),
    /// A mapping of OTLP that ships with the product is invalid.
    #[error(transparent)]
    Mapping(#[from] otlp::DocumentError),
    /// Credentials cannot be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A thread could not be started.
    #[error("failed to start a thread: {0}")]
    Thread(std::io::Error),
    /// The log is unusable.
    #[error(transparent)]
    Log(LogError),
}

/// Where a collector listens.
#[derive(Debug)]
pub struct Listeners {
    /// HTTP: events, OTLP, health and metrics.
    pub events: TcpListener,
    /// HTTP too, at the port of OTLP.
    pub otlp_http: Option<TcpListener>,
    /// OTLP over gRPC.
    pub otlp_grpc: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(events: TcpListener) -> Self {
        Self { events, otlp_http: None, otlp_grpc: None }
    }
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
    listeners: Listeners,
    shutdown: Shutdown,
) -> Result<(), RunError> {
    let exposition = service::metrics::install();
    let (drain, limits) = (config.drain_wait(), config.limits());
    let failure = LogFailure::default();
    let topic = config.topic.clone();
    let ready = watch(Arc::clone(&log), topic, failure.clone(), shutdown.clone())?;
    let gate = match config.auth {
        Auth::None => Arc::new(Gate::open_to_all()),
        Auth::Token => Gate::watching(&config.credentials_file, Role::Emit, shutdown.clone())?,
    };
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(RunError::Config(problems));
    }
    let collector = Arc::new(Collector::new(config, gate, log.producer(), failure.clone())?);
    let guard = Guard::new(collector.config.hosts.clone());
    let grpc = guard.clone().around(open_telemetry::grpc(&collector));
    let app = router(&collector, guard, exposition, ready);
    let Listeners { events, otlp_http, otlp_grpc } = listeners;
    let all = [
        Some((Protocol::Http1, events, app.clone())),
        otlp_http.map(|listener| (Protocol::Http1, listener, app)),
        otlp_grpc.map(|listener| (Protocol::Http2, listener, grpc)),
    ];
    let mut servers = JoinSet::new();
    for (protocol, listener, app) in all.into_iter().flatten() {
        let (stop, broken) = (shutdown.clone(), failure.clone());
        let end = async move { end_of(&stop, &broken).await };
        servers.spawn(server::serve_as(protocol, listener, app, limits, end));
    }
    end_of(&shutdown, &failure).await;
    let drained = async { while servers.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, drained).await.is_err() {
        tracing::warn!(
            drain_ms = drain.as_millis(),
            "drain timeout reached; closed connections with open requests"
        );
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

/// The collector's routes over HTTP.
fn router(
    collector: &Arc<Collector>,
    guard: Guard,
    exposition: Exposition,
    ready: Readiness,
) -> Router {
    let routes = Router::new()
        .merge(events::routes())
        .merge(open_telemetry::routes())
        .with_state(Arc::clone(collector));
    // Probes and scrapes are heard under any name: they take nothing and tell nothing of agents.
    guard.around(routes).merge(operations::router(exposition, ready))
}
