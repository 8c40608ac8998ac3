//! The monitor from the outside: records in, outputs out.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(clippy::cast_precision_loss, reason = "small numbers")]

mod admitted;
mod alerts;
mod alive;
mod baselines;
mod calls;
mod canary;
mod configured;
mod findings;
mod judged;
mod laws;
mod maintenance;
mod mix;
mod recalled;
mod replay;
mod restarts;
mod rolling;
mod suppressed;
mod suspicious;
mod together;
mod versions;
mod windows;
mod world;
