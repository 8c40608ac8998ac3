//! Retention: records that are old, and that everybody who has to has read, are deleted.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use event::TopicPartition;
use ports::LogError;

use crate::options::Expiry;
use crate::writer::Core;

/// Longest and shortest time between two looks for old records; a look reads what it deletes and one
/// chunk more of each partition.
const EVERY_MS: RangeInclusive<u64> = 1_000..=60_000;
/// Looks within the age at which records are deleted.
const LOOKS: u64 = 10;

/// The thread that looks. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Expirer {
    /// Closed by the drop, which ends the wait.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Expirer {
    pub(crate) fn start(core: Arc<Core>, expiry: Expiry) -> std::io::Result<Self> {
        let (end, ended) = channel();
        let thread = std::thread::Builder::new()
            .name("log-retention".to_owned())
            .spawn(move || run(&core, &expiry, &ended))?;
        Ok(Self { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Expirer {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the retention of the embedded log panicked");
        }
    }
}

fn run(core: &Core, expiry: &Expiry, ended: &Receiver<()>) {
    let every_ms = u64::try_from(expiry.after_ms).unwrap_or(0) / LOOKS;
    let every = Duration::from_millis(every_ms.clamp(*EVERY_MS.start(), *EVERY_MS.end()));
    while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        match expire(core, expiry) {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, "deleted old records of the embedded log"),
            // The disk keeps more than it has to.
            Err(error) => tracing::warn!(%error, "failed to delete old records"),
        }
    }
}

/// Deletes, in whole chunks, what is old and read; how many records.
pub(crate) fn expire(core: &Core, expiry: &Expiry) -> Result<u64, LogError> {
    let before_ms = (core.options.now_ms)().saturating_sub(expiry.after_ms);
    let mut deleted = 0;
    for (topic, groups) in &expiry.topics {
        let Ok(count) = core.store.topic(topic).map(|topic| topic.count()) else { continue };
        for number in 0..count {
            let partition = TopicPartition::new(topic.as_str(), number);
            // Who has read nothing since the process began may have to read everything.
            let read = core.hub.with_groups(|known| {
                groups.iter().map(|group| known.committed(group, &partition).unwrap_or(0)).min()
            });
            let (from, first) = core.store.with_partition(&partition, |state| {
                let from = state.range().first;
                core.store.old(state, read.unwrap_or(0), before_ms).map(|first| (from, first))
            })??;
            if first > from {
                core.trim(&partition, first)?;
                deleted += u64::try_from(first - from).unwrap_or(0);
            }
        }
    }
    Ok(deleted)
}
