//! OTLP over gRPC.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use access::Principal;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::middleware::{self, Next};
use axum::routing::post;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use otlp::{ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportTraceServiceRequest};
use prost::Message;
use service::clock::Stopwatch;
use service::metric_names as names;
use service::metrics::count;
use tonic::codec::{CompressionEncoding, EnabledCompressionEncodings};
use tonic::codegen::BoxFuture;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::answer::{Outcome, code_of};
use super::signal::{Signal, success};
use super::take::take;
use crate::answer::{Rejection, count_answer, count_rejection};
use crate::budget::Share;
use crate::collector::Collector;

/// The share of the budget that the body of a request has taken.
type Held = Arc<Mutex<Option<Share>>>;

pub(super) fn routes(collector: &Arc<Collector>) -> Router {
    let path = |signal: &str, service: &str| {
        format!("/opentelemetry.proto.collector.{signal}.v1.{service}/Export")
    };
    Router::new()
        .route(&path("trace", "TraceService"), post(unary::<ExportTraceServiceRequest>))
        .route(&path("logs", "LogsService"), post(unary::<ExportLogsServiceRequest>))
        .route(&path("metrics", "MetricsService"), post(unary::<ExportMetricsServiceRequest>))
        .fallback(async || Status::unimplemented("there is no such method").into_http::<Body>())
        .with_state(Arc::clone(collector))
        .layer(middleware::from_fn_with_state(Arc::clone(collector), admitted))
}

async fn unary<S: Signal + Message + Default>(
    State(collector): State<Arc<Collector>>,
    request: Request,
) -> Response<Body> {
    let mut gzip = EnabledCompressionEncodings::default();
    gzip.enable(CompressionEncoding::Gzip);
    let none = EnabledCompressionEncodings::default();
    let bytes_max = collector.config.body_bytes_max;
    let mut grpc = Grpc::new(ProstCodec::<S::Answer, S>::default())
        .apply_compression_config(gzip, none)
        .apply_max_message_size_config(Some(bytes_max), None);
    let export = Export { collector, signal: PhantomData::<S> };
    grpc.unary(export, request).await.map(Body::new)
}

/// Admits the sender before anything is read, and lets its body take from the budget as it arrives.
async fn admitted(
    State(collector): State<Arc<Collector>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let watch = Stopwatch::start();
    let (mut head, body) = request.into_parts();
    let response = match collector.admit_sender(&head.headers) {
        Err(rejection) => {
            refused(&rejection, collector.config.retry_after_secs).into_http::<Body>()
        }
        Ok(principal) => {
            let held: Held = Arc::new(Mutex::new(Some(collector.bytes.share())));
            head.extensions.insert(principal);
            head.extensions.insert(Arc::clone(&held));
            let wait = collector.config.body_wait();
            let retry_after_secs = collector.config.retry_after_secs;
            let body = Body::new(Metered { body, held, retry_after_secs });
            let answered = next.run(Request::from_parts(head, body));
            // The body is read in there: the log has its own time besides.
            match tokio::time::timeout(wait + collector.config.publish_wait(), answered).await {
                Ok(response) => response,
                Err(_elapsed) => {
                    refused(&Rejection::BodyTimeout, collector.config.retry_after_secs)
                        .into_http::<Body>()
                }
            }
        }
    };
    count_answer(&response, &watch);
    response
}

/// A body, each piece of which is reserved in the budget before it is kept.
#[derive(Debug)]
struct Metered {
    body: Body,
    held: Held,
    retry_after_secs: u64,
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let frame = match ready!(polled) {
            None => return Poll::Ready(None),
            Some(Err(_broken)) => {
                return Poll::Ready(Some(Err(Status::cancelled("the body broke off"))));
            }
            Some(Ok(frame)) => frame,
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        metrics::counter!(names::COLLECTOR_BODY_BYTES).increment(count(length));
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_room = held.as_mut().is_none_or(|share| share.grow(length));
        drop(held);
        if is_room {
            return Poll::Ready(Some(Ok(frame)));
        }
        Poll::Ready(Some(Err(refused(&Rejection::Backpressure, self.retry_after_secs))))
    }
}

/// The status of a request that is rejected as a whole.
fn refused(rejection: &Rejection, retry_after_secs: u64) -> Status {
    count_rejection(rejection);
    let after = Duration::from_secs(rejection.retry_after_secs(retry_after_secs));
    status(code_of(rejection), rejection.message(), after)
}

/// A status. One that asks to try again says when, without which exporters drop what is exhausted.
fn status(code: Code, message: String, after: Duration) -> Status {
    if [Code::Unavailable, Code::ResourceExhausted].contains(&code) {
        let details = ErrorDetails::with_retry_info(Some(after));
        Status::with_error_details(code, message, details)
    } else {
        Status::new(code, message)
    }
}

/// The method of a signal.
struct Export<S> {
    collector: Arc<Collector>,
    signal: PhantomData<S>,
}

impl<S: Signal + Message> UnaryService<S> for Export<S> {
    type Response = S::Answer;
    type Future = BoxFuture<tonic::Response<S::Answer>, Status>;

    fn call(&mut self, request: tonic::Request<S>) -> Self::Future {
        Box::pin(export(Arc::clone(&self.collector), request))
    }
}

async fn export<S: Signal + Message>(
    collector: Arc<Collector>,
    request: tonic::Request<S>,
) -> Result<tonic::Response<S::Answer>, Status> {
    let retry_after_secs = collector.config.retry_after_secs;
    let (_, mut extensions, request) = request.into_parts();
    let (Some(principal), Some(held)) =
        (extensions.remove::<Principal>(), extensions.remove::<Held>())
    else {
        unreachable!("the layer around the services adds both")
    };
    let share = held.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(share) = share else { unreachable!("only this takes it") };
    let length = request.encoded_len();
    // The message is larger than the body was if that was compressed.
    let read = move |mut share: Share| {
        if share.grow(length) { Ok((request, length, share)) } else { Err(Rejection::Backpressure) }
    };
    match take(&collector, principal, share, read).await {
        Ok(Outcome::Taken { rejected, message }) => {
            Ok(tonic::Response::new(success::<S>(rejected, message)))
        }
        Ok(Outcome::Again { message }) => {
            Err(status(Code::Unavailable, message, Duration::from_secs(retry_after_secs)))
        }
        Err(rejection) => Err(refused(&rejection, retry_after_secs)),
    }
}
