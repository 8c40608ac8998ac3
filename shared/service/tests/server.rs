//! The HTTP server against clients that open connections and say nothing.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use service::Shutdown;
use service::clock::Stopwatch;
use service::server::{Limits, serve};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    address: SocketAddr,
    shutdown: Shutdown,
    served: tokio::task::JoinHandle<()>,
    runtime: Runtime,
}

fn start(limits: Limits) -> World {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let stop = shutdown.clone();
    let router = Router::new().route("/", get(|| async { "ok" })).route(
        "/slow",
        get(|| async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "slow"
        }),
    );
    let served = runtime.spawn(serve(listener, router, limits, async move { stop.wait().await }));
    World { address, shutdown, served, runtime }
}

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that the server sends until it closes the connection.
fn rest(mut stream: &TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end, too.
    drop(stream.read_to_end(&mut text));
    String::from_utf8(text).unwrap()
}

fn ask(mut stream: &TcpStream, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
}

#[test]
fn a_connection_without_a_complete_head_is_closed_and_so_is_an_idle_one() {
    let world = start(Limits { header_wait: Duration::from_millis(300), ..Limits::default() });
    let watch = Stopwatch::start();
    let silent = connect(&world);
    let mut slow = connect(&world);
    slow.write_all(b"GET / HTTP/1.1\r\nhost: loc").unwrap();
    let mut idle = connect(&world);
    ask(&idle, "/");
    let mut answer = [0; 15];
    idle.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    for stream in [&silent, &slow, &idle] {
        rest(stream);
    }
    assert!(!watch.has_passed(PATIENCE), "closed by the server, not by the patience of the test");
}

#[test]
fn more_connections_than_allowed_are_refused_and_the_place_of_one_that_ends_is_free() {
    let limits = Limits { connections_max: 8, per_client_max: 3, ..Limits::default() };
    let world = start(limits);
    let mut held: Vec<TcpStream> = Vec::new();
    for _ in 0..3 {
        let stream = connect(&world);
        ask(&stream, "/");
        let mut answer = [0; 12];
        (&stream).read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        held.push(stream);
    }
    assert!(rest(&connect(&world)).starts_with("HTTP/1.1 503 "));
    held.pop();
    let watch = Stopwatch::start();
    loop {
        let stream = connect(&world);
        ask(&stream, "/");
        let mut answer = [0; 12];
        if (&stream).read_exact(&mut answer).is_ok() && &answer == b"HTTP/1.1 200" {
            break;
        }
        assert!(!watch.has_passed(PATIENCE), "the place was not given back");
    }
}

#[test]
fn a_request_in_progress_is_answered_at_shutdown_and_an_idle_connection_is_closed() {
    let world = start(Limits::default());
    let (busy, idle) = (connect(&world), connect(&world));
    ask(&busy, "/slow");
    ask(&idle, "/");
    let mut answer = [0; 12];
    (&idle).read_exact(&mut answer).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    world.shutdown.trigger();
    assert!(rest(&busy).ends_with("slow"));
    rest(&idle);
    world.runtime.block_on(world.served).unwrap();
}
