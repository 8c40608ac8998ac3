//! The pages of `deploy/start` do what they say, as they stand: what a person would paste is run in
//! a shell, in an empty directory. Only addresses are exchanged for free ones.
//!
//! A block that begins with ```` ```sh test ```` is part of the script of its page; one that begins with
//! ```` ```toml test ```` is the file `driftseal.toml`.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use tests::kafka::TestKafka;
use tests::s3::server::S3Server;
use tests::workspace::{self, binary, root};

/// The blocks of a page that begin with that line, joined.
fn blocks(page: &str, begins: &str) -> String {
    let text = std::fs::read_to_string(root().join("deploy/start").join(page)).unwrap();
    let (mut inside, mut found) = (None, String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("```") {
            inside = if inside.is_none() { Some(rest == begins) } else { None };
        } else if inside == Some(true) {
            writeln!(found, "{line}").unwrap();
        }
    }
    found
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Runs a page; `exchanged` are further texts of the page and what stands for them here.
fn run(page: &str, exchanged: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let addresses: BTreeMap<&str, String> =
        ["COLLECTOR", "OTLP_HTTP", "OTLP_GRPC", "OPERATIONS", "EVIDENCE", "GATEWAY"]
            .map(|name| (name, free_address()))
            .into();
    let exchange = |text: String| {
        let own = text
            .replace("127.0.0.1:8480", addresses.get("COLLECTOR").unwrap())
            .replace("127.0.0.1:4318", addresses.get("OTLP_HTTP").unwrap());
        exchanged.iter().fold(own, |text, (from, to)| text.replace(from, to))
    };
    let configuration = exchange(blocks(page, "toml test"));
    if !configuration.is_empty() {
        std::fs::write(directory.path().join("driftseal.toml"), configuration).unwrap();
    }
    let script = exchange(blocks(page, "sh test"));
    assert!(script.lines().count() > 5, "{page} has no script");
    let programs = binary("driftseal");
    let path = workspace::variable("PATH").unwrap_or_default();
    let path = format!("{}:{path}", programs.parent().unwrap().display());
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=5", "180", "bash", "-c", &format!("set -euo pipefail\n{script}")])
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", directory.path())
        .stdin(Stdio::null());
    for (name, address) in &addresses {
        command.env(format!("DRIFTSEAL__LISTEN__{name}"), address);
    }
    let output = command.output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{page}: {}\n{said}{}", output.status, logs(directory.path()));
    said
}

/// What the processes of a page logged.
fn logs(directory: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let log = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            let from = log.len().saturating_sub(4_000);
            let tail = log.get(from..).unwrap_or(&log);
            writeln!(text, "--- {}\n{tail}", path.display()).unwrap();
        }
    }
    text
}

/// So many lines of a verdict that everything holds.
fn verified(said: &str) -> usize {
    said.lines().filter(|line| line.contains("VERIFIED") && !line.contains("NOT")).count()
}

#[test]
fn own_events_become_a_pack_that_is_verified() {
    let said = run("events.md", &[]);
    assert!(said.contains("3 events accepted, 0 rejected"), "{said}");
    assert!(said.contains("agent.version.deployed"), "{said}");
    assert!(said.contains("drift.suppression.started"), "{said}");
    assert!(verified(&said) >= 2, "{said}");
}

#[test]
fn a_pipeline_leaves_acts_and_asks_before_it_deploys() {
    let said = run("ci.md", &[]);
    assert!(said.contains("NOT READY") && said.contains("\nREADY refund-desk sha256:"), "{said}");
    assert!(said.contains("already recorded"), "{said}");
    assert!(verified(&said) >= 1, "{said}");
}

#[test]
fn an_alert_reaches_an_own_webhook_which_checks_its_signature() {
    let address = free_address();
    let (host, port) = address.split_once(':').unwrap();
    let said = run(
        "webhook.md",
        &[
            ("http://127.0.0.1:9000/", &format!("http://{address}/")),
            ("(\"127.0.0.1\", 9000)", &format!("(\"{host}\", {port})")),
        ],
    );
    assert!(said.contains("run.error_rate"), "{said}");
    assert!(said.contains("drift.alert.acknowledged"), "{said}");
}

#[test]
fn roles_on_kafka_seal_what_was_published_and_take_acts() {
    let kafka = match TestKafka::start() {
        Ok(kafka) => kafka,
        Err(error) => {
            workspace::not_run("pages", &error.to_string());
            return;
        }
    };
    let said = run("kafka.md", &[("127.0.0.1:9092", kafka.bootstrap())]);
    assert!(said.contains("2 events accepted"), "{said}");
    assert!(said.contains("maintenance.started"), "{said}");
    assert!(verified(&said) >= 1, "{said}");
}

#[test]
fn an_archive_in_a_bucket_is_sealed_and_checked() {
    let Some(server) = S3Server::start("pages") else { return };
    let location = server.location();
    let credentials = server.environment();
    let said = run(
        "s3.md",
        &[
            ("s3://evidence/driftseal", &location),
            ("http://127.0.0.1:9000", server.endpoint()),
            ("AWS_ACCESS_KEY_ID=driftseal", &pair(credentials, "AWS_ACCESS_KEY_ID")),
            (
                "AWS_SECRET_ACCESS_KEY=driftseal-development",
                &pair(credentials, "AWS_SECRET_ACCESS_KEY"),
            ),
        ],
    );
    assert!(verified(&said) >= 2, "{said}");
}

fn pair(environment: &BTreeMap<String, String>, name: &str) -> String {
    format!("{name}={}", environment.get(name).unwrap())
}
