//! The HTTP server of all roles: no connection waits for ever, and no client takes all of them.
//!
//! | limit | at the limit |
//! |---|---|
//! | [`Limits::header_wait`] | a connection without a complete request head is closed; between requests too |
//! | [`Limits::connections_max`] | a new connection is answered 503 and closed |
//! | [`Limits::per_client_max`] | the same, for clients of one IP address |
//!
//! Where the servers of a process could together take more than half of the files that it may open, the
//! limits are lowered: the other half is for the log, the archive and Kafka.
//!
//! Bodies are bounded by the handlers that read them.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::Next;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Stopwatch;
use crate::metric_names as names;
use crate::open_files;

/// Pause after a connection could not be accepted, as when the process has no file left.
const PAUSE: Duration = Duration::from_millis(100);
/// Interval at which refused connections are logged.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// The answer to a connection that is refused.
const REFUSED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-length: 0\r\n\r\n";

/// Most servers of a process: of events or operations, of OTLP over HTTP and gRPC, of evidence, of acts.
const SERVERS_MAX: u64 = 5;
/// Requests of one connection at the same time.
const STREAMS_MAX: u32 = 100;
/// Largest head of a request over HTTP/2, bytes.
const HEADER_BYTES_MAX: u32 = 64 * 1024;
/// So many connections a server takes, however few files there are.
const CONNECTIONS_MIN: usize = 8;

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 from the first byte on, as gRPC does without TLS.
    Http2,
}

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
    /// 512 connections, 256 of one address, 30 seconds.
    fn default() -> Self {
        Self { connections_max: 512, per_client_max: 256, header_wait: Duration::from_secs(30) }
    }
}

impl Limits {
    /// The same for a server of a process that may open so many files: with fewer connections, if need be.
    fn within(self, files: u64) -> Self {
        let share = usize::try_from(files / 2 / SERVERS_MAX).unwrap_or(usize::MAX);
        let share = share.max(CONNECTIONS_MIN);
        if share >= self.connections_max {
            return self;
        }
        let per_client = self.per_client_max.saturating_mul(share) / self.connections_max.max(1);
        Self { connections_max: share, per_client_max: per_client.clamp(1, share), ..self }
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
/// The limits are lowered, and that is said, where the process may open too few files for them. A connection
/// that cannot be accepted (the process has no file left) is counted and said; the server goes on.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    serve_as(Protocol::Http1, listener, router, limits, stop).await;
}

/// As [`serve`], for another protocol.
pub async fn serve_as(
    protocol: Protocol,
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let files = open_files::limit();
    let asked = limits.connections_max;
    let limits = limits.within(files);
    if limits.connections_max < asked {
        let address = listener.local_addr().map_or_else(|_| String::new(), |at| at.to_string());
        let Limits { connections_max, per_client_max, .. } = limits;
        tracing::warn!(
            address,
            files,
            asked,
            connections_max,
            per_client_max,
            "the limit of open files lowers the number of connections; raise it with `ulimit -n` or \
             systemd's LimitNOFILE"
        );
    }
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
                        protocol,
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
    protocol: Protocol,
    stream: TcpStream,
    router: Router,
    header_wait: Duration,
    stopped: watch::Receiver<bool>,
    place: Place,
) {
    match protocol {
        Protocol::Http1 => {
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(header_wait)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
            until_stopped(served, |served| served.graceful_shutdown(), stopped).await;
        }
        Protocol::Http2 => {
            // A connection is kept as long as its client answers, but only if it ever asked something.
            let (asked, mut was_asked) = watch::channel(false);
            let router = router.layer(axum::middleware::from_fn(move |request, next: Next| {
                asked.send_replace(true);
                next.run(request)
            }));
            let served = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(header_wait)
                .keep_alive_timeout(header_wait)
                .max_concurrent_streams(STREAMS_MAX)
                .max_header_list_size(HEADER_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
            let silent = async {
                let asked = was_asked.wait_for(|asked| *asked);
                if tokio::time::timeout(header_wait, asked).await.is_ok() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = until_stopped(served, |served| served.graceful_shutdown(), stopped) => {}
                () = silent => {}
            }
        }
    }
    drop(place);
}

/// Drives a connection to its end; once the server stops, to the end of the requests in progress.
async fn until_stopped<C: Future>(
    served: C,
    shut_down: impl FnOnce(Pin<&mut C>),
    mut stopped: watch::Receiver<bool>,
) {
    let mut served = pin!(served);
    // What ends a connection early is of no concern to anybody but its client.
    tokio::select! {
        ended = served.as_mut() => drop(ended),
        () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => {
            shut_down(served.as_mut());
            drop(served.await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_servers_together_take_half_of_the_files_at_most() {
        let of = |files| {
            let Limits { connections_max, per_client_max, .. } = Limits::default().within(files);
            (connections_max, per_client_max)
        };
        assert_eq!([of(u64::MAX), of(65_536), of(5_120)], [(512, 256); 3]);
        assert_eq!(of(1_024), (102, 51));
        assert_eq!(of(256), (25, 12));
        assert_eq!([of(20), of(0)], [(8, 4); 2]);
        // Who allows a proxy all connections means all that there are.
        let proxy = Limits { connections_max: 512, per_client_max: 512, ..Limits::default() };
        assert_eq!(proxy.within(1_024).per_client_max, 102);
        let few = Limits { connections_max: 2, per_client_max: 1, ..Limits::default() };
        assert_eq!(few.within(0), few);
    }
}
