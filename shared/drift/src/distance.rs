//! Distances between two samples, one file each. [`ALL`] lists those that alerts show,
//! [`CANDIDATES`] the others; to add one, write its file and its line in one of the lists.
//!
//! Two samples are first pooled ([`Pooled`]): from values, which is exact, or from two sketches,
//! with the sketches' error carried to the result ([`Bounded`]). Measures of categories, and those
//! that bin values, take a [`Table`] of counts.
//!
//! **Thresholds.** Samples of equal distributions exceed the threshold of an effect size in about
//! one of a thousand comparisons; the thresholds of tests are the critical values at [`LEVEL`].
//! Both hold for a single comparison; for a stream that is compared again and again use a detector.
//!
//! ```
//! use drift::{Pooled, distance};
//!
//! let pooled = Pooled::from_samples(&[1.0, 2.0, 3.0, 4.0], &[2.0, 3.0, 4.0, 5.0])?;
//! let entry = distance::find("wasserstein").ok_or("no such distance")?;
//! let comparison = entry.compare(&pooled).ok_or("takes no samples")?;
//! assert_eq!(comparison.statistic.value, 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod chi_square;
mod comparison;
pub mod cramer_von_mises;
pub mod g_test;
pub mod hellinger;
pub mod jensen_shannon;
pub mod kolmogorov_smirnov;
mod list;
mod measure;
mod pooled;
pub mod psi;
mod table;
pub mod wasserstein;

pub use comparison::{BINS, Bounded, Comparison, DistanceError, LEVEL};
pub use list::{ALL, CANDIDATES, every, find};
pub use measure::{Entry, Measure};
pub use pooled::Pooled;
pub use table::Table;
