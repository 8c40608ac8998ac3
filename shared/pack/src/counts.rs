//! Counts by names that a sender chose: bounded, and what is not listed is counted.

use std::collections::BTreeMap;

use serde::Serialize;

/// Most names that are listed.
const NAMES_MAX: usize = 500;

/// Most characters of a name that is listed.
const CHARS_MAX: usize = 200;

/// Counts by name. The names that came first are listed, up to 500; longer ones than 200 characters
/// are not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Those that are listed.
    pub listed: BTreeMap<String, u64>,
    /// All others together.
    pub others: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, name: &str) {
        if let Some(count) = self.listed.get_mut(name) {
            *count += 1;
        } else if self.listed.len() < NAMES_MAX && name.chars().count() <= CHARS_MAX {
            self.listed.insert(name.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }
}

/// A text of which no more than so many characters are kept.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_come_the_list_is_short_and_the_sum_right() {
        let mut counts = Counts::default();
        for at in 0..2_000 {
            counts.add(&format!("name {at}"));
            counts.add("name 0");
            counts.add(&"x".repeat(300));
        }
        assert_eq!(counts.listed.len(), NAMES_MAX);
        assert_eq!(counts.listed["name 0"], 2_001);
        assert_eq!(counts.listed.values().sum::<u64>() + counts.others, 6_000);
        assert_eq!(cut("äbc", 2), "äb…");
        assert_eq!(cut("äb", 2), "äb");
    }
}
