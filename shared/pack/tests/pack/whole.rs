//! Packs verify, are the same again, and nothing changed passes.

use std::collections::BTreeMap;

use bytes::Bytes;
use event::kind;
use merkle::note::SigningKey;
use pack::{PackError, Scope};
use segment::fault::Judgement;
use segment::policy::Policy;

use crate::common::{self, START_MS, World, evidence_key};
use crate::container::unzip;
use crate::export::export;
use crate::{CHANGED_EVERY, CHANGED_OF_ENTRY, DAY_MS, check, facts, judge, rezip, scope};

#[test]
fn a_pack_is_verified_and_counted_and_the_same_again() {
    let world = World::example();
    let pack = export(&world, &scope("agent-a")).unwrap();
    let report = check(&pack);
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    let summary = facts(&report);
    assert_eq!((summary.segments_in_period, summary.segments_with_events), (3, 2));
    assert_eq!((summary.events, summary.events_in_segments), (8, 8));
    assert_eq!(summary.by_kind.listed[kind::RUN_COMPLETED], 5);
    assert_eq!(summary.by_kind.listed[kind::METRIC_WINDOW], 3);
    assert_eq!(summary.quarantined_of_any_agent, 1);
    assert_eq!(summary.log.size, 5);
    assert_eq!(report.steps.len(), 10);
    assert!(report.to_string().ends_with("VERIFIED\n"));
    assert_eq!(export(&World::example(), &scope("agent-a")).unwrap(), pack);

    let entries = unzip(&pack);
    assert_eq!(rezip(entries.clone()), pack, "the second writer gives the same bytes");
    let csv = String::from_utf8(entries["events/00000.csv"].clone()).unwrap();
    assert_eq!(csv.lines().count(), 9);
    assert!(csv.lines().next().unwrap().starts_with("kafka_timestamp,kafka_topic,"));
    assert!(csv.contains("'=secret 1"), "formulas are defused");
    let page = String::from_utf8(entries["report.html"].clone()).unwrap();
    assert!(page.contains("<strong>8 events</strong>"));
}

#[test]
fn the_absence_of_an_agent_is_verified_too() {
    let pack = export(&World::example(), &scope("nobody")).unwrap();
    let report = check(&pack);
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    assert_eq!(facts(&report).events, 0);
    assert!(report.to_string().contains("events  NONE"), "{report}");
}

#[test]
fn a_period_takes_the_events_by_broker_time() {
    let world = World::example();
    let later = Scope::new("agent-a", START_MS + DAY_MS + 21, START_MS + DAY_MS + 23).unwrap();
    let report = check(&export(&world, &later).unwrap());
    let summary = facts(&report);
    assert_eq!((summary.events, summary.events_in_segments), (2, 5));
    assert_eq!(summary.first.as_deref(), Some("2026-10-02T00:00:00.021000Z"));
    let all = Scope::parse("agent-a", None, None).unwrap();
    assert_eq!(facts(&check(&export(&world, &all).unwrap())).events, 13);
}

#[test]
fn every_changed_byte_of_a_pack_fails_and_names_a_place() {
    let pack = export(&World::example(), &scope("agent-a")).unwrap();
    for at in (0..pack.len()).step_by(CHANGED_EVERY) {
        let mut changed = pack.to_vec();
        changed[at] ^= 1 << (at % 8);
        let changed: Bytes = changed.into();
        let report = check(&changed);
        // Bits that a deflated content leaves open may differ; the content may not.
        if report.verdict == Judgement::Verified {
            assert_eq!(unzip(&changed), unzip(&pack), "byte {at}");
            continue;
        }
        assert_eq!(report.verdict, Judgement::Failed, "byte {at}");
        assert!(!report.fault.unwrap().place.is_empty());
    }
}

#[test]
fn a_cut_or_lengthened_pack_fails() {
    let pack = export(&World::example(), &scope("agent-a")).unwrap();
    for end in (0..pack.len()).step_by(61) {
        assert_eq!(check(&pack.slice(..end)).verdict, Judgement::Failed, "cut at {end}");
    }
    let longer: Bytes = [pack.as_ref(), b"\0"].concat().into();
    assert_eq!(check(&longer).verdict, Judgement::Failed);
}

#[test]
fn no_forger_who_makes_the_digests_again_gets_a_verified_pack() {
    let pack = export(&World::example(), &scope("agent-a")).unwrap();
    let (entries, true_facts) = (unzip(&pack), facts(&check(&pack)).clone());
    for (name, content) in &entries {
        if ["SHA256SUMS", "SHA256SUMS.sig"].contains(&name.as_str()) {
            continue;
        }
        let step = (content.len() / CHANGED_OF_ENTRY).max(1);
        for at in (0..content.len()).step_by(step) {
            let mut changed = entries.clone();
            changed.get_mut(name).unwrap()[at] ^= 1 << (at % 7);
            let report = check(&rezip(changed));
            // The generator's name is nobody's claim but the document's own; and another wording of the
            // report is another version's.
            let text = String::from_utf8_lossy(content);
            let line = content[..at].iter().filter(|byte| **byte == b'\n').count();
            let line = text.lines().nth(line).unwrap_or_default();
            let is_free = line.contains("\"generator\"") || line.contains("\"report\"");
            if name.ends_with(".parquet") && report.verdict == Judgement::Verified {
                // How a page was compressed is free; what it holds is not.
                assert_eq!(facts(&report), &true_facts, "{name} byte {at}");
                continue;
            }
            if !(name == "pack.json" && is_free) {
                assert_ne!(report.verdict, Judgement::Verified, "{name} byte {at}");
            }
        }
    }
}

#[test]
fn entries_and_lines_cannot_be_removed_added_or_reordered() {
    let entries = unzip(&export(&World::example(), &scope("agent-a")).unwrap());
    let fails = |changed: BTreeMap<String, Vec<u8>>, what: &str| {
        let report = check(&rezip(changed));
        assert_eq!(report.verdict, Judgement::Failed, "{what}");
        report.fault.unwrap()
    };
    for name in entries.keys().filter(|name| !name.starts_with("SHA256SUMS")) {
        let mut changed = entries.clone();
        changed.remove(name);
        fails(changed, name);
    }
    let mut changed = entries.clone();
    changed.insert("extra.txt".into(), b"hello".to_vec());
    fails(changed, "added");

    for name in ["log/entries.jsonl", "log/census.jsonl", "proofs/00000.jsonl", "events/00000.csv"]
    {
        let text = String::from_utf8(entries[name].clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let with = |lines: &[&str]| {
            let mut changed = entries.clone();
            changed.insert(name.into(), (lines.join("\n") + "\n").into_bytes());
            changed
        };
        fails(with(&lines[1..]), &format!("{name}: first line removed"));
        fails(with(&lines[..lines.len() - 1]), &format!("{name}: last line removed"));
        fails(
            with(&[&lines[..], &lines[lines.len() - 1..]].concat()),
            &format!("{name}: repeated"),
        );
        let mut swapped = lines.clone();
        swapped.swap(0, 1);
        fails(with(&swapped), &format!("{name}: swapped"));
        fails(
            with(&[&lines[..1], lines.get(3..).unwrap_or_default()].concat()),
            &format!("{name}: two adjacent removed"),
        );
    }
}

#[test]
fn a_slice_that_lacks_an_event_fails_by_its_census() {
    // The events of another period's pack: sound rows, with sound proofs, but not all of them.
    let world = World::example();
    let all = unzip(&export(&world, &Scope::parse("agent-a", None, None).unwrap()).unwrap());
    let mut fewer = unzip(&export(&world, &scope("agent-a")).unwrap());
    for name in ["pack.json", "log/census.jsonl"] {
        fewer.insert(name.into(), all[name].clone());
    }
    let fault = check(&rezip(fewer)).fault.unwrap();
    assert_eq!(fault.step, "completeness");
}

#[test]
fn the_events_of_another_agent_do_not_pass() {
    let mut world = World::new();
    let run = |agent| common::run_completed(agent, 0, START_MS);
    world.commit(&[("agent.events", 0, vec![run("agent-a"), run("agent-b")])]);
    let other = unzip(&export(&world, &scope("agent-b")).unwrap());
    let mut pack = unzip(&export(&world, &scope("agent-a")).unwrap());
    for name in ["events/00000.parquet", "proofs/00000.jsonl"] {
        pack.insert(name.into(), other[name].clone());
    }
    assert_eq!(check(&rezip(pack)).fault.unwrap().step, "agent of the pack");
}

#[test]
fn what_cannot_be_judged_is_unverifiable_and_says_why() {
    let pack = export(&World::example(), &scope("agent-a")).unwrap();
    let why = |pack: &Bytes, policy: Option<&Policy>| {
        let report = judge(pack, policy);
        assert_eq!(report.verdict, Judgement::Unverifiable);
        report.unverifiable.unwrap()
    };
    assert!(why(&pack, None).contains("no policy"));
    let key = |name: &str, seed: u8| SigningKey::from_seed(name, [seed; 32]).unwrap().verifier();
    let evidence = || vec![evidence_key().verifier()];
    let policy = |log, sealer| Policy::new(vec![log], vec![sealer]).unwrap();
    let no_evidence = policy(key("log.example.com/agents", 1), key("sealer.example.com", 2));
    assert!(why(&pack, Some(&no_evidence)).contains("no evidence key"));
    let other = no_evidence.with_evidence(vec![key("evidence.other", 9)]);
    assert!(why(&pack, Some(&other)).contains("`evidence.example.com`"));
    let stranger = policy(key("log.other", 1), key("sealer.example.com", 2));
    let stranger = stranger.with_evidence(evidence());
    assert!(why(&pack, Some(&stranger)).contains("log.example.com/agents"));
    let no_sealer = policy(key("log.example.com/agents", 1), key("other", 2));
    let no_sealer = no_sealer.with_evidence(evidence());
    assert!(why(&pack, Some(&no_sealer)).contains("sealer.example.com"));
    let mut entries = unzip(&pack);
    let document = String::from_utf8(entries["pack.json"].clone()).unwrap();
    entries.insert("pack.json".into(), document.replace("pack/v3", "pack/v4").into_bytes());
    assert!(why(&rezip(entries), Some(&common::policy())).contains("driftseal/pack/v4"));
    // A key that the policy names, and another one under that name: that is wrong, not unknown.
    let forged = policy(key("log.example.com/agents", 3), key("sealer.example.com", 2));
    let forged = forged.with_evidence(evidence());
    assert_eq!(judge(&pack, Some(&forged)).verdict, Judgement::Failed);
    let forged = other.with_evidence(vec![key("evidence.example.com", 9)]);
    assert_eq!(judge(&pack, Some(&forged)).verdict, Judgement::Failed);
}

#[test]
fn a_damaged_archive_gives_no_pack() {
    let world = World::example();
    for path in world.objects.keys().filter(|path| !path.starts_with("log/")) {
        // Of the period, all censuses and the segments that hold the agent; nothing of the next day.
        let of_period = path.contains("/0-00000000000000000100-") || path.starts_with("census/");
        let next_day = path.contains("/0-00000000000000000111-");
        let outcome = export(&world.flip(path, 40), &scope("agent-a"));
        if of_period && !next_day {
            assert!(matches!(outcome, Err(PackError::Distrust(_))), "{path}");
        } else {
            assert!(outcome.is_ok(), "{path}");
        }
    }
}
