//! The keys of a log: one signs its checkpoints, one the manifests, one the packs about it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use merkle::note::{SigningKey, VerifyingKey};
use segment::policy::Policy;
use service::files::{FileError, check_directory, make_directory};
use thiserror::Error;

/// File of the log's key.
pub(crate) const LOG_FILE: &str = "log.key";
/// File of the sealer's key.
pub(crate) const SEALER_FILE: &str = "sealer.key";
/// File of the key that signs packs.
pub(crate) const EVIDENCE_FILE: &str = "evidence.key";
/// File of the verifiers' policy.
pub(crate) const POLICY_FILE: &str = "policy.txt";

/// Why keys cannot be made, read or written. Never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeysError {
    /// The machine gave no random bytes.
    #[error("failed to make a key: no random bytes: {0}")]
    Random(String),
    /// The origin cannot name a key.
    #[error("`{0}` cannot name a log: it is empty, or holds white space or `+`")]
    Origin(String),
    /// A file cannot be read or written.
    #[error("failed to access `{}`: {detail}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What happened.
        detail: String,
    },
    /// A file is there already; keys are never replaced.
    #[error("`{}` exists already; keys are never replaced", .0.display())]
    Exists(PathBuf),
    /// Others may read the file.
    #[error("others may read `{}`; `chmod 600` it, and consider the key known to them", .0.display())]
    Exposed(PathBuf),
    /// Others may put files into the directory.
    #[error("the directory of the keys, `{}`: {detail}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The policy beside the keys cannot be read.
    #[error("`{}`: {detail}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The text is not a key.
    #[error("`{}` is not a key: {detail}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// The signing keys. The debug form shows names only.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Signs checkpoints. Its name is the origin of the log.
    pub log: SigningKey,
    /// Signs manifests.
    pub sealer: SigningKey,
    /// Signs packs.
    pub evidence: SigningKey,
    /// Other keys of sealers that the policy beside the keys names: those that were replaced.
    other_sealers: Vec<VerifyingKey>,
}

/// Reads the key that signs packs, from a directory of keys.
///
/// # Errors
///
/// As [`Keys::load`].
pub fn load_evidence_key(directory: &Path) -> Result<SigningKey, KeysError> {
    read(&directory.join(EVIDENCE_FILE))
}

/// Reads a key from a file.
///
/// # Errors
///
/// As [`Keys::load`].
pub fn load_key(file: &Path) -> Result<SigningKey, KeysError> {
    read(file)
}

impl Keys {
    /// Makes new keys for a log of that origin (such as `log.example.com/agents`).
    ///
    /// # Errors
    ///
    /// `Random`, `Origin`.
    pub fn generate(origin: &str) -> Result<Self, KeysError> {
        let key = |name: &str| generate(name, origin);
        let of = |part: &str| key(&format!("{origin}/{part}"));
        let (sealer, evidence) = (of("sealer")?, of("evidence")?);
        Ok(Self { log: key(origin)?, sealer, evidence, other_sealers: Vec::new() })
    }

    /// Reads `log.key`, `sealer.key` and `evidence.key` of a directory, and which keys of sealers its
    /// `policy.txt` names, if there is one.
    ///
    /// # Errors
    ///
    /// `File`, `Form`, `Policy`; on Unix `Exposed` if group or others have any access to a file, `Directory` if
    /// they may write to the directory.
    pub fn load(directory: &Path) -> Result<Self, KeysError> {
        check_directory(directory).map_err(|error| unfit(directory, &error))?;
        let sealer = read(&directory.join(SEALER_FILE))?;
        let policy = read_policy(&directory.join(POLICY_FILE))?;
        let mut other_sealers = policy.map_or_else(Vec::new, |policy| policy.sealers().to_vec());
        other_sealers.retain(|key| *key != sealer.verifier());
        Ok(Self {
            log: read(&directory.join(LOG_FILE))?,
            sealer,
            evidence: load_evidence_key(directory)?,
            other_sealers,
        })
    }

    /// Writes the keys, readable by their owner only, and the policy, for everybody. Creates the
    /// directory if need be; the keys survive power loss.
    ///
    /// # Errors
    ///
    /// `Exists`, without writing anything, if a key is there already; `Directory`, `File`.
    pub fn save(&self, directory: &Path) -> Result<(), KeysError> {
        let files = [
            (directory.join(LOG_FILE), &self.log),
            (directory.join(SEALER_FILE), &self.sealer),
            (directory.join(EVIDENCE_FILE), &self.evidence),
        ];
        for (path, _) in &files {
            if path.exists() {
                return Err(KeysError::Exists(path.clone()));
            }
        }
        make_directory(directory).map_err(|error| unfit(directory, &error))?;
        check_directory(directory).map_err(|error| unfit(directory, &error))?;
        for (path, key) in &files {
            write(path, &key.to_text(), true)?;
        }
        let policy = directory.join(POLICY_FILE);
        write(&policy, &self.policy(), false)?;
        sync_directory(directory).map_err(|error| failed(directory, &error))
    }

    /// What verifiers are given out of band: the public keys, one a line.
    #[must_use]
    pub fn policy(&self) -> String {
        let own = [("log", &self.log), ("sealer", &self.sealer), ("evidence", &self.evidence)];
        let own = own.map(|(of, key)| (of, key.verifier()));
        let others = self.other_sealers.iter().map(|key| ("sealer", key.clone()));
        let lines = own.into_iter().chain(others);
        lines.map(|(of, key)| format!("{of} {}\n", key.to_vkey())).collect()
    }

    /// The public keys that have signed the log: also those of sealers that were replaced.
    #[must_use]
    pub fn verifiers(&self) -> Vec<VerifyingKey> {
        let mut keys = vec![self.log.verifier(), self.sealer.verifier()];
        keys.extend(self.other_sealers.iter().cloned());
        keys
    }
}

pub(crate) fn unfit(directory: &Path, error: &FileError) -> KeysError {
    KeysError::Directory { path: directory.into(), detail: error.to_string() }
}

/// A new key of that name, for a log of that origin.
pub(crate) fn generate(name: &str, origin: &str) -> Result<SigningKey, KeysError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| KeysError::Random(error.to_string()))?;
    SigningKey::from_seed(name, seed).map_err(|_| KeysError::Origin(origin.into()))
}

pub(crate) fn failed(path: &Path, error: &std::io::Error) -> KeysError {
    KeysError::File { path: path.into(), detail: error.to_string() }
}

pub(crate) fn read(path: &Path) -> Result<SigningKey, KeysError> {
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    if is_exposed(&file).map_err(|error| failed(path, &error))? {
        return Err(KeysError::Exposed(path.into()));
    }
    let text = std::io::read_to_string(file).map_err(|error| failed(path, &error))?;
    SigningKey::parse(text.trim_end())
        .map_err(|error| KeysError::Form { path: path.into(), detail: error.to_string() })
}

/// The policy in a file; none if there is no such file.
pub(crate) fn read_policy(path: &Path) -> Result<Option<Policy>, KeysError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    let policy = Policy::parse(&text)
        .map_err(|error| KeysError::Policy { path: path.into(), detail: error.to_string() })?;
    Ok(Some(policy))
}

/// Appends lines to the policy, which survive power loss.
pub(crate) fn append(policy: &Path, lines: &str) -> Result<(), KeysError> {
    let appended = OpenOptions::new().append(true).create(true).open(policy);
    appended
        .and_then(|mut file| {
            file.write_all(lines.as_bytes())?;
            file.sync_all()
        })
        .map_err(|error| failed(policy, &error))
}

pub(crate) fn write(path: &Path, text: &str, secret: bool) -> Result<(), KeysError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(secret).create(true).truncate(true);
    if secret {
        restrict(&mut options);
    }
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.trim_end().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            KeysError::Exists(path.into())
        } else {
            failed(path, &error)
        }
    })
}

#[cfg(unix)]
fn restrict(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn restrict(_options: &mut OpenOptions) {}

#[cfg(unix)]
fn is_exposed(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_file: &File) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_directory(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_files_and_are_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let keys = Keys::generate("log.example.com/a").unwrap();
        keys.save(&path).unwrap();
        let loaded = Keys::load(&path).unwrap();
        assert_eq!(loaded.policy(), keys.policy());
        assert_eq!(fs::read_to_string(path.join(POLICY_FILE)).unwrap(), keys.policy());
        assert_eq!(loaded.sealer.sign_bytes(b"x"), keys.sealer.sign_bytes(b"x"));
        let other = Keys::generate("log.example.com/a").unwrap();
        assert_eq!(other.save(&path), Err(KeysError::Exists(path.join(LOG_FILE))));
        assert_eq!(Keys::load(&path).unwrap().policy(), keys.policy());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        Keys::generate("o").unwrap().save(directory.path()).unwrap();
        let file = directory.path().join(SEALER_FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(Keys::load(directory.path()).unwrap_err(), KeysError::Exposed(file));
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        Keys::generate("o").unwrap().save(&path).unwrap();
        for mode in [0o777, 0o775] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = Keys::load(&path).unwrap_err();
            assert!(matches!(error, KeysError::Directory { .. }), "{error}");
            assert!(error.to_string().contains("chmod 755"), "{error}");
        }
        let open = directory.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let error = Keys::generate("o").unwrap().save(&open).unwrap_err();
        assert!(matches!(error, KeysError::Directory { .. }), "{error}");
        assert_eq!(fs::read_dir(&open).unwrap().count(), 0);
    }

    #[test]
    fn no_debug_form_shows_a_secret() {
        let keys = Keys::generate("o").unwrap();
        let shown = format!("{keys:?}");
        for key in [&keys.log, &keys.sealer, &keys.evidence] {
            let text = key.to_text();
            // The last of five parts; as base64 it may have a plus sign itself.
            let secret = text.splitn(5, '+').nth(4).unwrap();
            assert!(secret.len() > 40, "{}", secret.len());
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn an_origin_that_cannot_name_a_key_is_refused() {
        for origin in ["", "a b", "a+b"] {
            let error = Keys::generate(origin).unwrap_err();
            assert_eq!(error, KeysError::Origin(origin.into()));
        }
    }
}
