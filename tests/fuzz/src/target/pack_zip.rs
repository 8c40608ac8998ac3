//! Packs as they come: any bytes give a report, and no changed pack is verified.

use bytes::Bytes;
use pack::{Judged, Trust};
use segment::fault::Judgement;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let pack = Bytes::copy_from_slice(data);
    let trust = Trust { policy: Some(&seeds::policy()), earlier: None };
    let judged = pack::judge(&pack, trust);
    let _text = judged.to_string();
    let Judged::Pack(report) = judged else { return false };
    // How a content was deflated is free.
    assert!(
        report.verdict != Judgement::Verified
            || seeds::entries_of(&pack) == *seeds::entries_of_the_pack()
    );
    report.verdict == Judgement::Verified
}
