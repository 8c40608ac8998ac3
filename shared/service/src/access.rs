//! Who is let in: the file of credentials of a server, read again while it runs.
//!
//! The file is [`CREDENTIALS_FILE`] in the directory of the keys, for its owner only; its format is that of
//! [`::access`]. A running server reads it every second: what is revoked stops working, what is added works. A file
//! that cannot be read or is wrong is an error at the start; later the credentials before stay in force, which is
//! said, counted and repeated until the file is right.

mod write;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ::access::{Credentials, Exhausted, Meter, Principal, Quota, Refusal, Role, bearer};
use axum::http::{HeaderMap, header};
use event::Timestamp;
use thiserror::Error;

use crate::clock::now_micros;
use crate::files::{FileError, read_secret_of};
use crate::seldom::Seldom;
use crate::{Shutdown, metric_names as names};

pub use write::{change, make_token};

/// The file, in the directory of the keys.
pub const CREDENTIALS_FILE: &str = "credentials.toml";
/// Largest file of credentials, bytes.
const BYTES_MAX: u64 = 1024 * 1024;
/// Interval at which it is read again.
const INTERVAL: Duration = Duration::from_secs(1);

/// Why credentials cannot be used. Never shows a token.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The file cannot be read or written.
    #[error("the credentials, `{}`: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: FileError,
    },
    /// What stands in it is wrong.
    #[error("the credentials, `{}`: {error}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: ::access::FileError,
    },
    /// The machine gave no random bytes.
    #[error("failed to make a token: no random bytes: {0}")]
    Random(String),
    /// A thread could not be started.
    #[error("failed to start a thread: {0}")]
    Thread(std::io::Error),
}

/// Lets in, or refuses.
#[derive(Debug)]
pub struct Gate {
    /// `None` if nobody is asked.
    file: Option<Watched>,
    meters: Mutex<HashMap<String, (Quota, Meter)>>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    role: Role,
    current: RwLock<Arc<Credentials>>,
    said: Seldom,
}

impl Gate {
    /// A gate that lets everybody in, as nobody in particular.
    #[must_use]
    pub fn open_to_all() -> Self {
        Self { file: None, meters: Mutex::default() }
    }

    /// A gate that lets in who shows a credential of `role` in this file, which is read again until the
    /// shutdown.
    ///
    /// # Errors
    ///
    /// `File`, also if others may read or change it; `Content`; `Thread`.
    pub fn watching(path: &Path, role: Role, shutdown: Shutdown) -> Result<Arc<Self>, AccessError> {
        let (text, credentials) = read(path)?;
        let watched = Watched {
            path: path.to_owned(),
            role,
            current: RwLock::new(Arc::new(credentials)),
            said: Seldom::default(),
        };
        let gate = Arc::new(Self { file: Some(watched), meters: Mutex::default() });
        let watching = Arc::clone(&gate);
        let watch = move || {
            let mut before = text;
            while !shutdown.wait_timeout(INTERVAL) {
                watching.look(&mut before);
            }
        };
        let thread = std::thread::Builder::new().name("credentials".to_owned());
        thread.spawn(watch).map_err(AccessError::Thread)?;
        Ok(gate)
    }

    /// Reads the file again; `before` is what stood in it.
    fn look(&self, before: &mut String) {
        let Some(watched) = &self.file else { return };
        let broken = match read(&watched.path) {
            Ok((text, credentials)) => {
                if *before != text {
                    let count = credentials.iter().count();
                    *watched.current.write().unwrap_or_else(PoisonError::into_inner) =
                        Arc::new(credentials);
                    *before = text;
                    tracing::info!(credentials = count, "the credentials have changed");
                }
                0.0
            }
            Err(error) => {
                if let Some(left_out) = watched.said.is_due("broken") {
                    tracing::error!(
                        %error,
                        left_out,
                        "failed to read the credentials again; those before stay in force, also ones \
                         that were revoked since"
                    );
                }
                1.0
            }
        };
        metrics::gauge!(names::ACCESS_FILE_BROKEN, "role" => watched.role.name()).set(broken);
    }

    /// Whether a credential must be shown.
    #[must_use]
    pub const fn asks(&self) -> bool {
        self.file.is_some()
    }

    /// Who sends a request with these headers.
    ///
    /// # Errors
    ///
    /// Why the request is not heard.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let Some(watched) = &self.file else { return Ok(Principal::anybody()) };
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let shown = match (given.next(), given.next()) {
            (None, _) => return Err(Refusal::Missing),
            (Some(value), None) => bearer(value.as_bytes()).ok_or(Refusal::Malformed)?,
            (Some(_), Some(_)) => return Err(Refusal::Malformed),
        };
        let now = Timestamp::from_micros(now_micros());
        watched.credentials().by_token(shown, watched.role, now)
    }

    /// Takes so many events and bytes of what a principal may still send. None of both asks whether it may
    /// send anything.
    ///
    /// # Errors
    ///
    /// Which limit is used up, and for how long.
    pub fn take(&self, principal: &Principal, used: (usize, usize)) -> Result<(), Exhausted> {
        let Some(credential) = principal.credential() else { return Ok(()) };
        if credential.quota == Quota::default() {
            return Ok(());
        }
        let now = Timestamp::from_micros(now_micros());
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        // As many as there are credentials: those that went leave theirs behind until the next new one.
        if !meters.contains_key(&credential.name)
            && let Some(watched) = &self.file
        {
            let current = watched.credentials();
            meters.retain(|name, _| current.get(name).is_some());
        }
        let (quota, meter) = meters.entry(credential.name.clone()).or_default();
        if *quota != credential.quota {
            (*quota, *meter) = (credential.quota, Meter::default());
        }
        meter.take(quota, used, now)
    }
}

impl Watched {
    fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file of credentials: its text, and what stands in it.
///
/// # Errors
///
/// `File`, `Content`.
pub fn read(path: &Path) -> Result<(String, Credentials), AccessError> {
    let text = read_secret_of(path, BYTES_MAX)
        .map_err(|error| AccessError::File { path: path.to_owned(), error })?;
    let credentials = Credentials::parse(&text)
        .map_err(|error| AccessError::Content { path: path.to_owned(), error })?;
    Ok((text, credentials))
}

#[cfg(test)]
mod tests;
