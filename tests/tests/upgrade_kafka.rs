//! Two builds of the program on one installation: the newer one has a field more in its event schema, and
//! is put in place role by role, in the worst order.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use event::{SchemaKey, column, kind};
use serde_json::Value;
use service::clock::now_ms;
use tests::process::Role;
use tests::recompute::sealed_events;
use tests::sealed::Sealed;
use tests::send::{run, send};
use tests::settle::settle;
use tests::world::{ALERTS, EVENTS, METRICS, World};
use tests::{flush, readiness, wait, workspace};

const LIMIT: Duration = Duration::from_secs(60);

/// The field that the newer build has more. Columns are numbered in the order of their names, and those of
/// before must keep their numbers, as this program is not compiled again.
const FIELD: &str = "zz_next";

/// A newer build: the program with another event schema. It reads its schemas when it starts, from text
/// that is compiled in, so another text of the same length makes it the program that it would be if it
/// were compiled with that.
fn newer_build(world: &World) -> PathBuf {
    let program = std::fs::read(workspace::binary("driftseal")).unwrap();
    let schema = workspace::root().join("schemas/events/envelope.avsc");
    let schema = std::fs::read_to_string(schema).unwrap();
    let (from, fields) = (schema.find("\"doc\"").unwrap(), "\"fields\": [");
    let to = schema.find(fields).unwrap() + fields.len();
    let older = schema.get(from..to).unwrap();
    let field = format!(
        r#"{{"name":"{FIELD}","type":["null","string"],"default":null,"doc":"Of a newer build."}}"#
    );
    let newer = format!(r#""doc":"","fields":[{field},"#);
    let newer = format!("{newer:width$}", width = older.len());
    assert_eq!(newer.len(), older.len(), "there is room for the field");
    let at = |text: &str| {
        let is_there = |window: &[u8]| window == text.as_bytes();
        program.windows(text.len()).position(is_there)
    };
    let at = at(older).unwrap();
    let path = world.path("driftseal-newer");
    let newer = [&program[..at], newer.as_bytes(), &program[at + older.len()..]].concat();
    std::fs::write(&path, newer).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn runs(series: &str, count: usize, version: &str, failed: usize) -> Vec<Value> {
    let now = now_ms();
    (0..count)
        .map(|number| {
            let agent = format!("agent-{}", number % 5);
            run(&agent, version, &format!("{series}-{number}"), now, number % 10 < failed)
        })
        .collect()
}

fn stop(mut role: Role) {
    assert_eq!(role.stop(), Some(0), "{}", role.last_words());
}

/// Schema ids of the rows of a topic; none of them is quarantined.
fn schema_ids(sealed: &Sealed, topic: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    sealed.rows(topic, |partition, row| {
        let kind = row.event.text(column::KIND).unwrap();
        let reason = row.event.text(column::quarantine::REASON);
        assert_ne!(kind, kind::QUARANTINE_ADDED, "{partition} {}: {reason:?}", row.offset);
        ids.insert(row.schema_id.to_string());
    });
    ids
}

#[test]
fn an_older_sealer_seals_what_newer_roles_write_and_a_newer_one_goes_on() {
    // What the older build still writes, the newer one is told of by a directory.
    let schemas = tempfile::tempdir().unwrap();
    let known = format!("{}.avsc", SchemaKey::Fingerprint(event::encode::fingerprint()));
    std::fs::write(schemas.path().join(known), event::schema().avro_json()).unwrap();
    let configuration = format!("[processor.schemas]\ndirectory = {:?}\n", schemas.path());
    let Some(world) = World::start_with("upgrade_kafka", &configuration) else { return };
    let newer = newer_build(&world);
    let (processor, sealer) = (world.role("processor"), world.role("sealer"));
    send(&*world.log(), &runs("old", 400, "v1", 1));
    let first = settle(&world, &flush::flush(&world)).0;
    let before = [EVENTS, METRICS, ALERTS].map(|topic| schema_ids(&first, topic));

    // The processor first, though the pages say that sealers go first.
    stop(processor);
    let processor = world.role_of("processor-newer", "processor", &newer);
    let collector = world.role_of("collector-newer", "collector", &newer);
    send(&*world.log(), &runs("new", 400, "v2", 6));
    let url = wait::until("the collector to listen", LIMIT, || readiness::address(&collector).ok());
    let mut event = runs("field", 1, "v2", 0).remove(0);
    event.as_object_mut().unwrap().insert(FIELD.to_owned(), "said".into());
    let request = ureq::post(format!("http://{url}/v1/events"));
    request.header("content-type", "application/json").send(&event.to_string()).unwrap();
    let (sealed, recomputed) = settle(&world, &flush::flush(&world));
    let after = [EVENTS, METRICS, ALERTS].map(|topic| schema_ids(&sealed, topic));
    for (before, after) in before.iter().zip(&after) {
        assert!(before.is_subset(after) && before.len() < after.len(), "{before:?} {after:?}");
    }
    for (topic, wanted) in [(METRICS, &recomputed.metrics), (ALERTS, &recomputed.alerts)] {
        let (found, doubled) = sealed_events(&sealed, topic);
        assert_eq!(doubled, 0, "outputs in {topic} twice");
        assert!(wanted.iter().all(|(id, event)| found.get(id) == Some(event)), "{topic}");
    }
    let mut kept = None;
    sealed.rows(EVENTS, |_, row| {
        if row.event.text(column::EVENT_ID) == Some("field-0") {
            kept = Some(format!("{:?}", row.event));
        }
    });
    assert!(kept.as_ref().unwrap().contains("said"), "nothing that was sent is dropped: {kept:?}");
    // An archive is checked while nobody writes to it.
    stop(sealer);
    world.fsck();
    world.replay();

    // Then the sealer: the chains go on.
    let sealer = world.role_of("sealer-newer", "sealer", &newer);
    send(&*world.log(), &runs("last", 200, "v2", 6));
    let (ends, mut sealed) = (flush::flush(&world), world.sealed());
    wait::until("every event to be sealed", LIMIT, || {
        sealed.refresh();
        let at = sealed.ends(EVENTS);
        ends.iter().all(|(number, end)| at.get(number).is_some_and(|at| at >= end)).then_some(())
    });
    [processor, collector, sealer].into_iter().for_each(stop);
    for command in ["fsck", "replay"] {
        let (verdict, said) = verdict(&world, &newer, command);
        assert_eq!(verdict, "VERIFIED", "{said}");
        // Who does not know the field cannot judge what holds it, and nothing has failed.
        let (verdict, said) = self::verdict(&world, &workspace::binary("driftseal"), command);
        assert!(verdict == "UNVERIFIABLE" && said.contains(FIELD), "{command}: {said}");
    }
}

/// What a build says of the archive.
fn verdict(world: &World, binary: &Path, command: &str) -> (String, String) {
    let [archive, policy] = [world.path("archive"), world.path("keys").join("policy.txt")];
    let output = Command::new(binary)
        .args(["--output", "json", command])
        .args([archive.to_str().unwrap(), "--policy", policy.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let report: Value = serde_json::from_str(&said).unwrap();
    (report["verdict"].as_str().unwrap_or_default().to_owned(), said)
}
