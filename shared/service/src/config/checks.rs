//! Checks of configuration values, worded in one way.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// Collects what is wrong with the values of a section: `` `key`: must … ``.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks(Vec<String>);

impl Checks {
    /// Nothing is wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A value must be so; `rule` completes the sentence "the value must".
    pub fn must(&mut self, is_so: bool, key: impl Display, rule: impl Display) {
        if !is_so {
            self.0.push(format!("`{key}`: must {rule}"));
        }
    }

    /// A number has a minimum.
    pub fn at_least<T: PartialOrd + Display>(&mut self, key: impl Display, value: T, min: T) {
        self.must(value >= min, key, format_args!("be at least {min}"));
    }

    /// A number has a minimum and a maximum.
    pub fn within<T: PartialOrd + Display>(
        &mut self,
        key: impl Display,
        value: &T,
        range: &RangeInclusive<T>,
    ) {
        let (min, max) = (range.start(), range.end());
        self.must(range.contains(value), key, format_args!("be {min} to {max}"));
    }

    /// A text is required.
    pub fn not_empty(&mut self, key: impl Display, text: &str) {
        self.must(!text.is_empty(), key, "not be empty");
    }

    /// Takes what is wrong with a section below, whose keys get its name in front.
    pub fn below(&mut self, section: impl Display, problems: impl IntoIterator<Item = String>) {
        self.0.extend(problems.into_iter().map(|problem| match problem.strip_prefix('`') {
            Some(rest) => format!("`{section}.{rest}"),
            None => format!("`{section}`: {problem}"),
        }));
    }

    /// Everything that is wrong.
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
        below.must(true, "d", "be so");
        let mut checks = Checks::new();
        checks.below("x", below.into_problems());
        checks.below("y", ["it is broken".to_owned()]);
        assert_eq!(
            checks.into_problems(),
            [
                "`x.a`: must be at least 1",
                "`x.b`: must be 1 to 8",
                "`x.c`: must not be empty",
                "`y`: it is broken",
            ]
        );
    }
}
