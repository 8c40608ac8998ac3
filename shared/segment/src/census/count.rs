//! Counting the rows of a census while records pass.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::row::SourceCount;
use super::table::Census;

/// Counts. Memory grows with the distinct agents, kinds and sources, and with the holes in the
/// numbers of the sources; all of them at most with the records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter {
    agents: HashMap<String, HashMap<String, u64>>,
    sources: HashMap<String, HashMap<i64, Numbers>>,
}

/// Numbers seen, as ranges that do not touch.
#[derive(Debug, Clone, Default)]
struct Numbers {
    count: u64,
    /// First to last of each range.
    ranges: BTreeMap<i64, i64>,
}

impl Counter {
    /// Counts a record of an agent (empty if it names none) and kind.
    pub(crate) fn agent(&mut self, agent_id: &str, kind: &str) {
        with(&mut self.agents, agent_id, |kinds| {
            with(kinds, kind, |count| *count += 1);
        });
    }

    /// Counts a numbered record of a source.
    pub(crate) fn source(&mut self, source_id: &str, epoch: i64, seq: i64) {
        with(&mut self.sources, source_id, |epochs| epochs.entry(epoch).or_default().add(seq));
    }

    /// The census.
    pub(crate) fn finish(self) -> Census {
        let mut census = Census::default();
        for (agent_id, kinds) in self.agents {
            for (kind, count) in kinds {
                census.agents.insert((agent_id.clone(), kind), count);
            }
        }
        for (source_id, epochs) in self.sources {
            for (epoch, numbers) in epochs {
                if let Some(count) = numbers.finish() {
                    census.sources.insert((source_id.clone(), epoch), count);
                }
            }
        }
        census
    }
}

/// Calls with the value of a key, made if it is new; allocates only then.
fn with<V: Default>(map: &mut HashMap<String, V>, key: &str, change: impl FnOnce(&mut V)) {
    if let Some(value) = map.get_mut(key) {
        change(value);
    } else {
        change(map.entry(key.to_owned()).or_default());
    }
}

impl Numbers {
    fn add(&mut self, seq: i64) {
        self.count += 1;
        // Numbers nearly always ascend without holes: then this is all.
        if let Some(mut last) = self.ranges.last_entry()
            && last.get().checked_add(1) == Some(seq)
        {
            *last.get_mut() = seq;
            return;
        }
        let before = self.ranges.range(..=seq).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| seq <= last) {
            return;
        }
        let start = match before {
            Some((first, last)) if last.checked_add(1) == Some(seq) => first,
            Some(_) | None => seq,
        };
        // A range that begins right after joins.
        let end = seq.checked_add(1).and_then(|next| self.ranges.remove(&next)).unwrap_or(seq);
        self.ranges.insert(start, end);
    }

    fn finish(&self) -> Option<SourceCount> {
        let (first, _) = self.ranges.first_key_value()?;
        let (_, last) = self.ranges.last_key_value()?;
        let mut missing = 0_u64;
        let mut previous = None;
        for (start, end) in &self.ranges {
            if let Some(previous) = previous {
                // Ranges do not touch, and all of them are of 64 bits: neither can overflow.
                missing += start.abs_diff(previous) - 1;
            }
            previous = Some(*end);
        }
        Some(SourceCount { first: *first, last: *last, count: self.count, missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(numbers: &[i64]) -> SourceCount {
        let mut counter = Counter::default();
        for seq in numbers {
            counter.source("s", 0, *seq);
        }
        counter.finish().sources[&("s".to_owned(), 0)]
    }

    #[test]
    fn repeated_numbers_are_counted_and_holes_are_missing() {
        let expected = SourceCount { first: 1, last: 9, count: 6, missing: 4 };
        assert_eq!(count(&[1, 2, 2, 9, 5, 4]), expected);
        let all = SourceCount { first: i64::MIN, last: i64::MAX, count: 2, missing: u64::MAX - 1 };
        assert_eq!(count(&[i64::MAX, i64::MIN]), all);
    }

    proptest! {
        #[test]
        fn any_order_of_numbers_counts_the_same(numbers in prop::collection::vec(-30_i64..30, 1..60)) {
            let distinct: std::collections::BTreeSet<_> = numbers.iter().copied().collect();
            let (first, last) = (*distinct.first().unwrap(), *distinct.last().unwrap());
            let expected = SourceCount {
                first,
                last,
                count: numbers.len() as u64,
                missing: (last - first + 1).cast_unsigned() - distinct.len() as u64,
            };
            prop_assert_eq!(count(&numbers), expected);
        }
    }
}
