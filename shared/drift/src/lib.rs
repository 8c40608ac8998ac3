//! Sequential change detectors for streams of numbers, and what it takes to report their findings:
//! distances between samples, confidence intervals, change-point estimates, a quantile sketch and
//! exact sums.
//!
//! # Promise
//!
//! - Each detector documents its guarantee and the conditions under which it holds.
//! - State is serializable, and resuming is exact: `run(a ++ b)` equals `resume(save(run(a)), b)`
//!   bit for bit.
//! - State is bounded, and the cost of an update does not grow with the stream.
//! - Decisions are computed with `+ - * /` and `sqrt` alone, which IEEE 754 defines to the last
//!   bit; exponentials, logarithms and normal quantiles are built from these (`elementary`). Only
//!   interval bounds and p-values from `statrs` use the platform's logarithm, and thresholds
//!   derived from them are rounded.
//! - Sketches and sums merge exactly: the state does not depend on the order of values and merges.
//! - Counts do not saturate: one that overflows panics, in release builds too (`overflow-checks`).
//!
//! # Vocabulary
//!
//! *e-value*: a number that measures evidence against the null hypothesis; *e-detector*: a sequence
//! of e-values that, while nothing has changed, takes at least `A` values on average to reach `A`.
//! *Bound*: the most extreme mean that the null hypothesis allows. *Reference*: the earlier values
//! that new ones are ranked against. *Cautious*: with a guarantee that accounts for the reference
//! being a random sample.
//!
//! # Which detector
//!
//! | Stream | Known | Detector |
//! |---|---|---|
//! | rate, score on `[0, 1]` | a bound of the mean | [`EsrBounded`] |
//! | latency, tokens, cost | nothing, or some earlier values | [`EsrConformal`] |
//! | the same | tens of thousands of earlier values | [`EsrNormal`] |
//! | rate | a guess | [`EsrConformal::rate`] |
//! | categories | nothing, or some earlier counts | [`EsrConformal::mix`] |
//! | the same | the probability of each | [`EsrMultinomial`] |
//! | new version against old, paired | nothing | [`Canary`] |
//!
//! For many streams at once see [`fleet`]. When a change began: [`Localiser`] for the bets of
//! [`EsrBounded`], [`Focus`] for everything else.
//!
//! ```
//! use drift::{EsrBounded, Null, Signal, StreamDetector};
//!
//! let mut detector = EsrBounded::new(Null::AtMost(0.1), 10_000.0)?;
//! let values = std::iter::repeat_n(true, 40).enumerate();
//! let mut at = values.map(|(index, failed)| (index, detector.update(failed.into())));
//! assert_eq!(at.find(|(_, signal)| *signal == Signal::Drift).map(|(index, _)| index), Some(6));
//! # Ok::<(), drift::NullError>(())
//! ```
//!
//! # What it does not do
//!
//! No I/O, no clock, no randomness. It knows nothing of agents, events or alerts.

pub mod detector;
pub mod distance;
mod elementary;
mod finite;
pub mod fleet;
pub mod focus;
pub mod interval;
pub mod localiser;
pub mod rank;
pub mod registry;
pub mod sequence;
pub mod sketch;
pub mod sum;

pub use detector::canary::Canary;
pub use detector::esr_bounded::EsrBounded;
pub use detector::esr_conformal::EsrConformal;
pub use detector::esr_multinomial::EsrMultinomial;
pub use detector::esr_normal::EsrNormal;
pub use detector::esr_two_sample::EsrTwoSample;
pub use detector::{Baseline, Direction, Null, NullError, Observation, Signal, StreamDetector};
pub use distance::{Comparison, Pooled, Table};
pub use finite::{Finite, NotFinite, Unit};
pub use focus::{Change, Family, Focus};
pub use interval::{Confidence, Interval};
pub use localiser::{Localiser, Since};
pub use rank::Ranks;
pub use registry::Detector;
pub use sequence::ConfidenceSequence;
pub use sketch::DdSketch;
pub use sum::ExactSum;
