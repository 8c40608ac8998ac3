//! Name and version of a detector.

use crate::metric::Model;

/// Models of zeros and ones.
pub(crate) const RATES: &[Model] = &[Model::Failures, Model::Successes];
/// Models of numbers.
pub(crate) const SIZES: &[Model] = &[Model::Sizes];
/// Models of categories.
pub(crate) const MIXES: &[Model] = &[Model::Mix];

/// A detector as events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DetectorVersion {
    /// Name in `drift.detector`; never renamed.
    pub(crate) name: &'static str,
    /// Version: raised when the same observations would give another verdict.
    pub(crate) version: u32,
    /// Models of the metrics that it tests.
    pub(crate) models: &'static [Model],
}
