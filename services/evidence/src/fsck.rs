//! Checks a whole archive, on all cores.
//!
//! One thread reads the log and hands out segments; workers read and check them. Between them is a
//! short queue, so memory is bounded by two segments for each core.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use archive::{Archive, ArchiveError};
use bytes::Bytes;
use segment::fsck::{Fsck, Listed, Progress, Report, Request, SegmentOutcome, SegmentTask};
use segment::policy::Policy;

use crate::EvidenceError;

/// Most threads that check segments.
const WORKERS_MAX: usize = 16;

type Checked = Result<SegmentOutcome, ArchiveError>;

/// Re-reads everything in an archive and reports what does not hold.
///
/// # Errors
///
/// [`EvidenceError::Archive`] if an object that exists cannot be read. A missing or wrong object is
/// a finding.
pub fn fsck(
    archive: &Archive,
    policy: &Policy,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Report, EvidenceError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
    let (to_workers, tasks) = sync_channel::<SegmentTask>(workers);
    let (to_us, outcomes) = sync_channel::<Checked>(workers.saturating_mul(2));
    let tasks = Mutex::new(tasks);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (tasks, to_us) = (&tasks, to_us.clone());
            scope.spawn(move || work(archive, tasks, &to_us));
        }
        drop(to_us);
        drive(archive, policy, progress, to_workers, outcomes)
    })
}

/// Takes its ends of both queues along, so that the workers end with it, also when it fails.
fn drive(
    archive: &Archive,
    policy: &Policy,
    progress: &mut dyn FnMut(&Progress),
    to_workers: SyncSender<SegmentTask>,
    outcomes: Receiver<Checked>,
) -> Result<Report, EvidenceError> {
    let mut fsck = Fsck::new(policy.clone());
    let mut under_way = 0_usize;
    loop {
        match fsck.poll() {
            Request::List(directory) => {
                let objects = archive.list(directory)?.into_iter();
                fsck.handle_listing(
                    objects
                        .map(|object| Listed { path: object.path, size_bytes: object.size_bytes })
                        .collect(),
                );
            }
            Request::Read(path) => fsck.handle_object(read(archive, &path)?),
            Request::Check(task) => {
                // Taking what is done before handing out more keeps both queues from filling up.
                while under_way > 0
                    && let Ok(outcome) = outcomes.try_recv()
                {
                    fsck.handle_outcome(outcome?);
                    under_way = under_way.saturating_sub(1);
                }
                if to_workers.send(*task).is_err() {
                    break;
                }
                under_way = under_way.saturating_add(1);
            }
            Request::Done => break,
        }
        progress(&fsck.progress());
    }
    drop(to_workers);
    for outcome in outcomes {
        fsck.handle_outcome(outcome?);
        progress(&fsck.progress());
    }
    Ok(fsck.finish())
}

fn work(archive: &Archive, tasks: &Mutex<Receiver<SegmentTask>>, to_us: &SyncSender<Checked>) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        let checked = check(archive, &task);
        if to_us.send(checked).is_err() {
            return;
        }
    }
}

fn check(archive: &Archive, task: &SegmentTask) -> Checked {
    let parquet = read(archive, task.parquet_path())?;
    let census = read(archive, task.census_path())?;
    Ok(task.check(parquet.as_ref(), census.as_ref()))
}

fn read(archive: &Archive, path: &str) -> Result<Option<Bytes>, ArchiveError> {
    match archive.get(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ArchiveError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
