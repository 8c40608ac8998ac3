//! How a command ends: its exit code, or why it could not do its work.

use std::process::ExitCode;

/// How a command ended; the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// 0.
    Done,
    /// 1: it failed, or what was to be verified is wrong.
    Failed,
    /// 3: there is not enough to verify it.
    Unverifiable,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::SUCCESS,
            Ended::Failed => Self::FAILURE,
            Ended::Unverifiable => Self::from(3),
        }
    }
}

/// Why a command could not do its work: a message for a person.
#[derive(Debug)]
pub struct Failure {
    message: String,
    usage: bool,
}

impl Failure {
    /// It failed; exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), usage: false }
    }

    /// It was asked wrongly; exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), usage: true }
    }

    /// 2 if it was asked wrongly, else 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.usage { ExitCode::from(2) } else { ExitCode::FAILURE }
    }

    /// Whether it was asked wrongly.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        self.usage
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
