//! Documents that say what the attributes of a convention mean.

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    otlp::check(text).is_ok()
}
