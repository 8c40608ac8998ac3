//! The archive in S3: a real server, alone and behind a proxy that makes it fail as S3 does.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod conform;
mod faults;
mod large;
mod world;
