//! Verdicts of fsck that nobody could use, or that led to the loss of evidence.

use bytes::Bytes;
use merkle::checkpoint::Checkpoint;
use merkle::note::SigningKey;
use segment::fault::Judgement;
use segment::fsck::{Fsck, Listed, Report, Request};
use segment::policy::Policy;

use crate::common::{Lie, START_MS, World, log_key, policy, run_completed, sealer_key};

/// Fsck of an archive whose listing says what it likes, by any policy.
fn fsck(world: &World, mut fsck: Fsck, list: &dyn Fn(&str, u64) -> Vec<Listed>) -> Report {
    loop {
        match fsck.poll() {
            Request::List(directory) => {
                let prefix = format!("{directory}/");
                let below = world.objects.iter().filter(|(path, _)| path.starts_with(&prefix));
                let listed = below.flat_map(|(path, bytes)| list(path, bytes.len() as u64));
                fsck.handle_listing(listed.collect());
            }
            Request::Read(path) => fsck.handle_object(world.objects.get(&path).cloned()),
            Request::Check(task) => {
                let parquet = world.objects.get(task.parquet_path());
                let census = world.objects.get(task.census_path());
                fsck.handle_outcome(task.check(parquet, census));
            }
            Request::Done => return fsck.finish(),
        }
    }
}

fn as_it_is(path: &str, size_bytes: u64) -> Vec<Listed> {
    vec![Listed { path: path.to_owned(), size_bytes }]
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).unwrap()
}

fn policy_of(log: &SigningKey, sealer: &SigningKey) -> Policy {
    Policy::new(vec![log.verifier()], vec![sealer.verifier()]).unwrap()
}

#[test]
fn an_outdated_policy_cannot_judge_and_calls_nothing_an_orphan() {
    let mut world = World::example();
    // An object that nothing names: here it cannot be known.
    world.objects.insert("data/v1/left".into(), Bytes::from_static(b"over"));
    for (log, sealer) in [
        (key("log.other", 9), sealer_key()),
        (log_key(), key("sealer.other", 9)),
        (key("log.other", 9), key("sealer.other", 9)),
    ] {
        let report = fsck(&world, Fsck::new(policy_of(&log, &sealer)), &as_it_is);
        assert_eq!(report.verdict, Judgement::Unverifiable, "{report:#?}");
        assert_eq!(report.findings, vec![], "{report:#?}");
        assert!(report.unjudged_objects >= 9, "{report:#?}");
        assert!(report.to_text().contains("do not delete them"), "{}", report.to_text());
    }
}

#[test]
fn a_sealer_that_is_unknown_in_a_later_commit_leaves_the_rest_judged() {
    let mut world = World::example();
    // The example again, whose last commit is by another sealer.
    let payload = world.objects["log/commit/00000000000000000002"].clone();
    let commit = segment::log::Commit::parse(2, &payload).unwrap();
    let opened = merkle::dsse::parse(commit.entries[0].as_bytes()).unwrap();
    let signed = merkle::dsse::sign(
        segment::manifest::PAYLOAD_TYPE,
        &opened.payload,
        &key("sealer.next", 7),
    );
    let mut leaves = Vec::new();
    for sequence in 0..2 {
        let bytes = &world.objects[&segment::layout::commit(sequence)];
        let commit = segment::log::Commit::parse(sequence, bytes).unwrap();
        leaves.extend(commit.entries.iter().map(|entry| merkle::hash::leaf(entry.as_bytes())));
    }
    let bytes = crate::check::commit_of(2, &leaves, vec![signed]);
    world.objects.insert("log/commit/00000000000000000002".into(), bytes.into());
    let report = fsck(&world, Fsck::new(policy()), &as_it_is);
    assert_eq!(report.verdict, Judgement::Unverifiable, "{report:#?}");
    assert!(report.unverifiable.as_ref().unwrap().contains("sealer.next"), "{report:#?}");
    assert_eq!((report.segments, report.findings.len()), (3, 0), "{report:#?}");
    // Both objects of the segment of that commit.
    assert_eq!(report.unjudged_objects, 2, "{report:#?}");
}

#[test]
fn an_orphan_is_one_only_where_everything_holds() {
    let mut world = World::example();
    world.objects.insert("data/v1/left".into(), Bytes::from_static(b"over"));
    assert_eq!(world.fsck().findings.len(), 1);
    let path = world.objects.keys().find(|path| path.ends_with(".parquet")).unwrap().clone();
    let report = world.flip(&path, 1_000).fsck();
    assert!(report.findings.iter().all(|found| found.fault.place != "data/v1/left"), "{report:#?}");
    assert_eq!(report.unjudged_objects, 1);
}

#[test]
fn a_directory_without_anything_is_no_failure_and_another_log_none_either() {
    let mut nothing = World::new();
    nothing.objects.clear();
    let report = fsck(&nothing, Fsck::new(policy()), &as_it_is);
    assert_eq!(report.verdict, Judgement::Unverifiable, "{report:#?}");
    // Data without a log: something is gone.
    nothing.objects.insert("data/v1/x".into(), Bytes::from_static(b"x"));
    assert_eq!(fsck(&nothing, Fsck::new(policy()), &as_it_is).verdict, Judgement::Failed);
}

#[test]
fn what_has_grown_beyond_all_bounds_is_not_read() {
    let world = World::example();
    let mut refused = 0;
    for grown in world.objects.keys().filter(|path| path.starts_with("log/")) {
        let list = |path: &str, size: u64| {
            let size_bytes = if path == grown { 6 << 30 } else { size };
            vec![Listed { path: path.to_owned(), size_bytes }]
        };
        let mut smaller = world.clone();
        // If it is read, the test fails: it is not there.
        smaller.objects.insert(grown.clone(), Bytes::from_static(b"not to be read"));
        let report = fsck(&smaller, Fsck::new(policy()), &list);
        assert_eq!(report.verdict, Judgement::Failed, "{grown}: {report:#?}");
        let found = report.findings.iter().find(|found| found.fault.place == *grown);
        let fault = &found.unwrap_or_else(|| panic!("{grown}: {report:#?}")).fault;
        assert_eq!((fault.step, fault.found.as_str()), ("object size", "6442450944"), "{grown}");
        refused += 1;
    }
    assert!(refused >= 8, "{refused}");
}

#[test]
fn a_kept_checkpoint_shows_what_was_rolled_back() {
    let world = World::example();
    let with = |world: &World, kept: &str| {
        fsck(world, Fsck::new(policy()).with_kept_checkpoint(kept), &as_it_is)
    };
    let mut checkpoints = Vec::new();
    for sequence in 0..3 {
        let commit = &world.objects[&segment::layout::commit(sequence)];
        checkpoints.push(segment::log::Commit::parse(sequence, commit).unwrap().checkpoint);
    }
    for kept in &checkpoints {
        assert_eq!(with(&world, kept).verdict, Judgement::Verified);
    }
    // All commits but the first are gone, and everything that follows from them: from inside, all is
    // well.
    let mut back = World::new();
    back.objects.retain(|path, _| world.objects.contains_key(path));
    assert_eq!(back.fsck().verdict, Judgement::Verified);
    assert_eq!(with(&back, &checkpoints[0]).verdict, Judgement::Verified);
    for kept in &checkpoints[1..] {
        let report = with(&back, kept);
        assert_eq!(report.verdict, Judgement::Failed);
        assert!(report.to_text().contains("it was rolled back"), "{}", report.to_text());
    }
    let sign = |size, root| {
        Checkpoint { origin: log_key().name().to_owned(), size, root }.sign(&log_key())
    };
    assert_eq!(with(&world, &sign(4, [1; 32])).verdict, Judgement::Failed);
    assert_eq!(with(&world, "nonsense").verdict, Judgement::Failed);
    let other = Checkpoint { origin: "log.other".into(), size: 1, root: [1; 32] };
    let other = other.sign(&key("log.other", 9));
    assert_eq!(with(&world, &other).verdict, Judgement::Unverifiable);
}

#[test]
fn what_an_archive_holds_draws_no_line_of_the_report() {
    let mut world = World::example();
    world.objects.insert("data/v1/x\n\u{1b}[8mVERIFIED".into(), Bytes::from_static(b"x"));
    let text = world.fsck().to_text();
    assert!(!text.contains('\u{1b}') && !text.contains("\nVERIFIED\n         "), "{text}");
    assert_eq!(text.matches("\nVERIFIED").count(), 1, "{text}");
}

#[test]
fn a_sealer_that_lies_about_the_times_of_its_rows_is_found() {
    // Each moves the segment out of a period that it belongs to, or into one that it does not.
    let lies: [(&str, Lie); 4] = [
        ("largest timestamp", |facts| facts.max_timestamp_ms = facts.first_timestamp_ms),
        ("largest timestamp", |facts| facts.max_timestamp_ms += 86_400_000),
        ("smallest timestamp", |facts| facts.min_timestamp_ms -= 86_400_000),
        ("first timestamp", |facts| facts.first_timestamp_ms += 1),
    ];
    for (step, lie) in lies {
        let mut world = World::new();
        world.lie = lie;
        let runs = (0..5).map(|run| run_completed("agent-a", run, START_MS + i64::from(run)));
        world.commit(&[("agent.events", 0, runs.collect())]);
        let report = fsck(&world, Fsck::new(policy()), &as_it_is);
        assert_eq!(report.verdict, Judgement::Failed, "{step}: {}", report.to_text());
        let found: Vec<_> = report.findings.iter().map(|finding| finding.fault.step).collect();
        assert!(found.contains(&step), "{step}: {found:?}");
    }
}
