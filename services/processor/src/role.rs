//! The service as one machine: a group member, and a worker for each assigned partition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, Limits, TopicPartition};
use ports::{EventLog, Polled};
use registry::Source;
use service::metric_names as names;
use service::role::{Pace, match_partitions};
use service::waits::Waits;
use service::{Member, Role, RoleError, Shutdown};
use tracing::warn;

use crate::config::Config;
use crate::governance::Governance;
use crate::identity::Identity;
use crate::partition::Worker;

/// Runs the processor until the shutdown: reads, computes, publishes. It blocks; run it in a thread
/// of its own. On shutdown it publishes the computed outputs and writes a snapshot of each
/// partition.
///
/// # Errors
///
/// An invalid configuration, an output that cannot be built, or a log that failed permanently.
pub fn run(
    config: Config,
    log: Arc<dyn EventLog>,
    identity: Identity,
    shutdown: Shutdown,
) -> Result<(), RoleError> {
    let pace = Pace {
        poll_wait: Duration::from_millis(config.poll_wait_ms),
        retry_pause: config.retry_pause(),
    };
    service::role::run(pace, &shutdown, || {
        Processor::start(config.clone(), Arc::clone(&log), identity.clone())
    })
}

/// The processor as a machine that is advanced step by step; [`run`] drives it.
#[derive(Debug)]
pub struct Processor {
    config: Arc<Config>,
    log: Arc<dyn EventLog>,
    identity: Arc<Identity>,
    member: Member,
    decoder: Decoder,
    /// Of schemas of other writers.
    source: Option<Arc<dyn Source>>,
    governance: Governance,
    workers: BTreeMap<TopicPartition, Worker>,
    waits: Waits,
}

impl Processor {
    /// Joins the group.
    ///
    /// # Errors
    ///
    /// An invalid configuration, a key that is not valid, an output topic that has too few partitions and
    /// may not grow, a governance topic that is missing or has several, or an error of the log.
    pub fn start(
        mut config: Config,
        log: Arc<dyn EventLog>,
        identity: Identity,
    ) -> Result<Self, RoleError> {
        RoleError::check_config(config.problems())?;
        identity.check()?;
        size(&mut config, &*log)?;
        let source = config.schemas.open()?;
        let decoder = Decoder::new(Limits { value_bytes_max: config.value_bytes_max });
        let governance = Governance::open(&config, &*log, &identity.trust, decoder.clone())?;
        service::topics::check(&*log, &config.topics.demands())?;
        let member = Member::join(&*log, &*config.group, [config.topics.events.clone()])?;
        let (config, identity) = (Arc::new(config), Arc::new(identity));
        let (workers, waits) = (BTreeMap::new(), Waits::new(Self::NAME));
        Ok(Self { config, log, identity, member, decoder, source, governance, workers, waits })
    }

    fn assign(&mut self, partitions: Vec<TopicPartition>) -> Result<(), RoleError> {
        // Partitions may have been added; who has others already goes on with the old settings.
        let mut config = Config::clone(&self.config);
        size(&mut config, &*self.log)?;
        self.config = Arc::new(config);
        service::topics::check(&*self.log, &self.config.topics.demands())?;
        let (as_who, reading) =
            ((&self.config, &self.identity), (&self.decoder, self.source.as_ref()));
        let opened = Worker::open(as_who, reading, &self.log, &partitions)?;
        for (partition, worker) in partitions.into_iter().zip(opened) {
            let first = self.log.offsets(&partition)?.first;
            self.member.seek(&partition, worker.position(first))?;
            self.workers.insert(partition, worker);
        }
        Ok(())
    }
}

/// Makes the output topics as large as the input topic. State grows first, alerts last: who is assigned
/// a new partition of alerts finds the others there.
fn size(config: &mut Config, log: &dyn EventLog) -> Result<(), RoleError> {
    let topics = &config.topics;
    let outputs = [&*topics.state, &topics.metrics, &topics.alerts];
    let partitions = match_partitions(log, &topics.events, &outputs)?;
    if config.monitor.false_pages_per_day_max > 0.0 {
        config.monitor.partitions = u32::try_from(partitions).map_err(|_| {
            RoleError::Start(format!("topic `{}` has {partitions} partitions", topics.events))
        })?;
    }
    Ok(())
}

impl Role for Processor {
    type Error = RoleError;

    const NAME: &'static str = "processor";

    fn standing(&self) -> Result<(), String> {
        self.member.standing()
    }

    fn step(&mut self, wait: Duration) -> Result<bool, RoleError> {
        let mut progress = false;
        match self.member.poll(wait)? {
            Polled::Idle => {}
            Polled::Assigned(partitions) => self.assign(partitions)?,
            // The next owner continues from their last snapshots.
            Polled::Revoked(partitions) => {
                self.workers.retain(|partition, _| !partitions.contains(partition));
            }
            Polled::Batch(batch) => {
                let worker = self.workers.get_mut(batch.partition());
                let worker = worker.ok_or_else(|| RoleError::unassigned(batch.partition()))?;
                if let Some(offset) = worker.handle_batch(&batch)? {
                    self.member.seek(batch.partition(), offset)?;
                }
                progress = true;
            }
        }
        progress |= self.governance.poll()?;
        let mut positions = Vec::new();
        for (partition, worker) in &mut self.workers {
            positions.extend(worker.keep_up(&self.governance, self.member.passed(partition))?);
        }
        self.member.commit(&positions);
        self.waits.update(self.workers.values().filter_map(Worker::waiting));
        let keys: u64 = self.workers.values().map(Worker::keys).sum();
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!(names::PROCESSOR_SERIES_ACTIVE).set(keys as f64);
        Ok(progress)
    }

    fn finish(mut self) -> Result<(), RoleError> {
        let mut positions = Vec::new();
        for (partition, worker) in &mut self.workers {
            match worker.save() {
                Ok(position) => positions.push(position),
                Err(error) => warn!(%partition, %error, "failed to save the final snapshot"),
            }
        }
        self.member.commit(&positions);
        Ok(())
    }
}
