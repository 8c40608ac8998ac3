//! Results of commands: the exit code, or the error.

use std::process::ExitCode;

/// How a command ended, which determines the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// 0.
    Done,
    /// 1: it failed, or the verification did.
    Failed,
    /// 3: there is not enough to verify.
    Unverifiable,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::SUCCESS,
            Ended::Failed => Self::FAILURE,
            Ended::Unverifiable => Self::from(UNVERIFIABLE),
        }
    }
}

/// Why a command failed: a message for people.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
    /// Another process has what the command needs.
    is_in_use: bool,
    /// What was asked for may have happened.
    is_unclear: bool,
}

/// Exit code of a failure.
const FAILED: u8 = 1;
/// Exit code of a usage or configuration error.
const USAGE: u8 = 2;
/// Exit code if there is not enough to verify.
const UNVERIFIABLE: u8 = 3;

impl Failure {
    fn with(message: impl Into<String>, code: u8) -> Self {
        Self { message: message.into(), code, is_in_use: false, is_unclear: false }
    }

    /// A failure; exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self::with(message, FAILED)
    }

    /// A usage or configuration error; exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::with(message, USAGE)
    }

    /// There is not enough to verify; exit code 3.
    pub fn unverifiable(message: impl Into<String>) -> Self {
        Self::with(message, UNVERIFIABLE)
    }

    /// The exit code: 1, 2 or 3.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// Its name in JSON: `failed`, `usage` or `unverifiable`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.code {
            USAGE => "usage",
            UNVERIFIABLE => "unverifiable",
            _ => "failed",
        }
    }

    /// Whether it is a usage or configuration error.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        self.code == USAGE
    }

    /// Another process has what the command needs; exit code 1.
    pub(crate) fn in_use(message: impl Into<String>) -> Self {
        Self { is_in_use: true, ..Self::new(message) }
    }

    /// A failure after which what was asked for may have happened, or not; exit code 1.
    pub(crate) fn unclear(is_unclear: bool, message: impl Into<String>) -> Self {
        Self { is_unclear, ..Self::new(message) }
    }

    /// Whether what was asked for may have happened.
    pub(crate) const fn is_unclear(&self) -> bool {
        self.is_unclear
    }

    /// Whether another process has what the command needs.
    pub(crate) const fn is_in_use(&self) -> bool {
        self.is_in_use
    }

    /// The same failure with another message.
    #[must_use]
    pub(crate) fn map(mut self, message: impl FnOnce(String) -> String) -> Self {
        self.message = message(std::mem::take(&mut self.message));
        self
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !message.contains(&cause_text) {
                message.push_str(": ");
                message.push_str(&cause_text);
            }
            source = cause.source();
        }
        Self::new(message)
    }
}
