//! A real Apache Kafka for a test: started on free ports in a directory of its own, never left
//! behind.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use kafka::operate::Operator;
use kafka::{KafkaLog, Options};
use ports::{EventLog, LogError};
use tempfile::TempDir;

use crate::workspace;

/// Why there is no broker.
#[derive(Debug)]
pub struct NoKafka(String);

impl Display for NoKafka {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "failed to start Apache Kafka: {}", self.0)
    }
}

impl std::error::Error for NoKafka {}

/// A running cluster. Its processes end and its data goes when this is dropped.
#[derive(Debug)]
pub struct TestKafka {
    directory: TempDir,
    bootstrap: String,
    sasl: String,
}

impl TestKafka {
    /// Starts one node.
    ///
    /// # Errors
    ///
    /// If the jars or a JRE are missing and cannot be fetched, or the node does not start; the
    /// text is what `kafka.sh` said.
    pub fn start() -> Result<Self, NoKafka> {
        Self::start_nodes(1)
    }

    /// Starts one or three nodes.
    ///
    /// # Errors
    ///
    /// As [`TestKafka::start`].
    pub fn start_nodes(nodes: u32) -> Result<Self, NoKafka> {
        Self::start_as(&["--nodes", &nodes.to_string()])
    }

    /// Starts one node that denies what was not granted to the users of a file: a name and a password on
    /// each line.
    ///
    /// # Errors
    ///
    /// As [`TestKafka::start`].
    pub fn start_with_users(users: &Path) -> Result<Self, NoKafka> {
        Self::start_as(&["--users", &users.display().to_string()])
    }

    fn start_as(arguments: &[&str]) -> Result<Self, NoKafka> {
        let directory = tempfile::tempdir().map_err(|error| NoKafka(error.to_string()))?;
        let mut kafka = Self { directory, bootstrap: String::new(), sasl: String::new() };
        // From here on a failure stops what was started: `kafka` is dropped.
        let said = kafka.run("up", &[arguments, &["--port", "free"]].concat())?;
        kafka.bootstrap = address(&said, "bootstrap=")?;
        kafka.sasl = address(&said, "sasl=").unwrap_or_default();
        Ok(kafka)
    }

    /// `host:port` of every node, separated by commas.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The same for users with a password; empty if there are none.
    #[must_use]
    pub fn sasl(&self) -> &str {
        &self.sasl
    }

    /// A new client of the cluster.
    ///
    /// # Panics
    ///
    /// If no node answers.
    #[must_use]
    #[expect(clippy::panic, reason = "a failed step fails the test")]
    pub fn log(&self) -> Arc<dyn EventLog> {
        match self.connect(Options::new(self.bootstrap())) {
            Ok(log) => Arc::new(log),
            Err(error) => panic!("{error}"),
        }
    }

    /// A new client with other options.
    ///
    /// # Errors
    ///
    /// As [`KafkaLog::connect`].
    pub fn connect(&self, options: Options) -> Result<KafkaLog, LogError> {
        KafkaLog::connect(options)
    }

    /// Somebody who may do everything with topics.
    ///
    /// # Panics
    ///
    /// If the client cannot be made.
    #[must_use]
    #[expect(clippy::panic, reason = "a failed step fails the test")]
    pub fn operator(&self) -> Operator {
        match Operator::connect(self.bootstrap()) {
            Ok(operator) => operator,
            Err(error) => panic!("{error}"),
        }
    }

    /// SIGKILL to a node (1, 2, 3). What it had acknowledged is in its files.
    ///
    /// # Errors
    ///
    /// If `kafka.sh` fails.
    pub fn kill(&self, node: u32) -> Result<(), NoKafka> {
        self.run("down", &["--now", "--node", &node.to_string()]).map(drop)
    }

    /// Sends a signal to a node: `STOP`, `CONT`.
    ///
    /// # Errors
    ///
    /// If the node does not run.
    pub fn signal(&self, node: u32, signal: &str) -> Result<(), NoKafka> {
        let failed = |error: std::io::Error| NoKafka(error.to_string());
        let file = self.run_directory().join(format!("node-{node}.pid"));
        let id = std::fs::read_to_string(file).map_err(failed)?;
        let sent = Command::new("kill").args([&format!("-{signal}"), id.trim()]).status();
        let is_sent = sent.map_err(failed)?.success();
        is_sent.then_some(()).ok_or_else(|| NoKafka(format!("node {node} does not run")))
    }

    /// Starts the nodes that do not run, on their old ports and data, and waits for them.
    ///
    /// # Errors
    ///
    /// If a node does not start.
    pub fn restart(&self) -> Result<(), NoKafka> {
        self.run("up", &[]).map(drop)
    }

    /// Keeps a copy of a node's disk. The node is killed and starts again.
    ///
    /// # Errors
    ///
    /// If the node does not stop or start, or its disk cannot be copied.
    pub fn back_up(&self, node: u32) -> Result<(), NoKafka> {
        let disk = self.run_directory().join(format!("node-{node}"));
        self.kill(node)?;
        copy(&disk, &self.backup(node))?;
        self.restart()
    }

    /// Puts back what [`Self::back_up`] has kept, and starts the node.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn restore(&self, node: u32) -> Result<(), NoKafka> {
        let disk = self.run_directory().join(format!("node-{node}"));
        self.kill(node)?;
        std::fs::remove_dir_all(&disk).map_err(|error| NoKafka(error.to_string()))?;
        copy(&self.backup(node), &disk)?;
        self.restart()
    }

    fn backup(&self, node: u32) -> PathBuf {
        self.directory.path().join(format!("backup-{node}"))
    }

    fn run(&self, verb: &str, arguments: &[&str]) -> Result<String, NoKafka> {
        let output = Command::new(script())
            .arg(verb)
            .arg("--dir")
            .arg(self.run_directory())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| NoKafka(error.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(NoKafka(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    fn run_directory(&self) -> PathBuf {
        self.directory.path().join("kafka")
    }
}

/// The addresses after a word that `kafka.sh` says.
fn address(said: &str, word: &str) -> Result<String, NoKafka> {
    let found = said.lines().find_map(|line| line.strip_prefix(word));
    found.map(str::to_owned).ok_or_else(|| NoKafka(format!("no `{word}` in `{said}`")))
}

fn script() -> PathBuf {
    workspace::root().join(Path::new("deploy/kafka/kafka.sh"))
}

impl Drop for TestKafka {
    #[expect(clippy::print_stderr, reason = "it speaks to the person running the tests")]
    fn drop(&mut self) {
        if let Err(error) = self.run("down", &["--now"]) {
            eprintln!("a broker may be left behind: {error}");
        }
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), NoKafka> {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    let is_copied = copied.map_err(|error| NoKafka(error.to_string()))?.success();
    is_copied.then_some(()).ok_or_else(|| NoKafka(format!("{} was not copied", from.display())))
}
