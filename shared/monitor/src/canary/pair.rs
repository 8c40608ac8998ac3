//! One stream of a canary and the same stream of its control.
//!
//! Values of both sides wait in the order of arrival. When both sides have values, the oldest form
//! a pair: one value of the rarer side, and of the other as many as it has had per value of the
//! rarer side so far, or as many as there are. So nearly every value is used once, and those of the
//! more frequent side are averaged.
//!
//! The value of a pair is the probability that a value of the canary is larger than one of the
//! control, minus the probability that it is smaller, among the values of the pair: Cliff's delta
//! (Cliff 1993). For zeros and ones it is the difference of the means. For sizes only the order
//! matters, so heavy tails do no harm.
//!
//! **When a side lags**, the last [`WAITING_MAX`] values of the other wait and older ones are
//! dropped, so that a side that returns is compared with recent values.
//!
//! **Guarantee.** Pairs are formed by the order of arrival, not by the values. So if a value of the
//! canary is no likelier to be larger (or a failure) than to be smaller, and values are
//! independent, the mean of each pair's value, given the pairs before it, is at most 0, as
//! `drift::Canary` requires. Then the canary is *ever* reported as worse with probability at most
//! `canary_alpha` in each stream, under continuous monitoring. Rates may drift, as long as they
//! drift on both sides and slowly compared with the wait.

use std::collections::VecDeque;

use drift::{Canary, Direction, Finite, Observation, StreamDetector};
use event::{EventBuilder, Timestamp, column};
use serde::{Deserialize, Serialize};

use crate::detector::DetectorVersion;
use crate::metric::{Model, Watch, watch_at};
use crate::number::int;
use crate::policy::Policy;
use crate::stream::{Mark, Totals, Value};

/// The detector.
pub(crate) const DETECTOR: DetectorVersion = DetectorVersion {
    name: "canary",
    version: Canary::VERSION,
    models: &[Model::Failures, Model::Successes, Model::Sizes],
};
/// Number of example runs in an alert.
const EXAMPLES: usize = 3;

/// Largest number of values of a side that wait for the other.
const WAITING_MAX: usize = 128;

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Side {
    /// All of its values.
    all: Totals,
    /// Values without a pair, oldest first; zeros and ones, or sizes.
    waiting: VecDeque<f64>,
}

impl Side {
    fn new(model: Model) -> Self {
        Self { all: Totals::empty(model), waiting: VecDeque::new() }
    }

    fn add(&mut self, value: Value<'_>, number: f64) {
        self.all.add(value);
        self.waiting.push_back(number);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
    }

    /// Number of its values per value of the other side, rounded; at least 1.
    fn per_value_of(&self, other: &Self) -> usize {
        let count = other.all.count().max(1);
        let rounded = (self.all.count() + count / 2) / count;
        // No more can wait.
        usize::try_from(rounded).unwrap_or(WAITING_MAX).max(1)
    }

    /// Takes the oldest waiting values, at most `values_max`.
    fn take(&mut self, values_max: usize) -> Vec<f64> {
        let values = self.waiting.len().min(values_max);
        self.waiting.drain(..values).collect()
    }
}

/// Cliff's delta of two samples, in `[-1, 1]`; `None` if one is empty.
fn cliffs_delta(first: &[f64], second: &[f64]) -> Option<f64> {
    let (mut larger, mut smaller, mut all) = (0_u32, 0_u32, 0_u32);
    for one in first {
        for other in second {
            larger += u32::from(one > other);
            smaller += u32::from(one < other);
            all += 1;
        }
    }
    (all > 0).then(|| (f64::from(larger) - f64::from(smaller)) / f64::from(all))
}

/// The firing alert of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Firing {
    alert_id: String,
    pages: bool,
}

/// A stream of a canary and of its control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair {
    place: u8,
    suite: Option<String>,
    canary: Side,
    control: Side,
    test: Canary,
    /// The last runs of the canary that failed, or had unusually large values; oldest first.
    examples: VecDeque<String>,
    firing: Option<Firing>,
}

impl Pair {
    /// A stream without values; `None` for categories, which have no order.
    pub(crate) fn new(
        place: u8,
        model: Model,
        suite: Option<&str>,
        threshold: f64,
    ) -> Option<Self> {
        if model == Model::Mix {
            return None;
        }
        let Ok(test) = Canary::new(Direction::Rising, threshold) else {
            unreachable!("the threshold {threshold} was validated as a setting")
        };
        Some(Self {
            place,
            suite: suite.map(str::to_owned),
            canary: Side::new(model),
            control: Side::new(model),
            test,
            examples: VecDeque::new(),
            firing: None,
        })
    }

    /// Place of the metric.
    pub(crate) const fn place(&self) -> u8 {
        self.place
    }

    pub(crate) fn is_of(&self, place: u8, suite: Option<&str>) -> bool {
        self.place == place && self.suite.as_deref() == suite
    }

    pub(crate) fn observe(&mut self, of_canary: bool, value: Value<'_>, run: &str) {
        let number = match value {
            Value::One(worse) => f64::from(u8::from(worse)),
            Value::Size(size) => size.value(),
            Value::Name(_) => return,
        };
        if of_canary { &mut self.canary } else { &mut self.control }.add(value, number);
        if of_canary && self.is_example(number) {
            self.examples.push_back(run.to_owned());
            if self.examples.len() > EXAMPLES {
                self.examples.pop_front();
            }
        }
        if self.canary.waiting.is_empty() || self.control.waiting.is_empty() {
            return;
        }
        let of_canary = self.canary.per_value_of(&self.control);
        let of_control = self.control.per_value_of(&self.canary);
        let difference = cliffs_delta(&self.canary.take(of_canary), &self.control.take(of_control));
        if let Some(difference) = difference.and_then(Finite::new) {
            self.test.update(Observation::of(difference));
        }
    }

    /// Whether a value of the canary makes its run an example: a failure, or in the range of the
    /// control's largest tenth.
    fn is_example(&self, number: f64) -> bool {
        match &self.control.all {
            Totals::Size(control) => control.quantile(0.9).is_some_and(|unusual| number >= unusual),
            Totals::Rate(_) | Totals::Mix(_) => number > 0.0,
        }
    }

    /// Whether the canary is worse by a relevant effect, and no alert fires yet. For sizes the
    /// effect is that of the medians.
    pub(crate) fn is_news(&self, policy: &Policy) -> bool {
        let is_worse = || match self.canary.all {
            Totals::Size(_) => {
                let medians = self.canary.all.value().zip(self.control.all.value());
                medians.is_some_and(|(canary, control)| {
                    canary - control >= policy.effect_relative_min * control
                })
            }
            Totals::Rate(_) | Totals::Mix(_) => {
                self.test.mean().is_some_and(|mean| mean >= policy.effect_min)
            }
        };
        !self.is_firing() && self.test.statistic() >= self.test.threshold() && is_worse()
    }

    /// Records that an alert fires, as a page or a ticket.
    pub(crate) fn fire(&mut self, alert_id: String, pages: bool) {
        self.firing = Some(Firing { alert_id, pages });
    }

    pub(crate) const fn is_firing(&self) -> bool {
        self.firing.is_some()
    }

    pub(crate) fn examples(&self) -> Option<Vec<String>> {
        (!self.examples.is_empty()).then(|| self.examples.iter().cloned().collect())
    }

    fn watch(&self) -> Option<Watch> {
        watch_at(self.place)
    }

    /// Severity of its alert.
    pub(crate) fn severity(&self) -> &'static str {
        if self.firing.as_ref().is_some_and(|firing| firing.pages) { "page" } else { "ticket" }
    }

    /// Sets the fields of an event about the stream.
    pub(crate) fn describe(
        &self,
        builder: EventBuilder,
        control: &str,
        since: Mark,
    ) -> EventBuilder {
        let unit = match self.canary.all {
            Totals::Size(_) => "cliffs_delta",
            Totals::Rate(_) | Totals::Mix(_) => "difference",
        };
        let interval = (self.test.observations() > 0).then(|| self.test.interval()).flatten();
        builder
            .set_some(
                column::drift::ALERT_ID,
                self.firing.as_ref().map(|firing| firing.alert_id.as_str()),
            )
            .set_some(column::drift::METRIC, self.watch().map(|watch| watch.metric))
            .set_some(column::drift::SUITE, self.suite.as_deref())
            .set(column::drift::DIRECTION, "rising")
            .set(column::drift::DETECTOR, DETECTOR.name)
            .set(column::drift::E_VALUE, self.test.statistic())
            .set(column::drift::THRESHOLD, self.test.threshold())
            .set(column::drift::BASELINE_VERSION, control)
            .set(column::drift::BASELINE_COUNT, int(self.control.all.count()))
            .set_some(column::drift::BASELINE_VALUE, self.control.all.value())
            .set(column::drift::OBSERVATIONS, int(self.canary.all.count()))
            .set_some(column::drift::OBSERVED, self.canary.all.value())
            .set(column::drift::PAIRS, int(self.test.observations()))
            .set_some(column::drift::EFFECT, self.test.mean())
            .set(column::drift::EFFECT_UNIT, unit)
            .set_some(column::drift::EFFECT_LOW, interval.map(|interval| interval.low))
            .set_some(column::drift::EFFECT_HIGH, interval.map(|interval| interval.high))
            .set(column::drift::SINCE_TIME, Timestamp::from_micros(since.time))
            .set(column::drift::SINCE_OFFSET, since.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whichever_side_lags_the_others_wait_and_are_averaged() {
        let mut pair = Pair::new(0, Model::Failures, Some("s"), 100.0).unwrap();
        assert!(pair.is_of(0, Some("s")) && !pair.is_of(0, None) && !pair.is_of(1, Some("s")));
        for worse in [true, false, false, false] {
            pair.observe(false, Value::One(worse), "r");
        }
        pair.observe(true, Value::One(true), "r");
        assert_eq!((pair.test.observations(), pair.test.mean()), (1, Some(0.75)));
        assert_eq!((pair.canary.waiting.len(), pair.control.waiting.len()), (0, 0));
        // The canary leads now; what comes of the control takes the oldest, one by one.
        for _ in 0..3 {
            pair.observe(true, Value::One(true), "r");
        }
        pair.observe(false, Value::One(false), "r");
        assert_eq!((pair.test.observations(), pair.canary.waiting.len()), (2, 2));
        assert_eq!(pair.examples().unwrap().len(), EXAMPLES);
    }

    #[test]
    fn with_equal_traffic_nearly_every_value_has_a_pair_of_its_own() {
        let mut pair = Pair::new(0, Model::Failures, None, 100.0).unwrap();
        let mut state = 1_u32;
        for _ in 0..2_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            pair.observe(state >> 31 == 1, Value::One(false), "r");
        }
        assert!(pair.test.observations() > 900, "{}", pair.test.observations());
    }

    #[test]
    fn a_lone_side_is_not_evidence_and_its_memory_is_bounded() {
        let mut pair = Pair::new(0, Model::Failures, None, 100.0).unwrap();
        for _ in 0..10_000 {
            pair.observe(true, Value::One(true), "r");
        }
        assert_eq!((pair.test.observations(), pair.canary.waiting.len()), (0, WAITING_MAX));
        // Of what waits there are thousands for each of the other: all of it is one mean.
        pair.observe(false, Value::One(true), "r");
        assert_eq!((pair.test.observations(), pair.test.mean()), (1, Some(0.0)));
        assert!(pair.canary.waiting.is_empty());
    }

    #[test]
    fn of_sizes_the_order_counts_and_categories_are_not_compared() {
        let size = |size: f64| Value::Size(Finite::new(size).unwrap());
        let mut pair = Pair::new(0, Model::Sizes, None, 100.0).unwrap();
        for control in [1.0, 2.0, 3.0, 4.0] {
            pair.observe(false, size(control), "r");
        }
        // Larger than two, smaller than one.
        pair.observe(true, size(3.0), "r");
        assert_eq!((pair.test.observations(), pair.test.mean()), (1, Some(0.25)));
        assert_eq!(cliffs_delta(&[1e300], &[0.0, 1.0]), Some(1.0));
        assert_eq!((cliffs_delta(&[], &[1.0]), cliffs_delta(&[1.0], &[1.0])), (None, Some(0.0)));
        assert!(Pair::new(0, Model::Mix, None, 100.0).is_none());
    }
}
