//! Records of other writers wait for their schema, and everybody reads them alike.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, Limits, SchemaKey, TimestampType, TopicPartition, column, kind};
use governance::{Answer, Look, Reader};
use ports::Outgoing;
use processor::{Config, Processor, Schemas};
use service::Role as _;
use sim::MemoryLog;

use crate::world::{identity, trust, world};

const SCHEMA: &str = r#"{"type":"record","name":"Run","fields":[
    {"name":"kind","type":"string"},{"name":"agent_id","type":"string"}]}"#;

fn config(directory: Option<&Path>) -> Config {
    Config {
        tick_interval_secs: 0,
        poll_wait_ms: 0,
        schemas: Schemas {
            directory: directory.map(Path::to_owned).unwrap_or_default(),
            ..Schemas::default()
        },
        ..Config::default()
    }
}

fn input() -> TopicPartition {
    TopicPartition::new("agent.events", 0)
}

fn append(log: &MemoryLog, value: Vec<u8>) {
    let record = Outgoing {
        topic: "agent.events".into(),
        partition: Some(0),
        key: Some(b"a".to_vec()),
        value: Some(value),
        headers: Vec::new(),
    };
    log.append_at(record, 1_760_000_000_000, TimestampType::LogAppendTime).unwrap();
}

/// A run in a Confluent frame.
fn framed(log: &MemoryLog, id: u32) {
    let mut value = vec![0];
    value.extend_from_slice(&id.to_be_bytes());
    value.extend_from_slice(b"\x1arun.completed\x02a");
    append(log, value);
}

fn start(log: &MemoryLog, directory: Option<&Path>) -> Processor {
    Processor::start(config(directory), Arc::new(log.clone()), identity()).unwrap()
}

fn drain(role: &mut Processor) {
    let mut idle = 0;
    while idle < 5 {
        idle = if role.step(Duration::ZERO).unwrap() { 0 } else { idle + 1 };
    }
}

fn work(log: &MemoryLog, directory: Option<&Path>) {
    let mut role = start(log, directory);
    drain(&mut role);
    role.finish().unwrap();
}

/// How whoever reads the partition decodes each run, and what it answers.
fn read(log: &MemoryLog) -> (Vec<String>, Vec<Answer>) {
    let batch = log.records(&input()).unwrap();
    let records: Vec<_> = batch.records().collect();
    let schemas = governance::Schemas::default();
    let mut reader = Reader::new(trust(), Decoder::new(Limits::default()), schemas);
    let (mut runs, mut answers, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(record) = records.get(at) {
        match reader.look(record) {
            Look::Return(offset) => at = usize::try_from(offset).unwrap(),
            Look::Pass => at += 1,
            Look::Take => {
                let decoded = reader.decoder().decode(record);
                match decoded.event.text(column::KIND).unwrap() {
                    kind::MONITOR_SCHEMAS => {
                        answers.push(Answer::read(record.offset, &decoded.event).unwrap());
                    }
                    kind::RUN_COMPLETED => runs.push("run".to_owned()),
                    kind::QUARANTINE_ADDED => {
                        runs.push(decoded.fault.unwrap().reason.name().to_owned());
                    }
                    _ => {}
                }
                at += 1;
            }
        }
    }
    assert_eq!(reader.held(), None);
    (runs, answers)
}

#[test]
fn a_schema_is_found_once_and_holds_for_those_who_come_later() {
    let schemas = tempfile::tempdir().unwrap();
    std::fs::write(schemas.path().join("7.avsc"), SCHEMA).unwrap();
    let log = world(1);
    framed(&log, 7);
    work(&log, Some(schemas.path()));
    for id in [7, 8, 7, 7] {
        framed(&log, id);
    }
    work(&log, Some(schemas.path()));
    // What was asked before the directory was named is not asked again.
    let (runs, answers) = read(&log);
    assert_eq!(runs, ["unknown_schema", "run", "unknown_schema", "run", "run"]);
    let asked: Vec<_> = answers.iter().filter(|answer| !answer.missing.is_empty()).collect();
    assert_eq!(asked.len(), 1, "{answers:?}");
    assert_eq!(asked[0].missing, [SchemaKey::Id(8)].into());
    assert!(asked[0].schemas.contains_key(&SchemaKey::Id(7)));
    std::fs::remove_file(schemas.path().join("7.avsc")).unwrap();
    framed(&log, 7);
    work(&log, Some(schemas.path()));
    let (runs, answers) = read(&log);
    assert_eq!(runs.last().unwrap(), "run", "it is known");
    let said = answers.last().unwrap();
    assert!(said.schemas.contains_key(&SchemaKey::Id(7)), "an owner says what is known: {said:?}");
}

#[test]
fn without_a_registry_nothing_waits_and_nothing_is_said() {
    let log = world(1);
    framed(&log, 7);
    work(&log, None);
    assert_eq!(read(&log), (vec!["unknown_schema".to_owned()], vec![]));
}

#[test]
fn what_waits_is_answered_by_whoever_comes_also_if_that_one_has_no_registry_any_more() {
    let schemas = tempfile::tempdir().unwrap();
    let log = world(1);
    work(&log, Some(schemas.path()));
    framed(&log, 7);
    append(&log, br#"{"kind":"run.completed","agent_id":"a"}"#.to_vec());
    // It stops before it has answered; the next one claims the partition behind what waits.
    let mut role = start(&log, Some(schemas.path()));
    role.step(Duration::ZERO).unwrap();
    drop(role);
    work(&log, None);
    let (runs, answers) = read(&log);
    assert_eq!(runs, ["unknown_schema", "run"]);
    assert!(answers.first().unwrap().is_on && !answers.last().unwrap().is_on, "{answers:?}");
    work(&log, None);
    assert_eq!(read(&log).1.len(), answers.len(), "nothing is repeated");
}

#[test]
fn a_registry_that_is_away_is_waited_for_and_not_for_ever() {
    let schemas = tempfile::tempdir().unwrap();
    let place = schemas.path().join("later");
    let log = world(1);
    std::fs::create_dir(&place).unwrap();
    work(&log, Some(&place));
    std::fs::remove_dir(&place).unwrap();
    framed(&log, 7);
    append(&log, br#"{"kind":"run.completed","agent_id":"a"}"#.to_vec());
    let mut role = start(&log, Some(&place));
    drain(&mut role);
    let batch = log.records(&input()).unwrap();
    assert_eq!(batch.len(), 5, "two claims, what was switched on, and two that wait");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("7.avsc"), SCHEMA).unwrap();
    while log.records(&input()).unwrap().len() == 5 {
        role.step(Duration::from_millis(10)).unwrap();
    }
    drain(&mut role);
    role.finish().unwrap();
    assert_eq!(read(&log).0, ["run", "run"]);

    std::fs::remove_dir_all(&place).unwrap();
    framed(&log, 8);
    let mut impatient = config(Some(&place));
    impatient.schemas.wait_secs_max = 0;
    let mut role = Processor::start(impatient, Arc::new(log.clone()), identity()).unwrap();
    drain(&mut role);
    role.finish().unwrap();
    assert_eq!(read(&log).0, ["run", "run", "unknown_schema"]);
}

#[test]
fn a_kill_at_any_step_changes_nothing_of_what_is_decoded() {
    let schemas = tempfile::tempdir().unwrap();
    for id in [1, 2, 3] {
        std::fs::write(schemas.path().join(format!("{id}.avsc")), SCHEMA).unwrap();
    }
    for steps in 1..12 {
        let log = world(1);
        work(&log, Some(schemas.path()));
        for id in [1, 9, 2, 1, 8, 3, 9] {
            framed(&log, id);
            let mut killed = start(&log, Some(schemas.path()));
            for _ in 0..steps {
                killed.step(Duration::ZERO).unwrap();
            }
        }
        work(&log, Some(schemas.path()));
        let none = "unknown_schema";
        assert_eq!(read(&log).0, ["run", none, "run", "run", none, "run", none], "{steps} steps");
    }
}
