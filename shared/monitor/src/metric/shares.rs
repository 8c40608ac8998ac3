//! Counts of categories, such as tools.
//!
//! Names come from senders, so they are bounded: in size by `bounded`, in number by [`NAMES_MAX`].
//! If there are more, those that come last in byte order are counted together as *other*. This rule
//! depends neither on the order of arrival nor on that of merging, so counts merge exactly: any
//! split into panes gives the same numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::identity::bounded;

/// Largest number of names.
const NAMES_MAX: usize = 512;
/// Number of names in the event of a window: the most frequent ones.
const NAMES_SHOWN: usize = 64;
/// Name of the categories that are counted together.
pub(crate) const OTHER: &str = "_other";

/// Counts of categories.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Shares {
    names: BTreeMap<String, u64>,
    other: u64,
}

impl Shares {
    /// Counts a category.
    pub(crate) fn add(&mut self, name: &str) {
        if let Some(count) = self.names.get_mut(name) {
            *count += 1;
        } else {
            self.add_many(name, 1);
        }
    }

    /// Counts a category `number` times.
    pub(crate) fn add_many(&mut self, name: &str, number: u64) {
        self.count(&bounded(name), number);
    }

    /// Adds the counts of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.other += other.other;
        for (name, count) in &other.names {
            self.count(name, *count);
        }
    }

    fn count(&mut self, name: &str, number: u64) {
        if name == OTHER {
            self.other += number;
            return;
        }
        let count = self.names.entry(name.to_owned()).or_default();
        *count += number;
        if self.names.len() > NAMES_MAX
            && let Some((_, last)) = self.names.pop_last()
        {
            self.other += last;
        }
    }

    /// The sum of all counts.
    pub(crate) fn total(&self) -> u64 {
        self.other + self.names.values().sum::<u64>()
    }

    /// Number of categories: the names, and one for all others.
    pub(crate) fn distinct(&self) -> usize {
        self.names.len() + usize::from(self.other > 0)
    }

    /// Names and counts, in byte order, without *other*.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// The most frequent names, at most `names_max` (of equally frequent ones the first in byte
    /// order), and the count of everything else.
    pub(crate) fn top(&self, names_max: usize) -> (Vec<(&str, u64)>, u64) {
        let mut names: Vec<(&str, u64)> = self.names().collect();
        names.sort_by(|(one, n), (two, m)| m.cmp(n).then_with(|| one.cmp(two)));
        let rest: u64 = names.iter().skip(names_max).map(|(_, count)| count).sum();
        names.truncate(names_max);
        (names, self.other + rest)
    }

    /// The most frequent names with their counts, as an event shows them.
    pub(crate) fn shown(&self) -> BTreeMap<String, String> {
        let (top, rest) = self.top(NAMES_SHOWN);
        let rest = (rest > 0).then_some((OTHER, rest));
        let pairs = top.into_iter().chain(rest);
        pairs.map(|(name, count)| (name.to_owned(), count.to_string())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of<'n>(names: impl IntoIterator<Item = &'n String>) -> Shares {
        let mut shares = Shares::default();
        names.into_iter().for_each(|name| shares.add(name));
        shares
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_order_and_any_split_give_the_same_counts(
            numbers in prop::collection::vec(0_u16..700, 0..2_000), cut in 0_usize..2_000,
        ) {
            let names: Vec<String> = numbers.iter().map(|n| format!("t{n}")).collect();
            let cut = cut.min(names.len());
            let mut merged = of(&names[cut..]);
            merged.merge(&of(&names[..cut]));
            prop_assert_eq!(&of(names.iter().rev()), &merged);
            prop_assert_eq!(merged.total(), names.len() as u64);
            prop_assert!(merged.distinct() <= NAMES_MAX + 1);
        }
    }

    #[test]
    fn an_event_shows_the_most_frequent_and_counts_everything() {
        let mut shares = Shares::default();
        for n in 0..1_000 {
            for _ in 0..=(n % 3) {
                shares.add(&format!("tool-{n:04}"));
            }
        }
        shares.add(OTHER);
        shares.add(&"x".repeat(10_000));
        let shown = shares.shown();
        assert_eq!(shown.len(), NAMES_SHOWN + 1);
        let sum: u64 = shown.values().map(|count| count.parse::<u64>().unwrap()).sum();
        assert_eq!(sum, shares.total());
        assert_eq!(shown.get("tool-0002").map(String::as_str), Some("3"));
        assert_eq!(of(&["a".to_owned()]).shown(), [("a".to_owned(), "1".to_owned())].into());
    }
}
