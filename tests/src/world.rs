//! A broker, an archive with its log, and the roles as processes of the real binary.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use crate::kafka::TestKafka;
use crate::process::Role;
use crate::sealed::Sealed;
use crate::{wait, workspace};
use kafka::operate::Operator;
use ports::EventLog;
use tempfile::TempDir;

/// Topic of the events.
pub const EVENTS: &str = "agent.events";
/// Topic of the windows.
pub const METRICS: &str = "driftseal.metrics";
/// Topic of the alerts.
pub const ALERTS: &str = "driftseal.alerts";
/// Topic of the acts, which has one partition.
pub const GOVERNANCE: &str = "driftseal.governance";
/// Partitions of each other topic.
pub const PARTITIONS: i32 = 6;

/// Small segments and frequent snapshots, so that a kill finds every step under way; short sessions,
/// so that a killed member's partitions are free again soon.
const HURRIED: &str = r#"
[kafka.client]
"session.timeout.ms" = "2000"
"heartbeat.interval.ms" = "400"
[processor]
snapshot_records_max = 4000
snapshot_age_secs_max = 2
tick_interval_secs = 5
retry_pause_ms = 200
[sealer]
segment_rows_max = 20000
segment_age_ms_max = 1500
heartbeat_age_ms_max = 1500
"#;

/// Everything that a run needs, in one temporary directory.
#[derive(Debug)]
pub struct World {
    directory: TempDir,
    /// Worlds beside each other share it.
    kafka: Arc<TestKafka>,
    binary: PathBuf,
    /// Prefix of its topics.
    prefix: String,
    /// Address of the gateway, for the process that runs it and for commands.
    gateway: SocketAddr,
}

#[expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed step fails the test; its output is for whoever reads it"
)]
impl World {
    /// Starts a broker and creates topics, keys and log; `None` if that is not possible here and
    /// was not asked for.
    ///
    /// # Panics
    ///
    /// If it was asked for and is not possible, or a command fails.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        Self::start_with(test, "")
    }

    /// As [`Self::start`], with more configuration.
    ///
    /// # Panics
    ///
    /// As there.
    #[must_use]
    pub fn start_with(test: &str, configuration: &str) -> Option<Self> {
        Self::start_as_deployed(test, &(HURRIED.to_owned() + configuration))
    }

    /// With the product's own timeouts and sizes, and more configuration.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    #[must_use]
    pub fn start_as_deployed(test: &str, configuration: &str) -> Option<Self> {
        Self::start_on(1, test, configuration)
    }

    /// As [`Self::start_with`], on three brokers: each partition has three replicas, and what is acknowledged is
    /// in two of them.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    #[must_use]
    pub fn start_on_three(test: &str, configuration: &str) -> Option<Self> {
        Self::start_on(3, test, &(HURRIED.to_owned() + configuration))
    }

    fn start_on(nodes: u32, test: &str, configuration: &str) -> Option<Self> {
        match TestKafka::start_nodes(nodes) {
            Ok(kafka) => Some(Self::on(Arc::new(kafka), ("e2e.example/log", ""), configuration)),
            Err(error) => {
                workspace::not_run(test, &error.to_string());
                None
            }
        }
    }

    /// Another installation on the same broker.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    #[must_use]
    pub fn beside(&self, origin: &str, prefix: &str, configuration: &str) -> Self {
        let configuration = HURRIED.to_owned() + configuration;
        Self::on(Arc::clone(&self.kafka), (origin, prefix), &configuration)
    }

    fn on(kafka: Arc<TestKafka>, (origin, prefix): (&str, &str), configuration: &str) -> Self {
        let binary = workspace::binary("driftseal");
        let directory = tempfile::tempdir().unwrap();
        let gateway = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let prefix = prefix.to_owned();
        let world = Self { directory, kafka, binary, prefix, gateway };
        std::fs::write(world.path("driftseal.toml"), world.config() + configuration).unwrap();
        world.command(&["topics", "create"]);
        world.command(&["log", "init", "--origin", origin]);
        world
    }

    /// The broker.
    #[must_use]
    pub fn kafka(&self) -> &TestKafka {
        &self.kafka
    }

    /// A place for a file of the run.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Addresses and directories.
    fn config(&self) -> String {
        let (archive, keys) = (self.path("archive"), self.path("keys"));
        let brokers = self.kafka.bootstrap().split(',').map(|broker| format!("\"{broker}\""));
        let brokers: Vec<String> = brokers.collect();
        format!(
            r#"
[telemetry]
level = "info,processor=debug"
[listen]
collector = "127.0.0.1:0"
otlp_http = ""
otlp_grpc = ""
operations = "127.0.0.1:0"
evidence = "127.0.0.1:0"
gateway = "{}"
[topics]
prefix = "{}"
partitions = {PARTITIONS}
[kafka]
brokers = [{}]
[archive]
url = "{}"
[keys]
directory = "{}"
"#,
            self.gateway,
            self.prefix,
            brokers.join(", "),
            archive.display(),
            keys.display(),
        )
    }

    /// Runs a command of the binary; what it said.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}{complained}");
        said
    }

    /// The gateway, running and asked once.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn gateway(&self) -> Role {
        let role = self.role("evidence");
        wait::until("the gateway to answer", Duration::from_secs(60), || {
            self.is_answered().then_some(())
        });
        role
    }

    /// Whether a gateway answers.
    ///
    /// # Panics
    ///
    /// If it cannot be asked.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.run(&["suppress", "list"]).status.success()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(&self.binary)
            .arg("--config")
            .arg(self.path("driftseal.toml"))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Processor and sealer, running.
    ///
    /// # Panics
    ///
    /// If they cannot be started.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        ["processor", "sealer"].map(|role| self.role(role)).into()
    }

    /// A role, running.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn role(&self, role: &str) -> Role {
        self.role_as(role, role)
    }

    /// The same; what it says goes to a file of that name, so that there may be another one.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn role_as(&self, name: &str, role: &str) -> Role {
        self.role_with(name, role, &BTreeMap::new())
    }

    /// The same with environment variables, which override the configuration.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn role_with(
        &self,
        name: &str,
        role: &str,
        environment: &BTreeMap<String, String>,
    ) -> Role {
        let config = self.path("driftseal.toml");
        let arguments = ["--config", config.to_str().unwrap(), "run", role];
        Role::start_with(name, &self.binary, &arguments, self.directory.path(), environment)
    }

    /// A role of another build of the program, running.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn role_of(&self, name: &str, role: &str, binary: &Path) -> Role {
        let config = self.path("driftseal.toml");
        let arguments = ["--config", config.to_str().unwrap(), "run", role];
        Role::start(name, binary, &arguments, self.directory.path())
    }

    /// The log, for senders of this process.
    #[must_use]
    pub fn log(&self) -> Arc<dyn EventLog> {
        self.kafka.log()
    }

    /// Somebody who may do everything with topics.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.kafka.operator()
    }

    /// The archive as a reader sees it.
    ///
    /// # Panics
    ///
    /// If there is no policy.
    #[must_use]
    pub fn sealed(&self) -> Sealed {
        Sealed::open(&self.path("archive"), &self.path("keys").join("policy.txt"))
    }

    /// The settings that the processor runs with.
    #[must_use]
    pub fn settings() -> monitor::Settings {
        monitor::Settings::default()
    }

    /// The operator's tool, on the archive; what it reports.
    ///
    /// # Panics
    ///
    /// If it finds anything.
    #[expect(clippy::indexing_slicing, reason = "a failed step fails the test")]
    pub fn fsck(&self) -> serde_json::Value {
        let archive = self.path("archive");
        let policy = self.path("keys").join("policy.txt");
        let (archive, policy) = (archive.to_str().unwrap(), policy.to_str().unwrap());
        let said = self.command(&["--output", "json", "fsck", archive, "--policy", policy]);
        let report: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(report["verdict"], "VERIFIED", "{said}");
        // What a kill leaves behind: segments of which no commit knows.
        let warnings = report["findings"].as_array().map_or(0, Vec::len);
        println!(
            "fsck: {} events in {} segments VERIFIED, {warnings} orphans and other warnings",
            report["events"], report["segments"]
        );
        report
    }

    /// Recomputes everything from the archive.
    ///
    /// # Panics
    ///
    /// If something is not as recomputed.
    #[expect(clippy::indexing_slicing, reason = "a failed step fails the test")]
    pub fn replay(&self) {
        let report = self.replay_report();
        assert_eq!(report["verdict"], "VERIFIED", "{report}");
        println!(
            "replay: {} records give the same {} windows, {} baselines and {} alert events; {} \
             copies, {} not sealed yet",
            report["records"],
            report["windows"],
            report["baselines"],
            report["alerts"],
            report["repeated"],
            report["not_sealed"],
        );
    }

    /// What recomputing everything from the archive came to.
    ///
    /// # Panics
    ///
    /// If it says something else than its exit code.
    #[expect(clippy::indexing_slicing, reason = "a failed step fails the test")]
    #[must_use]
    pub fn replay_report(&self) -> serde_json::Value {
        let archive = self.path("archive");
        let policy = self.path("keys").join("policy.txt");
        let (archive, policy) = (archive.to_str().unwrap(), policy.to_str().unwrap());
        let output = self.run(&["--output", "json", "replay", archive, "--policy", policy]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.success(), report["verdict"] == "VERIFIED", "{report}");
        report
    }
}
