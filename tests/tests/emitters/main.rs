//! Libraries that others wrote, as their users install them, through the real binary into the
//! archive: clients of Kafka, and agents that send OTLP. What is sealed is what they say happened.
//!
//! `make test-emitters` installs them and runs this; elsewhere it is not run where they are absent.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a failed step fails the test; what is not run is said"
)]

mod agents;
mod page;
mod producers;
mod truth;

use tests::workspace;

/// Says that a part is not run; fails if it was asked for.
fn not_run(part: &str, missing: &str) {
    let asked = workspace::variable("DRIFTSEAL_TEST_EMITTERS").is_some();
    assert!(!asked, "{part} cannot run: {missing}");
    eprintln!("not run: emitters: {part}: {missing}; `make test-emitters` installs and runs it");
}
