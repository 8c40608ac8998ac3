//! The gateway: acts of people and pipelines over HTTP, and what is in force.
//!
//! An act is signed and published to the governance topic; the answer comes after the log has
//! acknowledged it, with its position. Who asks shows a token of role `act`, as `driftseal log init` and
//! `driftseal token create` make them; the gateway keeps digests only.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/acts` | 201 with `event_id`, `topic`, `partition`, `offset` of the act; 200 if it was recorded before |
//! | `GET /v1/ready/<digest>` | whether that version may be deployed, rule by rule |
//! | `GET /v1/alerts` | firing alerts |
//! | `GET /v1/suppressions`, `/v1/maintenance` | those in force |
//! | `GET /v1/baselines?agent_id=…` | the current baseline of each stream |
//! | `POST /v1/topics` | creates missing topics |
//!
//! Errors are `{"error": {"code", "message", "fields": [{"field", "reason"}]}}`; the codes are part of the
//! API.
//!
//! # Promise
//!
//! - Nobody is heard without a token, and no web page at all ([`service::guard`]). Whoever shows one acts and
//!   reads within its scope.
//! - An act that would have no effect, or not the intended one, is refused with every field that is
//!   wrong.
//! - An act that was answered with 201 is in the log. If the answer was lost or 503, it may be there:
//!   sent again with the same `event_id` it is the same act, and is answered with the position of the
//!   first. Another act under that `event_id`, or one that was undone or replaced since, is refused.
//! - What is listed comes from signed records only.

mod access;
mod asked;
mod config;
mod fields;
mod history;
mod lists;
mod parts;
mod problem;
mod publish;
pub mod ready;
mod rejection;
mod repeat;
mod required;
mod rules;
mod state;
mod view;

use std::sync::Arc;

use ::access::Forbidden;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::{get, post};
use event::Timestamp;
use serde_json::{Value, json};
use service::clock::now_micros;
use service::guard::Guard;
use service::server::{self, Limits};
use service::{Shutdown, metric_names as names};
use tokio::net::TcpListener;

pub use access::{TOKEN_FILE, make_first};
pub use config::Config;
pub use parts::{Parts, Topics};
pub use problem::Problem;

use asked::Asked;
use publish::Done;
use ready::Question;
use rejection::Rejection;
use state::Gateway;
use view::View;

/// What a body asks for, without recording it: `None` if it is refused; the event, if it is complete
/// without what is in force. For fuzzing.
#[doc(hidden)]
#[must_use]
pub fn dry_run(body: &[u8]) -> Option<Option<event::Event<'static>>> {
    match Asked::parse(body, Timestamp::from_micros(1_790_000_000_000_000), || "id".to_owned())
        .ok()?
    {
        Asked::Act(event) => Some(Some(event)),
        Asked::End { .. } | Asked::Answer { .. } => Some(None),
    }
}

type Shared = Arc<Gateway>;

/// Serves the gateway until shutdown, then answers the requests in progress.
pub async fn run(parts: Parts, listener: TcpListener, shutdown: Shutdown) {
    let guard = Guard::new(parts.config.hosts.clone());
    let gateway = Arc::new(Gateway::new(parts));
    let router = Router::new()
        .route("/v1/acts", post(act))
        .route("/v1/alerts", get(alerts))
        .route("/v1/suppressions", get(suppressions))
        .route("/v1/maintenance", get(maintenance))
        .route("/v1/baselines", get(baselines))
        .route("/v1/ready/{digest}", get(ready))
        .route("/v1/topics", post(topics))
        .fallback(|| async { Rejection::NoSuchRoute.response() })
        .with_state(gateway);
    let stop = async move { shutdown.wait().await };
    server::serve(listener, guard.around(router), Limits::default(), stop).await;
}

async fn act(State(gateway): State<Shared>, request: Request) -> Response<Body> {
    match act_of(gateway, request).await {
        Ok(done) => {
            let status = if done.is_new { StatusCode::CREATED } else { StatusCode::OK };
            answer(status, Ok(done.value))
        }
        Err(rejection) => answer(StatusCode::CREATED, Err(rejection)),
    }
}

async fn act_of(gateway: Shared, request: Request) -> Result<Done, Rejection> {
    let (head, body) = request.into_parts();
    let principal = gateway.authenticate(&head.headers)?;
    let config = &gateway.parts.config;
    let (bytes_max, wait) = (config.body_bytes_max, config.body_wait());
    let body = service::body::read(body, &head.headers, bytes_max, wait, |_| true)
        .await
        .map_err(|error| Rejection::of_body(error, bytes_max))?;
    let now = Timestamp::from_micros(now_micros());
    let asked = Asked::parse(&body, now, || uuid::Uuid::now_v7().to_string())?;
    blocking(gateway, move |gateway| publish::publish(gateway, asked, &principal, now)).await
}

async fn alerts(State(gateway): State<Shared>, headers: HeaderMap) -> Response<Body> {
    answer(StatusCode::OK, listed(gateway, &headers, |view, _| lists::alerts(view)).await)
}

async fn suppressions(State(gateway): State<Shared>, headers: HeaderMap) -> Response<Body> {
    answer(StatusCode::OK, listed(gateway, &headers, lists::suppressions).await)
}

async fn maintenance(State(gateway): State<Shared>, headers: HeaderMap) -> Response<Body> {
    answer(StatusCode::OK, listed(gateway, &headers, lists::maintenance).await)
}

/// Parameters of `/v1/baselines`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OfAgent {
    agent_id: Option<String>,
}

async fn baselines(
    State(gateway): State<Shared>,
    query: Result<Query<OfAgent>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response<Body> {
    let listed = match query {
        Ok(Query(OfAgent { agent_id })) => {
            let list = move |view: &View, _| lists::baselines(view, agent_id.as_deref());
            listed(gateway, &headers, list).await
        }
        Err(_wrong) => {
            Err(Rejection::Fields(vec![Problem::new("agent_id", "is the only parameter, once")]))
        }
    };
    answer(StatusCode::OK, listed)
}

/// Parameters of `/v1/ready/…`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ForWhere {
    agent_id: Option<String>,
    environment: Option<String>,
    tenant_id: Option<String>,
}

async fn ready(
    State(gateway): State<Shared>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    query: Result<Query<ForWhere>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response<Body> {
    answer(StatusCode::OK, ready_of(gateway, path.ok(), query.ok(), &headers).await)
}

async fn ready_of(
    gateway: Shared,
    path: Option<Path<String>>,
    query: Option<Query<ForWhere>>,
    headers: &HeaderMap,
) -> Result<Value, Rejection> {
    let principal = gateway.authenticate(headers)?;
    let wrong = |field: &str, text: &str| Rejection::Fields(vec![Problem::new(field, text)]);
    let Path(digest) = path.ok_or_else(|| wrong("digest", "must be a text"))?;
    let parameters = "and `environment` and `tenant_id` are the only parameters, each once";
    let Query(place) = query.ok_or_else(|| wrong("agent_id", parameters))?;
    let ForWhere { agent_id: agent, environment, tenant_id: tenant } = place;
    if let Some(scope) = principal.scope() {
        let agent = agent.as_deref();
        if !scope.covers_agent(agent) {
            return Err(Rejection::Forbidden(Forbidden::Agent(agent.map(str::to_owned))));
        }
        if !scope.covers_tenant(tenant.as_deref()) {
            return Err(Rejection::Forbidden(Forbidden::Tenant(tenant)));
        }
    }
    let question = Question { digest, agent, environment, tenant };
    blocking(gateway, move |gateway| {
        let now = Timestamp::from_micros(now_micros());
        let parts = &gateway.parts;
        gateway.with_view(|view| {
            let history = gateway.history()?;
            let by = (&parts.ready, parts.topics.governance.as_str());
            ready::answer(&question, &history, view, by, now)
        })
    })
    .await
}

async fn topics(State(gateway): State<Shared>, headers: HeaderMap) -> Response<Body> {
    let created = match gateway.authenticate(&headers) {
        Err(rejection) => Err(rejection),
        Ok(principal) if principal.scope().is_some_and(|scope| !scope.is_everything()) => {
            Err(Rejection::NotForAll)
        }
        Ok(_principal) => {
            blocking(gateway, |gateway| {
                let made = service::topics::make(&*gateway.parts.log, &gateway.parts.specs);
                Ok(json!(made.map_err(Rejection::Log)?))
            })
            .await
        }
    };
    answer(StatusCode::OK, created)
}

/// A list of what is in force now.
async fn listed(
    gateway: Shared,
    headers: &HeaderMap,
    list: impl FnOnce(&View, Timestamp) -> Value + Send + 'static,
) -> Result<Value, Rejection> {
    let principal = gateway.authenticate(headers)?;
    blocking(gateway, move |gateway| {
        let now = Timestamp::from_micros(now_micros());
        let mut listed = gateway.with_view(|view| Ok(list(view, now)))?;
        if let Some(scope) = principal.scope() {
            lists::keep_covered(&mut listed, scope);
        }
        Ok(listed)
    })
    .await
}

/// Runs what blocks beside the threads that serve.
async fn blocking<T: Send + 'static>(
    gateway: Shared,
    work: impl FnOnce(&Gateway) -> Result<T, Rejection> + Send + 'static,
) -> Result<T, Rejection> {
    match tokio::task::spawn_blocking(move || work(&gateway)).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(%error, "a request of the gateway failed");
            Err(Rejection::Internal)
        }
    }
}

fn answer(status: StatusCode, outcome: Result<Value, Rejection>) -> Response<Body> {
    let response = match outcome {
        Ok(value) => {
            let body = Body::from(value.to_string());
            let mut response = Response::new(body);
            *response.status_mut() = status;
            let kind = header::HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(rejection) => {
            let reason = rejection.code();
            metrics::counter!(names::GATEWAY_REQUESTS_REJECTED, "reason" => reason).increment(1);
            rejection.response()
        }
    };
    let status = response.status().as_str().to_owned();
    metrics::counter!(names::GATEWAY_REQUESTS, "status" => status).increment(1);
    response
}

#[cfg(test)]
mod tests;
