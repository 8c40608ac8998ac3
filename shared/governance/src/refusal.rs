//! Why a record is not obeyed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a record that claims to be an act, or the monitor's own, has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// It does not decode, or a part of its signature is missing or malformed.
    Unsigned,
    /// Its key is not a valid one.
    UnknownKey,
    /// The signature does not hold for this installation, topic, partition and content.
    Signature,
    /// It is of another history of the partition.
    History,
    /// Another owner has taken over, or was first at its epoch.
    Superseded,
    /// It was there before: its sequence does not grow, or its nonce is known.
    Copied,
    /// An admission that does not continue the frontier, or does not hold together.
    Admission,
    /// An answer about schemas that does not hold together.
    Answer,
    /// The fields that have an effect exceed their limit.
    TooLarge,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Unsigned,
        Self::UnknownKey,
        Self::Signature,
        Self::History,
        Self::Superseded,
        Self::Copied,
        Self::Admission,
        Self::Answer,
        Self::TooLarge,
    ];

    /// Its name, in findings and as a label of a counter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::History => "history",
            Self::Superseded => "superseded",
            Self::Copied => "copied",
            Self::Admission => "admission",
            Self::Answer => "answer",
            Self::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
