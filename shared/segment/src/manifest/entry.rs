//! Every kind of log entry.

use merkle::note::{SigningKey, VerifyingKey};
use merkle::{Hash, dsse, hash};
use serde_json::Value;

use super::amendment::{Amendment, AmendmentKind};
use super::error::{ENVELOPE_BYTES_MAX, ManifestError};
use super::installation::{self, InstallationManifest};
use super::key::{self, KeyManifest};
use super::segment::{self, SegmentManifest};
use super::statement::{self, Subject};

/// Payload type of the envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// What an entry of the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// Whose log it is: the first entry, and no other.
    Installation(InstallationManifest),
    /// A range of offsets is sealed.
    Segment(Box<SegmentManifest>),
    /// A key is believed from the next entry on.
    Key(KeyManifest),
    /// What earlier entries cover has changed.
    Amendment(Amendment),
    /// A kind that this version does not know. What depends on it cannot be judged; the objects
    /// that it covers are not orphans.
    Unknown(UnknownManifest),
}

/// A manifest of a kind that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownManifest {
    /// The kind.
    pub kind: String,
    /// Origin of the log that it is an entry of.
    pub log: String,
    /// What it covers.
    pub subjects: Vec<Subject>,
    payload: Vec<u8>,
}

/// A manifest whose envelope was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedManifest {
    /// The manifest.
    pub manifest: Manifest,
    /// SHA-256 of the payload: `previous` of the next one in the chain of a partition.
    pub digest: Hash,
    /// Id of the key that signed.
    pub key_id: String,
}

impl From<SegmentManifest> for Manifest {
    fn from(manifest: SegmentManifest) -> Self {
        Self::Segment(Box::new(manifest))
    }
}

impl Manifest {
    /// The payload.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Installation(manifest) => manifest.to_bytes(),
            Self::Segment(manifest) => manifest.to_bytes(),
            Self::Key(manifest) => manifest.to_bytes(),
            Self::Amendment(manifest) => manifest.to_bytes(),
            Self::Unknown(manifest) => manifest.payload.clone(),
        }
    }

    /// Parses a payload; only canonical bytes are accepted, and only if they contradict themselves
    /// nowhere.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Form`].
    pub fn parse(payload: &[u8]) -> Result<Self, ManifestError> {
        let value = statement::parse(payload)?;
        let kind = statement::kind(&value)?.to_owned();
        let manifest = match kind.as_str() {
            segment::KIND => Self::from(SegmentManifest::parse(value)?),
            installation::KIND => Self::Installation(InstallationManifest::parse(value)?),
            key::KIND => Self::Key(KeyManifest::parse(value)?),
            name => match AmendmentKind::parse(name) {
                Some(kind) => Self::Amendment(Amendment::parse(kind, value)?),
                None => return Ok(Self::Unknown(UnknownManifest::parse(kind, payload, value)?)),
            },
        };
        if manifest.to_bytes() == payload {
            Ok(manifest)
        } else {
            Err(ManifestError::form("it is not in its canonical form"))
        }
    }

    /// The kind, as in the predicate.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Installation(_) => installation::KIND,
            Self::Segment(_) => segment::KIND,
            Self::Key(_) => key::KIND,
            Self::Amendment(manifest) => manifest.kind.name(),
            Self::Unknown(manifest) => &manifest.kind,
        }
    }

    /// Origin of the log that it is an entry of.
    #[must_use]
    pub fn log(&self) -> &str {
        match self {
            Self::Installation(manifest) => &manifest.log,
            Self::Segment(manifest) => &manifest.log,
            Self::Key(manifest) => &manifest.log,
            Self::Amendment(manifest) => &manifest.log,
            Self::Unknown(manifest) => &manifest.log,
        }
    }

    /// What it covers.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Installation(manifest) => vec![manifest.key.clone()],
            Self::Segment(manifest) => manifest.subjects().to_vec(),
            Self::Key(manifest) => vec![manifest.subject()],
            Self::Amendment(manifest) => manifest.subjects.clone(),
            Self::Unknown(manifest) => manifest.subjects.clone(),
        }
    }

    /// The key that it accepts, if it is the manifest of one.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyManifest> {
        if let Self::Key(manifest) = self { Some(manifest) } else { None }
    }

    /// The manifest of a segment, if it is one.
    #[must_use]
    pub fn segment(&self) -> Option<&SegmentManifest> {
        if let Self::Segment(manifest) = self { Some(manifest) } else { None }
    }

    /// The manifest of a segment, if it is one.
    #[must_use]
    pub fn into_segment(self) -> Option<SegmentManifest> {
        if let Self::Segment(manifest) = self { Some(*manifest) } else { None }
    }

    /// SHA-256 of the payload: `previous` of the next manifest in the chain.
    #[must_use]
    pub fn digest(&self) -> Hash {
        hash::sha256(&self.to_bytes())
    }

    /// Signs the manifest: the log entry.
    ///
    /// # Errors
    ///
    /// [`ManifestError::TooLarge`].
    pub fn sign(&self, key: &SigningKey) -> Result<String, ManifestError> {
        let envelope = dsse::sign(PAYLOAD_TYPE, &self.to_bytes(), key);
        if envelope.len() > ENVELOPE_BYTES_MAX {
            return Err(ManifestError::TooLarge(envelope.len()));
        }
        Ok(envelope)
    }

    /// Opens a log entry with the known keys.
    ///
    /// # Errors
    ///
    /// See [`ManifestError`].
    pub fn open(entry: &[u8], keys: &[VerifyingKey]) -> Result<OpenedManifest, ManifestError> {
        Self::opened(dsse::open(entry, keys).map_err(ManifestError::Envelope)?)
    }

    /// Reads a log entry without checking its signature.
    ///
    /// # Errors
    ///
    /// See [`ManifestError`].
    pub fn peek(entry: &[u8]) -> Result<OpenedManifest, ManifestError> {
        Self::opened(dsse::parse(entry).map_err(ManifestError::Envelope)?)
    }

    fn opened(opened: dsse::Opened) -> Result<OpenedManifest, ManifestError> {
        if opened.payload_type != PAYLOAD_TYPE {
            let found = opened.payload_type;
            return Err(ManifestError::Form(format!("its payload type is `{found}`")));
        }
        Ok(OpenedManifest {
            manifest: Self::parse(&opened.payload)?,
            digest: hash::sha256(&opened.payload),
            key_id: opened.key_id,
        })
    }
}

impl UnknownManifest {
    fn parse(kind: String, payload: &[u8], value: Value) -> Result<Self, ManifestError> {
        if statement::canonical(&value)? != payload {
            return Err(ManifestError::form("it is not in its canonical form"));
        }
        let (predicate, subjects) = statement::open::<Value>(value)?;
        let log = predicate.get("log").and_then(Value::as_str);
        let log = log.ok_or_else(|| ManifestError::form("it names no log"))?.to_owned();
        Ok(Self { kind, log, subjects, payload: payload.to_vec() })
    }
}
