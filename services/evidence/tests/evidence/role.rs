//! The evidence role, driven over HTTP: ready while the log holds, not ready when it does not.

use std::time::Duration;

use archive::Archive;
use evidence::role::{Config, Process};
use segment::layout;
use service::Shutdown;
use service::clock::Stopwatch;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::common::{World, policy};

fn get(address: &str, path: &str) -> (u16, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(format!("http://{address}{path}")).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

fn wait_for(address: &str, status: u16) {
    let started = Stopwatch::start();
    while get(address, "/readyz").0 != status {
        assert!(!started.has_passed(Duration::from_secs(30)), "/readyz never answered {status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn readiness_follows_the_log_and_counters_count_its_commits() {
    let world = World::example();
    let directory = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let location = directory.path().to_string_lossy().into_owned();
    let archive = Archive::create(&location, runtime.handle().clone()).unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let process = Process {
        listener,
        exposition: service::metrics::install(),
        runtime: runtime.handle().clone(),
    };
    let shutdown = Shutdown::new();
    let role = {
        let (archive, shutdown) = (archive.clone(), shutdown.clone());
        let config = Config { check_interval_secs: 1 };
        std::thread::spawn(move || {
            let mut misses = 1;
            let open = || {
                if misses > 0 {
                    misses -= 1;
                    let (location, detail) = (String::new(), "not mounted".to_owned());
                    return Err(archive::ArchiveError::Absent { location, detail });
                }
                Ok(archive.clone())
            };
            evidence::role::run(&config, open, policy(), process, &shutdown)
        })
    };

    // An archive that is not there, then one without a log: alive, not ready.
    wait_for(&address, 503);
    assert_eq!(get(&address, "/healthz").0, 200);

    for (path, bytes) in &world.objects {
        archive.put(path, bytes.clone()).unwrap();
    }
    wait_for(&address, 200);
    let entries = evidence::read_log(&archive, &policy(), &mut |_| {}).unwrap().entries.len();
    let (_, metrics) = get(&address, "/metrics");
    assert!(metrics.contains(&format!("driftseal_evidence_log_entries {entries}")), "{metrics}");
    assert!(metrics.contains("driftseal_evidence_checks_total{result=\"ok\"}"), "{metrics}");
    assert!(metrics.contains("driftseal_evidence_commits_verified_total"), "{metrics}");

    // A commit that nobody signed follows: the log does not hold any more.
    let next = (0..).find(|n| archive.get(&layout::commit(*n)).is_err()).unwrap();
    archive.put(&layout::commit(next), bytes::Bytes::from_static(b"not a commit")).unwrap();
    wait_for(&address, 503);
    assert_eq!(get(&address, "/healthz").0, 200);
    assert!(get(&address, "/metrics").1.contains("result=\"not_verified\""));

    shutdown.trigger();
    role.join().unwrap().unwrap();
}
