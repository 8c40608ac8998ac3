//! What operators and brokers do to topics: retention, deletion, settings, losses.

use event::TopicPartition;
use ports::LogError;

use crate::log::MemoryLog;

impl MemoryLog {
    /// Appends offsets without records to a partition, as transaction markers do.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    pub fn skip_offsets(&self, partition: &TopicPartition, offsets: i64) -> Result<(), LogError> {
        let mut state = self.shared.lock();
        let stored = state.store.partition_mut(partition)?;
        stored.skip(offsets);
        let next = stored.next;
        drop(state);
        self.shared.hub.appended([(partition.clone(), next)]);
        Ok(())
    }

    /// Deletes the records before `first`, as retention does.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    pub fn trim(&self, partition: &TopicPartition, first: i64) -> Result<(), LogError> {
        self.shared.lock().store.partition_mut(partition)?.trim(first);
        self.shared.hub.wake();
        Ok(())
    }

    /// Loses the last records of a partition, as an unclean leader election does.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    pub fn lose_end(&self, partition: &TopicPartition, records: i64) -> Result<(), LogError> {
        let mut state = self.shared.lock();
        let stored = state.store.partition_mut(partition)?;
        stored.lose_end(records);
        let next = stored.next;
        drop(state);
        self.shared.hub.appended([(partition.clone(), next)]);
        Ok(())
    }

    /// Deletes a topic. If it is created again, it has another identity and starts at offset 0.
    /// Returns whether it existed.
    pub fn delete_topic(&self, topic: &str) -> bool {
        let Some(deleted) = self.shared.lock().store.topics.remove(topic) else { return false };
        let ends = (0..)
            .zip(deleted.partitions)
            .map(|(number, _)| (TopicPartition::new(topic, number), 0));
        self.shared.hub.appended(ends);
        self.shared.hub.wake();
        true
    }

    /// Changes a setting of a topic, as an operator does. It is only reported: the log does not act
    /// on it.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    pub fn set_topic_setting(&self, topic: &str, name: &str, value: &str) -> Result<(), LogError> {
        let mut state = self.shared.lock();
        let settings = &mut state.store.topic_mut(topic)?.settings;
        settings.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Takes away the permission to read the settings of a topic.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`.
    pub fn hide_topic_settings(&self, topic: &str) -> Result<(), LogError> {
        self.shared.lock().store.topic_mut(topic)?.is_secret = true;
        Ok(())
    }
}
