//! Consumer groups for logs that live in one process: who reads which partition.
//!
//! Pure bookkeeping; the adapter holds the lock. A partition passes from one member to another in
//! two steps, as with a broker: the old owner hears [`Change::Revoked`] in a poll of its own, and
//! only then does the new owner hear [`Change::Assigned`]. [`Groups::evict`] skips the first step,
//! which is what a broker does with a member that stopped answering.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use event::TopicPartition;

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId(u64);

/// What changed for a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These partitions are the member's from now on.
    Assigned(Vec<TopicPartition>),
    /// These partitions are no longer the member's.
    Revoked(Vec<TopicPartition>),
}

/// Every group of a log.
#[derive(Debug, Default)]
pub struct Groups {
    groups: BTreeMap<String, Group>,
    members: u64,
}

#[derive(Debug, Default)]
struct Group {
    members: BTreeMap<MemberId, Member>,
    committed: BTreeMap<TopicPartition, i64>,
}

#[derive(Debug, Default)]
struct Member {
    topics: Vec<(Arc<str>, i32)>,
    /// What it reads, as far as the group knows.
    owned: BTreeSet<TopicPartition>,
    /// What it shall read.
    target: BTreeSet<TopicPartition>,
    /// What it believed to own when it was evicted; it rejoins with its next poll.
    evicted: Option<BTreeSet<TopicPartition>>,
    /// Must give back everything before it takes anything.
    restart: bool,
}

impl Groups {
    /// Adds a member that reads these topics (name and number of partitions).
    pub fn join(&mut self, group: &str, topics: Vec<(Arc<str>, i32)>) -> MemberId {
        let id = MemberId(self.members);
        self.members += 1;
        let group = self.groups.entry(group.to_owned()).or_default();
        group.members.insert(id, Member { topics, ..Member::default() });
        group.rebalance();
        id
    }

    /// Removes a member; its partitions are free at once.
    pub fn leave(&mut self, group: &str, member: MemberId) {
        if let Some(group) = self.groups.get_mut(group) {
            group.members.remove(&member);
            group.rebalance();
        }
    }

    /// Whether [`Groups::take_change`] would bring something.
    #[must_use]
    pub fn has_change(&self, group: &str, member: MemberId) -> bool {
        let Some(group) = self.groups.get(group) else { return false };
        let Some(state) = group.members.get(&member) else { return false };
        state.evicted.is_some()
            || (state.restart && !state.owned.is_empty())
            || !state.owned.is_subset(&state.target)
            || group.gains(member).next().is_some()
    }

    /// The next change that the member must hear of. Others may have a change after it.
    pub fn take_change(&mut self, group: &str, member: MemberId) -> Option<Change> {
        let group = self.groups.get_mut(group)?;
        let state = group.members.get_mut(&member)?;
        if let Some(believed) = state.evicted.take() {
            group.rebalance();
            return Some(Change::Revoked(believed.into_iter().collect()));
        }
        if std::mem::take(&mut state.restart) && !state.owned.is_empty() {
            let revoked = std::mem::take(&mut state.owned);
            return Some(Change::Revoked(revoked.into_iter().collect()));
        }
        let lost: Vec<_> = state.owned.difference(&state.target).cloned().collect();
        if !lost.is_empty() {
            state.owned.retain(|partition| state.target.contains(partition));
            return Some(Change::Revoked(lost));
        }
        let gained: Vec<_> = group.gains(member).cloned().collect();
        if gained.is_empty() {
            return None;
        }
        group.members.get_mut(&member)?.owned.extend(gained.iter().cloned());
        Some(Change::Assigned(gained))
    }

    /// Makes every member of the group give back all its partitions before any takes one.
    pub fn restart(&mut self, group: &str) {
        if let Some(group) = self.groups.get_mut(group) {
            for member in group.members.values_mut() {
                member.restart = true;
            }
        }
    }

    /// Takes every partition from a member that does not know it: others may read them before it
    /// hears of it with its next poll, after which it is a member again. `false` if nobody owns
    /// the partition.
    pub fn evict(&mut self, group: &str, owner_of: &TopicPartition) -> bool {
        let Some(group) = self.groups.get_mut(group) else { return false };
        let Some(member) =
            group.members.values_mut().find(|member| member.owned.contains(owner_of))
        else {
            return false;
        };
        member.evicted = Some(std::mem::take(&mut member.owned));
        group.rebalance();
        true
    }

    /// Records a committed position.
    pub fn commit(&mut self, group: &str, partition: TopicPartition, offset: i64) {
        self.groups.entry(group.to_owned()).or_default().committed.insert(partition, offset);
    }

    /// The committed position.
    #[must_use]
    pub fn committed(&self, group: &str, partition: &TopicPartition) -> Option<i64> {
        self.groups.get(group)?.committed.get(partition).copied()
    }
}

impl Group {
    /// What the member shall read, does not yet, and nobody else reads.
    fn gains(&self, member: MemberId) -> impl Iterator<Item = &TopicPartition> {
        let state = self.members.get(&member);
        // While anybody still has to give back everything, nobody takes.
        let open = !self.members.values().any(|other| other.restart && !other.owned.is_empty());
        state.into_iter().filter(move |_| open).flat_map(move |state| {
            state.target.difference(&state.owned).filter(|partition| {
                !self.members.values().any(|other| other.owned.contains(*partition))
            })
        })
    }

    /// Range assignment: of each topic, every member gets a run of neighbouring partitions.
    fn rebalance(&mut self) {
        let mut readers: BTreeMap<(Arc<str>, i32), Vec<MemberId>> = BTreeMap::new();
        for (id, member) in &mut self.members {
            member.target.clear();
            if member.evicted.is_none() {
                for topic in &member.topics {
                    readers.entry(topic.clone()).or_default().push(*id);
                }
            }
        }
        for ((topic, partitions), ids) in readers {
            for partition in 0..partitions {
                // Both are non-negative, and the quotient is below the number of members.
                let share = i128::from(partition) * ids.len() as i128 / i128::from(partitions);
                let reader = usize::try_from(share).ok().and_then(|index| ids.get(index));
                let Some(member) = reader.and_then(|id| self.members.get_mut(id)) else {
                    unreachable!("a reader is a member")
                };
                member.target.insert(TopicPartition::new(Arc::clone(&topic), partition));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(of: std::ops::Range<i32>) -> Vec<TopicPartition> {
        of.map(|partition| TopicPartition::new("t", partition)).collect()
    }

    fn topics() -> Vec<(Arc<str>, i32)> {
        vec![(Arc::from("t"), 4)]
    }

    #[test]
    fn a_partition_is_taken_only_after_it_was_given_back() {
        let mut groups = Groups::default();
        let a = groups.join("g", topics());
        assert_eq!(groups.take_change("g", a), Some(Change::Assigned(partitions(0..4))));
        let b = groups.join("g", topics());
        assert_eq!(groups.take_change("g", b), None);
        assert!(groups.has_change("g", a));
        assert_eq!(groups.take_change("g", a), Some(Change::Revoked(partitions(2..4))));
        assert_eq!(groups.take_change("g", b), Some(Change::Assigned(partitions(2..4))));
        groups.leave("g", a);
        assert_eq!(groups.take_change("g", b), Some(Change::Assigned(partitions(0..2))));
        assert!(!groups.has_change("g", b));
    }

    #[test]
    fn an_evicted_member_hears_of_it_after_another_took_its_partitions() {
        let mut groups = Groups::default();
        let a = groups.join("g", topics());
        groups.take_change("g", a);
        let b = groups.join("g", topics());
        assert!(groups.evict("g", &TopicPartition::new("t", 0)));
        assert_eq!(groups.take_change("g", b), Some(Change::Assigned(partitions(0..4))));
        assert_eq!(groups.take_change("g", a), Some(Change::Revoked(partitions(0..4))));
        assert_eq!(groups.take_change("g", a), None);
        assert_eq!(groups.take_change("g", b), Some(Change::Revoked(partitions(0..2))));
        assert_eq!(groups.take_change("g", a), Some(Change::Assigned(partitions(0..2))));
    }

    #[test]
    fn a_restart_takes_everything_from_everybody_first() {
        let mut groups = Groups::default();
        let a = groups.join("g", topics());
        let b = groups.join("g", topics());
        assert_eq!(groups.take_change("g", a), Some(Change::Assigned(partitions(0..2))));
        assert_eq!(groups.take_change("g", b), Some(Change::Assigned(partitions(2..4))));
        groups.restart("g");
        assert_eq!(groups.take_change("g", a), Some(Change::Revoked(partitions(0..2))));
        assert_eq!(groups.take_change("g", a), None);
        assert_eq!(groups.take_change("g", b), Some(Change::Revoked(partitions(2..4))));
        assert_eq!(groups.take_change("g", a), Some(Change::Assigned(partitions(0..2))));
    }
}
