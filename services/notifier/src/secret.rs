//! Where secrets come from: a file, or a name in `[notifier.secrets]`, which the environment
//! fills. They are read once, at the start, and never printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use service::config::Secret;
use thiserror::Error;

/// Longest file that is taken for a secret, bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Why a secret is not there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("failed to read the secret `{key}` from `{}`: {reason}", file.display())]
    File {
        /// Key of the configuration.
        key: String,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The name is not in `[notifier.secrets]`.
    #[error(
        "`{key}`: no secret `{name}`; set it in the environment as \
         DRIFTSEAL__NOTIFIER__SECRETS__{}, or name a file", name.to_uppercase()
    )]
    Unknown {
        /// Key of the configuration.
        key: String,
        /// The name that was looked for.
        name: String,
    },
    /// The secret is not what the receiver needs.
    #[error("the secret `{key}` is not usable: {reason}")]
    Unusable {
        /// Key of the configuration.
        key: String,
        /// What is wrong with it, without the secret.
        reason: String,
    },
}

/// The named secrets, and the sink that asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Secrets<'a> {
    pub(crate) sink: &'a str,
    pub(crate) named: &'a BTreeMap<String, Secret>,
}

impl Secrets<'_> {
    fn key(&self, key: &str) -> String {
        format!("notifier.sinks.{}.{key}", self.sink)
    }

    /// The secret of `<what>_file` or `<what>_name`; `None` if neither is given. White space
    /// around it is not part of it.
    pub(crate) fn find(
        &self,
        what: &str,
        file: Option<&Path>,
        name: Option<&str>,
    ) -> Result<Option<Secret>, SecretError> {
        let text = match (file, name) {
            (Some(file), _) => {
                let key = self.key(&format!("{what}_file"));
                read(file).map_err(|reason| SecretError::File { key, file: file.into(), reason })?
            }
            (None, Some(name)) => match self.named.get(name) {
                Some(secret) => secret.reveal().to_owned(),
                None => {
                    let key = self.key(&format!("{what}_name"));
                    return Err(SecretError::Unknown { key, name: name.to_owned() });
                }
            },
            (None, None) => return Ok(None),
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(self.unusable(what, "it is empty"));
        }
        Ok(Some(Secret::new(text.to_owned())))
    }

    /// As [`Self::find`], for a secret that must be there.
    pub(crate) fn need(
        &self,
        what: &str,
        file: Option<&Path>,
        name: Option<&str>,
    ) -> Result<Secret, SecretError> {
        let found = self.find(what, file, name)?;
        let missing = format!("give `{what}_file` or `{what}_name`");
        found.ok_or_else(|| self.unusable(what, &missing))
    }

    pub(crate) fn unusable(&self, what: &str, reason: &str) -> SecretError {
        SecretError::Unusable { key: self.key(what), reason: reason.to_owned() }
    }
}

fn read(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it has {size} bytes, a secret at most {FILE_BYTES_MAX}"));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

/// What is wrong with the two keys of a secret: not both, and one if it is needed.
pub(crate) fn problem(
    what: &str,
    file: Option<&Path>,
    name: Option<&str>,
    is_needed: bool,
) -> Option<String> {
    match (file, name) {
        (Some(_), Some(_)) => Some(format!("`{what}_file`, `{what}_name`: give one, not both")),
        (None, None) if is_needed => {
            Some(format!("`{what}_file`: needed, or `{what}_name` and [notifier.secrets]"))
        }
        (Some(_), None) | (None, Some(_)) | (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_file_or_a_name_and_is_not_in_any_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, "  hunter2\n").unwrap();
        let named = BTreeMap::from([("pagerduty".to_owned(), Secret::new("k3y".into()))]);
        let secrets = Secrets { sink: "oncall", named: &named };
        let from_file = secrets.find("token", Some(&file), None).unwrap().unwrap();
        assert_eq!(from_file.reveal(), "hunter2");
        let from_name = secrets.need("token", None, Some("pagerduty")).unwrap();
        assert_eq!(from_name.reveal(), "k3y");
        assert_eq!(secrets.find("token", None, None), Ok(None));

        let absent = secrets.need("token", None, Some("slack")).unwrap_err().to_string();
        assert!(absent.contains("DRIFTSEAL__NOTIFIER__SECRETS__SLACK"), "{absent}");
        let nowhere = secrets.need("token", Some(Path::new("/nowhere")), None).unwrap_err();
        assert!(nowhere.to_string().contains("notifier.sinks.oncall.token_file"), "{nowhere}");
        std::fs::write(&file, " \n").unwrap();
        assert!(secrets.need("token", Some(&file), None).is_err());
        std::fs::write(&file, "x".repeat(100_000)).unwrap();
        assert!(secrets.need("token", Some(&file), None).is_err());
        assert!(!format!("{secrets:?} {from_file:?}").contains("k3y"));
    }

    #[test]
    fn one_of_the_two_keys_is_enough_and_both_are_too_many() {
        let file = Path::new("f");
        assert_eq!(problem("token", Some(file), None, true), None);
        assert_eq!(problem("token", None, None, false), None);
        assert!(problem("token", None, None, true).is_some());
        assert!(problem("token", Some(file), Some("n"), false).is_some());
    }
}
