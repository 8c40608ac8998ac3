//! OTLP: spans, log records and metrics of OpenTelemetry exporters, over HTTP and gRPC.
//!
//! | path | takes |
//! |---|---|
//! | `/v1/traces`, `/api/public/otel/v1/traces` | spans; the second is where Langfuse sends them |
//! | `/v1/logs` | log records, evaluations among them |
//! | `/v1/metrics` | metrics, which are counted and not kept |
//!
//! Over gRPC the same three services. What is full or cut off is answered with 503 and `Retry-After`, or
//! UNAVAILABLE with RetryInfo: exporters send the request again, and its events have the same
//! identifiers. What can never be taken is counted in a partial success.
//!
//! Source: OTLP 1.9, <https://opentelemetry.io/docs/specs/otlp/>.

mod answer;
mod grpc;
mod signal;
mod take;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use otlp::{
    Encoding, ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportTraceServiceRequest,
};
use service::clock::Stopwatch;
use service::metric_names as names;
use service::metrics::count;

use answer::Outcome;
use signal::{Signal, success};
use take::take;

use crate::answer::Rejection;
use crate::body::{self, Compression};
use crate::budget::Share;
use crate::collector::Collector;
use crate::form;

/// The routes over HTTP.
pub(crate) fn routes() -> Router<Arc<Collector>> {
    Router::new()
        .route("/v1/traces", post(http::<ExportTraceServiceRequest>))
        .route("/api/public/otel/v1/traces", post(http::<ExportTraceServiceRequest>))
        .route("/v1/logs", post(http::<ExportLogsServiceRequest>))
        .route("/v1/metrics", post(http::<ExportMetricsServiceRequest>))
        .route("/v1/mappings", get(mappings))
}

/// The routes over gRPC.
pub(crate) fn grpc(collector: &Arc<Collector>) -> Router {
    grpc::routes(collector)
}

async fn http<S: Signal>(
    State(collector): State<Arc<Collector>>,
    request: Request,
) -> Response<Body> {
    let watch = Stopwatch::start();
    let retry_after_secs = collector.config.retry_after_secs;
    let encoding = encoding(request.headers());
    // Who sends something else is answered in a form that people read.
    let answered_in = encoding.unwrap_or(Encoding::Json);
    let taken = match encoding {
        Some(encoding) => take_body::<S>(&collector, request, encoding).await,
        None => Err(Rejection::UnsupportedMedia),
    };
    let response = match taken {
        Ok(Outcome::Taken { rejected, message }) => {
            answer::answered(&success::<S>(rejected, message), answered_in)
        }
        Ok(Outcome::Again { message }) => answer::again(message, answered_in, retry_after_secs),
        Err(rejection) => {
            crate::answer::count_rejection(&rejection);
            answer::rejected(&rejection, answered_in, retry_after_secs)
        }
    };
    crate::answer::count_answer(&response, &watch);
    response
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    match &*service::guard::media_type(form::content_type(headers)) {
        "application/x-protobuf" => Some(Encoding::Protobuf),
        "application/json" => Some(Encoding::Json),
        _ => None,
    }
}

async fn take_body<S: Signal>(
    collector: &Arc<Collector>,
    request: Request,
    encoding: Encoding,
) -> Result<Outcome, Rejection> {
    let (head, body) = request.into_parts();
    let principal = collector.admit_sender(&head.headers)?;
    let config = &collector.config;
    let compression = Compression::of(&head.headers)?;
    let mut bytes = collector.bytes.share();
    let (bytes_max, wait) = (config.body_bytes_max, config.body_wait());
    let body = body::read(body, &head.headers, bytes_max, wait, &mut bytes).await?;
    metrics::counter!(names::COLLECTOR_BODY_BYTES).increment(count(body.len()));
    let read = move |mut bytes: Share| {
        let body = body::plain(&body, compression, bytes_max, &mut bytes)?;
        let length = body.len();
        let request = S::read(&body, encoding);
        let request = request.map_err(|error| Rejection::InvalidMessage { error })?;
        Ok((request, length, bytes))
    };
    take(collector, principal, bytes, read).await
}

async fn mappings(State(collector): State<Arc<Collector>>, headers: HeaderMap) -> Response<Body> {
    let retry_after_secs = collector.config.retry_after_secs;
    match collector.admit_sender(&headers) {
        Ok(_) => {
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], collector.receiver.to_json().to_string())
                .into_response()
        }
        Err(rejection) => crate::answer::rejected(&rejection, retry_after_secs),
    }
}
