//! Proofs of inclusion in a log.

use merkle::tlog_proof::TlogProof;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(proof) = TlogProof::parse(text) else { return false };
    assert_eq!(proof.to_text(), text);
    let _verified = proof.verify(b"entry", &[seeds::log_key().verifier()]).is_ok();
    true
}
