//! Proofs of single events over a small archive.

use event::Cell;
use merkle::hash;
use merkle::note::SigningKey;
use segment::fault::Judgement;
use segment::layout;
use segment::leaf::field_commitment;
use segment::manifest::SignerUse;
use segment::policy::Policy;
use segment::proof::{self, EventProof, Field, KeyEntry, Sought};
use segment::replay::Replay;

use crate::common::{START_MS, World, run_completed, sealer_key};

fn prove(world: &World, event_id: &str) -> Option<EventProof> {
    let mut replay = Replay::new(crate::common::policy());
    let mut entries = Vec::new();
    while let Some(bytes) = world.objects.get(&layout::commit(replay.next_sequence())) {
        entries.extend(replay.apply(bytes).unwrap());
    }
    let leaves: Vec<_> = entries.iter().map(|entry| entry.leaf).collect();
    entries.iter().find_map(|entry| {
        let parquet = &world.objects[&entry.opened.manifest.segment()?.parquet_path];
        if !proof::may_hold(parquet.clone(), event_id) {
            return None;
        }
        let mut found = proof::prove(Sought::Id(event_id), parquet, entry).unwrap()?;
        let path = merkle::rfc6962::prove_inclusion(&leaves, entry.index).unwrap();
        found.place_in_log(entry.index, path, replay.checkpoint());
        for key in &entries[..usize::try_from(entry.index).unwrap()] {
            let accepted = key.opened.manifest.key();
            if accepted.is_some_and(|accepted| accepted.used_for == SignerUse::Sealer) {
                found.add_key(key, &merkle::rfc6962::prove_inclusion(&leaves, key.index).unwrap());
            }
        }
        Some(found)
    })
}

#[test]
fn every_event_is_proved_and_the_document_survives_its_json() {
    let world = World::example();
    for event_id in ["agent-a-0", "agent-a-4", "agent-b-12", "metric-2", "agent-a-24"] {
        let proof = prove(&world, event_id).unwrap();
        let read = EventProof::parse(&proof.to_json()).unwrap();
        assert_eq!(read, proof);
        let report = read.verify(&crate::common::policy());
        assert_eq!(report.verdict, Judgement::Verified, "{report:?}");
        let text = proof.to_text(&crate::common::policy());
        assert!(text.ends_with("VERIFIED\n"), "{text}");
    }
    assert_eq!(prove(&world, "nobody"), None);
}

#[test]
fn every_changed_character_of_a_proof_is_found() {
    let proof = prove(&World::example(), "agent-a-3").unwrap();
    let json = proof.to_json();
    for at in (0..json.len()).filter(|at| json.is_char_boundary(*at)) {
        let mut changed = json.clone().into_bytes();
        changed[at] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        let Ok(changed) = EventProof::parse(&changed) else { continue };
        if changed != proof {
            let report = changed.verify(&crate::common::policy());
            assert_ne!(report.verdict, Judgement::Verified, "byte {at}");
        }
    }
}

#[test]
fn a_proof_of_one_event_is_none_of_another() {
    let world = World::example();
    let (a, b) = (prove(&world, "agent-a-1").unwrap(), prove(&world, "agent-a-2").unwrap());
    let verdict = |proof: &EventProof| proof.verify(&crate::common::policy()).verdict;
    let mut mixed = a.clone();
    mixed.fields.clone_from(&b.fields);
    assert_eq!(verdict(&mixed), Judgement::Failed);
    let mut mixed = a.clone();
    mixed.index.clone_from(&b.index);
    assert_eq!(verdict(&mixed), Judgement::Failed);
    // A value that people would read, beside the proven bytes of another.
    let mut shown = a;
    shown.fields[0].shown = "agent-z".into();
    assert_eq!(verdict(&shown), Judgement::Failed);
}

/// The document as somebody changed it.
fn changed(proof: &EventProof, change: impl FnOnce(&mut EventProof)) -> EventProof {
    let mut changed = proof.clone();
    change(&mut changed);
    changed
}

fn field<'p>(proof: &'p mut EventProof, path: &str) -> &'p mut Field {
    proof.fields.iter_mut().find(|field| field.path == path).unwrap()
}

/// The document after the erasure of a field, as it is proved then.
fn erased(proof: &EventProof, path: &str) -> EventProof {
    changed(proof, |proof| {
        let kept = field(proof, path);
        let column = event::schema().id(path).unwrap();
        let cell = Cell::from(kept.shown.as_str());
        let salt = hash::from_hex(kept.salt.as_deref().unwrap()).unwrap();
        let commitment = field_commitment(column, &cell, &salt);
        *kept = Field {
            path: path.to_owned(),
            cell_type: 0,
            value: String::new(),
            shown: "(erased)".to_owned(),
            salt: None,
            commitment: Some(hash::to_hex(&commitment)),
        };
    })
}

/// `schemas/evidence/vectors/proof.json`: what every verifier answers. Its other reader is
/// `tests/oracles/verify_proof.py`.
#[test]
fn golden_proofs() {
    const PATH: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/evidence/vectors/proof.json");
    let mut world = World::new();
    let every_type = r#"{"event_id":"every-type","kind":"run.completed","event_time":"2026-10-01T00:00:01.5Z","agent_id":"agent-a","agent_version":"v1","run_id":"r\u00e9\n","run":{"status":"ok","duration_ms":1e21,"cost_usd":0.1,"steps":-3,"refused":false,"input":"a secret","output":"\ud83e\udd80"},"agent":{"parameters":{}},"on_behalf_of":["b","","a"],"subject_refs":["s"],"more":{"a":[1]}}"#;
    let lines = vec![
        run_completed("agent-a", 1, START_MS),
        (START_MS + 1, every_type.to_owned()),
        (START_MS + 2, "{not json".to_owned()),
    ];
    world.commit(&[("agent.events", 3, lines)]);
    world.commit(&[("agent.events", 3, vec![run_completed("agent-a", 2, START_MS + 3)])]);
    let trusted = crate::common::policy().to_text();
    let (log, sealer) = (crate::common::log_key().verifier(), sealer_key().verifier());
    let other = SigningKey::from_seed("other.example.com", [3; 32]).unwrap().verifier();
    let unknown_log = format!("log {}\nsealer {}\n", other.to_vkey(), sealer.to_vkey());
    let unknown_sealer = format!("log {}\nsealer {}\n", log.to_vkey(), other.to_vkey());
    let forger = SigningKey::from_seed("sealer.example.com", [9; 32]).unwrap().verifier();
    let other_key = format!("log {}\nsealer {}\n", log.to_vkey(), forger.to_vkey());

    let proof = prove(&world, "every-type").unwrap();
    let quarantined = event::id::from_position("agent.events", 3, 102);
    let quarantined = prove(&world, &quarantined).unwrap();
    let hidden = erased(&proof, "run.input");
    let mut vectors = Vec::new();
    let mut add = |about: &str, proof: &EventProof, policy: &str, expected: Judgement| {
        let found = proof.verify(&Policy::parse(policy).unwrap());
        assert_eq!(found.verdict, expected, "{about}: {found:?}");
        vectors.push(serde_json::json!({
            "about": about,
            "document": proof.to_json(),
            "policy": policy,
            "verdict": expected.name(),
        }));
    };
    let (yes, no, unsaid) = (Judgement::Verified, Judgement::Failed, Judgement::Unverifiable);
    add("every type of value, an empty map", &proof, &trusted, yes);
    add("a record that did not decode, with its bytes", &quarantined, &trusted, yes);
    add("a field is erased", &hidden, &trusted, yes);
    add("the policy does not know the log", &proof, &unknown_log, unsaid);
    add("the policy does not know the sealer", &proof, &unknown_sealer, unsaid);
    add("the policy knows the sealer by another key", &proof, &other_key, no);
    let another = changed(&proof, |proof| proof.format = "driftseal/proof/v2".into());
    add("another format", &another, &trusted, unsaid);
    let forged = changed(&hidden, |proof| {
        let forged = field(proof, "run.input");
        (forged.cell_type, forged.value) = (4, "bm8gc2VjcmV0".into());
    });
    add("a value beside the commitment of an erased field", &forged, &trusted, no);
    let forged = changed(&proof, |proof| field(proof, "run.status").shown = "error".into());
    add("a shown value that is not the value", &forged, &trusted, no);
    let forged = changed(&proof, |proof| {
        let salt = field(proof, "run.input").salt.clone();
        field(proof, "run.status").salt = salt;
    });
    add("a field that cannot be erased, with a salt", &forged, &trusted, no);
    let forged = changed(&proof, |proof| proof.fields.retain(|field| field.path != "run.steps"));
    add("a field is left out", &forged, &trusted, no);
    let forged = changed(&proof, |proof| proof.fields.swap(0, 1));
    add("fields in another order", &forged, &trusted, no);
    let forged = changed(&proof, |proof| proof.event_id = "another".into());
    add("another event id", &forged, &trusted, no);
    let forged = changed(&proof, |proof| proof.offset = "+101".into());
    add("an offset in another spelling", &forged, &trusted, no);
    let forged = changed(&proof, |proof| proof.index = "0".into());
    add("another index in the segment", &forged, &trusted, no);
    let forged = changed(&proof, |proof| proof.segment_path.truncate(1));
    add("a shorter path", &forged, &trusted, no);
    let forged = changed(&proof, |proof| proof.record_digest = "0".repeat(64));
    add("another record digest", &forged, &trusted, no);
    let later = prove(&world, "agent-a-2").unwrap();
    let forged = changed(&proof, |proof| proof.manifest.clone_from(&later.manifest));
    add("the manifest of another segment", &forged, &trusted, no);
    let forged = changed(&proof, |proof| proof.tlog_proof.clone_from(&later.tlog_proof));
    add("the place of another manifest in the log", &forged, &trusted, no);

    let world = crate::keys::rotated();
    let (first, third) = (prove(&world, "agent-a-0").unwrap(), prove(&world, "agent-a-2").unwrap());
    assert_eq!((first.keys.len(), third.keys.len()), (0, 2));
    add("before the sealer's key was replaced", &first, &trusted, yes);
    add("behind two keys that the log accepts", &third, &trusted, yes);
    let second = format!(
        "log {}\nsealer {}\n",
        log.to_vkey(),
        crate::keys::key("sealer-2").verifier().to_vkey()
    );
    add("the policy does not know who accepted the first key", &third, &second, unsaid);
    let forged = changed(&third, |proof| proof.keys.clear());
    add("the entries that accept keys are left out", &forged, &trusted, unsaid);
    let forged = changed(&third, |proof| drop(proof.keys.remove(0)));
    add("the first of them is left out", &forged, &trusted, unsaid);
    let forged = changed(&third, |proof| proof.keys.swap(0, 1));
    add("they are in another order", &forged, &trusted, no);
    let forged = changed(&third, |proof| proof.keys[1].index = "4".into());
    add("one has the number of another entry", &forged, &trusted, no);
    let forged = changed(&third, |proof| proof.keys[0].envelope = proof.keys[1].envelope.clone());
    add("one is another one", &forged, &trusted, no);
    let forged = changed(&third, |proof| drop(proof.keys[0].path.pop()));
    add("the path of one is shorter", &forged, &trusted, no);
    let segment = prove(&world, "agent-a-1").unwrap();
    let in_log = merkle::tlog_proof::TlogProof::parse(&segment.tlog_proof).unwrap();
    let (index, path) = (in_log.index.to_string(), in_log.path.iter().map(hash::to_hex).collect());
    let forged = changed(&third, |proof| {
        proof.keys.insert(1, KeyEntry { envelope: segment.manifest.clone(), index, path });
    });
    add("one of them is a segment", &forged, &trusted, no);
    let forged = changed(&first, |proof| proof.keys.clone_from(&third.keys));
    add("they are behind the manifest", &forged, &trusted, no);

    let made = serde_json::json!({
        "generator": "shared/segment/tests/archive/proof.rs",
        "format": "driftseal/proof/v1",
        "proofs": vectors,
    });
    #[expect(clippy::disallowed_methods, reason = "a switch of `make bless`")]
    if std::env::var("DRIFTSEAL_BLESS").is_ok() {
        std::fs::write(PATH, format!("{}\n", serde_json::to_string_pretty(&made).unwrap()))
            .unwrap();
        return;
    }
    let stated = std::fs::read_to_string(PATH).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stated).unwrap(), made);
}
