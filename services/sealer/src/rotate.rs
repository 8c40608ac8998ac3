//! Replaces a key of a directory. Whoever has the old key tells the log of the new one, so that policies from before
//! follow. A process may die behind every step; running it again goes on:
//!
//! | step | running again |
//! |---|---|
//! | the log is read | begins |
//! | the new key is written beside the old one, as `<file>.new` | tells the log of it |
//! | the log accepts it | sees that |
//! | `policy.txt` names it | sees that |
//! | it takes the place of the old one | replaces it too |

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use archive::Archive;
use merkle::note::{SigningKey, VerifyingKey};
use segment::manifest::SignerUse;
use segment::policy::Policy;
use service::Shutdown;
use service::files::check_directory;
use thiserror::Error;

use crate::keys::{
    EVIDENCE_FILE, Keys, KeysError, LOG_FILE, POLICY_FILE, SEALER_FILE, failed, generate, read,
    read_policy, sync_directory, unfit, write,
};
use crate::ledger::Ledger;
use crate::retry::Retry;
use crate::{Config, RunError};

/// Why a key was not replaced.
#[derive(Debug, Error)]
pub enum RotateError {
    /// The directory of the keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The log could not be told of the new key.
    #[error("the key was not replaced, because the transparency log cannot be told: {0}")]
    Log(Box<RunError>),
}

impl From<RunError> for RotateError {
    fn from(error: RunError) -> Self {
        Self::Log(Box::new(error))
    }
}

/// A key that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The new key.
    pub key: VerifyingKey,
    /// The entry of the log that accepts it, if it was told.
    pub entry: Option<u64>,
    /// Name and id of the key that signed the entry.
    pub signed_by: Option<String>,
    /// An earlier rotation was interrupted, and this has ended it.
    pub is_continued: bool,
}

/// Replaces a key of a directory by a new one with the next name (`…/sealer`, `…/sealer-2`, …: a
/// name has one key). The sealer's key signs an entry of the log that accepts the new one; `policy.txt` names both from
/// then on. The secret of the old one is gone. Sealers may run meanwhile; a process that runs goes on with the
/// old key until it starts again.
///
/// # Errors
///
/// See [`RotateError`]. If the log cannot be read, nothing was changed; behind that, run it again.
pub fn rotate_key(
    archive: &Archive,
    directory: &Path,
    used_for: SignerUse,
) -> Result<Rotated, RotateError> {
    rotate(archive, directory, used_for, &Retry::new(&Config::default(), Shutdown::new()))
}

pub(crate) fn rotate(
    archive: &Archive,
    directory: &Path,
    used_for: SignerUse,
    retry: &Retry,
) -> Result<Rotated, RotateError> {
    let keys = Keys::load(directory)?;
    let place = Place { directory, used_for };
    let mut ledger = Ledger::open(archive, &keys, retry)?;
    let mut known = place.known()?;
    known.extend(ledger.accepted().iter().map(|accepted| accepted.key.clone()));
    known.extend(keys.verifiers());
    let is_other =
        |new: &VerifyingKey| known.iter().any(|known| known.name() == new.name() && known != new);
    let staged = place.staged()?.filter(|new| !is_other(&new.verifier()));
    let is_continued = staged.is_some();
    let new = match staged {
        Some(new) => new,
        None => place.stage(&known)?,
    };
    let entry = ledger.accept(used_for, &new.verifier(), &keys.sealer)?;
    place.finish(&new.verifier())?;
    let signed_by = format!("{}+{}", keys.sealer.name(), keys.sealer.verifier().key_id_hex());
    let (key, entry, signed_by) = (new.verifier(), Some(entry), Some(signed_by));
    Ok(Rotated { key, entry, signed_by, is_continued })
}

/// As [`rotate_key`], and tells the log nothing: for a key that was stolen, or lost. Verifiers need the new policy:
/// what the new key signs is UNVERIFIABLE by the old one.
///
/// # Errors
///
/// See [`KeysError`].
pub fn rotate_key_without_log(directory: &Path, used_for: SignerUse) -> Result<Rotated, KeysError> {
    check_directory(directory).map_err(|error| unfit(directory, &error))?;
    let place = Place { directory, used_for };
    let mut known = place.known()?;
    // The log may have accepted it, and whoever has the old key may have it too.
    known.extend(place.staged()?.map(|staged| staged.verifier()));
    let new = place.stage(&known)?;
    place.finish(&new.verifier())?;
    Ok(Rotated { key: new.verifier(), entry: None, signed_by: None, is_continued: false })
}

/// A key of a directory.
struct Place<'d> {
    directory: &'d Path,
    used_for: SignerUse,
}

impl Place<'_> {
    fn file(&self) -> PathBuf {
        self.directory.join(match self.used_for {
            SignerUse::Sealer => SEALER_FILE,
            SignerUse::Evidence => EVIDENCE_FILE,
        })
    }

    fn staged_file(&self) -> PathBuf {
        self.file().with_extension("key.new")
    }

    fn policy_file(&self) -> PathBuf {
        self.directory.join(POLICY_FILE)
    }

    /// The keys that the policy of the directory names.
    fn known(&self) -> Result<Vec<VerifyingKey>, KeysError> {
        let policy = read_policy(&self.policy_file())?;
        Ok(policy.iter().flat_map(Policy::keys).cloned().collect())
    }

    /// What a rotation that was interrupted has left. A file that was not written to its end was told to nobody.
    fn staged(&self) -> Result<Option<SigningKey>, KeysError> {
        let file = self.staged_file();
        if !file.exists() {
            return Ok(None);
        }
        match read(&file) {
            Ok(key) => Ok(Some(key)),
            Err(KeysError::Form { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a key with a name of its own, and writes it beside the old one.
    fn stage(&self, known: &[VerifyingKey]) -> Result<SigningKey, KeysError> {
        let taken: BTreeSet<&str> = known.iter().map(VerifyingKey::name).collect();
        let mut name = successor(&self.old_name()?);
        while taken.contains(name.as_str()) {
            name = successor(&name);
        }
        let new = generate(&name, &name)?;
        let file = self.staged_file();
        if file.exists() {
            fs::remove_file(&file).map_err(|error| failed(&file, &error))?;
        }
        write(&file, &new.to_text(), true)?;
        sync_directory(self.directory).map_err(|error| failed(self.directory, &error))?;
        Ok(new)
    }

    /// The name of the key that is replaced; it may be lost.
    fn old_name(&self) -> Result<String, KeysError> {
        let file = self.file();
        if file.exists() {
            return Ok(read(&file)?.name().to_owned());
        }
        let log = read(&self.directory.join(LOG_FILE))?;
        Ok(format!("{}/{}", log.name(), self.used_for.name()))
    }

    /// Names the new key in the policy, then puts it in the place of the old one. Verifiers of a key that signs
    /// nothing are no harm; a key without verifiers is.
    fn finish(&self, new: &VerifyingKey) -> Result<(), KeysError> {
        self.name_in_policy(new)?;
        let file = self.file();
        fs::rename(self.staged_file(), &file)
            .and_then(|()| sync_directory(self.directory))
            .map_err(|error| failed(&file, &error))
    }

    fn name_in_policy(&self, new: &VerifyingKey) -> Result<(), KeysError> {
        let file = self.policy_file();
        let mut text = match read_policy(&file)? {
            Some(policy) => {
                let named = match self.used_for {
                    SignerUse::Sealer => policy.sealers(),
                    SignerUse::Evidence => policy.evidence(),
                };
                if named.contains(new) {
                    return Ok(());
                }
                fs::read_to_string(&file).map_err(|error| failed(&file, &error))?
            }
            None => self.policy_of_keys()?,
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text += &format!("{} {}\n", self.used_for.name(), new.to_vkey());
        // A line that was cut off would be no policy.
        let whole = file.with_extension("txt.new");
        write(&whole, &text, false)?;
        if let Ok(metadata) = fs::metadata(&file) {
            fs::set_permissions(&whole, metadata.permissions())
                .map_err(|error| failed(&whole, &error))?;
        }
        fs::rename(&whole, &file)
            .and_then(|()| sync_directory(self.directory))
            .map_err(|error| failed(&file, &error))
    }

    /// The lines of the keys that are there.
    fn policy_of_keys(&self) -> Result<String, KeysError> {
        let files = [("log", LOG_FILE), ("sealer", SEALER_FILE), ("evidence", EVIDENCE_FILE)];
        let mut text = String::new();
        for (used_for, file) in files {
            let file = self.directory.join(file);
            if file.exists() {
                text += &format!("{used_for} {}\n", read(&file)?.verifier().to_vkey());
            }
        }
        Ok(text)
    }
}

/// The name of the key after one of that name.
fn successor(name: &str) -> String {
    let numbered = name.rsplit_once('-').and_then(|(stem, number)| {
        let number: u32 = number.parse().ok()?;
        Some((stem, number.checked_add(1)?))
    });
    match numbered {
        Some((stem, next)) if next > 2 => format!("{stem}-{next}"),
        _ => format!("{name}-2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_key_signs_no_more_and_what_it_has_signed_stays_verifiable() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        Keys::generate("log.example.com/a").unwrap().save(&path).unwrap();
        let before = Keys::load(&path).unwrap();
        let signed = before.sealer.sign_bytes(b"x");
        // A rotation that was interrupted leaves this.
        fs::write(path.join("sealer.key.new"), "half").unwrap();
        restrict(&path.join("sealer.key.new"));
        let new = rotate_key_without_log(&path, SignerUse::Sealer).unwrap().key;
        let pack_key = rotate_key_without_log(&path, SignerUse::Evidence).unwrap().key;
        let after = Keys::load(&path).unwrap();
        assert_eq!((after.sealer.verifier(), after.evidence.verifier()), (new, pack_key));
        assert_eq!(after.sealer.verifier().name(), "log.example.com/a/sealer-2");
        assert_eq!(after.log.verifier(), before.log.verifier());
        assert_ne!(after.sealer.sign_bytes(b"x"), signed);
        let policy = Policy::parse(&fs::read_to_string(path.join(POLICY_FILE)).unwrap()).unwrap();
        for keys in [&before, &after] {
            assert!(after.verifiers().contains(&keys.sealer.verifier()));
            assert!(policy.sealers().contains(&keys.sealer.verifier()));
            assert!(policy.evidence().contains(&keys.evidence.verifier()));
        }
        let names: Vec<_> = fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 4, "{names:?}");
    }

    #[test]
    fn a_key_that_was_lost_and_a_policy_that_was_lost_are_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        Keys::generate("log.example.com/a").unwrap().save(&path).unwrap();
        fs::remove_file(path.join(EVIDENCE_FILE)).unwrap();
        fs::remove_file(path.join(POLICY_FILE)).unwrap();
        let new = rotate_key_without_log(&path, SignerUse::Evidence).unwrap().key;
        assert_eq!(new.name(), "log.example.com/a/evidence-2");
        let keys = Keys::load(&path).unwrap();
        assert_eq!(fs::read_to_string(path.join(POLICY_FILE)).unwrap(), keys.policy());
        // A staged key may be in the log, and with whoever has stolen the other: its name is taken.
        let stolen = SigningKey::from_seed("log.example.com/a/evidence-3", [4; 32]).unwrap();
        write(&path.join("evidence.key.new"), &stolen.to_text(), true).unwrap();
        let new = rotate_key_without_log(&path, SignerUse::Evidence).unwrap().key;
        assert_eq!(new.name(), "log.example.com/a/evidence-4");
        // A line without an end is none that another may be appended to.
        let text = fs::read_to_string(path.join(POLICY_FILE)).unwrap();
        fs::write(path.join(POLICY_FILE), text.trim_end()).unwrap();
        rotate_key_without_log(&path, SignerUse::Sealer).unwrap();
        assert_eq!(Keys::load(&path).unwrap().sealer.name(), "log.example.com/a/sealer-2");
    }

    #[cfg(unix)]
    fn restrict(file: &Path) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[cfg(not(unix))]
    fn restrict(_file: &Path) {}

    #[test]
    fn every_key_has_a_name_of_its_own() {
        for (name, next) in [
            ("a/sealer", "a/sealer-2"),
            ("a/sealer-2", "a/sealer-3"),
            ("a/sealer-9", "a/sealer-10"),
            ("a/sealer-0", "a/sealer-0-2"),
            ("a-b/sealer", "a-b/sealer-2"),
            ("a/sealer-4294967295", "a/sealer-4294967295-2"),
        ] {
            assert_eq!(successor(name), next);
        }
    }
}
