//! Where the schemas of other writers come from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use registry::{Background, Credentials, Directory, Registry, Source};
use serde::{Deserialize, Serialize};
use service::RoleError;
use service::config::Checks;

/// Configuration of the schemas of other writers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schemas {
    /// URL of a schema registry that speaks Confluent's protocol, such as `http://127.0.0.1:8081`.
    /// Default empty: none, and records in Avro whose schema is not Driftseal's own are quarantined at
    /// once.
    pub registry: String,
    /// User, or key of an API, of the registry. Default empty: none.
    pub registry_user: String,
    /// File that holds the password, or secret of an API. Other users must not be able to read it. Read
    /// at the start.
    pub registry_password_file: PathBuf,
    /// Directory of schemas instead of a registry: `<id>.avsc`, `<guid>.avsc` or `<fingerprint>.avsc`,
    /// the fingerprint as 16 hexadecimal digits. Default empty: none. Every processor needs the same one.
    pub directory: PathBuf,
    /// Seconds that a record waits, and its partition with it, while the registry does not answer. Default
    /// 60. After that it is quarantined with its bytes.
    pub wait_secs_max: u64,
}

impl Default for Schemas {
    fn default() -> Self {
        Self {
            registry: String::new(),
            registry_user: String::new(),
            registry_password_file: PathBuf::new(),
            directory: PathBuf::new(),
            wait_secs_max: 60,
        }
    }
}

impl Schemas {
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        let is_url = self.registry.starts_with("http://") || self.registry.starts_with("https://");
        checks.must(
            self.registry.is_empty() || is_url,
            "registry",
            "begin with `http://` or `https://`",
        );
        checks.must(
            self.registry.is_empty() || self.directory.as_os_str().is_empty(),
            "directory",
            "be empty if there is a registry",
        );
        let has_user = !self.registry_user.is_empty();
        let has_password = !self.registry_password_file.as_os_str().is_empty();
        checks.must(
            has_user == has_password,
            "registry_password_file",
            "be set with `registry_user`, and only with it",
        );
        checks.into_problems()
    }

    pub(crate) const fn wait_max(&self) -> Duration {
        Duration::from_secs(self.wait_secs_max)
    }

    /// Opens it; `None` if there is none.
    pub(crate) fn open(&self) -> Result<Option<Arc<dyn Source>>, RoleError> {
        if !self.directory.as_os_str().is_empty() {
            return Ok(Some(Arc::new(Directory::new(&self.directory))));
        }
        if self.registry.is_empty() {
            return Ok(None);
        }
        let credentials = if self.registry_user.is_empty() {
            None
        } else {
            let file = &self.registry_password_file;
            let password = service::files::read_secret(file).map_err(|error| {
                let shown = file.display();
                RoleError::Start(format!(
                    "`processor.schemas.registry_password_file`: failed to read `{shown}`: {error}"
                ))
            })?;
            let (user, password) = (self.registry_user.clone(), password.trim().to_owned());
            Some(Credentials { user, password })
        };
        let registry = Arc::new(Registry::new(&self.registry, credentials.as_ref()));
        let asked = Background::start(registry, service::clock::now_ms)
            .map_err(|error| RoleError::Start(format!("failed to start a thread: {error}")))?;
        Ok(Some(Arc::new(asked)))
    }
}
