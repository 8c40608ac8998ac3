//! A log, an archive and a clock that outlive the sealers under test.

use super::*;

pub(super) const TOPIC: &str = "agent.events";
pub(super) const PARTITIONS: i32 = 2;
pub(super) const AGE_MS: i64 = 1_000;

/// A log, an archive and a clock, which outlive sealers.
pub(super) struct World {
    pub(super) log: MemoryLog,
    pub(super) store: Faulty,
    pub(super) archive: Archive,
    pub(super) keys: Keys,
    pub(super) clock: Arc<AtomicI64>,
    pub(super) config: Config,
    pub(super) shutdown: Shutdown,
    pub(super) _runtime: Option<Runtime>,
}

impl World {
    pub(super) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let handle = runtime.handle().clone();
        let world = Self::on(&handle);
        Self { _runtime: Some(runtime), ..world }
    }

    /// A world on a runtime that others use too; fault tests make hundreds.
    pub(super) fn on(handle: &tokio::runtime::Handle) -> Self {
        let store = Faulty::new(Arc::new(InMemory::new()));
        let archive = Archive::over(Arc::new(store.clone()), handle.clone());
        let keys = Keys::generate("log.example.com/test").unwrap();
        let key =
            InstalledKey { key: processor().verifier().to_vkey(), used_for: KeyUse::Processor };
        let installation = Installation { keys: vec![key], ..installation() };
        crate::init_log(&archive, &keys, installation).unwrap();
        store.plan([]);
        let log = MemoryLog::new();
        create_topic(&log);
        let config = Config {
            topics: vec![TOPIC.into()],
            segment_rows_max: 4,
            segment_age_ms_max: AGE_MS,
            attempts_max: 1,
            retry_ms: 0,
            ..Config::default()
        };
        Self {
            log,
            store,
            archive,
            keys,
            clock: Arc::new(AtomicI64::new(1_700_000_000_000)),
            config,
            shutdown: Shutdown::new(),
            _runtime: None,
        }
    }

    pub(super) fn start_as(&self, config: Config) -> Result<Shell, RunError> {
        let clock = Arc::clone(&self.clock);
        Shell::start(
            config,
            Arc::new(self.log.clone()),
            &self.archive,
            self.keys.clone(),
            &self.shutdown,
            Box::new(move || clock.load(Ordering::SeqCst)),
        )
    }

    pub(super) fn start(&self) -> Result<Shell, RunError> {
        self.start_as(self.config.clone())
    }

    pub(super) fn advance(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    /// Publishes events to a partition.
    pub(super) fn publish(&self, partition: i32, count: usize) {
        let values = (0..count).map(|number| {
            format!(
                r#"{{"kind":"run.completed","agent_id":"a{partition}","run_id":"r{number}",
                    "event_time":"2026-01-02T03:04:05Z","unheard_of":{number}}}"#
            )
            .into_bytes()
        });
        self.publish_values(partition, values.map(Some).collect());
    }

    pub(super) fn publish_values(&self, partition: i32, values: Vec<Option<Vec<u8>>>) {
        let records = values.into_iter().map(|value| Outgoing { value, ..Outgoing::default() });
        self.publish_records(partition, records.collect());
    }

    pub(super) fn publish_records(&self, partition: i32, records: Vec<Outgoing>) {
        let (topic, partition) = (Arc::from(TOPIC), Some(partition));
        let here = |record| Outgoing { topic: Arc::clone(&topic), partition, ..record };
        let records = records.into_iter().map(here).collect();
        publish_and_wait(&*self.log.producer(), records, Duration::ZERO).unwrap();
    }

    /// Runs sealers, each after the death of the one before, until one has sealed everything.
    /// Returns how many died.
    pub(super) fn seal_everything(&self) -> usize {
        for died in 0..10 {
            let sealed = self.start().and_then(|mut shell| {
                settle(&mut shell)?;
                shell.drain()?;
                balance(&shell);
                Ok(())
            });
            match sealed {
                Ok(()) => return died,
                // A dead process has no more calls, and its successor no faults.
                Err(_) if self.store.is_dead() => self.store.plan([]),
                Err(_) => {}
            }
        }
        panic!("not sealed after 10 starts");
    }

    /// Everything in the archive holds, everything in the log is sealed exactly once, and nothing
    /// that can be rebuilt is missing.
    pub(super) fn verify(&self) -> Report {
        self.store.plan([]);
        let report = fsck(&self.archive, &self.keys);
        let bad = report.findings.iter().filter(|finding| finding.severity != Severity::Warning);
        assert_eq!(bad.count(), 0, "{}", report.to_text());
        let sealed = self.sealed();
        for partition in 0..PARTITIONS {
            let held = self.log.records(&tp(partition)).unwrap();
            let sealed = sealed.get(&tp(partition)).map_or(&[][..], Vec::as_slice);
            assert!(sealed.is_sorted_by(|one, next| one.0 < next.0), "{sealed:?}");
            // What the log has deleted since may be sealed too, before the rest.
            let (_, sealed) = sealed.split_at(sealed.len().checked_sub(held.len()).unwrap());
            for (record, (offset, salt, digest)) in held.records().zip(sealed) {
                assert_eq!(record.offset, *offset);
                assert_eq!(Salts::new(salt).record_digest(&record), *digest, "exact bytes");
            }
        }
        report
    }

    /// Offset, salt and digest of each sealed record, in the order of the log.
    pub(super) fn sealed(&self) -> BTreeMap<TopicPartition, Vec<(i64, RowSalt, merkle::Hash)>> {
        let mut sealed: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for manifest in self.manifests() {
            let parquet = self.archive.get(&manifest.parquet_path).unwrap();
            let rows = sealed.entry(manifest.facts.partition.clone()).or_default();
            for_each_row(&parquet, |_, row| -> Result<(), ReadError> {
                rows.push((row.offset, row.salt.unwrap(), row.record_digest));
                Ok(())
            })
            .unwrap();
        }
        sealed
    }

    pub(super) fn manifests(&self) -> Vec<SegmentManifest> {
        let mut replay = Replay::new(Policy::parse(&self.keys.policy()).unwrap());
        let commits = self.archive.list("log/commit").unwrap();
        let entries = commits
            .iter()
            .flat_map(|commit| replay.apply(&self.archive.get(&commit.path).unwrap()).unwrap());
        entries.filter_map(|entry| entry.opened.manifest.into_segment()).collect()
    }

    pub(super) fn commits(&self) -> usize {
        self.archive.list("log/commit").unwrap().len()
    }
}

/// The key whose answers count.
pub(super) fn processor() -> SigningKey {
    SigningKey::from_seed("log.example.com/test/processor", [1; 32]).unwrap()
}

pub(super) fn installation() -> Installation {
    let topic = InstalledTopic { name: TOPIC.into(), partitions: Some(PARTITIONS) };
    let (cluster, topic_prefix) = ("memory".into(), String::new());
    Installation { cluster, topic_prefix, topics: vec![topic], keys: Vec::new() }
}

pub(super) fn create_topic(log: &MemoryLog) {
    let topic =
        TopicSpec { name: TOPIC.into(), partitions: PARTITIONS, compacted: false, kept: false };
    log.create_topics(&[topic]).unwrap();
}

pub(super) fn tp(partition: i32) -> TopicPartition {
    TopicPartition::new(TOPIC, partition)
}

/// Lets a sealer do everything that it can do at this moment.
pub(super) fn settle(shell: &mut Shell) -> Result<(), RunError> {
    for _ in 0..8 {
        shell.step(Duration::ZERO)?;
    }
    Ok(())
}

/// What was read is sealed, pending or let go.
pub(super) fn balance(shell: &Shell) {
    let totals = shell.meters.totals;
    let pending = u64::try_from(shell.machine.pending_rows()).unwrap();
    assert_eq!(totals.read, totals.sealed + pending + totals.dropped, "{totals:?}");
}

pub(super) fn fsck(archive: &Archive, keys: &Keys) -> Report {
    let mut fsck = Fsck::new(Policy::parse(&keys.policy()).unwrap());
    loop {
        match fsck.poll() {
            Request::List(directory) => {
                let objects = archive.list(directory).unwrap().into_iter();
                let listed = objects
                    .map(|object| Listed { path: object.path, size_bytes: object.size_bytes });
                fsck.handle_listing(listed.collect());
            }
            Request::Read(path) => fsck.handle_object(archive.get(&path).ok()),
            Request::Check(task) => {
                let parquet = archive.get(task.parquet_path()).ok();
                let census = archive.get(task.census_path()).ok();
                fsck.handle_outcome(task.check(parquet.as_ref(), census.as_ref()));
            }
            Request::Done => return fsck.finish(),
        }
    }
}
