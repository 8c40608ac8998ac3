//! The proof that a log went on and nothing else (`driftseal/consistency/v1`): what an older signed
//! checkpoint vouches for is the beginning of what a newer one vouches for.

use merkle::checkpoint::Checkpoint;
use merkle::proof::{ProofError, verify_consistency};
use merkle::{Hash, hash};
use serde::{Deserialize, Serialize};

use crate::fault::{Distrust, Fault, expect_equal};
use crate::policy::Policy;
use crate::proof::{ProofReport, ProofStep};

/// Format name in the document.
pub const CONSISTENCY_FORMAT: &str = "driftseal/consistency/v1";

/// What the names of all versions of the format begin with.
pub const CONSISTENCY_FAMILY: &str = "driftseal/consistency/";

/// Most bytes of a document.
pub const CONSISTENCY_BYTES_MAX: u64 = 64 * 1024;

const PLACE: &str = "consistency document";
const OLDER: &str = "older checkpoint";
const NEWER: &str = "newer checkpoint";

/// The document. Sizes, roots and origin stand in the signed checkpoints and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// [`CONSISTENCY_FORMAT`].
    pub format: String,
    /// The signed checkpoint of fewer entries.
    pub older: String,
    /// The signed checkpoint of more.
    pub newer: String,
    /// The proof of RFC 9162, section 2.1.4: digests in hexadecimal.
    pub path: Vec<String>,
}

/// Two checkpoints of a log of which the newer one extends the older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// What was vouched for first.
    pub older: Checkpoint,
    /// What begins with it.
    pub newer: Checkpoint,
}

/// What of any version says which it is.
#[derive(Debug, Deserialize)]
struct Named {
    format: String,
}

impl Consistency {
    /// The document with these checkpoints and this proof.
    #[must_use]
    pub fn new(older: &str, newer: &str, path: &[Hash]) -> Self {
        Self {
            format: CONSISTENCY_FORMAT.to_owned(),
            older: older.to_owned(),
            newer: newer.to_owned(),
            path: path.iter().map(hash::to_hex).collect(),
        }
    }

    /// The document as indented JSON, with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        match serde_json::to_string_pretty(self) {
            Ok(json) => json + "\n",
            Err(error) => unreachable!("texts have a JSON form: {error}"),
        }
    }

    /// Reads a document of bounded size.
    ///
    /// # Errors
    ///
    /// It is too large, of another version, or not as the format says.
    pub fn parse(bytes: &[u8]) -> Result<Self, Distrust> {
        let size = bytes.len() as u64;
        if size > CONSISTENCY_BYTES_MAX {
            let expected = format!("a document of at most {CONSISTENCY_BYTES_MAX} bytes");
            return Err(Fault::new("size", PLACE, expected, "more").into());
        }
        let form = |error: serde_json::Error| {
            Fault::new("form", PLACE, "a consistency document", error.to_string())
        };
        let named: Named = serde_json::from_slice(bytes).map_err(form)?;
        if named.format != CONSISTENCY_FORMAT {
            return Err(Distrust::Unverifiable(format!(
                "the consistency document is of format `{}`; this version knows \
                 `{CONSISTENCY_FORMAT}`",
                named.format
            )));
        }
        let document: Self = serde_json::from_slice(bytes).map_err(form)?;
        document.nodes()?;
        Ok(document)
    }

    fn nodes(&self) -> Result<Vec<Hash>, Fault> {
        let nodes: Option<Vec<Hash>> = self.path.iter().map(|text| hash::from_hex(text)).collect();
        nodes.ok_or_else(|| {
            Fault::new("form", PLACE, "a path of SHA-256 in hexadecimal", "something else")
        })
    }

    /// Checks the document by a policy; what was shown.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold, or why it cannot be judged.
    pub fn check(&self, policy: &Policy) -> Result<Extended, Distrust> {
        let path = self.nodes()?;
        let older = policy.open_checkpoint(OLDER, &self.older)?;
        let newer = policy.open_checkpoint(NEWER, &self.newer)?;
        expect_equal("log origin", NEWER, &older.origin, &newer.origin)?;
        let wrong = |error: ProofError| {
            let expected = format!(
                "a proof that the log of {} entries begins with the {} of the older checkpoint",
                newer.size, older.size
            );
            Fault::new("consistency", PLACE, expected, error.to_string())
        };
        verify_consistency(older.size, &older.root, newer.size, &newer.root, &path)
            .map_err(wrong)?;
        Ok(Extended { older, newer })
    }
}

/// Reads and verifies a document; without a policy nobody can say who signed it. Pure; any bytes give
/// a report.
#[must_use]
pub fn verify_document(bytes: &[u8], policy: Option<&Policy>) -> (Option<Extended>, ProofReport) {
    let mut steps = Vec::new();
    let outcome = Consistency::parse(bytes).and_then(|document| {
        let Some(policy) = policy else {
            let why = "there is no policy: without the public keys, obtained from somewhere else than \
                       the document or its sender, nobody can say who signed it";
            return Err(Distrust::Unverifiable(why.to_owned()));
        };
        let extended = document.check(policy)?;
        steps = extended.steps();
        Ok(extended)
    });
    match outcome {
        Ok(extended) => (Some(extended), ProofReport::new(Ok(()), steps)),
        Err(distrust) => (None, ProofReport::new(Err(distrust), steps)),
    }
}

impl Extended {
    fn steps(&self) -> Vec<ProofStep> {
        let Self { older, newer } = self;
        let vouches = |name, checkpoint: &Checkpoint| ProofStep {
            name,
            detail: format!(
                "log `{}` vouches for {} entries, root {}",
                checkpoint.origin,
                checkpoint.size,
                hash::to_hex(&checkpoint.root)
            ),
        };
        let detail = format!("the {} entries are the first of the {}", older.size, newer.size);
        vec![
            vouches(OLDER, older),
            vouches(NEWER, newer),
            ProofStep { name: "consistency", detail },
        ]
    }
}
