//! A sealer whose key was replaced.

use segment::fault::Judgement;

use super::*;

fn seal(world: &World) {
    world.publish(0, 4);
    settle(&mut world.start().unwrap()).unwrap();
}

#[test]
fn a_sealer_with_a_new_key_goes_on_and_an_old_policy_cannot_judge_it() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    let mut world = World::new();
    world.keys.save(&keys).unwrap();
    seal(&world);
    Keys::rotate(&keys, crate::Replaced::Sealer).unwrap();
    let old = std::mem::replace(&mut world.keys, Keys::load(&keys).unwrap());
    seal(&world);
    // Once more, from a head that knows both.
    seal(&world);
    let report = world.verify();
    assert_eq!((report.verdict, report.events), (Judgement::Verified, 12));
    let report = fsck(&world.archive, &old);
    assert_eq!(report.verdict, Judgement::Unverifiable, "{}", report.to_text());
    let named = world.keys.sealer.verifier();
    assert!(report.to_text().contains(named.name()), "{}", report.to_text());
}

#[test]
fn a_sealer_without_the_key_before_says_whose_signature_it_does_not_know() {
    let mut world = World::new();
    seal(&world);
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    world.keys.save(&keys).unwrap();
    let unknown = world.keys.sealer.verifier().key_id_hex();
    Keys::rotate(&keys, crate::Replaced::Sealer).unwrap();
    std::fs::remove_file(keys.join("policy.txt")).unwrap();
    let known = std::mem::replace(&mut world.keys, Keys::load(&keys).unwrap());
    let error = world.start().unwrap_err();
    assert!(error.to_string().contains(&unknown), "{error}");
    world.keys = known;
    seal(&world);
    world.verify();
}
