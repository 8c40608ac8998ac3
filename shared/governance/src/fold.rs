//! The acts in force: what a partition that begins later has to know.

use std::collections::{BTreeMap, BTreeSet};

use event::typed::Text;
use event::{Event, Timestamp, TypedColumn, column, kind};

use crate::act::Act;
use crate::effect::Effect;

/// Deployments and changes that are kept of an agent.
const PER_AGENT_MAX: usize = 32;
/// Acts that are kept in all; beyond it the oldest are dropped.
const ACTS_MAX: usize = 100_000;

/// What later acts of the same subject make void.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// Publications of a suite, by tenant and name.
    Suite([Option<String>; 2]),
    /// A suppression, by its identifier.
    Suppression(String),
    /// A maintenance window, by its identifier.
    Maintenance(String),
    /// Pins, by tenant, agent, environment, metric and suite.
    Pin([Option<String>; 5]),
    /// Deployments and changes, by tenant and agent.
    Agent([Option<String>; 2]),
}

#[derive(Debug, Clone)]
struct Kept {
    act: Act,
    /// Size of its effect, bytes.
    size: usize,
    /// It undoes the act at this offset, and is nothing to a partition that never admitted that.
    undoes: Option<i64>,
    /// Broker time at which it is over.
    end: Option<i64>,
}

/// The acts in force.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    acts: BTreeMap<i64, Kept>,
    /// Offsets of the acts of a subject, ascending.
    subjects: BTreeMap<Subject, Vec<i64>>,
    /// Broker time at which acts are over, and their offsets.
    ends: BTreeSet<(i64, i64)>,
    /// Latest broker time, microseconds.
    now: i64,
}

impl Fold {
    pub(crate) const fn new() -> Self {
        Self {
            acts: BTreeMap::new(),
            subjects: BTreeMap::new(),
            ends: BTreeSet::new(),
            now: i64::MIN,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.acts.len()
    }

    /// Advances the broker's time; what is over is dropped.
    pub(crate) fn reach(&mut self, time: i64) {
        self.now = self.now.max(time);
        while let Some((_, offset)) = self.ends.first().copied().filter(|(end, _)| *end <= self.now)
        {
            self.remove(offset);
        }
    }

    /// Adds an act, if it has an effect.
    pub(crate) fn add(&mut self, act: &Act) {
        let Some(effect) = &act.effect else { return };
        let (event, subject) = (effect.event(), subject_of(effect));
        let earlier = self.subjects.get(&subject).cloned().unwrap_or_default();
        let end_of = |column: TypedColumn<event::typed::Time>| {
            event.time(column).map_or(self.now, Timestamp::micros)
        };
        let (mut undoes, mut end) = (None, None);
        match effect.kind() {
            kind::EVAL_SUITE_PUBLISHED | kind::DRIFT_BASELINE_PINNED => self.remove_all(&earlier),
            kind::DRIFT_BASELINE_UNPINNED | kind::DRIFT_SUPPRESSION_ENDED => {
                undoes = earlier.first().copied();
                // A partition that has the start needs the end no longer than the start lasts.
                end = earlier.last().and_then(|last| self.acts.get(last)?.end);
                self.remove_all(&earlier);
            }
            kind::DRIFT_SUPPRESSION_STARTED => end = Some(end_of(column::drift::UNTIL)),
            kind::MAINTENANCE_STARTED => end = Some(end_of(column::maintenance::UNTIL)),
            // It may have ended in the past, which counts for late events: both are kept until the
            // window would have been over.
            kind::MAINTENANCE_ENDED => {
                end = earlier.last().and_then(|last| self.acts.get(last)?.end);
            }
            // Deployments and changes.
            _ if earlier.len() >= PER_AGENT_MAX => {
                let excess = earlier.len() + 1 - PER_AGENT_MAX;
                self.remove_all(earlier.get(..excess).unwrap_or(&earlier));
            }
            _ => {}
        }
        if let Some(end) = end {
            self.ends.insert((end, act.offset));
        }
        self.subjects.entry(subject).or_default().push(act.offset);
        let size = effect.size();
        self.acts.insert(act.offset, Kept { act: act.clone(), size, undoes, end });
        if self.acts.len() > ACTS_MAX
            && let Some((oldest, _)) = self.acts.first_key_value()
        {
            self.remove(*oldest);
        }
    }

    /// The acts that a partition with this frontier has to admit, with the size of the effect of each
    /// in bytes.
    pub(crate) fn since(&self, from: i64) -> impl Iterator<Item = (&Act, usize)> {
        let kept = self.acts.range(from..).map(|(_, kept)| kept);
        let is_needed = move |kept: &&Kept| kept.undoes.is_none_or(|undone| undone < from);
        kept.filter(is_needed).map(|kept| (&kept.act, kept.size))
    }

    fn remove_all(&mut self, offsets: &[i64]) {
        for offset in offsets {
            self.remove(*offset);
        }
    }

    fn remove(&mut self, offset: i64) {
        let Some(Kept { act, end, .. }) = self.acts.remove(&offset) else {
            unreachable!("act {offset} is not kept")
        };
        if let Some(end) = end {
            self.ends.remove(&(end, offset));
        }
        let Some(effect) = &act.effect else { unreachable!("only acts with an effect are kept") };
        let subject = subject_of(effect);
        if let Some(offsets) = self.subjects.get_mut(&subject) {
            offsets.retain(|known| *known != offset);
            if offsets.is_empty() {
                self.subjects.remove(&subject);
            }
        }
    }
}

fn subject_of(effect: &Effect) -> Subject {
    let event: &Event<'_> = effect.event();
    let text = |column: TypedColumn<Text>| event.text(column).map(str::to_owned);
    let id = |column| text(column).unwrap_or_default();
    match effect.kind() {
        kind::EVAL_SUITE_PUBLISHED => {
            Subject::Suite([text(column::TENANT_ID), text(column::eval::SUITE)])
        }
        kind::DRIFT_SUPPRESSION_STARTED => Subject::Suppression(id(column::EVENT_ID)),
        kind::DRIFT_SUPPRESSION_ENDED => Subject::Suppression(id(column::drift::SUPPRESSION_ID)),
        kind::MAINTENANCE_STARTED | kind::MAINTENANCE_ENDED => {
            Subject::Maintenance(id(column::maintenance::ID))
        }
        kind::DRIFT_BASELINE_PINNED | kind::DRIFT_BASELINE_UNPINNED => Subject::Pin([
            text(column::TENANT_ID),
            text(column::AGENT_ID),
            text(column::ENVIRONMENT),
            text(column::drift::METRIC),
            text(column::drift::SUITE),
        ]),
        _ => Subject::Agent([text(column::TENANT_ID), text(column::AGENT_ID)]),
    }
}
