//! The evidence role: follows the log of an archive and says over HTTP whether it holds.
//!
//! `GET /readyz` answers 200 while the last check succeeded and is recent: the archive could be
//! read, the end of the log is known, and its signatures are those of the policy. Whatever is wrong
//! makes it 503 and is counted; the next check starts from where the last one ended.

mod config;
mod follow;
mod health;

use std::sync::Arc;

use archive::{Archive, ArchiveError};
use segment::policy::Policy;
use service::clock::Stopwatch;
use service::health::STOPPING;
use service::operations::{Readiness, serve_when};
use service::{Exposition, Shutdown, metric_names};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tracing::{error, info};

pub use config::Config;
use follow::Follower;
use health::Health;

use crate::EvidenceError;

/// Why the role ended.
#[derive(Debug, Error)]
pub enum RoleError {
    /// HTTP cannot be served any more.
    #[error("failed to serve HTTP: {0}")]
    Serve(#[from] std::io::Error),
}

/// What the role shares with its process.
#[derive(Debug)]
pub struct Process {
    /// Where `/healthz`, `/readyz` and `/metrics` are served.
    pub listener: TcpListener,
    /// Metrics of the process.
    pub exposition: Exposition,
    /// The runtime below HTTP.
    pub runtime: Handle,
}

/// Runs the role until the shutdown. `open` opens the archive, which may not be there yet; it is called until it
/// succeeds once.
///
/// # Errors
///
/// [`RoleError::Serve`]. What is wrong with the archive or its log does not end the role: it is not
/// ready until it is right again.
pub fn run(
    config: &Config,
    open: impl FnMut() -> Result<Archive, ArchiveError>,
    policy: Policy,
    process: Process,
    shutdown: &Shutdown,
) -> Result<(), RoleError> {
    let health = Arc::new(Health::new(config.stale_after()));
    let ready: Readiness = {
        let (health, shutdown) = (Arc::clone(&health), shutdown.clone());
        Arc::new(move || {
            if shutdown.is_triggered() {
                return Err(STOPPING.to_owned());
            }
            health.check()?;
            service::health::of("evidence").check_objection()
        })
    };
    let serving = serve_when(process.listener, process.exposition, ready, shutdown.clone());
    let serving = process.runtime.spawn(serving);
    let mut follower = Follower::new(open, policy);
    loop {
        check(&mut follower, &health);
        service::health::of("evidence").say_for(health.check(), config.stale_after());
        if shutdown.wait_timeout(config.check_interval()) {
            break;
        }
        if serving.is_finished() {
            break;
        }
    }
    match process.runtime.block_on(serving) {
        Ok(()) => Ok(()),
        Err(panicked) => Err(std::io::Error::other(panicked).into()),
    }
}

/// Reads what the log has gained, and records how that went.
fn check(follower: &mut Follower<impl FnMut() -> Result<Archive, ArchiveError>>, health: &Health) {
    let stopwatch = Stopwatch::start();
    let outcome = follower.advance();
    metrics::histogram!(metric_names::EVIDENCE_CHECK_DURATION).record(stopwatch.elapsed_secs());
    let result = match &outcome {
        Ok(_) => "ok",
        Err(EvidenceError::Log(_) | EvidenceError::NoLog) => "not_verified",
        Err(_) => "failed",
    };
    metrics::counter!(metric_names::EVIDENCE_CHECKS, "result" => result).increment(1);
    match outcome {
        Ok(commits) => {
            metrics::counter!(metric_names::EVIDENCE_COMMITS_VERIFIED).increment(commits);
            #[expect(clippy::cast_precision_loss, reason = "a gauge; exact below 2^53")]
            metrics::gauge!(metric_names::EVIDENCE_LOG_ENTRIES).set(follower.entries() as f64);
            if health.succeeded() {
                info!(
                    origin = follower.origin(),
                    entries = follower.entries(),
                    "the log is verified to its end"
                );
            }
        }
        Err(error) => {
            if health.failed(error.to_string()) {
                error!(%error, "failed to verify the log of the archive; not ready");
            }
        }
    }
}
