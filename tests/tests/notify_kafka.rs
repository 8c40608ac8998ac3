//! Alerts reach their receivers through Apache Kafka: a signed webhook and a real Alertmanager each
//! hear of every alert once, while processor and notifier are killed over and over.
//!
//! Once means: whatever is sent again after a kill is, byte for byte, what was sent before, under
//! the same identifier, so that a receiver takes it for the same.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ports::{Outgoing, publish_and_wait};
use serde_json::Value;
use tests::alertmanager::{Alertmanager, told};
use tests::process::Role;
use tests::receiver::Receiver;
use tests::rng::Rng;
use tests::world::{EVENTS, World};
use tests::{wait, workspace};

const AGENTS: usize = 12;
/// Runs of each of the two versions of an agent.
const RUNS: usize = 300;
const LIMIT: Duration = Duration::from_secs(120);

/// Runs of all agents, in rounds; the second version of each fails in every second run.
fn traffic(round: usize, rng: &mut Rng, now_ms: i64) -> Vec<Outgoing> {
    let worse = round >= RUNS;
    let record = |agent: usize, rng: &mut Rng| {
        let failed = rng.chance(if worse { 0.5 } else { 0.05 });
        let time = now_ms - 3_600_000 + i64::try_from(round).unwrap() * 2_000;
        let value = serde_json::json!({
            "kind": "run.completed",
            "event_id": format!("{agent}-{round}"),
            "event_time": event::Timestamp::from_millis(time).to_rfc3339().unwrap(),
            "agent_id": format!("agent-{agent}"),
            "agent_version": if worse { "v2" } else { "v1" },
            "run_id": format!("run-{agent}-{round}"),
            "run": {"status": if failed { "error" } else { "ok" }},
        });
        Outgoing {
            topic: EVENTS.into(),
            key: Some(format!("agent-{agent}").into_bytes()),
            value: Some(value.to_string().into_bytes()),
            ..Outgoing::default()
        }
    };
    (0..AGENTS).map(|agent| record(agent, rng)).collect()
}

/// Agents whose error rate a receiver was told of as firing.
fn agents(alerts: &[Value]) -> BTreeSet<String> {
    let is = |alert: &&Value| {
        alert["labels"]["metric"] == "run.error_rate" && alert["status"] == "firing"
    };
    alerts.iter().filter(is).map(|a| a["labels"]["agent_id"].to_string()).collect()
}

/// What the webhook was told: bodies by identifier.
fn messages(receiver: &Receiver) -> BTreeMap<String, BTreeSet<Vec<u8>>> {
    let mut messages: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for request in receiver.requests() {
        messages.entry(request.webhook_id.unwrap()).or_default().insert(request.body);
    }
    messages
}

#[test]
fn every_alert_is_told_once_while_processor_and_notifier_are_killed() {
    let (hook, downstream) = (Receiver::start(), Receiver::start());
    let Some(alertmanager) = Alertmanager::start(downstream.url()) else {
        workspace::not_run("notify_kafka", "no prometheus-alertmanager; `tests/setup.sh all`");
        return;
    };
    let secrets = tempfile::tempdir().unwrap();
    let token = secrets.path().join("token");
    std::fs::write(&token, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let configuration = format!(
        "[notifier]\npoll_wait_ms = 50\nretry_pause_ms = 100\n\
         [notifier.sinks.hook]\ntype = 'webhook'\nurl = '{}'\ntoken_file = '{}'\n\
         [notifier.sinks.am]\ntype = 'alertmanager'\nurl = '{}'\n",
        hook.url(),
        token.display(),
        alertmanager.url()
    );
    let Some(world) = World::start_with("notify_kafka", &configuration) else { return };

    let mut roles: Vec<Role> = ["processor", "notifier"].map(|role| world.role(role)).into();
    let log = world.log();
    let sent = Arc::new(AtomicBool::new(false));
    let sender = {
        let sent = Arc::clone(&sent);
        thread::spawn(move || {
            let mut rng = Rng::new(7);
            let now_ms = service::clock::now_ms();
            let producer = log.producer();
            for round in 0..2 * RUNS {
                publish_and_wait(&*producer, traffic(round, &mut rng, now_ms), LIMIT).unwrap();
                thread::sleep(Duration::from_millis(30));
            }
            sent.store(true, Ordering::SeqCst);
        })
    };
    let (mut rng, mut kills) = (Rng::new(8), 0);
    while !sent.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(800 + rng.below(1_500)));
        roles[kills % 2].kill_and_restart();
        kills += 1;
    }
    sender.join().unwrap();
    assert!(kills >= 6, "{kills}");

    let firing = |messages: &BTreeMap<String, BTreeSet<Vec<u8>>>| {
        let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
        let all: Vec<String> = messages.values().flatten().map(|body| text(body)).collect();
        let of = |agent: usize| {
            let agent = format!("\"agent-{agent}\"");
            all.iter().any(|body| body.contains(&agent) && body.contains("run.error_rate"))
        };
        (0..AGENTS).filter(|agent| of(*agent)).count()
    };
    wait::until("the webhook to hear of every agent", LIMIT, || {
        (firing(&messages(&hook)) == AGENTS).then_some(())
    });
    wait::until("the Alertmanager's receiver to hear of every agent", LIMIT, || {
        (agents(&told(&downstream)).len() == AGENTS).then_some(())
    });
    roles.iter_mut().for_each(Role::kill);

    let messages = messages(&hook);
    let requests = hook.requests().len();
    println!(
        "{kills} kills; {} messages to the webhook in {requests} requests; {} told downstream",
        messages.len(),
        told(&downstream).len()
    );
    for (id, bodies) in &messages {
        assert_eq!(bodies.len(), 1, "{id} was told in two ways");
    }
    // Alertmanager tells of a firing alert once; who hears twice was told of two alerts.
    let firing: Vec<Value> =
        told(&downstream).into_iter().filter(|alert| alert["status"] == "firing").collect();
    let distinct: BTreeSet<String> =
        firing.iter().map(|alert| alert["labels"]["alert_id"].to_string()).collect();
    assert_eq!(firing.len(), distinct.len(), "{firing:?}");
}
