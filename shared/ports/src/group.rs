//! Consumer groups of in-process logs: partition assignment and committed offsets.
//!
//! Pure bookkeeping; the adapter holds the lock. A partition moves between members in two steps, as
//! with a broker: the old owner first receives [`Change::Revoked`] from a poll of its own, only then
//! the new owner receives [`Change::Assigned`]. [`Groups::evict`] skips the first step, as a broker
//! does with a member whose session has timed out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use event::TopicPartition;

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId(u64);

/// A change of a member's assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These partitions were assigned to the member.
    Assigned(Vec<TopicPartition>),
    /// These partitions were revoked from the member.
    Revoked(Vec<TopicPartition>),
}

/// All groups of a log.
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
    /// Assigned, and reported to it as such.
    owned: BTreeSet<TopicPartition>,
    /// Its share after the current rebalance.
    target: BTreeSet<TopicPartition>,
    /// What it owned when it was evicted, which its next poll reports as revoked; it then rejoins.
    evicted: Option<BTreeSet<TopicPartition>>,
    /// All it owns is revoked before anything is assigned to it again.
    restart: bool,
}

impl Groups {
    /// Adds a member that subscribes to these topics (name, number of partitions).
    pub fn join(&mut self, group: &str, topics: Vec<(Arc<str>, i32)>) -> MemberId {
        let id = MemberId(self.members);
        self.members += 1;
        let group = self.groups.entry(group.to_owned()).or_default();
        group.members.insert(id, Member { topics, ..Member::default() });
        group.rebalance();
        id
    }

    /// Removes a member; its partitions are unassigned at once.
    pub fn leave(&mut self, group: &str, member: MemberId) {
        if let Some(group) = self.groups.get_mut(group) {
            group.members.remove(&member);
            group.rebalance();
        }
    }

    /// A topic has so many partitions from now on: its members are assigned the new ones.
    pub fn resize(&mut self, topic: &str, partitions: i32) {
        for group in self.groups.values_mut() {
            let topics = group.members.values_mut().flat_map(|member| &mut member.topics);
            for (_, count) in topics.filter(|(name, _)| **name == *topic) {
                *count = partitions;
            }
            group.rebalance();
        }
    }

    /// Whether [`Groups::take_change`] would return a change.
    #[must_use]
    pub fn has_change(&self, group: &str, member: MemberId) -> bool {
        let Some(group) = self.groups.get(group) else { return false };
        let Some(state) = group.members.get(&member) else { return false };
        state.evicted.is_some()
            || (state.restart && !state.owned.is_empty())
            || !state.owned.is_subset(&state.target)
            || group.gains(member).next().is_some()
    }

    /// The next change to report to the member. It may make a change for others.
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

    /// Revokes all partitions from all members before any is assigned again (eager rebalance).
    pub fn restart(&mut self, group: &str) {
        if let Some(group) = self.groups.get_mut(group) {
            for member in group.members.values_mut() {
                member.restart = true;
            }
        }
    }

    /// Removes the owner of a partition without telling it, as after a session timeout: others may
    /// be assigned its partitions before its next poll reports them as revoked and lets it rejoin.
    /// Returns `false` if nobody owns the partition.
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

    /// Records a committed offset.
    pub fn commit(&mut self, group: &str, partition: TopicPartition, offset: i64) {
        self.groups.entry(group.to_owned()).or_default().committed.insert(partition, offset);
    }

    /// The committed offset.
    #[must_use]
    pub fn committed(&self, group: &str, partition: &TopicPartition) -> Option<i64> {
        self.groups.get(group)?.committed.get(partition).copied()
    }
}

impl Group {
    /// Partitions to assign to the member: its share, without what it or anybody else owns.
    fn gains(&self, member: MemberId) -> impl Iterator<Item = &TopicPartition> {
        let state = self.members.get(&member);
        // In an eager rebalance nothing is assigned until everything is revoked.
        let open = !self.members.values().any(|other| other.restart && !other.owned.is_empty());
        state.into_iter().filter(move |_| open).flat_map(move |state| {
            state.target.difference(&state.owned).filter(|partition| {
                !self.members.values().any(|other| other.owned.contains(*partition))
            })
        })
    }

    /// Range assignment: each member gets a contiguous range of the partitions of each topic.
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
                let Ok(index) = usize::try_from(share) else { unreachable!("a share is an index") };
                let Some(member) = ids.get(index).and_then(|id| self.members.get_mut(id)) else {
                    unreachable!("a subscriber is a member")
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
    fn partitions_that_are_added_are_assigned() {
        let mut groups = Groups::default();
        let a = groups.join("g", topics());
        groups.take_change("g", a);
        groups.resize("other", 9);
        assert!(!groups.has_change("g", a));
        groups.resize("t", 6);
        assert!(groups.has_change("g", a));
        assert_eq!(groups.take_change("g", a), Some(Change::Assigned(partitions(4..6))));
        let b = groups.join("g", vec![(Arc::from("t"), 6)]);
        assert_eq!(groups.take_change("g", a), Some(Change::Revoked(partitions(3..6))));
        assert_eq!(groups.take_change("g", b), Some(Change::Assigned(partitions(3..6))));
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
