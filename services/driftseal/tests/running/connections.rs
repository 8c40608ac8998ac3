//! Clients that open connections and say nothing, where the process may open few files.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

use crate::world::{World, http};

/// Files that the process may open: fewer than the connections that are asked for.
const FILES: u64 = 256;

/// Connections of a client to a server.
const OF_A_CLIENT: usize = 60;

/// A connection from an address of this machine.
async fn connect(from: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, from), 0))).unwrap();
    socket.connect(to).await.unwrap()
}

#[test]
fn idle_connections_leave_files_for_events_their_sealing_and_health() {
    let mut world = World::new();
    world.files_max = Some(FILES);
    world.set([
        ("DRIFTSEAL__SEALER__SEGMENT_AGE_MS_MAX", "100"),
        ("DRIFTSEAL__TOPICS__PARTITIONS", "1"),
    ]);
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    world.up();
    let said = "the limit of open files lowers the number of connections";
    assert_eq!(world.log().matches(said).count(), 5, "each server says it: {}", world.log());

    // One client at the collector, and as many as it takes at the others.
    let runtime = Runtime::new().unwrap();
    let mut idle = Vec::new();
    for (server, clients) in [(0, 2..=2), (2, 2..=5), (3, 2..=5)] {
        let address: SocketAddr = world.environment[server].1.parse().unwrap();
        for client in clients {
            for _ in 0..OF_A_CLIENT {
                idle.push(runtime.block_on(connect(client, address)));
            }
        }
    }
    let asked = idle.len();
    assert!(asked > usize::try_from(2 * FILES).unwrap());

    let collector = world.environment[0].1.clone();
    let event = r#"{"kind":"run.completed","agent_id":"a","event_id":"behind-the-flood"}"#;
    let answer = http(&collector, "POST /v1/events", event);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let ready = http(&collector, "GET /readyz", "");
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    world.until("the event to be sealed", || {
        let found = world.run(&["proof", "driftseal/archive", "behind-the-flood"]);
        found.status.success()
    });
    let metrics = http(&collector, "GET /metrics", "");
    assert!(metrics.contains(r#"http_connections_refused_total{reason="limit"}"#), "{metrics}");
    assert!(!metrics.contains(r#"reason="accept_failed""#), "a file was left: {metrics}");

    // All but few were refused, not left to wait.
    let open = runtime.block_on(async {
        let mut open = 0;
        for stream in &mut idle {
            let mut answer = [0; 12];
            let waiting = std::time::Duration::from_millis(20);
            match tokio::time::timeout(waiting, stream.read(&mut answer)).await {
                Err(_) => open += 1,
                Ok(read) => {
                    assert!(read.is_err() || answer.starts_with(b"HTTP/1.1 503"), "{read:?}")
                }
            }
        }
        open
    });
    assert!(open > 0 && open <= FILES / 2, "{open} of {asked} connections are open");
    world.stop();
}
