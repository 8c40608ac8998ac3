//! Whatever somebody hands over as evidence: a pack, the proof of one event, or the proof that a log
//! went on and nothing else.

use std::{fmt, io};

use merkle::tlog_proof::{TlogProof, TlogProofError};
use segment::consistency::{
    self, CONSISTENCY_BYTES_MAX, CONSISTENCY_FAMILY, Consistency, Extended,
};
use segment::fault::{Distrust, Fault, Judgement};
use segment::policy::Policy;
use segment::proof::{self, EventProof, ProofReport, ProofStep};
use serde::{Deserialize, Serialize, Serializer};

use crate::earlier::Kept;
use crate::names;
use crate::parts::Parts;
use crate::report::Report;
use crate::verify::{Trust, verify};
use crate::zip::{PackBytes, Zip};

/// Most bytes of the proof of one event.
const PROOF_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most bytes of a checkpoint.
const CHECKPOINT_BYTES_MAX: u64 = 64 * 1024;

/// What verifying a file came to.
#[derive(Debug, Clone)]
pub enum Judged {
    /// It is a pack, or nothing that is known.
    Pack(Box<Report>),
    /// It is a proof.
    Proof(Box<ProofReport>, Option<Box<EventProof>>),
    /// It is the proof that a log went on.
    Consistency(Box<ProofReport>),
}

/// Whatever was judged, its report is one object.
impl Serialize for Judged {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pack(report) => report.serialize(to),
            Self::Proof(report, _) | Self::Consistency(report) => report.serialize(to),
        }
    }
}

impl Judged {
    /// The answer.
    #[must_use]
    pub fn verdict(&self) -> Judgement {
        match self {
            Self::Pack(report) => report.verdict,
            Self::Proof(report, _) | Self::Consistency(report) => report.verdict,
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pack(report) => report.fmt(to),
            Self::Proof(report, proof) => to.write_str(&report.to_text(proof.as_deref())),
            Self::Consistency(report) => to.write_str(&report.to_text(None)),
        }
    }
}

/// Verifies what begins like a JSON object as the proof that its format names, anything else as a
/// pack.
#[must_use]
pub fn judge(bytes: &dyn PackBytes, trust: Trust<'_>) -> Judged {
    match json_text(bytes) {
        Some(Ok(text)) if is_consistency(&text) => {
            let (extended, report) = consistency::verify_document(&text, trust.policy);
            let report = match extended {
                Some(Extended { older, newer }) => {
                    since(report, trust, |kept, _| kept.check_at(&[older], &newer, "the document"))
                }
                None => report,
            };
            Judged::Consistency(Box::new(report))
        }
        Some(Ok(text)) => {
            let (proof, report) = proof::verify_document(&text, trust.policy);
            let report = match &proof {
                Some(proof) => since(report, trust, |kept, policy| {
                    let checkpoint =
                        policy.open_checkpoint("checkpoint", &checkpoint_of(proof)?)?;
                    kept.check_at(&[], &checkpoint, "the proof")
                }),
                None => report,
            };
            Judged::Proof(Box::new(report), proof.map(Box::new))
        }
        Some(Err(fault)) => {
            Judged::Pack(Box::new(Report::new(Err(fault.into()), None, Vec::new())))
        }
        None => Judged::Pack(Box::new(verify(bytes, trust))),
    }
}

/// The signed checkpoint in a file: it is one, or a pack or a proof that holds one (of two the newer
/// one). Nothing of it is verified.
///
/// # Errors
///
/// The file cannot be read, or holds no checkpoint.
pub fn checkpoint_in(bytes: &dyn PackBytes) -> Result<String, Distrust> {
    const PLACE: &str = "the whole file";
    const EXPECTED: &str = "a checkpoint, a pack or a proof";
    let fault = |found: &str| Distrust::from(Fault::new("checkpoint", PLACE, EXPECTED, found));
    match json_text(bytes) {
        Some(Ok(text)) if is_consistency(&text) => Ok(Consistency::parse(&text)?.newer),
        Some(Ok(text)) => {
            let text = String::from_utf8(text).map_err(|_| fault("no UTF-8"))?;
            let proof = EventProof::parse(&text).map_err(|error| fault(&error))?;
            checkpoint_of(&proof)
        }
        Some(Err(found)) => Err(found.into()),
        None => {
            let head = head(bytes).ok_or_else(|| fault("nothing that can be read"))?;
            if head.starts_with(b"PK") {
                return Parts::of(&Zip::open(bytes)?)?.small_text(names::CHECKPOINT);
            }
            if bytes.size_bytes() > CHECKPOINT_BYTES_MAX {
                return Err(fault("more bytes than a checkpoint has"));
            }
            let text = whole(bytes).ok_or_else(|| fault("nothing that can be read"))?;
            String::from_utf8(text).map_err(|_| fault("no UTF-8"))
        }
    }
}

/// The bytes of a consistency document for [`crate::Earlier`]; of a larger file, one byte more than a
/// document may have, which shows it.
///
/// # Errors
///
/// They cannot be read.
pub fn document(bytes: &dyn PackBytes) -> io::Result<Vec<u8>> {
    let size = bytes.size_bytes().min(CONSISTENCY_BYTES_MAX.saturating_add(1));
    let mut text = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    bytes.read_at(0, &mut text)?;
    Ok(text)
}

/// The signed checkpoint in the proof of an event.
fn checkpoint_of(proof: &EventProof) -> Result<String, Distrust> {
    let in_log = TlogProof::parse(&proof.tlog_proof);
    let wrong = |error: TlogProofError| {
        Fault::new("log proof", "proof document", "its exact form", error.to_string())
    };
    Ok(in_log.map_err(wrong)?.checkpoint)
}

/// The report of a proof, and, if it holds, whether what was kept from earlier does.
fn since(
    mut report: ProofReport,
    trust: Trust<'_>,
    check: impl FnOnce(&Kept, &Policy) -> Result<String, Distrust>,
) -> ProofReport {
    let (Some(policy), Some(earlier)) = (trust.policy, trust.earlier) else { return report };
    if report.verdict != Judgement::Verified {
        return report;
    }
    match Kept::open(policy, earlier).and_then(|kept| check(&kept, policy)) {
        Ok(detail) => {
            report.steps.push(ProofStep { name: "kept checkpoint", detail });
            report
        }
        Err(distrust) => ProofReport::new(Err(distrust), report.steps),
    }
}

/// Whether a JSON text names a format of the proofs that a log went on.
fn is_consistency(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Named {
        format: String,
    }
    serde_json::from_slice(text)
        .is_ok_and(|named: Named| named.format.starts_with(CONSISTENCY_FAMILY))
}

/// The first bytes; what cannot be read now cannot be read as a pack either, which says so.
fn head(bytes: &dyn PackBytes) -> Option<Vec<u8>> {
    let mut head = vec![0; usize::try_from(bytes.size_bytes().min(64)).ok()?];
    bytes.read_at(0, &mut head).ok()?;
    Some(head)
}

/// All bytes, which are few.
fn whole(bytes: &dyn PackBytes) -> Option<Vec<u8>> {
    let mut text = vec![0; usize::try_from(bytes.size_bytes()).ok()?];
    bytes.read_at(0, &mut text).ok()?;
    Some(text)
}

/// The bytes, if they begin like a JSON object.
fn json_text(bytes: &dyn PackBytes) -> Option<Result<Vec<u8>, Fault>> {
    if !head(bytes)?.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let size = bytes.size_bytes();
    if size > PROOF_BYTES_MAX {
        let expected = format!("a proof of at most {PROOF_BYTES_MAX} bytes");
        return Some(Err(Fault::new("size", "the whole file", expected, size.to_string())));
    }
    whole(bytes).map(Ok)
}
