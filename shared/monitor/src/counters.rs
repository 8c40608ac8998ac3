//! Counts of what was handled and what was left out; part of the state, so a replay gets the same
//! counts.

use serde::{Deserialize, Serialize};

/// Counts since the first record of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Records.
    pub records: u64,
    /// Records that did not decode.
    pub quarantined: u64,
    /// Events with an id that was seen before.
    pub duplicates: u64,
    /// Events without an agent.
    pub unattributed: u64,
    /// Events that revised a closed window.
    pub late: u64,
    /// Events too late for any window.
    pub too_late: u64,
    /// Events with a time too far in the future, which was replaced by the broker's.
    pub future_skew: u64,
    /// Values left out of a metric: NaN, infinite, or negative where that is meaningless.
    pub invalid_values: u64,
    /// Keys evicted to stay within the limit.
    pub keys_evicted: u64,
    /// Results counted under `_other` because their key had too many suites.
    pub suites_merged: u64,
    /// Events with settings that were applied.
    pub settings_applied: u64,
    /// Events with invalid settings, which had no effect.
    pub settings_refused: u64,
    /// Published suites that are invalid or exceed the limit, and had no effect.
    pub suites_refused: u64,
    /// Suppressions and maintenance windows that were refused.
    pub mutes_refused: u64,
    /// Acts about baselines that were refused.
    pub pins_refused: u64,
    /// Acts about baselines of agents that this partition does not know.
    pub pins_elsewhere: u64,
    /// Events that say of themselves what only an act decides: they have no effect.
    pub self_reported: u64,
    /// Agents whose acts were dropped to stay within the limit; see `decided`.
    pub acts_dropped: u64,
}

impl Counters {
    /// What was left out, by reason: the values of a metric label.
    #[must_use]
    pub const fn without_effect(&self) -> [(&'static str, u64); 13] {
        [
            ("act_dropped", self.acts_dropped),
            ("duplicate", self.duplicates),
            ("future_skew", self.future_skew),
            ("invalid_value", self.invalid_values),
            ("mute_refused", self.mutes_refused),
            ("pin_elsewhere", self.pins_elsewhere),
            ("pin_refused", self.pins_refused),
            ("self_reported", self.self_reported),
            ("settings_refused", self.settings_refused),
            ("suite_merged", self.suites_merged),
            ("suite_refused", self.suites_refused),
            ("too_late", self.too_late),
            ("unattributed", self.unattributed),
        ]
    }
}
