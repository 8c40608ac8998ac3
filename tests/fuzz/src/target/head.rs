//! Payloads of heads: one exact form survives being written again.

use segment::log::Head;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(head) = Head::parse(data) else { return false };
    assert_eq!(head.to_bytes(), data);
    let _others = head.other_entries();
    true
}
