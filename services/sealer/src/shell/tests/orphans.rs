//! What no commit names is removed, and nothing else.

use super::*;

const DAY_MS: i64 = 86_400_000;

/// Steps, and looks whether an orphan has waited long enough, as a sealer does every few seconds.
fn settle_and_look(shell: &mut Shell) {
    settle(shell).unwrap();
    shell.lag_watch = None;
    settle(shell).unwrap();
}

fn notes(world: &World) -> Vec<String> {
    world.archive.list("orphans").unwrap().into_iter().map(|found| found.path).collect()
}

/// Every object of the log, with its bytes.
fn log_of(world: &World) -> BTreeMap<String, bytes::Bytes> {
    let paths = world.archive.list("log").unwrap().into_iter().map(|found| found.path);
    paths.map(|path| (path.clone(), world.archive.get(&path).unwrap())).collect()
}

/// Puts a copy of the log in the place of the log.
fn set_back(world: &World, copy: &BTreeMap<String, bytes::Bytes>) {
    for path in log_of(world).into_keys() {
        world.archive.delete(&path).unwrap();
    }
    for (path, bytes) in copy {
        world.archive.put(path, bytes.clone()).unwrap();
    }
}

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

/// Seals two segments of a partition; the log after the first.
fn seal_two(world: &World) -> BTreeMap<String, bytes::Bytes> {
    let mut shell = world.start().unwrap();
    world.publish(0, 4);
    settle(&mut shell).unwrap();
    let early = log_of(world);
    world.publish(0, 4);
    settle(&mut shell).unwrap();
    early
}

#[test]
fn what_a_dead_sealer_left_is_removed_a_day_after_a_commit_covered_it() {
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
        let left = objects(&world);
        assert!(!left.is_empty());
        let mut successor = world.start().unwrap();
        settle_and_look(&mut successor);
        world.advance(DAY_MS - 1);
        settle_and_look(&mut successor);
        assert!(objects(&world).is_superset(&left), "after a death at call {number}");
        assert_eq!((notes(&world).len(), successor.waiting.len()), (1, 1));
        world.verify();
        drop(successor);
        // The wait outlives the process.
        let mut last = world.start().unwrap();
        settle_and_look(&mut last);
        assert!(objects(&world).is_superset(&left));
        world.advance(1);
        settle_and_look(&mut last);
        assert_eq!(objects(&world), named(&world), "after a death at call {number}");
        assert_eq!((last.meters.totals.orphans, notes(&world).len()), (1, 0));
        assert_eq!(world.verify().findings.len(), 0);
    }
}

#[test]
fn segments_of_a_log_that_was_set_back_outlive_its_return() {
    let world = World::new();
    let early = seal_two(&world);
    let (late, sealed) = (log_of(&world), objects(&world));

    set_back(&world, &early);
    let mut shell = world.start().unwrap();
    settle_and_look(&mut shell);
    drop(shell);
    assert_eq!(notes(&world).len(), 1, "the second segment was sealed again");
    assert!(objects(&world).is_superset(&sealed));

    set_back(&world, &late);
    world.advance(DAY_MS);
    let mut shell = world.start().unwrap();
    settle_and_look(&mut shell);
    assert!(objects(&world).is_superset(&sealed), "what the log names was removed");
    assert_eq!(shell.meters.totals.orphans, 0);
    world.verify();
}

#[test]
fn a_log_that_ends_before_what_it_has_signed_is_refused_and_nothing_is_changed() {
    let world = World::new();
    let early = seal_two(&world);
    let last = segment::layout::commit(2);
    for (keeps, size) in [(segment::layout::CHECKPOINT, 3), ("log/head/00000000000000000002", 3)] {
        let mut copy = log_of(&world);
        copy.remove(&last).unwrap();
        if keeps != segment::layout::CHECKPOINT {
            let older = early[segment::layout::CHECKPOINT].clone();
            copy.insert(segment::layout::CHECKPOINT.to_owned(), older);
        }
        let whole = log_of(&world);
        set_back(&world, &copy);
        let before = world.archive.list("").unwrap();
        let error = world.start().unwrap_err();
        let object = keeps.to_owned();
        assert_eq!(error, RunError::SetBack { object: object.clone(), size, found: 2 });
        let error = crate::rebuild(&world.archive, &world.keys, &mut |_, _| {}).unwrap_err();
        assert_eq!(error, RunError::SetBack { object, size, found: 2 });
        assert_eq!(world.archive.list("").unwrap(), before);
        assert_eq!(log_of(&world), copy);
        set_back(&world, &whole);
    }
    world.verify();
}

#[test]
fn what_is_no_note_stays() {
    let world = World::new();
    let path = "orphans/v1/agent.events/0-00000000000000000000-000000ab.json";
    world.archive.put_new(path, &b"{}"[..]).unwrap();
    world.publish(0, 4);
    let mut shell = world.start().unwrap();
    world.advance(DAY_MS);
    settle_and_look(&mut shell);
    assert_eq!((notes(&world), shell.waiting.len()), (vec![path.to_owned()], 0));
    world.verify();
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
    let config = Config { orphan_wait_secs: 0, ..world.config.clone() };
    let mut shell = world.start_as(config).unwrap();
    settle_and_look(&mut shell);
    world.advance(AGE_MS);
    settle_and_look(&mut shell);
    assert_eq!(named(&world).len(), 2);
    let left = objects(&world).difference(&named(&world)).count();
    assert_eq!((left, shell.meters.totals.orphans), (kept.len(), 0));
    // Now the first two are covered; the first began where the sealed part ended.
    world.publish(0, 3);
    settle_and_look(&mut shell);
    world.advance(AGE_MS);
    settle_and_look(&mut shell);
    let left: BTreeSet<_> = objects(&world).difference(&named(&world)).cloned().collect();
    assert_eq!(left, kept.map(String::from)[2..].iter().cloned().collect());
}

#[test]
fn an_archive_that_does_not_list_or_delete_is_sealed_all_the_same() {
    let run = |world: &World| {
        let config = Config { orphan_wait_secs: 0, ..world.config.clone() };
        settle_and_look(&mut world.start_as(config).unwrap());
    };
    let world = World::new();
    world.publish(0, 4);
    let orphan =
        "data/v1/topic=agent.events/ingest_date=2023-11-14/0-00000000000000000000-000000ab.parquet";
    world.archive.put_new(orphan, &b"x"[..]).unwrap();
    world.store.plan([]);
    run(&world);
    let calls = world.store.calls();
    for (number, call) in calls.iter().enumerate() {
        let lists = call.operation == Operation::List
            && (call.path.starts_with("data/") || call.path.starts_with("orphans/"));
        let notes = call.operation != Operation::Get && call.path.starts_with("orphans/");
        let is_of_orphans = call.operation == Operation::Other || lists || notes;
        if !is_of_orphans {
            continue;
        }
        let world = World::new();
        world.publish(0, 4);
        world.archive.put_new(orphan, &b"x"[..]).unwrap();
        world.store.plan([(number, Fault::NotApplied)]);
        run(&world);
        // Census, segment and note are deleted in this order. Without its note an orphan is still
        // removed by the process that knows of it.
        let deletes = |call: &&Call| call.operation == Operation::Other;
        let is_left = if deletes(&call) {
            calls[..number].iter().filter(deletes).count() < 2
        } else {
            call.path.starts_with("data/")
        };
        assert_eq!(world.archive.exists(orphan).unwrap(), is_left, "{call:?}");
        assert_eq!(world.verify().events, 4, "{call:?}");
    }
}
