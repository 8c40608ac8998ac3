//! What the tests of the whole system share: the checkout, processes, traffic, waiting, and an
//! archive as a reader sees it.
//!
//! The tests themselves are in `tests/tests`, one file per subject; `tests/README.md` is their
//! map.

pub mod alertmanager;
pub mod flush;
pub mod growth;
pub mod kafka;
pub mod owner;
pub mod process;
pub mod readiness;
pub mod receiver;
pub mod recompute;
pub mod registry;
pub mod restart;
pub mod rng;
pub mod s3;
pub mod sealed;
pub mod send;
pub mod settle;
pub mod synthetic;
pub mod tables;
pub mod topic;
pub mod traffic;
pub mod wait;
pub mod workspace;
pub mod world;
