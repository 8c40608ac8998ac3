//! Two builds of the program on one installation: the newer one has a field more in its event schema, and
//! is put in place role by role: readers first, as the page says; writers first; and back again.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use event::{TopicPartition, column, kind};
use serde_json::Value;
use service::clock::now_ms;
use tests::process::Role;
use tests::receiver::{Receiver, Request};
use tests::recompute::sealed_events;
use tests::sealed::Sealed;
use tests::send::{run, send};
use tests::settle::settle;
use tests::world::{ALERTS, EVENTS, GOVERNANCE, METRICS, World};
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
    let Some(world) = World::start("upgrade_kafka") else { return };
    let newer = newer_build(&world);
    let (processor, sealer) = (world.role("processor"), world.role("sealer"));
    send(&*world.log(), &runs("old", 400, "v1", 1));
    let first = settle(&world, &flush::flush(&world)).0;
    let before = [EVENTS, METRICS].map(|topic| schema_ids(&first, topic));

    // The processor first, though the pages say that sealers go first.
    stop(processor);
    let processor = world.role_of("processor-newer", "processor", &newer);
    // By then each partition says what the schema is.
    readiness::wait_for(&processor, "processor", LIMIT);
    let collector = world.role_of("collector-newer", "collector", &newer);
    send(&*world.log(), &runs("new", 400, "v2", 6));
    let mut event = runs("field", 1, "v2", 0).remove(0);
    event.as_object_mut().unwrap().insert(FIELD.to_owned(), "said".into());
    collect(&collector, &[event]);
    let (sealed, recomputed) = settle(&world, &flush::flush(&world));
    let after = [EVENTS, METRICS].map(|topic| schema_ids(&sealed, topic));
    for (before, after) in before.iter().zip(&after) {
        assert!(before.is_subset(after) && before.len() < after.len(), "{before:?} {after:?}");
    }
    assert_eq!(schema_ids(&sealed, ALERTS), BTreeSet::from(["json".to_owned()]));
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
    // While it goes on.
    world.fsck();
    stop(sealer);
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

/// Sends events to a collector, which writes them as Avro of its own schema.
fn collect(collector: &Role, events: &[Value]) {
    let url = wait::until("the collector to listen", LIMIT, || readiness::address(collector).ok());
    let request = ureq::post(format!("http://{url}/v1/events"));
    let request = request.header("content-type", "application/json");
    request.send(&Value::from(events.to_vec()).to_string()).unwrap();
}

/// An agent whose second version is worse, as a collector is told of it.
fn worsens(collector: &Role, agent: &str) {
    let now = now_ms() - 3_600_000;
    for (version, count, failed) in [("v1", 200, 1), ("v2", 100, 5)] {
        let event = |number: usize| {
            let id = format!("{agent}-{version}-{number}");
            run(agent, version, &id, now, number % 10 < failed)
        };
        collect(collector, &(0..count).map(event).collect::<Vec<_>>());
    }
}

/// How often a receiver was told of the alert of an agent.
fn told(hook: &Receiver, agent: &str) -> usize {
    let agent = format!("\"{agent}\"");
    let of_agent = |request: &Request| {
        let text = String::from_utf8_lossy(&request.body);
        text.contains(&agent) && text.contains("run.error_rate")
    };
    let of_agent: Vec<_> = hook.requests().into_iter().filter(of_agent).collect();
    of_agent.iter().map(|request| request.webhook_id.clone()).collect::<BTreeSet<_>>().len()
}

fn until_told(hook: &Receiver, agent: &str) {
    let what = format!("somebody to be told of {agent}");
    wait::until(&what, LIMIT, || (told(hook, agent) == 1).then_some(()));
}

/// Mutes an agent through the gateway that runs; until it is in force in all partitions.
fn mute(world: &World, agent: &str) {
    let by = ["--by", "ana", "--reason", "a test"];
    let words = ["--output", "json", "suppress", "add", "--for", "1h", "--agent", agent];
    let said: Value = serde_json::from_str(&world.command(&[&words[..], &by].concat())).unwrap();
    let id = said["suppression_id"].as_str().unwrap().to_owned();
    wait::until("the suppression to be in force", LIMIT, || {
        let listed = world.command(&["--output", "json", "suppress", "list"]);
        listed.contains(&id).then_some(())
    });
}

#[test]
fn roles_are_replaced_one_by_one_and_nobody_misses_an_alert_or_an_act() {
    let hook = Receiver::start();
    let configuration = format!(
        "[notifier]\npoll_wait_ms = 50\n[notifier.secrets]\n\
         hook = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n\
         [notifier.sinks.hook]\ntype = 'webhook'\nurl = '{}'\ntoken_name = 'hook'\n",
        hook.url()
    );
    let Some(world) = World::start_with("upgrade_kafka", &configuration) else { return };
    let newer = newer_build(&world);
    let older = workspace::binary("driftseal");
    let start = |role: &str, build: &Path| {
        let age = if build == newer { "newer" } else { "older" };
        let started = world.role_of(&format!("{role}-{age}"), role, build);
        if role == "evidence" {
            wait::until("the gateway to answer", LIMIT, || world.is_answered().then_some(()));
        }
        started
    };
    let names = ["sealer", "notifier", "evidence", "processor", "collector"];
    let [sealer, notifier, gateway, processor, collector] = names.map(|name| start(name, &older));
    worsens(&collector, "agent-older");
    until_told(&hook, "agent-older");

    // Readers first: what older roles write is read by newer ones, and the other way round.
    stop(sealer);
    let sealer = start("sealer", &newer);
    stop(notifier);
    let notifier = start("notifier", &newer);
    stop(gateway);
    let gateway = start("evidence", &newer);
    mute(&world, "muted-by-newer");
    worsens(&collector, "muted-by-newer");
    worsens(&collector, "agent-between");
    until_told(&hook, "agent-between");

    stop(processor);
    let processor = start("processor", &newer);
    readiness::wait_for(&processor, "processor", LIMIT);
    worsens(&collector, "agent-of-older-collector");
    until_told(&hook, "agent-of-older-collector");
    stop(collector);
    let collector = start("collector", &newer);
    worsens(&collector, "agent-newer");
    until_told(&hook, "agent-newer");

    // Those who tell and who are told go back, while the others stay.
    stop(notifier);
    let notifier = start("notifier", &older);
    stop(gateway);
    let gateway = start("evidence", &older);
    let listed = world.command(&["--output", "json", "alert", "list"]);
    assert!(listed.contains("agent-newer") && listed.contains("agent-older"), "{listed}");
    mute(&world, "muted-by-older");
    worsens(&collector, "muted-by-older");
    worsens(&collector, "agent-again");
    until_told(&hook, "agent-again");
    assert_eq!(["muted-by-newer", "muted-by-older"].map(|agent| told(&hook, agent)), [0, 0]);

    // An alert that nobody is told of is there all the same.
    let wanted = BTreeSet::from(["muted-by-newer", "muted-by-older"].map(str::to_owned));
    wait::until("the log to say of whom nobody is told", LIMIT, || {
        let said = tests::topic::events(&*world.log(), ALERTS).into_iter();
        let said =
            said.filter(|event| event.text(column::KIND) == Some(kind::NOTIFICATION_SUPPRESSED));
        let muted = said.map(|event| event.text(column::AGENT_ID).unwrap().to_owned());
        (muted.collect::<BTreeSet<_>>() == wanted).then_some(())
    });
    [processor, collector, notifier, gateway].into_iter().for_each(stop);
    // The archive is verified while the sealer goes on; nothing is quarantined.
    wait::until("everything to be sealed", LIMIT, || {
        let (verdict, said) = verdict(&world, &newer, "fsck");
        assert_eq!(verdict, "VERIFIED", "{said}");
        let report: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(report["quarantined"], serde_json::json!({}), "{said}");
        let partitions = report["partitions"].as_array().unwrap();
        let next = |topic: &str, number: i32| {
            let is = |one: &&Value| one["topic"] == topic && one["partition"] == number;
            partitions.iter().find(is).and_then(|one| one["next_offset"].as_i64())
        };
        let log = world.log();
        let is_sealed = |topic: &str| {
            (0..log.partitions(topic).unwrap()).all(|number| {
                let end = log.offsets(&TopicPartition::new(topic, number)).unwrap().next;
                end == next(topic, number).unwrap_or(0)
            })
        };
        [EVENTS, METRICS, ALERTS, GOVERNANCE].into_iter().all(is_sealed).then_some(())
    });
    stop(sealer);
    let (verdict, said) = verdict(&world, &newer, "replay");
    assert_eq!(verdict, "VERIFIED", "{said}");
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
