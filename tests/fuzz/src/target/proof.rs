//! Proof documents: any text gives a report, and no changed proof is verified.

use segment::fault::Judgement;
use segment::proof::EventProof;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(proof) = EventProof::parse(text) else { return false };
    let policy = seeds::policy();
    let _text = proof.to_text(&policy);
    let verified = proof.verify(&policy).verdict == Judgement::Verified;
    assert!(!verified || seeds::proofs().contains(&proof), "{text}");
    verified
}
