//! When to seal what: the sealer's decisions, without its I/O.
//!
//! A [`Sealer`] buffers the records of each partition and says when they have become a segment:
//! big enough, old enough, too much for the memory of the process, or the last before it ends.
//! Time is an argument. The shell polls [`Sealer::poll_action`] after everything it hands in, does
//! what the actions say, in their order, and reports what came of each seal.
//!
//! # Promise
//!
//! - The segments of a partition follow each other without hole or overlap from the position where
//!   it was resumed: the next one begins at the offset where the last one that was *sealed* ended.
//! - Records below the expected offset (delivered again after a seek) are dropped. Offsets that are
//!   skipped belong to the segment that holds the record after them, as gaps.
//! - A partition that holds nothing but heartbeats waits longer, and all such partitions are
//!   sealed together: an idle installation writes few objects.
//! - What is pending never exceeds [`Limits::buffer_bytes_max`] by more than one batch, provided
//!   the shell seals what it is told before it hands in more.
//! - Whatever is revoked or lost to another sealer is forgotten at once, also when it was being
//!   sealed: only a commit of the log makes a segment true.
//!
//! # What it does not do
//!
//! It does not decode, hash or store; it does not know the log. It does not pause partitions: the
//! shell seals on the thread that reads, so there is nothing to pause.

use std::collections::{BTreeMap, VecDeque};

use event::{Batch, BatchBuilder, Record, TopicPartition};

/// What a buffered record costs besides its bytes.
const RECORD_BYTES: usize = 64;

/// When a buffer becomes a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a segment; it is sealed with the batch that reaches them.
    pub rows_max: usize,
    /// Bytes of keys, values and headers of a segment; it is sealed with the batch that reaches
    /// them.
    pub bytes_max: usize,
    /// Milliseconds that a record waits at most for company.
    pub age_ms_max: i64,
    /// Milliseconds that a heartbeat waits at most, where there are only heartbeats.
    pub heartbeat_age_ms_max: i64,
    /// Bytes of all buffers together; when they are reached, the largest is sealed first.
    pub buffer_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_max: 250_000,
            bytes_max: 128 * 1024 * 1024,
            age_ms_max: 60_000,
            heartbeat_age_ms_max: 3_600_000,
            buffer_bytes_max: 512 * 1024 * 1024,
        }
    }
}

/// Why a segment is sealed now. The names are values of a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It has enough rows.
    Rows,
    /// It has enough bytes.
    Bytes,
    /// Its first record has waited long enough.
    Age,
    /// All buffers together reached their limit, and this was the largest.
    Memory,
    /// The process ends.
    Drain,
}

impl Cause {
    /// The name in metrics and log lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Bytes => "bytes",
            Self::Age => "age",
            Self::Memory => "memory",
            Self::Drain => "drain",
        }
    }
}

/// Records that shall become one segment.
#[derive(Debug, Clone)]
pub struct Sealable {
    /// Their partition.
    pub partition: TopicPartition,
    /// First offset of the segment; the first record may be later.
    pub first_offset: i64,
    /// Offset after the last record.
    pub next_offset: i64,
    /// The log no longer held the offsets from `first_offset` to this one.
    pub lost_before: Option<i64>,
    /// The records, in order; at least one.
    pub batches: Vec<Batch>,
    /// Number of records.
    pub rows: usize,
    /// Why now.
    pub cause: Cause,
}

/// What the outside world must do, in this order.
#[derive(Debug, Clone)]
pub enum Action {
    /// Read a partition from an offset on.
    Seek {
        /// The partition.
        partition: TopicPartition,
        /// The offset.
        offset: i64,
    },
    /// Seal these records, then report [`Sealer::handle_sealed`] or [`Sealer::handle_fenced`].
    Seal(Sealable),
}

/// What became of a batch that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Records that are pending now.
    pub rows: usize,
    /// Records dropped, because they were delivered before or the partition is not ours.
    pub dropped: usize,
}

/// Records of one partition that wait.
#[derive(Debug, Default)]
struct Buffer {
    batches: Vec<Batch>,
    rows: usize,
    /// Bytes of keys, values and headers.
    bytes: usize,
    /// When the first record arrived, or the first that is no heartbeat.
    since_ms: i64,
    /// Whether there is a record that is no heartbeat.
    urgent: bool,
}

impl Buffer {
    const fn age_ms_max(&self, limits: &Limits) -> i64 {
        if self.urgent { limits.age_ms_max } else { limits.heartbeat_age_ms_max }
    }

    const fn memory(&self) -> usize {
        self.bytes.saturating_add(self.rows.saturating_mul(RECORD_BYTES))
    }
}

/// A partition that is ours.
#[derive(Debug)]
struct Lane {
    /// First offset of the buffer.
    first: i64,
    /// Offset after the last record taken.
    next: i64,
    buffer: Buffer,
    /// Where reading began, if the log no longer held what comes before it.
    lost_before: Option<i64>,
    /// What the shell is sealing: rows and memory.
    sealing: Option<(usize, usize)>,
}

impl Lane {
    fn new(first: i64, read_from: i64) -> Self {
        let lost_before = (read_from > first).then_some(read_from);
        Self { first, next: read_from, buffer: Buffer::default(), lost_before, sealing: None }
    }

    const fn rows(&self) -> usize {
        self.buffer.rows.saturating_add(match self.sealing {
            Some((rows, _)) => rows,
            None => 0,
        })
    }

    const fn memory(&self) -> usize {
        self.buffer.memory().saturating_add(match self.sealing {
            Some((_, memory)) => memory,
            None => 0,
        })
    }

    const fn can_seal(&self) -> bool {
        self.buffer.rows > 0 && self.sealing.is_none()
    }
}

/// Decides what is sealed when. See the module.
#[derive(Debug)]
pub struct Sealer {
    limits: Limits,
    lanes: BTreeMap<TopicPartition, Lane>,
    actions: VecDeque<Action>,
}

impl Sealer {
    /// A sealer without partitions.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, lanes: BTreeMap::new(), actions: VecDeque::new() }
    }

    /// A partition is ours from now on; it is sealed up to one offset and read from another. Where the second is larger, what is between them is lost, and sealed as
    /// lost with the next record.
    pub fn handle_assigned(&mut self, partition: &TopicPartition, sealed_to: i64, read_from: i64) {
        self.restart(partition, sealed_to, read_from);
    }

    /// A partition is no longer ours. Returns how many records were let go.
    pub fn handle_revoked(&mut self, partition: &TopicPartition) -> usize {
        self.forget_actions(partition);
        self.lanes.remove(partition).map_or(0, |lane| lane.rows())
    }

    /// Records arrived. `is_heartbeat` is asked until one is none, once for each segment.
    pub fn handle_batch(
        &mut self,
        batch: Batch,
        now_ms: i64,
        is_heartbeat: impl Fn(&Record<'_>) -> bool,
    ) -> Taken {
        let len = batch.len();
        let Some(lane) = self.lanes.get_mut(batch.partition()) else {
            return Taken { rows: 0, dropped: len };
        };
        let Some(batch) = from_offset(batch, lane.next) else {
            return Taken { rows: 0, dropped: len };
        };
        let taken = Taken { rows: batch.len(), dropped: len.saturating_sub(batch.len()) };
        let buffer = &mut lane.buffer;
        let becomes_urgent = !buffer.urgent && !batch.records().all(|record| is_heartbeat(&record));
        if becomes_urgent || buffer.rows == 0 {
            buffer.since_ms = now_ms;
            buffer.urgent = becomes_urgent;
        }
        lane.next = batch.next_offset().unwrap_or(lane.next);
        buffer.rows = buffer.rows.saturating_add(batch.len());
        buffer.bytes = buffer.bytes.saturating_add(batch.size_bytes());
        let partition = batch.partition().clone();
        buffer.batches.push(batch);
        self.seal_if_big(&partition);
        self.seal_for_memory();
        taken
    }

    /// Time has passed: what has waited long enough is sealed. A clock that was set back makes a
    /// record wait once more, not until the old time returns.
    pub fn handle_timeout(&mut self, now_ms: i64) {
        for lane in self.lanes.values_mut() {
            lane.buffer.since_ms = lane.buffer.since_ms.min(now_ms);
        }
        let limits = self.limits;
        let is_old = |lane: &Lane| {
            now_ms.saturating_sub(lane.buffer.since_ms) >= lane.buffer.age_ms_max(&limits)
        };
        let is_calm = |lane: &Lane| !lane.buffer.urgent;
        let calm = self.lanes.values().any(|lane| lane.can_seal() && is_calm(lane) && is_old(lane));
        self.seal_where(Cause::Age, |lane| is_old(lane) || calm && is_calm(lane));
    }

    /// The process ends: everything is sealed.
    pub fn handle_drain(&mut self) {
        self.seal_where(Cause::Drain, |_| true);
    }

    /// A commit of the log covers so many more records of what was last given to be sealed of this
    /// partition. The partition goes on when it covers all of them.
    pub fn handle_sealed(&mut self, partition: &TopicPartition, rows: usize) {
        let Some(lane) = self.lanes.get_mut(partition) else { return };
        lane.sealing = lane
            .sealing
            .map(|(left, memory)| (left.saturating_sub(rows), memory))
            .filter(|(left, _)| *left > 0);
        self.seal_if_big(partition);
    }

    /// Another sealer has sealed this partition up to `head`: everything pending is let go and
    /// read again from there. Returns how many records were let go.
    pub fn handle_fenced(&mut self, partition: &TopicPartition, head: i64) -> usize {
        let let_go = self.lanes.get(partition).map_or(0, Lane::rows);
        if self.lanes.contains_key(partition) {
            self.restart(partition, head, head);
        }
        let_go
    }

    /// What to do next; `None` when there is nothing until time passes or something is handed in.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Self::handle_timeout`], if nothing is handed in before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<i64> {
        self.lanes
            .values()
            .filter(|lane| lane.can_seal())
            .map(|lane| lane.buffer.since_ms.saturating_add(lane.buffer.age_ms_max(&self.limits)))
            .min()
    }

    /// Records taken and not known to be sealed.
    #[must_use]
    pub fn pending_rows(&self) -> usize {
        self.lanes.values().map(Lane::rows).fold(0, usize::saturating_add)
    }

    /// Memory of the pending records.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.lanes.values().map(Lane::memory).fold(0, usize::saturating_add)
    }

    /// Offset after the last record taken of a partition that is ours.
    #[must_use]
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.lanes.get(partition).map(|lane| lane.next)
    }

    /// The partitions that are ours.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.lanes.keys()
    }

    fn restart(&mut self, partition: &TopicPartition, sealed_to: i64, read_from: i64) {
        self.forget_actions(partition);
        let lane = Lane::new(sealed_to, read_from.max(sealed_to));
        let offset = lane.next;
        self.lanes.insert(partition.clone(), lane);
        self.actions.push_back(Action::Seek { partition: partition.clone(), offset });
    }

    /// Actions that nobody has taken yet are void when the partition is gone or begins anew.
    fn forget_actions(&mut self, gone: &TopicPartition) {
        self.actions.retain(|action| match action {
            Action::Seek { partition, .. } | Action::Seal(Sealable { partition, .. }) => {
                partition != gone
            }
        });
    }

    fn seal_if_big(&mut self, partition: &TopicPartition) {
        let Some(lane) = self.lanes.get(partition) else { return };
        if lane.buffer.rows >= self.limits.rows_max {
            self.seal(partition, Cause::Rows);
        } else if lane.buffer.bytes >= self.limits.bytes_max {
            self.seal(partition, Cause::Bytes);
        }
    }

    /// Seals the largest buffers until the rest is below the limit.
    fn seal_for_memory(&mut self) {
        let mut waiting =
            self.lanes.values().map(|lane| lane.buffer.memory()).fold(0, usize::saturating_add);
        while waiting >= self.limits.buffer_bytes_max {
            let largest = self
                .lanes
                .iter()
                .filter(|(_, lane)| lane.can_seal())
                .max_by_key(|(_, lane)| lane.buffer.memory());
            let Some((partition, lane)) = largest else { return };
            waiting = waiting.saturating_sub(lane.buffer.memory());
            let partition = partition.clone();
            self.seal(&partition, Cause::Memory);
        }
    }

    fn seal_where(&mut self, cause: Cause, wanted: impl Fn(&Lane) -> bool) {
        let due: Vec<_> = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.can_seal() && wanted(lane))
            .map(|(partition, _)| partition.clone())
            .collect();
        for partition in due {
            self.seal(&partition, cause);
        }
    }

    fn seal(&mut self, partition: &TopicPartition, cause: Cause) {
        let Some(lane) = self.lanes.get_mut(partition).filter(|lane| lane.can_seal()) else {
            return;
        };
        let buffer = std::mem::take(&mut lane.buffer);
        lane.sealing = Some((buffer.rows, buffer.memory()));
        let first_offset = std::mem::replace(&mut lane.first, lane.next);
        self.actions.push_back(Action::Seal(Sealable {
            partition: partition.clone(),
            first_offset,
            next_offset: lane.next,
            lost_before: lane.lost_before.take(),
            batches: buffer.batches,
            rows: buffer.rows,
            cause,
        }));
    }
}

/// The records from an offset on; `None` if there are none.
fn from_offset(batch: Batch, offset: i64) -> Option<Batch> {
    if batch.first_offset()? >= offset {
        return Some(batch);
    }
    let mut rest = BatchBuilder::new(batch.partition().clone());
    for record in batch.records().filter(|record| record.offset >= offset) {
        rest.push_record(&record);
    }
    (!rest.is_empty()).then(|| rest.build())
}

#[cfg(test)]
mod tests;
