//! Tokens: made and revoked by commands, obeyed by the running process.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::world::{BY, World, object};

/// The status of an event of an agent that is sent with a token.
fn send(world: &World, token: &str, agent: &str) -> u16 {
    let (_, address) = &world.environment[0];
    let http = ureq::Agent::config_builder().http_status_as_error(false).build();
    let http: ureq::Agent = http.into();
    let request = http
        .post(format!("http://{address}/v1/events"))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"));
    let body = json!({"kind": "run.completed", "agent_id": agent}).to_string();
    request.send(body.as_bytes()).unwrap().status().as_u16()
}

#[test]
fn tokens_are_made_replaced_and_revoked_while_the_process_runs() {
    let mut world = World::new();
    world.set([("DRIFTSEAL__COLLECTOR__AUTH", "token")]);
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    let create = ["token", "create", "refunds", "--agents", "refund-*", "--expires", "90d"];
    let create = [&create[..], &BY].concat();
    // Nobody can record it yet: it is made, and that is said.
    let output = world.run(&create);
    let made = object(&output);
    assert_eq!(output.status.code(), Some(1), "{made}");
    assert_eq!(made["recorded"], Value::Null);
    assert!(made["not_recorded_because"].as_str().unwrap().contains("driftseal up"), "{made}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no act records that"), "{said}");
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(!said.contains(&token), "{said}");
    let again = world.failed(&create, 2);
    assert!(again.contains("token rotate"), "{again}");
    world.up();
    assert_eq!([send(&world, &token, "refund-1"), send(&world, &token, "other")], [200, 400]);
    assert_eq!(send(&world, "driftseal_x", "refund-1"), 401);

    let rotated = world.said(&[&["token", "rotate", "refunds"][..], &BY].concat());
    assert_eq!(rotated["recorded"]["kind"], "access.credential.rotated", "{rotated}");
    let new = rotated["token"].as_str().unwrap().to_owned();
    world.until("the new token to work", || send(&world, &new, "refund-1") == 200);
    assert_eq!(send(&world, &token, "refund-1"), 401);

    // A pipeline that may act for one agent only.
    let file = world.directory.path().join("ci.token");
    let path = file.to_str().unwrap();
    let scoped = ["token", "create", "ci", "--role", "act", "--agents", "a", "--families", "drift"];
    let made = world.said(&[&scoped[..], &["--file", path], &BY].concat());
    assert_eq!((&made["token"], &made["file"]), (&Value::Null, &json!(path)));
    let by_ci = |arguments: &[&str]| {
        let mut command = world.command(&[arguments, &BY].concat());
        command.env("DRIFTSEAL__GATEWAY__TOKEN_FILE", &file).output().unwrap()
    };
    world.until("the pipeline to be known", || {
        by_ci(&["suppress", "add", "--agent", "a", "--for", "1h"]).status.success()
    });
    for refused in [
        &["suppress", "add", "--agent", "b", "--for", "1h"][..],
        &["suppress", "add", "--agent", "a", "--tenant", "t", "--for", "1h"],
        &["maintenance", "start", "--all-agents", "--for", "1h"],
        &["token", "create", "mine"],
    ] {
        let output = by_ci(refused);
        let text = object(&output).to_string();
        assert_eq!(output.status.code(), Some(1), "{refused:?}: {text}");
        assert!(text.contains("forbidden_"), "{refused:?}: {text}");
    }
    let revoked = world.said(&[&["token", "revoke", "refunds"][..], &BY].concat());
    assert_eq!(revoked["recorded"]["kind"], "access.credential.revoked", "{revoked}");
    world.until("it to be revoked", || send(&world, &new, "refund-1") == 401);
    let listed = world.said(&["token", "list"]);
    let names: Vec<&Value> =
        listed["tokens"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["ci", "default", "mine"]);
    for secret in [&token, &new, &std::fs::read_to_string(&file).unwrap().trim().to_owned()] {
        assert!(
            !listed.to_string().contains(secret.as_str()) && !world.log().contains(secret.as_str())
        );
    }
    world.stop();
}

#[test]
fn a_listener_that_others_reach_needs_authentication_or_the_word_for_it() {
    let mut world = World::new();
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let open = format!("0.0.0.0:{port}");
    world.set([("DRIFTSEAL__LISTEN__COLLECTOR", &open)]);
    let refused = world.failed(&["up"], 2);
    assert!(refused.contains("`listen.collector`"), "{refused}");
    assert!(refused.contains("listen.insecure"), "{refused}");
    world.set([
        ("DRIFTSEAL__LISTEN__COLLECTOR", "127.0.0.1:0"),
        ("DRIFTSEAL__LISTEN__GATEWAY", &open),
    ]);
    let refused = world.failed(&["up"], 2);
    assert!(refused.contains("`listen.gateway`"), "{refused}");
    world.set([("DRIFTSEAL__LISTEN__INSECURE", "true")]);
    world.up();
    world.stop();
}
