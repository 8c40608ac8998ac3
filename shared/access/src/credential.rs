//! An entry of the file of credentials.

use std::fmt;

use event::Timestamp;

use crate::quota::Quota;
use crate::scope::Scope;
use crate::token::Digest;

/// Longest name of a credential, bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// What a credential opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The collector: it sends events.
    Emit,
    /// The gateway: it acts.
    Act,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Emit, Self::Act];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emit => "emit",
            Self::Act => "act",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a holder proves to have a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// By a token with this digest.
    Token(Digest),
    /// By a client certificate that names this: a DNS name, URI or address of its subject alternative
    /// names, or else its common name.
    Certificate(String),
}

/// A credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name, which appears in events and acts.
    pub name: String,
    /// What it opens.
    pub role: Role,
    /// How its holder proves to be it.
    pub proof: Proof,
    /// What it may be used for.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// How much it may be used for.
    pub quota: Quota,
}

impl Credential {
    /// Whether it is refused at `now`.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// Whether a text may be the name of a credential: 1 to 64 letters, digits, `-`, `_` and `.` of ASCII.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}
