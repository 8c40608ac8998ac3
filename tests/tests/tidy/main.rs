//! The rules of the house that no compiler checks: layers, purity, size and form of sources,
//! documents. A rule nobody checks has already drifted.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a failed step fails the test"
)]

mod documents;
mod layers;
mod modules;
mod sources;
mod vocabulary;

/// Fails with every finding at once, so that one run shows all there is to do.
fn none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
