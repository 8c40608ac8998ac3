//! A member of a group that outlives its client.
//!
//! librdkafka gives a client up for good after some errors: another process has joined under its name,
//! a rebalance could not be answered. Then the partitions are reported as revoked and another client
//! joins, at once the first time, later after a pause that grows while no client gets an assignment.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use event::TopicPartition;
use ports::{Consumer, LogError, Polled, Position, Subscription};

use crate::consumer::KafkaConsumer;
use crate::instance::Instance;
use crate::options::Options;

/// Pause before the second client that gets no assignment; each later one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Consumer of a group.
#[derive(Debug)]
pub(crate) struct Renewed {
    options: Options,
    instance: Arc<Instance>,
    group: String,
    topics: Vec<String>,
    /// Of each topic.
    partitions: Vec<i32>,
    /// `None` while the next one is waited for.
    client: Option<KafkaConsumer>,
    /// Partitions that were reported as assigned.
    held: BTreeSet<TopicPartition>,
    /// Pause before the next client, if this one gets no assignment.
    pause: Duration,
    /// What is left of a pause.
    left: Duration,
}

impl Renewed {
    /// Joins a group; `partitions` are the numbers of partitions of its topics.
    pub(crate) fn join(
        options: &Options,
        instance: &Arc<Instance>,
        (group, topics): (String, Vec<String>),
        partitions: Vec<i32>,
    ) -> Result<Self, LogError> {
        let mut joined = Self {
            options: options.clone(),
            instance: Arc::clone(instance),
            group,
            topics,
            partitions,
            client: None,
            held: BTreeSet::new(),
            pause: Duration::ZERO,
            left: Duration::ZERO,
        };
        joined.client = Some(joined.client()?);
        Ok(joined)
    }

    fn client(&self) -> Result<KafkaConsumer, LogError> {
        let (group, topics) = (self.group.clone(), self.topics.clone());
        let subscription = Subscription::Group { group, topics };
        KafkaConsumer::new(&self.options, &self.instance, subscription, &self.partitions)
    }

    /// Waits, then joins again. What is assigned is heard of by later polls.
    fn rejoin(&mut self, wait: Duration) -> Result<Polled, LogError> {
        let wait = wait.min(self.left);
        std::thread::sleep(wait);
        self.left -= wait;
        if self.left.is_zero() {
            self.client = Some(self.client()?);
        }
        Ok(Polled::Idle)
    }

    /// Gives a client up that is beyond repair.
    fn give_up(&mut self, reason: &str) -> Polled {
        self.client = None;
        self.left = self.pause;
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, PAUSE_MAX);
        tracing::warn!(
            group = self.group,
            reason,
            pause_ms = self.left.as_millis(),
            "left the group for good; joining it anew"
        );
        match std::mem::take(&mut self.held) {
            held if held.is_empty() => Polled::Idle,
            held => Polled::Revoked(held.into_iter().collect()),
        }
    }

    /// What a call of the client came to; an error of one that is beyond repair may pass, because the
    /// next poll replaces it.
    fn outcome<T>(&self, outcome: Result<T, LogError>) -> Result<T, LogError> {
        match (outcome, self.client.as_ref().and_then(KafkaConsumer::beyond_repair)) {
            (Err(_), Some(reason)) => Err(LogError::Unavailable(reason)),
            (outcome, _) => outcome,
        }
    }

    fn note(&mut self, polled: &Polled) {
        match polled {
            Polled::Assigned(partitions) => {
                self.held.extend(partitions.iter().cloned());
                self.pause = Duration::ZERO;
            }
            Polled::Revoked(partitions) => {
                self.held.retain(|partition| !partitions.contains(partition));
            }
            Polled::Idle | Polled::Batch(_) => {}
        }
    }
}

impl Consumer for Renewed {
    fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        let Some(client) = &mut self.client else { return self.rejoin(wait) };
        if let Some(reason) = client.beyond_repair() {
            return Ok(self.give_up(&reason));
        }
        let polled = client.poll(wait);
        match (polled, client.beyond_repair()) {
            (Err(_), Some(reason)) => Ok(self.give_up(&reason)),
            (polled, _) => {
                let polled = polled?;
                self.note(&polled);
                Ok(polled)
            }
        }
    }

    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), LogError> {
        let unknown = || LogError::UnknownPartition(partition.to_string());
        let outcome = self.client.as_mut().ok_or_else(unknown)?.seek(partition, offset);
        self.outcome(outcome)
    }

    fn pause(&mut self, partition: &TopicPartition, paused: bool) -> Result<(), LogError> {
        let unknown = || LogError::UnknownPartition(partition.to_string());
        let outcome = self.client.as_mut().ok_or_else(unknown)?.pause(partition, paused);
        self.outcome(outcome)
    }

    fn passed(&self, partition: &TopicPartition) -> Option<i64> {
        self.client.as_ref()?.passed(partition)
    }

    fn blocked(&self) -> Vec<Position> {
        self.client.as_ref().map_or_else(Vec::new, |client| client.blocked())
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), LogError> {
        let Some(client) = &mut self.client else { return Ok(()) };
        let outcome = client.commit(positions);
        self.outcome(outcome)
    }

    fn unowned(&mut self) -> Result<Option<BTreeSet<TopicPartition>>, LogError> {
        self.client.as_mut().map_or(Ok(None), KafkaConsumer::unowned)
    }
}
