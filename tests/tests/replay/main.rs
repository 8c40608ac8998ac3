//! Replaying an archive: what processor and sealer really wrote is the same, however often they
//! died; what somebody changed, dropped or added before it was sealed is found at its place.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod people;
mod world;

use event::{column, kind};
use std::process::Command;
use std::sync::LazyLock;

use evidence::{Doubt, Judgement, ReplayOptions, What};
use monitor::Settings;
use sealer::LostRecords;
use sim::MemoryLog;
use tests::workspace::binary;

use world::{ALERTS, EVENTS, METRICS, Sealed, Seen, copy, int, play, seal, set};

/// Everything that an undisturbed processor read and wrote.
static LOG: LazyLock<MemoryLog> = LazyLock::new(|| play(false, Settings::default()));

/// The kind's `n`th record of a topic is the one.
fn is_nth<'s>(topic: &'s str, kind: &'s str, n: usize) -> impl FnMut(&Seen) -> bool + 's {
    let mut seen = 0;
    move |record: &Seen| {
        let fits = record.topic == topic && record.event.text(column::KIND) == Some(kind);
        seen += usize::from(fits);
        fits && seen == n + 1
    }
}

fn is_same(sealed: &Sealed) -> evidence::ReplayReport {
    let report = sealed.replay();
    let text = report.to_text();
    assert_eq!((report.verdict, report.differences), (Judgement::Verified, 0), "{text}");
    assert_eq!((report.not_sealed, report.awaiting_input, report.not_comparable), (0, 0, 0));
    assert_eq!(report.partitions.len(), 2);
    report
}

#[test]
fn an_archive_is_as_its_events_say() {
    let report = is_same(&seal(&LOG));
    assert!(report.windows > 300 && report.baselines > 2 && report.alerts >= 2, "{report:?}");
    assert!(report.quarantined > 10 && report.repeated == 0, "{report:?}");
    let revised = world::records(&LOG, METRICS)
        .iter()
        .filter(|record| int(&record.event, column::metric::REVISION) > 0)
        .count();
    assert!(revised > 10, "too few late events to tell: {revised}");
}

#[test]
fn kills_and_lost_answers_make_copies_and_no_difference() {
    let undisturbed = is_same(&seal(&LOG));
    let sealed = seal(&play(true, Settings::default()));
    let report = is_same(&sealed);
    assert!(report.repeated > 0, "{report:?}");
    // A record of the owner that came twice is a copy, and told as one.
    let mut same = report.same.clone();
    assert!(same.remove(kind::MONITOR_FORGED).is_some());
    assert_eq!(same, undisturbed.same);
    let fsck = sealed.fsck();
    assert_eq!(fsck.verdict, Judgement::Verified);
    assert_eq!(fsck.repeated_computed_events, report.repeated);
    let trusting = sealed.replay_with(&ReplayOptions { trust_archive: true, ..options() });
    assert_eq!((&trusting.partitions, trusting.trusted), (&report.partitions, true));
    // Whoever forgets outputs as soon as they are found reads the archive once more.
    assert_eq!(sealed.replay_with(&ReplayOptions { outputs_max: 1, ..options() }), report);
}

fn options() -> ReplayOptions {
    ReplayOptions::default()
}

/// Runs the binary on an archive; exit code and what it says.
fn command(sealed: &Sealed, extra: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(binary("driftseal"))
        .arg("replay")
        .arg(sealed.location())
        .arg("--policy")
        .arg(sealed.policy_path())
        .args(extra)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn one_altered_value_is_found_at_its_place() {
    let mut is_it = is_nth(METRICS, kind::METRIC_WINDOW, 123);
    let mut altered = None;
    let log = copy(&LOG, |record| {
        if !is_it(record) {
            return vec![record.event.clone()];
        }
        let mut event = record.event.clone();
        let value = event.number(column::metric::VALUE).unwrap();
        set(&mut event, column::metric::VALUE, value + 1e-9);
        altered = Some((record.clone(), value));
        vec![event]
    });
    let (record, value) = altered.unwrap();
    let sealed = seal(&log);
    // Whoever only checks hashes finds nothing.
    assert_eq!(sealed.fsck().verdict, Judgement::Verified);
    let report = sealed.replay();
    assert_eq!((report.verdict, report.differences), (Judgement::Failed, 1));
    let found = report.first.unwrap();
    assert_eq!((found.topic.as_str(), found.partition), (METRICS, record.partition));
    assert_eq!(found.difference.sealed_at, Some(record.offset));
    let origin = found.difference.origin.unwrap();
    assert_eq!(origin.offset, int(&record.event, column::origin::OFFSET));
    assert_eq!(origin.ordinal, int(&record.event, column::origin::ORDINAL));
    let expected = What::Field {
        path: "metric.value".to_owned(),
        sealed: Some((value + 1e-9).to_string()),
        computed: Some(value.to_string()),
        others: 0,
    };
    assert_eq!(found.difference.what, expected);

    let (code, said) = command(&sealed, &[]);
    assert_eq!(code, Some(1), "{said}");
    let place = format!("{METRICS}/{}, offset {}", record.partition, record.offset);
    assert!(said.contains(&place) && said.contains("metric.value"), "{said}");
    assert!(said.trim_end().ends_with("FAILED"), "{said}");
}

#[test]
fn a_dropped_and_an_invented_output_are_found() {
    let mut is_it = is_nth(ALERTS, kind::DRIFT_ALERT_PENDING, 0);
    let mut dropped = None;
    let sealed = seal(&copy(&LOG, |record| {
        if is_it(record) {
            dropped = Some(record.clone());
            return Vec::new();
        }
        vec![record.event.clone()]
    }));
    let report = sealed.replay();
    let dropped = dropped.unwrap();
    assert_eq!((report.verdict, report.differences), (Judgement::Failed, 1));
    let found = report.first.unwrap();
    assert_eq!((found.topic.as_str(), found.partition), (ALERTS, dropped.partition));
    assert_eq!((found.difference.what, found.difference.sealed_at), (What::Missing, None));
    assert_eq!(found.difference.subject.event_id.as_deref(), dropped.event.text(column::EVENT_ID));

    let mut is_it = is_nth(ALERTS, kind::DRIFT_ALERT_FIRING, 0);
    let mut place = None;
    let sealed = seal(&copy(&LOG, |record| {
        if !is_it(record) {
            return vec![record.event.clone()];
        }
        let mut invented = record.event.clone();
        set(&mut invented, column::EVENT_ID, "11111111-1111-4111-8111-111111111111");
        set(
            &mut invented,
            column::origin::ORDINAL,
            int(&record.event, column::origin::ORDINAL) + 1_000,
        );
        place = Some((record.partition, record.offset + 1));
        vec![record.event.clone(), invented]
    }));
    let report = sealed.replay();
    assert_eq!((report.verdict, report.differences), (Judgement::Failed, 1));
    let found = report.first.unwrap();
    assert_eq!((found.topic.as_str(), found.difference.what), (ALERTS, What::Unexplained));
    assert_eq!(Some((found.partition, found.difference.sealed_at.unwrap())), place);
}

#[test]
fn a_changed_file_is_found_before_what_it_says() {
    let sealed = seal(&LOG);
    let (code, said) = command(&sealed, &["--output", "json"]);
    assert_eq!(code, Some(0), "{said}");
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json.get("verdict"), Some(&"VERIFIED".into()), "{said}");

    let path = sealed.flip_a_bit(METRICS);
    let report = sealed.replay();
    assert_eq!(report.verdict, Judgement::Failed);
    let faults: Vec<_> = report.partitions.iter().filter_map(|p| p.fault.as_ref()).collect();
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!((fault.step, fault.place.as_str()), ("object digest", path.as_str()));
    sealed.remove(&path);
    let report = sealed.replay();
    let faults: Vec<_> = report.partitions.iter().filter_map(|p| p.fault.as_ref()).collect();
    assert!(faults.iter().any(|fault| fault.step == "object exists"), "{faults:?}");
    // Whoever says that it was checked is believed, and still cannot read what is not there.
    let trusting = sealed.replay_with(&ReplayOptions { trust_archive: true, ..options() });
    assert_eq!(trusting.verdict, Judgement::Failed);
}

#[test]
fn what_was_lost_before_it_was_sealed_makes_a_difference_unverifiable() {
    let first = |partition| event::TopicPartition::new(EVENTS, partition);
    let late = copy(&LOG, |record| vec![record.event.clone()]);
    for partition in 0..world::PARTITIONS {
        late.trim(&first(partition), 700).unwrap();
    }
    let sealed = seal(&late);
    let report = sealed.replay();
    assert_eq!((report.verdict, report.differences), (Judgement::Unverifiable, 0));
    assert!(report.not_comparable > 0 && report.windows > 50, "{}", report.to_text());
    let doubts: Vec<_> = report.partitions.iter().map(|p| p.outcome.doubt).collect();
    // The sealer says that there were records before the first one it found.
    assert_eq!(doubts, [Some((0, Doubt::LostRecords)); 2]);
    assert_eq!(command(&sealed, &[]).0, Some(3));

    let sealed = world::seal_with_loss(&LOG, 600, 650);
    let report = sealed.replay();
    let doubts: Vec<_> = report.partitions.iter().map(|p| p.outcome.doubt).collect();
    assert_eq!(doubts, [Some((600, Doubt::LostRecords)); 2]);
    assert_eq!((report.verdict, report.differences), (Judgement::Unverifiable, 0));
}

#[test]
fn what_cannot_be_compared_is_never_called_the_same() {
    // No output at all is sealed.
    let none = seal(&copy(&LOG, |record| {
        if record.topic == EVENTS { vec![record.event.clone()] } else { Vec::new() }
    }));
    let report = none.replay();
    assert_eq!((report.verdict, report.same.len()), (Judgement::Unverifiable, 0));
    assert!(report.not_sealed > 300);

    let unknown = ReplayOptions { events: "elsewhere".into(), ..options() };
    let unknown = ReplayOptions { metrics: "m".into(), alerts: "a".into(), ..unknown };
    let error = none.try_replay(&unknown).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains(EVENTS), "{error}");

    // Another version of the computation wrote one of them.
    let mut is_it = is_nth(METRICS, kind::METRIC_WINDOW, 50);
    let other = seal(&copy(&LOG, |record| {
        let mut event = record.event.clone();
        if is_it(record) {
            set(&mut event, column::origin::SEMANTICS, monitor::SEMANTICS + 1);
        }
        vec![event]
    }));
    let report = other.replay();
    assert_eq!((report.verdict, report.not_comparable), (Judgement::Unverifiable, 1));
}

#[test]
fn what_strangers_wrote_into_the_partitions_is_sealed_and_makes_no_difference() {
    let log = world::play_with(false, Settings::default(), |number, log, _| {
        if number % 5 == 2 {
            people::forge(log);
        }
    });
    let strange = |record: &&Seen| {
        let kind = record.event.text(column::KIND);
        let own = [kind::MONITOR_TICK, kind::MONITOR_STARTED, kind::MONITOR_CONFIGURED];
        own.map(Some).contains(&kind) && record.event.get(column::monitor::SIGNATURE).is_none()
    };
    let written = world::records(&log, EVENTS).iter().filter(strange).count();
    let findings = world::records(&log, ALERTS);
    let findings: Vec<_> = findings
        .iter()
        .filter(|record| record.event.text(column::KIND) == Some(kind::MONITOR_FORGED))
        .collect();
    let told: i64 = findings.iter().map(|record| int(&record.event, column::monitor::FORGED)).sum();
    assert_eq!((findings.len(), usize::try_from(told).unwrap()), (2, written));
    assert!(written > 20, "{written}");
    is_same(&seal(&log));
}

#[test]
fn acts_are_replayed_from_their_admissions_alone() {
    for disturbed in [false, true] {
        let log = world::play_with(disturbed, Settings::default(), |number, log, _| {
            people::decide(log, u8::try_from(number).unwrap());
        });
        let of_kind = |topic, kind: &str| {
            let is = |seen: &&Seen| seen.event.text(column::KIND) == Some(kind);
            world::records(&log, topic).iter().filter(is).count()
        };
        // The sealed topics do not have the acts themselves.
        assert!(of_kind(EVENTS, kind::MONITOR_ADMITTED) >= 2 * 6, "each in both partitions");
        for kind in [
            kind::DRIFT_SUPPRESSION_APPLIED,
            kind::MAINTENANCE_APPLIED,
            kind::DRIFT_CANARY_STARTED,
            kind::DRIFT_BASELINE_SET,
        ] {
            assert!(of_kind(ALERTS, kind) >= 1, "{kind}");
        }
        is_same(&seal(&log));
    }
}

#[test]
fn an_alert_that_the_processor_has_not_signed_is_found_whatever_it_says() {
    let mut is_it = is_nth(ALERTS, kind::DRIFT_ALERT_FIRING, 0);
    let mut at = None;
    let log = world::copy_as_is(&LOG, |record| {
        let mut event = record.event.clone();
        if is_it(record) {
            at = Some(record.offset);
            set(&mut event, column::monitor::SIGNATURE, vec![0_u8; 64]);
        }
        vec![event]
    });
    let report = seal(&log).replay();
    assert_eq!(report.verdict, Judgement::Failed);
    let found = report.first.unwrap().difference;
    assert_eq!((found.sealed_at, found.what), (at, What::Unsigned { why: "signature".into() }));
}

#[test]
fn settings_need_not_be_known_for_they_are_sealed() {
    let settings = Settings { lateness_secs: 60, effect_min: 0.05, ..Settings::default() };
    let log = play(true, settings);
    let configured =
        |record: &&Seen| record.event.text(column::KIND) == Some(kind::MONITOR_CONFIGURED);
    assert!(world::records(&log, EVENTS).iter().filter(configured).count() > 0);
    is_same(&seal(&log));
}

#[test]
fn a_monitor_that_lost_its_state_is_followed_from_where_it_began() {
    let sealed = Sealed::new();
    let log = world::play_with(false, Settings::default(), |number, log, role| {
        if number == 12 {
            // Everything is sealed; then the log forgets, and so does the processor.
            *role = None;
            sealed.take(log, LostRecords::Stop);
            world::lose_state(log, 300);
        }
    });
    sealed.take(&log, LostRecords::Stop);
    let report = is_same(&sealed);
    let starts: Vec<u64> = report.partitions.iter().map(|partition| partition.starts).collect();
    assert_eq!(starts, [1, 1]);
    assert!(report.windows > 300, "{}", report.to_text());
    // What came last the old state never computed; the replay does, and cannot know that.
    assert!(report.superseded < 10, "{}", report.to_text());
    assert_eq!(report.acknowledged_not_sealed, 0);
}
