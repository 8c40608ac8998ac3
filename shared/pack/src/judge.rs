//! Whatever somebody hands over as evidence: a pack, or the proof of one event.

use std::fmt;

use segment::fault::{Fault, Judgement};
use segment::proof::{self, EventProof, ProofReport};
use serde::Serialize;

use crate::report::Report;
use crate::verify::{Trust, verify};
use crate::zip::PackBytes;

/// Most bytes of the proof of one event.
const PROOF_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What verifying a file came to.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Judged {
    /// It is a pack, or nothing that is known.
    Pack(Box<Report>),
    /// It is a proof.
    Proof(Box<ProofReport>, #[serde(skip)] Option<Box<EventProof>>),
}

impl Judged {
    /// The answer.
    #[must_use]
    pub fn verdict(&self) -> Judgement {
        match self {
            Self::Pack(report) => report.verdict,
            Self::Proof(report, _) => report.verdict,
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pack(report) => report.fmt(to),
            Self::Proof(report, proof) => to.write_str(&report.to_text(proof.as_deref())),
        }
    }
}

/// Verifies what begins like a JSON object as a proof, anything else as a pack.
#[must_use]
pub fn judge(bytes: &dyn PackBytes, trust: Trust<'_>) -> Judged {
    match proof_text(bytes) {
        Some(Ok(text)) => {
            let (proof, report) = proof::verify_document(&text, trust.policy);
            Judged::Proof(Box::new(report), proof.map(Box::new))
        }
        Some(Err(fault)) => {
            Judged::Pack(Box::new(Report::new(Err(fault.into()), None, Vec::new())))
        }
        None => Judged::Pack(Box::new(verify(bytes, trust))),
    }
}

/// The bytes, if they begin like a JSON object.
fn proof_text(bytes: &dyn PackBytes) -> Option<Result<Vec<u8>, Fault>> {
    let size = bytes.size_bytes();
    let mut head = vec![0; usize::try_from(size.min(64)).ok()?];
    // What cannot be read now cannot be read as a pack either, which says so.
    bytes.read_at(0, &mut head).ok()?;
    if !head.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    if size > PROOF_BYTES_MAX {
        let expected = format!("a proof of at most {PROOF_BYTES_MAX} bytes");
        return Some(Err(Fault::new("size", "the whole file", expected, size.to_string())));
    }
    let mut text = vec![0; usize::try_from(size).ok()?];
    bytes.read_at(0, &mut text).ok()?;
    Some(Ok(text))
}
