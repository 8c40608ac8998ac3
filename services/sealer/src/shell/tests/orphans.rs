//! What no commit names is removed, and nothing else.

use super::*;

/// Paths of what the archive holds of segments.
fn objects(world: &World) -> BTreeSet<String> {
    let stored = |prefix| world.archive.list(prefix).unwrap().into_iter().map(|found| found.path);
    stored("data").chain(stored("census")).collect()
}

/// Paths of what the log names.
fn named(world: &World) -> BTreeSet<String> {
    let manifests = world.manifests().into_iter();
    manifests.flat_map(|manifest| [manifest.parquet_path, manifest.census_path]).collect()
}

#[test]
fn what_a_dead_sealer_left_is_removed_once_a_commit_covers_it() {
    let dry = World::new();
    dry.publish(0, 4);
    settle(&mut dry.start().unwrap()).unwrap();
    let calls = dry.store.calls();
    let creates = |part: &str| {
        let is = |call: &Call| call.operation == Operation::Create && call.path.starts_with(part);
        calls.iter().rposition(is).unwrap()
    };
    for number in [creates("data/"), creates("census/"), creates("log/commit/")] {
        let world = World::new();
        world.publish(0, 4);
        // The census, or the commit, is not there if the process dies at the one before.
        let fault = if number == creates("log/commit/") { Fault::NotApplied } else { Fault::Last };
        world.store.plan([(number, fault)]);
        settle(&mut world.start().unwrap()).unwrap_err();
        world.store.plan([]);
        assert!(!objects(&world).is_empty());
        let mut successor = world.start().unwrap();
        settle(&mut successor).unwrap();
        assert_eq!(objects(&world), named(&world), "after a death at call {number}");
        assert_eq!(successor.meters.totals.orphans, 1);
        assert_eq!(world.verify().findings.len(), 0);
    }
}

#[test]
fn what_is_not_covered_yet_or_is_no_segment_stays() {
    let world = World::new();
    world.publish(0, 2);
    let kept = [
        "data/v1/topic=agent.events/ingest_date=2026-01-02/0-00000000000000000002-000000ab.parquet",
        "data/v1/topic=agent.events/ingest_date=2026-01-02/0-00000000000000000004-000000ab.parquet",
        "data/v1/topic=agent.events/ingest_date=2026-01-02/1-00000000000000000000-000000ab.parquet",
        "data/v1/topic=agent.events/ingest_date=2026-01-02/notes.parquet",
        "data/v1/topic=agent.metrics/ingest_date=2026-01-02/0-00000000000000000000-000000ab.parquet",
    ];
    for path in kept {
        world.archive.put_new(path, &b"x"[..]).unwrap();
    }
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    world.advance(AGE_MS);
    settle(&mut shell).unwrap();
    assert_eq!(named(&world).len(), 2);
    let left = objects(&world).difference(&named(&world)).count();
    assert_eq!((left, shell.meters.totals.orphans), (kept.len(), 0));
    // Now the first two are covered; the first began where the sealed part ended.
    world.publish(0, 3);
    settle(&mut shell).unwrap();
    world.advance(AGE_MS);
    settle(&mut shell).unwrap();
    let left: BTreeSet<_> = objects(&world).difference(&named(&world)).cloned().collect();
    assert_eq!(left, kept.map(String::from)[2..].iter().cloned().collect());
}

#[test]
fn an_archive_that_does_not_list_or_delete_is_sealed_all_the_same() {
    let world = World::new();
    world.publish(0, 4);
    let orphan =
        "data/v1/topic=agent.events/ingest_date=2023-11-14/0-00000000000000000000-000000ab.parquet";
    world.archive.put_new(orphan, &b"x"[..]).unwrap();
    world.store.plan([]);
    settle(&mut world.start().unwrap()).unwrap();
    let calls = world.store.calls();
    for (number, call) in calls.iter().enumerate() {
        let is_of_orphans = call.operation == Operation::Other
            || call.operation == Operation::List && call.path.starts_with("data/");
        if !is_of_orphans {
            continue;
        }
        let world = World::new();
        world.publish(0, 4);
        world.archive.put_new(orphan, &b"x"[..]).unwrap();
        world.store.plan([(number, Fault::NotApplied)]);
        settle(&mut world.start().unwrap()).unwrap();
        let left = usize::from(world.archive.exists(orphan).unwrap());
        assert_eq!((left, world.verify().events), (1, 4), "{call:?}");
    }
}
