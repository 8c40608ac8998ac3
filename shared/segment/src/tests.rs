//! The vectors under `schemas/segment/vectors/`: leaves and censuses come from the independent
//! Python implementation, the log from this one.

use event::{BatchBuilder, Cell, CellType, EventBuilder, Timestamp, TimestampType, TopicPartition};
use merkle::{Hash, hash, tree};
use serde_json::{Value, json};

use crate::census::{Census, CensusRow, Counter};
use crate::leaf::{Head, LeafHasher, Salts, Secrets, field_commitment};
use crate::log::LogState;

const LEAF: &str = include_str!("../../../schemas/segment/vectors/leaf.json");
const CENSUS: &str = include_str!("../../../schemas/segment/vectors/census.json");
const LOG: &str = include_str!("../../../schemas/segment/vectors/log.json");

fn unhex(text: &Value) -> Option<Vec<u8>> {
    let digits = text.as_str()?.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    Some(digits.chunks(2).map(byte).collect())
}

fn digest(text: &Value) -> Hash {
    unhex(text).unwrap().try_into().unwrap()
}

fn int(text: &Value) -> i64 {
    text.as_str().unwrap().parse().unwrap()
}

fn cell(cell: &Value) -> Cell<'static> {
    let value = &cell["value"];
    match cell["type"].as_str().unwrap() {
        "bool" => value.as_bool().unwrap().into(),
        "int" => int(value).into(),
        "float" => {
            let bits = u64::from_str_radix(value.as_str().unwrap(), 16).unwrap();
            f64::from_bits(bits).into()
        }
        "text" => value.as_str().unwrap().to_owned().into(),
        "bytes" => unhex(value).unwrap().into(),
        "time" => Timestamp::from_micros(int(value)).into(),
        "texts" => serde_json::from_value::<Vec<String>>(value.clone()).unwrap().into(),
        "map" => {
            let pairs: std::collections::BTreeMap<String, String> =
                serde_json::from_value(value.clone()).unwrap();
            pairs.into()
        }
        other => panic!("no type {other}"),
    }
}

fn check_row(row: &Value) {
    let partition = i32::try_from(row["partition"].as_i64().unwrap()).unwrap();
    let partition = TopicPartition::new(row["topic"].as_str().unwrap(), partition);
    let timestamp_type = u8::try_from(row["timestampType"].as_u64().unwrap()).unwrap();
    let headers: Vec<_> = row["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| (header[0].as_str().unwrap(), unhex(&header[1])))
        .collect();
    let mut batch = BatchBuilder::new(partition.clone());
    batch.push(
        int(&row["offset"]),
        int(&row["timestampMs"]),
        TimestampType::from_byte(timestamp_type).unwrap(),
        unhex(&row["key"]).as_deref(),
        unhex(&row["value"]).as_deref(),
        headers.iter().map(|(name, value)| (name.as_bytes(), value.as_deref())),
    );
    let batch = batch.build();
    let record = batch.records().next().unwrap();
    let salts = Salts::new(&unhex(&row["salt"]).unwrap().try_into().unwrap());
    let mut event = EventBuilder::new("");
    let mut erased = event::Event::empty();
    let (mut commitments, mut kept) = (Vec::new(), Vec::new());
    for stated in row["cells"].as_array().unwrap() {
        let path = stated["path"].as_str().unwrap();
        let id = event::schema().id(path).unwrap();
        let column = event::schema().column(id);
        assert_eq!(json!(column.erasable), stated["erasable"], "{path}");
        let value = cell(stated);
        event = event.set_cell(id, value.clone());
        if row["erase"].as_array().unwrap().contains(&json!(path)) {
            commitments.push((path, field_commitment(id, &value, &salts.of(path))));
            continue;
        }
        if column.erasable {
            kept.push((path, salts.of(path)));
        }
        erased.set(id, value);
    }
    let head = Head {
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        timestamp_type: record.timestamp_type,
        schema_id: row["schemaId"].as_str().unwrap(),
        record_digest: salts.record_digest(&record),
    };
    assert_eq!(head.record_digest, digest(&row["recordDigest"]), "{}", row["about"]);
    let mut hasher = LeafHasher::new(&partition);
    let leaf = digest(&row["leaf"]);
    assert_eq!(hash::leaf(&unhex(&row["preimage"]).unwrap()), leaf);
    let whole = hasher.leaf(&head, &event.build().unwrap(), Secrets::Whole(&salts));
    assert_eq!(whole, Ok(leaf), "{}", row["about"]);
    for (found, stated) in [(&commitments, "erasedCommitments"), (&kept, "keptSalts")] {
        let found: serde_json::Map<_, _> = found
            .iter()
            .map(|(path, hash)| ((*path).to_owned(), hash::to_hex(hash).into()))
            .collect();
        assert_eq!(Value::Object(found), row[stated], "{}", row["about"]);
    }
    if !commitments.is_empty() {
        let secrets = Secrets::Erased { commitments: &commitments, salts: &kept };
        assert_eq!(hasher.leaf(&head, &erased, secrets), Ok(leaf), "{}", row["about"]);
    }
}

#[test]
fn golden_leaves_are_those_of_the_independent_implementation() {
    let vectors: Value = serde_json::from_str(LEAF).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    let types: std::collections::BTreeSet<_> = rows
        .iter()
        .flat_map(|row| row["cells"].as_array().unwrap())
        .map(|cell| cell["type"].as_str().unwrap())
        .collect();
    assert_eq!(types.len(), CellType::Map as usize);
    rows.iter().for_each(check_row);
}

#[test]
fn golden_trees_are_those_of_the_independent_implementation() {
    let vectors: Value = serde_json::from_str(LEAF).unwrap();
    for stated in vectors["trees"].as_array().unwrap() {
        let count = u32::try_from(stated["leaves"].as_u64().unwrap()).unwrap();
        let leaves = (0..count).map(|number| hash::leaf(&number.to_be_bytes())).collect();
        assert_eq!(tree::root_of(leaves), Ok(digest(&stated["root"])), "{count}");
        assert_eq!(json!(tree::padded_size(u64::from(count)).unwrap().to_string()), stated["size"]);
    }
}

#[test]
fn golden_censuses_are_those_of_the_independent_implementation() {
    let vectors: Value = serde_json::from_str(CENSUS).unwrap();
    let mut counter = Counter::default();
    for record in vectors["records"].as_array().unwrap() {
        let text = |name: &str| record[name].as_str();
        counter.agent(text("agentId").unwrap_or_default(), text("kind").unwrap());
        if let (Some(source_id), Some(_)) = (text("sourceId"), text("seq")) {
            let epoch = text("epoch").map_or(0, |epoch| epoch.parse().unwrap());
            counter.source(source_id, epoch, int(&record["seq"]));
        }
    }
    let census = counter.finish();
    let object = vectors["object"].as_str().unwrap();
    assert_eq!(String::from_utf8(census.to_bytes()).unwrap(), object);
    assert_eq!(Census::parse(object.as_bytes()), Ok(census.clone()));
    let leaves: Vec<_> = census.rows().map(|row: CensusRow| hash::to_hex(&row.leaf())).collect();
    assert_eq!(json!(leaves), vectors["rowLeaves"]);
    assert_eq!(census.root(), digest(&vectors["root"]));
}

/// A log of five commits, made from fixed keys; the sealer's key is replaced.
#[test]
fn golden_log() {
    let (key, sealer, commits) = crate::log::example();
    let keys = [key.verifier(), sealer.verifier()];
    let mut state = LogState::open(&commits[0], &keys).unwrap();
    let head = |state: &LogState| {
        let head = state.head().unwrap();
        let sha256 = hash::to_hex(&head.reference().sha256);
        json!({ "payload": String::from_utf8(head.to_bytes()).unwrap(), "sha256": sha256 })
    };
    let mut heads = vec![head(&state)];
    for (sequence, commit) in (1_u64..).zip(&commits[1..]) {
        state.apply(sequence, commit, &keys).unwrap();
        heads.push(head(&state));
    }
    let commits: Vec<_> =
        commits.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    let made = json!({
        "generator": "shared/segment/src/tests.rs",
        "about": "keys are of the seeds 32 times 01, 32 times 02 and, of the sealer that an entry \
                  accepts, 32 times 03",
        "logKey": key.verifier().to_vkey(),
        "sealerKey": sealer.verifier().to_vkey(),
        "commits": commits,
        "heads": heads,
    });
    #[expect(clippy::disallowed_methods, reason = "a switch of `make bless`")]
    if std::env::var("DRIFTSEAL_BLESS").is_ok() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/segment/vectors/log.json");
        std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&made).unwrap()))
            .unwrap();
        return;
    }
    assert_eq!(serde_json::from_str::<Value>(LOG).unwrap(), made);
}
