//! Proofs that the log went on: any bytes give a report, and what is verified is between two
//! checkpoints that the log has signed.

use bytes::Bytes;
use pack::Trust;
use segment::consistency::verify_document;
use segment::fault::Judgement;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let (extended, report) = verify_document(data, Some(&seeds::policy()));
    let _text = report.to_text(None);
    assert_eq!(extended.is_some(), report.verdict == Judgement::Verified);
    let file = Bytes::copy_from_slice(data);
    let trust = Trust { policy: Some(&seeds::policy()), earlier: None };
    let judged = pack::judge(&file, trust).verdict();
    let held = pack::checkpoint_in(&file);
    assert!(extended.is_none() || (judged == Judgement::Verified && held.is_ok()));
    let Some(extended) = extended else { return false };
    let signed = seeds::signed_texts();
    assert!(extended.older.size <= extended.newer.size);
    assert!(signed.contains(&extended.older.to_text()) && signed.contains(&extended.newer.to_text()));
    true
}
