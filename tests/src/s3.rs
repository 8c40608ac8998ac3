//! A real S3 server for a test, and a proxy before it that injects faults.

pub mod proxy;
pub mod server;
