//! A real Alertmanager as a child process.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::receiver::Receiver;
use crate::wait;

/// Longest wait for it to start.
const LIMIT: Duration = Duration::from_secs(60);
/// Names under which the binary goes: Debian's, and that of the project.
const BINARIES: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];
/// A running Alertmanager that tells one webhook of everything. Killed when dropped.
#[derive(Debug)]
pub struct Alertmanager {
    child: Child,
    url: String,
    directory: TempDir,
}

impl Alertmanager {
    /// `None` if there is none on this machine. Tells the receiver at that address.
    ///
    /// # Panics
    ///
    /// If it is there and does not start.
    #[must_use]
    pub fn start(receiver: &str) -> Option<Self> {
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

    /// What it said.
    #[must_use]
    pub fn words(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut answer = ureq::get(format!("{}{path}", self.url)).call().ok()?;
        answer.body_mut().read_to_string().ok()
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The alerts that it holds as firing.
    #[must_use]
    pub fn firing(&self) -> Vec<Value> {
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

/// The alerts that it has told a receiver of, in order.
///
/// # Panics
///
/// If a message is not its.
#[must_use]
pub fn told(receiver: &Receiver) -> Vec<Value> {
    let alerts = |body: &Vec<u8>| {
        let message: Value = serde_json::from_slice(body).unwrap();
        message["alerts"].as_array().cloned().unwrap_or_default()
    };
    receiver.requests().iter().flat_map(|request| alerts(&request.body)).collect()
}
