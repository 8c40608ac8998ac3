//! A real Alertmanager: an alert appears in it, is updated, resolves; and whoever Alertmanager
//! tells hears of each once, although the notifier is dropped in the middle.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use event::{EventBuilder, Timestamp, encode};
use notifier::{Config, Role};
use ports::{EventLog, Outgoing, TopicSpec, publish_and_wait};
use serde_json::Value;
use service::clock::now_ms;
use sim::MemoryLog;
use tempfile::TempDir;
use tests::{wait, workspace};

/// Names under which the binary goes: Debian's, and that of the project.
const BINARIES: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];
const LIMIT: Duration = Duration::from_secs(60);
const ALERT_ID: &str = "0192f0c1-0000-8000-8000-000000000001";

/// A running Alertmanager that tells one webhook of everything. Killed when dropped.
struct Alertmanager {
    child: Child,
    url: String,
    directory: TempDir,
}

impl Alertmanager {
    /// `None` if there is none on this machine.
    fn start(receiver: &str) -> Option<Self> {
        let is_there = |binary: &&&str| {
            let version = Command::new(binary).arg("--version").stderr(Stdio::null()).output();
            version.is_ok_and(|output| output.status.success())
        };
        let binary = BINARIES.iter().find(is_there)?;
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("alertmanager.yml");
        let text = format!(
            "route:\n  receiver: hook\n  group_by: ['alert_id']\n  group_wait: 0s\n  \
             group_interval: 1s\n  repeat_interval: 1h\nreceivers:\n  - name: hook\n    \
             webhook_configs:\n      - url: {receiver}\n        send_resolved: true\n"
        );
        std::fs::write(&config, text).unwrap();
        // The port is free now; should somebody else take it meanwhile, the process ends, and the
        // wait below says so.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let child = Command::new(binary)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address={free}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut started = Self { child, url: format!("http://{free}"), directory };
        wait::until("the Alertmanager", LIMIT, || {
            let ended = started.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", started.words());
            started.get("/-/ready").map(drop)
        });
        Some(started)
    }

    fn words(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut answer = ureq::get(format!("{}{path}", self.url)).call().ok()?;
        answer.body_mut().read_to_string().ok()
    }

    /// The alerts that it holds as firing.
    fn firing(&self) -> Vec<Value> {
        let text = self.get("/api/v2/alerts?active=true").unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Takes what Alertmanager sends: status and annotations of each alert.
fn receiver() -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, kept) = (stream.unwrap(), Arc::clone(&kept));
            thread::spawn(move || while take(&stream, &kept).is_some() {});
        }
    });
    (url, received)
}

fn take(mut stream: &TcpStream, kept: &Mutex<Vec<Value>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let message: Value = serde_json::from_slice(&body).ok()?;
    kept.lock().unwrap().extend(message["alerts"].as_array().cloned().unwrap_or_default());
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
}

fn publish(log: &MemoryLog, step: &str) {
    let config = Config::default();
    let event = EventBuilder::new(&format!("drift.alert.{step}"))
        .set("event_id", format!("{ALERT_ID}-{step}"))
        .set("event_time", Timestamp::from_millis(now_ms()))
        .set("agent_id", "support")
        .set("agent_version", "v2")
        .set("environment", "production")
        .set("actor.id", "ana@example.org")
        .set("drift.alert_id", ALERT_ID)
        .set("drift.metric", "run.error_rate")
        .set("drift.direction", "rising")
        .set("drift.severity", "page")
        .set("drift.runbook_url", "https://runbooks.example/drift")
        .set("drift.reason", "a reason")
        .build()
        .unwrap();
    let mut value = Vec::new();
    encode::encode(&event, &mut value);
    let record = Outgoing {
        topic: config.topics.alerts.as_str().into(),
        partition: Some(0),
        key: Some(b"support".to_vec()),
        value: Some(value),
        headers: Vec::new(),
    };
    log.set_now_ms(now_ms());
    publish_and_wait(&*log.producer(), vec![record], LIMIT).unwrap();
}

#[test]
fn an_alert_appears_is_updated_and_resolves() {
    let (hook, received) = receiver();
    let Some(alertmanager) = Alertmanager::start(&hook) else {
        workspace::not_run("alertmanager", "no prometheus-alertmanager; `tests/setup.sh all`");
        return;
    };
    let text = format!(
        "poll_wait_ms = 20\n[sinks.am]\ntype = 'alertmanager'\nurl = '{}'\nresend_secs = 1\n\
         hold_secs = 30\nlabels = {{ team = 'agents' }}\n",
        alertmanager.url
    );
    let config: Config = toml::from_str(&text).unwrap();
    let log = MemoryLog::new();
    let topics = [&config.topics.alerts, &config.topics.state];
    let specs =
        topics.map(|name| TopicSpec { name: name.clone(), partitions: 1, compacted: false });
    log.create_topics(&specs).unwrap();
    let start = || Role::start(config.clone(), Arc::new(log.clone())).unwrap();
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
        let is_told = received.lock().unwrap().iter().any(|told| told["status"] == "resolved");
        (is_told && alertmanager.firing().is_empty()).then_some(())
    });
    role.finish();

    let received = received.lock().unwrap();
    let statuses: Vec<&Value> = received.iter().map(|told| &told["status"]).collect();
    assert_eq!(statuses, ["firing", "resolved"], "{received:?}\n{}", alertmanager.words());
    let end = &received[1];
    assert_eq!(end["annotations"]["summary"], "support v2: run.error_rate is rising");
    assert_eq!(end["annotations"]["resolved_reason"], "a reason");
}
