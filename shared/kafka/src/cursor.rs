//! A partition that is read: its position, and the records that were copied and not returned yet.

use std::collections::VecDeque;

use event::{Batch, BatchBuilder, TimestampType, TopicPartition};
use ports::local::has_room;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Timestamp};

use crate::native::headers;

/// Where a partition is read, and what was read of it.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// Offset of the next record to copy; `None` until the first seek and after `OutOfRange`.
    pub(crate) position: Option<i64>,
    /// In librdkafka's assignment.
    pub(crate) is_live: bool,
    /// Sought while live: until librdkafka has sought too, it delivers records of the old offset.
    pub(crate) is_sought: bool,
    pub(crate) paused: bool,
    /// Records copied and not yet returned.
    pub(crate) copied: Option<BatchBuilder>,
}

impl Cursor {
    pub(crate) const fn new() -> Self {
        Self { position: None, is_live: false, is_sought: false, paused: false, copied: None }
    }
}

/// Copies a message to the batch of its partition. Returns its size there, or `None` if it precedes
/// a seek.
pub(crate) fn copy(
    cursor: &mut Cursor,
    partition: &TopicPartition,
    message: &BorrowedMessage<'_>,
    ready: &mut VecDeque<Batch>,
) -> Option<usize> {
    let offset = message.offset();
    if !cursor.is_live || cursor.is_sought || cursor.position.is_none_or(|next| offset < next) {
        return None;
    }
    let headers_bytes: usize =
        headers(message).map(|(name, value)| 8 + name.len() + value.map_or(0, <[u8]>::len)).sum();
    let size = message.key_len() + message.payload_len() + headers_bytes;
    if let Some(full) = cursor.copied.take_if(|copied| !has_room(copied, size)) {
        ready.push_back(full.build());
    }
    let batch = cursor.copied.get_or_insert_with(|| BatchBuilder::new(partition.clone()));
    let before = batch.size_bytes();
    let (timestamp_ms, timestamp_type) = match message.timestamp() {
        Timestamp::NotAvailable => (0, TimestampType::None),
        Timestamp::CreateTime(at) => (at, TimestampType::CreateTime),
        Timestamp::LogAppendTime(at) => (at, TimestampType::LogAppendTime),
    };
    batch.push(
        offset,
        timestamp_ms,
        timestamp_type,
        message.key(),
        message.payload(),
        headers(message),
    );
    cursor.position = Some(offset + 1);
    Some(batch.size_bytes() - before)
}
