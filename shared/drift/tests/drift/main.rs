//! The detectors from the outside: laws for every registered one, guarantees by simulation, and
//! answers of other implementations.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]
#![expect(clippy::cast_precision_loss, reason = "small numbers")]
#![expect(clippy::print_stdout, reason = "a simulation shows its figures with --nocapture")]

mod classical;
mod distance;
mod fleet;
mod guarantee;
mod laws;
mod numbers;
mod oracle;
mod peeking;
mod ranks;
mod two_sample;
