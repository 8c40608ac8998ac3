//! The log itself.

use std::sync::Arc;
use std::thread::JoinHandle;

use event::{BatchBuilder, TopicPartition};
use ports::local::{Call, Hub, LocalConsumer, Source};
use ports::settings::{self, TopicSettings};
use ports::{Consumer, EventLog, LogError, OffsetRange, Producer, Subscription, TopicSpec};

use crate::directory::{Claimed, OpenError, claim};
use crate::expiry::{self, Expirer};
use crate::options::Options;
use crate::store::Store;
use crate::writer::{Core, EmbeddedProducer};

/// A durable event log in a directory. Dropping it writes what is queued; the directory is released
/// once its producers and consumers are dropped as well.
#[derive(Debug)]
pub struct EmbeddedLog {
    id: String,
    core: Arc<Core>,
    writer: Option<JoinHandle<()>>,
    _expirer: Option<Expirer>,
}

impl EmbeddedLog {
    /// Opens the log; creates it if the directory is missing or empty.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Claimed { claim, store: path, id } = claim(&options.directory)?;
        let store = Store::open(&path, &options).map_err(|error| OpenError::Damaged {
            directory: options.directory.clone(),
            reason: error.to_string(),
        })?;
        let directory = options.directory.clone();
        let failed = |error: &std::io::Error| OpenError::Io {
            directory: directory.clone(),
            reason: error.to_string(),
        };
        let core = Arc::new(Core::new(store, options, claim));
        let writing = Arc::clone(&core);
        let writer = std::thread::Builder::new()
            .name("embedded-log".to_owned())
            .spawn(move || writing.run())
            .map_err(|error| failed(&error))?;
        let expiry = core.options.expiry.clone();
        let expirer = expiry.map(|expiry| Expirer::start(Arc::clone(&core), expiry)).transpose();
        let expirer = expirer.map_err(|error| failed(&error))?;
        Ok(Self { id: uuid_text(id), core, writer: Some(writer), _expirer: expirer })
    }

    /// Deletes the records of a partition before offset `first`, for example sealed ones. They are
    /// unreadable at once; the store reclaims the disk space over time.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`, `Fatal`.
    pub fn trim(&self, partition: &TopicPartition, first: i64) -> Result<(), LogError> {
        self.core.trim(partition, first)
    }

    /// Deletes now what [`Options::expiry`] says; it is done every minute or so anyway. Returns the number of
    /// records.
    ///
    /// # Errors
    ///
    /// `Fatal`.
    pub fn expire(&self) -> Result<u64, LogError> {
        let expiry = self.core.options.expiry.as_ref();
        expiry.map_or(Ok(0), |expiry| expiry::expire(&self.core, expiry))
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.core.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the embedded log panicked");
        }
    }
}

impl Source for Core {
    fn hub(&self) -> &Hub {
        &self.hub
    }

    fn call(&self, _: Call, work: &mut dyn FnMut()) -> Result<(), LogError> {
        work();
        Ok(())
    }

    fn partitions(&self, topic: &str) -> Result<i32, LogError> {
        Ok(self.store.topic(topic)?.count())
    }

    fn range(&self, partition: &TopicPartition) -> Result<OffsetRange, LogError> {
        self.store.with_partition(partition, crate::store::Partition::range)
    }

    fn fetch(
        &self,
        partition: &TopicPartition,
        from: i64,
        batch: &mut BatchBuilder,
    ) -> Result<i64, LogError> {
        let (id, range) =
            self.store.with_partition(partition, |state| (state.id, state.range()))?;
        if from < range.first || from > range.next {
            return Err(LogError::OutOfRange {
                partition: partition.to_string(),
                offset: from,
                first: range.first,
                next: range.next,
            });
        }
        let compacted = self.store.topic(&partition.topic)?.compacted;
        self.store.fetch(id, compacted, (from, range.next), batch)
    }
}

impl EventLog for EmbeddedLog {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        self.core.store.create(topics)
    }

    fn grow_topic(&self, topic: &str, partitions: i32) -> Result<bool, LogError> {
        let has_grown = self.core.store.grow(topic, partitions)?;
        if has_grown {
            self.core.hub.with_groups(|groups| groups.resize(topic, partitions));
        }
        Ok(has_grown)
    }

    fn partitions(&self, topic: &str) -> Result<i32, LogError> {
        Source::partitions(&*self.core, topic)
    }

    fn cluster_id(&self) -> Result<String, LogError> {
        Ok(self.id.clone())
    }

    fn topic_id(&self, topic: &str) -> Result<String, LogError> {
        Ok(uuid_text(self.core.store.topic(topic)?.id))
    }

    fn topic_settings(&self, topic: &str) -> Result<Option<TopicSettings>, LogError> {
        let cleanup = if self.core.store.topic(topic)?.compacted { "compact" } else { "delete" };
        let options = &self.core.options;
        let expiry = options.expiry.as_ref();
        let expiry = expiry.filter(|expiry| expiry.topics.iter().any(|(name, _)| name == topic));
        let kept_ms = expiry.map_or(-1, |expiry| expiry.after_ms);
        let most = options.record_bytes_max;
        let values = [
            (settings::TIMESTAMP_TYPE, "LogAppendTime".to_owned()),
            (settings::CLEANUP_POLICY, cleanup.to_owned()),
            (settings::RETENTION_MS, kept_ms.to_string()),
            (settings::RETENTION_BYTES, "-1".to_owned()),
            (settings::MESSAGE_BYTES_MAX, most.to_string()),
        ];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Some(TopicSettings { values, sent_bytes_max: most, record_bytes_max: most }))
    }

    fn offsets(&self, partition: &TopicPartition) -> Result<OffsetRange, LogError> {
        Source::range(&*self.core, partition)
    }

    fn producer(&self) -> Arc<dyn Producer> {
        Arc::new(EmbeddedProducer(Arc::clone(&self.core)))
    }

    fn consumer(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(LocalConsumer::new(Arc::clone(&self.core), subscription)?))
    }
}

/// Random bytes as a version 4 UUID.
fn uuid_text(random: [u8; 16]) -> String {
    let number = u128::from_be_bytes(random) & !(0xf << 76) & !(0x3 << 62) | (4 << 76) | (2 << 62);
    let (head, tail) = (number >> 96, number & 0xffff_ffff_ffff);
    let [b, c, d] = [80, 64, 48].map(|shift| (number >> shift) & 0xffff);
    format!("{head:08x}-{b:04x}-{c:04x}-{d:04x}-{tail:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_uuid_of_version_4() {
        assert_eq!(uuid_text([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_text([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
