//! The log itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::{Batch, BatchBuilder, TimestampType, TopicPartition};
use ports::local::{Call, Hub, LocalConsumer, Source};
use ports::settings::TopicSettings;
use ports::{
    Consumer, Delivery, EventLog, LogError, OffsetRange, Outgoing, Position, Producer, Published,
    QueueFull, Subscription, TopicSpec,
};

use crate::fault::{Fault, Operation, Plan};
use crate::store::{Store, push, size_bytes};

/// Default size limit of a record, bytes: Kafka's default without framing.
pub const DEFAULT_RECORD_BYTES_MAX: usize = 1_000_000;

/// Limits of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Largest record (key, value and headers), bytes; a larger one is `TooLarge`.
    pub record_bytes_max: usize,
    /// Records in flight: those whose acknowledgement is withheld or being delivered. Beyond that
    /// `QueueFull`. A call is always accepted when nothing is in flight.
    pub queue_records_max: usize,
    /// Initial time, milliseconds since the epoch.
    pub now_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            record_bytes_max: DEFAULT_RECORD_BYTES_MAX,
            queue_records_max: 100_000,
            now_ms: 1_700_000_000_000,
        }
    }
}

/// An in-memory event log. Clones share the log.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: Hub,
    state: Mutex<State>,
    settings: Settings,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    plan: Plan,
    now_ms: i64,
    /// The error of every call while the log is down.
    outage: Option<LogError>,
    held: Vec<HeldAnswer>,
    /// Records whose acknowledgement is being delivered.
    delivering: usize,
}

impl State {
    /// Fails while the log is down.
    fn check(&self) -> Result<(), LogError> {
        self.outage.clone().map_or(Ok(()), Err)
    }

    fn in_flight(&self) -> usize {
        self.held.iter().map(|answer| answer.records).sum::<usize>() + self.delivering
    }
}

struct HeldAnswer {
    records: usize,
    done: Delivery,
    published: Published,
}

impl std::fmt::Debug for HeldAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("HeldAnswer").field("records", &self.records).finish()
    }
}

fn unreachable() -> LogError {
    LogError::Unavailable("the simulated log is unreachable".to_owned())
}

fn lost() -> LogError {
    LogError::Unavailable("the simulated answer was lost".to_owned())
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::with_settings(Settings::default())
    }
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty log with other limits.
    #[must_use]
    pub fn with_settings(settings: Settings) -> Self {
        let state = State {
            store: Store::default(),
            plan: Plan::default(),
            now_ms: settings.now_ms,
            outage: None,
            held: Vec::new(),
            delivering: 0,
        };
        Self {
            shared: Arc::new(Shared { hub: Hub::default(), state: Mutex::new(state), settings }),
        }
    }

    /// Sets the clock that stamps records, milliseconds since the epoch. The timestamps of a
    /// partition never decrease, even if the clock does.
    pub fn set_now_ms(&self, now_ms: i64) {
        self.shared.lock().now_ms = now_ms;
    }

    /// Advances the clock, milliseconds.
    pub fn advance_ms(&self, by_ms: i64) {
        let mut state = self.shared.lock();
        state.now_ms += by_ms;
    }

    /// The current time, milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.shared.lock().now_ms
    }

    /// Makes the call after `skip` further calls of that operation fail.
    pub fn inject(&self, operation: Operation, skip: u64, fault: Fault) {
        self.shared.lock().plan.add(operation, skip, fault);
    }

    /// Discards planned faults that have not occurred.
    pub fn clear_faults(&self) {
        self.shared.lock().plan.clear();
    }

    /// Calls of an operation so far, including failed ones.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.shared.lock().plan.calls(operation)
    }

    /// While `true`, every call fails with `Unavailable` and has no effect. Waiting consumers wake
    /// at once.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.shared.lock().outage = unavailable.then(unreachable);
        self.shared.hub.wake();
    }

    /// From now on every call fails with `Fatal` and has no effect.
    pub fn break_down(&self) {
        let broken = LogError::Fatal("the simulated log is broken".to_owned());
        self.shared.lock().outage = Some(broken);
        self.shared.hub.wake();
    }

    /// Delivers all withheld acknowledgements, in order. Returns the number of their records.
    pub fn release(&self) -> usize {
        let held = std::mem::take(&mut self.shared.lock().held);
        let records = held.iter().map(|answer| answer.records).sum();
        for answer in held {
            (answer.done)(answer.published);
        }
        records
    }

    /// Rebalances a group eagerly: all partitions are revoked before any is assigned again.
    pub fn rebalance(&self, group: &str) {
        self.shared.hub.with_groups(|groups| groups.restart(group));
    }

    /// Evicts the member that owns this partition without telling it, as after a session timeout:
    /// others may be assigned its partitions before its next poll returns `Revoked`. Returns whether
    /// anybody owned it.
    pub fn evict(&self, group: &str, owner_of: &TopicPartition) -> bool {
        self.shared.hub.with_groups(|groups| groups.evict(group, owner_of))
    }

    /// The offset that a group last committed.
    #[must_use]
    pub fn committed(&self, group: &str, partition: &TopicPartition) -> Option<i64> {
        self.shared.hub.with_groups(|groups| groups.committed(group, partition))
    }

    /// Appends one record with exactly this timestamp, bypassing faults and limits. Returns its
    /// position.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    pub fn append_at(
        &self,
        record: Outgoing,
        timestamp_ms: i64,
        timestamp_type: TimestampType,
    ) -> Result<Position, LogError> {
        let mut state = self.shared.lock();
        let partition = state.store.route(&record)?;
        let stored = state.store.partition_mut(&partition)?;
        let offset = stored.append_at(record, (timestamp_ms, timestamp_type));
        drop(state);
        self.shared.hub.appended([(partition.clone(), offset + 1)]);
        Ok(Position { partition, offset })
    }

    /// All records that a partition holds, bypassing faults.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    pub fn records(&self, partition: &TopicPartition) -> Result<Batch, LogError> {
        let state = self.shared.lock();
        let mut batch = BatchBuilder::new(partition.clone());
        for record in state.store.partition(partition)?.from(0) {
            push(&mut batch, record);
        }
        Ok(batch.build())
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` as one call that may fail before it, or lose its answer after it.
    fn faulty<T>(
        &self,
        operation: Operation,
        work: impl FnOnce(&mut State) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let mut state = self.lock();
        let fault = state.plan.next(operation);
        state.check()?;
        if fault == Some(Fault::NotApplied) {
            return Err(unreachable());
        }
        let result = work(&mut state)?;
        if fault == Some(Fault::LostAnswer) { Err(lost()) } else { Ok(result) }
    }

    /// Appends the acceptable records of one call. Returns the outcomes and the new ends.
    fn append(
        &self,
        state: &mut State,
        records: Vec<Outgoing>,
    ) -> (Published, Vec<(TopicPartition, i64)>) {
        let now_ms = state.now_ms;
        let mut ends = Vec::new();
        let mut append = |record: Outgoing| {
            let size_bytes = size_bytes(&record);
            let bytes_max = self.settings.record_bytes_max;
            if size_bytes > bytes_max {
                return Err(LogError::TooLarge { size_bytes, bytes_max });
            }
            let partition = state.store.route(&record)?;
            let offset = state.store.partition_mut(&partition)?.append(record, now_ms);
            ends.push((partition.clone(), offset + 1));
            Ok(Position { partition, offset })
        };
        let published = records.into_iter().map(&mut append).collect();
        (published, ends)
    }
}

impl Producer for Shared {
    fn publish(&self, records: Vec<Outgoing>, done: Delivery) -> Result<(), QueueFull> {
        let mut state = self.lock();
        let count = records.len();
        let waiting = state.in_flight();
        if waiting > 0 && waiting + count > self.settings.queue_records_max {
            return Err(QueueFull { records, waiting });
        }
        let fault = state.plan.next(Operation::Publish);
        let not_applied = (fault == Some(Fault::NotApplied)).then(unreachable);
        if let Some(error) = state.outage.clone().or(not_applied) {
            drop(state);
            done((0..count).map(|_| Err(error.clone())).collect());
            return Ok(());
        }
        let again = (fault == Some(Fault::Duplicated)).then(|| records.clone());
        let (mut published, mut ends) = self.append(&mut state, records);
        if let Some(records) = again {
            ends.extend(self.append(&mut state, records).1);
        }
        if fault == Some(Fault::LostAnswer) {
            published = (0..count).map(|_| Err(lost())).collect();
        }
        if fault == Some(Fault::Held) {
            state.held.push(HeldAnswer { records: count, done, published });
            drop(state);
            self.hub.appended(ends);
        } else {
            state.delivering += count;
            drop(state);
            self.hub.appended(ends);
            done(published);
            self.lock().delivering -= count;
        }
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.lock().in_flight()
    }
}

impl Source for Shared {
    fn hub(&self) -> &Hub {
        &self.hub
    }

    fn call(&self, call: Call, work: &mut dyn FnMut()) -> Result<(), LogError> {
        let operation = match call {
            Call::Poll => Operation::Poll,
            Call::Seek => Operation::Seek,
            Call::Commit => Operation::Commit,
        };
        self.faulty(operation, |_| {
            work();
            Ok(())
        })
    }

    fn partitions(&self, topic: &str) -> Result<i32, LogError> {
        let state = self.lock();
        Ok(state.store.topic(topic)?.count())
    }

    fn range(&self, partition: &TopicPartition) -> Result<OffsetRange, LogError> {
        self.lock().store.partition(partition).map(crate::store::Partition::range)
    }

    fn fetch(
        &self,
        partition: &TopicPartition,
        from: i64,
        batch: &mut BatchBuilder,
    ) -> Result<i64, LogError> {
        let state = self.lock();
        let stored = state.store.partition(partition)?;
        let range = stored.range();
        if from < range.first || from > range.next {
            return Err(LogError::OutOfRange {
                partition: partition.to_string(),
                offset: from,
                first: range.first,
                next: range.next,
            });
        }
        Ok(stored.fetch(from, batch))
    }
}

impl EventLog for MemoryLog {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        self.shared.faulty(Operation::CreateTopics, |state| {
            topics.iter().try_for_each(TopicSpec::check)?;
            for topic in topics {
                state.store.create(topic);
            }
            Ok(())
        })
    }

    fn grow_topic(&self, topic: &str, partitions: i32) -> Result<bool, LogError> {
        let mut state = self.shared.lock();
        state.check()?;
        let has_grown = state.store.topic_mut(topic)?.grow(partitions);
        drop(state);
        if has_grown {
            self.shared.hub.with_groups(|groups| groups.resize(topic, partitions));
        }
        Ok(has_grown)
    }

    fn partitions(&self, topic: &str) -> Result<i32, LogError> {
        self.shared.lock().check()?;
        Source::partitions(&*self.shared, topic)
    }

    fn cluster_id(&self) -> Result<String, LogError> {
        self.shared.lock().check()?;
        Ok("memory".to_owned())
    }

    fn topic_id(&self, topic: &str) -> Result<String, LogError> {
        let state = self.shared.lock();
        state.check()?;
        Ok(format!("00000000-0000-4000-8000-{:012x}", state.store.topic(topic)?.id))
    }

    fn topic_settings(&self, topic: &str) -> Result<Option<TopicSettings>, LogError> {
        let state = self.shared.lock();
        state.check()?;
        let found = state.store.topic(topic)?;
        let most = self.shared.settings.record_bytes_max;
        Ok((!found.is_secret).then(|| TopicSettings {
            values: found.settings.clone(),
            sent_bytes_max: most,
            record_bytes_max: most,
        }))
    }

    fn offsets(&self, partition: &TopicPartition) -> Result<OffsetRange, LogError> {
        self.shared.faulty(Operation::Offsets, |state| {
            state.store.partition(partition).map(crate::store::Partition::range)
        })
    }

    fn producer(&self) -> Arc<dyn Producer> {
        Arc::clone(&self.shared) as Arc<dyn Producer>
    }

    fn consumer(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, LogError> {
        self.shared.lock().check()?;
        Ok(Box::new(LocalConsumer::new(Arc::clone(&self.shared), subscription)?))
    }
}
