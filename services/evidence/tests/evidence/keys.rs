//! An archive whose log accepts keys, read by a policy from before: through heads and from the commits.

use evidence::{Judgement, LogRead, Period, Scope, Wanted, Wish};
use merkle::note::SigningKey;
use segment::layout;
use segment::manifest::{KeyManifest, Manifest, SignerUse};

use crate::common::{START_MS, World, log_key, policy, run_completed};
use crate::{ignore, store};

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, [21; 32]).unwrap()
}

/// Forty segments, by three keys of sealers; behind each of the first two the next is accepted, and
/// one for packs.
fn rotated() -> World {
    let mut world = World::new();
    let accept = |world: &mut World, used_for, key: &SigningKey| {
        let (log, key) = (log_key().name().to_owned(), key.verifier());
        let accepted = KeyManifest { log, key, used_for, program: "test/1".into() };
        world.commit_entries(vec![Manifest::Key(accepted).sign(&world.sealer).unwrap()]);
    };
    for run in 0..40 {
        let at_ms = START_MS + i64::from(run) * 60_000;
        world.commit(&[("agent.events", 0, vec![run_completed("agent-a", run, at_ms)])]);
        if run == 9 || run == 19 {
            let next = key(&format!("sealer-{run}"));
            accept(&mut world, SignerUse::Sealer, &next);
            world.sealer = next;
            accept(&mut world, SignerUse::Evidence, &key(&format!("evidence-{run}")));
        }
    }
    world
}

#[test]
fn an_old_policy_exports_and_checks_what_new_keys_sealed() {
    let world = rotated();
    let report = evidence::fsck(&store(&world).archive, &policy(), None, &mut |_| {});
    assert_eq!((report.verdict, report.accepted_keys.len()), (Judgement::Verified, 4));
    for (from, segments) in [(5, 1), (8, 4), (19, 2), (30, 10)] {
        let from_ms = START_MS + from * 60_000;
        let period = Period { from_ms, to_ms: from_ms + segments * 60_000 };
        for read in [LogRead::Heads, LogRead::Commits] {
            let mut world = world.clone();
            if read == LogRead::Commits {
                world.objects.retain(|path, _| !path.starts_with("log/head/"));
            }
            let stored = store(&world);
            let scope = Scope::new("agent-a", period.from_ms, period.to_ms).unwrap();
            let out = stored.directory.path().join("pack.zip");
            let (key, wish) = (key("evidence-19"), Wish::from(scope));
            let exported =
                evidence::export(&stored.archive, &policy(), &key, wish, &out, &mut ignore)
                    .unwrap();
            let report = &exported.report;
            assert_eq!(report.verdict, Judgement::Verified, "{report}");
            assert_eq!(exported.read, read);
            let verified = report.verified.as_ref().unwrap();
            assert_eq!(verified.keys.accepted.len(), 4);
            assert_eq!(verified.facts.events, segments.cast_unsigned());
            let event_id = format!("agent-a-{from}");
            let wanted = Wanted::Id { event_id, period: Some(period) };
            let proof = evidence::prove(&stored.archive, &policy(), &wanted, &mut ignore).unwrap();
            assert_eq!(proof.keys.len(), usize::from(from > 9) + usize::from(from > 19));
            let report = proof.verify(&policy());
            assert_eq!(report.verdict, Judgement::Verified, "{report:?}");
        }
    }
}

#[test]
fn heads_that_lie_about_keys_cost_time_and_nothing_else() {
    let world = rotated();
    let honest = world.state.head().unwrap();
    let lies: [fn(&mut segment::log::Head); 4] = [
        |head| head.keys.clear(),
        |head| head.keys[0].entry = 7,
        |head| head.keys[0].key = key("stranger").verifier(),
        |head| head.keys[3].entry = u64::MAX,
    ];
    for lie in lies {
        let (mut head, mut world) = (honest.clone(), world.clone());
        lie(&mut head);
        world.objects.insert(layout::head(head.sequence), head.sign(&log_key()).into());
        let stored = store(&world);
        let scope = Scope::new("agent-a", START_MS, START_MS + 120_000).unwrap();
        let (out, key) = (stored.directory.path().join("pack.zip"), key("evidence-9"));
        let exported =
            evidence::export(&stored.archive, &policy(), &key, scope.into(), &out, &mut ignore);
        let exported = exported.unwrap();
        assert_eq!(exported.report.verdict, Judgement::Verified, "{}", exported.report);
        assert_eq!(exported.read, LogRead::Commits);
    }
}
