//! The attributes of an event: what no field took.

use std::borrow::Cow;

use event::Cell;
use hashbrown::HashSet;

/// Names and texts, in any order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Attributes<'a> {
    pub(crate) fn with_capacity(pairs: usize) -> Self {
        Self { pairs: Vec::with_capacity(pairs) }
    }

    pub(crate) fn add(&mut self, name: impl Into<Cow<'a, str>>, text: impl Into<Cow<'a, str>>) {
        self.pairs.push((name.into(), text.into()));
    }

    /// Adds a text that is not empty.
    pub(crate) fn add_some(&mut self, name: &'static str, text: &'a str) {
        if !text.is_empty() {
            self.add(name, text);
        }
    }

    pub(crate) fn extend(&mut self, pairs: &'a [(String, String)]) {
        let borrowed = |(name, text): &'a (String, String)| {
            (Cow::Borrowed(name.as_str()), Cow::Borrowed(text.as_str()))
        };
        self.pairs.extend(pairs.iter().map(borrowed));
    }

    /// The cell, in ascending order of names; `None` without attributes. A name that repeats keeps all
    /// of its texts: the further ones under `duplicate.<number>.<name>`.
    pub(crate) fn into_cell(mut self) -> Option<Cell<'a>> {
        if self.pairs.is_empty() {
            return None;
        }
        // Stable: of texts with one name, the first sent stays first.
        self.pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        if self.has_duplicates() {
            self.rename_duplicates();
            self.pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        Some(Cell::Map(self.pairs))
    }

    fn has_duplicates(&self) -> bool {
        let mut neighbours = self.pairs.iter().zip(self.pairs.iter().skip(1));
        neighbours.any(|((one, _), (other, _))| one == other)
    }

    /// In one pass, whatever names a sender chose: numbers of a name only grow, over those that are taken.
    fn rename_duplicates(&mut self) {
        let mut taken: HashSet<Cow<'a, str>> =
            self.pairs.iter().map(|(name, _)| name.clone()).collect();
        let mut before: Option<Cow<'a, str>> = None;
        let mut number = 0_usize;
        for (name, _) in &mut self.pairs {
            if before.as_ref() != Some(name) {
                number = 0;
                before = Some(name.clone());
                continue;
            }
            loop {
                number += 1;
                let other: Cow<'a, str> = Cow::Owned(format!("duplicate.{number}.{name}"));
                if taken.insert(other.clone()) {
                    *name = other;
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_repeats_keeps_all_of_its_texts() {
        let mut attributes = Attributes::default();
        for (name, text) in [("b", "1"), ("a", "2"), ("b", "3"), ("duplicate.1.b", "4"), ("b", "5")]
        {
            attributes.add(name, text);
        }
        let Some(Cell::Map(pairs)) = attributes.into_cell() else { panic!("a map") };
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, t)| (&**n, &**t)).collect();
        assert_eq!(
            pairs,
            [
                ("a", "2"),
                ("b", "1"),
                ("duplicate.1.b", "4"),
                ("duplicate.2.b", "3"),
                ("duplicate.3.b", "5"),
            ]
        );
    }
}
