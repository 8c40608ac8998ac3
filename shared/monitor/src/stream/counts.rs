//! Counts of zeros and ones.

use serde::{Deserialize, Serialize};

/// Number of observations of a stream of zeros and ones, and number of ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) count: u64,
    pub(crate) ones: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, one: bool) {
        self.count += 1;
        self.ones += u64::from(one);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.ones += other.ones;
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn mean(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.ones as f64 / self.count as f64 }
    }
}
