//! HTTP endpoints for operators: liveness, readiness and metrics.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::Exposition;
use crate::server::{self, Limits};
use crate::shutdown::Shutdown;

/// Returns whether the process is ready; must not block.
pub type Readiness = Arc<dyn Fn() -> bool + Send + Sync>;

/// `GET /healthz` (200 while the process lives), `GET /readyz` (200 or 503), `GET /metrics`.
pub fn router(exposition: Exposition, ready: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route(
            "/readyz",
            get(move || async move {
                if ready() {
                    (StatusCode::OK, "ready\n")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
                }
            }),
        )
        .route("/metrics", get(move || async move { scrape(&exposition) }))
}

/// The response to a scrape.
pub fn scrape(exposition: &Exposition) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], exposition.render())
}

/// Serves [`router`] until shutdown, for roles without an HTTP server of their own. Ready until the
/// shutdown begins.
pub async fn serve(listener: TcpListener, exposition: Exposition, shutdown: Shutdown) {
    let asked = shutdown.clone();
    let ready: Readiness = Arc::new(move || !asked.is_triggered());
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
