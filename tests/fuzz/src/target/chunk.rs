//! Chunks of the embedded log, as they are read from its directory.

pub(crate) fn run(data: &[u8]) -> bool {
    embedded::chunk_records(data).is_some()
}
