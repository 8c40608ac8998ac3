//! Parquet files of segments.

use bytes::Bytes;
use segment::read;

pub(crate) fn run(data: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(data);
    let _may_hold = segment::proof::may_hold(bytes.clone(), "agent-a-0");
    read::check(&bytes).is_ok()
}
