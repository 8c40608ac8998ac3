//! A real Alertmanager: an alert appears in it, is updated, resolves; and whoever Alertmanager
//! tells hears of each once, although the notifier is dropped in the middle.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::time::Duration;

use event::{EventBuilder, Timestamp, column};
use notifier::{Config, Notifier};
use ports::{EventLog, Outgoing, TopicSpec, publish_and_wait};
use serde_json::Value;
use service::Role as _;
use service::clock::now_ms;
use sim::MemoryLog;
use tests::alertmanager::{Alertmanager, told};
use tests::owner::Owner;
use tests::receiver::Receiver;
use tests::{wait, workspace};

const LIMIT: Duration = Duration::from_secs(60);
const ALERT_ID: &str = "0192f0c1-0000-8000-8000-000000000001";

fn owner() -> Owner {
    Owner::of("log.example/a")
}

fn publish(log: &MemoryLog, step: &str) {
    let config = Config::default();
    let event = EventBuilder::new(&format!("drift.alert.{step}"))
        .set(column::EVENT_ID, format!("{ALERT_ID}-{step}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(now_ms()))
        .set(column::AGENT_ID, "support")
        .set(column::AGENT_VERSION, "v2")
        .set(column::ENVIRONMENT, "production")
        .set(column::actor::ID, "ana@example.org")
        .set(column::drift::ALERT_ID, ALERT_ID)
        .set(column::drift::METRIC, "run.error_rate")
        .set(column::drift::DIRECTION, "rising")
        .set(column::drift::SEVERITY, "page")
        .set(column::drift::RUNBOOK_URL, "https://runbooks.example/drift")
        .set(column::drift::REASON, "a reason")
        .build()
        .unwrap();
    let offset = i64::from(step == "resolved");
    let (topic, event) = match step {
        "acknowledged" => (config.topics.governance, owner().act(1, event)),
        _ => (config.topics.alerts, owner().first_alert(("agent.events", 0, offset), event)),
    };
    let record = Outgoing::event(topic, &event).in_partition(0).with_key("support");
    log.set_now_ms(now_ms());
    publish_and_wait(&*log.producer(), vec![record], LIMIT).unwrap();
}

#[test]
fn an_alert_appears_is_updated_and_resolves() {
    let receiver = Receiver::start();
    let Some(alertmanager) = Alertmanager::start(receiver.url()) else {
        workspace::not_run("alertmanager", "no prometheus-alertmanager; `tests/setup.sh all`");
        return;
    };
    let text = format!(
        "poll_wait_ms = 20\n[sinks.am]\ntype = 'alertmanager'\nurl = '{}'\nresend_secs = 1\n\
         hold_secs = 30\nlabels = {{ team = 'agents' }}\n",
        alertmanager.url()
    );
    let config: Config = toml::from_str(&text).unwrap();
    let log = MemoryLog::new();
    let topics = [&config.topics.alerts, &config.topics.governance, &config.topics.state];
    let specs = topics.map(|name| TopicSpec {
        name: name.clone(),
        partitions: 1,
        compacted: *name == config.topics.state,
        kept: *name == config.topics.governance,
    });
    log.create_topics(&specs).unwrap();
    let start =
        || Notifier::start(config.clone(), owner().notifier(), Arc::new(log.clone())).unwrap();
    let mut role = start();

    publish(&log, "pending");
    publish(&log, "firing");
    let alert = wait::until("the alert", LIMIT, || {
        role.step(Duration::ZERO).unwrap();
        alertmanager.firing().pop()
    });
    assert_eq!(alert["labels"]["alert_id"], ALERT_ID);
    assert_eq!(alert["labels"]["severity"], "page");
    assert_eq!(alert["labels"]["team"], "agents");
    assert_eq!(alert["annotations"]["runbook_url"], "https://runbooks.example/drift");
    let first_end = alert["endsAt"].clone();

    // Dropped here: its outcome may be in the log or not. The next one goes on.
    drop(role);
    let mut role = start();
    wait::until("the alert to be told again", LIMIT, || {
        role.step(Duration::ZERO).unwrap();
        let firing = alertmanager.firing();
        assert_eq!(firing.len(), 1, "the same alert, not another one");
        (firing[0]["endsAt"] != first_end).then_some(())
    });

    publish(&log, "acknowledged");
    wait::until("the update", LIMIT, || {
        role.step(Duration::ZERO).unwrap();
        let firing = alertmanager.firing();
        (firing[0]["annotations"]["acknowledged_by"] == "ana@example.org").then_some(())
    });

    publish(&log, "resolved");
    wait::until("the end", LIMIT, || {
        role.step(Duration::ZERO).unwrap();
        let is_told = told(&receiver).iter().any(|told| told["status"] == "resolved");
        (is_told && alertmanager.firing().is_empty()).then_some(())
    });
    role.finish().unwrap();

    let received = told(&receiver);
    let statuses: Vec<&Value> = received.iter().map(|told| &told["status"]).collect();
    assert_eq!(statuses, ["firing", "resolved"], "{received:?}\n{}", alertmanager.words());
    let end = &received[1];
    assert_eq!(end["annotations"]["summary"], "support v2: run.error_rate is rising");
    assert_eq!(end["annotations"]["resolved_reason"], "a reason");
}
