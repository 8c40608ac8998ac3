//! Fsck, proof, export and verification over an archive in a directory.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

#[path = "../../../shared/segment/tests/archive/check.rs"]
mod check;
#[path = "../../../shared/segment/tests/archive/common.rs"]
mod common;
#[path = "evidence/period.rs"]
mod period;
#[path = "evidence/role.rs"]
mod role;

use archive::Archive;
use common::{START_MS, World};
use event::TopicPartition;
use evidence::{EvidenceError, Judgement, Period, Progress, Scope, Wanted};
use tokio::runtime::Runtime;

/// An archive in a directory, and what it needs to live.
struct Stored {
    archive: Archive,
    directory: tempfile::TempDir,
    _runtime: Runtime,
}

fn store(world: &World) -> Stored {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let location = directory.path().to_str().unwrap();
    let archive = Archive::create(location, runtime.handle().clone()).unwrap();
    for (path, bytes) in &world.objects {
        archive.put_new(path, bytes.clone()).unwrap();
    }
    Stored { archive, directory, _runtime: runtime }
}

fn ignore(_: Progress) {}

#[test]
fn a_sealed_archive_is_checked_on_all_cores_with_progress() {
    let mut world = World::example();
    for run in 100..140 {
        let lines = vec![common::run_completed("agent-a", run, START_MS)];
        world.commit(&[("agent.events", 0, lines)]);
    }
    let stored = store(&world);
    let mut last = evidence::FsckProgress::default();
    let report =
        evidence::fsck(&stored.archive, &common::policy(), &mut |progress| last = *progress)
            .unwrap();
    assert_eq!(report.findings, vec![]);
    assert_eq!((report.verdict, report.segments, report.events), (Judgement::Verified, 44, 64));
    assert_eq!((last.segments_done, last.segments_total), (44, 44));
    assert_eq!(last.bytes_done, last.bytes_total);
    // The same as from memory, whatever the order in which workers answer.
    assert_eq!(report, world.fsck());
}

#[test]
fn a_changed_file_is_named() {
    let world = World::example();
    let stored = store(&world);
    let path = world.objects.keys().find(|path| path.ends_with(".parquet")).unwrap();
    let changed = world.flip(path, 1000);
    stored.archive.put(path, changed.objects.get(path).unwrap().clone()).unwrap();
    let report = evidence::fsck(&stored.archive, &common::policy(), &mut |_| {}).unwrap();
    assert_eq!(report.verdict, Judgement::Failed);
    assert!(report.to_text().contains(path.as_str()));
}

#[test]
fn an_event_is_found_and_proved() {
    let stored = store(&World::example());
    let prove =
        |wanted: Wanted| evidence::prove(&stored.archive, &common::policy(), &wanted, &mut ignore);
    let id = |id: &str, from_ms: i64| Wanted::Id {
        event_id: id.to_owned(),
        period: Some(Period { from_ms, to_ms: from_ms + 3_600_000 }),
    };
    let anywhere = |id: &str| Wanted::Id { event_id: id.to_owned(), period: None };
    let record = |partition: i32, offset: i64| Wanted::Record {
        partition: TopicPartition::new("agent.events", partition),
        offset,
    };
    for wanted in [anywhere("agent-b-12"), id("agent-b-12", START_MS), record(1, 102)] {
        let proof = prove(wanted).unwrap();
        assert_eq!(proof.event_id, "agent-b-12");
        assert_eq!(proof.verify(&common::policy()).verdict, Judgement::Verified);
    }
    assert_eq!(prove(record(0, 115)).unwrap().event_id, "agent-a-24");
    assert_eq!(prove(id("agent-a-24", START_MS + 86_400_000)).unwrap().offset, "115");
    for nothing in [
        anywhere("nobody"),
        id("nobody", START_MS),
        id("agent-b-12", START_MS + 86_400_000),
        id("agent-b-12", START_MS - 3_600_000),
        record(1, 105),
        record(1, 99),
        record(2, 100),
    ] {
        assert!(matches!(prove(nothing), Err(EvidenceError::NoEvent(_))));
    }
}

#[test]
fn a_pack_is_exported_and_verified_from_its_file() {
    let stored = store(&World::example());
    let scope = Scope::new("agent-a", START_MS, START_MS + 1_000).unwrap();
    let mut phases = Vec::new();
    let exported = evidence::export(&stored.archive, &common::policy(), &scope, &mut |progress| {
        phases.push(progress.phase);
    })
    .unwrap();
    assert_eq!(exported.report.verdict, Judgement::Verified);
    phases.dedup();
    assert_eq!(phases, ["reading the log", "collecting events", "verifying the pack"]);
    let path = stored.directory.path().join("pack.zip");
    std::fs::write(&path, &exported.pack).unwrap();
    let policy_path = stored.directory.path().join("policy");
    std::fs::write(&policy_path, common::policy().to_text()).unwrap();
    let policy = evidence::read_policy(&policy_path).unwrap();
    assert_eq!(evidence::verify_file(&path, Some(&policy)).unwrap(), exported.report);
    let without = evidence::verify_file(&path, None).unwrap();
    assert_eq!(without.verdict, Judgement::Unverifiable);
}

#[test]
fn nothing_is_derived_from_a_log_with_an_entry_of_an_unknown_kind() {
    let mut world = World::example();
    let path = world.objects.keys().next().unwrap().clone();
    world.append_of_kind("sampling", &path);
    let stored = store(&world);
    let wanted = Wanted::Id { event_id: "agent-b-12".into(), period: None };
    let error = evidence::prove(&stored.archive, &common::policy(), &wanted, &mut ignore);
    let error = error.unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("`sampling`"), "{error}");
}

#[test]
fn an_archive_without_a_log_is_not_silently_empty() {
    let mut world = World::new();
    world.objects.clear();
    let stored = store(&world);
    let scope = Scope::parse("agent-a", None, None).unwrap();
    let error = evidence::export(&stored.archive, &common::policy(), &scope, &mut ignore);
    assert!(matches!(error, Err(EvidenceError::NoLog)));
    let report = evidence::fsck(&stored.archive, &common::policy(), &mut |_| {}).unwrap();
    assert_eq!(report.verdict, Judgement::Failed);
}
