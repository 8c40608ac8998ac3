//! An installation on a broker that lets users do what they were granted: each role is a user of its own.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use kafka::{KafkaLog, Options};
use tempfile::TempDir;
use tests::kafka::TestKafka;
use tests::process::Role;
use tests::workspace;

/// The roles of `acls.sh`; each is the name of its user.
pub(crate) const USERS: [&str; 7] =
    ["agent", "collector", "processor", "sealer", "notifier", "evidence", "admin"];
/// Who may do everything.
const ROOT: &str = "root";

/// See the module's head.
pub(crate) struct Installation {
    directory: TempDir,
    kafka: TestKafka,
    /// What is sent to nobody else.
    hook: String,
}

impl Installation {
    /// Starts a broker; `None` if that is not possible here and was not asked for.
    pub(crate) fn start(hook: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let users = USERS.iter().chain([&ROOT]).map(|user| format!("{user} {}\n", password(user)));
        let file = directory.path().join("users");
        std::fs::write(&file, users.collect::<String>()).unwrap();
        let kafka = match TestKafka::start_with_users(&file) {
            Ok(kafka) => kafka,
            Err(error) => {
                workspace::not_run("acls_kafka", &error.to_string());
                return None;
            }
        };
        let installation = Self { directory, kafka, hook: hook.to_owned() };
        let gateway = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        USERS.iter().for_each(|user| installation.configure(user, &gateway));
        installation.write_tool();
        Some(installation)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.path("archive")
    }

    pub(crate) fn policy(&self) -> PathBuf {
        self.path("keys/policy.txt")
    }

    /// The configuration of a user, whose password is in a file of its own.
    fn configure(&self, user: &str, gateway: &str) {
        let secret = self.path(&format!("{user}.password"));
        std::fs::write(&secret, password(user)).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = format!(
            r#"
[listen]
collector = "127.0.0.1:0"
otlp_http = ""
otlp_grpc = ""
operations = "127.0.0.1:0"
evidence = "127.0.0.1:0"
gateway = "{gateway}"
[topics]
partitions = 2
[kafka]
brokers = ["{}"]
[kafka.client]
"security.protocol" = "SASL_PLAINTEXT"
"sasl.mechanism" = "PLAIN"
"sasl.username" = "{user}"
[kafka.client_files]
"sasl.password" = "{}"
[archive]
url = "{}"
[keys]
directory = "{}"
[sealer]
segment_age_ms_max = 500
heartbeat_age_ms_max = 500
[processor]
tick_interval_secs = 1
[notifier]
poll_wait_ms = 50
[notifier.secrets]
hook = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
[notifier.sinks.hook]
type = "webhook"
url = "{}"
token_name = "hook"
"#,
            self.kafka.sasl(),
            secret.display(),
            self.archive().display(),
            self.path("keys").display(),
            self.hook,
        );
        std::fs::write(self.path(&format!("{user}.toml")), config).unwrap();
    }

    /// Kafka's own tool, as its distribution has it.
    fn write_tool(&self) {
        let libs = workspace::root().join("deploy/kafka/libs");
        let java = "exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m";
        let class = "org.apache.kafka.tools.AclCommand";
        let script = format!("#!/bin/sh\n{java} -cp '{}/*' {class} \"$@\"\n", libs.display());
        let tool = self.path("kafka-acls.sh");
        std::fs::write(&tool, script).unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o700)).unwrap();
        let properties = format!(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{ROOT}\" \
             password=\"{}\";\n",
            password(ROOT)
        );
        std::fs::write(self.path("root.properties"), properties).unwrap();
    }

    fn broker(&self) -> [String; 4] {
        let properties = self.path("root.properties").display().to_string();
        let to = |option: &str| format!("--{option}");
        [to("bootstrap-server"), self.kafka.sasl().to_owned(), to("command-config"), properties]
    }

    /// Runs the shipped script for all roles, each with its user.
    pub(crate) fn grant(&self) {
        let script = workspace::root().join("deploy/kafka/acls.sh");
        let grants = USERS.iter().map(|user| format!("{user}=User:{user}"));
        let mut command = Command::new(script);
        command.args(grants).arg("--").args(self.broker());
        succeed(command.env("KAFKA_ACLS", self.path("kafka-acls.sh")));
    }

    /// Takes (`--remove`) or gives back (`--add`) one permission.
    pub(crate) fn change(&self, how: &str, user: &str, operation: &str, resource: &[&str]) {
        let mut command = Command::new(self.path("kafka-acls.sh"));
        let principal = format!("User:{user}");
        command.args([how, "--force", "--allow-principal", &principal, "--operation", operation]);
        succeed(command.args(resource).args(self.broker()));
    }

    /// A command of the product, as a user.
    pub(crate) fn command(&self, user: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(workspace::binary("driftseal"));
        command.arg("--config").arg(self.path(&format!("{user}.toml"))).args(arguments);
        command.output().unwrap()
    }

    /// The same; it must succeed.
    pub(crate) fn succeed(&self, user: &str, arguments: &[&str]) {
        let output = self.command(user, arguments);
        assert!(output.status.success(), "{user} {arguments:?}: {}", said(&output));
    }

    /// A role, running as its user; what it says goes to a file of the name.
    pub(crate) fn role(&self, name: &str, role: &str) -> Role {
        let config = self.path(&format!("{role}.toml"));
        let arguments = ["--config", config.to_str().unwrap(), "run", role];
        let binary = workspace::binary("driftseal");
        Role::start_with(name, &binary, &arguments, self.directory.path(), &BTreeMap::new())
    }

    /// The log as a user sees it.
    pub(crate) fn log(&self, user: &str) -> KafkaLog {
        let mut options = Options::new(self.kafka.sasl());
        let password = password(user);
        options.client = [
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", user),
            ("sasl.password", &password),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        KafkaLog::connect(options).unwrap()
    }
}

fn password(user: &str) -> String {
    format!("the-password-of-{user}")
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", said(&output));
}

/// What a command wrote.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
