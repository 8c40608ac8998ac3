//! What people and pipelines have decided about agents: deployments, rollbacks, changes.
//!
//! An act may come before the agent it is about, or before this partition has heard of it, and an
//! agent whose state was evicted comes back. So the last acts of each agent are kept here, in a budget
//! of their own that no telemetry can touch, and count when the agent appears.
//!
//! Bounds: [`PER_AGENT_MAX`] acts of an agent, as many as the governance topic's fold keeps, and
//! [`BYTES_MAX`] in all; beyond it the agent without an act for longest is dropped, and counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::canary::{Step, decide};
use crate::change::LastChange;
use crate::identity::Digest;
use crate::kind::Kind;

/// Largest number of acts of an agent.
const PER_AGENT_MAX: usize = 32;
/// Largest size of all of them as they are saved, bytes.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// A version that is deployed, or rolled back to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Move {
    pub(crate) is_rollback: bool,
    pub(crate) to: String,
    pub(crate) from: Option<String>,
    pub(crate) share: Option<f64>,
}

impl Move {
    const fn kind(&self) -> Kind {
        if self.is_rollback { Kind::RolledBack } else { Kind::Deployed }
    }
}

/// An act about an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decision {
    /// Offset at which it took effect.
    pub(crate) offset: i64,
    /// The environment that it names; `None` for all.
    pub(crate) environment: Option<String>,
    pub(crate) change: LastChange,
    /// Names and digests of versions that it announces.
    pub(crate) announced: Vec<String>,
    pub(crate) moved: Option<Move>,
}

/// Where the acts about an agent leave its versions.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Standing {
    pub(crate) current: Option<String>,
    /// The canary beside it, and its share.
    pub(crate) canary: Option<(String, f64)>,
}

/// The acts about one agent, in all of its environments.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct About {
    acts: VecDeque<Decision>,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    about: About,
    bytes: u64,
}

/// The acts about all agents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decided {
    agents: BTreeMap<Digest, Entry>,
    /// Agents by the offset of their last act.
    by_age: BTreeSet<(i64, Digest)>,
    bytes: u64,
    changed: BTreeSet<Digest>,
}

impl Decided {
    /// Adds an act about the agent of a family. Returns the number of agents that were dropped for it.
    pub(crate) fn add(&mut self, family: Digest, decision: Decision) -> u64 {
        let mut about = self.take(family).about;
        about.acts.push_back(decision);
        if about.acts.len() > PER_AGENT_MAX {
            about.acts.pop_front();
        }
        self.put(family, about);
        self.changed.insert(family);
        let mut dropped = 0;
        // The last one stays, however large it is.
        while self.bytes > BYTES_MAX
            && self.agents.len() > 1
            && let Some((_, oldest)) = self.by_age.first().copied()
        {
            self.take(oldest);
            self.changed.insert(oldest);
            dropped += 1;
        }
        dropped
    }

    /// The acts about an agent of a family in an environment, in order.
    pub(crate) fn of<'d>(
        &'d self,
        family: Digest,
        environment: Option<&'d str>,
    ) -> impl DoubleEndedIterator<Item = &'d Decision> {
        let acts = self.agents.get(&family).into_iter().flat_map(|entry| &entry.about.acts);
        acts.filter(move |act| {
            act.environment.as_deref().is_none_or(|named| Some(named) == environment)
        })
    }

    fn take(&mut self, family: Digest) -> Entry {
        let entry = self.agents.remove(&family).unwrap_or_default();
        if let Some(last) = entry.about.acts.back() {
            self.by_age.remove(&(last.offset, family));
        }
        assert!(self.bytes >= entry.bytes, "acts of {} of {} bytes", entry.bytes, self.bytes);
        self.bytes -= entry.bytes;
        entry
    }

    fn put(&mut self, family: Digest, about: About) {
        let bytes = encode(&about).len() as u64;
        if let Some(last) = about.acts.back() {
            self.by_age.insert((last.offset, family));
        }
        self.bytes += bytes;
        self.agents.insert(family, Entry { about, bytes });
    }

    /// Passes each agent whose acts have changed since the last call to `show`, as they are to be
    /// saved; `None` for one that was dropped.
    pub(crate) fn take_changes(&mut self, mut show: impl FnMut(Digest, Option<Vec<u8>>)) {
        for family in std::mem::take(&mut self.changed) {
            show(family, self.agents.get(&family).map(|entry| encode(&entry.about)));
        }
    }

    /// Restores what was saved of an agent.
    ///
    /// # Errors
    ///
    /// Bytes that are none.
    pub(crate) fn restore(&mut self, family: Digest, bytes: &[u8]) -> Result<(), postcard::Error> {
        let about: About = postcard::from_bytes(bytes)?;
        self.take(family);
        self.put(family, about);
        Ok(())
    }
}

/// Where acts, in their order, leave the versions of an agent that nothing else is known of.
pub(crate) fn standing<'d>(acts: impl Iterator<Item = &'d Decision>) -> Standing {
    let mut standing = Standing::default();
    for moved in acts.filter_map(|act| act.moved.as_ref()) {
        let control = standing.current.clone().unwrap_or_default();
        let running =
            standing.canary.as_ref().map(|(canary, _)| (canary.as_str(), control.as_str()));
        let named = (moved.to.as_str(), moved.from.as_deref());
        let current = standing.current.as_deref();
        let (ending, step) = decide(running, current, named, moved.kind(), moved.share);
        if ending.is_some() {
            standing.canary = None;
        }
        match step {
            Step::TakeOver => standing.current = Some(moved.to.clone()),
            Step::Start(share) => standing.canary = Some((moved.to.clone(), share)),
            Step::Share(share) => {
                if let Some((_, known)) = &mut standing.canary {
                    *known = share;
                }
            }
            Step::Nothing => {}
        }
    }
    standing
}

/// Every type of it has a postcard form.
#[expect(clippy::panic, reason = "without its bytes an act is lost")]
fn encode(about: &About) -> Vec<u8> {
    postcard::to_stdvec(about)
        .unwrap_or_else(|error| panic!("the acts about an agent do not encode: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(offset: i64, to: &str, share: Option<f64>) -> Decision {
        let (is_rollback, from) = (false, None);
        Decision {
            offset,
            environment: None,
            change: LastChange::default(),
            announced: vec![to.to_owned()],
            moved: Some(Move { is_rollback, to: to.to_owned(), from, share }),
        }
    }

    #[test]
    fn the_last_acts_of_an_agent_say_which_version_is_current() {
        let mut decided = Decided::default();
        for number in 0..40 {
            decided.add([1, 1], decision(number, &format!("v{number}"), None));
        }
        decided.add([1, 1], decision(40, "canary", Some(0.1)));
        decided.add([1, 1], decision(41, "canary", Some(0.2)));
        let acts: Vec<_> = decided.of([1, 1], Some("production")).collect();
        assert_eq!((acts.len(), acts[0].offset), (PER_AGENT_MAX, 10));
        let found = standing(decided.of([1, 1], None));
        let canary = Some(("canary".to_owned(), 0.2));
        assert_eq!(found, Standing { current: Some("v39".to_owned()), canary });
        decided.add([1, 1], decision(42, "canary", None));
        let found = standing(decided.of([1, 1], None));
        assert_eq!(found, Standing { current: Some("canary".to_owned()), canary: None });
    }

    #[test]
    fn an_act_counts_in_the_environment_that_it_names() {
        let mut decided = Decided::default();
        let named = Some("staging".to_owned());
        decided.add([1, 1], Decision { environment: named, ..decision(1, "v1", None) });
        decided.add([1, 1], decision(2, "v2", None));
        let count = |environment| decided.of([1, 1], environment).count();
        assert_eq!((count(Some("staging")), count(Some("production")), count(None)), (2, 1, 1));
        assert_eq!(decided.of([2, 1], Some("staging")).count(), 0);
    }

    #[test]
    fn beyond_the_budget_the_agent_without_an_act_for_longest_is_dropped() {
        let mut decided = Decided::default();
        let long = "v".repeat(1 << 20);
        let mut dropped = 0;
        for number in 0..20_u8 {
            dropped += decided.add([u64::from(number), 0], decision(number.into(), &long, None));
        }
        assert!(dropped > 0 && decided.bytes <= BYTES_MAX, "{dropped}, {}", decided.bytes);
        assert_eq!(decided.of([0, 0], None).count(), 0);
        assert_eq!(decided.of([19, 0], None).count(), 1);
        let mut restored = Decided::default();
        decided.take_changes(|family, bytes| {
            if let Some(bytes) = bytes {
                restored.restore(family, &bytes).unwrap();
            }
        });
        assert_eq!((restored.bytes, restored.by_age.clone()), (decided.bytes, decided.by_age));
        assert!(restored.restore([1, 1], b"\xff\xff\xff").is_err());
    }
}
