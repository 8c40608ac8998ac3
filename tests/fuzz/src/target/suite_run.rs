//! What agents do, judged by a suite: a suite in YAML, a line `---`, then events, a line of JSON
//! each. Any text of an agent gets a verdict, within bounds.

use std::collections::BTreeSet;

use suite::{Limits, Suite, Suites};

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Some((document, lines)) = text.split_once("\n---\n") else { return false };
    let Ok(suite) = Suite::parse(document) else { return false };
    let mut suites = Suites::new(Limits::default());
    assert!(suites.publish(suite.canonical(), 0).is_ok());
    let checks: BTreeSet<&str> = suite.checks().collect();
    let mut judged = false;
    for line in lines.lines() {
        let Ok(event) = event::decode::decode_json(line.as_bytes(), event::Limits::default()) else {
            continue;
        };
        for verdict in suites.observe(&event) {
            judged = true;
            if let Some((check, _)) = verdict.first_failure() {
                assert!(checks.contains(check), "{check}");
            }
        }
    }
    judged
}
