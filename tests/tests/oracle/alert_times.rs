//! One alert, as its receiver, the list of alerts and the views over the archive tell it: the same times
//! and the same change under the same words.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tests::process::Role;
use tests::receiver::Receiver;
use tests::send::run;
use tests::{wait, workspace};

const AGENT: &str = "refund-desk";
const BY: [&str; 4] = ["--by", "ana", "--reason", "a test"];
const LIMIT: Duration = Duration::from_secs(60);
/// What the view says of the alert; a null as nothing.
const VIEW: &str = r#"
import duckdb, json
duckdb.sql("SET TimeZone = 'UTC'")
duckdb.sql(open("views.sql").read())
names = ["since", "fired_at", "acknowledged_at", "last_change_id"]
values = ["strftime(since, '%Y-%m-%dT%H:%M:%S.%fZ')", "strftime(fired_at, '%Y-%m-%dT%H:%M:%S.%fZ')",
          "strftime(acknowledged_at, '%Y-%m-%dT%H:%M:%S.%fZ')", "last_change_id"]
rows = duckdb.sql(f"SELECT alert_id, {', '.join(values)} FROM alert_times").fetchall()
print(json.dumps({row[0]: dict(zip(names, row[1:])) for row in rows}))
"#;

/// An installation on the embedded log.
struct Installation<'a>(&'a Path);

impl Installation<'_> {
    fn output(&self, arguments: &[&str]) -> Output {
        let config = self.0.join("driftseal.toml");
        Command::new(workspace::binary("driftseal"))
            .arg("--config")
            .arg(config)
            .args(arguments)
            .current_dir(self.0)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Value {
        let output = self.output(&[&["--output", "json"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}{complaint}");
        serde_json::from_str(&said).unwrap_or(Value::Null)
    }

    /// Runs of a version, an hour old, of which every `nth` failed.
    fn send(&self, version: &str, from: i64, count: i64, nth: i64) {
        let now_ms = service::clock::now_ms();
        let lines: String = (from..from + count)
            .map(|n| {
                let time = now_ms - 3_600_000 + n * 1_000;
                format!("{}\n", run(AGENT, version, &n.to_string(), time, n % nth == 0))
            })
            .collect();
        std::fs::write(self.0.join("runs.jsonl"), lines).unwrap();
        self.command(&["emit", "runs.jsonl"]);
    }

    /// The alert about the rate of errors, as the list has it.
    fn listed(&self) -> Option<Value> {
        let listed = self.command(&["alert", "list"]);
        let mut alerts = listed.get("alerts")?.as_array()?.iter();
        alerts.find(|alert| alert.get("metric") == Some(&json!("run.error_rate"))).cloned()
    }
}

fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

#[test]
fn an_alert_has_the_same_times_and_change_for_receiver_list_and_views() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let (place, hook) = (tempfile::tempdir().unwrap(), Receiver::start());
    let installation = Installation(place.path());
    let secret = place.path().join("secret");
    service::files::write_secret(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let addresses: String =
        ["collector", "otlp_http", "otlp_grpc", "operations", "evidence", "gateway"]
            .map(|name| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                format!("{name} = \"{}\"\n", listener.local_addr().unwrap())
            })
            .concat();
    let at = |name: &str| place.path().join(name).display().to_string();
    let configuration = format!(
        "[archive]\nurl = '{}'\n[keys]\ndirectory = '{}'\n[embedded]\ndirectory = '{}'\n\
         [listen]\n{addresses}[topics]\npartitions = 1\n[notifier]\npoll_wait_ms = 50\n\
         [notifier.sinks.hook]\ntype = 'webhook'\nurl = '{}'\ntoken_file = '{}'\n",
        at("archive"),
        at("keys"),
        at("log"),
        hook.url(),
        secret.display(),
    );
    std::fs::write(place.path().join("driftseal.toml"), configuration).unwrap();
    installation.command(&["log", "init", "--origin", "times.example/log"]);
    let config = place.path().join("driftseal.toml");
    let arguments = ["--config", config.to_str().unwrap(), "up"];
    let mut up = Role::start("up", &workspace::binary("driftseal"), &arguments, place.path());
    let within = |what: &str, is_so: &dyn Fn() -> bool| {
        wait::until(what, LIMIT, || is_so().then_some(()));
    };
    within("the gateway", &|| installation.output(&["alert", "list"]).status.success());

    // A change, then a suppression of what follows it: both are in force once the second is listed.
    installation.send("v1", 0, 250, 20);
    let act = ["change", "implement", "CHG-7", "--agent", AGENT];
    let change = installation.command(&[&act[..], &BY].concat());
    let act = ["suppress", "add", "--agent", AGENT, "--for", "1h"];
    let suppression = installation.command(&[&act[..], &BY].concat());
    let suppression = member(&suppression, "suppression_id").as_str().unwrap().to_owned();
    within("the suppression", &|| {
        let listed = installation.command(&["suppress", "list"]);
        member(&listed, "suppressions").as_array().is_some_and(|all| !all.is_empty())
    });
    installation.send("v2", 250, 150, 2);
    within("an alert", &|| installation.listed().is_some());
    let muted = installation.listed().unwrap();
    assert_eq!(member(&muted, "suppressed_by"), suppression.as_str(), "{muted}");
    assert_eq!(hook.requests().len(), 0, "nobody is told");

    // It outlasts the suppression, and somebody takes it.
    installation.command(&[&["suppress", "end", &suppression][..], &BY].concat());
    within("its firing", &|| !hook.requests().is_empty());
    let id = member(&muted, "alert_id").as_str().unwrap();
    installation.command(&[&["alert", "acknowledge", id][..], &BY].concat());
    let of_alert = || -> Vec<Value> {
        let all = hook.requests().into_iter();
        let bodies = all.map(|request| serde_json::from_slice::<Value>(&request.body).unwrap());
        bodies.filter(|body| body.pointer("/data/alert_id") == Some(&json!(id))).collect()
    };
    within("its acknowledgement", &|| of_alert().len() >= 2);
    let listed = installation.listed().unwrap();
    assert_eq!(up.stop(), Some(0));

    let views = installation.output(&["segments", &at("archive"), "--views"]);
    std::fs::write(place.path().join("views.sql"), views.stdout).unwrap();
    let output =
        Command::new(python).args(["-c", VIEW]).current_dir(place.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let viewed: Value = serde_json::from_str(&said).unwrap();
    let viewed = member(&viewed, id);

    for name in ["since", "fired_at", "last_change_id"] {
        let expected = member(&listed, name);
        assert!(expected.is_string(), "{name}: {listed}");
        assert_eq!(member(viewed, name), expected, "{name}");
        for body in of_alert() {
            assert_eq!(member(member(&body, "data"), name), expected, "{name}: {body}");
        }
    }
    assert_eq!(member(viewed, "acknowledged_at"), member(&listed, "acknowledged_at"));
    assert_eq!(member(&listed, "last_change_id"), member(&change, "event_id"));
    let at = |value: &Value, name: &str| member(value, name).as_str().unwrap().to_owned();
    assert!(at(&muted, "fired_at") < at(&listed, "fired_at"), "it fires when the suppression ends");
    assert!(at(&listed, "fired_at") <= at(&listed, "acknowledged_at"), "{listed}");
}
