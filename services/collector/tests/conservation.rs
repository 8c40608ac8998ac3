//! Every event that was received is published or rejected; the counters say so. In a process of
//! its own, because counters belong to the process.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;

use collector::Config;
use ports::{EventLog as _, TopicSpec};
use service::Shutdown;
use sim::{Fault, MemoryLog, Operation, Settings};

/// The sum of a counter over its labels.
fn counter(metrics: &str, name: &str) -> u64 {
    metrics
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[test]
fn received_is_published_plus_rejected() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let log = MemoryLog::with_settings(Settings { record_bytes_max: 300, ..Settings::default() });
    log.create_topics(&[TopicSpec {
        name: "agent.events".into(),
        partitions: 2,
        compacted: false,
        kept: false,
    }])
    .unwrap();
    let shutdown = Shutdown::new();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = Config { body_events_max: 5, ..Config::default() };
    let server = runtime.spawn(collector::run(
        config,
        Arc::new(log.clone()),
        listener.into(),
        shutdown.clone(),
    ));

    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let good = r#"{"kind":"x.y"}"#;
    let large = format!(r#"{{"kind":"x.y","note":"{}"}}"#, "x".repeat(400));
    for (index, body) in [
        good.to_owned(),
        format!("[{good},{good},7]"),
        format!("[{good},{large}]"),
        format!("{good}\n{{\"kind\"\n"),
        "[]".to_owned(),
        "[1,2,3,4,5,6]".to_owned(),
        good.to_owned(),
        good.to_owned(),
        "nonsense".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        match index {
            6 => log.inject(Operation::Publish, 0, Fault::NotApplied),
            7 => log.inject(Operation::Publish, 0, Fault::LostAnswer),
            _ => {}
        }
        agent
            .post(format!("{url}/v1/events"))
            .header("content-type", "application/json")
            .send(&body)
            .unwrap();
    }
    let mut response = agent.get(format!("{url}/metrics")).call().unwrap();
    let metrics = response.body_mut().read_to_string().unwrap();
    let received = counter(&metrics, "driftseal_collector_events_received_total");
    let published = counter(&metrics, "driftseal_collector_events_published_total");
    let rejected = counter(&metrics, "driftseal_collector_events_rejected_total");
    assert_eq!((received, published, rejected), (11, 5, 6), "{metrics}");
    assert_eq!(counter(&metrics, "driftseal_collector_requests_total"), 9);
    assert_eq!(counter(&metrics, "driftseal_collector_requests_rejected_total"), 2);
    assert_eq!(counter(&metrics, "driftseal_collector_in_flight_events"), 0);
    assert_eq!(counter(&metrics, "driftseal_collector_in_flight_bytes"), 0);
    shutdown.trigger();
    runtime.block_on(server).unwrap().unwrap();
}
