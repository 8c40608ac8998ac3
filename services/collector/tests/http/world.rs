//! A collector over real HTTP, publishing to the log of the simulator.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use collector::{Config, Listeners, RunError};
use event::{Decoder, Event, Limits, TopicPartition};
use ports::{EventLog as _, TopicSpec};
use serde_json::Value;
use service::Shutdown;
use service::clock::Stopwatch;
use sim::MemoryLog;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) log: MemoryLog,
    pub(crate) address: SocketAddr,
    /// Where OTLP is taken over gRPC.
    pub(crate) grpc: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) server: Option<JoinHandle<Result<(), RunError>>>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.body["accepted"].as_u64().unwrap(), self.body["rejected"].as_u64().unwrap())
    }

    pub(crate) fn errors(&self) -> Vec<(u64, &str, &str)> {
        let errors = self.body["errors"].as_array().unwrap().iter();
        errors
            .map(|error| {
                let text = |key: &str| error[key].as_str().unwrap();
                (error["index"].as_u64().unwrap(), text("reason"), text("pointer"))
            })
            .collect()
    }
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self::with_log(config, MemoryLog::new())
    }

    pub(crate) fn with_log(config: Config, log: MemoryLog) -> Self {
        let topic =
            TopicSpec { name: config.topic.clone(), partitions: 1, compacted: false, kept: false };
        log.create_topics(&[topic]).unwrap();
        let shutdown = Shutdown::new();
        let (send, receive) = std::sync::mpsc::channel();
        let (stop, shared) = (shutdown.clone(), Arc::new(log.clone()));
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let grpc = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send((listener.local_addr().unwrap(), grpc.local_addr().unwrap())).unwrap();
                let listeners = Listeners { otlp_grpc: Some(grpc), ..listener.into() };
                collector::run(config, shared, listeners, stop).await
            })
        });
        let (address, grpc) = receive.recv_timeout(PATIENCE).unwrap();
        Self { log, address, grpc, shutdown, server: Some(server) }
    }

    pub(crate) fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.post_to("/v1/events", headers, body)
    }

    pub(crate) fn post_to(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        post(self.address, path, headers, body)
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(format!("http://{}{path}", self.address)).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// What was published, in order.
    pub(crate) fn published(&self) -> Vec<(Option<Vec<u8>>, Event<'static>)> {
        let batch = self.log.records(&TopicPartition::new("agent.events", 0)).unwrap();
        let decoder = Decoder::new(Limits { value_bytes_max: usize::MAX });
        batch
            .records()
            .map(|record| {
                let decoded = decoder.decode(&record);
                assert_eq!(decoded.fault, None);
                assert_eq!(decoded.schema_id, event::decode::bundled_schema_id());
                (record.key.map(<[u8]>::to_vec), decoded.event.into_owned())
            })
            .collect()
    }

    pub(crate) fn stop(&mut self) -> Result<(), RunError> {
        self.shutdown.trigger();
        self.server.take().unwrap().join().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.trigger();
        self.log.release();
    }
}

pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

pub(crate) fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = agent().post(format!("http://{address}{path}"));
    if headers.iter().all(|(name, _)| *name != "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.send(body).unwrap();
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    let body = response.body_mut().with_config().limit(100 << 20).read_to_vec().unwrap();
    let status = response.status().as_u16();
    Answer { status, retry_after, body: serde_json::from_slice(&body).unwrap() }
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while !condition() {
        assert!(!watch.has_passed(PATIENCE), "waited in vain: {what}");
        std::thread::yield_now();
    }
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

pub(crate) const RUN: &str = r#"{"kind":"run.completed","agent_id":"a","run":{"status":"ok"}}"#;
