//! HTTP endpoints for operators: liveness, readiness and metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::health::{self, Health, STOPPING};
use crate::metrics::Exposition;
use crate::server::{self, Limits};
use crate::shutdown::Shutdown;

/// Returns whether the process is ready, or why not; must not block.
pub type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// `GET /healthz` (200 while the process lives), `GET /readyz` (200, or 503 with the reason),
/// `GET /readyz/ROLE` (the same of any role of the process), `GET /metrics`.
pub fn router(exposition: Exposition, ready: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { readiness(ready()) }))
        .route("/readyz/{role}", get(|Path(role): Path<String>| async move { of_role(&role) }))
        .route("/metrics", get(move || async move { scrape(&exposition) }))
}

fn readiness(ready: Result<(), String>) -> (StatusCode, String) {
    match ready {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
    }
}

fn of_role(role: &str) -> (StatusCode, String) {
    match health::all().iter().find(|health| health.role() == role) {
        Some(health) => readiness(health.check()),
        None => (StatusCode::NOT_FOUND, "no such role in this process\n".to_owned()),
    }
}

/// The response to a scrape.
pub fn scrape(exposition: &Exposition) -> impl IntoResponse + use<> {
    health::measure();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], exposition.render())
}

/// Serves [`router`] until shutdown, for roles without an HTTP server of their own. Ready while all of
/// `roles` are, until the shutdown begins.
pub async fn serve(
    listener: TcpListener,
    exposition: Exposition,
    roles: Vec<Arc<Health>>,
    shutdown: Shutdown,
) {
    let asked = shutdown.clone();
    let ready: Readiness = Arc::new(move || {
        if asked.is_triggered() {
            return Err(STOPPING.to_owned());
        }
        let reasons: Vec<String> = roles
            .iter()
            .filter_map(|health| Some(format!("{}: {}", health.role(), health.check().err()?)))
            .collect();
        if reasons.is_empty() { Ok(()) } else { Err(reasons.join("; ")) }
    });
    serve_when(listener, exposition, ready, shutdown).await;
}

/// Serves [`router`] until shutdown, with the given readiness.
pub async fn serve_when(
    listener: TcpListener,
    exposition: Exposition,
    ready: Readiness,
    shutdown: Shutdown,
) {
    let stop = async move { shutdown.wait().await };
    server::serve(listener, router(exposition, ready), Limits::default(), stop).await;
}
