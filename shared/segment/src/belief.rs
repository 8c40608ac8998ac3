//! Whom to believe while a log is read: the keys of a policy, and those that entries of the log have
//! accepted.
//!
//! A `key` entry says that a key is believed from the next entry on. It counts because of who signed
//! it: a sealer of the policy, or one that an earlier entry accepted. So a policy follows a key that
//! was replaced, and a policy that does not know the signer believes neither him nor what he accepted.
//!
//! Whoever reads entries first proves that they are in the log, then opens them here in order.

use std::collections::BTreeMap;

use merkle::note::{Opened, VerifyingKey};
use serde::{Serialize, Serializer};

use crate::fault::{Distrust, Fault};
use crate::manifest::{Manifest, OpenedManifest, SignerUse};
use crate::policy::{Policy, open_note_of_pack, open_signed, unknown_kind};

/// A key that is believed because an entry of the log says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcceptedKey {
    /// Number of the entry; the key is believed behind it.
    pub entry: u64,
    /// What it signs.
    #[serde(rename = "use")]
    pub used_for: SignerUse,
    /// The key; in reports its name and id.
    #[serde(serialize_with = "as_id")]
    pub key: VerifyingKey,
    /// Name and id of the sealer's key that signed the entry.
    pub signed_by: String,
}

impl AcceptedKey {
    /// Name and id of the key.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}+{}", self.key.name(), self.key.key_id_hex())
    }
}

impl std::fmt::Display for AcceptedKey {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { entry, used_for, signed_by, .. } = self;
        write!(to, "{} {}, accepted by log entry {entry}, ", used_for.name(), self.id())?;
        write!(to, "which {signed_by} signed; it is not in the policy")
    }
}

fn as_id<S: Serializer>(key: &VerifyingKey, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{}+{}", key.name(), key.key_id_hex()))
}

/// The keys that are believed so far.
#[derive(Debug, Clone)]
pub struct Believed {
    policy: Policy,
    /// Those of the policy, then those that entries accepted, in the order of the log.
    sealers: Vec<VerifyingKey>,
    evidence: Vec<VerifyingKey>,
    accepted: Vec<AcceptedKey>,
    /// All keys that entries name, by their names.
    named: BTreeMap<String, VerifyingKey>,
}

impl Believed {
    /// The keys of a policy; nothing of the log is read yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            sealers: policy.sealers().to_vec(),
            evidence: policy.evidence().to_vec(),
            policy,
            accepted: Vec::new(),
            named: BTreeMap::new(),
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The keys that are believed because of the log, in its order; those of the policy are not among them.
    #[must_use]
    pub fn accepted(&self) -> &[AcceptedKey] {
        &self.accepted
    }

    /// Whether a key is believed for that use.
    #[must_use]
    pub fn knows(&self, used_for: SignerUse, key: &VerifyingKey) -> bool {
        self.keys_for(used_for).contains(key)
    }

    /// The keys that sign packs, or manifests.
    #[must_use]
    pub fn keys_for(&self, used_for: SignerUse) -> &[VerifyingKey] {
        match used_for {
            SignerUse::Sealer => &self.sealers,
            SignerUse::Evidence => &self.evidence,
        }
    }

    /// Opens an entry of any kind: a manifest that a sealer signed who is believed at this place in the
    /// log. What it accepts, [`Self::accept`] takes.
    ///
    /// # Errors
    ///
    /// See [`Distrust`].
    pub fn open_entry(
        &self,
        place: &str,
        index: u64,
        entry: &[u8],
    ) -> Result<OpenedManifest, Distrust> {
        let is_behind =
            |key: &&AcceptedKey| key.used_for == SignerUse::Sealer && key.entry >= index;
        let behind = self.accepted.iter().filter(is_behind).count();
        let (believed, _) = self.sealers.split_at(self.sealers.len().saturating_sub(behind));
        open_signed(place, entry, believed)
    }

    /// As [`Self::open_entry`], of a kind that this version knows.
    ///
    /// # Errors
    ///
    /// See [`Distrust`].
    pub fn open_manifest(
        &self,
        place: &str,
        index: u64,
        entry: &[u8],
    ) -> Result<OpenedManifest, Distrust> {
        let opened = self.open_entry(place, index, entry)?;
        match &opened.manifest {
            Manifest::Unknown(unknown) => Err(unknown_kind(place, &unknown.kind)),
            Manifest::Installation(_)
            | Manifest::Segment(_)
            | Manifest::Key(_)
            | Manifest::Amendment(_) => Ok(opened),
        }
    }

    /// Believes the key that an opened entry accepts, if it is one of that kind. Entries come in the
    /// order of the log.
    ///
    /// # Errors
    ///
    /// The policy or an earlier entry gives its name another key: a name has one.
    pub fn accept(
        &mut self,
        place: &str,
        index: u64,
        opened: &OpenedManifest,
    ) -> Result<(), Fault> {
        let Some(manifest) = opened.manifest.key() else { return Ok(()) };
        let key = &manifest.key;
        let is_other = |known: &&VerifyingKey| known.name() == key.name() && *known != key;
        let other = self.policy.keys().find(is_other);
        if let Some(other) = other.or_else(|| self.named.get(key.name()).filter(is_other)) {
            let show =
                |key: &VerifyingKey| format!("`{}` with id {}", key.name(), key.key_id_hex());
            return Err(Fault::new("one key of a name", place, show(other), show(key)));
        }
        self.named.insert(key.name().to_owned(), key.clone());
        let known = match manifest.used_for {
            SignerUse::Sealer => &mut self.sealers,
            SignerUse::Evidence => &mut self.evidence,
        };
        if !known.contains(key) {
            known.push(key.clone());
            self.accepted.push(AcceptedKey {
                entry: index,
                used_for: manifest.used_for,
                key: key.clone(),
                signed_by: opened.key_id.clone(),
            });
        }
        Ok(())
    }

    /// Opens what signs a pack about a log whose entries were opened: a note with one signature, by an
    /// evidence key.
    ///
    /// # Errors
    ///
    /// See [`Distrust`].
    pub fn open_pack_note(&self, place: &str, note: &str) -> Result<Opened, Distrust> {
        open_note_of_pack(place, note, &self.evidence)
    }
}
