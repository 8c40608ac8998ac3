//! `POST /v1/events`: events as JSON.

use std::sync::Arc;

use access::Principal;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use bytes::Bytes;
use event::Timestamp;
use event::decode::trace;
use service::clock::{self, Stopwatch};
use service::metric_names as names;
use service::metrics::count;
use uuid::Uuid;

use crate::answer::{self, Rejection, Report};
use crate::body::{self, Compression};
use crate::budget::Share;
use crate::collector::{self, Collector};
use crate::form::{self, Form};
use crate::prepare::Prepared;
use crate::split;

/// The route.
pub(crate) fn routes() -> Router<Arc<Collector>> {
    Router::new().route("/v1/events", post(events))
}

/// What the headers and the query of a request say of its body.
struct Shape {
    principal: Principal,
    compression: Compression,
    content_type: String,
    form: Form,
    /// The trace that the request belongs to.
    run: Option<String>,
    is_strict: bool,
}

async fn events(State(collector): State<Arc<Collector>>, request: Request) -> Response<Body> {
    let watch = Stopwatch::start();
    let retry_after_secs = collector.config.retry_after_secs;
    let response = match handle(&collector, request).await {
        Ok(report) => answer::reported(&report, retry_after_secs),
        Err(rejection) => {
            answer::count_rejection(&rejection);
            answer::rejected(&rejection, retry_after_secs)
        }
    };
    answer::count_answer(&response, &watch);
    response
}

async fn handle(collector: &Arc<Collector>, request: Request) -> Result<Report, Rejection> {
    let (head, body) = request.into_parts();
    let config = &collector.config;
    let shape = Shape {
        principal: collector.admit_sender(&head.headers)?,
        compression: Compression::of(&head.headers)?,
        content_type: form::content_type(&head.headers).to_owned(),
        form: Form::of(&head.headers)?,
        run: run(&head.headers),
        is_strict: is_strict(head.uri.query().unwrap_or(""))?,
    };
    let mut bytes = collector.bytes.share();
    let (bytes_max, wait) = (config.body_bytes_max, config.body_wait());
    let body = body::read(body, &head.headers, bytes_max, wait, &mut bytes).await?;
    metrics::counter!(names::COLLECTOR_BODY_BYTES).increment(count(body.len()));
    let preparing = Arc::clone(collector);
    let (prepared, events, bytes) = collector::prepare(body.len(), move || {
        let (prepared, events) = prepare(&preparing, &body, &shape, &mut bytes)?;
        Ok((prepared, events, bytes))
    })
    .await?;
    let report = collector.publish(prepared, events).await;
    drop(bytes);
    Ok(report)
}

/// The trace that the headers name, if there is one.
fn run(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(trace::HEADER)?.to_str().ok()?;
    Some(trace::trace_id(header)?.into_owned())
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

/// The part that does not block: decompresses, splits, decodes, encodes. Events count as received
/// only if there is room for them.
fn prepare(
    collector: &Collector,
    body: &Bytes,
    shape: &Shape,
    bytes: &mut Share,
) -> Result<(Prepared, Share), Rejection> {
    let Shape { principal, compression, content_type, form, run, is_strict } = shape;
    let body = &body::plain(body, *compression, collector.config.body_bytes_max, bytes)?;
    let items = if form.is_split() {
        split::split(body, content_type, collector.config.body_events_max)?
    } else {
        vec![&**body]
    };
    let mut events = collector.events.share();
    if !events.grow(items.len()) {
        return Err(Rejection::Backpressure);
    }
    let used = (items.len(), body.len());
    collector.gate.take(principal, used).map_err(Rejection::Exhausted)?;
    metrics::counter!(names::COLLECTOR_EVENTS_RECEIVED).increment(count(items.len()));
    let received_at = Timestamp::from_micros(clock::now_micros());
    let new_id = || Uuid::now_v7().to_string();
    let say = &mut |remark: &event::Remark| collector.say(remark);
    let mut prepared = collector.preparer.prepare(
        principal,
        (&items, form, run.as_deref()),
        received_at,
        new_id,
        say,
    );
    if *is_strict {
        prepared.all_or_none();
    }
    collector.count_errors(&prepared);
    Ok((prepared, events))
}
