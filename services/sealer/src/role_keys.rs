//! The keys that sign in the topics: for acts, for what processors write, for what notifiers write.
//!
//! They are made with the transparency log, whose first entry names them; each role needs its own
//! only.

use std::path::{Path, PathBuf};

use merkle::note::SigningKey;
use segment::manifest::{InstalledKey, KeyUse};
use service::files::check_directory;

use crate::keys::{KeysError, POLICY_FILE, append, generate, read, unfit, write};

/// The keys. The debug form shows names only.
#[derive(Debug, Clone)]
pub struct RoleKeys {
    /// Signs acts.
    pub governance: SigningKey,
    /// Signs records of the notifier.
    pub notifier: SigningKey,
    /// Signs records of the processor in its partitions, and alerts.
    pub processor: SigningKey,
}

impl RoleKeys {
    /// Makes new keys for an installation whose log has that origin.
    ///
    /// # Errors
    ///
    /// `Random`, `Origin`.
    pub fn generate(origin: &str) -> Result<Self, KeysError> {
        let key = |used_for: KeyUse| generate(&format!("{origin}/{}", used_for.name()), origin);
        Ok(Self {
            governance: key(KeyUse::Governance)?,
            notifier: key(KeyUse::Notifier)?,
            processor: key(KeyUse::Processor)?,
        })
    }

    /// Reads all keys of a directory.
    ///
    /// # Errors
    ///
    /// As [`Self::load_one`].
    pub fn load(directory: &Path) -> Result<Self, KeysError> {
        let key = |used_for| Self::load_one(directory, used_for);
        Ok(Self {
            governance: key(KeyUse::Governance)?,
            notifier: key(KeyUse::Notifier)?,
            processor: key(KeyUse::Processor)?,
        })
    }

    /// Reads one key of a directory: `governance.key`, `notifier.key` or `processor.key`.
    ///
    /// # Errors
    ///
    /// `File`, `Form`; on Unix `Exposed` if group or others have any access to the file, `Directory` if
    /// they may write to the directory.
    pub fn load_one(directory: &Path, used_for: KeyUse) -> Result<SigningKey, KeysError> {
        check_directory(directory).map_err(|error| unfit(directory, &error))?;
        read(&path(directory, used_for))
    }

    /// Whether a directory holds any of the keys.
    #[must_use]
    pub fn exist(directory: &Path) -> bool {
        KeyUse::ALL.iter().any(|used_for| path(directory, *used_for).exists())
    }

    /// Writes the keys, readable by their owner only, beside those of the log, and adds them to the
    /// policy.
    ///
    /// # Errors
    ///
    /// `Exists` if a key is there already; `File`.
    pub fn save(&self, directory: &Path) -> Result<(), KeysError> {
        let mut lines = String::new();
        for (used_for, key) in [
            (KeyUse::Governance, &self.governance),
            (KeyUse::Notifier, &self.notifier),
            (KeyUse::Processor, &self.processor),
        ] {
            write(&path(directory, used_for), &key.to_text(), true)?;
            lines += &format!("{} {}\n", used_for.name(), key.verifier().to_vkey());
        }
        append(&directory.join(POLICY_FILE), &lines)
    }

    /// How the first entry of the log names them.
    #[must_use]
    pub fn installed(&self) -> Vec<InstalledKey> {
        let key =
            |key: &SigningKey, used_for| InstalledKey { key: key.verifier().to_vkey(), used_for };
        let mut keys = vec![
            key(&self.governance, KeyUse::Governance),
            key(&self.notifier, KeyUse::Notifier),
            key(&self.processor, KeyUse::Processor),
        ];
        keys.sort_unstable();
        keys
    }
}

fn path(directory: &Path, used_for: KeyUse) -> PathBuf {
    directory.join(format!("{}.key", used_for.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keys;
    use segment::policy::Policy;

    #[test]
    fn keys_survive_their_files_and_stand_in_the_policy() {
        let directory = tempfile::tempdir().unwrap();
        Keys::generate("log.example.com/a").unwrap().save(directory.path()).unwrap();
        assert!(!RoleKeys::exist(directory.path()));
        let keys = RoleKeys::generate("log.example.com/a").unwrap();
        keys.save(directory.path()).unwrap();
        let loaded = RoleKeys::load(directory.path()).unwrap();
        assert_eq!(loaded.installed(), keys.installed());
        assert_eq!(loaded.processor.sign_bytes(b"x"), keys.processor.sign_bytes(b"x"));
        let policy = std::fs::read_to_string(directory.path().join(POLICY_FILE)).unwrap();
        let policy = Policy::parse(&policy).unwrap();
        let found: Vec<_> = policy.keys_for(KeyUse::Processor).cloned().collect();
        assert_eq!(found, [keys.processor.verifier()]);
        assert!(matches!(keys.save(directory.path()), Err(KeysError::Exists(_))));
    }
}
