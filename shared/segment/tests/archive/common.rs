//! A small archive in memory, sealed with fixed keys and salts; the tests of `pack` use it too.

use std::collections::BTreeMap;

use bytes::Bytes;
use event::{BatchBuilder, Decoder, TimestampType, TopicPartition};
use merkle::note::{SigningKey, VerifyingKey};
use segment::build::SegmentBuilder;
use segment::facts::{ObjectFacts, SegmentFacts};
use segment::layout;
use segment::log::{LogState, Planned};
use segment::manifest::{Installation, InstalledTopic, Manifest, SegmentManifest};
use segment::policy::Policy;

/// 2026-10-01T00:00:00Z.
pub(crate) const START_MS: i64 = 1_790_812_800_000;

pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_seed("log.example.com/agents", [1; 32]).unwrap()
}

pub(crate) fn sealer_key() -> SigningKey {
    SigningKey::from_seed("sealer.example.com", [2; 32]).unwrap()
}

pub(crate) fn evidence_key() -> SigningKey {
    SigningKey::from_seed("evidence.example.com", [3; 32]).unwrap()
}

pub(crate) fn policy() -> Policy {
    let policy = Policy::new(vec![log_key().verifier()], vec![sealer_key().verifier()]).unwrap();
    policy.with_evidence(vec![evidence_key().verifier()])
}

pub(crate) fn installation() -> Installation {
    let topic = |name: &str| InstalledTopic { name: name.into(), partitions: None };
    Installation {
        cluster: "cluster".into(),
        topic_prefix: String::new(),
        topics: ["agent.events", "driftseal.alerts", "driftseal.metrics"].map(topic).into(),
        keys: Vec::new(),
    }
}

pub(crate) fn genesis(key: &SigningKey, installation: Installation) -> Planned {
    LogState::genesis(key, &sealer_key(), installation, "driftseal/test").unwrap()
}

fn head_of(state: &LogState) -> Option<(String, Bytes)> {
    let head = state.head()?;
    Some((layout::head(head.sequence), head.sign(&log_key()).into()))
}

/// A record of the archive: broker timestamp and JSON.
pub(crate) type Line = (i64, String);

pub(crate) fn run_completed(agent: &str, run: u32, at_ms: i64) -> Line {
    let status = if run.is_multiple_of(3) { "error" } else { "ok" };
    let json = format!(
        r#"{{"event_id":"{agent}-{run}","kind":"run.completed","event_time":"2026-10-01T00:00:01Z","agent_id":"{agent}","agent_version":"v1","run_id":"run-{run}","run":{{"status":"{status}","duration_ms":12.5,"input":"=secret {run}"}},"note":"<b>{run}</b>"}}"#
    );
    (at_ms, json)
}

/// What a lying sealer does to a segment before it signs its facts.
pub(crate) type Lie = fn(&mut SegmentFacts);
pub(crate) type Change = fn(&[u8]) -> Vec<u8>;

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) objects: BTreeMap<String, Bytes>,
    pub(crate) state: LogState,
    pub(crate) lie: Lie,
    pub(crate) change: Option<Change>,
    /// Signs manifests.
    pub(crate) sealer: SigningKey,
    keys: Vec<VerifyingKey>,
    salt: u8,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(installation())
    }

    /// An archive for an installation.
    pub(crate) fn of(installation: Installation) -> Self {
        let keys = vec![log_key().verifier(), sealer_key().verifier()];
        let genesis = genesis(&log_key(), installation);
        let (state, derived) = LogState::open_and_derive(&genesis.bytes, &keys).unwrap();
        let mut objects = BTreeMap::new();
        objects.insert(genesis.path, genesis.bytes.into());
        objects.extend(derived.into_iter().map(|object| (object.path, object.bytes.into())));
        objects.extend(head_of(&state));
        Self { objects, state, lie: |_| {}, change: None, sealer: sealer_key(), keys, salt: 0 }
    }

    /// Two partitions of events of two agents and one of computed events, in two commits.
    pub(crate) fn example() -> Self {
        let mut world = Self::new();
        let events = |agent: &str, from: u32, start_ms: i64| -> Vec<Line> {
            (from..from + 5)
                .map(|run| run_completed(agent, run, start_ms + i64::from(run)))
                .collect()
        };
        let mut mixed = events("agent-a", 0, START_MS);
        mixed.extend(events("agent-b", 0, START_MS));
        mixed.push((START_MS + 20, "{not json".into()));
        let metric = |window: u32| -> Line {
            let json = format!(
                r#"{{"event_id":"metric-{window}","kind":"metric.window","event_time":"2026-10-01T00:05:00Z","agent_id":"agent-a","agent_version":"v1","origin":{{"topic":"agent.events","partition":0,"offset":{window},"ordinal":0,"semantics":1}}}}"#
            );
            (START_MS + 30, json)
        };
        world.commit(&[
            ("agent.events", 0, mixed),
            ("agent.events", 1, events("agent-b", 10, START_MS)),
            ("driftseal.metrics", 0, vec![metric(1), metric(1), metric(2)]),
        ]);
        world.commit(&[("agent.events", 0, events("agent-a", 20, START_MS + 86_400_000))]);
        world
    }

    /// Seals these records, each entry one segment, in one commit.
    pub(crate) fn commit(&mut self, segments: &[(&str, i32, Vec<Line>)]) {
        let mut chains = BTreeMap::new();
        let entries = segments
            .iter()
            .map(|(topic, partition, lines)| self.seal(topic, *partition, lines, &mut chains))
            .collect();
        self.commit_entries(entries);
    }

    /// Commits signed manifests.
    pub(crate) fn commit_entries(&mut self, entries: Vec<String>) {
        let planned = self.state.plan(entries, &log_key()).unwrap();
        self.objects.insert(planned.path, planned.bytes.clone().into());
        let (_, derived) =
            self.state.apply_and_derive(planned.sequence, &planned.bytes, &self.keys).unwrap();
        for object in derived {
            self.objects.insert(object.path, object.bytes.into());
        }
        self.objects.extend(head_of(&self.state));
    }

    /// Stores a segment and gives its signed manifest. `chains` are the last manifests of the commit.
    fn seal(
        &mut self,
        topic: &str,
        partition: i32,
        lines: &[Line],
        chains: &mut BTreeMap<TopicPartition, SegmentManifest>,
    ) -> String {
        let partition = TopicPartition::new(topic, partition);
        let sealed = self
            .state
            .end(&partition)
            .map(|end| (end.next_sequence, end.manifest, end.next_offset, end.max_timestamp_ms));
        let end = chains.get(&partition).map_or(sealed, |last| {
            let digest = Manifest::from(last.clone()).digest();
            let next_offset = last.facts.next_offset;
            Some((last.sequence + 1, digest, next_offset, last.largest_timestamp_ms))
        });
        let first_offset = end.map_or(100, |(_, _, next_offset, _)| next_offset);
        let mut batch = BatchBuilder::new(partition.clone());
        for (offset, (at_ms, json)) in (first_offset..).zip(lines) {
            let headers = std::iter::empty();
            batch.push(
                offset,
                *at_ms,
                TimestampType::LogAppendTime,
                Some(b"key"),
                Some(json.as_bytes()),
                headers,
            );
        }
        let decoder = Decoder::default();
        let mut builder = SegmentBuilder::new(&partition, first_offset);
        for record in batch.build().records() {
            self.salt = self.salt.wrapping_add(1);
            builder.push(&record, &decoder.decode(&record), [self.salt; 16]).unwrap();
        }
        let mut built = builder.finish().unwrap();
        if let Some(change) = self.change {
            built.parquet = change(&built.parquet).into();
            built.facts.parquet = ObjectFacts::of(&built.parquet);
        }
        (self.lie)(&mut built.facts);
        let name = built.facts.name(7).unwrap();
        let max = built.facts.max_timestamp_ms;
        let manifest = SegmentManifest {
            log: self.state.origin().to_owned(),
            cluster: "cluster".into(),
            topic_id: format!("id of {topic}"),
            sequence: end.map_or(0, |(sequence, ..)| sequence),
            previous: end.map(|(_, manifest, ..)| manifest),
            largest_timestamp_ms: end.map_or(max, |(.., largest)| largest.max(max)),
            last_record: [6; 32],
            writer_schemas: None,
            head: self.state.reference().unwrap(),
            parquet_path: name.parquet(),
            census_path: name.census(),
            facts: built.facts,
            sealer: "driftseal/test".into(),
        };
        self.objects.insert(name.parquet(), built.parquet);
        self.objects.insert(name.census(), built.census);
        chains.insert(partition, manifest.clone());
        Manifest::from(manifest).sign(&self.sealer).unwrap()
    }

    /// Changes one bit of an object.
    pub(crate) fn flip(&self, path: &str, at: usize) -> Self {
        let mut changed = self.clone();
        let mut bytes = self.objects[path].to_vec();
        bytes[at] ^= 1 << (at % 8);
        changed.objects.insert(path.to_owned(), bytes.into());
        changed
    }
}
