//! Suites as people write them: what is read has a canonical form, which reads as the same suite.

use suite::Suite;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    match Suite::parse(text) {
        Ok(suite) => {
            let again = Suite::from_canonical(suite.canonical());
            assert_eq!(again.map(|again| again.digest().to_owned()), Ok(suite.digest().to_owned()));
            true
        }
        Err(problems) => {
            assert!(!problems.to_string().is_empty());
            false
        }
    }
}
