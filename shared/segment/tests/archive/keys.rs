//! Logs that accept keys, read by a policy from before.

use merkle::note::{SigningKey, VerifyingKey};
use segment::belief::Believed;
use segment::fault::{Distrust, Judgement};
use segment::layout;
use segment::log::Head;
use segment::manifest::{KeyManifest, Manifest, SignerUse};
use segment::replay::Replay;

use crate::common::{START_MS, World, log_key, policy, run_completed, sealer_key};

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, [21; 32]).unwrap()
}

fn accept(world: &mut World, used_for: SignerUse, key: &VerifyingKey) {
    let log = log_key().name().to_owned();
    let accepted = KeyManifest { log, key: key.clone(), used_for, program: "test/1".into() };
    let entry = Manifest::Key(accepted).sign(&world.sealer).unwrap();
    world.commit_entries(vec![entry]);
}

fn seal(world: &mut World) {
    let run = world.state.ends().values().map(|end| end.next_sequence).sum::<u64>();
    let run = run_completed("agent-a", u32::try_from(run).unwrap(), START_MS);
    world.commit(&[("agent.events", 0, vec![run])]);
}

/// The sealer's key was replaced twice, and that for packs once.
pub(crate) fn rotated() -> World {
    let mut world = World::new();
    seal(&mut world);
    accept(&mut world, SignerUse::Sealer, &key("sealer-2").verifier());
    world.sealer = key("sealer-2");
    seal(&mut world);
    accept(&mut world, SignerUse::Evidence, &key("evidence-2").verifier());
    accept(&mut world, SignerUse::Sealer, &key("sealer-3").verifier());
    world.sealer = key("sealer-3");
    seal(&mut world);
    world
}

#[test]
fn an_old_policy_verifies_what_keys_seal_that_the_log_accepted_and_says_which() {
    let report = rotated().fsck();
    assert_eq!((report.verdict, report.findings.len()), (Judgement::Verified, 0));
    assert_eq!((report.segments, report.entries), (3, 7));
    let accepted: Vec<_> =
        report.accepted_keys.iter().map(|key| (key.entry, key.used_for, key.key.name())).collect();
    let expected = [
        (2, SignerUse::Sealer, "sealer-2"),
        (4, SignerUse::Evidence, "evidence-2"),
        (5, SignerUse::Sealer, "sealer-3"),
    ];
    assert_eq!(accepted, expected);
    let text = report.to_text();
    for (key, entry, signer) in
        [(&key("sealer-2"), 2, &sealer_key()), (&key("sealer-3"), 5, &key("sealer-2"))]
    {
        let id = |key: &SigningKey| format!("{}+{}", key.name(), key.key_id_hex());
        let said = format!(
            "believed    sealer {}, accepted by log entry {entry}, which {} signed; it is not in the policy",
            id(key),
            id(signer)
        );
        assert!(text.contains(&said), "{text}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["accepted_keys"][1]["use"], "evidence");
    assert_eq!(json["accepted_keys"][2]["entry"], 5);
}

#[test]
fn what_the_policy_has_itself_is_not_believed_because_of_the_log() {
    let mut world = World::new();
    accept(&mut world, SignerUse::Sealer, &sealer_key().verifier());
    seal(&mut world);
    let report = world.fsck();
    assert_eq!((report.verdict, report.accepted_keys.len()), (Judgement::Verified, 0));
}

#[test]
fn a_key_that_nobody_believed_has_accepted_is_named_and_cannot_be_judged() {
    // The writer knows the stranger; the policy does not.
    let mut world = rotated();
    accept(&mut world, SignerUse::Sealer, &key("sealer-4").verifier());
    let commits: Vec<_> = (0..world.state.next_sequence())
        .map(|sequence| world.objects[&layout::commit(sequence)].clone())
        .collect();
    let stranger =
        segment::policy::Policy::new(vec![log_key().verifier()], vec![key("sealer-2").verifier()]);
    let mut replay = Replay::new(stranger.unwrap());
    let refused = replay.apply(&commits[0]);
    let Err(Distrust::Unverifiable(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("the sealer `sealer.example.com`"), "{why}");
}

#[test]
fn a_log_is_resumed_at_every_head_by_those_who_accepted_its_keys() {
    let world = rotated();
    let object = |path: &str| world.objects[path].clone();
    let genesis = object(&layout::commit(0));
    let mut whole = Replay::new(policy());
    let last = world.state.next_sequence();
    for sequence in 0..last {
        whole.apply(&object(&layout::commit(sequence))).unwrap();
        let head = Head::open(&object(&layout::head(sequence)), policy().logs()).unwrap();
        assert_eq!(Some(&head), whole.head().as_ref());
        let commit = object(&layout::commit(sequence));
        let mut resumed =
            Replay::resume(whole.believed().clone(), &genesis, &head, &commit).unwrap();
        for sequence in sequence + 1..last {
            resumed.apply(&object(&layout::commit(sequence))).unwrap();
        }
        assert_eq!(resumed.head(), world.state.head());
        assert_eq!(resumed.believed().accepted().len(), 3);
        // Not by a head's word alone.
        let alone = Replay::resume(Believed::new(policy()), &genesis, &head, &commit);
        assert_eq!(alone.is_err(), !head.keys.is_empty(), "{sequence}");
    }
}

/// Whoever reads a part of the log knows the keys of all of it, and opens entries in any order.
#[test]
fn a_key_is_believed_behind_its_entry_only() {
    let sign = |key: &VerifyingKey, signer: &SigningKey| {
        let log = log_key().name().to_owned();
        let used_for = SignerUse::Sealer;
        let accepted = KeyManifest { log, key: key.clone(), used_for, program: "test/1".into() };
        Manifest::Key(accepted).sign(signer).unwrap()
    };
    let mut believed = Believed::new(policy());
    let (second, third) = (key("sealer-2"), key("sealer-3"));
    for (index, entry) in
        [(2, sign(&second.verifier(), &sealer_key())), (5, sign(&third.verifier(), &second))]
    {
        let opened = believed.open_entry("an entry", index, entry.as_bytes()).unwrap();
        believed.accept("an entry", index, &opened).unwrap();
    }
    let other = key("sealer-4").verifier();
    for (signer, first) in [(sealer_key(), 0), (second, 3), (third, 6)] {
        let entry = sign(&other, &signer);
        for index in 0..8 {
            let opened = believed.open_entry("an entry", index, entry.as_bytes());
            match opened {
                Ok(_) => assert!(index >= first, "{} at {index}", signer.name()),
                Err(Distrust::Unverifiable(_)) => assert!(index < first, "{index}"),
                Err(Distrust::Failed(fault)) => panic!("{fault}"),
            }
        }
    }
}
