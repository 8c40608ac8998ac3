//! Suites that were published and are not in force.

/// Most of them that are told at once.
const REFUSED_MAX: usize = 16;

/// A suite that was published and is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedSuite {
    /// Its name, as the act says it.
    pub suite: String,
    /// Why, and what to do.
    pub why: String,
}

/// The first few that were not told yet. No part of the state: nothing is computed from it.
#[derive(Debug, Default)]
pub(super) struct RefusedSuites(Vec<RefusedSuite>);

impl RefusedSuites {
    pub(super) fn add(&mut self, refused: RefusedSuite) {
        if self.0.len() < REFUSED_MAX {
            self.0.push(refused);
        }
    }

    pub(super) fn take(&mut self) -> Vec<RefusedSuite> {
        std::mem::take(&mut self.0)
    }
}
