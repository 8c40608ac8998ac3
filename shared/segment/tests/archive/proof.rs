//! Proofs of single events over a small archive.

use crate::common::World;
use segment::fault::Judgement;
use segment::layout;
use segment::proof::{self, EventProof};
use segment::replay::Replay;

fn prove(world: &World, event_id: &str) -> Option<EventProof> {
    let mut replay = Replay::new(crate::common::policy());
    let mut entries = Vec::new();
    while let Some(bytes) = world.objects.get(&layout::commit(replay.next_sequence())) {
        entries.extend(replay.apply(bytes).unwrap());
    }
    let leaves: Vec<_> = entries.iter().map(|entry| entry.leaf).collect();
    entries.iter().find_map(|entry| {
        let parquet = &world.objects[&entry.opened.manifest.segment()?.parquet_path];
        proof::prove(event_id, parquet, entry, &leaves, replay.checkpoint()).unwrap()
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
