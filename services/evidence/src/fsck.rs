//! Checks a whole archive, on all cores.
//!
//! One thread reads the log and hands out segments; workers read and check them. Between them is a
//! short queue, so memory is bounded by two segments for each core.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use archive::{Archive, ArchiveError};
use bytes::Bytes;
use segment::fsck::{
    Fsck, LOG_BYTES_MAX, Listed, Progress, Report, Request, SegmentOutcome, SegmentTask,
};
use segment::policy::Policy;

use crate::sealed;

/// Most threads that check segments.
const WORKERS_MAX: usize = 16;

/// What came of a segment, or why it cannot be read.
type Checked = Result<SegmentOutcome, String>;

/// Re-reads everything in an archive and reports what does not hold. A missing or wrong object is a
/// finding; what cannot be read cannot be judged, and everything else is. `kept` is a signed checkpoint from earlier, which the log must contain.
pub fn fsck(
    archive: &Archive,
    policy: &Policy,
    kept: Option<&str>,
    progress: &mut dyn FnMut(&Progress),
) -> Report {
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
        let fsck = Fsck::new(policy.clone());
        let fsck = match kept {
            Some(kept) => fsck.with_kept_checkpoint(kept),
            None => fsck,
        };
        drive(archive, fsck, progress, to_workers, outcomes)
    })
}

/// Takes its ends of both queues along, so that the workers end with it, also when it fails.
fn drive(
    archive: &Archive,
    mut fsck: Fsck,
    progress: &mut dyn FnMut(&Progress),
    to_workers: SyncSender<SegmentTask>,
    outcomes: Receiver<Checked>,
) -> Report {
    let mut under_way = 0_usize;
    loop {
        match fsck.poll() {
            Request::List(directory) => match archive.list_with_strangers(directory) {
                Ok((objects, strangers)) => {
                    fsck.handle_strangers(strangers);
                    let objects = objects.into_iter();
                    fsck.handle_listing(
                        objects
                            .map(|object| Listed {
                                path: object.path,
                                size_bytes: object.size_bytes,
                            })
                            .collect(),
                    );
                }
                Err(error) => fsck.handle_unreadable(&error.to_string()),
            },
            Request::Read(path) => match found(sealed::read(archive, &path, LOG_BYTES_MAX)) {
                Ok(bytes) => fsck.handle_object(bytes),
                Err(error) => fsck.handle_unreadable(&error.to_string()),
            },
            Request::Check(task) => {
                // Taking what is done before handing out more keeps both queues from filling up.
                while under_way > 0
                    && let Ok(outcome) = outcomes.try_recv()
                {
                    take(&mut fsck, outcome);
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
        take(&mut fsck, outcome);
        progress(&fsck.progress());
    }
    fsck.finish()
}

fn take(fsck: &mut Fsck, outcome: Checked) {
    match outcome {
        Ok(outcome) => fsck.handle_outcome(outcome),
        Err(error) => fsck.handle_unreadable_segment(error),
    }
}

fn work(archive: &Archive, tasks: &Mutex<Receiver<SegmentTask>>, to_us: &SyncSender<Checked>) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        let checked = check(archive, &task).map_err(|error| error.to_string());
        if to_us.send(checked).is_err() {
            return;
        }
    }
}

fn check(archive: &Archive, task: &SegmentTask) -> Result<SegmentOutcome, ArchiveError> {
    let (parquet_bytes, census_bytes) = task.sizes_bytes();
    let parquet = found(sealed::read(archive, task.parquet_path(), parquet_bytes))?;
    let census = found(sealed::read(archive, task.census_path(), census_bytes))?;
    Ok(task.check(parquet.as_ref(), census.as_ref()))
}

fn found(read: Result<Bytes, ArchiveError>) -> Result<Option<Bytes>, ArchiveError> {
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ArchiveError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
