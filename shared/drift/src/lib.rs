//! Sequential change detectors over plain numbers, with what is needed to state their findings:
//! distances between samples, intervals, a localiser, a quantile sketch and exact sums.
//!
//! # Promise
//!
//! - A detector's guarantee is stated with it, with the conditions under which it holds.
//! - State is serializable, and resuming is exact: `run(a ++ b)` equals
//!   `resume(save(run(a)), b)` bit for bit.
//! - State is bounded, and an update costs the same after a million values as after one.
//! - What feeds a decision is computed with `+ - * /` and `sqrt` alone, which IEEE 754 fixes to the
//!   last bit: exponentials, logarithms and normal quantiles included (`elementary`). Only interval
//!   bounds and p-values that ask `statrs` use a platform's logarithm; thresholds that come from
//!   there are rounded.
//! - Sketches and sums merge exactly: any order of values and merges gives the same state.
//!
//! # Vocabulary
//!
//! *e-value*: evidence against the null hypothesis as a number; *e-detector*: a sequence of them
//! whose value reaches `A` after no fewer than `A` values on average while nothing has changed.
//! *Bound*: the mean that the null hypothesis still allows. *Reference*: earlier values that a
//! detector ranks new ones among. *Cautious*: with a guarantee that counts the reference's own
//! randomness in.
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
//! Many streams together: [`fleet`]. Since when: [`Localiser`] for the bets of [`EsrBounded`], [`Focus`] for everything else.
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
