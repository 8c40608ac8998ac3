//! What the monitor has put in force, read from its events.

use std::collections::{BTreeMap, BTreeSet};

use event::{Event, Timestamp, column};

use crate::target::Target;
use crate::timed::Timed;

/// A suppression or maintenance window that the monitor has put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// Its identifier.
    pub id: String,
    /// Its target.
    pub target: Target,
    /// When it begins.
    pub from: Option<Timestamp>,
    /// When it ends; the earliest end, if there are several.
    pub until: Option<Timestamp>,
    /// Partitions in which it is in force.
    pub partitions: BTreeSet<i32>,
}

impl InForce {
    /// Applies an event of the alerts topic, read from `partition`, to what is in force.
    pub fn apply(
        all: &mut BTreeMap<String, Self>,
        timed: &Timed,
        partition: i32,
        event: &Event<'_>,
    ) {
        let Some(id) = event.text(timed.id) else { return };
        let kind = event.text(column::KIND);
        if kind.is_some()
            && kind == timed.closed
            && let Some(found) = all.get_mut(id)
        {
            found.partitions.remove(&partition);
            if found.partitions.is_empty() {
                all.remove(id);
            }
        }
        if kind != Some(timed.applied) {
            return;
        }
        let until = event.time(timed.until);
        let found = all.entry(id.to_owned()).or_insert_with(|| Self {
            id: id.to_owned(),
            target: Target::of(event),
            from: event.time(timed.from),
            until,
            partitions: BTreeSet::new(),
        });
        found.partitions.insert(partition);
        if until.is_some_and(|until| found.until.is_none_or(|other| until < other)) {
            found.until = until;
        }
    }

    /// Whether it has not ended at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}
