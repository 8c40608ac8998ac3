//! One stream of observations of one key: its totals, its test against the baseline, and the life
//! of its alert.
//!
//! ```text
//!        e >= A/10            e >= A, enough observations, effect >= effect_min
//! quiet ----------> pending ------------------------------------------------------> firing
//!   ^                  |  e < A/100                                                   |
//!   +----- resolved <--+--------------------------------------------------------------+
//!                          no effect in two periods, or another version or baseline
//! ```
//!
//! Before `A` is reached a stream may fire a ticket together with others (see `early`). Its detector
//! then goes on; if it reaches `A` with the effect of a page, the ticket is resolved as escalated and
//! a page begins.
//!
//! A *period* is one closed window that began after the alert fired, or as many in a row as it
//! takes to have `observations_min`: silence never resolves an alert. When an alert fires at `A`,
//! the detector starts anew. One episode has one `alert_id`: the `event_id` of its first event.
//!
//! Observations count in offset order whenever they arrive. The guarantee needs no other order:
//! it is about each value given those before it.
//!
//! **Baselines.** Which one a stream has, the settings and the pins decide (see `baseline`). A
//! baseline of versions is frozen when it is put in force and never changes. None of them absorbs
//! what an alert is about: what a version showed from the estimated change of an alert that fired
//! until it resolved is left out of its history (see `past`), and so is what spoke for a change
//! where the version ended with an alert pending. Where too few observations are left, the next
//! version is compared with the last one before that has enough: a release that was bad from its
//! first day never becomes the norm by being replaced. A person may say that it is the norm, by a
//! pin that names the alert.

mod alert;
mod candidate;
mod comparison;
mod context;
mod counts;
mod detectors;
mod episode;
mod expectation;
mod finding;
mod mark;
mod median;
mod mix;
mod rate;
mod reference;
mod seasonal;
mod sequential_test;
mod size;
mod standings;
mod state;
mod totals;
mod value;

pub(crate) use self::alert::int;
pub(crate) use self::candidate::BaselineCandidate;
pub(crate) use self::context::{Context, Shared};
pub(crate) use self::counts::Counts;
pub(crate) use self::detectors::DETECTORS;
pub(crate) use self::expectation::{Common, Expected, Rolling};
pub(crate) use self::mark::Mark;
pub(crate) use self::reference::{Basis, Reference, Source};
#[cfg(test)]
pub(crate) use self::seasonal::SeasonalComparison;
pub(crate) use self::standings::Standings;
pub(crate) use self::state::Stream;
pub(crate) use self::totals::{History, Totals};
pub(crate) use self::value::Value;
