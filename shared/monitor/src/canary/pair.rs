//! One stream of a canary beside the same stream of its control.
//!
//! Values of both sides wait in the order in which they came. When both sides have some, the
//! oldest make a pair, whose value is the canary's mean less the control's: one of the rarer side,
//! and of the other as many as it had for each of the rarer side so far, or as many as there are.
//! So nearly every value counts once, and those of the commoner side are averaged.
//!
//! **When a side lags**, the other's last [`WAITING_MAX`] values wait and older ones are left out:
//! a side that comes back is compared with what is recent.
//!
//! **Guarantee.** Which values make a pair is decided by the order in which they arrive and not by
//! what they are. So if the canary's values are no likelier to fail than the control's, and values
//! do not depend on each other, the mean of each pair's value, given the pairs before it, is at
//! most 0: what `drift::Canary` asks for. Then it is *ever* called worse with probability of at most
//! `canary_alpha`, in each stream, however often one looks. Rates may move as long as they move for
//! both sides and slowly, compared with the wait.

use std::collections::VecDeque;

use drift::{Canary, Direction, Finite, Observation, StreamDetector};
use event::{EventBuilder, Timestamp};
use serde::{Deserialize, Serialize};

use crate::metric::{self, Watch};
use crate::stream::{Mark, Rates, int};

/// Name of the detector in the registry.
pub(super) const DETECTOR: &str = "canary";
/// Runs named in an alert.
const EXAMPLES: usize = 3;

/// Values of a side that wait for the other.
const WAITING_MAX: usize = 128;

/// One side of the stream.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Side {
    /// All of its values.
    all: Rates,
    /// Those without a pair, oldest first.
    waiting: VecDeque<bool>,
}

impl Side {
    fn add(&mut self, worse: bool) {
        self.all.add(worse);
        self.waiting.push_back(worse);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
    }

    /// How many of its values there are for each of the other side, at least 1.
    fn for_each_of(&self, other: &Self) -> usize {
        let count = other.all.count.max(1);
        let rounded = self.all.count.saturating_add(count / 2) / count;
        usize::try_from(rounded.max(1)).unwrap_or(WAITING_MAX)
    }

    /// The mean of the oldest that wait, at most so many.
    fn take(&mut self, values_max: usize) -> f64 {
        let mut taken = Rates::default();
        let values = self.waiting.len().min(values_max);
        self.waiting.drain(..values).for_each(|worse| taken.add(worse));
        taken.mean()
    }
}

/// The stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair {
    place: u8,
    suite: Option<String>,
    canary: Side,
    control: Side,
    test: Canary,
    /// The last runs of the canary that were worse, oldest first.
    examples: VecDeque<String>,
    alert_id: Option<String>,
}

impl Pair {
    pub(super) fn new(place: u8, suite: Option<&str>, threshold: f64) -> Option<Self> {
        Some(Self {
            place,
            suite: suite.map(str::to_owned),
            canary: Side::default(),
            control: Side::default(),
            test: Canary::new(Direction::Rising, threshold).ok()?,
            examples: VecDeque::new(),
            alert_id: None,
        })
    }

    pub(super) fn is_of(&self, place: u8, suite: Option<&str>) -> bool {
        self.place == place && self.suite.as_deref() == suite
    }

    pub(super) fn observe(&mut self, of_canary: bool, worse: bool, run: &str) {
        if of_canary { &mut self.canary } else { &mut self.control }.add(worse);
        if of_canary && worse {
            self.examples.push_back(run.to_owned());
            if self.examples.len() > EXAMPLES {
                self.examples.pop_front();
            }
        }
        if self.canary.waiting.is_empty() || self.control.waiting.is_empty() {
            return;
        }
        let of_canary = self.canary.for_each_of(&self.control);
        let of_control = self.control.for_each_of(&self.canary);
        let difference = self.canary.take(of_canary) - self.control.take(of_control);
        if let Some(difference) = Finite::new(difference) {
            self.test.update(Observation::of(difference));
        }
    }

    /// Whether it is worse, by as much as matters, and nobody was told.
    pub(super) fn is_news(&self, effect_min: f64) -> bool {
        !self.is_firing()
            && self.test.statistic() >= self.test.threshold()
            && self.test.mean().is_some_and(|mean| mean >= effect_min)
    }

    pub(super) fn fire(&mut self, alert_id: String) {
        self.alert_id = Some(alert_id);
    }

    pub(super) const fn is_firing(&self) -> bool {
        self.alert_id.is_some()
    }

    pub(super) fn examples(&self) -> Option<Vec<String>> {
        (!self.examples.is_empty()).then(|| self.examples.iter().cloned().collect())
    }

    fn watch(&self) -> Option<Watch> {
        metric::ALL.get(usize::from(self.place)).and_then(|metric| metric.watch)
    }

    /// How urgent it is that it is worse.
    pub(super) fn severity(&self) -> &'static str {
        if self.watch().is_some_and(|watch| watch.pages) { "page" } else { "ticket" }
    }

    /// What is known of it.
    pub(super) fn describe(
        &self,
        builder: EventBuilder,
        control: &str,
        since: Mark,
    ) -> EventBuilder {
        let mean = |rates: Rates| (rates.count > 0).then(|| rates.mean());
        let interval = (self.test.observations() > 0).then(|| self.test.interval()).flatten();
        builder
            .set_some("drift.alert_id", self.alert_id.as_deref())
            .set_some("drift.metric", self.watch().map(|watch| watch.metric))
            .set_some("drift.suite", self.suite.as_deref())
            .set("drift.direction", "rising")
            .set("drift.detector", DETECTOR)
            .set("drift.e_value", self.test.statistic())
            .set("drift.threshold", self.test.threshold())
            .set("drift.baseline_version", control)
            .set("drift.baseline_count", int(self.control.all.count))
            .set_some("drift.baseline_value", mean(self.control.all))
            .set("drift.observations", int(self.canary.all.count))
            .set_some("drift.observed", mean(self.canary.all))
            .set("drift.pairs", int(self.test.observations()))
            .set_some("drift.effect", self.test.mean())
            .set("drift.effect_unit", "difference")
            .set_some("drift.effect_low", interval.map(|interval| interval.low))
            .set_some("drift.effect_high", interval.map(|interval| interval.high))
            .set("drift.since_time", Timestamp::from_micros(since.time))
            .set("drift.since_offset", since.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whichever_side_lags_the_others_wait_and_are_averaged() {
        let mut pair = Pair::new(0, Some("s"), 100.0).unwrap();
        assert!(pair.is_of(0, Some("s")) && !pair.is_of(0, None) && !pair.is_of(1, Some("s")));
        for worse in [true, false, false, false] {
            pair.observe(false, worse, "r");
        }
        pair.observe(true, true, "r");
        assert_eq!((pair.test.observations(), pair.test.mean()), (1, Some(0.75)));
        assert_eq!((pair.canary.waiting.len(), pair.control.waiting.len()), (0, 0));
        // The canary leads now; what comes of the control takes the oldest, one by one.
        for _ in 0..3 {
            pair.observe(true, true, "r");
        }
        pair.observe(false, false, "r");
        assert_eq!((pair.test.observations(), pair.canary.waiting.len()), (2, 2));
        assert_eq!(pair.examples().unwrap().len(), EXAMPLES);
    }

    #[test]
    fn with_equal_traffic_nearly_every_value_has_a_pair_of_its_own() {
        let mut pair = Pair::new(0, None, 100.0).unwrap();
        let mut state = 1_u32;
        for _ in 0..2_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            pair.observe(state >> 31 == 1, false, "r");
        }
        assert!(pair.test.observations() > 900, "{}", pair.test.observations());
    }

    #[test]
    fn a_lone_side_is_not_evidence_and_its_memory_is_bounded() {
        let mut pair = Pair::new(0, None, 100.0).unwrap();
        for _ in 0..10_000 {
            pair.observe(true, true, "r");
        }
        assert_eq!((pair.test.observations(), pair.canary.waiting.len()), (0, WAITING_MAX));
        // Of what waits there are thousands for each of the other: all of it is one mean.
        pair.observe(false, true, "r");
        assert_eq!((pair.test.observations(), pair.test.mean()), (1, Some(0.0)));
        assert!(pair.canary.waiting.is_empty());
    }
}
