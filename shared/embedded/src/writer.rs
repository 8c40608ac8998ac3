//! The publish queue and the thread that makes its records durable.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use event::TopicPartition;
use ports::local::Hub;
use ports::{Delivery, LogError, Outgoing, Position, Producer, Published, QueueFull, partition_of};

use crate::chunk::ChunkBuilder;
use crate::directory::Claim;
use crate::options::Options;
use crate::store::{Store, Topic, chunk_key, compaction_key, damaged, fatal};

/// Size and number of records at which a chunk is closed: small, because a reader that starts in its
/// middle has to skip its beginning.
const CHUNK_BYTES_MAX: usize = 256 << 10;
const CHUNK_RECORDS_MAX: u32 = 1_024;

/// Bytes at which a commit takes no further call from the queue, which bounds the latency of the
/// first one.
const COMMIT_BYTES_MAX: usize = 8 << 20;

/// State of an open log, shared by the writer thread, producers and consumers.
#[derive(Debug)]
pub(crate) struct Core {
    // Dropped in this order: the store is closed before the directory is released.
    pub(crate) store: Store,
    pub(crate) hub: Hub,
    pub(crate) options: Options,
    queue: Mutex<Queue>,
    queued: Condvar,
    /// Set once a write has failed: the log accepts no more records.
    failure: OnceLock<LogError>,
    _claim: Claim,
}

#[derive(Debug, Default)]
struct Queue {
    calls: Vec<Pending>,
    /// Records and bytes in `calls`.
    records: usize,
    bytes: usize,
    /// Records that the writer has taken and not acknowledged.
    writing: usize,
    closed: bool,
}

struct Pending {
    records: Vec<Outgoing>,
    bytes: usize,
    done: Delivery,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pending").field("records", &self.records.len()).finish()
    }
}

/// Size of a record against the limits, bytes.
fn size_bytes(record: &Outgoing) -> usize {
    let of = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + of(value)).sum();
    of(&record.key) + of(&record.value) + headers
}

fn closed() -> LogError {
    LogError::Fatal("the embedded log is closed".to_owned())
}

impl Core {
    /// See [`crate::EmbeddedLog::trim`].
    pub(crate) fn trim(&self, partition: &TopicPartition, first: i64) -> Result<(), LogError> {
        self.store.with_partition(partition, |state| self.store.trim(state, first))??;
        // Consumers with an offset before `first` must report `OutOfRange`.
        self.hub.wake();
        Ok(())
    }

    pub(crate) fn new(store: Store, options: Options, claim: Claim) -> Self {
        let hub = Hub::default();
        hub.appended(store.ends());
        Self {
            store,
            hub,
            options,
            queue: Mutex::default(),
            queued: Condvar::new(),
            failure: OnceLock::new(),
            _claim: claim,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rejects further calls and lets the writer finish the queue.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.queued.notify_all();
    }

    /// Body of the writer thread: writes until the log is closed and the queue empty. After a panic all
    /// calls fail.
    pub(crate) fn run(&self) {
        if std::panic::catch_unwind(AssertUnwindSafe(|| self.write())).is_err() {
            let panicked = || LogError::Fatal("the writer of the embedded log panicked".to_owned());
            let error = self.failure.get_or_init(panicked).clone();
            tracing::error!(%error, "the embedded log accepts no more records");
            let calls = std::mem::take(&mut self.queue().calls);
            for call in calls {
                (call.done)(call.records.iter().map(|_| Err(error.clone())).collect());
            }
        }
    }

    fn write(&self) {
        loop {
            let mut queue = self
                .queued
                .wait_while(self.queue(), |queue| queue.calls.is_empty() && !queue.closed)
                .unwrap_or_else(PoisonError::into_inner);
            if queue.calls.is_empty() {
                return;
            }
            let mut bytes = 0;
            let count = queue
                .calls
                .iter()
                .take_while(|call| {
                    let fits = bytes < COMMIT_BYTES_MAX;
                    bytes += call.bytes;
                    fits
                })
                .count();
            let calls: Vec<_> = queue.calls.drain(..count).collect();
            let records = calls.iter().map(|call| call.records.len()).sum();
            queue.records -= records;
            queue.bytes -= calls.iter().map(|call| call.bytes).sum::<usize>();
            queue.writing = records;
            drop(queue);
            let answers = self.commit(calls);
            self.queue().writing = 0;
            for (done, published) in answers {
                // A bug of one publisher must not end the log for the others.
                if std::panic::catch_unwind(AssertUnwindSafe(|| done(published))).is_err() {
                    tracing::error!("a delivery callback panicked");
                }
            }
        }
    }

    /// Writes the records of these calls as one atomic batch.
    fn commit(&self, calls: Vec<Pending>) -> Vec<(Delivery, Published)> {
        let mut commit = Commit::new(self);
        let mut answers: Vec<_> = calls
            .into_iter()
            .map(|call| {
                let published = call.records.into_iter().map(|record| commit.add(record)).collect();
                (call.done, published)
            })
            .collect();
        let finished = match self.failure.get() {
            Some(failure) => Err(failure.clone()),
            None => commit.finish(),
        };
        if let Err(error) = finished {
            tracing::error!(%error, "write failed; the embedded log accepts no more records");
            let error = self.failure.get_or_init(|| error).clone();
            for (_, published) in &mut answers {
                let published: &mut Published = published;
                for answer in published.iter_mut().filter(|answer| answer.is_ok()) {
                    *answer = Err(error.clone());
                }
            }
        }
        answers
    }
}

/// A commit under construction. Nothing is visible before [`Commit::finish`].
struct Commit<'a> {
    core: &'a Core,
    batch: fjall::OwnedWriteBatch,
    topics: HashMap<Arc<str>, Arc<Topic>>,
    open: HashMap<TopicPartition, OpenPartition>,
    now_ms: i64,
    error: Option<LogError>,
}

struct OpenPartition {
    topic: Arc<Topic>,
    index: usize,
    id: u32,
    next: i64,
    newest_ms: i64,
    chunk_first: i64,
    chunk: ChunkBuilder,
    /// Compacted topics only: offset and chunk of the newest record of each key in this commit.
    newest: HashMap<Vec<u8>, (i64, Vec<u8>)>,
}

impl<'a> Commit<'a> {
    fn new(core: &'a Core) -> Self {
        Self {
            core,
            batch: core.store.batch(),
            topics: HashMap::new(),
            open: HashMap::new(),
            now_ms: (core.options.now_ms)(),
            error: None,
        }
    }

    /// Assigns a position to a record and adds it to the commit.
    fn add(&mut self, record: Outgoing) -> Result<Position, LogError> {
        let size_bytes = size_bytes(&record);
        let bytes_max = self.core.options.record_bytes_max.min(Options::RECORD_BYTES_BOUND);
        if size_bytes > bytes_max {
            return Err(LogError::TooLarge { size_bytes, bytes_max });
        }
        // `event` stores the length of a header name in 16 bits.
        let longest = record.headers.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        if longest > usize::from(u16::MAX) {
            return Err(LogError::TooLarge { size_bytes: longest, bytes_max: 65_535 });
        }
        let topic = if let Some(topic) = self.topics.get(&record.topic) {
            Arc::clone(topic)
        } else {
            let topic = self.core.store.topic(&record.topic)?;
            self.topics.insert(Arc::clone(&record.topic), Arc::clone(&topic));
            topic
        };
        let number = route(&topic, &record);
        let partition = TopicPartition::new(Arc::clone(&record.topic), number);
        let open = match self.open.entry(partition.clone()) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(vacant) => {
                let opened = OpenPartition::new(&topic, number)
                    .ok_or_else(|| LogError::UnknownPartition(partition.to_string()))?;
                vacant.insert(opened)
            }
        };
        let offset = open.next;
        open.next += 1;
        open.newest_ms = open.newest_ms.max(self.now_ms);
        open.chunk.push(&record, open.newest_ms);
        if topic.compacted {
            let added = open.add_compacted(self.core, &mut self.batch, record.key, offset);
            if let Err(error) = added {
                self.error = Some(error);
            }
        } else if open.chunk.len() >= CHUNK_RECORDS_MAX
            || open.chunk.size_bytes() >= CHUNK_BYTES_MAX
        {
            open.close_chunk(self.core, &mut self.batch);
        }
        Ok(Position { partition, offset })
    }

    /// Writes the commit with the configured durability, then makes it readable.
    fn finish(mut self) -> Result<(), LogError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        for open in self.open.values_mut() {
            open.close_chunk(self.core, &mut self.batch);
            open.close_compacted(self.core, &mut self.batch);
        }
        self.batch.commit().map_err(|error| fatal(&error))?;
        let ends: Vec<_> = self
            .open
            .into_iter()
            .map(|(partition, open)| {
                let Some(state) = open.topic.partitions.get(open.index) else {
                    unreachable!("a partition that was opened exists")
                };
                state.newest_ms.store(open.newest_ms, Ordering::Release);
                state.next.store(open.next, Ordering::Release);
                (partition, open.next)
            })
            .collect();
        self.core.hub.appended(ends);
        Ok(())
    }
}

/// The partition of a record: as it specifies, else by its key, else round-robin.
fn route(topic: &Topic, record: &Outgoing) -> i32 {
    match (record.partition, &record.key) {
        (Some(number), _) => number,
        (None, Some(key)) => partition_of(key, topic.count()),
        // Wraps around.
        (None, None) => topic.keyless.fetch_add(1, Ordering::Relaxed).rem_euclid(topic.count()),
    }
}

impl OpenPartition {
    fn new(topic: &Arc<Topic>, number: i32) -> Option<Self> {
        let index = usize::try_from(number).ok()?;
        let state = topic.partitions.get(index)?;
        let next = state.range().next;
        Some(Self {
            topic: Arc::clone(topic),
            index,
            id: state.id,
            next,
            newest_ms: state.newest_ms.load(Ordering::Acquire),
            chunk_first: next,
            chunk: ChunkBuilder::new(),
            newest: HashMap::new(),
        })
    }

    fn close_chunk(&mut self, core: &Core, batch: &mut fjall::OwnedWriteBatch) {
        if self.chunk.len() > 0 {
            let chunk = std::mem::replace(&mut self.chunk, ChunkBuilder::new()).build();
            batch.insert(&core.store.chunks, chunk_key(self.id, self.chunk_first), chunk);
        }
        self.chunk_first = self.next;
    }

    /// Makes the record that was just pushed the newest of its key. One that it replaces in this
    /// commit is not written; one that it replaces in the store is deleted by this commit. (A batch of
    /// the store must contain a key only once: its operations are not ordered.)
    fn add_compacted(
        &mut self,
        core: &Core,
        batch: &mut fjall::OwnedWriteBatch,
        key: Option<Vec<u8>>,
        offset: i64,
    ) -> Result<(), LogError> {
        // A record without a key replaces nothing and is kept.
        let Some(key) = key else {
            self.close_chunk(core, batch);
            return Ok(());
        };
        let chunk = std::mem::replace(&mut self.chunk, ChunkBuilder::new()).build();
        self.chunk_first = self.next;
        if !self.newest.contains_key(&key) {
            let older = core.store.keys.get(compaction_key(self.id, &key));
            let older = older.map_err(|error| fatal(&error))?;
            if let Some(older) = older {
                let older = older.as_ref().try_into().map_err(|_| damaged())?;
                let older = chunk_key(self.id, i64::from_be_bytes(older));
                batch.remove(&core.store.chunks, older);
            }
        }
        self.newest.insert(key, (offset, chunk));
        Ok(())
    }

    fn close_compacted(&mut self, core: &Core, batch: &mut fjall::OwnedWriteBatch) {
        for (key, (offset, chunk)) in self.newest.drain() {
            batch.insert(&core.store.chunks, chunk_key(self.id, offset), chunk);
            batch.insert(&core.store.keys, compaction_key(self.id, &key), offset.to_be_bytes());
        }
    }
}

/// The producer of an embedded log.
#[derive(Debug)]
pub(crate) struct EmbeddedProducer(pub(crate) Arc<Core>);

impl Producer for EmbeddedProducer {
    fn publish(&self, records: Vec<Outgoing>, done: Delivery) -> Result<(), QueueFull> {
        let bytes = records.iter().map(size_bytes).sum::<usize>();
        let core = &self.0;
        let mut queue = core.queue();
        let refused = if queue.closed { Some(closed()) } else { core.failure.get().cloned() };
        if let Some(error) = refused {
            drop(queue);
            done(records.iter().map(|_| Err(error.clone())).collect());
            return Ok(());
        }
        let is_full = queue.records + records.len() > core.options.queue_records_max
            || queue.bytes + bytes > core.options.queue_bytes_max;
        if is_full && !queue.calls.is_empty() {
            return Err(QueueFull { records, waiting: queue.records + queue.writing });
        }
        queue.records += records.len();
        queue.bytes += bytes;
        queue.calls.push(Pending { records, bytes, done });
        drop(queue);
        core.queued.notify_one();
        Ok(())
    }

    fn in_flight(&self) -> usize {
        let queue = self.0.queue();
        queue.records + queue.writing
    }
}
