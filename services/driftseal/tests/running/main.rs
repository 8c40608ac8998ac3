//! `driftseal up` on the embedded log, which belongs to one process: commands go through it, and it goes on
//! while the archive cannot be used.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

mod archive;
mod connections;
mod governance;
mod keys;
mod mounted;
mod remarks;
mod tokens;
mod world;

use std::path::Path;

use event::TopicPartition;
use ports::EventLog as _;
use serde_json::json;

use crate::world::{BY, World, object};

#[test]
fn commands_go_through_the_running_process() {
    let mut world = World::new();
    let without = world.failed(&["suppress", "list"], 2);
    assert!(without.contains("gateway.token") && without.contains("log init"), "{without}");
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    let without = world.failed(&["suppress", "list"], 1);
    assert!(without.contains("driftseal up"), "nobody runs it: {without}");
    world.up();

    for (list, name) in [
        (&["alert", "list"][..], "alerts"),
        (&["suppress", "list"], "suppressions"),
        (&["maintenance", "list"], "maintenance"),
        (&["baseline", "list"], "baselines"),
    ] {
        assert_eq!(world.said(list)[name], json!([]), "{list:?}");
    }
    let topics = world.said(&["topics", "create"]);
    assert!(topics["topics"].as_array().unwrap().contains(&json!("agent.events")), "{topics}");

    let suite = world.directory.path().join("suite.yaml");
    std::fs::write(&suite, "suite: s\nchecks: [{type: citation_present}]\n").unwrap();
    let acts = world.directory.path().join("acts.jsonl");
    std::fs::write(
        &acts,
        "{\"kind\":\"risk.accepted\",\"risk\":{\"id\":\"R-1\"},\"by\":\"ana\"}\n",
    )
    .unwrap();
    let mut offsets = Vec::new();
    for act in [
        &["suppress", "add", "--agent", "a", "--for", "1h"][..],
        &["maintenance", "start", "--all-agents", "--for", "1h"],
        &["baseline", "pin", "--agent", "a", "--of", "v1"],
        &["baseline", "unpin", "--agent", "a"],
        &["version", "register", "--agent", "a", "--agent-version", "v2", "--model", "m"],
        &["version", "deploy", "--agent", "a", "--to", "v2", "--share", "0.5"],
        &["version", "rollback", "--agent", "a", "--to", "v1"],
        &["change", "approve", "CHG-1", "--agent", "a"],
    ] {
        let recorded = world.said(&[act, &BY].concat());
        assert_eq!(recorded["topic"], "driftseal.governance", "{recorded}");
        offsets.push(recorded["offset"].as_i64().unwrap());
    }
    let published = world.said(&["suite", "publish", suite.to_str().unwrap(), "--by", "ci"]);
    offsets.push(published["offset"].as_i64().unwrap());
    assert_eq!(published["suite"], "s", "{published}");
    let recorded = world.said(&["act", acts.to_str().unwrap()]);
    offsets.push(recorded["acts"][0]["offset"].as_i64().unwrap());
    assert!(offsets.is_sorted_by(|one, next| one < next), "{offsets:?}");
}

#[test]
fn the_embedded_log_lets_go_of_what_is_sealed_and_processed_but_of_no_act() {
    let mut world = World::new();
    world.set([
        ("DRIFTSEAL__EMBEDDED__RETENTION_SECS", "2"),
        ("DRIFTSEAL__SEALER__SEGMENT_AGE_MS_MAX", "200"),
        ("DRIFTSEAL__SEALER__HEARTBEAT_AGE_MS_MAX", "200"),
        ("DRIFTSEAL__PROCESSOR__SNAPSHOT_AGE_SECS_MAX", "1"),
        ("DRIFTSEAL__TOPICS__PARTITIONS", "1"),
    ]);
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    world.up();
    world.said(&[&["maintenance", "start", "--all-agents", "--for", "1h"][..], &BY].concat());
    let events = world.directory.path().join("events.jsonl");
    let lines: String = (0..500)
        .map(|run| {
            format!("{{\"kind\":\"run.completed\",\"agent_id\":\"a\",\"run_id\":\"r{run}\"}}\n")
        })
        .collect();
    std::fs::write(&events, lines).unwrap();
    let events = events.to_str().unwrap();
    world.said(&["emit", events]);
    world.until("records to be deleted", || world.log().contains("deleted old records"));
    world.stop();

    let log = embedded::Options::new(world.directory.path().join("driftseal/log"), || 0);
    let log = embedded::EmbeddedLog::open(log).unwrap();
    let offsets = |topic: &str| log.offsets(&TopicPartition::new(topic, 0)).unwrap();
    assert!(offsets("agent.events").first >= 500, "{:?}", offsets("agent.events"));
    assert_eq!(offsets("driftseal.governance").first, 0);
    drop(log);

    // Who starts again misses nothing.
    world.up();
    world.said(&["emit", events]);
    world.stop();
    let checked = world.said(&["fsck", "driftseal/archive"]);
    assert_eq!(checked["verdict"], "VERIFIED", "{checked}");
    assert!(checked["events"].as_u64().unwrap() >= 1_001, "{checked}");
    assert!(!world.log().contains("records are lost"), "{}", world.log());
}

#[test]
fn what_the_gateway_refuses_is_a_usage_error_with_the_name_of_the_option() {
    let mut world = World::new();
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    world.up();
    let refused =
        world.failed(&[&["suppress", "add", "--agent", "a", "--for", "31d"][..], &BY].concat(), 2);
    assert!(refused.starts_with("--for: ") && refused.contains("30 days"), "{refused}");
    let nobody = ["suppress", "add", "--agent", " ", "--for", "1h", "--by", "", "--reason", ""];
    let refused = world.failed(&nobody, 2);
    for option in ["--agent: ", "--by: ", "--reason: "] {
        assert!(refused.contains(option), "{refused}");
    }
    let unknown = world.failed(&[&["alert", "dismiss", "none"][..], &BY].concat(), 2);
    assert!(unknown.contains("`none` is not firing"), "{unknown}");

    let token = world.directory.path().join("driftseal/keys/gateway.token");
    let wrong = world.directory.path().join("wrong.token");
    service::files::write_secret(&wrong, "driftseal_wrong").unwrap();
    let with = |file: &Path| {
        let mut command = world.command(&["alert", "list"]);
        command.env("DRIFTSEAL__GATEWAY__TOKEN_FILE", file).output().unwrap()
    };
    assert!(with(&token).status.success());
    let refused = with(&wrong);
    assert_eq!(refused.status.code(), Some(2));
    let message = object(&refused)["error"]["message"].to_string();
    assert!(message.contains("does not know the token"), "{message}");
    assert!(!message.contains("driftseal_wrong"), "{message}");
    let text = std::fs::read_to_string(&token).unwrap();
    let mut inline = world.command(&["alert", "list"]);
    inline.env("DRIFTSEAL__GATEWAY__TOKEN", text.trim());
    assert!(inline.output().unwrap().status.success());
    assert!(!world.log().contains(text.trim()), "no log line shows a token");
}

#[cfg(unix)]
#[test]
fn a_token_that_others_may_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    let keys = world.directory.path().join("driftseal/keys");
    for name in ["gateway.token", "credentials.toml", "governance.key", "notifier.key"] {
        let mode = std::fs::metadata(keys.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let token = keys.join("gateway.token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = world.failed(&["alert", "list"], 2);
    assert!(refused.contains("other users may read it"), "{refused}");
}
