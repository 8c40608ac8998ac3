//! Commands while `driftseal up` runs on the embedded log, which belongs to one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use event::TopicPartition;
use ports::EventLog as _;
use serde_json::{Value, json};
use service::clock::Stopwatch;

const PATIENCE: Duration = Duration::from_secs(60);
const BY: [&str; 4] = ["--by", "ana", "--reason", "a test"];

struct World {
    directory: tempfile::TempDir,
    addresses: Vec<(&'static str, String)>,
    up: Option<Child>,
}

impl World {
    fn new() -> Self {
        let free = |name| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            (name, listener.local_addr().unwrap().to_string())
        };
        let addresses = [
            "DRIFTSEAL__LISTEN__COLLECTOR",
            "DRIFTSEAL__LISTEN__OPERATIONS",
            "DRIFTSEAL__LISTEN__EVIDENCE",
            "DRIFTSEAL__LISTEN__GATEWAY",
        ];
        Self {
            directory: tempfile::tempdir().unwrap(),
            addresses: addresses.map(free).into(),
            up: None,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftseal"));
        command.args(["--output", "json"]).args(arguments).current_dir(self.directory.path());
        command.env_clear().envs(self.addresses.iter().map(|(name, at)| (name, at)));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that succeeds says.
    fn said(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let value = object(&output);
        assert!(output.status.success(), "{arguments:?}: {value}");
        value
    }

    /// What a command says that fails with that code.
    fn failed(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let value = object(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {value}");
        value.pointer("/error/message").and_then(Value::as_str).unwrap().to_owned()
    }

    fn up(&mut self) {
        let log = std::fs::File::create(self.directory.path().join("up.log")).unwrap();
        let child = self.command(&["up"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.up = Some(child);
        let watch = Stopwatch::start();
        while !self.run(&["suppress", "list"]).status.success() {
            assert!(!watch.has_passed(PATIENCE), "{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends the process as a supervisor would.
    fn stop(&mut self) {
        let mut up = self.up.take().unwrap();
        let asked = Command::new("kill").arg(up.id().to_string()).status().unwrap();
        assert!(asked.success());
        assert!(up.wait().unwrap().success(), "{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("up.log")).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut up) = self.up.take() {
            drop(up.kill());
            drop(up.wait());
        }
    }
}

fn object(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    let value: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{complained}"));
    assert!(value.is_object(), "{text}");
    value
}

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
    let settings = [
        ("DRIFTSEAL__EMBEDDED__RETENTION_SECS", "2"),
        ("DRIFTSEAL__SEALER__SEGMENT_AGE_MS_MAX", "200"),
        ("DRIFTSEAL__SEALER__HEARTBEAT_AGE_MS_MAX", "200"),
        ("DRIFTSEAL__PROCESSOR__SNAPSHOT_AGE_SECS_MAX", "1"),
        ("DRIFTSEAL__TOPICS__PARTITIONS", "1"),
    ];
    world.addresses.extend(settings.map(|(name, value)| (name, value.to_owned())));
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
    let watch = Stopwatch::start();
    while !world.log().contains("deleted old records") {
        assert!(!watch.has_passed(PATIENCE), "{}", world.log());
        std::thread::sleep(Duration::from_millis(100));
    }
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
    for name in ["gateway.token", "gateway.tokens", "governance.key", "notifier.key"] {
        let mode = std::fs::metadata(keys.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let token = keys.join("gateway.token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = world.failed(&["alert", "list"], 2);
    assert!(refused.contains("other users may read it"), "{refused}");
}

/// Status line and body of an answer.
fn http(address: &str, request: &str, body: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn ingest_goes_on_while_the_archive_is_gone_and_everything_is_sealed_when_it_is_back() {
    let mut world = World::new();
    for (name, value) in [
        ("DRIFTSEAL__SEALER__SEGMENT_AGE_MS_MAX", "100"),
        ("DRIFTSEAL__SEALER__ATTEMPTS_MAX", "2"),
        ("DRIFTSEAL__SEALER__RETRY_PAUSE_MS", "100"),
    ] {
        world.addresses.push((name, value.to_owned()));
    }
    world.said(&["log", "init", "--origin", "log.example.com/a"]);
    world.up();
    let collector = world.addresses[0].1.clone();
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let watch = Stopwatch::start();
        while !is_so() {
            assert!(!watch.has_passed(PATIENCE), "waited for {what}: {}", world.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let send = |id: &str| {
        let event = json!({"kind": "run.completed", "event_id": id, "agent_id": "a", "run_id": id});
        let answer = http(&collector, "POST /v1/events", &event.to_string());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    let sealer = || http(&collector, "GET /readyz/sealer", "");
    let is_sealed = |id: &str| world.run(&["proof", "driftseal/archive", id]).status.success();
    send("before");
    until("the first event to be sealed", &|| is_sealed("before"));
    until("a sealer that is ready", &|| sealer().starts_with("HTTP/1.1 200"));

    let archive = world.directory.path().join("driftseal/archive");
    let away = world.directory.path().join("driftseal/away");
    std::fs::rename(&archive, &away).unwrap();
    send("without");
    until("a sealer that says why not", &|| {
        let said = sealer();
        said.starts_with("HTTP/1.1 503") && said.contains("archive")
    });
    for role in ["", "/collector", "/processor"] {
        let said = http(&collector, &format!("GET /readyz{role}"), "");
        assert!(said.starts_with("HTTP/1.1 200"), "{role}: {said}");
    }
    let metrics = http(&collector, "GET /metrics", "");
    assert!(metrics.contains("driftseal_role_ready{role=\"sealer\"} 0"), "{metrics}");
    assert!(metrics.contains("driftseal_role_ready{role=\"processor\"} 1"), "{metrics}");
    assert!(http(&collector, "GET /readyz/nobody", "").starts_with("HTTP/1.1 404"));
    // Several starts later the process is still there.
    std::thread::sleep(Duration::from_secs(2));
    send("still");

    std::fs::rename(&away, &archive).unwrap();
    for id in ["without", "still"] {
        until("what was accepted meanwhile to be sealed", &|| is_sealed(id));
    }
    until("a sealer that is ready again", &|| sealer().starts_with("HTTP/1.1 200"));
    let (archive, policy) = ("driftseal/archive", "driftseal/keys/policy.txt");
    assert_eq!(world.said(&["fsck", archive, "--policy", policy])["verdict"], "VERIFIED");
}
