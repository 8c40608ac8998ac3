//! Packs as they come: any bytes give a report, and no changed pack is verified.

use bytes::Bytes;
use segment::fault::Judgement;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let report = pack::verify(&Bytes::copy_from_slice(data), Some(&seeds::policy()));
    let _text = report.to_string();
    assert!(report.verdict != Judgement::Verified || data == seeds::pack());
    report.verdict == Judgement::Verified
}
