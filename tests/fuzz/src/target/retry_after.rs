//! Answers of receivers: the header `Retry-After`.

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Some(wait_ms) = notifier::parse_retry_after(text, 1_790_812_800_000) else { return false };
    assert!(wait_ms >= 0);
    true
}
