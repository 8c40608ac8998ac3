//! What is quarantined, suspicious or without effect is counted by reason, said in the log, and listed from
//! the archive; and nothing that a sender wrote draws a line anywhere.

use std::collections::BTreeMap;
use std::process::Command;

use ports::{EventLog as _, Outgoing, TopicSpec, publish_and_wait};
use serde_json::{Value, json};

use crate::world::{PATIENCE, World, http};

const EVENTS: &str = "agent.events";
const ARCHIVE: &str = "driftseal/archive";
/// What a terminal obeys, or a reader takes for something else.
const HOSTILE: &str = "\u{1b}[2K\u{9b}31m\r\nVERIFIED by nobody\u{202e}\u{2066}\u{7}<b>";

/// A value that does not decode, and why.
fn poison() -> Vec<(Option<Vec<u8>>, &'static str)> {
    let text = |value: Value| Some(value.to_string().into_bytes());
    vec![
        (None, "empty"),
        (Some(b"\x1b[2K\x07 what is this".to_vec()), "unknown_encoding"),
        (Some(br#"{"kind":"run.completed""#.to_vec()), "invalid_json"),
        (Some(b"{\"kind\":\"run.\xff\"}".to_vec()), "invalid_utf8"),
        (text(json!({"agent_id": "a"})), "missing_field"),
        (text(json!({"kind": 7, "agent_id": "a"})), "wrong_type"),
        (text(json!({"kind": "run.completed", "event_time": HOSTILE})), "invalid_time"),
        (text(json!({"kind": "run.completed", "event_time": HOSTILE.repeat(9)})), "invalid_time"),
    ]
}

/// Events that are accepted, and the remark on them.
fn suspicious() -> Vec<(Value, &'static str)> {
    let run = |more: Value| {
        let mut event = json!({"kind": "run.completed", "agent_id": "a"});
        let Value::Object(more) = more else { panic!("{more}") };
        event.as_object_mut().unwrap().extend(more);
        event
    };
    vec![
        (run(json!({"event_time": "1999-01-01T00:00:00Z"})), "far_away"),
        (run(json!({"run": {"cost_usd": -1.0}})), "out_of_range"),
        (run(json!({"run": {"status": HOSTILE}})), "unknown_value"),
        (run(json!({"kind": "run.completd"})), "near_kind"),
    ]
}

/// The value of a series of a metric.
fn series(metrics: &str, name: &str, label: (&str, &str)) -> u64 {
    let series = format!("{name}{{{}=\"{}\"}} ", label.0, label.1);
    let value = metrics.lines().find_map(|line| line.strip_prefix(&series));
    value.map_or(0, |value| value.trim().parse().unwrap())
}

/// What a command says to a person, on both streams; nothing in it is obeyed by a terminal.
fn shown(world: &World, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftseal"));
    command.args(arguments).current_dir(world.directory.path());
    let output = command.env_clear().output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    let obeyed = |c: char| {
        let moves = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
        c != '\n' && (c.is_control() || moves)
    };
    assert!(!said.contains(obeyed), "{arguments:?}: {said:?}");
    assert!(!said.lines().any(|line| line.starts_with("VERIFIED by nobody")), "{said}");
    said
}

#[test]
fn what_is_wrong_with_records_is_counted_said_and_listed() {
    let mut world = World::new();
    world.set([
        ("DRIFTSEAL__TOPICS__PARTITIONS", "1"),
        ("DRIFTSEAL__SEALER__SEGMENT_AGE_MS_MAX", "100"),
    ]);
    world.said(&["log", "init", "--origin", "log.example.com/a"]);

    // Straight into the log, as whoever may write to the topic can.
    let place = world.directory.path().join("driftseal/log");
    let options = embedded::Options::new(place, service::clock::now_ms);
    let log = embedded::EmbeddedLog::open(options).unwrap();
    let topic = TopicSpec { name: EVENTS.into(), partitions: 1, compacted: false, kept: false };
    log.create_topics(&[topic]).unwrap();
    let record = |value: Option<Vec<u8>>| Outgoing {
        topic: EVENTS.into(),
        key: Some(b"a".to_vec()),
        value,
        ..Outgoing::default()
    };
    let event = |event: &Value| record(Some(event.to_string().into_bytes()));
    let twice = json!({"kind": "run.completed", "event_id": "twice", "agent_id": "a"});
    let odd = json!({"kind": "order.shipped", "event_id": HOSTILE, "agent_id": HOSTILE});
    let mut records: Vec<Outgoing> = poison().into_iter().map(|(value, _)| record(value)).collect();
    records.extend(suspicious().iter().map(|(value, _)| event(value)));
    records.extend([&twice, &twice, &twice, &odd].map(event));
    let from = log.offsets(&event::TopicPartition::new(EVENTS, 0)).unwrap().next;
    publish_and_wait(&*log.producer(), records, PATIENCE).unwrap();
    drop(log);

    let (mut by_reason, mut offsets) = (BTreeMap::<&str, u64>::new(), Vec::new());
    for ((_, reason), offset) in poison().into_iter().zip(from..) {
        *by_reason.entry(reason).or_default() += 1;
        offsets.push((reason, offset));
    }
    world.up();
    let metrics = || http(&world.environment[0].1, "GET /metrics", "");
    let quarantined = "driftseal_processor_records_quarantined_total";
    let total = |reasons: &BTreeMap<&str, u64>, metrics: &str| {
        reasons.keys().map(|reason| series(metrics, quarantined, ("reason", reason))).sum::<u64>()
    };
    let no_effect = "driftseal_processor_events_without_effect_total";
    world.until("the records to be processed", || {
        let metrics = metrics();
        total(&by_reason, &metrics) >= poison().len() as u64
            && series(&metrics, no_effect, ("reason", "duplicate")) >= 2
    });
    let metrics = metrics();
    for (reason, count) in &by_reason {
        assert_eq!(series(&metrics, quarantined, ("reason", reason)), *count, "{reason}");
    }
    assert_eq!(series(&metrics, no_effect, ("reason", "duplicate")), 2, "{metrics}");
    for (_, remark) in suspicious() {
        let name = "driftseal_processor_events_remarked_total";
        assert_eq!(series(&metrics, name, ("remark", remark)), 1, "{remark}: {metrics}");
    }
    world.stop();

    // The first of each reason is in the log, with its place.
    let log = world.log();
    assert!(!log.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']), "{log:?}");
    let says = |what: &str, offset: i64, code: &str| {
        let at = format!("offset={offset} ");
        let is_it = |line: &&str| line.contains(what) && line.contains(&at) && line.contains(code);
        assert!(log.lines().any(|line| is_it(&line)), "{what} {code} at {offset}: {log}");
    };
    let mut before = Vec::new();
    for (reason, offset) in &offsets {
        if !before.contains(reason) {
            says("quarantined a record", *offset, reason);
            before.push(*reason);
        }
    }
    for offset in (from..).skip(offsets.len()).take(suspicious().len()) {
        says("a suspicious event", offset, "remark=");
    }

    let listed = world.said(&["quarantine", "list", ARCHIVE]);
    assert_eq!(listed["by_reason"], json!(by_reason), "{listed}");
    assert_eq!(listed["total"], offsets.len(), "{listed}");
    for (record, (reason, offset)) in listed["records"].as_array().unwrap().iter().zip(&offsets) {
        assert_eq!(
            (&record["topic"], &record["partition"], &record["offset"], &record["reason"]),
            (&json!(EVENTS), &json!(0), &json!(offset), &json!(reason)),
        );
    }

    std::fs::write(world.directory.path().join("odd.jsonl"), format!("{odd}\n{HOSTILE}\n"))
        .unwrap();
    let proof = ["proof", ARCHIVE, HOSTILE];
    for arguments in [
        &["quarantine", "list", ARCHIVE][..],
        &["quarantine", "list", ARCHIVE, "--values"],
        &["fsck", ARCHIVE],
        &["replay", ARCHIVE],
        &["segments", ARCHIVE],
        &["check", "odd.jsonl"],
        &["suite", "test", "odd.jsonl"],
        &["export", ARCHIVE, "--agent", HOSTILE],
        &["verify", "pack.zip"],
        &proof,
    ] {
        let said = shown(&world, arguments);
        assert!(!said.is_empty(), "{arguments:?}");
    }
    let said = shown(&world, &["quarantine", "list", ARCHIVE, "--values"]);
    assert!(said.contains("8 quarantined records") && said.contains(r"\u{1b}[2K"), "{said}");
}
