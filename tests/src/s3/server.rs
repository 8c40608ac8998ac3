//! A real S3 server: one that is there already (`DRIFTSEAL_TEST_S3`), or moto's as a child process.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use archive::{Archive, Options};
use tokio::runtime::Handle;

use crate::workspace;

/// The bucket of the tests, unless `DRIFTSEAL_TEST_S3_BUCKET` names another.
const BUCKET: &str = "driftseal-test";

/// A running server with a bucket. Its process ends when this is dropped.
#[derive(Debug)]
pub struct S3Server {
    child: Option<Child>,
    endpoint: String,
    bucket: String,
    environment: BTreeMap<String, String>,
}

#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
impl S3Server {
    /// A server; `None` if there is none here and that is no failure.
    ///
    /// # Panics
    ///
    /// If it was asked for and is not there, or does not start.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        if let Some(endpoint) = workspace::variable("DRIFTSEAL_TEST_S3") {
            let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
            let environment = names
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), workspace::variable(name)?)))
                .collect();
            let bucket = workspace::variable("DRIFTSEAL_TEST_S3_BUCKET");
            let bucket = bucket.unwrap_or_else(|| BUCKET.to_owned());
            return Some(Self { child: None, endpoint, bucket, environment });
        }
        let Some(python) = python() else {
            workspace::not_run(test, "no Python with moto in .venv-s3; run `tests/setup.sh all`");
            return None;
        };
        let mut child = Command::new(python)
            .arg(workspace::root().join("tests/s3/server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let endpoint = format!("http://127.0.0.1:{}", port.trim());
        let environment = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let server = Self { child: Some(child), endpoint, bucket: BUCKET.to_owned(), environment };
        ureq::put(format!("{}/{BUCKET}", server.endpoint)).send_empty().unwrap();
        Some(server)
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// An `s3://` location that no other test uses.
    #[must_use]
    pub fn location(&self) -> String {
        format!("s3://{}/test-{}", self.bucket, uuid::Uuid::now_v7())
    }

    /// Credentials, as environment variables.
    #[must_use]
    pub const fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Options that reach it, or a proxy before it, without patience: the waits of a test are short.
    #[must_use]
    pub fn options(&self, endpoint: &str) -> Options {
        Options {
            endpoint: endpoint.to_owned(),
            region: "us-east-1".into(),
            allow_http: true,
            environment: self.environment.clone(),
            home: None,
            connect_timeout: std::time::Duration::from_secs(5),
            request_timeout: std::time::Duration::from_secs(20),
            retries_max: 3,
            retry_timeout: std::time::Duration::from_secs(30),
            first_backoff: std::time::Duration::from_millis(5),
        }
    }

    /// An archive in it, reached directly.
    ///
    /// # Panics
    ///
    /// If it cannot be opened.
    #[must_use]
    pub fn archive(&self, location: &str, runtime: &Handle) -> Archive {
        Archive::open_with(location, &self.options(&self.endpoint), runtime.clone()).unwrap()
    }

    /// Keys of multipart uploads that were neither completed nor aborted, below a location.
    ///
    /// # Panics
    ///
    /// If the server is not the child process, whose listing needs no signature.
    #[must_use]
    pub fn unfinished_uploads(&self, location: &str) -> usize {
        assert!(self.child.is_some(), "only of a server that was started here");
        let prefix = location.rsplit('/').next().unwrap();
        let url = format!("{}/{}?uploads", self.endpoint, self.bucket);
        let text = ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
        text.matches(&format!("<Key>{prefix}/")).count()
    }

    /// Whether the tests started it themselves.
    #[must_use]
    pub const fn is_child(&self) -> bool {
        self.child.is_some()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // An error here means that it has ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The Python that has the server: `DRIFTSEAL_S3_PYTHON`, else `.venv-s3` of the workspace.
fn python() -> Option<PathBuf> {
    let path = workspace::variable("DRIFTSEAL_S3_PYTHON").map_or_else(
        || workspace::root().join(".venv-s3").join("bin").join("python"),
        PathBuf::from,
    );
    path.exists().then_some(path)
}
