//! Parameters of the traffic.

/// Parameters of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Seed of all random choices.
    pub seed: u64,
    /// End of the traffic, milliseconds since the Unix epoch.
    pub end_ms: i64,
    /// Duration of the traffic, milliseconds.
    pub duration_ms: i64,
    /// Runs of both agents.
    pub runs: u32,
}

impl Plan {
    /// Six hours that end at `end_ms`, with about 29,000 events.
    #[must_use]
    pub const fn ending_at(end_ms: i64) -> Self {
        Self { seed: 7, end_ms, duration_ms: 6 * 3_600_000, runs: 3_600 }
    }

    pub(super) const fn start_ms(&self) -> i64 {
        self.end_ms - self.duration_ms
    }

    /// The time after a share of the period, milliseconds since the Unix epoch.
    pub(super) fn at(&self, share: f64) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a period of hours in milliseconds is far below 2^53"
        )]
        let into = (self.duration_ms as f64 * share) as i64;
        self.start_ms() + into
    }
}
