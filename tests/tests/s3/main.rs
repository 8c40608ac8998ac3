//! The archive in S3: a real server, alone and behind a proxy that makes it fail as S3 does.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed step fails the test; seeds and counts are for whoever reads its output"
)]

mod conform;
mod faults;
mod init;
mod kill;
mod large;
mod sealing;
mod world;
