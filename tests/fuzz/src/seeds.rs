//! What the product makes and reads again: inputs that the targets accept, and the keys that
//! signed them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use event::{BatchBuilder, Decoder, TimestampType, TopicPartition};
use merkle::multiproof::Shape;
use merkle::note::SigningKey;
use merkle::tlog_proof::TlogProof;
use merkle::{dsse, hash, rfc6962, tile};
use monitor::{Processor, Settings};
use pack::Scope;
use segment::consistency::Consistency;
use segment::layout::SegmentName;
use segment::log::{Commit, Head};
use segment::orphan::Orphan;
use segment::policy::Policy;
use segment::proof::{self, EventProof, Sought};
use segment::replay::{Entry, Replay};

// The small archive on which `segment` tests itself, and the container of packs of the tests of
// `pack`.
#[path = "../../../shared/segment/tests/archive/check.rs"]
#[expect(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "as below")]
mod check;
#[path = "../../../shared/segment/tests/archive/common.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step of the making of a seed ends the search"
)]
mod common;
#[path = "../../../shared/pack/tests/support/container.rs"]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "as above"
)]
mod container;
#[path = "../../../shared/pack/tests/support/export.rs"]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "as above")]
mod export;

pub(crate) use common::{START_MS, World};

/// Avro schema of a foreign writer.
pub const WRITER_SCHEMA: &str = r#"{"type":"record","name":"E","fields":[{"name":"event_id","type":"string"},{"name":"kind","type":"string"},{"name":"event_time","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"agent_id","type":["null","string"]},{"name":"run_id","type":["null","string"]}]}"#;

static WORLD: LazyLock<World> = LazyLock::new(World::example);

static PACK: LazyLock<Bytes> = LazyLock::new(|| export(&WORLD));

static PROOFS: LazyLock<Vec<EventProof>> = LazyLock::new(|| {
    let (entries, checkpoint) = entries();
    let leaves: Vec<_> = entries.iter().map(|entry| entry.leaf).collect();
    let prove = |event_id: &str| {
        entries.iter().find_map(|entry| {
            let parquet = WORLD.objects.get(&entry.opened.manifest.segment()?.parquet_path)?;
            let mut found = proof::prove(Sought::Id(event_id), parquet, entry).ok()??;
            let path = rfc6962::prove_inclusion(&leaves, entry.index)?;
            found.place_in_log(entry.index, path, &checkpoint);
            Some(found)
        })
    };
    ["agent-a-0", "metric-2"].into_iter().filter_map(prove).collect()
});

/// The key of the log.
#[must_use]
pub fn log_key() -> SigningKey {
    common::log_key()
}

/// The key of the sealer.
#[must_use]
pub fn sealer_key() -> SigningKey {
    common::sealer_key()
}

/// Trusts both.
#[must_use]
pub fn policy() -> Policy {
    common::policy()
}

/// A decoder that knows our own schema: made once, for that takes a while.
pub(crate) fn decoder() -> &'static Decoder {
    static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(event::Limits::default()));
    &DECODER
}

/// The archive that the seeds come from.
pub(crate) fn world() -> &'static World {
    &WORLD
}

/// Heads of its log.
pub(crate) fn heads() -> Vec<Head> {
    let keys = [log_key().verifier()];
    let paths = (0..).map(segment::layout::head);
    let objects = paths.map_while(|path| WORLD.objects.get(&path));
    objects.filter_map(|object| Head::open(object, &keys).ok()).collect()
}

/// The pack of the first day of an agent.
pub(crate) fn export(world: &World) -> Bytes {
    let scope = Scope::new("agent-a", START_MS, START_MS + 86_400_000);
    match scope.map(|scope| export::export(world, &scope)) {
        Ok(Ok(pack)) => pack,
        Ok(Err(error)) => unreachable!("{error}"),
        Err(error) => unreachable!("{error}"),
    }
}

/// A pack.
#[must_use]
pub fn pack() -> &'static Bytes {
    &PACK
}

/// The entries of the pack.
#[must_use]
pub fn entries_of_the_pack() -> &'static BTreeMap<String, Vec<u8>> {
    static ENTRIES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| entries_of(&PACK));
    &ENTRIES
}

/// The entries of a pack.
pub(crate) fn entries_of(pack: &Bytes) -> BTreeMap<String, Vec<u8>> {
    container::unzip(pack)
}

/// Entries as a pack, with their digests.
#[must_use]
pub fn zip(entries: BTreeMap<String, Vec<u8>>) -> Bytes {
    container::rezip(entries, &common::evidence_key())
}

/// Proofs of events.
#[must_use]
pub fn proofs() -> &'static [EventProof] {
    &PROOFS
}

/// Texts that the log's key has signed.
#[must_use]
pub fn signed_texts() -> &'static [String] {
    static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let checkpoints = commits().map(|(_, commit)| commit.checkpoint);
        checkpoints.filter_map(|note| Some(note.rsplit_once("\n\n")?.0.to_owned() + "\n")).collect()
    });
    &TEXTS
}

fn commits() -> impl Iterator<Item = (&'static Bytes, Commit)> {
    (0..).map_while(|sequence| {
        let bytes = WORLD.objects.get(&segment::layout::commit(sequence))?;
        Some((bytes, Commit::parse(sequence, bytes).ok()?))
    })
}

fn entries() -> (Vec<Entry>, String) {
    let mut replay = Replay::new(policy());
    let mut entries = Vec::new();
    for (bytes, _) in commits() {
        match replay.apply(bytes) {
            Ok(more) => entries.extend(more),
            Err(error) => unreachable!("{error}"),
        }
    }
    let checkpoint = replay.checkpoint().to_owned();
    (entries, checkpoint)
}

/// Target, name and bytes of each.
#[must_use]
pub fn all() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let (entries, checkpoint) = entries();
    let mut add = |target, name: &str, bytes: Vec<u8>| seeds.push((target, name.to_owned(), bytes));
    add("note", "checkpoint", checkpoint.clone().into_bytes());
    if let Some(text) = signed_texts().last() {
        add("checkpoint", "checkpoint", text.clone().into_bytes());
    }
    if let Some((bytes, _)) = commits().nth(1) {
        add("commit", "commit", bytes.to_vec());
    }
    let envelopes: Vec<_> =
        entries.iter().map(|entry| entry.envelope.clone().into_bytes()).collect();
    add("tile_bundle", "entries", tile::encode_bundle(&envelopes));
    let mut of_segments =
        entries.iter().filter_map(|entry| Some((entry, entry.opened.manifest.segment()?)));
    if let Some((entry, manifest)) = of_segments.next() {
        add("dsse", "manifest", entry.envelope.clone().into_bytes());
        if let Ok(opened) = dsse::parse(entry.envelope.as_bytes()) {
            add("manifest", "manifest", opened.payload);
        }
        for (target, path) in
            [("parquet", &manifest.parquet_path), ("census", &manifest.census_path)]
        {
            if let Some(bytes) = WORLD.objects.get(path) {
                add(target, "segment", bytes.to_vec());
            }
        }
        add("paths", "parquet", manifest.parquet_path.clone().into_bytes());
        add("paths", "census", manifest.census_path.clone().into_bytes());
        add("paths", "commit", segment::layout::commit(7).into_bytes());
        if let Some(name) = SegmentName::parse(&manifest.parquet_path) {
            let path = name.orphan();
            let orphan = Orphan { name, covered_by: manifest.head, covered_at_ms: 7 };
            add("paths", "orphan", [path.as_bytes(), b"\n", &orphan.to_bytes()].concat());
        }
    }
    if let Some(opened) =
        entries.first().and_then(|first| dsse::parse(first.envelope.as_bytes()).ok())
    {
        add("manifest", "installation", opened.payload);
    }
    for (number, path) in [("first", 0), ("last", 2)] {
        let object = WORLD.objects.get(&segment::layout::head(path));
        if let Some(opened) = object.and_then(|object| dsse::parse(object).ok()) {
            add("head", number, opened.payload);
        }
    }
    // Leaves 1 and 4 of five in a tree of seven.
    let shape = Shape::padded(7, 5);
    let leaf = |index: u64| hash::leaf(&index.to_be_bytes()[7..]);
    let nodes = shape.and_then(|shape| shape.nodes(&[1, 4])).into_iter().flatten();
    let nodes =
        nodes.flat_map(|node| rfc6962::root(&(node.from..node.to).map(leaf).collect::<Vec<_>>()));
    let mask = 0b1_0010_u64.to_be_bytes();
    add("multiproof", "two", [7, 5].into_iter().chain(mask).chain(nodes).collect());
    add("consistency", "grown", consistency(&entries).into_bytes());
    let in_log = TlogProof { index: 1, path: vec![[7; 32], [8; 32]], checkpoint };
    add("tlog_proof", "proof", in_log.to_text().into_bytes());
    for (proof, name) in proofs().iter().zip(["run", "metric"]) {
        add("proof", name, proof.to_json().into_bytes());
    }
    add("pack_zip", "pack", pack().to_vec());
    let contents = entries_of_the_pack().iter().filter(|(name, _)| !name.starts_with("SHA256SUMS"));
    let log = ["census", "entries", "head", "nodes"];
    let names =
        ["checkpoint", "csv", "events"].into_iter().chain(log).chain(["pack", "proofs", "report"]);
    for ((choice, (_, content)), name) in (0_u8..).zip(contents).zip(names) {
        add("pack_content", name, [&[choice][..], content].concat());
    }
    add("policy", "policy", policy().to_text().into_bytes());
    add("policy", "private", log_key().to_text().into_bytes());
    add("snapshot", "processor", snapshot());
    let suite = include_str!("../../../schemas/suites/support-quality.yaml");
    match suite::Suite::parse(suite) {
        Ok(suite) => add("suite_canonical", "example", suite.canonical().as_bytes().to_vec()),
        Err(problems) => unreachable!("{problems}"),
    }
    add("event_avro", "run", avro());
    add("config", "reference", include_bytes!("../../../deploy/config/driftseal.toml").to_vec());
    add("mapping", "bfcl", include_bytes!("../../../schemas/mappings/bfcl.toml").to_vec());
    add("mapping", "tau", include_bytes!("../../../schemas/mappings/tau-bench.toml").to_vec());
    let spans = include_str!("../../emitters/captured/conventions.traces.jsonl");
    let logs = include_str!("../../emitters/captured/conventions.logs.jsonl");
    let metrics = include_str!("../../emitters/captured/mcp.metrics.jsonl");
    for (name, choice, text) in [("spans", 0, spans), ("logs", 2, logs), ("metrics", 4, metrics)] {
        let line = text.lines().next().unwrap_or_default();
        add("otlp", name, [&[choice][..], line.as_bytes()].concat());
    }
    if let Ok(request) =
        otlp::traces(spans.lines().next().unwrap_or_default().as_bytes(), otlp::Encoding::Json)
    {
        add("otlp", "protobuf", [&[1][..], &prost::Message::encode_to_vec(&request)].concat());
    }
    add(
        "otlp_mapping",
        "genai",
        include_bytes!("../../../schemas/mappings/otlp/otel-genai.toml").to_vec(),
    );
    add(
        "otlp_mapping",
        "spans",
        include_bytes!("../../../schemas/mappings/otlp/langfuse.toml").to_vec(),
    );
    add("authorization", "bearer", b"Bearer driftseal_0123456789abcdef".to_vec());
    let runs: Vec<String> = (0..12).map(run).collect();
    add("processor", "runs", [&b"\x02"[..], runs.join("\n").as_bytes()].concat());
    add("sealed", "runs", runs.join("\n").into_bytes());
    add("suite_run", "example", format!("{suite}\n---\n{}", runs.join("\n")).into_bytes());
    for head in heads() {
        if let Ok(opened) = dsse::parse(head.sign(&log_key()).as_slice()) {
            add("head", &format!("head-{}", head.sequence), opened.payload);
        }
    }
    // Segments are seeds of `parquet`.
    let objects = (0_u8..).zip(&WORLD.objects).filter(|(_, (path, _))| !path.ends_with(".parquet"));
    for (choice, (path, object)) in objects {
        let name = path.replace('/', "-");
        add("archive", &name, [&[choice][..], object].concat());
    }
    seeds
}

/// The log went on from its first commit to its last.
fn consistency(entries: &[Entry]) -> String {
    let leaves: Vec<_> = entries.iter().map(|entry| entry.leaf).collect();
    let mut checkpoints = commits().map(|(_, commit)| commit.checkpoint);
    let (first, last) = (checkpoints.next().unwrap_or_default(), checkpoints.last());
    let path = rfc6962::prove_consistency(&leaves, 1).unwrap_or_default();
    Consistency::new(&first, &last.unwrap_or_default(), &path).to_json()
}

/// The line of a run of an agent, as JSON.
fn run(number: u32) -> String {
    common::run_completed("agent-a", number, START_MS).1
}

fn avro() -> Vec<u8> {
    let mut datum = Vec::new();
    match event::decode::decode_json(run(1).as_bytes(), event::Limits::default()) {
        Ok(event) => event::encode::encode_datum(&event, &mut datum),
        Err(fault) => unreachable!("{fault:?}"),
    }
    datum
}

fn snapshot() -> Vec<u8> {
    let mut processor = Processor::new(Settings::default(), "agent.events", 0);
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    for (offset, number) in (0..).zip(0..5) {
        let at_ms = START_MS + offset;
        let kind = TimestampType::LogAppendTime;
        batch.push(offset, at_ms, kind, None, Some(run(number).as_bytes()), std::iter::empty());
    }
    let (batch, decoder) = (batch.build(), Decoder::default());
    for record in batch.records() {
        let _outputs = processor.handle_record(&record, &decoder.decode(&record));
    }
    let mut entries = Vec::new();
    let head = processor.take_changes(&mut |id, bytes| entries.extend(Some(id).zip(bytes)));
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| {
        let length = u32::try_from(part.len()).unwrap_or_default();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
        bytes.len()
    };
    put(&head);
    for (id, entry) in entries {
        let name = id.to_bytes();
        bytes.push(u8::try_from(name.len()).unwrap_or_default());
        bytes.extend_from_slice(&name);
        let length = u32::try_from(entry.len()).unwrap_or_default();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&entry);
    }
    bytes
}
