use merkle::note::SigningKey;

use super::*;
use crate::facts::{Gap, GapReason, ObjectFacts, SegmentFacts};
use event::TopicPartition;

fn segment() -> SegmentManifest {
    let facts = SegmentFacts {
        partition: TopicPartition::new("agent.events", 3),
        first_offset: 10,
        next_offset: 20,
        count: 6,
        gaps: vec![
            Gap { start: 10, len: 3, reason: GapReason::Lost },
            Gap { start: 15, len: 1, reason: GapReason::NoRecord },
        ],
        first_timestamp_ms: 86_400_000,
        min_timestamp_ms: -1,
        max_timestamp_ms: i64::MAX,
        tree_size: 8,
        root: [1; 32],
        census_rows: 2,
        census_root: [2; 32],
        schema_ids: vec!["avro:0123456789abcdef".into(), "json".into()],
        plain_fields: vec!["agent_id".into()],
        erasable_fields: vec!["attributes".into()],
        parquet: ObjectFacts { sha256: [3; 32], size_bytes: u64::MAX },
        census: ObjectFacts { sha256: [4; 32], size_bytes: 5 },
    };
    let name = facts.name(7).unwrap();
    SegmentManifest {
        log: "log.example.com/a".into(),
        cluster: "c".into(),
        topic_id: "t".into(),
        sequence: 0,
        previous: None,
        largest_timestamp_ms: i64::MAX,
        last_record: [6; 32],
        writer_schemas: None,
        head: HeadRef { sequence: 4, sha256: [5; 32] },
        parquet_path: name.parquet(),
        census_path: name.census(),
        facts,
        sealer: "driftseal/0.1.0".into(),
    }
}

fn example() -> Manifest {
    segment().into()
}

fn installation() -> InstallationManifest {
    let key = SigningKey::from_seed("log.example.com/a", [1; 32]).unwrap();
    let topics = vec![
        InstalledTopic { name: "p.agent.events".into(), partitions: Some(6) },
        InstalledTopic { name: "p.alerts".into(), partitions: None },
    ];
    let key_of = |name: &str, used_for| InstalledKey {
        key: SigningKey::from_seed(name, [4; 32]).unwrap().verifier().to_vkey(),
        used_for,
    };
    let keys = vec![
        key_of("log.example.com/a/governance", KeyUse::Governance),
        key_of("log.example.com/a/processor", KeyUse::Processor),
    ];
    let (cluster, topic_prefix) = ("c".into(), "p.".into());
    let installation = Installation { cluster, topic_prefix, topics, keys };
    InstallationManifest::new(&key.verifier(), installation, "driftseal/0.1.0")
}

fn amendment(kind: AmendmentKind) -> Amendment {
    let subject = |name: &str| Subject { name: name.into(), sha256: [7; 32] };
    Amendment {
        kind,
        log: "log.example.com/a".into(),
        entries: vec![3, 9],
        replaced: vec![subject("data/v1/old")],
        subjects: vec![subject("data/v1/new"), subject("census/v1/new")],
        reason: "asked for".into(),
        program: "driftseal/0.1.0".into(),
    }
}

fn key_manifest() -> KeyManifest {
    KeyManifest {
        log: "log.example.com/a".into(),
        key: SigningKey::from_seed("log.example.com/a/sealer-2", [6; 32]).unwrap().verifier(),
        used_for: SignerUse::Sealer,
        program: "driftseal/0.1.0".into(),
    }
}

#[test]
fn a_key_that_contradicts_itself_is_refused() {
    let text = String::from_utf8(Manifest::Key(key_manifest()).to_bytes()).unwrap();
    assert_eq!(Manifest::parse(text.as_bytes()), Ok(Manifest::Key(key_manifest())));
    for changed in [
        text.replace("\"use\":\"sealer\"", "\"use\":\"log\""),
        text.replace("sealer-2+", "sealer-3+"),
        text.replace("\"name\":\"log.example.com/a/sealer-2\"", "\"name\":\"x\""),
        text.replace(
            "\"subject\":[",
            "\"subject\":[{\"digest\":{\"sha256\":\"00\"},\"name\":\"x\"},",
        ),
        text.replace("\"program\":", "\"entries\":[],\"program\":"),
        text.replace("\"kind\":\"key\"", "\"kind\":\"erasure\""),
    ] {
        assert_ne!(changed, text);
        let refused = Manifest::parse(changed.as_bytes());
        assert!(matches!(refused, Err(ManifestError::Form(_))), "{changed}");
    }
}

#[test]
fn every_kind_survives_its_payload_and_no_changed_bit_of_one_is_the_same() {
    let kinds = ["erasure", "compaction", "retention"].map(AmendmentKind::parse);
    let amendments = kinds.map(|kind| Manifest::Amendment(amendment(kind.unwrap())));
    let others = [Manifest::Installation(installation()), Manifest::Key(key_manifest())];
    for manifest in amendments.into_iter().chain(others) {
        let payload = manifest.to_bytes();
        assert_eq!(Manifest::parse(&payload).as_ref(), Ok(&manifest));
        for at in 0..payload.len() {
            let mut changed = payload.clone();
            changed[at] ^= 1;
            if let Ok(other) = Manifest::parse(&changed) {
                assert_eq!(other.to_bytes(), changed);
                assert_ne!(other, manifest);
            }
        }
    }
}

#[test]
fn a_kind_that_is_not_known_is_named_with_what_it_covers() {
    let text = String::from_utf8(example().to_bytes()).unwrap();
    let text = text.replace("\"kind\":\"segment\"", "\"kind\":\"sampling\"");
    let opened = Manifest::parse(text.as_bytes()).unwrap();
    assert_eq!((opened.kind(), opened.log()), ("sampling", "log.example.com/a"));
    assert_eq!(opened.subjects(), example().subjects());
    assert_eq!(opened.to_bytes(), text.as_bytes());
    assert_eq!(opened.segment(), None);
    for changed in [
        text.replace("\"log\":", "\"lag\":"),
        text.replace("\"name\":\"data", "\"nome\":\"data"),
        format!("{text} "),
    ] {
        assert!(Manifest::parse(changed.as_bytes()).is_err(), "{changed}");
    }
}

#[test]
fn an_installation_that_contradicts_itself_is_refused() {
    let changes: [fn(&mut InstallationManifest); 8] = [
        |m| m.installation.cluster.clear(),
        |m| m.installation.topics.clear(),
        |m| m.installation.topics.swap(0, 1),
        |m| m.installation.topic_prefix = "q.".into(),
        |m| m.installation.topics[0].partitions = Some(0),
        |m| m.installation.keys.swap(0, 1),
        |m| m.installation.keys[0].key.push('x'),
        |m| m.log = "log.example.com/b".into(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut manifest = installation();
        change(&mut manifest);
        let refused = Manifest::parse(&Manifest::Installation(manifest).to_bytes());
        assert!(matches!(refused, Err(ManifestError::Form(_))), "change {number}");
    }
}

#[test]
fn a_manifest_survives_its_envelope() {
    let key = SigningKey::from_seed("sealer", [3; 32]).unwrap();
    for previous in [None, Some([9; 32])] {
        let manifest = Manifest::from(SegmentManifest { previous, ..segment() });
        let entry = manifest.sign(&key).unwrap();
        let opened = Manifest::open(entry.as_bytes(), &[key.verifier()]).unwrap();
        assert_eq!(opened.digest, manifest.digest());
        assert_eq!(opened.manifest, manifest);
        assert_eq!(Manifest::peek(entry.as_bytes()).unwrap(), opened);
    }
}

#[test]
fn every_changed_bit_of_a_payload_is_refused_or_another_manifest() {
    let payload = example().to_bytes();
    for at in 0..payload.len() {
        for bit in 0..8 {
            let mut changed = payload.clone();
            changed[at] ^= 1 << bit;
            if let Ok(other) = Manifest::parse(&changed) {
                assert_eq!(other.to_bytes(), changed);
                assert_ne!(other, example());
            }
        }
    }
}

#[test]
fn only_the_canonical_form_parses() {
    let text = String::from_utf8(example().to_bytes()).unwrap();
    for changed in [
        text.replace("\"count\":\"6\"", "\"count\":\"06\""),
        text.replace("\"count\":\"6\"", "\"count\":6"),
        text.replace("\"count\":\"6\"", "\"count\":\"6\",\"count\":\"6\""),
        text.replace("\"count\":\"6\"", "\"count\":\"6\",\"more\":\"6\""),
        text.replace("urn:driftseal:manifest:v1", "urn:driftseal:manifest:v2"),
        format!(" {text}"),
    ] {
        assert_ne!(changed, text);
        let refused = Manifest::parse(changed.as_bytes());
        assert!(matches!(refused, Err(ManifestError::Form(_))), "{changed}");
    }
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    let changes: [fn(&mut SegmentManifest); 13] = [
        |m| m.facts.count = 7,
        |m| m.facts.tree_size = 16,
        |m| m.facts.next_offset = 21,
        |m| m.facts.first_offset = 9,
        |m| m.facts.gaps[1].start = 12,
        |m| m.facts.gaps[1].start = 19,
        |m| m.facts.gaps[1].len = i64::MAX,
        |m| m.facts.first_timestamp_ms = 0,
        |m| m.facts.min_timestamp_ms = 86_400_001,
        |m| m.facts.max_timestamp_ms = 86_399_999,
        |m| m.census_path = m.census_path.replace("-00000007", "-00000008"),
        |m| m.facts.partition.partition = 4,
        |m| m.largest_timestamp_ms -= 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut manifest = segment();
        change(&mut manifest);
        let refused = Manifest::parse(&Manifest::from(manifest).to_bytes());
        assert!(matches!(refused, Err(ManifestError::Form(_))), "change {number}");
    }
}

#[test]
fn the_fullest_manifest_fits_into_a_log_entry() {
    let mut manifest = segment();
    let paths: Vec<_> =
        event::schema().columns().iter().map(|column| column.path.clone()).collect();
    manifest.facts.plain_fields = paths;
    manifest.facts.schema_ids = vec!["avro:0123456789abcdef".into(); crate::facts::SCHEMA_IDS_MAX];
    let gap = Gap { start: i64::MAX / 2, len: 1_000_000, reason: GapReason::NoRecord };
    manifest.facts.gaps = vec![gap; crate::facts::GAPS_MAX];
    let key = SigningKey::from_seed("sealer.example.com/production", [3; 32]).unwrap();
    assert!(Manifest::from(manifest.clone()).sign(&key).is_ok());
    manifest.cluster = "x".repeat(65_535);
    assert!(matches!(Manifest::from(manifest).sign(&key), Err(ManifestError::TooLarge(_))));
}
