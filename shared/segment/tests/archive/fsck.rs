//! Fsck over a small archive: all is well, and every way in which it is not.

use crate::common::{World, policy};
use bytes::Bytes;
use event::kind;
use segment::fault::Judgement;
use segment::fsck::{Fsck, Listed, Report, Request, SegmentOutcome, Severity};

fn verdict(world: &World) -> Judgement {
    world.fsck().verdict
}

/// The places of the failures.
fn failed(report: &Report) -> Vec<&str> {
    let failures = report.findings.iter().filter(|finding| finding.severity == Severity::Failed);
    failures.map(|finding| finding.fault.place.as_str()).collect()
}

#[track_caller]
fn assert_names(world: &World, path: &str, what: &str) {
    assert_failed(&world.fsck(), path, what);
}

#[track_caller]
fn assert_failed(report: &Report, path: &str, what: &str) {
    assert_eq!(report.verdict, Judgement::Failed, "{what}");
    assert!(failed(report).iter().any(|place| place.contains(path)), "{what}: {report:#?}");
}

#[test]
fn a_sound_archive_is_verified_and_counted() {
    let report = World::example().fsck();
    assert_eq!(report.findings, vec![]);
    assert_eq!(report.verdict, Judgement::Verified);
    assert_eq!((report.commits, report.entries, report.segments, report.events), (3, 5, 4, 24));
    assert_eq!(report.quarantined.get("invalid_json"), Some(&1));
    assert_eq!(report.repeated_computed_events, 1);
    let unsealed = "\nunsealed    driftseal.alerts: nothing of it is in the log\n";
    assert!(report.unsealed.len() == 1 && report.to_text().contains(unsealed), "{report:#?}");
    let partitions: Vec<_> = report
        .partitions
        .iter()
        .map(|p| (p.topic.as_str(), p.partition, p.first_offset, p.next_offset, p.events))
        .collect();
    assert_eq!(
        partitions,
        [
            ("agent.events", 0, 100, 116, 16),
            ("agent.events", 1, 100, 105, 5),
            ("driftseal.metrics", 0, 100, 103, 3),
        ]
    );
    assert!(report.to_text().ends_with("VERIFIED\n"));
}

#[test]
fn what_is_written_twice_under_a_derived_identifier_is_counted_as_repeated() {
    let mut world = World::new();
    let line = |kind: &str| {
        let json = format!(
            r#"{{"event_id":"{kind}-1","kind":"{kind}","event_time":"2026-10-01T00:00:01Z"}}"#
        );
        (crate::common::START_MS, json)
    };
    let derived = [
        kind::NOTIFICATION_DELIVERED,
        kind::NOTIFICATION_FAILED,
        kind::NOTIFICATION_SUPPRESSED,
        kind::MONITOR_DEAD,
        kind::MONITOR_RECOVERED,
    ];
    // What the monitor writes once, and what it says of itself in the events, is no copy.
    let others = [kind::MONITOR_TICK, kind::MONITOR_STARTED, kind::DRIFT_ALERT_ACKNOWLEDGED];
    let lines = derived.iter().chain(&derived).chain(&others).chain(&others).map(|kind| line(kind));
    world.commit(&[("driftseal.alerts", 0, lines.collect())]);
    let report = world.fsck();
    assert_eq!((report.verdict, report.repeated_computed_events), (Judgement::Verified, 5));
}

#[test]
fn an_archive_that_only_has_its_first_commit_is_verified() {
    assert_eq!(World::new().fsck().findings, vec![]);
}

#[test]
fn every_changed_byte_of_commits_censuses_and_derived_objects_is_found_and_named() {
    let mut world = World::new();
    world.commit(&[(
        "agent.events",
        0,
        vec![crate::common::run_completed("agent-a", 1, crate::common::START_MS)],
    )]);
    let small: Vec<String> =
        world.objects.keys().filter(|path| !path.ends_with(".parquet")).cloned().collect();
    assert_eq!(small.len(), 10, "{small:?}");
    // Most changes leave the segment as it is: what came of it is known.
    type Asked = (String, Option<Bytes>, Option<Bytes>);
    let mut known: Option<(Asked, SegmentOutcome)> = None;
    for path in small {
        for at in 0..world.objects[&path].len() {
            let report = world.flip(&path, at).fsck_by(&mut |task, parquet, census| {
                let asked = (format!("{task:?}"), parquet.cloned(), census.cloned());
                match &known {
                    Some((question, outcome)) if *question == asked => outcome.clone(),
                    _ => {
                        let outcome = task.check(parquet, census);
                        if known.is_none() {
                            known = Some((asked, outcome.clone()));
                        }
                        outcome
                    }
                }
            });
            assert_failed(&report, &path, &format!("{path} byte {at}"));
        }
    }
}

#[test]
fn every_changed_byte_of_a_segment_is_found_and_named() {
    let mut world = World::new();
    world.commit(&[(
        "agent.events",
        0,
        vec![crate::common::run_completed("agent-a", 1, crate::common::START_MS)],
    )]);
    let task = segment_task(&world);
    let path = task.parquet_path().to_owned();
    let census = &world.objects[task.census_path()];
    let sound = world.objects[&path].to_vec();
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 1 << (at % 8);
        let outcome = task.check(Some(&Bytes::from(changed)), Some(census));
        assert!(format!("{outcome:?}").contains(&path), "byte {at}");
    }
    // The same through the whole of fsck, for some.
    for at in (0..sound.len()).step_by(499) {
        assert_names(&world.flip(&path, at), &path, &format!("byte {at}"));
    }
}

fn segment_task(world: &World) -> Box<segment::fsck::SegmentTask> {
    let mut fsck = Fsck::new(policy());
    loop {
        match fsck.poll() {
            Request::List(_) => fsck.handle_listing(
                world
                    .objects
                    .iter()
                    .map(|(path, bytes)| Listed {
                        path: path.clone(),
                        size_bytes: bytes.len() as u64,
                    })
                    .collect(),
            ),
            Request::Read(path) => fsck.handle_object(world.objects.get(&path).cloned()),
            Request::Check(task) => return task,
            Request::Done => panic!("no segment was to be checked"),
        }
    }
}

#[test]
fn cut_and_lengthened_objects_are_found_and_named() {
    let world = World::example();
    for (path, bytes) in &world.objects {
        let mut longer = world.clone();
        longer.objects.insert(path.clone(), [bytes.as_ref(), b"\0"].concat().into());
        assert_names(&longer, path, "appended");
        for end in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            let mut shorter = world.clone();
            shorter.objects.insert(path.clone(), bytes.slice(..end));
            assert_names(&shorter, path, &format!("{path} cut at {end}"));
        }
    }
}

#[test]
fn a_missing_object_is_a_failure_unless_it_follows_from_the_commits() {
    let world = World::example();
    for path in world.objects.keys() {
        let mut without = world.clone();
        without.objects.remove(path);
        let report = without.fsck();
        let derived = path == "log/checkpoint"
            || path.starts_with("log/tile/")
            || path.starts_with("log/head/");
        if derived {
            assert_eq!(report.verdict, Judgement::Verified, "{path}");
            assert!(report.findings.iter().all(|f| f.severity == Severity::Derived), "{path}");
        } else if *path
            == world.objects.keys().filter(|p| p.contains("commit")).max().unwrap().clone()
        {
            // Without its last commit the log is shorter; what it named has become orphans, and
            // the published checkpoint and the tiles tell that there was more.
            assert_eq!(report.verdict, Judgement::Failed, "{path}");
            assert!(failed(&report).contains(&"log/checkpoint"), "{report:#?}");
        } else {
            assert_names(&without, path, path);
        }
    }
}

#[test]
fn two_adjacent_commits_removed_and_renamed_do_not_pass() {
    let mut world = World::new();
    for run in 0..5 {
        let at_ms = crate::common::START_MS + i64::from(run);
        world.commit(&[(
            "agent.events",
            0,
            vec![crate::common::run_completed("agent-a", run, at_ms)],
        )]);
    }
    let commit = |n: u64| segment::layout::commit(n);
    let mut without = world.clone();
    for n in [2, 3] {
        without.objects.remove(&commit(n));
    }
    assert_names(&without, &commit(2), "two commits removed");
    for n in [4, 5] {
        let moved = without.objects.remove(&commit(n)).unwrap();
        without.objects.insert(commit(n - 2), moved);
    }
    assert_names(&without, &commit(2), "two commits removed, the others renamed");
    let mut swapped = world.clone();
    let (a, b) = (world.objects[&commit(2)].clone(), world.objects[&commit(3)].clone());
    swapped.objects.insert(commit(2), b);
    swapped.objects.insert(commit(3), a);
    assert_names(&swapped, &commit(2), "two commits swapped");
}

#[test]
fn orphans_and_strangers_are_warnings() {
    let mut world = World::example();
    world.objects.insert(
        "data/v1/topic=t/ingest_date=2026-10-01/0-00000000000000000000-00000001.parquet".into(),
        Bytes::new(),
    );
    world.objects.insert("log/tile/9/000".into(), Bytes::new());
    world.objects.insert("log/notes.txt".into(), Bytes::new());
    let report = world.fsck();
    assert_eq!(report.verdict, Judgement::Verified);
    assert_eq!(report.findings.len(), 3, "{report:#?}");
    assert!(report.findings.iter().all(|finding| finding.severity == Severity::Warning));
}

#[test]
fn the_text_says_in_plain_words_what_its_words_mean() {
    let sound = World::example();
    assert!(!sound.fsck().to_text().contains("means"), "nothing needs an explanation");
    let mut world = sound.clone();
    world.objects.insert("data/v1/left-behind".into(), Bytes::from_static(b"x"));
    world.objects.remove("log/checkpoint");
    let text = world.fsck().to_text();
    for word in ["derived", "warning", "orphan"] {
        assert!(text.contains(&format!("means       {word}: ")), "{text}");
    }
    let path = sound.objects.keys().find(|path| path.ends_with(".parquet")).unwrap();
    let text = sound.flip(path, 1000).fsck().to_text();
    assert!(text.contains("means       FAILED: "), "{text}");
}

#[test]
fn a_checkpoint_that_is_behind_can_be_rebuilt_and_a_forged_one_cannot() {
    let mut world = World::new();
    let behind = world.objects["log/checkpoint"].clone();
    world.commit(&[(
        "agent.events",
        0,
        vec![crate::common::run_completed("agent-a", 1, crate::common::START_MS)],
    )]);
    world.objects.insert("log/checkpoint".into(), behind);
    let report = world.fsck();
    assert_eq!(report.verdict, Judgement::Verified);
    assert_eq!(report.findings[0].severity, Severity::Derived);
}

#[test]
fn a_log_of_unknown_keys_cannot_be_judged() {
    let stranger = merkle::note::SigningKey::from_seed("log.example.com/other", [9; 32]).unwrap();
    let genesis = crate::common::genesis(&stranger, crate::common::installation());
    let mut world = World::new();
    world.objects.clear();
    world.objects.insert(genesis.path, genesis.bytes.into());
    let report = world.fsck();
    assert_eq!(report.verdict, Judgement::Unverifiable);
    assert!(report.unverifiable.unwrap().contains("log.example.com/other"));
    // The same origin under another key is not unknown, it is wrong.
    let forger = merkle::note::SigningKey::from_seed("log.example.com/agents", [9; 32]).unwrap();
    let genesis = crate::common::genesis(&forger, crate::common::installation());
    world.objects.insert(genesis.path, genesis.bytes.into());
    assert_eq!(verdict(&world), Judgement::Failed);
}

#[test]
fn an_entry_of_an_unknown_kind_cannot_be_judged_and_what_it_covers_is_no_orphan() {
    let covered = "data/v1/sampled";
    for (kind, why) in [
        ("sampling", "kind `sampling`, which this version does not know"),
        ("retention", "kind `retention`, whose effect this version does not check"),
    ] {
        let mut world = World::example();
        world.objects.insert(covered.into(), Bytes::from_static(b"sample"));
        world.append_of_kind(kind, covered);
        let report = world.fsck();
        assert_eq!(report.verdict, Judgement::Unverifiable, "{report:#?}");
        assert!(report.unverifiable.as_ref().unwrap().contains(why), "{report:#?}");
        let named = report.findings.iter().any(|finding| finding.fault.place == covered);
        assert!(!named, "{report:#?}");
        assert_eq!((report.entries, report.segments), (6, 4), "the rest is checked");
        let path = world.objects.keys().find(|path| path.ends_with(".parquet")).unwrap();
        assert_names(&world.flip(path, 1000), path, "beside an unknown kind");
    }
}

#[test]
fn a_log_that_does_not_begin_with_its_installation_fails() {
    let mut world = World::example();
    let commit = segment::log::Commit::parse(1, &world.objects[&segment::layout::commit(1)]);
    let leaves: Vec<_> = commit.clone().unwrap().entries;
    let forged = crate::check::commit_of(0, &[], leaves);
    world.objects.insert(segment::layout::commit(0), forged.into());
    assert_names(&world, "log entry 0", "no installation");
}

#[test]
fn a_head_that_is_signed_and_wrong_is_found() {
    let world = World::example();
    let path = segment::layout::head(2);
    let keys = [crate::common::log_key().verifier()];
    let sound = segment::log::Head::open(&world.objects[&path], &keys).unwrap();
    let partition = sound.ends.keys().next().unwrap().clone();
    let changes: [fn(&mut segment::log::ChainEnd); 4] = [
        |end| end.next_offset += 1,
        |end| end.commit = 0,
        |end| end.max_timestamp_ms += 1,
        |end| end.disorder_ms += 1,
    ];
    for change in changes {
        let mut wrong = sound.clone();
        change(wrong.ends.get_mut(&partition).unwrap());
        let mut world = world.clone();
        world.objects.insert(path.clone(), wrong.sign(&crate::common::log_key()).into());
        assert_names(&world, &path, "a wrong head");
    }
    let mut stranger = world.clone();
    let object = sound.sign(&crate::common::sealer_key());
    stranger.objects.insert(path.clone(), object.into());
    assert_names(&stranger, &path, "signed by another key");
    let mut beyond = world;
    beyond.objects.insert(segment::layout::head(3), Bytes::from_static(b"x"));
    let report = beyond.fsck();
    assert_eq!((report.verdict, report.findings.len()), (Judgement::Verified, 1), "{report:#?}");
}
