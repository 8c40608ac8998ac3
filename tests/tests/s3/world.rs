//! A server, a proxy before it, and a log of the transparency in a place of its own.

use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, Options};
use evidence::{FsckReport, Judgement, Policy};
use ports::{EventLog, Outgoing, TopicSpec, publish_and_wait};
use sealer::{Config, Keys, RunError};
use segment::manifest::Manifest;
use service::Shutdown;
use sim::MemoryLog;
use tests::s3::proxy::Proxy;
use tests::s3::server::S3Server;
use tokio::runtime::Runtime;

/// Topic of the events.
const TOPIC: &str = "agent.events";
/// Its partitions.
const PARTITIONS: i32 = 3;

/// See the module's head.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) server: S3Server,
    pub(crate) proxy: Proxy,
    pub(crate) location: String,
}

impl World {
    /// `None` if there is no server here and that is no failure.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let server = S3Server::start(test)?;
        let proxy = Proxy::start(server.endpoint());
        let location = server.location();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Some(Self { runtime, server, proxy, location })
    }

    /// Options that reach the proxy.
    pub(crate) fn options(&self) -> Options {
        self.server.options(self.proxy.url())
    }

    /// The archive behind the proxy.
    pub(crate) fn archive(&self) -> Archive {
        self.archive_with(&self.options())
    }

    /// The archive behind the proxy, with other options.
    pub(crate) fn archive_with(&self, options: &Options) -> Archive {
        Archive::open_with(&self.location, options, self.runtime.handle().clone()).unwrap()
    }

    /// The archive without the proxy.
    pub(crate) fn direct(&self) -> Archive {
        self.server.archive(&self.location, self.runtime.handle())
    }
}

/// An event log, and sealers of it that are started again as a supervisor would.
pub(crate) struct Sealing {
    pub(crate) log: MemoryLog,
    pub(crate) keys: Keys,
    published: u64,
}

impl Sealing {
    /// Creates the transparency log in the archive.
    pub(crate) fn init(archive: &Archive) -> Self {
        let log = MemoryLog::new();
        log.set_now_ms(service::clock::now_ms());
        let topic =
            TopicSpec { name: TOPIC.into(), partitions: PARTITIONS, compacted: false, kept: false };
        log.create_topics(&[topic]).unwrap();
        let keys = Keys::generate("s3.example/log").unwrap();
        let installation = sealer::describe(&log, "", &[TOPIC.into()]).unwrap();
        sealer::init_log(archive, &keys, installation).unwrap();
        Self { log, keys, published: 0 }
    }

    /// The same log and keys, for the threads that seal.
    pub(crate) const fn over(log: MemoryLog, keys: Keys) -> Self {
        Self { log, keys, published: 0 }
    }

    /// Publishes events to every partition.
    pub(crate) fn publish(&mut self, of_each: u64) {
        let record = |partition, number| Outgoing {
            topic: TOPIC.into(),
            partition: Some(partition),
            value: Some(
                format!(r#"{{"kind":"run.completed","agent_id":"a","run_id":"r{number}"}}"#).into(),
            ),
            ..Outgoing::default()
        };
        let records: Vec<_> = (0..PARTITIONS)
            .flat_map(|partition| (0..of_each).map(move |number| record(partition, number)))
            .collect();
        self.published += u64::try_from(records.len()).unwrap();
        publish_and_wait(&*self.log.producer(), records, Duration::from_secs(10)).unwrap();
    }

    /// Configuration of a sealer of small segments in a consumer group.
    pub(crate) fn config(group: &str) -> Config {
        Config {
            topics: vec![TOPIC.into()],
            group: group.into(),
            segment_rows_max: 40,
            segment_age_ms_max: 50,
            attempts_max: 4,
            retry_ms: 5,
            retry_pause_ms: 5,
            ..Config::default()
        }
    }

    /// Runs a sealer until the shutdown, again whenever it ends with an error; returns these.
    pub(crate) fn supervise(
        &self,
        config: &Config,
        archive: &Archive,
        shutdown: &Shutdown,
    ) -> Vec<RunError> {
        let mut errors = Vec::new();
        loop {
            let log: Arc<dyn EventLog> = Arc::new(self.log.clone());
            let (config, keys) = (config.clone(), self.keys.clone());
            match sealer::run(config, log, archive.clone(), keys, shutdown.clone()) {
                Ok(()) => return errors,
                Err(error) => errors.push(error),
            }
            assert!(errors.len() < 200, "the sealer never gets there: {errors:?}");
        }
    }

    /// Whether everything that was published is sealed.
    pub(crate) fn is_sealed(&self, direct: &Archive) -> bool {
        sealed(direct, &self.policy()) >= self.published
    }

    /// Everything is sealed exactly once and everything holds. What an error left behind are
    /// orphans at most.
    pub(crate) fn verify(&self, direct: &Archive) {
        verify(direct, &self.policy(), self.published);
    }

    fn policy(&self) -> Policy {
        Policy::parse(&self.keys.policy()).unwrap()
    }
}

/// Events that the log of an archive says are sealed.
pub(crate) fn sealed(direct: &Archive, policy: &Policy) -> u64 {
    let log = evidence::read_log(direct, policy, &mut |_| {}).unwrap();
    let events = log.entries.iter().map(|entry| match &entry.opened.manifest {
        Manifest::Segment(segment) => segment.facts.count,
        Manifest::Installation(_)
        | Manifest::Key(_)
        | Manifest::Amendment(_)
        | Manifest::Unknown(_) => 0,
    });
    events.sum()
}

/// The whole archive holds, and these events are sealed, each once; the report.
pub(crate) fn verify(direct: &Archive, policy: &Policy, events: u64) -> FsckReport {
    let report = evidence::fsck(direct, policy, None, &mut |_| {});
    assert_eq!(report.verdict, Judgement::Verified, "{}", report.to_text());
    assert_eq!(report.events, events, "{}", report.to_text());
    report
}
