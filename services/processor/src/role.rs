//! The loop of the service: one thread, all partitions that the group gives it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, Limits, TopicPartition};
use ports::{Consumer, EventLog, LogError, Polled, Subscription};
use service::Shutdown;
use service::metric_names as names;
use service::role::{Retries, drive};
use thiserror::Error;
use tracing::{info, warn};

use crate::config::Config;
use crate::partition::{Worker, configure};

/// Why the role ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RunError {
    /// The configuration makes no sense; all that is wrong with it.
    #[error("failed to start the processor: {}", .0.join("; "))]
    Config(Vec<String>),
    /// An output topic has fewer partitions than the input.
    #[error("topic `{topic}` has {found} partitions, fewer than the {needed} of the events")]
    Partitions {
        /// The topic.
        topic: String,
        /// Its partitions.
        found: i32,
        /// Partitions of the input.
        needed: i32,
    },
    /// The log failed in a way that does not pass, or too many times in a row.
    #[error("failed to process: {0}")]
    Log(#[from] LogError),
}

/// Runs the processor until the shutdown: reads, computes, publishes. Blocking; give it a thread.
/// On shutdown it publishes what it has computed and writes a snapshot of each partition.
///
/// # Errors
///
/// A configuration that makes no sense, or a log that failed for good or too many times in a row.
pub fn run(config: Config, log: Arc<dyn EventLog>, shutdown: Shutdown) -> Result<(), RunError> {
    let wait = Duration::from_millis(config.poll_wait_ms);
    let retries = Retries { max: config.retries_max, pause: config.retry_pause() };
    let role = drive(
        &shutdown,
        retries,
        || Role::start(config.clone(), Arc::clone(&log)),
        |role| role.step(wait),
        RunError::may_pass,
    )?;
    if let Some(role) = role {
        role.finish();
    }
    Ok(())
}

impl RunError {
    /// Whether starting again may help.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Log(error) => error.may_pass(),
            Self::Config(_) | Self::Partitions { .. } => false,
        }
    }
}

/// The processor as a machine that is driven step by step. [`run`] drives it; dropping it anywhere
/// is the same as killing the process there.
#[derive(Debug)]
pub struct Role {
    config: Arc<Config>,
    log: Arc<dyn EventLog>,
    consumer: Box<dyn Consumer>,
    decoder: Decoder,
    workers: BTreeMap<TopicPartition, Worker>,
}

impl Role {
    /// Joins the group.
    ///
    /// # Errors
    ///
    /// A configuration that makes no sense, an output topic with too few partitions, or what the
    /// log says.
    pub fn start(mut config: Config, log: Arc<dyn EventLog>) -> Result<Self, RunError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(RunError::Config(problems));
        }
        let needed = log.partitions(&config.topics.events)?;
        if config.monitor.false_pages_per_day_max > 0.0 {
            config.monitor.partitions = u32::try_from(needed).unwrap_or(1).max(1);
        }
        let topics = &config.topics;
        for topic in [&topics.metrics, &topics.alerts, &topics.state] {
            let found = log.partitions(topic)?;
            if found < needed {
                return Err(RunError::Partitions { topic: topic.clone(), found, needed });
            }
        }
        // Before anything else is in a partition, so that its first event meets these settings.
        if config.monitor != monitor::Settings::default() {
            let producer = log.producer();
            for partition in (0..needed).map(|n| TopicPartition::new(topics.events.as_str(), n)) {
                if log.offsets(&partition)?.next == 0 {
                    configure(&config, &*producer, &partition)?;
                }
            }
        }
        let subscription = Subscription::Group {
            group: config.group.clone(),
            topics: vec![topics.events.clone()],
        };
        let consumer = log.consumer(subscription)?;
        let decoder = Decoder::new(Limits { value_bytes_max: config.value_bytes_max });
        Ok(Self { config: Arc::new(config), log, consumer, decoder, workers: BTreeMap::new() })
    }

    /// Waits for the next thing to happen, and handles it; then does what is due. Returns whether
    /// records came.
    ///
    /// # Errors
    ///
    /// What the log says. The role must then be dropped; a new one continues from the snapshots.
    pub fn step(&mut self, wait: Duration) -> Result<bool, RunError> {
        let mut progress = false;
        match self.consumer.poll(wait)? {
            Polled::Idle => {}
            Polled::Assigned(partitions) => {
                info!(count = partitions.len(), "was given partitions");
                let opened = Worker::open(&self.config, &self.log, &partitions)?;
                for (partition, worker) in partitions.into_iter().zip(opened) {
                    let first = self.log.offsets(&partition)?.first;
                    self.consumer.seek(&partition, worker.position(first))?;
                    self.workers.insert(partition, worker);
                }
            }
            Polled::Revoked(partitions) => {
                for partition in partitions {
                    // Whoever takes it over goes on from the last snapshot.
                    self.workers.remove(&partition);
                    info!(%partition, "gave a partition back");
                }
            }
            Polled::Batch(batch) => {
                if let Some(worker) = self.workers.get_mut(batch.partition()) {
                    worker.handle_batch(&self.decoder, &batch)?;
                    progress = true;
                }
            }
        }
        let mut positions = Vec::new();
        for worker in self.workers.values_mut() {
            positions.extend(worker.keep_up()?);
        }
        if !positions.is_empty()
            && let Err(error) = self.consumer.commit(&positions)
        {
            warn!(%error, "the lag display of the group stays behind");
        }
        let keys: u64 = self.workers.values().map(Worker::keys).sum();
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!(names::PROCESSOR_SERIES_ACTIVE).set(keys as f64);
        Ok(progress)
    }

    /// Publishes what was computed and writes a snapshot of each partition. What fails is computed
    /// again by the next owner.
    pub fn finish(mut self) {
        let mut positions = Vec::new();
        for (partition, worker) in &mut self.workers {
            match worker.save() {
                Ok(position) => positions.push(position),
                Err(error) => warn!(%partition, %error, "stopped without a snapshot"),
            }
        }
        if let Err(error) = self.consumer.commit(&positions) {
            warn!(%error, "the lag display of the group stays behind");
        }
    }
}
