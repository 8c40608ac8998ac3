//! One stream of observations of one key: its totals, its test against the baseline, and the
//! lifecycle of its alert.
//!
//! ```text
//!        e >= A/10            e >= A, enough observations, effect >= effect_min
//! quiet ----------> pending ------------------------------------------------------> firing
//!   ^                  |  e < A/100                                                   |
//!   +----- resolved <--+--------------------------------------------------------------+
//!                          no effect in two periods, another version or baseline, or evicted
//! ```
//!
//! Before `A` is reached, a stream may fire a ticket together with others (see `standings`). Its
//! detector then continues; if it reaches `A` with the effect of a page, the ticket is resolved as
//! escalated and a page begins.
//!
//! A *period* is one closed window that began after the alert fired, or several consecutive ones
//! until there are `observations_min`: silence never resolves an alert. When an alert fires at `A`,
//! the detector restarts. An episode has one `alert_id`: the `event_id` of its first event.
//!
//! Observations count in offset order, whatever their event times. The guarantee needs no other
//! order: it is about each value given those before it.
//!
//! **Baselines.** The settings and the pins decide which baseline a stream has (see `baseline`). A
//! baseline of an earlier version is frozen when it is put in force, and never changes. Data from
//! an alert period never enters a baseline: the observations from the estimated change of an alert
//! until it resolved are left out (see `candidate`), and so is the evidence of a change if the
//! version ends with an alert pending. If too few observations are left, the next version is
//! compared with the latest earlier version with enough: a release that was bad from its first day
//! does not become normal by being replaced. A person may declare it normal, by a pin that names
//! the alert.

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
