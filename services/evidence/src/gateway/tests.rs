//! The gateway over real HTTP, publishing to the log of the simulator.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::access::Role;
use event::{Decoder, Event, EventBuilder, Limits, Timestamp, TopicPartition, column, kind};
use governance::{Id, Installation, Signer, Trust, verify_act};
use merkle::note::SigningKey;
use ports::{EventLog as _, Outgoing, TopicSpec, publish_and_wait};
use serde_json::{Value, json};
use service::Shutdown;
use service::access::{CREDENTIALS_FILE, Gate};
use service::files::read_secret;
use sim::MemoryLog;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);
const EVENTS: &str = "agent.events";
const ALERTS: &str = "driftseal.alerts";
const GOVERNANCE: &str = "driftseal.governance";

struct World {
    log: MemoryLog,
    address: SocketAddr,
    token: String,
    trust: Trust,
    signer: Signer,
    shutdown: Shutdown,
    _directory: tempfile::TempDir,
}

struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn fields(&self) -> Vec<&str> {
        let fields = self.body["error"]["fields"].as_array().unwrap();
        fields.iter().map(|field| field["field"].as_str().unwrap()).collect()
    }
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).unwrap()
}

fn id(byte: u8) -> Id {
    Id::from_bytes([byte; 16])
}

impl World {
    fn start() -> Self {
        let log = MemoryLog::new();
        let topic = |name: &str, partitions| TopicSpec {
            name: name.to_owned(),
            partitions,
            compacted: false,
            kept: false,
        };
        log.create_topics(&[topic(ALERTS, 2), topic(GOVERNANCE, 1), topic(EVENTS, 2)]).unwrap();
        let installation =
            Installation { origin: "log.example/a".into(), topic_prefix: String::new() };
        let (governance, processor) = (key("g", 1), key("p", 2));
        let trust = Trust::parse(
            installation.clone(),
            [processor.verifier().to_vkey()],
            [governance.verifier().to_vkey()],
        )
        .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp::from_micros(now_micros());
        let token = make_first(directory.path(), "default", now).unwrap();
        let shutdown = Shutdown::new();
        let credentials = directory.path().join(CREDENTIALS_FILE);
        let gate = Gate::watching(&credentials, Role::Act, shutdown.clone()).unwrap();
        let parts = Parts {
            ready: ready::Config::default(),
            config: Config { hosts: vec!["gateway.internal".into()], ..Config::default() },
            log: Arc::new(log.clone()),
            topics: Topics { governance: GOVERNANCE.into(), alerts: ALERTS.into() },
            specs: vec![topic("more", 2)],
            key: governance,
            installation: installation.clone(),
            trust: trust.clone(),
            gate,
        };
        let (send, receive) = std::sync::mpsc::channel();
        let stop = shutdown.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send(listener.local_addr().unwrap()).unwrap();
                run(parts, listener, stop).await;
            });
        });
        Self {
            address: receive.recv_timeout(PATIENCE).unwrap(),
            token: read_secret(&token).unwrap().trim().to_owned(),
            signer: Signer::new(
                processor,
                installation,
                TopicPartition::new(EVENTS, 1),
                (id(1), 1),
                id(2),
            ),
            log,
            trust,
            shutdown,
            _directory: directory,
        }
    }

    fn request(&self, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let url = format!("http://{}{path}", self.address);
        let mut all = vec![("content-type", "application/json")];
        let bearer = format!("Bearer {}", self.token);
        all.push(("authorization", &bearer));
        all.retain(|(name, _)| headers.iter().all(|(other, _)| other != name));
        all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
        let sent = match body {
            Some(body) => {
                let mut request = agent.post(&url);
                for (name, value) in all {
                    request = request.header(name, value);
                }
                request.send(body.as_bytes())
            }
            None => {
                let mut request = agent.get(&url);
                for (name, value) in all {
                    request = request.header(name, value);
                }
                request.call()
            }
        };
        let mut answer = sent.unwrap();
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap() }
    }

    fn act(&self, body: Value) -> Answer {
        self.request("/v1/acts", &[], Some(&body.to_string()))
    }

    fn list(&self, name: &str) -> Value {
        let answer = self.request(&format!("/v1/{name}"), &[], None);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    fn recorded(&self) -> Vec<Event<'static>> {
        let batch = self.log.records(&TopicPartition::new(GOVERNANCE, 0));
        let decoder = Decoder::new(Limits::default());
        let records = batch.iter().flat_map(|batch| {
            batch
                .records()
                .map(|record| decoder.decode(&record).event.into_owned())
                .collect::<Vec<_>>()
        });
        records.collect()
    }

    /// Publishes an event of the alerts topic, in the partition of the signer.
    fn said(&self, event: &Event<'_>) {
        let record = Outgoing::event(ALERTS, event).in_partition(1);
        publish_and_wait(&*self.log.producer(), vec![record], PATIENCE).unwrap();
    }

    fn alert(&self, kind: &str, alert_id: &str) -> Event<'static> {
        EventBuilder::new(kind)
            .set(column::EVENT_ID, format!("{kind}{alert_id}"))
            .set(column::EVENT_TIME, Timestamp::from_micros(5))
            .set(column::AGENT_ID, "refund-desk")
            .set(column::drift::ALERT_ID, alert_id)
            .set(column::drift::METRIC, "run.error_rate")
            .set(column::drift::SINCE_TIME, Timestamp::from_micros(1_000_000))
            .set(column::origin::TOPIC, EVENTS)
            .set(column::origin::PARTITION, 1_i64)
            .set(column::origin::OFFSET, 7_i64)
            .build()
            .unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

fn suppression() -> Value {
    json!({
        "kind": kind::DRIFT_SUPPRESSION_STARTED,
        "agent_id": "refund-desk",
        "for_secs": 3600,
        "by": "ana",
        "reason": "known",
    })
}

#[test]
fn nobody_is_heard_without_the_token_and_no_web_page_with_it() {
    let world = World::start();
    let body = suppression().to_string();
    for (headers, status, code) in [
        (&[("authorization", "")][..], 401, "unauthenticated"),
        (&[("authorization", "Bearer x")], 401, "unauthenticated"),
        (&[("authorization", "Basic eDp5")], 401, "unauthenticated"),
        (&[("content-type", "text/plain")], 415, "content_type"),
        (&[("host", "evil.example")], 421, "unknown_host"),
        (&[("origin", "http://evil.example")], 403, "foreign_origin"),
        (&[("origin", "null")], 403, "foreign_origin"),
    ] {
        let answer = world.request("/v1/acts", headers, Some(&body));
        assert_eq!((answer.status, answer.code()), (status, code), "{headers:?}");
        if code != "content_type" {
            let answer = world.request("/v1/alerts", headers, None);
            assert_eq!((answer.status, answer.code()), (status, code), "{headers:?}");
        }
    }
    assert_eq!(world.recorded().len(), 0);
    let named = world.request("/v1/acts", &[("host", "gateway.internal")], Some(&body));
    assert_eq!(named.status, 201, "{}", named.body);
}

#[test]
fn an_act_is_signed_for_this_installation_and_answered_with_its_position() {
    let world = World::start();
    let answer = world.act(suppression());
    assert_eq!(answer.status, 201, "{}", answer.body);
    let recorded = world.recorded();
    assert_eq!(recorded.len(), 1);
    let act = &recorded[0];
    assert!(verify_act(&world.trust, act).is_ok());
    assert_eq!(act.text(column::EVENT_ID), answer.body["event_id"].as_str());
    assert_eq!(answer.body["suppression_id"], answer.body["event_id"]);
    assert_eq!(
        (&answer.body["topic"], &answer.body["partition"], &answer.body["offset"]),
        (&json!(GOVERNANCE), &json!(0), &json!(0))
    );
    assert_eq!(act.text(column::actor::ID), Some("ana"));
    assert_eq!(act.text(column::actor::EVIDENCE_LEVEL), Some("self_reported"));
    assert_eq!(act.text(column::actor::AUTHN), Some("token"));
    // Another installation does not obey it, and neither does this one what another signed.
    let other = Installation { origin: "log.example/b".into(), topic_prefix: String::new() };
    let keys = [key("g", 1).verifier().to_vkey()];
    let other = Trust::parse(other, [], keys).unwrap();
    assert!(verify_act(&other, act).is_err());
}

#[test]
fn every_sort_of_act_is_taken_over_http() {
    let world = World::start();
    let suite = "suite: s\nchecks: [{type: citation_present}]\n";
    for body in [
        json!({"kind": kind::MAINTENANCE_STARTED, "all_agents": true, "for_secs": 60}),
        json!({"kind": kind::MAINTENANCE_STARTED, "agent_id": "a", "from": "2020-01-01T00:00:00Z",
            "until": Timestamp::from_micros(now_micros() + 60_000_000).to_string()}),
        json!({"kind": kind::DRIFT_BASELINE_PINNED, "agent_id": "a", "agent_version": "v1"}),
        json!({"kind": kind::DRIFT_BASELINE_UNPINNED, "agent_id": "a"}),
        json!({"kind": kind::AGENT_VERSION_DEPLOYED, "agent_id": "a", "agent_version": "v2",
            "agent": {"to_version": "v2", "traffic_share": 0.3}}),
        json!({"kind": kind::CHANGE_APPROVED, "agent_id": "a", "change": {"id": "CHG-1"}}),
    ] {
        let mut body = body;
        body["by"] = json!("ci");
        body["reason"] = json!("a test");
        let answer = world.act(body.clone());
        assert_eq!(answer.status, 201, "{body} {}", answer.body);
    }
    let body = json!({"kind": kind::EVAL_SUITE_PUBLISHED, "document": suite, "by": "ci"});
    assert_eq!(world.act(body).status, 201);
    let body = json!({"kind": kind::RISK_ACCEPTED, "risk": {"id": "R-1"}, "by": "ci"});
    assert_eq!(world.act(body.clone()).status, 201);
    let mut with_reason = body;
    with_reason["reason"] = json!("a risk has none");
    with_reason["risk"]["colour"] = json!("red");
    let refused = world.act(with_reason);
    let mut fields = refused.fields();
    fields.sort_unstable();
    assert_eq!((refused.status, fields), (400, vec!["reason", "risk.colour"]));
    let recorded = world.recorded();
    assert_eq!(recorded.len(), 8);
    assert!(recorded.iter().all(|act| verify_act(&world.trust, act).is_ok()));
    let deployed = recorded
        .iter()
        .find(|act| act.text(column::KIND) == Some(kind::AGENT_VERSION_DEPLOYED))
        .unwrap();
    assert_eq!(deployed.number(column::agent::TRAFFIC_SHARE), Some(0.3));
    assert_eq!(deployed.text(column::agent::REASON), Some("a test"));
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let world = World::start();
    for (body, fields) in [
        (json!({}), &["kind"][..]),
        (json!({"kind": "drift.suppression.started"}), &["agent_id", "until", "by", "reason"]),
        (
            json!({"kind": "drift.suppression.started", "agent": "a", "severity": "loud",
                "for_secs": 0, "by": " ", "reason": 7, "until": "tomorrow"}),
            &["severity", "agent_id", "until", "for_secs", "by", "reason", "agent"],
        ),
        (
            json!({"kind": "drift.suppression.started", "agent_id": "a", "by": "a", "reason": "r",
                "for_secs": 31 * 24 * 3600}),
            &["for_secs"],
        ),
        (
            json!({"kind": "maintenance.started", "by": "a", "reason": "r", "for_secs": 60}),
            &["agent_id"],
        ),
        (
            json!({"kind": "drift.baseline.pinned", "agent_id": "a", "metric": "x", "by": "a",
                "reason": "r"}),
            &["metric"],
        ),
        (
            json!({"kind": "eval.suite.published", "by": "a", "document": "suite: s\n"}),
            &["document"],
        ),
        // What agents, the monitor and nobody write.
        (json!({"kind": "run.completed", "by": "a"}), &["kind"]),
        (json!({"kind": "monitor.tick", "by": "a"}), &["kind"]),
        (json!({"kind": "made.up", "by": "a"}), &["kind"]),
        (
            json!({"kind": "risk.accepted", "by": "a", "actor": {"id": "b"}, "origin": {},
                "event_time": "2026-01-01T00:00:00Z"}),
            &["actor", "event_time", "origin"],
        ),
    ] {
        let answer = world.act(body.clone());
        assert_eq!((answer.status, answer.code()), (400, "invalid_field"), "{body}");
        assert_eq!(answer.fields(), fields, "{body}: {}", answer.body);
    }
    let long = format!("{{\"kind\":\"{}\"}}", "x".repeat(3 << 19));
    for (body, status, code) in [
        ("", 400, "invalid_json"),
        ("[]", 400, "invalid_json"),
        ("{", 400, "invalid_json"),
        (long.as_str(), 413, "body_too_large"),
    ] {
        let answer = world.request("/v1/acts", &[], Some(body));
        assert_eq!((answer.status, answer.code()), (status, code));
    }
    let nowhere = world.request("/v1/nowhere", &[], None);
    assert_eq!((nowhere.status, nowhere.code()), (404, "no_such_route"));
    assert_eq!(world.recorded().len(), 0);
}

#[test]
fn only_signed_alerts_are_listed_and_answered_and_forged_ones_are_counted() {
    let world = World::start();
    let firing = world.alert(kind::DRIFT_ALERT_FIRING, "real");
    world.said(&world.signer.sign_alert(firing));
    // Nobody's, and one that was signed for another partition.
    world.said(&world.alert(kind::DRIFT_ALERT_FIRING, "forged"));
    let mut moved = world.alert(kind::DRIFT_ALERT_FIRING, "moved");
    moved.set(column::origin::PARTITION.id(), 0_i64.into());
    world.said(&world.signer.sign_alert(moved));
    world.said(&world.alert(kind::DRIFT_ALERT_RESOLVED, "real"));
    let listed = world.list("alerts");
    assert_eq!(listed["forged_records"], 3, "{listed}");
    let alerts = listed["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 1, "{listed}");
    assert_eq!(
        (&alerts[0]["alert_id"], &alerts[0]["since"]),
        (&json!("real"), &json!("1970-01-01T00:00:01.000000Z"),)
    );
    assert!(alerts[0]["fired_at"].is_string() && alerts[0]["acknowledged_at"].is_null());

    let answer = |kind: &str, alert_id: &str| {
        world.act(json!({"kind": kind, "alert_id": alert_id, "by": "ana", "reason": "mine"}))
    };
    for unknown in ["forged", "moved", "none"] {
        let refused = answer(kind::DRIFT_ALERT_DISMISSED, unknown);
        assert_eq!((refused.status, refused.code()), (409, "not_in_force"), "{unknown}");
    }
    assert_eq!(answer(kind::DRIFT_ALERT_ACKNOWLEDGED, "real").status, 201);
    let listed = world.list("alerts");
    let alert = &listed["alerts"][0];
    assert_eq!(alert["acknowledged_by"], "ana");
    assert!(alert["acknowledged_at"].is_string(), "{alert}");
    // A forged dismissal does not end it; the gateway's own does.
    let mut forged = world.alert(kind::DRIFT_ALERT_DISMISSED, "real");
    forged.set(column::actor::ID.id(), "eve".into());
    let record = Outgoing::event(GOVERNANCE, &forged).in_partition(0);
    publish_and_wait(&*world.log.producer(), vec![record], PATIENCE).unwrap();
    assert_eq!(world.list("alerts")["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(answer(kind::DRIFT_ALERT_DISMISSED, "real").status, 201);
    assert_eq!(world.list("alerts")["alerts"], json!([]));
    let resolved = world.alert(kind::DRIFT_ALERT_RESOLVED, "real");
    world.said(&world.signer.sign_alert(resolved));
    assert_eq!(world.list("alerts")["alerts"], json!([]));
}

#[test]
fn topics_are_made_by_the_process_that_has_the_log() {
    let world = World::start();
    assert!(world.log.partitions("more").is_err());
    let made = world.request("/v1/topics", &[], Some("{}"));
    assert_eq!((made.status, &made.body["topics"]), (200, &json!(["more"])));
    assert_eq!(world.log.partitions("more").unwrap(), 2);
}

#[test]
fn the_examples_of_the_page_are_acts() {
    let page = include_str!("../../README.md");
    let examples = page.split("```json acts\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(examples.lines().count() >= 12);
    for example in examples.lines() {
        assert!(dry_run(example.as_bytes()).is_some(), "{example}");
    }
}

mod readiness;
mod repeated;
