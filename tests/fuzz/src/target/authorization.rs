//! The header that shows a token.

pub(crate) fn run(data: &[u8]) -> bool {
    let Some(token) = access::bearer(data) else { return false };
    assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
    true
}
