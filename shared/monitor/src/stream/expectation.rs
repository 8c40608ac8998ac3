//! What the weeks before predict.

use serde::{Deserialize, Serialize};

/// What the weeks before predict for an observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Expected {
    /// The mean, and the mean that the null hypothesis allows.
    Rate { mean: f64, bound: f64 },
    /// The rank of the observation, and the median.
    Size { rank: f64, median: f64 },
}

/// The parameter of the null hypothesis that all hours of a test share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Common {
    /// The mean that the null hypothesis allows.
    Rate(f64),
    /// The distance from one half that it allows the mean rank.
    Size(f64),
}

impl Common {
    pub(crate) const fn value(self) -> f64 {
        match self {
            Self::Rate(value) | Self::Size(value) => value,
        }
    }
}

/// Summary of the weeks before, for a test that starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rolling {
    pub(crate) count: u64,
    /// The mean, or the median, over all hours.
    pub(crate) value: Option<f64>,
    pub(crate) per_day: Option<f64>,
    /// `None` while no hour of the week has enough observations.
    pub(crate) common: Option<Common>,
}
