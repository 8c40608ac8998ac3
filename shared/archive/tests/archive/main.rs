//! Archives of every kind that needs no server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

mod conform;
mod creation;
#[cfg(feature = "s3")]
mod credentials;
mod local;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}
