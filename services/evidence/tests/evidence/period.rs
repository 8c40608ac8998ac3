//! What is read for a period through the heads is what all commits give.

use bytes::Bytes;
use evidence::{EvidenceError, Exported, Judgement, LogRead, Scope};
use segment::layout;

use crate::common::{START_MS, World, evidence_key, policy, run_completed};
use crate::{Stored, ignore, store};

const MINUTE_MS: i64 = 60_000;

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Three hundred commits, one a minute: a busy partition, one that runs backwards now and then, one
/// that is seldom used, and one that begins late.
fn world() -> World {
    let mut numbers = Numbers(1);
    let mut world = World::new();
    for minute in 0..300_u32 {
        let at_ms = START_MS + i64::from(minute) * MINUTE_MS;
        let line = |behind_ms: i64| vec![run_completed("agent-a", minute, at_ms - behind_ms)];
        let mut segments = vec![("agent.events", 0, line(0))];
        if minute % 3 == 0 {
            let behind = i64::try_from(numbers.below(4)).unwrap() * MINUTE_MS;
            segments.push(("agent.events", 1, line(behind)));
        }
        if minute % 97 == 5 {
            segments.push(("agent.events", 2, line(0)));
            segments.push(("agent.events", 2, line(0)));
        }
        if minute >= 298 {
            segments.push(("driftseal.alerts", 0, line(0)));
        }
        world.commit(&segments);
    }
    world
}

fn without_heads(world: &World) -> World {
    let mut without = world.clone();
    without.objects.retain(|path, _| !path.starts_with(layout::HEADS));
    without
}

/// A pack, and how it was made.
struct Made {
    pack: Vec<u8>,
    exported: Exported,
}

fn try_export(stored: &Stored, scope: &Scope) -> Result<Made, EvidenceError> {
    let (policy, key) = (policy(), evidence_key());
    let out = stored.directory.path().join("a pack.zip");
    let wish = scope.clone().into();
    let exported = evidence::export(&stored.archive, &policy, &key, wish, &out, &mut ignore)?;
    Ok(Made { pack: std::fs::read(out).unwrap(), exported })
}

fn export(stored: &Stored, scope: &Scope) -> Made {
    let made = try_export(stored, scope).unwrap();
    let report = &made.exported.report;
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    made
}

#[test]
fn heads_lead_to_the_same_pack_as_all_commits() {
    let world = world();
    let (by_heads, by_commits) = (store(&world), store(&without_heads(&world)));
    let mut numbers = Numbers(7);
    let mut scopes: Vec<_> = (0..6)
        .map(|_| {
            let from = i64::try_from(numbers.below(310)).unwrap() - 5;
            let minutes = i64::try_from(numbers.below(40)).unwrap() + 1;
            let from_ms = START_MS + from * MINUTE_MS;
            Scope::new("agent-a", from_ms, from_ms + minutes * MINUTE_MS).unwrap()
        })
        .collect();
    scopes.push(Scope::parse("agent-a", None, None).unwrap());
    scopes.push(Scope::new("nobody", START_MS, START_MS + 1).unwrap());
    for scope in scopes {
        let (found, expected) = (export(&by_heads, &scope), export(&by_commits, &scope));
        assert_eq!(
            (found.exported.read, expected.exported.read),
            (LogRead::Heads, LogRead::Commits)
        );
        assert!(found.pack == expected.pack, "{:?}", scope.period());
    }
}

#[test]
fn wrong_heads_tiles_and_bundles_cost_time_and_change_nothing() {
    let world = world();
    let from_ms = START_MS + 100 * MINUTE_MS;
    let scope = Scope::new("agent-a", from_ms, from_ms + 30 * MINUTE_MS).unwrap();
    let expected = export(&store(&world), &scope);
    for prefix in ["log/head/", "log/tile/0/", "log/tile/entries/"] {
        for broken in [None, Some(Bytes::from_static(b"broken"))] {
            let mut changed = world.clone();
            for (path, bytes) in &mut changed.objects {
                if path.starts_with(prefix) {
                    *bytes = broken.clone().unwrap_or_default();
                }
            }
            if broken.is_none() {
                changed.objects.retain(|path, _| !path.starts_with(prefix));
            }
            let found = export(&store(&changed), &scope);
            assert!(found.pack == expected.pack, "{prefix} {broken:?}");
            assert_eq!(found.exported.read, LogRead::Commits, "{prefix}");
        }
    }
}

#[test]
fn a_commit_whose_head_is_not_written_yet_is_in_the_pack() {
    let mut world = World::example();
    world.commit(&[("agent.events", 1, vec![run_completed("agent-a", 90, START_MS + 40)])]);
    let last = layout::head(3);
    let scope = Scope::new("agent-a", START_MS, START_MS + 60).unwrap();
    let expected = export(&store(&world), &scope);
    assert!(world.objects.remove(&last).is_some());
    let found = export(&store(&world), &scope);
    assert!(found.pack == expected.pack);
    assert_eq!(found.exported.read, LogRead::Heads);
}

#[test]
fn nothing_sealed_gives_no_pack() {
    let stored = store(&World::new());
    let scope = Scope::parse("agent-a", None, None).unwrap();
    let refused = try_export(&stored, &scope);
    assert!(matches!(refused, Err(EvidenceError::NothingSealed)));
}
