//! Settings of the evidence role.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Checks that may be missed before the role is no longer ready.
const CHECKS_MISSED_MAX: u32 = 3;

/// The evidence role: follows the log of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Time between two checks of the log's end, seconds. The role is ready while the last
    /// successful check is at most three of them ago.
    pub check_interval_secs: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { check_interval_secs: 10 }
    }
}

impl Config {
    /// Everything that is wrong with the values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        if self.check_interval_secs < 1 {
            return vec!["`check_interval_secs`: must be at least 1".to_owned()];
        }
        Vec::new()
    }

    pub(super) const fn check_interval(&self) -> Duration {
        Duration::from_secs(self.check_interval_secs as u64)
    }

    pub(super) const fn stale_after(&self) -> Duration {
        Duration::from_secs(self.check_interval_secs as u64 * (CHECKS_MISSED_MAX as u64 + 1))
    }
}
