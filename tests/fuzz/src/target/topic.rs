//! Facts of topics of the embedded log, as they are read from its directory.

pub(crate) fn run(data: &[u8]) -> bool {
    embedded::is_topic(data)
}
