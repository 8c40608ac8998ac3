//! Suites as they are published: canonical JSON, with the JSON schemas in them.

use suite::Suite;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(suite) = Suite::from_canonical(text) else { return false };
    assert_eq!(suite.canonical(), text);
    true
}
