//! Detectors: one paper, one file. [`crate::registry`] lists them.

pub mod adwin;
mod bets;
pub mod canary;
mod classical;
mod contract;
pub mod ddm;
pub mod eddm;
pub mod esr_bounded;
pub mod esr_conformal;
pub mod esr_multinomial;
pub mod esr_normal;
pub mod esr_two_sample;
mod evidence;
pub mod kswin;
pub mod page_hinkley;
mod pool;
mod recent;
mod scores;

pub(crate) use bets::{BETS, Bets, SHARES};
pub use contract::{Baseline, Direction, Null, NullError, Observation, Signal, StreamDetector};
