//! The observations of a stream in each hour of the last four weeks, and what they predict: the
//! baseline `rolling`.
//!
//! An observation is compared with those of the same hour of the week, one to four weeks before, of
//! any version. If they are fewer than `baseline_observations_min`, it is compared with those of
//! the same hour of every day of the last four weeks, once there are observations a week old; if
//! those are too few as well, it is not tested, only recorded for the weeks to come.
//!
//! Hours are of event time, UTC. Earlier observations of the current hour count along with those of
//! the weeks, as in `drift::detector::esr_two_sample` and `esr_conformal`: so the guarantee
//! accounts for the luck of a small baseline. With `K` failures among `N` observations the bound is
//! `(K + 1) / (N + 1)` or, if it is larger, the mean of the weeks plus the tolerance; a size is
//! ranked among the `N` and itself.
//!
//! **Bound.** At most [`KEPT_HOURS`] + 1 hours are kept: two counts each for a rate, [`Coarse`]
//! counts for a size. Observations that arrive later than that are left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::coarse::Coarse;
use crate::policy::Policy;
use crate::stream::{Common, Counts, Expected, Rolling, Value};

const HOUR_MICROS: i64 = 3_600 * 1_000_000;
const DAY_HOURS: i64 = 24;
const WEEK_HOURS: i64 = 7 * DAY_HOURS;
const WEEKS: i64 = 4;
/// Number of hours before the latest that are kept.
const KEPT_HOURS: i64 = WEEKS * WEEK_HOURS;
/// Limits of the common bound of a rate: bets need room on both sides.
const BOUND_MIN: f64 = 0.001;
const BOUND_MAX: f64 = 0.9;
/// Smallest bound that leaves no room for anything worse.
const SATURATED: f64 = 0.999;

/// The observations of one or several hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Hourly {
    Rate(Counts),
    Size(Coarse),
}

impl Hourly {
    fn of(value: Value<'_>) -> Self {
        let mut hourly = match value {
            Value::One(_) => Self::Rate(Counts::default()),
            // See `Settings::policy`.
            Value::Name(_) => unreachable!("categories have no rolling baseline"),
            Value::Size(_) => Self::Size(Coarse::default()),
        };
        hourly.add(value);
        hourly
    }

    fn add(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Rate(rates), Value::One(one)) => rates.add(one),
            (Self::Size(coarse), Value::Size(size)) => coarse.add(size),
            (Self::Rate(_), Value::Size(_) | Value::Name(_))
            | (Self::Size(_), Value::One(_) | Value::Name(_)) => {
                unreachable!("an observation of another model")
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Rate(rates), Self::Rate(other)) => rates.merge(*other),
            (Self::Size(coarse), Self::Size(other)) => coarse.merge(other),
            (Self::Rate(_), Self::Size(_)) | (Self::Size(_), Self::Rate(_)) => {
                unreachable!("hours of another model")
            }
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Rate(rates) => rates.count,
            Self::Size(coarse) => coarse.count(),
        }
    }

    fn value(&self) -> Option<f64> {
        match self {
            Self::Rate(rates) => (rates.count > 0).then(|| rates.mean()),
            Self::Size(coarse) => coarse.median(),
        }
    }
}

/// The weeks before, for one hour of the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Profile {
    Rate(Counts),
    Size { counts: Coarse, median: f64 },
}

impl Profile {
    fn of(past: Hourly) -> Option<Self> {
        match past {
            Hourly::Rate(rates) => Some(Self::Rate(rates)),
            Hourly::Size(counts) => {
                let median = counts.median().filter(|median| *median > 0.0)?;
                Some(Self::Size { counts, median })
            }
        }
    }

    /// What is expected of an observation; `now` has the earlier observations of its hour.
    fn expected(
        &self,
        value: Value<'_>,
        now: Option<&Hourly>,
        policy: &Policy,
    ) -> Option<Expected> {
        match (self, value, now) {
            (Self::Rate(past), Value::One(_), None | Some(Hourly::Size(_))) => {
                Self::rate(*past, Counts::default(), policy)
            }
            (Self::Rate(past), Value::One(_), Some(Hourly::Rate(now))) => {
                Self::rate(*past, *now, policy)
            }
            (Self::Size { counts, median }, Value::Size(size), now) => {
                let now = match now {
                    Some(Hourly::Size(now)) => Some(now),
                    Some(Hourly::Rate(_)) | None => None,
                };
                Some(Expected::Size { rank: counts.rank_with(now, size), median: *median })
            }
            (Self::Rate(_), Value::Size(_) | Value::Name(_), _)
            | (Self::Size { .. }, Value::One(_) | Value::Name(_), _) => None,
        }
    }

    fn rate(past: Counts, now: Counts, policy: &Policy) -> Option<Expected> {
        let (mean, mut all) = (past.mean(), past);
        all.merge(now);
        // One more failure than there was.
        all.add(true);
        let bound = (mean + policy.tolerance).max(all.mean());
        (bound < SATURATED).then_some(Expected::Rate { mean, bound })
    }
}

/// The hours of a stream.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Weeks {
    /// By hour since 1970.
    hours: BTreeMap<i64, Hourly>,
    /// The hour of the last lookup, and its profile.
    current: Option<(i64, Option<Profile>)>,
}

/// Hour of a time, in microseconds. It is so far from the limits of `i64` that no arithmetic with
/// weeks overflows.
const fn hour_of(time: i64) -> i64 {
    time.div_euclid(HOUR_MICROS)
}

impl Weeks {
    /// What is expected of an observation at a time; `None` if there are too few observations.
    pub(super) fn expected(
        &mut self,
        value: Value<'_>,
        time: i64,
        policy: &Policy,
    ) -> Option<Expected> {
        let hour = hour_of(time);
        if self.current.as_ref().is_none_or(|(current, _)| *current != hour) {
            self.current = Some((hour, self.past(hour, policy).and_then(Profile::of)));
        }
        let (_, profile) = self.current.as_ref()?;
        profile.as_ref()?.expected(value, self.hours.get(&hour), policy)
    }

    /// The observations of the same hour of the week, or else of the same hour of the day, if there
    /// are enough.
    fn past(&self, hour: i64, policy: &Policy) -> Option<Hourly> {
        let enough = u64::from(policy.baseline_observations_min).max(1);
        let sum = |step: i64| {
            let hours = (1..=KEPT_HOURS / step).map(|back| hour - back * step);
            let past = sum(hours.filter_map(|hour| self.hours.get(&hour)));
            past.filter(|past| past.count() >= enough)
        };
        let first = self.hours.first_key_value().map(|(first, _)| *first);
        let is_old = first.is_some_and(|first| first <= hour - WEEK_HOURS);
        sum(WEEK_HOURS).or_else(|| if is_old { sum(DAY_HOURS) } else { None })
    }

    /// Records an observation for the weeks to come.
    pub(super) fn keep(&mut self, value: Value<'_>, time: i64) {
        let hour = hour_of(time);
        let latest = self.hours.last_key_value().map_or(hour, |(latest, _)| *latest);
        if hour < latest - KEPT_HOURS {
            return;
        }
        match self.hours.entry(hour) {
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().add(value),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(Hourly::of(value));
                let first = latest.max(hour) - KEPT_HOURS;
                self.hours = self.hours.split_off(&first);
            }
        }
    }

    /// Removes the hours from a time on, after an alert estimated a change at that time.
    pub(super) fn forget_since(&mut self, time: i64) {
        drop(self.hours.split_off(&hour_of(time)));
    }

    /// Summary for a test that starts at a time.
    pub(super) fn summary(&self, time: i64, policy: &Policy) -> Rolling {
        let all = sum(self.hours.values());
        let count = all.as_ref().map_or(0, Hourly::count);
        let (first, last) = (self.hours.first_key_value(), self.hours.last_key_value());
        let hours = first.zip(last).map(|((first, _), (last, _))| last - first);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let per_day = hours.map(|hours| count as f64 / (hours + 1) as f64 * DAY_HOURS as f64);
        Rolling {
            count,
            value: all.as_ref().and_then(Hourly::value),
            per_day,
            common: all.as_ref().and_then(|all| self.common(all, hour_of(time), policy)),
        }
    }

    /// The bound that all hours are tested against: that of all of them together. `None` while no
    /// hour of the coming week has enough observations.
    fn common(&self, all: &Hourly, now: i64, policy: &Policy) -> Option<Common> {
        let mut coming = now..now + WEEK_HOURS;
        coming.find(|hour| self.past(*hour, policy).is_some())?;
        Some(match all {
            Hourly::Rate(rates) => {
                // Rounded up to a millionth, for readability: any bound is valid.
                let bound = ((rates.mean() + policy.tolerance) * 1e6).ceil() / 1e6;
                Common::Rate(bound.clamp(BOUND_MIN, BOUND_MAX))
            }
            Hourly::Size(_) => Common::Size(policy.tolerance),
        })
    }
}

/// Several hours together; `None` if there are none.
fn sum<'h>(hours: impl Iterator<Item = &'h Hourly>) -> Option<Hourly> {
    let mut sum: Option<Hourly> = None;
    for hourly in hours {
        match &mut sum {
            Some(sum) => sum.merge(hourly),
            None => sum = Some(hourly.clone()),
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use drift::Finite;

    const HOUR: i64 = HOUR_MICROS;

    /// `count` values an hour, of which every `every`th is a failure in the hours that `busy` says.
    fn weeks(hours: i64, count: i64, busy: fn(i64) -> bool) -> Weeks {
        let mut weeks = Weeks::default();
        for hour in 0..hours {
            for n in 0..count {
                weeks.keep(Value::One(busy(hour) && n % 4 == 0), hour * HOUR + n);
            }
        }
        weeks
    }

    fn mean(weeks: &mut Weeks, hour: i64) -> Option<f64> {
        match weeks.expected(Value::One(true), hour * HOUR, &Policy::default())? {
            Expected::Rate { mean, .. } => Some(mean),
            Expected::Size { .. } => None,
        }
    }

    #[test]
    fn an_hour_is_compared_with_the_same_hour_of_the_week() {
        let is_monday_nine = |hour: i64| hour % WEEK_HOURS == 9;
        let mut first_week = weeks(WEEK_HOURS, 60, is_monday_nine);
        assert_eq!(mean(&mut first_week, WEEK_HOURS - 1), None, "nothing is a week old");
        assert_eq!(mean(&mut first_week, WEEK_HOURS + 9), Some(0.25));
        assert_eq!(mean(&mut first_week, WEEK_HOURS + 33), Some(0.0), "Tuesday, nine");
        let mut few = weeks(WEEK_HOURS, 20, is_monday_nine);
        let pooled = mean(&mut few, WEEK_HOURS + 33).unwrap();
        assert!((pooled - 0.25 / 7.0).abs() < 1e-12, "too few: the same hour of every day");
        let mut fewer = weeks(WEEK_HOURS, 4, is_monday_nine);
        assert_eq!(mean(&mut fewer, WEEK_HOURS + 33), None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_late_values_are_left_out() {
        let mut weeks = weeks(6 * WEEK_HOURS, 1, |_| false);
        assert_eq!(weeks.hours.len(), 673);
        weeks.keep(Value::One(true), 0);
        assert_eq!(weeks.hours.len(), 673);
        weeks.forget_since(5 * WEEK_HOURS * HOUR + 1);
        assert_eq!(weeks.hours.last_key_value().unwrap().0, &(5 * WEEK_HOURS - 1));
    }

    #[test]
    fn the_common_bound_is_that_of_all_hours() {
        let weeks = weeks(WEEK_HOURS, 100, |hour| hour % 24 >= 12);
        let summary = weeks.summary(WEEK_HOURS * HOUR, &Policy::default());
        assert_eq!((summary.count, summary.common), (16_800, Some(Common::Rate(0.135))));
        assert!((summary.per_day.unwrap() - 2_400.0).abs() < 1e-9);
        assert!((summary.value.unwrap() - 0.125).abs() < 1e-12);
        let none = Weeks::default().summary(0, &Policy::default());
        assert_eq!((none.common, none.per_day, none.value), (None, None, None));
    }

    #[test]
    fn sizes_have_ranks_and_a_median_for_each_hour() {
        let mut weeks = Weeks::default();
        for hour in 0..WEEK_HOURS {
            for n in 1..=100 {
                let scale = if hour % 24 < 12 { 1.0 } else { 10.0 };
                let size = Finite::new(f64::from(n) * scale).unwrap();
                weeks.keep(Value::Size(size), hour * HOUR);
            }
        }
        let mut at = |hour: i64, size: f64| {
            let size = Value::Size(Finite::new(size).unwrap());
            weeks.expected(size, hour * HOUR, &Policy::default())
        };
        for (hour, scale) in [(WEEK_HOURS + 1, 1.0), (WEEK_HOURS + 13, 10.0)] {
            let Some(Expected::Size { rank, median }) = at(hour, 50.0 * scale) else {
                panic!("nothing is expected")
            };
            assert!((rank - 0.5).abs() < 0.02 && (median / scale - 50.0).abs() < 2.0, "{rank}");
        }
    }
}
