//! The suites in force in one partition, and their verdicts on its events: the state machine that
//! the monitor drives. `saved` saves and resumes it.

use std::collections::{BTreeMap, BTreeSet};

use event::{Event, column};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::Suite;
use crate::gate::Tally;
use crate::problem::Problems;
use crate::recent::{Recent, key_of, number_of_suite};
use crate::runs::{Part, RunFacts, Runs};
use crate::trial::TrialKind;
use crate::verdict::SuiteVerdict;

/// Bounds of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest number of suites in force; further ones are refused.
    pub suites_max: usize,
    /// Largest number of checks of all suites in force: an event has at most so many verdicts.
    pub checks_max: usize,
    /// Largest number of patterns of all suites in force, which are most of the memory that suites
    /// take: at most about 1.5 MiB each, compiled in both directions and with its caches.
    pub patterns_max: usize,
    /// Largest size of the documents of all suites in force together, bytes.
    pub document_bytes_max: usize,
    /// Largest number of runs in progress; beyond it the one without an event for longest is
    /// evicted, and checks that use what it did before are not applicable.
    pub runs_max: usize,
    /// Largest number of agent versions counted for the gate of each suite; beyond it the one
    /// without a trial for longest is evicted, and counted from zero if it returns.
    pub versions_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            suites_max: 64,
            checks_max: 256,
            patterns_max: 64,
            document_bytes_max: 512 * 1024,
            runs_max: 4_096,
            versions_max: 1_024,
        }
    }
}

/// Why a publication has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublishError {
    /// The document is invalid.
    #[error(transparent)]
    Document(#[from] Problems),
    /// It would exceed a limit of all suites in force.
    #[error(
        "with this suite {would_be} {what} would be in force, at most {max}: end one with `enabled: false`"
    )]
    Full {
        /// What there would be too many of.
        what: &'static str,
        /// How many there would be.
        would_be: usize,
        /// The bound.
        max: usize,
    },
}

/// Effect of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// A new suite is in force.
    New,
    /// Another document of a suite is in force; its counts start again at zero.
    Changed,
    /// The document was in force already; nothing changes.
    Same,
    /// The suite ended.
    Ended,
}

/// A suite in force.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) suite: Suite,
    /// Offset of its publication.
    pub(crate) since_offset: i64,
    /// By tenant, agent, environment and version.
    pub(crate) tallies: Recent<Tally>,
}

/// The suites in force, and their state.
///
/// A pure function of the calls made: saved at any point and resumed, it continues as if nothing
/// had happened.
#[derive(Debug, Default)]
pub struct Suites {
    pub(crate) limits: Limits,
    /// Number of events taken while a suite was in force.
    pub(crate) clock: u64,
    pub(crate) live: BTreeMap<String, Live>,
    pub(crate) runs: Runs,
    /// Suites that have changed since they were saved, by [`number_of_suite`].
    pub(crate) changed: BTreeSet<u128>,
    /// Saved counts of suites that have ended since.
    pub(crate) ended: BTreeMap<u128, Recent<Tally>>,
}

impl Suites {
    /// A state in which no suite is in force.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Whether no suite is in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The suites in force, in the order of their names, with the offsets of their publication.
    pub fn in_force(&self) -> impl Iterator<Item = (&Suite, i64)> {
        self.live.values().map(|live| (&live.suite, live.since_offset))
    }

    /// Number of runs in progress.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Number of runs that were evicted before they ended.
    #[must_use]
    pub const fn runs_forgotten(&self) -> u64 {
        self.runs.forgotten()
    }

    /// Puts a document in force, from the next event on. A run in progress is judged by what it
    /// does from here on.
    ///
    /// # Errors
    ///
    /// An invalid document, or one beyond the limit; nothing changes then.
    pub fn publish(&mut self, document: &str, offset: i64) -> Result<Published, PublishError> {
        let suite = Suite::from_canonical(document)?;
        let name = suite.name().to_owned();
        let before = self.live.get(&name).map(|live| live.suite.digest() == suite.digest());
        let outcome = match before {
            Some(true) => return Ok(Published::Same),
            Some(false) if !suite.enabled() => Published::Ended,
            // Ending a suite that is not in force needs no free place.
            None if !suite.enabled() => return Ok(Published::Ended),
            Some(false) => Published::Changed,
            None => Published::New,
        };
        if outcome != Published::Ended {
            self.has_room_for(&suite)?;
        }
        let number = number_of_suite(&name);
        self.changed.insert(number);
        let before = self.live.remove(&name).map(|live| live.tallies);
        let mut tallies = before.or_else(|| self.ended.remove(&number)).unwrap_or_default();
        tallies.clear();
        if outcome != Published::Ended {
            self.live.insert(name, Live { suite, since_offset: offset, tallies });
        } else if tallies.is_saved() {
            self.ended.insert(number, tallies);
        }
        if !self.live.values().any(|live| live.suite.needs_runs()) {
            self.runs.clear();
        }
        Ok(outcome)
    }

    /// Checks the limits of all suites that would be in force.
    fn has_room_for(&self, suite: &Suite) -> Result<(), PublishError> {
        let others = || {
            let others = self.live.values().map(|live| &live.suite);
            others.filter(|other| other.name() != suite.name()).chain([suite])
        };
        let Limits { suites_max, checks_max, patterns_max, document_bytes_max, .. } = self.limits;
        let bytes = |suite: &Suite| suite.canonical().len();
        let checks = |suite: &Suite| suite.checks().count();
        for (what, would_be, max) in [
            ("suites", others().count(), suites_max),
            ("checks", others().map(checks).sum(), checks_max),
            ("patterns", others().map(Suite::patterns).sum(), patterns_max),
            ("bytes of documents", others().map(bytes).sum(), document_bytes_max),
        ] {
            if would_be > max {
                return Err(PublishError::Full { what, would_be, max });
            }
        }
        Ok(())
    }

    /// Takes the next event, and returns the verdicts of the suites; none for most events.
    pub fn observe(&mut self, event: &Event<'_>) -> Vec<SuiteVerdict> {
        if self.live.is_empty() {
            return Vec::new();
        }
        self.clock += 1;
        let kind = event.text(column::KIND).unwrap_or_default();
        let run = self.follow(event, kind);
        let Some(kind) = TrialKind::of(kind) else { return Vec::new() };
        let mut verdicts = Vec::new();
        for live in self.live.values_mut() {
            if live.suite.selects(event, kind) {
                let mut verdict = live.suite.judge(event, run.as_ref());
                verdict.gate =
                    count(live, event, verdict.passed, (self.clock, self.limits.versions_max));
                verdicts.push(verdict);
            }
        }
        verdicts
    }

    /// Records what a run does. Returns its facts when it ends.
    fn follow(&mut self, event: &Event<'_>, kind: &str) -> Option<RunFacts> {
        let part = Part::of(kind)?;
        let needs = |live: &Live| live.suite.needs_runs() && live.suite.selects_agent(event);
        if !self.live.values().any(needs) {
            return None;
        }
        self.runs.saw(event, part, self.clock, self.limits.runs_max)
    }
}

/// Counts a verdict for the gate. Returns a decision at the trials at which one is due.
fn count(
    live: &mut Live,
    event: &Event<'_>,
    passed: Option<bool>,
    (now, versions_max): (u64, usize),
) -> Option<crate::gate::GateReport> {
    let gate = live.suite.gate()?;
    let key = key_of(
        event,
        &[column::TENANT_ID, column::AGENT_ID, column::ENVIRONMENT, column::AGENT_VERSION],
    );
    let (tally, _) = live.tallies.touch(key, now, versions_max, Tally::default)?;
    tally.count(passed);
    // Only a trial can be due for a decision; otherwise the same one would be reported twice.
    passed?;
    gate.look(*tally)
}
