//! Records of Confluent's own serializers, with a registry, on real Apache Kafka: they wait for the
//! processor, are decoded alike by processor and sealer through kills, and a replay finds the same.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use event::{column, kind};
use ports::{Outgoing, publish_and_wait};
use tests::process::Role;
use tests::registry::Registry;
use tests::world::{EVENTS, PARTITIONS, World};
use tests::{wait, workspace};

/// How long anything may take to become true.
const LIMIT: Duration = Duration::from_secs(60);
/// Runs of each form in one piece.
const COUNT: usize = 120;

fn emit(world: &World, registry: &Registry, first: usize) {
    let python = workspace::python().unwrap();
    let output = Command::new(python)
        .arg(workspace::root().join("tests/oracles/emit_confluent.py"))
        .args([world.kafka().bootstrap(), registry.url(), EVENTS])
        .args([first.to_string(), COUNT.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Number of sealed runs by the schema that they were read with, and of quarantined records by reason;
/// no run is there twice.
fn sealed(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut sealed = world.sealed();
    sealed.refresh();
    sealed.rows(EVENTS, |_, row| match row.event.text(column::KIND).unwrap() {
        kind::RUN_COMPLETED => {
            let id = row.event.text(column::EVENT_ID).unwrap().to_owned();
            let form = id.split('-').next().unwrap().to_owned();
            assert!(seen.insert(id), "sealed twice");
            assert_eq!(form == "json", row.schema_id == "json", "{form}: {}", row.schema_id);
            assert!(row.event.text(column::run::STATUS).is_some());
            *counts.entry(form).or_default() += 1;
        }
        kind::QUARANTINE_ADDED => {
            let reason = row.event.text(column::quarantine::REASON).unwrap().to_owned();
            *counts.entry(reason).or_default() += 1;
        }
        _ => {}
    });
    counts
}

fn last_words(what: &str, roles: &[&Role]) -> String {
    let said: Vec<_> = roles.iter().map(|role| role.last_words()).collect();
    format!("{what}: {}", said.join("\n"))
}

#[test]
fn records_of_confluents_serializers_wait_for_their_schema_and_are_read_alike() {
    let registry = Registry::start();
    let configuration = format!("[processor.schemas]\nregistry = \"{}\"\n", registry.url());
    if workspace::python().is_none() {
        workspace::not_run("schemas_kafka", "there is no Python; `make setup` installs it");
        return;
    }
    let Some(world) = World::start_with("schemas_kafka", &configuration) else { return };
    let mut processor = world.role("processor");
    wait::until_said(
        || last_words("every partition to be switched on", &[&processor]),
        LIMIT,
        || {
            let said = processor.said().matches("wrote what is known of schemas").count();
            (said == usize::try_from(PARTITIONS).unwrap()).then_some(())
        },
    );
    processor.kill();
    emit(&world, &registry, 0);
    let mut sealer = world.role("sealer");
    wait::until_said(
        || last_words("the sealer to say that it waits", &[&sealer]),
        LIMIT,
        || sealer.said().contains("a record waits until the processor has said").then_some(()),
    );
    assert_eq!(sealed(&world).get("avro"), None, "nobody has said what it is");

    processor.kill_and_restart();
    let all = |pieces: usize| {
        ["avro", "header", "json"].map(|form| (form.to_owned(), pieces * COUNT)).into()
    };
    wait::until_said(
        || last_words("what waited to be sealed", &[&processor, &sealer]),
        LIMIT,
        || (sealed(&world) == all(1)).then_some(()),
    );
    // Known ids are asked for once; one that nobody knows is quarantined, and nothing else is.
    let stranger = Outgoing {
        topic: EVENTS.into(),
        partition: Some(0),
        value: Some(b"\0\0\0\x03\xe7\x1arun.completed".to_vec()),
        ..Outgoing::default()
    };
    publish_and_wait(&*world.log().producer(), vec![stranger], LIMIT).unwrap();
    for round in 1..4 {
        emit(&world, &registry, round * COUNT);
        processor.kill_and_restart();
        sealer.kill_and_restart();
    }
    let mut expected: BTreeMap<String, usize> = all(4);
    expected.insert("unknown_schema".to_owned(), 1);
    wait::until_said(
        || last_words("everything to be sealed", &[&processor, &sealer]),
        LIMIT,
        || (sealed(&world) == expected).then_some(()),
    );
    let asked = registry.asked();
    let of = |path: &str| asked.iter().filter(|asked| asked.starts_with(path)).count();
    let partitions = usize::try_from(PARTITIONS).unwrap();
    assert!(
        of("/schemas/ids/41") <= partitions && of("/schemas/guids/") <= partitions,
        "{asked:?}"
    );
    assert!(of("/schemas/ids/999") >= 1 && of("/schemas/ids/43") == 0, "{asked:?}");
    for role in [&mut processor, &mut sealer] {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
    }
    world.fsck();
    world.replay();
}
