//! The problems of a document.

use std::fmt::{self, Display, Formatter};

use thiserror::Error;

/// A problem of a document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Problem {
    /// Path, such as `checks[2].pattern`; empty for the document itself.
    pub path: String,
    /// Line of the text, from 1, if the document was parsed from text.
    pub line: Option<usize>,
    /// What is wrong, and how to correct it.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(path: &str, line: Option<usize>, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.line, self.path.as_str()) {
            (Some(line), "") => write!(f, "line {line}: {}", self.message),
            (Some(line), path) => write!(f, "line {line}, `{path}`: {}", self.message),
            (None, "") => write!(f, "{}", self.message),
            (None, path) => write!(f, "`{path}`: {}", self.message),
        }
    }
}

/// All problems of a document, in the order of their lines.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the suite has {} problem(s):\n{}", .0.len(), lines(.0))]
pub struct Problems(pub Vec<Problem>);

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n")
}

/// The name that is nearest to a word by the optimal string alignment distance (insert, delete,
/// replace, swap neighbours), if the distance is at most a third of the word.
pub(crate) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (word.chars().count() / 3).max(1);
    names
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

fn distance(one: &str, two: &str) -> usize {
    let (one, two): (Vec<char>, Vec<char>) = (one.chars().collect(), two.chars().collect());
    let width = two.len() + 1;
    let mut before = vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    for (row, a) in one.iter().enumerate() {
        let mut current = vec![row + 1; width];
        for (column, b) in two.iter().enumerate() {
            let mut best = (entry(&above, column) + usize::from(a != b))
                .min(entry(&above, column + 1) + 1)
                .min(entry(&current, column) + 1);
            let swapped = row > 0
                && column > 0
                && one.get(row - 1) == Some(b)
                && two.get(column - 1) == Some(a);
            if swapped {
                best = best.min(entry(&before, column - 1) + 1);
            }
            if let Some(slot) = current.get_mut(column + 1) {
                *slot = best;
            }
        }
        before = std::mem::replace(&mut above, current);
    }
    entry(&above, two.len())
}

/// An entry of a row of the table of distances.
fn entry(row: &[usize], column: usize) -> usize {
    let Some(distance) = row.get(column) else { unreachable!("no column {column}") };
    *distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["pattern", "column", "texts"];
        let near = |word| nearest(word, names.into_iter());
        assert_eq!(near("patern"), Some("pattern"));
        assert_eq!(near("colunm"), Some("column"));
        assert_eq!(near("text"), Some("texts"));
        assert_eq!(near("maximum"), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
