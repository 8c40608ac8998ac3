//! Fsck, proof, export and verification over an archive in a directory.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

#[path = "../../../shared/segment/tests/archive/check.rs"]
mod check;
#[path = "../../../shared/segment/tests/archive/common.rs"]
mod common;
#[path = "evidence/consistency.rs"]
mod consistency;
#[path = "evidence/keys.rs"]
mod keys;
#[path = "evidence/period.rs"]
mod period;
#[path = "evidence/quarantine.rs"]
mod quarantine;
#[path = "evidence/role.rs"]
mod role;

use archive::Archive;
use common::{START_MS, World};
use event::TopicPartition;
use evidence::{EvidenceError, Judged, Judgement, Period, Progress, Scope, Trust, Wanted, Wish};
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
        evidence::fsck(&stored.archive, &common::policy(), None, &mut |progress| last = *progress);
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
    let report = evidence::fsck(&stored.archive, &common::policy(), None, &mut |_| {});
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
    let (out, wish) = (stored.directory.path().join("pack.zip"), Wish::from(scope));
    let (policy, key) = (common::policy(), common::evidence_key());
    let exported =
        evidence::export(&stored.archive, &policy, &key, wish.clone(), &out, &mut |progress| {
            phases.push(progress.phase);
        });
    let exported = exported.unwrap();
    assert_eq!(exported.report.verdict, Judgement::Verified);
    phases.dedup();
    assert_eq!(phases, ["reading the log", "collecting events", "verifying the pack"]);
    let policy_path = stored.directory.path().join("policy");
    std::fs::write(&policy_path, policy.to_text()).unwrap();
    let policy = evidence::read_policy(&policy_path).unwrap();
    let trust = Trust { policy: Some(&policy), earlier: None };
    match evidence::verify_file(&out, trust).unwrap() {
        Judged::Pack(report) => assert_eq!(*report, exported.report),
        other @ (Judged::Proof(..) | Judged::Consistency(_)) => panic!("{other}"),
    }
    let without = evidence::verify_file(&out, Trust::default()).unwrap();
    assert_eq!(without.verdict(), Judgement::Unverifiable);

    // What is not verified is not published.
    std::fs::remove_file(&out).unwrap();
    let stranger = merkle::note::SigningKey::from_seed("stranger", [9; 32]).unwrap();
    let refused =
        evidence::export(&stored.archive, &policy, &stranger, wish, &out, &mut ignore).unwrap();
    assert_eq!(refused.report.verdict, Judgement::Unverifiable, "{}", refused.report);
    let files: Vec<_> = std::fs::read_dir(stored.directory.path()).unwrap().collect();
    assert!(
        !files.iter().any(|file| file.as_ref().unwrap().path().to_string_lossy().contains("pack"))
    );
}

#[cfg(unix)]
#[test]
fn odd_names_and_files_leave_a_verdict() {
    use std::os::unix::ffi::OsStrExt;
    let stored = store(&World::example());
    let data = stored.directory.path().join("data");
    let odd = data.join(std::ffi::OsStr::from_bytes(b"odd \xff\x1b[8m.parquet"));
    std::fs::write(odd, b"x").unwrap();
    std::fs::create_dir(data.join("empty directory")).unwrap();
    std::os::unix::fs::symlink("/nowhere", data.join("dangling")).unwrap();
    let report = evidence::fsck(&stored.archive, &common::policy(), None, &mut |_| {});
    let text = report.to_text();
    assert_ne!(report.verdict, Judgement::Failed, "{text}");
    assert!(text.contains("the name of an object") && !text.contains('\u{1b}'), "{text}");
    assert_eq!((report.segments, report.events), (4, 24), "{text}");
}

#[test]
fn a_segment_that_has_grown_is_not_read_to_its_end() {
    let world = World::example();
    let stored = store(&world);
    let path = world.objects.keys().find(|path| path.ends_with(".parquet")).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(stored.directory.path().join(path));
    // Sparse: it takes no room on disk, and would take 6 GiB of memory.
    file.unwrap().set_len(6 << 30).unwrap();
    let report = evidence::fsck(&stored.archive, &common::policy(), None, &mut |_| {});
    let size = world.objects[path].len();
    let fault = &report.findings[0].fault;
    assert_eq!((fault.step, report.verdict), ("object digest", Judgement::Failed));
    assert!(fault.found.starts_with(&format!("{} bytes", size + 1)), "{fault}");
}

#[test]
fn a_filter_that_was_wiped_hides_no_event() {
    let mut world = World::new();
    // Small segments have no filters.
    let lines = (0..9_000).map(|run| common::run_completed("agent-b", run, START_MS));
    world.commit(&[("agent.events", 1, lines.collect())]);
    let path = world.objects.keys().find(|path| path.ends_with(".parquet")).unwrap().clone();
    let bytes = world.objects[&path].to_vec();
    let stored = store(&world);
    let wanted = Wanted::Id { event_id: "agent-b-12".into(), period: None };
    let found = evidence::prove(&stored.archive, &common::policy(), &wanted, &mut ignore).unwrap();
    assert_eq!(found.event_id, "agent-b-12");
    let wiped = wipe_filters(&bytes);
    assert_ne!(wiped, bytes, "the segment has filters");
    world.objects.insert(path, wiped.into());
    let stored = store(&world);
    let error = evidence::prove(&stored.archive, &common::policy(), &wanted, &mut ignore);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("object digest"), "{error}");
}

/// The file with all bits of its bloom filters 0: they say of every value that it is not there.
fn wipe_filters(bytes: &[u8]) -> Vec<u8> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let file = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
    let mut wiped = bytes.to_vec();
    for column in file.metadata().row_group(0).columns() {
        let Some(from) = column.bloom_filter_offset() else { continue };
        let length = column.bloom_filter_length().unwrap();
        let (from, length) = (usize::try_from(from).unwrap(), usize::try_from(length).unwrap());
        // The header of a filter takes less than 32 bytes.
        wiped[from + 32..from + length].fill(0);
    }
    wiped
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
    let (policy, key) = (common::policy(), common::evidence_key());
    let out = stored.directory.path().join("pack.zip");
    let error = evidence::export(&stored.archive, &policy, &key, scope.into(), &out, &mut ignore);
    assert!(matches!(error, Err(EvidenceError::NoLog)));
    let report = evidence::fsck(&stored.archive, &policy, None, &mut |_| {});
    assert_eq!(report.verdict, Judgement::Unverifiable);
    // With a checkpoint that was kept, it is known that something was there.
    let kept = World::new().state.checkpoint().to_owned();
    let report = evidence::fsck(&stored.archive, &policy, Some(&kept), &mut |_| {});
    assert_eq!(report.verdict, Judgement::Failed, "{}", report.to_text());
}
