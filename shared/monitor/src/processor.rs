//! The state machine of one partition.

mod acts;
mod admit;
mod budget;
mod machine;
mod observe;
mod refused;
mod save;
mod snapshot;
mod state;
mod store;
mod verdicts;

pub use self::machine::Processor;
pub use self::refused::RefusedSuite;
pub use self::snapshot::{EntryId, ResumeError};
