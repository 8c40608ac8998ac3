//! Checks of configuration values, with one wording.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// Collects the problems of a section: `` `key`: must … ``.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks(Vec<String>);

impl Checks {
    /// No problems yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports a problem unless `is_so`; `rule` completes the sentence "the value must".
    pub fn must(&mut self, is_so: bool, key: impl Display, rule: impl Display) {
        if !is_so {
            self.0.push(format!("`{key}`: must {rule}"));
        }
    }

    /// A number must be at least `min`.
    pub fn at_least<T: PartialOrd + Display>(&mut self, key: impl Display, value: T, min: T) {
        self.must(value >= min, key, format_args!("be at least {min}"));
    }

    /// A number must be in `range`.
    pub fn within<T: PartialOrd + Display>(
        &mut self,
        key: impl Display,
        value: &T,
        range: &RangeInclusive<T>,
    ) {
        let (min, max) = (range.start(), range.end());
        self.must(range.contains(value), key, format_args!("be from {min} to {max}"));
    }

    /// A text or a list must not be empty.
    pub fn not_empty<T>(&mut self, key: impl Display, value: impl AsRef<[T]>) {
        self.must(!value.as_ref().is_empty(), key, "not be empty");
    }

    /// Adds the problems of a subsection, prefixing their keys with its name.
    pub fn below(&mut self, section: impl Display, problems: impl IntoIterator<Item = String>) {
        self.0.extend(problems.into_iter().map(|problem| match problem.strip_prefix('`') {
            Some(rest) => format!("`{section}.{rest}"),
            None => format!("`{section}`: {problem}"),
        }));
    }

    /// The problems.
    #[must_use]
    pub fn into_problems(self) -> Vec<String> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_worded_alike_and_has_its_whole_key() {
        let mut below = Checks::new();
        below.at_least("a", 0, 1);
        below.within("b", &9, &(1..=8));
        below.not_empty("c", "");
        below.not_empty("e", [0; 0]);
        below.must(true, "d", "be so");
        let mut checks = Checks::new();
        checks.below("x", below.into_problems());
        checks.below("y", ["it is broken".to_owned()]);
        assert_eq!(
            checks.into_problems(),
            [
                "`x.a`: must be at least 1",
                "`x.b`: must be from 1 to 8",
                "`x.c`: must not be empty",
                "`x.e`: must not be empty",
                "`y`: it is broken",
            ]
        );
    }
}
