//! Secrets of sinks, from a file or from `[notifier.secrets]`, which is meant for the environment. They
//! are read once, at the start, and never printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use service::config::Secret;
use service::files::read_secret;
use thiserror::Error;

/// Why a secret is not available.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SecretError {
    /// The file cannot be read.
    #[error("`{key}`: failed to read the secret from `{}`: {reason}", file.display())]
    File {
        /// Configuration key.
        key: String,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The name is not in `[notifier.secrets]`.
    #[error(
        "`{key}`: unknown secret `{name}`; set the environment variable \
         DRIFTSEAL__NOTIFIER__SECRETS__{}, or use a file", name.to_uppercase()
    )]
    Unknown {
        /// Configuration key.
        key: String,
        /// Name of the secret.
        name: String,
    },
    /// The secret is invalid.
    #[error("`{key}`: invalid secret: {reason}")]
    Unusable {
        /// Configuration key.
        key: String,
        /// What is wrong with it, without the secret.
        reason: String,
    },
}

/// The secret of a sink: `<key>_file` or `<key>_name` of its configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretRef<'a> {
    /// Common beginning of the two keys.
    pub(crate) key: &'static str,
    pub(crate) file: Option<&'a Path>,
    pub(crate) name: Option<&'a str>,
    pub(crate) is_required: bool,
}

impl<'a> SecretRef<'a> {
    /// The secret of the keys `<key>_file` and `<key>_name`.
    pub(crate) fn new(
        key: &'static str,
        file: Option<&'a PathBuf>,
        name: Option<&'a String>,
        is_required: bool,
    ) -> Self {
        let (file, name) = (file.map(PathBuf::as_path), name.map(String::as_str));
        Self { key, file, name, is_required }
    }

    /// The problem with the two keys: both are set, or neither although one is required.
    pub(crate) fn problem(&self) -> Option<String> {
        let key = self.key;
        match (self.file, self.name) {
            (Some(_), Some(_)) => {
                Some(format!("`{key}_file`: must not be set together with `{key}_name`"))
            }
            (None, None) if self.is_required => {
                Some(format!("`{key}_file`: must be set, or `{key}_name`"))
            }
            (Some(_), None) | (None, Some(_)) | (None, None) => None,
        }
    }
}

/// The named secrets, as seen by a sink.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Secrets<'a> {
    pub(crate) sink: &'a str,
    pub(crate) named: &'a BTreeMap<String, Secret>,
}

impl Secrets<'_> {
    fn key(&self, key: &str) -> String {
        format!("notifier.sinks.{}.{key}", self.sink)
    }

    /// Reads a secret, without surrounding white space. `None` if it is neither configured nor required.
    ///
    /// # Errors
    ///
    /// A secret that cannot be read, is unknown or empty, or is required and not configured.
    pub(crate) fn find(&self, secret: &SecretRef<'_>) -> Result<Option<Secret>, SecretError> {
        let text = match (secret.file, secret.name) {
            (Some(file), _) => {
                let key = self.key(&format!("{}_file", secret.key));
                read_secret(file).map_err(|error| SecretError::File {
                    key,
                    file: file.into(),
                    reason: error.to_string(),
                })?
            }
            (None, Some(name)) => match self.named.get(name) {
                Some(found) => found.reveal().to_owned(),
                None => {
                    let key = self.key(&format!("{}_name", secret.key));
                    return Err(SecretError::Unknown { key, name: name.to_owned() });
                }
            },
            (None, None) if secret.is_required => {
                let missing = format!("set `{0}_file` or `{0}_name`", secret.key);
                return Err(self.unusable(secret, &missing));
            }
            (None, None) => return Ok(None),
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(self.unusable(secret, "it is empty"));
        }
        Ok(Some(Secret::new(text.to_owned())))
    }

    pub(crate) fn unusable(&self, secret: &SecretRef<'_>, reason: &str) -> SecretError {
        SecretError::Unusable { key: self.key(secret.key), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use service::files::write_secret;

    use super::*;

    const NONE: SecretRef<'_> =
        SecretRef { key: "token", file: None, name: None, is_required: true };

    #[test]
    fn a_secret_comes_from_a_file_or_a_name_and_is_not_in_any_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        write_secret(&file, "  hunter2\n").unwrap();
        let named = BTreeMap::from([("pagerduty".to_owned(), Secret::new("k3y".into()))]);
        let secrets = Secrets { sink: "oncall", named: &named };
        let in_file = SecretRef { file: Some(&file), ..NONE };
        let from_file = secrets.find(&in_file).unwrap().unwrap();
        assert_eq!(from_file.reveal(), "hunter2");
        let of_name = |name| secrets.find(&SecretRef { name: Some(name), ..NONE });
        assert_eq!(of_name("pagerduty").unwrap().unwrap().reveal(), "k3y");
        assert_eq!(secrets.find(&SecretRef { is_required: false, ..NONE }), Ok(None));
        assert!(secrets.find(&NONE).is_err());

        let absent = of_name("slack").unwrap_err().to_string();
        assert!(absent.contains("DRIFTSEAL__NOTIFIER__SECRETS__SLACK"), "{absent}");
        let nowhere = SecretRef { file: Some(Path::new("/nowhere")), ..NONE };
        let nowhere = secrets.find(&nowhere).unwrap_err();
        assert!(nowhere.to_string().contains("notifier.sinks.oncall.token_file"), "{nowhere}");
        std::fs::write(&file, " \n").unwrap();
        assert!(secrets.find(&in_file).is_err());
        std::fs::write(&file, "x".repeat(100_000)).unwrap();
        assert!(secrets.find(&in_file).is_err());
        assert!(!format!("{secrets:?} {from_file:?}").contains("k3y"));
    }

    #[test]
    fn one_of_the_two_keys_is_enough_and_both_are_too_many() {
        let file = Some(Path::new("f"));
        assert_eq!(SecretRef { file, ..NONE }.problem(), None);
        assert_eq!(SecretRef { is_required: false, ..NONE }.problem(), None);
        assert!(NONE.problem().is_some());
        assert!(SecretRef { file, name: Some("n"), ..NONE }.problem().is_some());
    }
}
