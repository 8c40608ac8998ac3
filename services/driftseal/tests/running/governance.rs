//! Governance from a pipeline: every command, the same command twice, an answer that is lost, and whether a
//! version is ready.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::world::{PATIENCE, World, object};

const WHO: [&str; 2] = ["--by", "ci"];
const WHY: [&str; 4] = ["--by", "ci", "--reason", "a test \u{1b}[2K \u{202e}of hostile text"];

fn started() -> World {
    let mut world = World::new();
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    world.up();
    std::fs::create_dir_all(world.directory.path().join("corpus/a")).unwrap();
    for (file, text) in [
        ("prompt.md", "Be kind.\n"),
        ("policy.md", "Refunds are at most 50.\n"),
        ("corpus/a/one.txt", "1"),
        (
            "suite.yaml",
            "suite: quality\nchecks: [{type: latency_max, duration_ms: 500}]\ngate: {pass_rate_min: 0.5, trials_min: 5}\n",
        ),
    ] {
        std::fs::write(world.directory.path().join(file), text).unwrap();
    }
    world
}

fn digest(world: &World) -> String {
    let register = ["version", "register", "--dry-run", "--agent", "a", "--agent-version", "v2"];
    let said = world.said(&[&register[..], &["--prompt", "prompt.md"], &WHY].concat());
    said["version_digest"].as_str().unwrap().to_owned()
}

#[test]
fn every_act_of_a_pipeline_is_one_act_however_often_it_is_repeated() {
    let world = started();
    let digest = digest(&world);
    let mut positions = Vec::new();
    for command in [
        &["agent", "register", "a", "--owner", "ana", "--risk-tier", "high", "--tool", "t"][..],
        &["version", "register", "--agent", "a", "--agent-version", "v2", "--prompt", "prompt.md"],
        &["change", "request", "CHG-1", "--agent", "a", "--to-digest", &digest],
        &["change", "link-risk", "CHG-1", "--agent", "a", "--risk", "R-1"],
        &["change", "approve", "CHG-1", "--agent", "a", "--environment", "production"],
        &["change", "implement", "CHG-1", "--agent", "a"],
        &["change", "emergency", "CHG-2", "--agent", "a", "--review-due", "2030-01-01T00:00:00Z"],
        &["change", "review", "CHG-2", "--agent", "a"],
        &["change", "reject", "CHG-3", "--agent", "a"],
        &["risk", "record", "R-1", "--step", "assessed", "--likelihood", "2", "--impact", "4"],
        &["policy", "publish", "refunds@7", "--file", "policy.md"],
        &["incident", "open", "INC-1", "--severity", "major", "--agent", "a"],
        &["incident", "update", "INC-1", "--root-cause", "a prompt"],
        &["corpus", "publish", "faq", "--path", "corpus", "--licence", "own"],
        &["version", "deploy", "--agent", "a", "--to", "v2", "--to-digest", &digest],
    ] {
        let has_reason = !["incident", "corpus"].contains(&command[0]);
        let who = if has_reason { &WHY[..] } else { &WHO[..] };
        let command = [command, who].concat();
        let first = world.said(&command);
        assert_eq!(first["already_recorded"], false, "{command:?}: {first}");
        let again = world.said(&command);
        assert_eq!(again["already_recorded"], true, "{command:?}: {again}");
        for field in ["kind", "event_id", "topic", "partition", "offset"] {
            assert_eq!(first[field], again[field], "{command:?}");
        }
        positions.push(first["offset"].as_i64().unwrap());
    }
    let acknowledge = [&["policy", "acknowledge", "refunds@7", "--person", "ana"][..], &WHO];
    world.said(&acknowledge.concat());
    let rollback = ["version", "rollback", "--agent", "a", "--to", "v1"];
    world.said(&[&rollback[..], &WHY].concat());
    world.said(&[&["incident", "close", "INC-1"][..], &WHO].concat());
    world.said(&[&["corpus", "retire", "faq"][..], &WHO].concat());
    world.said(&[&["policy", "retire", "refunds@7"][..], &WHY].concat());
    world.said(&[&["agent", "update", "a", "--owner", "ben"][..], &WHO].concat());
    world.said(&[&["agent", "retire", "a"][..], &WHY].concat());
    assert!(positions.is_sorted_by(|one, next| one + 1 == *next), "{positions:?}");

    // The same words after they were undone are a new act, which has to be asked for.
    let deploy = ["version", "deploy", "--agent", "a", "--to", "v2", "--to-digest", &digest];
    let deploy = [&deploy[..], &WHY].concat();
    let refused = world.failed(&deploy, 1);
    assert!(
        refused.contains("undid or replaced") && refused.contains("--idempotency-key"),
        "{refused}"
    );
    let keyed = [&deploy[..], &["--idempotency-key", "run-2"]].concat();
    assert_eq!(world.said(&keyed)["already_recorded"], false);
    // Under a key, other content is a contradiction.
    let other = [&keyed[..], &["--share", "0.1"]].concat();
    let refused = world.failed(&other, 1);
    assert!(refused.contains("differs in agent.traffic_share"), "{refused}");
    // What a step needs is named by its option.
    let risk = ["risk", "record", "R-1", "--step", "accepted"];
    let refused = world.failed(&[&risk[..], &WHO].concat(), 2);
    assert!(refused.contains("--owner: is required; --reason: is required"), "{refused}");
    let blank = ["change", "approve", " ", "--agent", "a"];
    let refused = world.failed(&[&blank[..], &WHY].concat(), 2);
    assert!(refused.contains("CHANGE_ID: is required"), "{refused}");
}

/// Passes connections on; of the first that posts, the answer is lost.
fn losing_answers(to: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut has_lost = false;
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(&to).unwrap());
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut request = Vec::new();
            let mut piece = [0; 4_096];
            // The body ends with the brace of an object.
            while !request.ends_with(b"}") {
                let count = client.read(&mut piece).unwrap();
                request.extend_from_slice(&piece[..count]);
            }
            let text = String::from_utf8(request).unwrap();
            let text = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            server.write_all(text.as_bytes()).unwrap();
            let mut answer = Vec::new();
            server.read_to_end(&mut answer).unwrap();
            if has_lost {
                client.write_all(&answer).unwrap();
            }
            has_lost = true;
        }
    });
    address
}

#[test]
fn an_act_whose_answer_is_lost_is_recorded_once() {
    let mut world = started();
    let gateway = world.environment.iter().find(|(name, _)| name.ends_with("GATEWAY")).unwrap();
    let url = format!("http://{}", losing_answers(gateway.1.clone()));
    world.environment.push(("DRIFTSEAL__GATEWAY__URL", url));
    let change = ["change", "request", "CHG-1", "--agent", "a"];
    let output = world.run(&[&change[..], &WHY].concat());
    let said = object(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!((&said["already_recorded"], &said["offset"]), (&json!(true), &json!(0)), "{said}");
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(complained.contains("the same act is sent again"), "{complained}");
}

fn ready(world: &World, digest: &str, code: i32) -> Value {
    let output = world.run(&["ready", digest, "--agent", "a", "--environment", "production"]);
    let said = object(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

#[test]
fn a_version_is_ready_when_a_person_and_a_suite_have_said_so() {
    let mut world = started();
    let digest = digest(&world);
    assert_eq!(ready(&world, &digest, 1)["verdict"], "not_ready");
    let version = ["--agent", "a", "--agent-version", "v2", "--prompt", "prompt.md"];
    let registered = world.said(&[&["version", "register"][..], &version, &WHY].concat());
    assert_eq!(registered["version_digest"], digest.as_str());
    let change = ["change", "request", "CHG-1", "--agent", "a", "--to-digest", &digest];
    world.said(&[&change[..], &WHY].concat());
    let lines: String = (0..40)
        .map(|run| {
            format!(
                "{{\"kind\":\"run.completed\",\"agent_id\":\"a\",\"agent_version\":\"v2\",\
                 \"run_id\":\"r{run}\",\"run\":{{\"status\":\"ok\",\"duration_ms\":100}}}}\n"
            )
        })
        .collect();
    std::fs::write(world.directory.path().join("runs.jsonl"), lines).unwrap();
    let suite = ["suite", "record", "suite.yaml", "--input", "runs.jsonl", "--agent", "a"];
    let judged = world.said(&[&suite[..], &["--digest", &digest], &WHO].concat());
    assert_eq!(judged["gate"], "pass", "{judged}");
    let waiting = ready(&world, &digest, 1);
    let missing: Vec<&str> = waiting["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["required"] == true && rule["state"] != "satisfied")
        .map(|rule| rule["rule"].as_str().unwrap())
        .collect();
    assert_eq!(missing, ["change_approved"]);
    let approve = ["change", "approve", "CHG-1", "--agent", "a", "--by", "ana", "--reason", "ok"];
    world.said(&approve);
    let said = ready(&world, &digest, 0);
    assert_eq!(said["rules"][1]["events"][0]["by"], "ana", "{said}");

    let output = world.run(&["ready", "sha256:00"]);
    assert_eq!(output.status.code(), Some(2), "a usage error");
    // Who is not there has not said no.
    world.stop();
    let message = world.failed(&["ready", &digest], 3);
    assert!(message.contains("failed to reach the gateway"), "{message}");
}
