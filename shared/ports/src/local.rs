//! The consumer of in-process logs (`embedded`, `sim`).
//!
//! Such a log implements [`Source`] and owns a [`Hub`]; [`LocalConsumer`] does the rest: groups,
//! offsets, pausing, round-robin over partitions, and blocking waits without busy polling.
//!
//! # What it does not do
//!
//! It reads no clock: waits end by the timeout of the condition variable.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event::{Batch, BatchBuilder, TopicPartition};

use crate::group::{Change, Groups, MemberId};
use crate::{Consumer, LogError, OffsetRange, Polled, Position, Subscription};

/// Maximum number of records in a batch.
pub const BATCH_RECORDS_MAX: usize = 4_096;

/// Maximum size of a batch, bytes; a larger record is a batch of its own.
pub const BATCH_BYTES_MAX: usize = 1 << 20;

/// Whether a batch has room for another record of this size.
#[must_use]
pub const fn has_room(batch: &BatchBuilder, record_bytes: usize) -> bool {
    batch.is_empty()
        || (batch.len() < BATCH_RECORDS_MAX && batch.size_bytes() + record_bytes <= BATCH_BYTES_MAX)
}

/// Calls that a [`Source`] may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// [`Consumer::poll`].
    Poll,
    /// [`Consumer::seek`].
    Seek,
    /// [`Consumer::commit`].
    Commit,
}

/// An in-process log, as [`LocalConsumer`] needs it.
pub trait Source: Send + Sync + Debug + 'static {
    /// The hub of its consumers.
    fn hub(&self) -> &Hub;

    /// Runs `work` as that call. A log with fault injection may fail before it or after it.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `Fatal`.
    fn call(&self, call: Call, work: &mut dyn FnMut()) -> Result<(), LogError>;

    /// Number of partitions of a topic.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    fn partitions(&self, topic: &str) -> Result<i32, LogError>;

    /// The offsets that a partition holds.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    fn range(&self, partition: &TopicPartition) -> Result<OffsetRange, LogError>;

    /// Appends records from offset `from` on to the batch while there is room ([`has_room`]).
    /// Returns the offset to continue at: after the last record appended, and after any offsets
    /// without a record that follow it.
    ///
    /// # Errors
    ///
    /// `OutOfRange`, `UnknownPartition`, `Unavailable`, `Fatal`.
    fn fetch(
        &self,
        partition: &TopicPartition,
        from: i64,
        batch: &mut BatchBuilder,
    ) -> Result<i64, LogError>;
}

/// Where the consumers of one log wait: their groups, and the end of each partition.
#[derive(Debug, Default)]
pub struct Hub {
    state: Mutex<HubState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct HubState {
    groups: Groups,
    /// Offset after the last readable record; absent while a partition never had one.
    ends: BTreeMap<TopicPartition, i64>,
    wakes: u64,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, HubState> {
        // No panic can leave this bookkeeping half updated.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes offsets below each `next` readable and wakes all consumers.
    pub fn appended(&self, ends: impl IntoIterator<Item = (TopicPartition, i64)>) {
        let mut state = self.lock();
        for (partition, next) in ends {
            state.ends.insert(partition, next);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Wakes all consumers, so that they look at the log again.
    pub fn wake(&self) {
        let mut state = self.lock();
        state.wakes = state.wakes.wrapping_add(1);
        drop(state);
        self.changed.notify_all();
    }

    /// Reads or changes the groups, then wakes all consumers.
    pub fn with_groups<T>(&self, work: impl FnOnce(&mut Groups) -> T) -> T {
        let result = work(&mut self.lock().groups);
        self.changed.notify_all();
        result
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    /// `None` until the first seek, and after `OutOfRange`.
    position: Option<i64>,
    paused: bool,
}

#[derive(Debug)]
enum Membership {
    Group { group: String, member: MemberId },
    Fixed { announce: Option<Vec<TopicPartition>> },
}

/// Consumer of a [`Source`]. Dropping it leaves its group.
#[derive(Debug)]
pub struct LocalConsumer<S: Source> {
    source: Arc<S>,
    membership: Membership,
    cursors: BTreeMap<TopicPartition, Cursor>,
    /// The partition served last; the next poll starts after it.
    served: Option<TopicPartition>,
}

impl<S: Source> LocalConsumer<S> {
    /// A new consumer.
    ///
    /// # Errors
    ///
    /// `UnknownPartition` if a topic or partition of the subscription does not exist.
    pub fn new(source: Arc<S>, subscription: Subscription) -> Result<Self, LogError> {
        let membership = match subscription {
            Subscription::Group { group, topics } => {
                let mut counted: Vec<(Arc<str>, i32)> = Vec::with_capacity(topics.len());
                for topic in topics {
                    let partitions = source.partitions(&topic)?;
                    counted.push((Arc::from(topic), partitions));
                }
                counted.sort();
                counted.dedup();
                let member = source.hub().with_groups(|groups| groups.join(&group, counted));
                Membership::Group { group, member }
            }
            Subscription::Partitions(mut partitions) => {
                partitions.sort();
                partitions.dedup();
                for partition in &partitions {
                    source.range(partition)?;
                }
                Membership::Fixed { announce: Some(partitions) }
            }
        };
        Ok(Self { source, membership, cursors: BTreeMap::new(), served: None })
    }

    fn take_change(&mut self) -> Option<Polled> {
        let change = match &mut self.membership {
            Membership::Group { group, member } => {
                let hub = self.source.hub();
                let mut state = hub.lock();
                let change = state.groups.take_change(group, *member)?;
                drop(state);
                // Another member may be waiting for a partition that was just revoked.
                hub.changed.notify_all();
                change
            }
            Membership::Fixed { announce } => Change::Assigned(announce.take()?),
        };
        Some(match change {
            Change::Assigned(partitions) => {
                self.cursors.extend(
                    partitions.iter().map(|partition| (partition.clone(), Cursor::default())),
                );
                Polled::Assigned(partitions)
            }
            Change::Revoked(partitions) => {
                self.cursors.retain(|partition, _| !partitions.contains(partition));
                Polled::Revoked(partitions)
            }
        })
    }

    fn is_readable(&self, state: &HubState, partition: &TopicPartition, cursor: Cursor) -> bool {
        // A partition that never had a record ends at 0.
        let end = state.ends.get(partition).copied().unwrap_or(0);
        // An offset beyond the end counts as readable, for fetching there reports `OutOfRange`: the
        // topic was deleted and created again.
        !cursor.paused && cursor.position.is_some_and(|position| position != end)
    }

    /// Readable partitions and their offsets, round-robin: those after the last served one first.
    fn readable(&self) -> Vec<(TopicPartition, i64)> {
        let state = self.source.hub().lock();
        let split = |after: bool| {
            let served = self.served.as_ref();
            self.cursors.iter().filter(move |(partition, _)| {
                served.is_none_or(|served| (*partition > served) == after)
            })
        };
        let later = split(true);
        let earlier = split(false).filter(|_| self.served.is_some());
        later
            .chain(earlier)
            .filter(|(partition, cursor)| self.is_readable(&state, partition, **cursor))
            .filter_map(|(partition, cursor)| Some((partition.clone(), cursor.position?)))
            .collect()
    }

    fn fetch(&mut self) -> Result<Option<Batch>, LogError> {
        for (partition, from) in self.readable() {
            let mut batch = BatchBuilder::new(partition.clone());
            let fetched = self.source.fetch(&partition, from, &mut batch);
            let Some(cursor) = self.cursors.get_mut(&partition) else {
                unreachable!("a readable partition is assigned")
            };
            self.served = Some(partition);
            match fetched {
                Ok(next) => {
                    cursor.position = Some(next);
                    if !batch.is_empty() {
                        return Ok(Some(batch.build()));
                    }
                }
                Err(error) => {
                    if matches!(error, LogError::OutOfRange { .. }) {
                        // Reported once; the partition pauses until the next seek.
                        cursor.position = None;
                    }
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    fn has_work(&self, state: &HubState) -> bool {
        let changed = match &self.membership {
            Membership::Group { group, member } => state.groups.has_change(group, *member),
            Membership::Fixed { announce } => announce.is_some(),
        };
        changed
            || self
                .cursors
                .iter()
                .any(|(partition, cursor)| self.is_readable(state, partition, *cursor))
    }

    fn cursor(&mut self, partition: &TopicPartition) -> Result<&mut Cursor, LogError> {
        self.cursors
            .get_mut(partition)
            .ok_or_else(|| LogError::UnknownPartition(partition.to_string()))
    }
}

impl<S: Source> Consumer for LocalConsumer<S> {
    fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        let source = Arc::clone(&self.source);
        loop {
            let seen = source.hub().lock().wakes;
            source.call(Call::Poll, &mut || ())?;
            if let Some(polled) = self.take_change() {
                return Ok(polled);
            }
            if let Some(batch) = self.fetch()? {
                return Ok(Polled::Batch(batch));
            }
            let hub = source.hub();
            let (guard, waited) = hub
                .changed
                .wait_timeout_while(hub.lock(), wait, |state| {
                    state.wakes == seen && !self.has_work(state)
                })
                .unwrap_or_else(PoisonError::into_inner);
            drop(guard);
            if waited.timed_out() {
                return Ok(Polled::Idle);
            }
        }
    }

    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.cursor(partition)?;
        let range = self.source.range(partition)?;
        if offset < range.first || offset > range.next {
            return Err(LogError::OutOfRange {
                partition: partition.to_string(),
                offset,
                first: range.first,
                next: range.next,
            });
        }
        let source = Arc::clone(&self.source);
        let cursor = self.cursor(partition)?;
        source.call(Call::Seek, &mut || cursor.position = Some(offset))
    }

    fn pause(&mut self, partition: &TopicPartition, paused: bool) -> Result<(), LogError> {
        self.cursor(partition)?.paused = paused;
        Ok(())
    }

    fn passed(&self, partition: &TopicPartition) -> Option<i64> {
        self.cursors.get(partition)?.position
    }

    fn blocked(&self) -> Vec<Position> {
        // Such a log has no transactions.
        Vec::new()
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), LogError> {
        self.source.call(Call::Commit, &mut || {
            if let Membership::Group { group, .. } = &self.membership {
                self.source.hub().with_groups(|groups| {
                    for position in positions {
                        groups.commit(group, position.partition.clone(), position.offset);
                    }
                });
            }
        })
    }

    /// These logs assign every partition to somebody.
    fn unowned(&mut self) -> Result<Option<BTreeSet<TopicPartition>>, LogError> {
        Ok(Some(BTreeSet::new()))
    }
}

impl<S: Source> Drop for LocalConsumer<S> {
    fn drop(&mut self) {
        if let Membership::Group { group, member } = &self.membership {
            self.source.hub().with_groups(|groups| groups.leave(group, *member));
        }
    }
}
