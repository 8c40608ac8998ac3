//! Reads partitions through a consumer of librdkafka.
//!
//! librdkafka's own assignment contains only partitions that have been sought, each with its offset.
//! `seek` therefore only stores the offset; the next poll updates librdkafka's assignment
//! ([`KafkaConsumer::apply`]). Fetched records are copied into one batch per partition, so that
//! interleaved partitions still form long batches.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use event::{Batch, BatchBuilder, TopicPartition};
use ports::local::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use ports::{Consumer, LogError, OffsetRange, Polled, Position, Subscription};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Message, Offset};

use crate::closing::Closing;
use crate::context::{Change, GroupContext, list};
use crate::cursor::{Cursor, copy};
use crate::instance::Instance;
use crate::options::Options;
use crate::outcome::{denied, is_out_of_range, is_unknown, outcome};
use crate::topics::watermarks;
use crate::unowned::unowned;
use crate::unreadable::unreadable;

/// Group of clients that read partitions: librdkafka requires one; nobody joins or commits under it.
const READER: &str = "driftseal-reader";

/// Records and bytes that one poll copies at most, over all partitions.
const COPIED_RECORDS_MAX: usize = 4 * BATCH_RECORDS_MAX;
const COPIED_BYTES_MAX: usize = 4 * BATCH_BYTES_MAX;

/// Pause before a seek that librdkafka was not ready for is retried.
const RETRY: Duration = Duration::from_millis(20);

/// Consumer of a Kafka log. A dynamic member leaves its group when it is dropped.
pub(crate) struct KafkaConsumer {
    base: Closing<BaseConsumer<GroupContext>>,
    /// Configuration of a client that reads partitions.
    reader: ClientConfig,
    /// Its group, if it is a member of one.
    group: Option<String>,
    /// Topics that it subscribes to as a member.
    topics: Vec<String>,
    is_classic: bool,
    instance: Arc<Instance>,
    request_wait: Duration,
    cursors: BTreeMap<TopicPartition, Cursor>,
    /// librdkafka's assignment is out of date.
    is_dirty: bool,
    /// Partitions that are paused in librdkafka.
    paused: BTreeSet<TopicPartition>,
    /// Full batches.
    ready: VecDeque<Batch>,
    /// An error to return after the records that were copied before it.
    error: Option<LogError>,
    /// A rebalance could not be answered: why.
    broken: Option<String>,
    copied_records: usize,
    copied_bytes: usize,
    /// The partition served last; the next poll starts after it.
    served: Option<TopicPartition>,
}

impl std::fmt::Debug for KafkaConsumer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KafkaConsumer")
            .field("cursors", &self.cursors)
            .finish_non_exhaustive()
    }
}

impl KafkaConsumer {
    pub(crate) fn new(
        options: &Options,
        instance: &Arc<Instance>,
        subscription: Subscription,
        // Of each topic that a member of a group subscribes to.
        partitions: &[i32],
    ) -> Result<Self, LogError> {
        let config = match &subscription {
            Subscription::Group { group, topics } => {
                let mut config = options.consumer(group);
                if let Some(name) = instance.in_group(group, topics.iter().zip(partitions)) {
                    config.set("group.instance.id", name);
                }
                config
            }
            Subscription::Partitions(_) => options.consumer(READER),
        };
        let context = GroupContext::default();
        let base = BaseConsumer::from_config_and_context(&config, context)
            .map_err(|error| LogError::Fatal(format!("Kafka consumer: {error}")))?;
        let (group, topics) = match subscription {
            Subscription::Group { topics, group } => {
                let names: Vec<_> = topics.iter().map(String::as_str).collect();
                base.subscribe(&names).map_err(|error| outcome(&error, "subscription"))?;
                (Some(group), topics)
            }
            Subscription::Partitions(mut partitions) => {
                partitions.sort();
                partitions.dedup();
                base.context().announce(Change::Assigned(partitions));
                (None, Vec::new())
            }
        };
        Ok(Self {
            base: Closing::new(base),
            reader: options.consumer(READER),
            group,
            topics,
            is_classic: options.is_classic(),
            instance: Arc::clone(instance),
            request_wait: options.request_wait,
            cursors: BTreeMap::new(),
            is_dirty: false,
            paused: BTreeSet::new(),
            ready: VecDeque::new(),
            error: None,
            broken: None,
            copied_records: 0,
            copied_bytes: 0,
            served: None,
        })
    }

    /// Applies the next change of the assignment and returns it.
    fn take_change(&mut self) -> Result<Option<Polled>, LogError> {
        match self.base.context().take_change() {
            None => Ok(None),
            Some(Change::Assigned(partitions)) => {
                for partition in &partitions {
                    self.cursors.insert(partition.clone(), Cursor::new());
                }
                Ok(Some(Polled::Assigned(partitions)))
            }
            Some(Change::Revoked(partitions)) => {
                for partition in &partitions {
                    self.drop_copied(partition);
                    self.cursors.remove(partition);
                    self.base.context().progress.forget(partition);
                }
                Ok(Some(Polled::Revoked(partitions)))
            }
            Some(Change::Failed(error)) => {
                let error = outcome(&error, "rebalance");
                self.broken = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Drops the records of a partition that were copied and not returned.
    fn drop_copied(&mut self, partition: &TopicPartition) {
        self.ready.retain(|batch| batch.partition() != partition);
        if let Some(cursor) = self.cursors.get_mut(partition) {
            cursor.copied = None;
        }
        self.recount();
    }

    fn recount(&mut self) {
        let copied = || self.cursors.values().filter_map(|cursor| cursor.copied.as_ref());
        let ready = &self.ready;
        self.copied_records = copied().map(BatchBuilder::len).sum::<usize>()
            + ready.iter().map(Batch::len).sum::<usize>();
        self.copied_bytes = copied().map(BatchBuilder::size_bytes).sum::<usize>()
            + ready.iter().map(Batch::size_bytes).sum::<usize>();
    }

    /// Updates librdkafka's assignment to the cursors.
    fn apply(&mut self) -> Result<(), LogError> {
        if !self.is_dirty {
            return Ok(());
        }
        if matches!(self.base.rebalance_protocol(), RebalanceProtocol::Cooperative) {
            self.apply_incrementally()
        } else {
            self.apply_whole()
        }
    }

    /// Replaces the assignment. Records that were fetched but not copied are fetched again.
    fn apply_whole(&mut self) -> Result<(), LogError> {
        let started = self
            .cursors
            .iter()
            .filter_map(|(partition, cursor)| Some((partition, Offset::Offset(cursor.position?))));
        list(started)
            .and_then(|list| self.base.assign(&list))
            .map_err(|error| outcome(&error, "assignment"))?;
        for cursor in self.cursors.values_mut() {
            cursor.is_live = cursor.position.is_some();
            cursor.is_sought = false;
        }
        self.is_dirty = false;
        self.align_pauses()
    }

    /// Adds new partitions and seeks others; the cooperative protocol allows nothing else.
    fn apply_incrementally(&mut self) -> Result<(), LogError> {
        let added: Vec<_> = self
            .cursors
            .iter()
            .filter(|(_, cursor)| !cursor.is_live)
            .filter_map(|(partition, cursor)| Some((partition.clone(), cursor.position?)))
            .collect();
        let offsets = added.iter().map(|(partition, offset)| (partition, Offset::Offset(*offset)));
        if !added.is_empty() {
            list(offsets)
                .and_then(|list| self.base.incremental_assign(&list))
                .map_err(|error| outcome(&error, "assignment"))?;
        }
        let mut is_dirty = false;
        for (partition, cursor) in &mut self.cursors {
            let Some(position) = cursor.position else { continue };
            if !cursor.is_live {
                (cursor.is_live, cursor.is_sought) = (true, false);
            } else if cursor.is_sought {
                let (topic, offset) = (&*partition.topic, Offset::Offset(position));
                match self.base.seek(topic, partition.partition, offset, self.request_wait) {
                    Ok(()) => cursor.is_sought = false,
                    // Assigned but not started yet; the next poll tries again.
                    Err(error) => {
                        tracing::debug!(%partition, %error, "seek failed; will retry");
                        is_dirty = true;
                    }
                }
            }
        }
        self.is_dirty = is_dirty;
        self.align_pauses()
    }

    /// Pauses and resumes partitions in librdkafka according to the cursors.
    fn align_pauses(&mut self) -> Result<(), LogError> {
        let wanted: BTreeSet<_> = self
            .cursors
            .iter()
            .filter(|(_, cursor)| cursor.paused && cursor.is_live)
            .map(|(partition, _)| partition.clone())
            .collect();
        let failed = |error: KafkaError| outcome(&error, "pause");
        let begin: Vec<_> = wanted.difference(&self.paused).collect();
        if !begin.is_empty() {
            let partitions = begin.into_iter().map(|partition| (partition, Offset::Invalid));
            list(partitions).and_then(|list| self.base.pause(&list)).map_err(failed)?;
        }
        let end: Vec<_> = self.paused.difference(&wanted).collect();
        if !end.is_empty() {
            let partitions = end.into_iter().map(|partition| (partition, Offset::Invalid));
            list(partitions).and_then(|list| self.base.resume(&list)).map_err(failed)?;
        }
        self.paused = wanted;
        Ok(())
    }

    /// The next batch to return, round-robin over partitions.
    fn take_batch(&mut self) -> Option<Batch> {
        let is_paused = |batch: &Batch, cursors: &BTreeMap<TopicPartition, Cursor>| {
            cursors.get(batch.partition()).is_some_and(|cursor| cursor.paused)
        };
        let cursors = &self.cursors;
        let ready = self.ready.iter().position(|batch| !is_paused(batch, cursors));
        let batch = match ready.and_then(|index| self.ready.remove(index)) {
            Some(batch) => batch,
            None => {
                let has_copied = |cursor: &Cursor| !cursor.paused && cursor.copied.is_some();
                let after = self.cursors.iter().find(|(partition, cursor)| {
                    has_copied(cursor) && self.served.as_ref() < Some(*partition)
                });
                let found =
                    after.or_else(|| self.cursors.iter().find(|(_, cursor)| has_copied(cursor)));
                let partition = found.map(|(partition, _)| partition.clone())?;
                self.cursors.get_mut(&partition)?.copied.take()?.build()
            }
        };
        self.copied_records -= batch.len();
        self.copied_bytes -= batch.size_bytes();
        self.served = Some(batch.partition().clone());
        Some(batch)
    }

    /// Copies the records that librdkafka has fetched, waiting up to `wait` for the first one.
    fn fill(&mut self, wait: Duration) {
        let mut wait = if self.is_dirty { wait.min(RETRY) } else { wait };
        // Consecutive records are mostly of one partition; this saves creating its name again.
        let mut last: Option<TopicPartition> = None;
        while self.copied_records < COPIED_RECORDS_MAX && self.copied_bytes < COPIED_BYTES_MAX {
            let polled = self.base.poll(wait);
            // The poll may also have returned a record of a partition that was just revoked.
            let has_change = self.base.context().has_change();
            match polled {
                None => return self.base.context().progress.drained(),
                Some(Ok(message)) if !has_change => {
                    let is_last = last.as_ref().is_some_and(|last| {
                        last.partition == message.partition() && *last.topic == *message.topic()
                    });
                    if !is_last {
                        last = Some(TopicPartition::new(message.topic(), message.partition()));
                    }
                    if let Some(partition) = &last
                        && let Some(cursor) = self.cursors.get_mut(partition)
                        && let Some(size) = copy(cursor, partition, &message, &mut self.ready)
                    {
                        self.copied_records += 1;
                        self.copied_bytes += size;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    self.error = self.classify(&error);
                    return;
                }
            }
            if has_change {
                return;
            }
            wait = Duration::ZERO;
        }
    }

    /// Maps an error of a poll; `None` for those that librdkafka recovers from by itself.
    fn classify(&mut self, error: &KafkaError) -> Option<LogError> {
        let code = error.rdkafka_error_code();
        if code.is_some_and(is_out_of_range) {
            return self.find_out_of_range().or_else(|| Some(outcome(error, "position")));
        }
        let is_transient = matches!(
            code,
            Some(
                RDKafkaErrorCode::AllBrokersDown
                    | RDKafkaErrorCode::BrokerTransportFailure
                    | RDKafkaErrorCode::OperationTimedOut
                    | RDKafkaErrorCode::PartitionEOF
                    | RDKafkaErrorCode::PollExceeded
                    | RDKafkaErrorCode::Resolve
            )
        );
        // librdkafka looks for the coordinator of the readers' group, which nobody needs a permission for.
        let is_readers =
            self.group.is_none() && code == Some(RDKafkaErrorCode::GroupAuthorizationFailed);
        if is_transient || is_readers || code.is_some_and(is_unknown) {
            tracing::debug!(%error, "kafka consumer error");
            return None;
        }
        Some(match code {
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                let assigned = self.cursors.keys().map(|partition| &*partition.topic);
                let topics = self.topics.iter().map(String::as_str).chain(assigned).collect();
                unreadable(&self.reader, &topics, self.request_wait)
            }
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                denied("Read", "group", &[self.group.as_deref().unwrap_or(READER)])
            }
            _ => outcome(error, "consumer"),
        })
    }

    /// Why this client must be replaced, if it must. If another process has joined under its name, the
    /// next one joins as a dynamic member.
    pub(crate) fn beyond_repair(&self) -> Option<String> {
        let Some((code, said)) = self.base.client().fatal_error() else {
            return self.broken.clone();
        };
        let is_fenced = code == RDKafkaErrorCode::FencedInstanceId;
        let Some(group) = self.group.as_ref().filter(|_| is_fenced) else { return Some(said) };
        self.instance.lose(group);
        Some(format!(
            "fenced: a process joined the group `{group}` under the same name, with the same \
             `kafka.instance`, or the answer to our own joining was lost; continuing as a dynamic \
             member, which costs a session timeout after a crash"
        ))
    }

    /// Finds the partition whose offset is out of range, which librdkafka does not report, and stops
    /// it until the next seek. `None` if the brokers do not confirm any.
    fn find_out_of_range(&mut self) -> Option<LogError> {
        for (partition, cursor) in &mut self.cursors {
            let Some(offset) = cursor.position else { continue };
            // Unconfirmed: the caller then returns librdkafka's error as it is.
            let Ok(range) = watermarks(&self.base, partition, self.request_wait) else { continue };
            if let Err(error) = check(partition, offset, range) {
                cursor.position = None;
                cursor.is_live = false;
                self.is_dirty = true;
                return Some(error);
            }
        }
        None
    }
}

fn check(partition: &TopicPartition, offset: i64, range: OffsetRange) -> Result<(), LogError> {
    if (range.first..=range.next).contains(&offset) {
        return Ok(());
    }
    Err(LogError::OutOfRange {
        partition: partition.to_string(),
        offset,
        first: range.first,
        next: range.next,
    })
}

impl Consumer for KafkaConsumer {
    fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        if let Some(polled) = self.take_change()? {
            return Ok(polled);
        }
        // Even if a batch is ready: without a poll the group would consider this member dead.
        let has_batch =
            self.ready.iter().any(|batch| {
                self.cursors.get(batch.partition()).is_some_and(|cursor| !cursor.paused)
            }) || self.cursors.values().any(|cursor| !cursor.paused && cursor.copied.is_some());
        self.apply()?;
        self.fill(if has_batch { Duration::ZERO } else { wait });
        if let Some(polled) = self.take_change()? {
            return Ok(polled);
        }
        if let Some(batch) = self.take_batch() {
            return Ok(Polled::Batch(batch));
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(Polled::Idle),
        }
    }

    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), LogError> {
        let unknown = || LogError::UnknownPartition(partition.to_string());
        if !self.cursors.contains_key(partition) {
            return Err(unknown());
        }
        let range = watermarks(&self.base, partition, self.request_wait)?;
        check(partition, offset, range)?;
        self.drop_copied(partition);
        let cursor = self.cursors.get_mut(partition).ok_or_else(unknown)?;
        cursor.position = Some(offset);
        cursor.is_sought = true;
        self.is_dirty = true;
        self.base.context().progress.sought(partition);
        Ok(())
    }

    fn passed(&self, partition: &TopicPartition) -> Option<i64> {
        let cursor = self.cursors.get(partition).filter(|cursor| cursor.copied.is_none())?;
        if self.ready.iter().any(|batch| batch.partition() == partition) {
            return None;
        }
        let fetched = self.base.context().progress.passed(partition);
        cursor.position.map(|position| fetched.map_or(position, |fetched| fetched.max(position)))
    }

    fn blocked(&self) -> Vec<Position> {
        self.base.context().progress.blocked()
    }

    fn pause(&mut self, partition: &TopicPartition, paused: bool) -> Result<(), LogError> {
        let cursor = self.cursors.get_mut(partition);
        let cursor = cursor.ok_or_else(|| LogError::UnknownPartition(partition.to_string()))?;
        cursor.paused = paused;
        self.align_pauses()
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), LogError> {
        if self.group.is_none() || positions.is_empty() {
            return Ok(());
        }
        let offsets =
            positions.iter().map(|position| (&position.partition, Offset::Offset(position.offset)));
        list(offsets)
            .and_then(|list| self.base.commit(&list, CommitMode::Async))
            .map_err(|error| outcome(&error, "commit"))
    }

    fn unowned(&mut self) -> Result<Option<BTreeSet<TopicPartition>>, LogError> {
        let Some(group) = self.group.as_ref().filter(|_| self.is_classic) else { return Ok(None) };
        unowned(&self.base, group, &self.topics, self.request_wait)
    }
}
