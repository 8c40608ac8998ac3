//! What all roles share: configuration, clock, shutdown, telemetry, metrics, threads, group
//! membership and the main loop.
//!
//! # Promise
//!
//! - Configuration is read here only: defaults, then a file, then the environment. An unknown key is
//!   an error that suggests the nearest known one, and all problems are reported at once.
//! - [`clock`] is the only code that reads the wall clock.
//! - [`server`] bounds connections and what they wait for, all of them below the files that the process
//!   may open ([`open_files`]), [`body`] what is read of a request;
//!   [`guard`] keeps the requests of web pages from every HTTP server that takes something.
//! - [`access`] lets in who shows a credential, and follows the file of them while a server runs.
//! - The first Ctrl-C (or SIGTERM) drains, the second quits.
//! - Name, unit and help of every metric are in one table, [`metric_names`].
//! - [`health`] says of every role whether it does its work, and why not.
//! - A task that fails or panics stops its siblings; no task outlives [`tasks::Tasks::join`].
//!
//! # What it does not do
//!
//! It knows nothing of agents, event contents or the archive.

pub mod access;
mod blocked;
pub mod body;
pub mod clock;
pub mod config;
pub mod files;
pub mod guard;
pub mod health;
pub mod last;
pub mod member;
pub mod metric_names;
pub mod metrics;
pub mod open_files;
pub mod operations;
pub mod read;
pub mod role;
pub mod seldom;
pub mod server;
pub mod shutdown;
pub mod tasks;
pub mod telemetry;
pub mod topics;
pub mod topics_watch;
pub mod waits;

pub use member::Member;
pub use metrics::Exposition;
pub use role::{Role, RoleError};
pub use shutdown::Shutdown;
pub use tasks::Tasks;
