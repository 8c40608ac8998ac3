//! Alerts reach their receivers through Apache Kafka: a signed webhook and a real Alertmanager each
//! hear of every alert once, while processor and notifier are killed over and over.
//!
//! Once means: whatever is sent again after a kill is, byte for byte, what was sent before, under
//! the same identifier, so that a receiver takes it for the same.
//!
//! One agent is under a suppression: nobody hears of it, the log says so once for each of the two,
//! and both hear of it once when the suppression is ended.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

use event::{column, kind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ports::EventLog;
use serde_json::Value;
use tests::alertmanager::{Alertmanager, told};
use tests::process::Role;
use tests::receiver::Receiver;
use tests::rng::Rng;
use tests::send::{run, send};
use tests::world::{ALERTS, World};
use tests::{topic, wait, workspace};

const AGENTS: usize = 12;
/// Runs of each of the two versions of an agent.
const RUNS: usize = 300;
const LIMIT: Duration = Duration::from_secs(120);
/// The agent of which nobody is to hear.
const MUTED: &str = "agent-0";
const BY: [&str; 4] = ["--by", "ana", "--reason", "a test"];

/// Runs of all agents, in rounds; the second version of each fails in every second run.
fn traffic(round: usize, rng: &mut Rng, now_ms: i64) -> Vec<Value> {
    let (version, share) = if round >= RUNS { ("v2", 0.5) } else { ("v1", 0.05) };
    let time = now_ms - 3_600_000 + i64::try_from(round).unwrap() * 2_000;
    let of = |agent: usize| {
        let id = format!("{agent}-{round}");
        run(&format!("agent-{agent}"), version, &id, time, rng.chance(share))
    };
    (0..AGENTS).map(of).collect()
}

/// Agents whose error rate a receiver was told of as firing.
fn agents(alerts: &[Value]) -> BTreeSet<String> {
    let is = |alert: &&Value| {
        alert["labels"]["metric"] == "run.error_rate" && alert["status"] == "firing"
    };
    alerts.iter().filter(is).map(|a| a["labels"]["agent_id"].to_string()).collect()
}

/// As a label is written.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// What the webhook was told: bodies by identifier.
fn messages(receiver: &Receiver) -> BTreeMap<String, BTreeSet<Vec<u8>>> {
    let mut messages: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for request in receiver.requests() {
        messages.entry(request.webhook_id.unwrap()).or_default().insert(request.body);
    }
    messages
}

/// Whether the webhook was told of that agent.
fn hears_of(hook: &Receiver, agent: &str) -> bool {
    let agent = format!("\"{agent}\"");
    let of_agent = |body: &Vec<u8>| {
        let text = String::from_utf8_lossy(body);
        text.contains(&agent) && text.contains("run.error_rate")
    };
    messages(hook).values().flatten().any(of_agent)
}

/// What the log says became of the alerts of the muted agent, by identifier: kind, sink, step and
/// suppression. When it was written is not compared: a notifier that was killed may say it again.
fn outcomes(log: &dyn EventLog) -> BTreeMap<String, BTreeSet<[String; 4]>> {
    let mut outcomes: BTreeMap<String, BTreeSet<[String; 4]>> = BTreeMap::new();
    for event in topic::events(log, ALERTS) {
        let text = |column| event.text(column).unwrap_or_default().to_owned();
        if text(column::KIND).starts_with("notification.") && text(column::AGENT_ID) == MUTED {
            let [sink, step, by] = [
                column::notification::SINK,
                column::notification::STEP,
                column::notification::SUPPRESSED_BY,
            ]
            .map(text);
            outcomes.entry(text(column::EVENT_ID)).or_default().insert([
                text(column::KIND),
                sink,
                step,
                by,
            ]);
        }
    }
    outcomes
}

/// Sinks for which the log says that, each as often as under an identifier of its own.
fn sinks_of(log: &dyn EventLog, kind: &str, step: &str, suppression: &str) -> Vec<String> {
    let outcomes = outcomes(log);
    assert!(outcomes.values().all(|said| said.len() == 1), "said in two ways: {outcomes:?}");
    let all = outcomes.into_values().flatten();
    let fits = all.filter(|[k, _, s, by]| k == kind && s == step && by == suppression);
    let mut sinks: Vec<String> = fits.map(|[_, sink, ..]| sink).collect();
    sinks.sort();
    sinks
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
    service::files::write_secret(&token, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let configuration = format!(
        "[notifier]\npoll_wait_ms = 50\nretry_pause_ms = 100\n\
         [notifier.sinks.hook]\ntype = 'webhook'\nurl = '{}'\ntoken_file = '{}'\n\
         [notifier.sinks.am]\ntype = 'alertmanager'\nurl = '{}'\n",
        hook.url(),
        token.display(),
        alertmanager.url()
    );
    let Some(world) = World::start_with("notify_kafka", &configuration) else { return };

    let mut gateway = world.gateway();
    let suppress = ["--output", "json", "suppress", "add", "--agent", MUTED, "--for", "1h"];
    let said: Value = serde_json::from_str(&world.command(&[&suppress[..], &BY].concat())).unwrap();
    let suppression = said["suppression_id"].as_str().unwrap();

    let mut roles: Vec<Role> = ["processor", "notifier"].map(|role| world.role(role)).into();
    let log = world.log();
    let sent = Arc::new(AtomicBool::new(false));
    let sender = {
        let sent = Arc::clone(&sent);
        thread::spawn(move || {
            let mut rng = Rng::new(7);
            let now_ms = service::clock::now_ms();
            for round in 0..2 * RUNS {
                send(&*log, &traffic(round, &mut rng, now_ms));
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

    let others = || (1..AGENTS).map(|agent| format!("agent-{agent}"));
    wait::until("the webhook to hear of every agent", LIMIT, || {
        others().all(|agent| hears_of(&hook, &agent)).then_some(())
    });
    wait::until("the Alertmanager's receiver to hear of every agent", LIMIT, || {
        (agents(&told(&downstream)).len() == AGENTS - 1).then_some(())
    });
    let log = world.log();
    let noted =
        |log: &dyn EventLog| sinks_of(log, kind::NOTIFICATION_SUPPRESSED, "firing", suppression);
    wait::until("the log to say of whom nobody hears", LIMIT, || {
        (noted(&*log) == ["am", "hook"]).then_some(())
    });
    roles[1].kill_and_restart();
    assert!(!hears_of(&hook, MUTED) && !agents(&told(&downstream)).contains(&quoted(MUTED)));

    world.command(&[&["suppress", "end", suppression][..], &BY].concat());
    roles[0].kill_and_restart();
    wait::until("both to hear of the alert when its suppression is ended", LIMIT, || {
        let all = hears_of(&hook, MUTED) && agents(&told(&downstream)).contains(&quoted(MUTED));
        all.then_some(())
    });
    wait::until("the log to say that both were told", LIMIT, || {
        (sinks_of(&*log, kind::NOTIFICATION_DELIVERED, "firing", "") == ["am", "hook"])
            .then_some(())
    });
    assert_eq!(noted(&*log), ["am", "hook"], "said once of each");
    roles.iter_mut().for_each(Role::kill);
    gateway.kill();

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
