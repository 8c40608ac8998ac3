//! Begins the work on partitions: from the newest usable snapshot of each, or without state.

use std::sync::Arc;

use event::{Decoder, TopicPartition};
use governance::{Ownership, Reader, Schemas};
use monitor::{Destination, Processor};
use ports::{EventLog, LogError};
use registry::Source;
use service::RoleError;
use service::clock::Stopwatch;
use tracing::{error, info, warn};

use super::Worker;
use super::schemas::announce_own;
use crate::admitting::Admitting;
use crate::answering::Answering;
use crate::claim::Claim;
use crate::config::Config;
use crate::identity::Identity;
use crate::load::{Loaded, load, new_writer};
use crate::outbox::{DESTINATIONS, Outbox};
use crate::published::{Unread, read_published};
use crate::remarks::Remarks;
use crate::saved::{Keyspace, Ledger};
use crate::statement::configuration;
use crate::timer::TickTimer;

impl Worker {
    /// Opens partitions of a topic in one pass: loads the newest usable snapshot of each, and reads
    /// which outputs after it are published.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub(crate) fn open(
        (config, identity): (&Arc<Config>, &Arc<Identity>),
        (decoder, source): (&Decoder, Option<&Arc<dyn Source>>),
        log: &Arc<dyn EventLog>,
        inputs: &[TopicPartition],
    ) -> Result<Vec<Self>, RoleError> {
        let watch = Stopwatch::start();
        let topic_id = log.topic_id(&config.topics.events)?;
        let loaded = load(config, &**log, inputs, (&topic_id, identity))?;
        let mut workers = Vec::new();
        for (input, loaded) in inputs.iter().zip(loaded) {
            let reading = (decoder, source);
            let loaded = (topic_id.as_str(), loaded);
            workers.push(Self::begin((config, identity), reading, log, input, loaded)?);
        }
        learn_published((config, identity), &**log, &mut workers)?;
        for worker in &workers {
            let next_offset = worker.machine.next_offset();
            info!(
                partition = %worker.input,
                next_offset,
                records = (worker.end_at_start - next_offset).max(0),
                keys = worker.machine.keys(),
                outputs = worker.outbox.known(),
                elapsed_secs = watch.elapsed_secs(),
                "opened a partition"
            );
        }
        Ok(workers)
    }

    /// Continues from a snapshot, or starts without state.
    pub(super) fn begin(
        (config, identity): (&Arc<Config>, &Arc<Identity>),
        (decoder, source): (&Decoder, Option<&Arc<dyn Source>>),
        log: &Arc<dyn EventLog>,
        input: &TopicPartition,
        (topic_id, loaded): (&str, Option<Loaded>),
    ) -> Result<Self, RoleError> {
        let range = log.offsets(input)?;
        let is_fresh = loaded.is_none();
        let Loaded { mut machine, last_record, output_next, fingerprint, mut begins_at, ledger } =
            loaded.unwrap_or_else(|| Loaded {
                machine: Processor::new(
                    monitor::Settings::default(),
                    &input.topic,
                    input.partition,
                )
                .with_ownership(Ownership::new(identity.trust.clone())),
                last_record: None,
                output_next: [0, 0],
                fingerprint: event::encode::fingerprint(),
                begins_at: None,
                ledger: Ledger::new(
                    Keyspace::new(identity.trust.installation(), input),
                    new_writer(),
                    config.snapshot_chunk_bytes_max,
                ),
            });
        if machine.next_offset() > 0 && machine.next_offset() < range.first {
            error!(
                partition = %input,
                next_offset = machine.next_offset(),
                first = range.first,
                "records were deleted before they were processed"
            );
        }
        let producer = log.producer();
        let outbox = Outbox::new(config, Arc::clone(&producer), input.partition, output_next);
        if is_fresh && was_there(log, input.partition, range.first, &outbox)? {
            warn!(partition = %input, first_offset = range.first, "no usable snapshot; starting without state");
            begins_at = Some(range.first);
            if range.first > 0 {
                machine = machine.with_schemas(Schemas::beginning_at(range.first));
            }
        }
        // An empty partition gets its settings now, so that they are in force for the first event.
        let first =
            (range.next == 0).then(|| configuration(config, &machine)).transpose()?.flatten();
        if fingerprint != event::encode::fingerprint() {
            let writing = (&**config, &**identity, &*producer);
            announce_own(writing, &**log, (input, machine.schemas()), &outbox)?;
        }
        let place = (input, &machine);
        let claim = Claim::make(identity, config, &*producer, place, begins_at, first)?;
        let trust = identity.trust.clone();
        let reader = Reader::new(trust, decoder.clone(), machine.schemas().clone());
        let mut worker = Self {
            reader,
            answering: Answering::new(config, source.cloned()),
            outbox,
            producer,
            claim,
            was_owner: false,
            begins_at,
            config: Arc::clone(config),
            identity: Arc::clone(identity),
            log: Arc::clone(log),
            input: input.clone(),
            topic_id: topic_id.to_owned(),
            reported: machine.counters(),
            forged: machine.forged().clone(),
            remarks: Remarks::new(log.partitions(&input.topic)?),
            machine,
            last_record,
            marks: identity.marks(),
            ledger,
            records_since_snapshot: 0,
            since_snapshot: Stopwatch::start(),
            since_record: Stopwatch::start(),
            ticks: TickTimer::start(),
            admitting: Admitting::new(config.value_bytes_max),
            since_lag: Stopwatch::start(),
            end_at_start: range.next,
            settings_checked: None,
            since_configured: None,
        };
        if is_fresh {
            // At once, so that the new state is not lost again.
            worker.save()?;
        }
        Ok(worker)
    }
}

/// Whether there was a state before, or records that are gone.
fn was_there(
    log: &Arc<dyn EventLog>,
    partition: i32,
    first: i64,
    outbox: &Outbox,
) -> Result<bool, LogError> {
    let mut was_there = first > 0;
    for destination in DESTINATIONS {
        let output = TopicPartition::new(Arc::clone(outbox.topic(destination)), partition);
        was_there |= log.offsets(&output)?.next > 0;
    }
    Ok(was_there)
}

/// Reads which outputs are in the log but not covered by the loaded snapshots.
fn learn_published(
    (config, identity): (&Config, &Identity),
    log: &dyn EventLog,
    workers: &mut [Worker],
) -> Result<(), LogError> {
    let mut unread = Vec::new();
    for worker in &*workers {
        for destination in DESTINATIONS {
            let topic = Arc::clone(worker.outbox.topic(destination));
            let output = TopicPartition::new(topic, worker.input.partition);
            let (from, until) = (worker.outbox.next(destination), log.offsets(&output)?.next);
            let first_origin = worker.machine.next_offset();
            let is_signed = destination == Destination::Alerts;
            unread.push(Unread { output, from, until, first_origin, is_signed });
        }
    }
    let mut found =
        read_published(log, (&config.topics.events, &identity.trust), &unread, config.read_wait())?;
    for (worker, unread) in workers.iter_mut().zip(unread.chunks_exact(DESTINATIONS.len())) {
        for (destination, unread) in DESTINATIONS.into_iter().zip(unread) {
            // Absent if the range contains no output of this partition.
            let published = found.remove(&unread.output).unwrap_or_default();
            worker.outbox.learn(destination, published, unread.until);
        }
    }
    Ok(())
}
