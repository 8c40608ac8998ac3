//! Categories, such as tools, compared by their shares.
//!
//! One call per run is observed (see `crate::sampler`), in the baseline and in the stream: the
//! calls of a run depend on each other, which no guarantee survives.
//!
//! With a baseline shorter than [`LONG`] the detector is the conformal one. It treats baseline and
//! stream as one sample, so its guarantee holds on average over baselines of any size, if every
//! order of runs is equally likely. With a longer baseline it is the multinomial one that divides
//! by upper confidence bounds of the baseline's shares: for 95 % of baselines its guarantee holds
//! for every stream whose next call has the baseline's probabilities, given all before. The plain
//! multinomial detector is not used: it treats the baseline's shares as exact, and after 2,000
//! calls half of its unchanged streams alarm within 5,000.
//!
//! Four tools at .5, .3, .15 and .05, a run length of 20,000, 100 simulations each: share of alarms
//! within 5,000 unchanged calls, and mean number of calls until a change to .4, .3, .2, .1 and to
//! .3, .5, .15, .05 is detected.
//!
//! | calls of the baseline | conformal | cautious multinomial |
//! |---|---|---|
//! | 300 | 17 %, 40 % detected, 585 (95 %) | 0 %, none, 5 % detected |
//! | 2,000 | 14 %, 518, 179 | 0 %, 1 % detected, 547 |
//! | 10,000 | 13 %, 410, 157 | 0 %, 92 % detected, 180 |
//! | 50,000 | 9 %, 398, 155 | 0 %, 562, 136 |
//! | 200,000 | 7 %, 394, 152 | 1 %, 346, 127 |
//!
//! **Categories.** The [`NAMES_MAX`] most frequent categories of the baseline have a bin each; all
//! others share one. The effect is the Jensen-Shannon distance (base 2) between the baseline and
//! the calls since the estimated change: that start among the last [`RECENT`] calls for which the
//! number of calls since then times `sum (q - p)^2 / (q + p)` is largest.

use std::collections::VecDeque;

use drift::distance::jensen_shannon::{self, Base};
use drift::{
    Baseline, Detector, EsrConformal, EsrMultinomial, Finite, Observation, StreamDetector, Table,
    Unit, registry,
};
use serde::{Deserialize, Serialize};

use super::finding::{Category, Direction, Finding, NoDetector};
use super::mark::Mark;
use crate::detector::{DetectorVersion, MIXES};
use crate::metric::{OTHER, Shares};
use crate::policy::Policy;
use crate::sampler::mixed;

/// Number of names of a baseline with a bin of their own.
const NAMES_MAX: usize = 63;
/// Number of baseline calls from which on the cautious detector is better.
const LONG: u64 = 50_000;
/// Number of calls kept for the effect.
const RECENT: usize = 256;
/// Number of latest calls among which a category must be more frequent than in the baseline to be
/// an example.
const LATEST: usize = 32;
/// The detectors.
pub(super) const CONFORMAL: DetectorVersion =
    DetectorVersion { name: "esr-conformal-mix", version: EsrConformal::VERSION, models: MIXES };
pub(super) const CAUTIOUS: DetectorVersion = DetectorVersion {
    name: "esr-multinomial-cautious",
    version: EsrMultinomial::VERSION,
    models: MIXES,
};

/// A call: its position, its bin, and its name if the bin is shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Call {
    mark: Mark,
    bin: u8,
    name: Option<String>,
}

/// A running comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MixComparison {
    names: Vec<String>,
    /// Number of baseline calls of each name, and of all others.
    counts: Vec<u64>,
    detector: Detector,
    recent: VecDeque<Call>,
}

/// Counts of bins since a call.
struct Since {
    mark: Mark,
    observations: u64,
    counts: Vec<u64>,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}

impl MixComparison {
    pub(crate) fn new(baseline: &Shares, policy: &Policy) -> Result<Self, NoDetector> {
        let (top, rest) = baseline.top(NAMES_MAX);
        let counts: Vec<u64> = top.iter().map(|(_, count)| *count).chain([rest]).collect();
        let names: Vec<String> = top.into_iter().map(|(name, _)| name.to_owned()).collect();
        let given = Baseline { counts: &counts, ..Baseline::default() };
        let run_length = policy.average_run_length;
        let detector = if baseline.total() < LONG {
            EsrConformal::mix(&given, run_length).map(Detector::EsrConformal)
        } else {
            EsrMultinomial::cautious(&given, run_length, registry::MISS)
                .map(Detector::EsrMultinomial)
        };
        let detector = detector.map_err(NoDetector::of)?;
        Ok(Self { names, counts, detector, recent: VecDeque::new() })
    }

    /// Name of the detector.
    pub(crate) const fn name(&self) -> &'static str {
        match self.detector {
            Detector::EsrMultinomial(_) => CAUTIOUS.name,
            Detector::EsrBounded(_)
            | Detector::EsrTwoSample(_)
            | Detector::EsrConformal(_)
            | Detector::Canary(_) => CONFORMAL.name,
        }
    }

    pub(crate) const fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Bin of a name; the last bin is that of all other names.
    fn bin(&self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or(self.names.len())
    }

    pub(crate) fn observe(&mut self, name: &str, mark: Mark) {
        let bin = self.bin(name);
        let Ok(number) = u8::try_from(bin) else { unreachable!("bin {bin} of {NAMES_MAX}") };
        let Some(value) = Finite::new(f64::from(number)) else {
            unreachable!("{number} is finite")
        };
        // Ties are broken by the offset: it does not depend on the value, and is the same in a replay.
        self.detector.update(Observation { value, tie: lot(mark.offset) });
        let name = (bin >= self.names.len()).then(|| name.to_owned());
        self.recent.push_back(Call { mark, bin: number, name });
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    pub(crate) fn restart(&mut self) {
        self.detector.reset();
        self.recent.clear();
    }

    /// Whether a category is more frequent in the latest calls than in the baseline.
    pub(crate) fn is_example(&self, name: &str) -> bool {
        let bin = self.bin(name);
        let latest = self.recent.iter().rev().take(LATEST);
        let (count, equal) = latest.fold((0_u64, 0_u64), |(count, equal), call| {
            (count + 1, equal + u64::from(usize::from(call.bin) == bin))
        });
        let Some(before) = self.counts.get(bin) else { unreachable!("bin {bin} has no count") };
        let before = float(*before);
        float(equal) * float(self.baseline_count()) > before * float(count)
    }

    fn baseline_count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The estimated change: see the module's head. `None` without calls.
    fn since(&self) -> Option<Since> {
        let half_each = float(self.counts.len() as u64) / 2.0;
        let all = float(self.baseline_count()) + half_each;
        let shares: Vec<f64> =
            self.counts.iter().map(|count| (float(*count) + 0.5) / all).collect();
        let mut counts = vec![0_u64; self.counts.len()];
        let (mut observations, mut most, mut best) = (0_u64, 0.0, None);
        for call in self.recent.iter().rev() {
            observations += 1;
            let Some(count) = counts.get_mut(usize::from(call.bin)) else {
                unreachable!("bin {} has no count", call.bin)
            };
            *count += 1;
            let of = float(observations);
            let distance: f64 = counts.iter().zip(&shares).fold(0.0, |sum, (count, p)| {
                let q = float(*count) / of;
                sum + (q - p) * (q - p) / (q + p)
            });
            if distance * of > most {
                most = distance * of;
                best = Some(Since { mark: call.mark, observations, counts: counts.clone() });
            }
        }
        best
    }

    /// Counts of a period by bin.
    fn binned(&self, period: &Shares) -> Vec<u64> {
        let mut counts = vec![0_u64; self.counts.len()];
        let mut known = 0_u64;
        for (name, count) in period.names() {
            let bin = self.bin(name);
            if bin < self.names.len()
                && let Some(in_bin) = counts.get_mut(bin)
            {
                *in_bin += count;
                known += count;
            }
        }
        if let Some(rest) = counts.last_mut() {
            *rest = period.total() - known;
        }
        counts
    }

    /// The counts of the baseline and of the calls since the estimated change, or of a period.
    /// `None` without calls.
    pub(super) fn table(&self, period: Option<&Shares>) -> Option<Table> {
        let counts = match period {
            Some(period) => self.binned(period),
            None => self.since()?.counts,
        };
        Table::new(&self.counts, &counts).ok()
    }

    /// Whether the distance of a period from the baseline is less than half of the smallest effect,
    /// after subtracting what chance explains: the mean divergence (the square of the distance) of
    /// two samples of the same mix in `B` categories is `(B - 1) (1/n + 1/m) / (8 ln 2)`.
    pub(crate) fn is_calm(&self, period: &Shares, policy: &Policy) -> bool {
        let Some(table) = self.table(Some(period)) else { return false };
        let pairs = table.reference().iter().zip(table.current());
        let occur = pairs.filter(|(one, two)| **one > 0 || **two > 0).count() as u64;
        let sizes = 1.0 / float(self.baseline_count()) + 1.0 / float(period.total());
        let chance = float(occur - 1) * sizes / (8.0 * std::f64::consts::LN_2);
        let distance = jensen_shannon::distance(&table, Base::Two);
        let half = policy.effect_mix_min / 2.0;
        distance * distance - chance < half * half
    }

    /// The finding since the estimated change, or of a period.
    pub(crate) fn finding(&self, period: Option<&Shares>) -> Finding {
        let since = if period.is_none() { self.since() } else { None };
        let counts = match (period, &since) {
            (Some(period), _) => self.binned(period),
            (None, Some(since)) => since.counts.clone(),
            (None, None) => Vec::new(),
        };
        let table = Table::new(&self.counts, &counts).ok();
        let effect = table.as_ref().map(|table| jensen_shannon::distance(table, Base::Two));
        let since_mark = since.as_ref().map(|since| since.mark);
        Finding {
            observed: None,
            effect,
            low: None,
            high: None,
            direction: Direction::Either,
            since: since.map(|since| (since.mark, since.observations)),
            category: table.map(|table| self.most_changed(&table, since_mark, period)),
        }
    }

    /// The category whose share changed most.
    fn most_changed(
        &self,
        table: &Table,
        since: Option<Mark>,
        period: Option<&Shares>,
    ) -> Category {
        let sum = |counts: &[u64]| float(counts.iter().sum());
        let (n, m) = (sum(table.reference()), sum(table.current()));
        let shares = table.reference().iter().zip(table.current());
        let shares = shares.map(|(one, two)| (float(*one) / n, float(*two) / m));
        let mut most = (0, (0.0, 0.0));
        for (bin, (before, after)) in shares.enumerate() {
            let (known_before, known_after): (f64, f64) = most.1;
            if (after - before).abs() > (known_after - known_before).abs() {
                most = (bin, (before, after));
            }
        }
        let (bin, (before, after)) = most;
        if let Some(name) = self.names.get(bin) {
            return Category { name: name.clone(), before: Some(before), after };
        }
        // All other names: the most frequent new one, if it accounts for most of them.
        let mut new = Shares::default();
        if let Some(period) = period {
            let unknown = period.names().filter(|(name, _)| self.bin(name) >= self.names.len());
            unknown.for_each(|(name, count)| new.add_many(name, count));
        } else {
            let from = since.map_or(i64::MIN, |since| since.offset);
            let calls = self.recent.iter().filter(|call| call.mark.offset >= from);
            calls.filter_map(|call| call.name.as_deref()).for_each(|name| new.add(name));
        }
        match new.top(1).0.first() {
            Some((name, count)) if float(*count) > after * m / 2.0 => Category {
                name: (*name).to_owned(),
                before: (before <= 0.0).then_some(0.0),
                after: float(*count) / m,
            },
            Some(_) | None => Category { name: OTHER.to_owned(), before: Some(before), after },
        }
    }
}

/// A uniform number in `[0, 1)` that is derived from an offset.
fn lot(offset: i64) -> Unit {
    let number = mixed(offset.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let unit = number as f64 / (1_u64 << 53) as f64;
    let Some(unit) = Unit::new(unit) else { unreachable!("53 bits of 53") };
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(counts: &[(&str, u64)]) -> Shares {
        let mut shares = Shares::default();
        counts.iter().for_each(|(name, count)| shares.add_many(name, *count));
        shares
    }

    fn test(counts: &[(&str, u64)]) -> MixComparison {
        MixComparison::new(&shares(counts), &Policy::default()).unwrap()
    }

    const CALLS: [(&str, u64); 3] = [("search", 600), ("read", 300), ("write", 100)];

    /// One call after the other, in these shares of ten.
    fn feed(test: &mut MixComparison, offsets: std::ops::Range<i64>, tenths: &[&str; 10]) {
        for offset in offsets {
            let at = usize::try_from(offset.wrapping_mul(7).rem_euclid(10)).unwrap();
            test.observe(tenths[at], Mark { offset, time: offset });
        }
    }

    const SAME: [&str; 10] = [
        "search", "search", "search", "search", "search", "search", "read", "read", "read", "write",
    ];
    const MORE: [&str; 10] = [
        "search", "search", "search", "search", "read", "read", "write", "write", "write", "write",
    ];
    const NEW: [&str; 10] = [
        "search", "search", "search", "search", "search", "read", "read", "delete", "delete",
        "write",
    ];

    #[test]
    fn the_category_that_changed_most_is_named_with_its_shares() {
        for (after, name, before, share) in [(MORE, "write", 0.1, 0.4), (NEW, "delete", 0.0, 0.2)] {
            let mut test = test(&CALLS);
            feed(&mut test, 0..100, &SAME);
            feed(&mut test, 100..200, &after);
            let finding = test.finding(None);
            let category = finding.category.unwrap();
            assert_eq!((category.name.as_str(), category.before), (name, Some(before)));
            assert!((category.after - share).abs() < 0.06, "{category:?}");
            let (mark, observations) = finding.since.unwrap();
            assert!((85..=110).contains(&mark.offset), "{mark:?}");
            assert_eq!(observations, 200 - u64::try_from(mark.offset).unwrap());
            let distance = finding.effect.unwrap();
            assert!(distance > 0.15 && distance < 0.5, "{distance}");
            test.restart();
            assert_eq!(test.finding(None).effect, None);
        }
    }

    #[test]
    fn examples_are_of_what_became_more_frequent() {
        let mut test = test(&CALLS);
        feed(&mut test, 0..100, &MORE);
        assert!(test.is_example("write") && !test.is_example("search"));
        feed(&mut test, 100..200, &NEW);
        assert!(test.is_example("delete"));
    }

    #[test]
    fn a_period_is_calm_when_chance_explains_it() {
        let settings = Policy::default();
        let test = test(&CALLS);
        assert!(test.is_calm(&shares(&[("search", 18), ("read", 10), ("write", 4)]), &settings));
        assert!(!test.is_calm(&shares(&[("search", 10), ("read", 9), ("write", 13)]), &settings));
        assert!(!test.is_calm(&shares(&[("search", 540), ("read", 300), ("x", 160)]), &settings));
        let finding = test.finding(Some(&shares(&[("search", 600), ("x", 200), ("y", 30)])));
        let category = finding.category.unwrap();
        assert_eq!((category.name.as_str(), category.before), ("read", Some(0.3)));
    }

    #[test]
    fn of_many_names_the_most_frequent_have_a_bin_and_memory_is_bounded() {
        let mut many = Shares::default();
        for n in 0..300_u64 {
            many.add_many(&format!("tool-{n}"), 1_000 - n);
        }
        let mut test = MixComparison::new(&many, &Policy::default()).unwrap();
        assert_eq!((test.name(), test.counts.len()), (CAUTIOUS.name, NAMES_MAX + 1));
        for name in [CAUTIOUS.name, CONFORMAL.name] {
            assert!(registry::find(name).is_some(), "{name}");
        }
        for offset in 0..2_000 {
            test.observe(&format!("new-{offset}"), Mark { offset, time: 0 });
        }
        assert_eq!(test.recent.len(), RECENT);
        let category = test.finding(None).category.unwrap();
        assert_eq!(category.name, OTHER);
        assert!(category.before.unwrap() > 0.5);
    }
}
