//! The HTTP server of all roles: no connection waits for ever, and no client takes all of them.
//!
//! | limit | at the limit |
//! |---|---|
//! | [`Limits::header_wait`] | a connection without a complete request head is closed; between requests too |
//! | [`Limits::connections_max`] | a new connection is answered 503 and closed |
//! | [`Limits::per_client_max`] | the same, for clients of one IP address |
//!
//! Bodies are bounded by the handlers that read them.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Stopwatch;
use crate::metric_names as names;

/// Pause after a connection could not be accepted, as when the process has no file left.
const PAUSE: Duration = Duration::from_millis(100);
/// Interval at which refused connections are logged.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// The answer to a connection that is refused.
const REFUSED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-length: 0\r\n\r\n";

/// Limits of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections.
    pub connections_max: usize,
    /// Open connections of one IP address.
    pub per_client_max: usize,
    /// Longest wait for the head of a request, from the opening of the connection or from the end of
    /// the answer before.
    pub header_wait: Duration,
}

impl Default for Limits {
    /// 512 connections, 256 of one address, 30 seconds: half of what a process may commonly open
    /// (1,024 files) is left to the log and the archive.
    fn default() -> Self {
        Self { connections_max: 512, per_client_max: 256, header_wait: Duration::from_secs(30) }
    }
}

/// Open connections, by address of the client.
#[derive(Debug, Clone)]
struct Open {
    limits: Limits,
    by_client: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place among the open connections; given back when it is dropped.
#[derive(Debug)]
struct Place {
    open: Open,
    client: IpAddr,
}

impl Open {
    fn take(&self, client: IpAddr) -> Option<Place> {
        let mut counts = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = counts.values().sum();
        let own = counts.get(&client).map_or(0, |count| *count);
        if all >= self.limits.connections_max || own >= self.limits.per_client_max {
            return None;
        }
        counts.insert(client, own + 1);
        drop(counts);
        Some(Place { open: self.clone(), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.open.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

/// Serves a router until `stop`, then answers the requests in progress. Dropping it closes all
/// connections at once.
///
/// A connection that cannot be accepted (the process has no file left) is counted and said; the server
/// goes on.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let open = Open { limits, by_client: Arc::default() };
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    let mut said: Option<Stopwatch> = None;
    let mut complain = |what: &str, detail: &str| {
        if said.as_ref().is_none_or(|since| since.has_passed(SAID_EVERY)) {
            tracing::warn!(detail, "{what}; repeated at most once a minute");
            said = Some(Stopwatch::start());
        }
    };
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => match open.take(peer.ip()) {
                Some(place) => {
                    connections.spawn(connection(
                        stream,
                        router.clone(),
                        limits.header_wait,
                        stopped.clone(),
                        place,
                    ));
                }
                None => {
                    refused("limit");
                    complain("too many connections: refused one", &peer.ip().to_string());
                    // A connection that does not take the few bytes at once is closed without them.
                    drop(stream.try_write(REFUSED));
                }
            },
            Err(error) => {
                refused("accept_failed");
                complain("a connection could not be accepted", &error.to_string());
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while connections.join_next().await.is_some() {}
}

fn refused(reason: &'static str) {
    metrics::counter!(names::HTTP_CONNECTIONS_REFUSED, "reason" => reason).increment(1);
}

async fn connection(
    stream: TcpStream,
    router: Router,
    header_wait: Duration,
    mut stopped: watch::Receiver<bool>,
    place: Place,
) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_wait)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = pin!(served);
    // What ends a connection early is of no concern to anybody but its client.
    tokio::select! {
        ended = served.as_mut() => drop(ended),
        () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => {
            served.as_mut().graceful_shutdown();
            drop(served.await);
        }
    }
    drop(place);
}
