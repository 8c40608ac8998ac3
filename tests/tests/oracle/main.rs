//! Readers that share no code with the product: Python with pyarrow and hashlib derives every leaf,
//! root and census again from the files; DuckDB counts the same rows.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod alert_times;
mod analysts;
mod versions;

use event::kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use merkle::note::SigningKey;
use ports::{EventLog, Outgoing, TopicSpec, publish_and_wait};
use sealer::Keys;
use serde_json::Value;
use service::shutdown::Shutdown;
use sim::MemoryLog;
use tempfile::TempDir;
use tests::sealed::Sealed;
use tests::traffic::{Item, Traffic};
use tests::{wait, workspace};

const TOPIC: &str = "agent.events";
const PARTITIONS: i32 = 3;
const EVENTS: usize = 6_000;

/// A small archive, sealed by the real sealer.
struct Sample {
    directory: TempDir,
    /// Rows by kind, as they were sent.
    kinds: BTreeMap<String, u64>,
    /// An agent.
    agent: String,
    evidence_key: SigningKey,
}

impl Sample {
    fn seal() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = MemoryLog::new();
        log.set_now_ms(service::clock::now_ms());
        let topic =
            TopicSpec { name: TOPIC.into(), partitions: PARTITIONS, compacted: false, kept: false };
        log.create_topics(&[topic]).unwrap();
        let (items, _) = Traffic::new(11, 5, 1_760_000_000_000_000, 600_000_000).make(EVENTS);
        let kinds = kinds(&items);
        let keys = Keys::generate("oracle.example/log").unwrap();
        std::fs::write(directory.path().join("policy.txt"), keys.policy()).unwrap();
        let evidence_key = keys.evidence.clone();
        let agent = items.first().unwrap().agent.clone();
        let sample = Self { directory, kinds, agent, evidence_key };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let location = sample.archive().display().to_string();
        let archive = Archive::create(&location, runtime.handle().clone()).unwrap();
        let installation = sealer::describe(&log, "", &[TOPIC.into()]).unwrap();
        sealer::init_log(&archive, &keys, installation).unwrap();
        let config = sealer::Config {
            topics: vec![TOPIC.into()],
            segment_age_ms_max: 100,
            ..sealer::Config::default()
        };
        let shutdown = Shutdown::new();
        let log: Arc<dyn EventLog> = Arc::new(log);
        std::thread::scope(|scope| {
            let role = scope.spawn(|| {
                sealer::run(config, Arc::clone(&log), archive.clone(), keys, shutdown.clone())
            });
            let mut sealed = sample.sealed();
            // In rounds, so that every partition has a chain of segments.
            let mut total = 0;
            for round in items.chunks(EVENTS / 4) {
                let records = round.iter().map(record).collect();
                publish_and_wait(&*log.producer(), records, Duration::from_secs(10)).unwrap();
                total += i64::try_from(round.len()).unwrap();
                wait::until("the round to be sealed", Duration::from_secs(60), || {
                    sealed.refresh();
                    let at: i64 = sealed.ends(TOPIC).values().sum();
                    (role.is_finished() || at == total).then_some(())
                });
            }
            shutdown.trigger();
            role.join().unwrap().unwrap();
        });
        sample
    }

    fn archive(&self) -> PathBuf {
        self.directory.path().join("archive")
    }

    fn sealed(&self) -> Sealed {
        let mut sealed = Sealed::open(&self.archive(), &self.directory.path().join("policy.txt"));
        sealed.refresh();
        sealed
    }
}

fn record(item: &Item) -> Outgoing {
    Outgoing {
        topic: TOPIC.into(),
        partition: None,
        key: Some(item.agent.clone().into_bytes()),
        value: Some(item.value.clone()),
        headers: item.headers.clone(),
    }
}

/// What every reader must count.
fn kinds(items: &[Item]) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for item in items {
        let kind = if item.fault.is_some() { kind::QUARANTINE_ADDED } else { item.kind.as_str() };
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds
}

fn run(python: &Path, script: &str, archive: &Path) -> Output {
    let script = workspace::root().join("tests").join("oracles").join(script);
    Command::new(python).arg(script).arg(archive).output().unwrap()
}

fn said(output: &Output) -> Value {
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{complained}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn strangers_read_the_archive_and_find_the_same() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let sample = Sample::seal();
    let archive = sample.archive();
    let total: u64 = sample.kinds.values().sum();

    let mut rows = 0_u64;
    let sealed = sample.sealed();
    sealed.rows(TOPIC, |_, _| rows += 1);
    assert_eq!(rows, total);
    assert!(sealed.segments() > 5, "{} segments are too few to tell", sealed.segments());

    let derived = said(&run(&python, "read_segment.py", &archive));
    assert_eq!(derived["rows"], total, "{derived}");
    assert_eq!(derived["segments"], sealed.segments(), "{derived}");

    let counted = said(&run(&python, "count.py", &archive));
    let expected = serde_json::to_value(&sample.kinds).unwrap();
    assert_eq!(counted["kinds"], expected);
    assert_eq!(counted["kinds_by_pyarrow"], expected);
    assert_eq!(counted["topics"], serde_json::json!({ TOPIC: total }));
    let dates = counted["dates"].as_object().unwrap();
    assert_eq!(dates.values().filter_map(Value::as_u64).sum::<u64>(), total);

    // One changed byte in the data pages of one file: the oracle must find it.
    let file = sealed.parquet_files().into_iter().next().unwrap();
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 3;
    changed[middle] ^= 0x10;
    std::fs::write(&file, changed).unwrap();
    let output = run(&python, "read_segment.py", &archive);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    std::fs::write(&file, whole).unwrap();
    said(&run(&python, "read_segment.py", &archive));
}

/// The page `schemas/evidence/pack.md` is enough to write another verifier.
#[test]
fn another_verifier_of_packs_gives_the_same_answers() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let sample = Sample::seal();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let location = sample.archive().display().to_string();
    let archive = Archive::open(&location, runtime.handle().clone()).unwrap();
    let policy_path = sample.directory.path().join("policy.txt");
    let policy = evidence::read_policy(&policy_path).unwrap();
    let script = workspace::root().join("tests").join("oracles").join("verify_pack.py");
    let path = sample.directory.path().join("pack.zip");
    let answer = |pack: &[u8]| -> Value {
        std::fs::write(&path, pack).unwrap();
        let output = Command::new(&python).arg(&script).arg(&path).arg(&policy_path).output();
        serde_json::from_slice(&output.unwrap().stdout).unwrap()
    };
    let input = event::schema().id("run.input").unwrap();
    for (agent, withheld) in
        [(sample.agent.as_str(), vec![]), (&sample.agent, vec![input]), ("nobody", vec![])]
    {
        let scope = evidence::Scope::parse(agent, None, Some("2100-01-01T00:00:00Z")).unwrap();
        let wish = evidence::Wish { scope, withheld: withheld.into_iter().collect() };
        let key = &sample.evidence_key;
        let exported = evidence::export(&archive, &policy, key, wish, &path, &mut |_| {}).unwrap();
        let facts = exported.report.verified.unwrap().facts;
        let pack = std::fs::read(&path).unwrap();
        let found = answer(&pack);
        assert_eq!(found["verdict"], "VERIFIED", "{found}");
        assert_eq!(found["rows"], facts.events_in_segments, "{found}");
        assert_eq!(found["segments"], facts.segments_in_period, "{found}");
        assert_eq!(agent == "nobody", facts.events == 0);
        for part in 1..40 {
            let mut changed = pack.clone();
            let at = changed.len() * part / 40;
            changed[at] ^= 1;
            let pack = bytes::Bytes::from(changed.clone());
            let trust = evidence::Trust { policy: Some(&policy), earlier: None };
            let expected = pack::verify(&pack, trust).verdict.name();
            assert_eq!(answer(&changed)["verdict"], expected, "byte {at}");
        }
    }
}

/// The page `schemas/evidence/parquet.md` is enough to write another reader.
#[test]
fn another_reader_of_packs_gives_the_stated_answers() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let vectors = workspace::root().join("schemas").join("evidence").join("vectors");
    let script = workspace::root().join("tests").join("oracles").join("slice.py");
    let vectors = vectors.join("slice.json");
    let output = Command::new(&python).arg(&script).arg("--vectors").arg(vectors).output();
    let found = said(&output.unwrap());
    assert!(found["accepted"].as_u64().unwrap() >= 2, "{found}");
    assert!(found["refused"].as_u64().unwrap() >= 4, "{found}");
}

/// The page `schemas/evidence/proof.md` is enough to write another verifier.
#[test]
fn another_verifier_of_proofs_gives_the_stated_answers() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let vectors = workspace::root().join("schemas").join("evidence").join("vectors");
    let script = workspace::root().join("tests").join("oracles").join("verify_proof.py");
    let vectors = vectors.join("proof.json");
    let output = Command::new(&python).arg(&script).arg("--vectors").arg(vectors).output();
    let found = said(&output.unwrap());
    for verdict in ["VERIFIED", "FAILED", "UNVERIFIABLE"] {
        assert!(found[verdict].as_u64().unwrap() >= 3, "{found}");
    }
}

/// So is `schemas/evidence/consistency.md`.
#[test]
fn another_verifier_of_consistency_gives_the_stated_answers() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let vectors = workspace::root().join("schemas").join("evidence").join("vectors");
    let script = workspace::root().join("tests").join("oracles").join("verify_consistency.py");
    let vectors = vectors.join("consistency.json");
    let output = Command::new(&python).arg(&script).arg("--vectors").arg(vectors).output();
    let found = said(&output.unwrap());
    for verdict in ["VERIFIED", "FAILED", "UNVERIFIABLE"] {
        assert!(found[verdict].as_u64().unwrap() >= 3, "{found}");
    }
}
