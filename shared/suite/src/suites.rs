//! The suites in force in one partition, and what they say about its events: the state machine
//! that the monitor drives. How it is saved stands in `saved`.

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

/// Bounds of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Suites in force; one more is refused.
    pub suites_max: usize,
    /// Runs that are going on; beyond it the one that was silent longest is forgotten, and a check
    /// that asks what it did before is not applicable.
    pub runs_max: usize,
    /// Agent versions counted for the gate of each suite; beyond it the one that was silent longest
    /// is counted from zero when it comes back.
    pub versions_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { suites_max: 64, runs_max: 4_096, versions_max: 1_024 }
    }
}

/// Why a publication has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublishError {
    /// The document is wrong.
    #[error(transparent)]
    Document(#[from] Problems),
    /// There are as many suites as may be.
    #[error(
        "{suites_max} suites are in force, the most there may be: end one with `enabled: false`"
    )]
    Full {
        /// The bound.
        suites_max: usize,
    },
}

/// What a publication did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// A suite that was not in force.
    New,
    /// Another document of a suite in force; counting starts again.
    Changed,
    /// The document in force; nothing changes.
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

/// The suites in force, and what they must remember.
///
/// A pure function of the calls made: saved anywhere and resumed, it continues as if nothing had
/// happened.
#[derive(Debug, Default)]
pub struct Suites {
    pub(crate) limits: Limits,
    /// Events taken while a suite was in force.
    pub(crate) clock: u64,
    pub(crate) live: BTreeMap<String, Live>,
    pub(crate) runs: Runs,
    /// Suites that are not as they were saved, by [`number_of_suite`] their names.
    pub(crate) changed: BTreeSet<u128>,
    /// What is saved of suites that have ended since.
    pub(crate) ended: BTreeMap<u128, Recent<Tally>>,
}

impl Suites {
    /// No suite is in force.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Whether no suite is in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The suites in force, in the order of their names, and the offsets of their publication.
    pub fn in_force(&self) -> impl Iterator<Item = (&Suite, i64)> {
        self.live.values().map(|live| (&live.suite, live.since_offset))
    }

    /// Runs that are remembered.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Runs that were forgotten before they ended, to keep the bound.
    #[must_use]
    pub const fn runs_forgotten(&self) -> u64 {
        self.runs.forgotten()
    }

    /// Puts a document in force, from the next event on. A run that is going on is judged by what
    /// it does from here.
    ///
    /// # Errors
    ///
    /// A document that is wrong or one too many; what was in force stays so.
    pub fn publish(&mut self, document: &str, offset: i64) -> Result<Published, PublishError> {
        let suite = Suite::from_canonical(document)?;
        let name = suite.name().to_owned();
        let before = self.live.get(&name).map(|live| live.suite.digest() == suite.digest());
        let outcome = match before {
            Some(true) => return Ok(Published::Same),
            Some(false) if !suite.enabled() => Published::Ended,
            // A suite that is not in force needs no place to be ended.
            None if !suite.enabled() => return Ok(Published::Ended),
            Some(false) => Published::Changed,
            None if self.live.len() >= self.limits.suites_max => {
                return Err(PublishError::Full { suites_max: self.limits.suites_max });
            }
            None => Published::New,
        };
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

    /// Takes the next event, and says what the suites find; nothing for most events.
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

    /// Takes note of what a run does; its facts when it ends.
    fn follow(&mut self, event: &Event<'_>, kind: &str) -> Option<RunFacts> {
        let part = Part::of(kind)?;
        let asked = |live: &Live| live.suite.needs_runs() && live.suite.selects_agent(event);
        if !self.live.values().any(asked) {
            return None;
        }
        self.runs.saw(event, part, self.clock, self.limits.runs_max)
    }
}

/// Counts a verdict for the gate, and looks at it if it is time.
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
    // Only a trial is an occasion to look; otherwise the same look would be reported twice.
    passed?;
    gate.look(*tally)
}
