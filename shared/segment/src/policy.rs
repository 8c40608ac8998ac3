//! Whom to believe: the public keys of logs and sealers, obtained from somewhere else than the
//! archive or pack that is checked.
//!
//! A policy is a text of lines:
//!
//! ```text
//! # keys of the production archive, handed over on paper
//! log    log.example.com/agents+8d2e6c1a+AW…
//! sealer sealer.example.com+0fa7b3c2+AX…
//! evidence   log.example.com/agents/evidence+3b1c07de+AY…
//! governance log.example.com/agents/governance+5d3c1b2a+AY…
//! notifier   log.example.com/agents/notifier+6a5b4c3d+Aa…
//! processor  log.example.com/agents/processor+7c6b5a49+AZ…
//! ```
//!
//! `log` names a key that signs checkpoints (its name is the log's origin), `sealer` one that signs
//! manifests, `evidence` one that signs packs. `governance`, `notifier` and `processor` name keys that sign
//! in the topics of an installation: they tell its roles whom to obey; a verifier has them from the first
//! entry of the log. A key may have several lines. Blank lines and lines that begin with `#` are ignored.
//!
//! A signature under a name that the policy does not know cannot be judged. A signature under a
//! name that it *does* know, by another key, is a failure: the policy says which key that is.

use merkle::checkpoint::{Checkpoint, CheckpointError};
use merkle::dsse::DsseError;
use merkle::note::{self, KeyError, NoteError, Opened, VerifyingKey};
use thiserror::Error;

use crate::fault::{Distrust, Fault};
use crate::manifest::{KeyUse, Manifest, ManifestError, OpenedManifest};

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// A line that is neither a key nor a comment.
    #[error(
        "policy, line {line}: expected `log <key>`, `sealer <key>`, `evidence <key>`, \
         `governance <key>`, `notifier <key>` or `processor <key>`"
    )]
    Line {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A key that is not one.
    #[error("policy, line {line}: {error}")]
    Key {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: KeyError,
    },
    /// No key of a kind, so that nothing could be verified.
    #[error("policy: there is no `{0}` line")]
    Missing(&'static str),
}

/// The keys that are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifyingKey>,
    sealers: Vec<VerifyingKey>,
    roles: Vec<(KeyUse, VerifyingKey)>,
    evidence: Vec<VerifyingKey>,
}

impl Policy {
    /// A policy of these keys: of logs, and of sealers.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Missing`].
    pub fn new(logs: Vec<VerifyingKey>, sealers: Vec<VerifyingKey>) -> Result<Self, PolicyError> {
        if logs.is_empty() {
            return Err(PolicyError::Missing("log"));
        }
        if sealers.is_empty() {
            return Err(PolicyError::Missing("sealer"));
        }
        Ok(Self { logs, sealers, evidence: Vec::new(), roles: Vec::new() })
    }

    /// The same with keys that sign packs.
    #[must_use]
    pub fn with_evidence(self, evidence: Vec<VerifyingKey>) -> Self {
        Self { evidence, ..self }
    }

    /// Parses the text of a policy.
    ///
    /// # Errors
    ///
    /// See [`PolicyError`]; the line is named.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let (mut logs, mut sealers, mut evidence) = (Vec::new(), Vec::new(), Vec::new());
        let mut roles = Vec::new();
        for (line, content) in (1_usize..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let mut words = content.split_ascii_whitespace();
            let (Some(kind), Some(key), None) = (words.next(), words.next(), words.next()) else {
                return Err(PolicyError::Line { line });
            };
            let key = || VerifyingKey::parse(key).map_err(|error| PolicyError::Key { line, error });
            match kind {
                "log" => logs.push(key()?),
                "sealer" => sealers.push(key()?),
                "evidence" => evidence.push(key()?),
                "governance" => roles.push((KeyUse::Governance, key()?)),
                "notifier" => roles.push((KeyUse::Notifier, key()?)),
                "processor" => roles.push((KeyUse::Processor, key()?)),
                _ => return Err(PolicyError::Line { line }),
            }
        }
        Ok(Self { evidence, roles, ..Self::new(logs, sealers)? })
    }

    /// The text that [`Self::parse`] reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines = |kind: &str, keys: &[VerifyingKey]| -> String {
            keys.iter().map(|key| format!("{kind} {}\n", key.to_vkey())).collect()
        };
        let roles = KeyUse::ALL.map(|used_for| {
            let keys: Vec<VerifyingKey> = self.keys_for(used_for).cloned().collect();
            lines(used_for.name(), &keys)
        });
        lines("log", &self.logs)
            + &lines("sealer", &self.sealers)
            + &lines("evidence", &self.evidence)
            + &roles.concat()
    }

    /// Keys that sign in the topics of an installation.
    pub fn keys_for(&self, used_for: KeyUse) -> impl Iterator<Item = &VerifyingKey> {
        self.roles.iter().filter(move |(found, _)| *found == used_for).map(|(_, key)| key)
    }

    /// Keys that sign checkpoints.
    #[must_use]
    pub fn logs(&self) -> &[VerifyingKey] {
        &self.logs
    }

    /// Keys that sign manifests.
    #[must_use]
    pub fn sealers(&self) -> &[VerifyingKey] {
        &self.sealers
    }

    /// Keys that sign packs.
    #[must_use]
    pub fn evidence(&self) -> &[VerifyingKey] {
        &self.evidence
    }

    /// All keys, of any use.
    pub fn keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        let signers = self.logs.iter().chain(&self.sealers).chain(&self.evidence);
        signers.chain(self.roles.iter().map(|(_, key)| key))
    }

    /// Opens a signed checkpoint: it must carry one signature, by the log it is of.
    ///
    /// # Errors
    ///
    /// See [`Distrust`].
    pub fn open_checkpoint(&self, place: &str, note: &str) -> Result<Checkpoint, Distrust> {
        const STEP: &str = "checkpoint signature";
        let opened = match Checkpoint::open(note, &self.logs) {
            Ok(opened) => opened,
            Err(CheckpointError::Note(NoteError::UnknownSigner(signers))) => {
                let origin = note.lines().next().unwrap_or_default();
                if signers != [origin] {
                    let found = format!("a signature of {}", signers.join(", "));
                    return Err(Fault::new(STEP, place, format!("one of `{origin}`"), found).into());
                }
                return Err(unknown(STEP, place, origin, &self.logs, "log"));
            }
            Err(error) => {
                return Err(
                    Fault::new(STEP, place, "a signed checkpoint", error.to_string()).into()
                );
            }
        };
        one_signature(STEP, place, note)?;
        Ok(opened)
    }
}

/// Opens what signs a pack: a note with one signature, by one of these keys.
pub(crate) fn open_note_of_pack(
    place: &str,
    note: &str,
    evidence: &[VerifyingKey],
) -> Result<Opened, Distrust> {
    const STEP: &str = "evidence signature";
    let opened = match note::open(note, evidence) {
        Ok(opened) => opened,
        Err(NoteError::UnknownSigner(signers)) => {
            let signer = signers.first().map_or("", String::as_str);
            return Err(unknown(STEP, place, signer, evidence, "evidence"));
        }
        Err(error) => {
            return Err(Fault::new(STEP, place, "a signed note", error.to_string()).into());
        }
    };
    one_signature(STEP, place, note)?;
    Ok(opened)
}

/// Opens a log entry of any kind: a manifest that one of these sealers signed.
pub(crate) fn open_signed(
    place: &str,
    entry: &[u8],
    sealers: &[VerifyingKey],
) -> Result<OpenedManifest, Distrust> {
    const STEP: &str = "manifest signature";
    Manifest::open(entry, sealers).map_err(|error| match error {
        ManifestError::Envelope(DsseError::UnknownKey(id)) => {
            let name = id.rsplit_once('+').map_or(id.as_str(), |(name, _)| name);
            unknown(STEP, place, name, sealers, "sealer")
        }
        error @ (ManifestError::Envelope(_)
        | ManifestError::Form(_)
        | ManifestError::TooLarge(_)) => {
            Fault::new(STEP, place, "a signed manifest", error.to_string()).into()
        }
    })
}

/// One form only: no further signature lines, no other spelling of this one.
fn one_signature(step: &'static str, place: &str, note: &str) -> Result<(), Fault> {
    let signatures = note.rsplit_once("\n\n").map_or("", |(_, lines)| lines);
    if signatures.lines().count() == 1 {
        Ok(())
    } else {
        Err(Fault::new(step, place, "one signature line", signatures))
    }
}

/// What depends on an entry of a kind that this version does not know cannot be judged.
pub(crate) fn unknown_kind(place: &str, kind: &str) -> Distrust {
    Distrust::Unverifiable(format!("{place} is of kind `{kind}`, which this version does not know"))
}

/// A signature by a key that is not among the known ones.
fn unknown(
    step: &'static str,
    place: &str,
    name: &str,
    keys: &[VerifyingKey],
    kind: &str,
) -> Distrust {
    match keys.iter().find(|key| key.name() == name) {
        Some(key) => {
            let expected = format!("the key `{name}` with id {}", key.key_id_hex());
            Fault::new(step, place, expected, "another key of that name").into()
        }
        // The log accepts no key of a log.
        None if kind == "log" => Distrust::Unverifiable(format!(
            "{place} is signed by the {kind} `{name}`, which is not in the policy"
        )),
        None => Distrust::Unverifiable(format!(
            "{place} is signed by the {kind} `{name}`, which is not in the policy and which no entry of \
             the log before it accepts"
        )),
    }
}

#[cfg(test)]
mod tests {
    use merkle::note::SigningKey;

    use super::*;

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name, [seed; 32]).unwrap()
    }

    fn policy() -> Policy {
        Policy::new(vec![key("log", 1).verifier()], vec![key("sealer", 2).verifier()]).unwrap()
    }

    #[test]
    fn a_policy_survives_its_text() {
        let text = format!("# keys\n\n{}", policy().to_text());
        assert_eq!(Policy::parse(&text), Ok(policy()));
        let text = format!("{text}processor {}\n", key("log/processor", 3).verifier().to_vkey());
        let with_role = Policy::parse(&text).unwrap();
        assert_eq!(with_role.keys_for(KeyUse::Processor).count(), 1);
        assert_eq!(with_role.keys_for(KeyUse::Governance).count(), 0);
        assert_eq!(Policy::parse(&with_role.to_text()), Ok(with_role));
        let policy = policy().with_evidence(vec![key("evidence", 3).verifier()]);
        assert_eq!(Policy::parse(&policy.to_text()), Ok(policy));
    }

    #[test]
    fn an_error_names_its_line() {
        assert_eq!(Policy::parse("# x\nlog"), Err(PolicyError::Line { line: 2 }));
        assert_eq!(Policy::parse("witness a+b+c"), Err(PolicyError::Line { line: 1 }));
        assert_eq!(
            Policy::parse("\nlog a+00000000+AAAA"),
            Err(PolicyError::Key { line: 2, error: KeyError::Algorithm })
        );
        let only_log = format!("log {}", key("log", 1).verifier().to_vkey());
        assert_eq!(Policy::parse(&only_log), Err(PolicyError::Missing("sealer")));
    }

    #[test]
    fn a_known_name_with_another_key_fails_and_an_unknown_name_cannot_be_judged() {
        let checkpoint =
            |origin: &str| Checkpoint { origin: origin.to_owned(), size: 0, root: [0; 32] };
        let open = |origin: &str, key: &SigningKey| {
            policy().open_checkpoint("checkpoint", &checkpoint(origin).sign(key))
        };
        assert!(open("log", &key("log", 1)).is_ok());
        assert!(matches!(open("log", &key("log", 9)), Err(Distrust::Failed(_))));
        assert!(matches!(open("other", &key("other", 1)), Err(Distrust::Unverifiable(_))));
        // Signed by the log's key, but for another origin; and by a stranger for the log.
        assert!(matches!(open("other", &key("log", 1)), Err(Distrust::Failed(_))));
        assert!(matches!(open("log", &key("other", 1)), Err(Distrust::Failed(_))));
        let mut doubled = checkpoint("log").sign(&key("log", 1));
        doubled += "— stranger AAAAAAAA\n";
        assert!(matches!(policy().open_checkpoint("c", &doubled), Err(Distrust::Failed(_))));
    }
}
