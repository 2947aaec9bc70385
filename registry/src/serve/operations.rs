//! `/healthz`, `/readyz` and `/metrics`: what machines ask that watch the registry.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;

use crate::health::Health;
use crate::metrics::Metrics;

/// The media type of Prometheus' text format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The routes; `/metrics` where there are some.
pub(super) fn routes(health: Arc<Health>, metrics: Option<Metrics>) -> Router {
    let router = Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(move || ready(health.clone())));
    match metrics {
        Some(metrics) => router.route("/metrics", get(|| async move { ([(CONTENT_TYPE, EXPOSITION)], metrics.render()) })),
        None => router,
    }
}

async fn ready(health: Arc<Health>) -> (StatusCode, [(HeaderName, &'static str); 1], String) {
    let report = health.report().await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // A report is names and words: it always is JSON.
    (status, [(CONTENT_TYPE, "application/json")], serde_json::to_string(&report).unwrap_or_default())
}
