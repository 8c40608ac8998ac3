//! The contract of consumer groups.

use std::collections::{BTreeMap, BTreeSet};

use event::TopicPartition;

use super::subject::{OwnedRecord, Reader, Subject, owned, record};
use crate::{Outgoing, Polled, Position};

/// A member that starts what it is assigned where `progress` says, and checks that it is told
/// about nothing else.
struct Member {
    reader: Reader,
    mine: BTreeSet<TopicPartition>,
    read: Vec<OwnedRecord>,
}

impl Member {
    /// One poll. `progress` is what a sealer would read from its archive.
    fn step(&mut self, progress: &mut BTreeMap<TopicPartition, i64>) {
        match self.reader.consumer.poll(Reader::POLL).expect("poll") {
            Polled::Idle => {}
            Polled::Assigned(partitions) => {
                for partition in partitions {
                    let from = progress.get(&partition).copied().unwrap_or_default();
                    self.reader.consumer.seek(&partition, from).expect("seek");
                    assert!(self.mine.insert(partition), "assigned once");
                }
            }
            Polled::Revoked(partitions) => {
                for partition in partitions {
                    assert!(self.mine.remove(&partition), "revoked only if assigned");
                }
            }
            Polled::Batch(batch) => {
                assert!(self.mine.contains(batch.partition()), "only what is ours");
                let expected = progress.get(batch.partition()).copied().unwrap_or_default();
                assert_eq!(batch.first_offset(), Some(expected), "nothing skipped or repeated");
                progress.insert(batch.partition().clone(), batch.next_offset().unwrap());
                self.read.extend(owned(&batch));
            }
        }
    }
}

fn steps(
    subject: &Subject<'_>,
    members: &mut [&mut Member],
    progress: &mut BTreeMap<TopicPartition, i64>,
    expected: &str,
    done: impl Fn(&[&mut Member]) -> bool,
) {
    for _ in 0..=subject.wait.as_millis() / Reader::POLL.as_millis() {
        for member in members.iter_mut() {
            member.step(progress);
        }
        if done(members) {
            return;
        }
    }
    panic!("{expected} within {:?}", subject.wait);
}

pub(super) fn two_members_share_and_hand_over(subject: &Subject<'_>) {
    let topic = subject.name("shared");
    subject.create(&topic, 4);
    let everywhere = |from: u32| -> Vec<Outgoing> {
        (from..from + 40)
            .map(|number| Outgoing {
                partition: Some((number % 4).cast_signed()),
                ..record(&topic, number)
            })
            .collect()
    };
    let join = || Member {
        reader: subject.group("shared", &topic),
        mine: BTreeSet::new(),
        read: Vec::new(),
    };
    let mut progress = BTreeMap::new();
    subject.publish(everywhere(0));

    let mut first = join();
    steps(subject, &mut [&mut first], &mut progress, "one member reads all", |members| {
        members[0].read.len() == 40 && members[0].mine.len() == 4
    });
    let mut second = join();
    let members = &mut [&mut first, &mut second];
    steps(subject, members, &mut progress, "two members share", |members| {
        members.iter().all(|member| member.mine.len() == 2)
    });
    assert!(first.mine.is_disjoint(&second.mine));
    subject.publish(everywhere(40));
    let members = &mut [&mut first, &mut second];
    steps(subject, members, &mut progress, "both read their share", |members| {
        members[0].read.len() == 60 && members[1].read.len() == 20
    });
    drop(first);
    steps(subject, &mut [&mut second], &mut progress, "the other takes over", |members| {
        members[0].mine.len() == 4
    });
    subject.publish(everywhere(80));
    steps(subject, &mut [&mut second], &mut progress, "it reads all", |members| {
        members[0].read.len() == 60
    });
    assert!(progress.values().all(|next| *next == 30), "every record once: {progress:?}");
}

pub(super) fn groups_are_independent(subject: &Subject<'_>) {
    let topic = subject.name("independent");
    subject.create(&topic, 1);
    subject.publish((0..10).map(|number| record(&topic, number)).collect());
    let partition = TopicPartition::new(topic.as_str(), 0);
    for group in ["left", "right"] {
        let mut reader = subject.group(group, &topic);
        assert_eq!(reader.assigned(), std::slice::from_ref(&partition));
        reader.consumer.seek(&partition, 0).unwrap();
        assert_eq!(reader.records(10).len(), 10);
        let position = Position { partition: partition.clone(), offset: 10 };
        reader.consumer.commit(&[position]).unwrap();
    }
    let mut left = subject.group("left", &topic);
    let mut right = subject.group("right", &topic);
    for reader in [&mut left, &mut right] {
        assert_eq!(reader.assigned(), std::slice::from_ref(&partition), "each group has all");
        // A committed position is no start: that is said by seek alone.
        reader.expect_silence();
        reader.consumer.seek(&partition, 3).unwrap();
        assert_eq!(reader.records(1)[0].offset, 3);
    }
}

pub(super) fn a_commit_is_accepted(subject: &Subject<'_>) {
    let topic = subject.name("committed");
    subject.create(&topic, 1);
    subject.publish(vec![record(&topic, 0)]);
    let partition = TopicPartition::new(topic.as_str(), 0);
    let mut member = subject.group("committed", &topic);
    assert_eq!(member.assigned(), std::slice::from_ref(&partition));
    member.consumer.seek(&partition, 0).unwrap();
    assert_eq!(member.records(1).len(), 1);
    for offset in [1, 0, 1] {
        let position = Position { partition: partition.clone(), offset };
        member.consumer.commit(&[position]).unwrap();
    }
    member.consumer.commit(&[]).unwrap();
    // Without a group there is nobody to tell; it is not an error.
    let mut fixed = subject.started(&[(&partition, 0)]);
    fixed.consumer.commit(&[Position { partition, offset: 1 }]).unwrap();
}
