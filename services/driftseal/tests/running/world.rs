//! An installation with an embedded log, in a directory of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Output};
use std::time::Duration;

use serde_json::Value;
use service::clock::Stopwatch;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const BY: [&str; 4] = ["--by", "ana", "--reason", "a test"];

pub(crate) struct World {
    pub(crate) directory: tempfile::TempDir,
    /// Environment variables of its commands; first the addresses.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Files that the running process may open; `None` for what the tests may.
    pub(crate) files_max: Option<u64>,
    up: Option<Child>,
}

impl World {
    pub(crate) fn new() -> Self {
        let free = |name| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            (name, listener.local_addr().unwrap().to_string())
        };
        let addresses = [
            "DRIFTSEAL__LISTEN__COLLECTOR",
            "DRIFTSEAL__LISTEN__OPERATIONS",
            "DRIFTSEAL__LISTEN__EVIDENCE",
            "DRIFTSEAL__LISTEN__GATEWAY",
            "DRIFTSEAL__LISTEN__OTLP_HTTP",
            "DRIFTSEAL__LISTEN__OTLP_GRPC",
        ];
        Self {
            directory: tempfile::tempdir().unwrap(),
            environment: addresses.map(free).into(),
            files_max: None,
            up: None,
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftseal"));
        command.args(["--output", "json"]).args(arguments).current_dir(self.directory.path());
        command.env_clear().envs(self.environment.iter().map(|(name, at)| (name, at)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that succeeds says.
    pub(crate) fn said(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let value = object(&output);
        assert!(output.status.success(), "{arguments:?}: {value}");
        value
    }

    /// What a command says that fails with that code.
    pub(crate) fn failed(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let value = object(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {value}");
        value.pointer("/error/message").and_then(Value::as_str).unwrap().to_owned()
    }

    /// Overrides settings of the configuration.
    pub(crate) fn set<const N: usize>(&mut self, settings: [(&'static str, &str); N]) {
        self.environment.extend(settings.map(|(name, value)| (name, value.to_owned())));
    }

    pub(crate) fn up(&mut self) {
        let log = std::fs::File::create(self.directory.path().join("up.log")).unwrap();
        let mut command = self.command(&["up"]);
        if let Some(files) = self.files_max {
            command = limited(&command, files);
        }
        let said = std::fs::File::create(self.directory.path().join("up.json")).unwrap();
        let child = command.stdout(said).stderr(log).spawn().unwrap();
        self.up = Some(child);
        self.until("the gateway to answer", || self.run(&["suppress", "list"]).status.success());
    }

    /// Waits until something is so.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let watch = Stopwatch::start();
        while !is_so() {
            assert!(!watch.has_passed(PATIENCE), "waited for {what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the process as a supervisor would.
    pub(crate) fn stop(&mut self) {
        assert!(self.end(), "{}", self.log());
    }

    /// The same; whether it could finish everything.
    pub(crate) fn end(&mut self) -> bool {
        let mut up = self.up.take().unwrap();
        let asked = Command::new("kill").arg(up.id().to_string()).status().unwrap();
        assert!(asked.success());
        let is_success = up.wait().unwrap().success();
        // However it ends, it says so in one object.
        let said = std::fs::read(self.directory.path().join("up.json")).unwrap();
        let said: Value = serde_json::from_slice(&said).unwrap();
        let name = if is_success { "stopped" } else { "error" };
        assert!(said.get(name).is_some(), "{said}");
        is_success
    }

    pub(crate) fn log(&self) -> String {
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

/// The same command where no more files may be opened, nor the limit raised.
fn limited(command: &Command, files: u64) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args());
    limited.env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    limited.current_dir(command.get_current_dir().unwrap());
    limited
}

pub(crate) fn object(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    let value: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{complained}"));
    assert!(value.is_object(), "{text}");
    value
}

/// Status line and body of an answer.
pub(crate) fn http(address: &str, request: &str, body: &str) -> String {
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
