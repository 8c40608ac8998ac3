//! Kinds that are nearly known ones.

use std::collections::HashMap;

use crate::schema::schema;

/// Kinds that are remembered; beyond it all are forgotten.
const KINDS_MAX: usize = 256;
/// Largest kind that is compared, bytes; no known one is longer.
const KIND_BYTES_MAX: usize = 64;
/// Most letters in which a kind may differ from a known one.
const DISTANCE_MAX: usize = 2;

/// Compares kinds with the known ones, and remembers what it found.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    found: HashMap<String, Option<&'static str>>,
}

impl Kinds {
    /// The known kind that an unknown one nearly is.
    pub(super) fn near(&mut self, kind: &str) -> Option<&'static str> {
        if kind.len() > KIND_BYTES_MAX {
            return None;
        }
        if let Some(found) = self.found.get(kind) {
            return *found;
        }
        if self.found.len() >= KINDS_MAX {
            self.found.clear();
        }
        let found = nearest(kind);
        self.found.insert(kind.to_owned(), found);
        found
    }
}

fn nearest(kind: &str) -> Option<&'static str> {
    let known = schema().kinds().map(|known| known.name.as_str());
    let near = known.filter_map(|known| Some((distance(&plain(kind), &plain(known))?, known)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// Separators and case are often the only difference.
fn plain(kind: &str) -> Vec<u8> {
    let byte = |byte: u8| match byte {
        b'_' | b'-' | b'/' | b':' | b' ' => b'.',
        byte => byte.to_ascii_lowercase(),
    };
    kind.bytes().map(byte).collect()
}

/// In how many letters two texts differ (inserted, left out, replaced, or exchanged with the next);
/// `None` beyond [`DISTANCE_MAX`].
fn distance(a: &[u8], b: &[u8]) -> Option<usize> {
    if a.len().abs_diff(b.len()) > DISTANCE_MAX {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&row, j) + usize::from(x != y);
            let mut least = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let is_exchanged = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if is_exchanged {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        if next.iter().all(|least| *least > DISTANCE_MAX) {
            return None;
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= DISTANCE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    #[test]
    fn a_misspelt_kind_is_recognised_and_another_is_not() {
        let mut kinds = Kinds::default();
        for (written, meant) in [
            ("run.completd", Some(kind::RUN_COMPLETED)),
            ("run.compelted", Some(kind::RUN_COMPLETED)),
            ("run_completed", Some(kind::RUN_COMPLETED)),
            ("Run.Completed", Some(kind::RUN_COMPLETED)),
            ("run.complete", Some(kind::RUN_COMPLETED)),
            ("tool.caled", Some(kind::TOOL_CALLED)),
            ("order.shipped", None),
            ("x.y", None),
            ("", None),
        ] {
            assert_eq!(kinds.near(written), meant, "{written}");
            assert_eq!(kinds.near(written), meant, "{written}, again");
        }
        for number in 0..10_000 {
            let _found = kinds.near(&format!("made.up.{number}"));
        }
        assert!(kinds.found.len() <= KINDS_MAX);
        assert_eq!(kinds.near(&"x".repeat(1_000_000)), None);
    }
}
