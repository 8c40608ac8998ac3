//! Recomputes every metric, drift verdict and alert from a sealed archive, and compares.
//!
//! The log is verified first, then every segment that is read, while it is read; the census and
//! what else hangs on the log is `fsck`'s. Whose records are obeyed, and who signs alerts, the first entry of the log says. Nothing but the archive decides: the computation is a
//! pure function of the sealed records, settings included ([`monitor::replay`] has the rules of the comparison).
//!
//! Partitions are independent, and one thread takes one after the other. Of each, three segments
//! are in memory: records, metrics, alerts. A partition is read twice if rows come back to outputs that are
//! forgotten by then ([`ReplayOptions::outputs_max`]).

mod options;
mod partition;
mod report;
mod rows;
mod schemas;
mod starts;

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use archive::{Archive, ArchiveError};
use governance::{Installation, Ownership, Trust};
use segment::fault::Distrust;
use segment::manifest::{KeyUse, Manifest, SegmentManifest};
use segment::policy::Policy;
use segment::rows::Check;

pub use self::options::ReplayOptions;
pub use self::report::{Found, PartitionReplay, ReplayReport};

use self::partition::Job;
use crate::{EvidenceError, Log, Progress, read_log};

/// Most threads that replay.
const WORKERS_MAX: usize = 16;

/// What a worker says.
enum Said {
    Records(u64),
    Done(Box<PartitionReplay>),
    Failed(ArchiveError),
}

/// Replays an archive.
///
/// # Errors
///
/// See [`EvidenceError`]: the log does not hold, the archive has none of the topics, or an object
/// that exists cannot be read. A segment that is missing or wrong is in the report, as are
/// differences.
pub fn replay(
    archive: &Archive,
    policy: &Policy,
    options: &ReplayOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ReplayReport, EvidenceError> {
    let log = read_log(archive, policy, progress)?;
    let mut report = ReplayReport::of(&log, options);
    let ownership = Ownership::new(trust_of(&log)?);
    let manifests =
        log.entries.into_iter().filter_map(|entry| entry.opened.manifest.into_segment());
    let jobs = jobs(manifests, options)?;
    let total = jobs.iter().map(Job::records).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.min(WORKERS_MAX).min(jobs.len());
    let jobs = Mutex::new(jobs);
    let (say, said) = channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (jobs, say, ownership) = (&jobs, say.clone(), &ownership);
            scope.spawn(move || work(archive, options, ownership, jobs, &say));
        }
        drop(say);
        let mut done = 0_u64;
        for said in said {
            match said {
                Said::Records(records) => {
                    done = done.saturating_add(records);
                    progress(Progress { phase: "replaying records", done, total });
                }
                Said::Done(partition) => report.partitions.push(*partition),
                Said::Failed(error) => return Err(error),
            }
        }
        Ok::<(), ArchiveError>(())
    })?;
    report.judge();
    Ok(report)
}

/// One job for each partition of the events, and for each that only has outputs.
fn jobs(
    manifests: impl Iterator<Item = SegmentManifest>,
    options: &ReplayOptions,
) -> Result<VecDeque<Job>, EvidenceError> {
    let mut jobs: BTreeMap<i32, Job> = BTreeMap::new();
    let mut others = std::collections::BTreeSet::new();
    for manifest in manifests {
        let partition = &manifest.facts.partition;
        let number = partition.partition;
        let topic = &*partition.topic;
        if [&options.events, &options.metrics, &options.alerts].iter().all(|name| *name != topic) {
            others.insert(topic.to_owned());
            continue;
        }
        let job = jobs.entry(number).or_insert_with(|| Job::new(number));
        if topic == options.events {
            job.events.push_back(manifest);
        } else if topic == options.metrics {
            job.metrics.push_back(manifest);
        } else {
            job.alerts.push_back(manifest);
        }
    }
    if jobs.is_empty() {
        return Err(EvidenceError::NoTopic {
            topic: options.events.clone(),
            found: others.into_iter().collect(),
        });
    }
    Ok(jobs.into_values().collect())
}

/// The installation that the log begins with, and the keys that count in its topics.
fn trust_of(log: &Log) -> Result<Trust, EvidenceError> {
    let first = log.entries.first().map(|entry| &entry.opened.manifest);
    let Some(Manifest::Installation(first)) = first else {
        unreachable!("a log that was verified begins with its installation")
    };
    let installation = Installation {
        origin: log.origin.clone(),
        topic_prefix: first.installation.topic_prefix.clone(),
    };
    let keys = |used_for| first.installation.keys_for(used_for);
    Trust::parse(installation, keys(KeyUse::Processor), keys(KeyUse::Governance)).map_err(|error| {
        EvidenceError::Log(Distrust::Unverifiable(format!("the keys of the installation: {error}")))
    })
}

fn work(
    archive: &Archive,
    options: &ReplayOptions,
    ownership: &Ownership,
    jobs: &Mutex<VecDeque<Job>>,
    say: &Sender<Said>,
) {
    let check = if options.trust_archive { Check::Form } else { Check::Everything };
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = job else { return };
        // Whoever does not listen any more has met an error, and is ending.
        let mut moved = |records| say.send(Said::Records(records)).is_ok();
        let done = match job.run(archive, options, (ownership, check), &mut moved) {
            Ok(partition) => Said::Done(Box::new(partition)),
            Err(error) => Said::Failed(error),
        };
        if say.send(done).is_err() {
            return;
        }
    }
}
