//! Topics are the ones that were read, and their settings are right; or nothing of them is sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use event::TopicPartition;
use ports::identity::{AtLast, Changed, Found, Kept, Resume, judge};
use ports::mark::Mark;
use ports::{EventLog, LogError, OffsetRange};
use segment::log::ChainEnd;
use service::topics::TopicsError;
use tracing::warn;

use crate::config::LostRecords;
use crate::retry::Retry;
use crate::store::Stored;
use crate::{Config, RunError};

/// Refuses topics whose settings would lose or falsify records.
pub(crate) fn check_settings(
    log: &dyn EventLog,
    config: &Config,
    retry: &Retry,
) -> Result<(), RunError> {
    let demands = config.demands();
    let checked = retry.run(|| match service::topics::check(log, &demands) {
        Ok(()) => Ok(None),
        Err(TopicsError::Settings(faults)) => Ok(Some(faults)),
        Err(TopicsError::Log(error)) => Err(error),
    })?;
    checked.map_or(Ok(()), |faults| Err(RunError::Topics(faults)))
}

/// Identities of the topics that are read, as of the last assignment.
#[derive(Debug, Default)]
pub(crate) struct Identities(BTreeMap<Arc<str>, String>);

impl Identities {
    /// Forgets them: the topics may be others now.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The identity of a topic.
    pub(crate) fn of(
        &mut self,
        topic: &Arc<str>,
        log: &dyn EventLog,
        retry: &Retry,
    ) -> Result<String, RunError> {
        if let Some(id) = self.0.get(topic) {
            return Ok(id.clone());
        }
        let id = retry.run(|| log.topic_id(topic))?;
        self.0.insert(Arc::clone(topic), id.clone());
        Ok(id)
    }

    /// Makes sure that what is about to be sealed was read from the topics that were assigned: one that
    /// was deleted and created again meanwhile may hold the next offset too. A log that does not answer is
    /// not asked again: while the sealer waits it does not hear that it has lost its partitions.
    pub(crate) fn confirm<'a>(
        &self,
        waiting: impl Iterator<Item = &'a Stored>,
        log: &dyn EventLog,
    ) -> Result<(), RunError> {
        let sealed = waiting.map(|stored| (&stored.facts.partition, stored.facts.first_offset));
        self.compare(sealed, |topic| log.topic_id(topic).map(Some))
    }

    /// The same for partitions that are read, each with its position, so that somebody hears of a topic
    /// from which nothing comes any more. A log that does not answer now is asked the next time.
    pub(crate) fn look<'a>(
        &self,
        read: impl Iterator<Item = (&'a TopicPartition, i64)>,
        log: &dyn EventLog,
    ) -> Result<(), RunError> {
        self.compare(read, |topic| match log.topic_id(topic) {
            Err(LogError::Unavailable(_)) => Ok(None),
            outcome => outcome.map(Some),
        })
    }

    fn compare<'a>(
        &self,
        partitions: impl Iterator<Item = (&'a TopicPartition, i64)>,
        ask: impl Fn(&str) -> Result<Option<String>, LogError>,
    ) -> Result<(), RunError> {
        let mut confirmed: BTreeSet<&str> = BTreeSet::new();
        for (partition, position) in partitions {
            let Some(kept) = self.0.get(&partition.topic) else { continue };
            if !confirmed.insert(&partition.topic) {
                continue;
            }
            // A log that does not answer is not asked for the others.
            let Some(found) = ask(&partition.topic)? else { return Ok(()) };
            if found != *kept {
                let changed = Changed::AnotherTopic { kept: kept.clone(), found, position };
                return Err(RunError::Changed { partition: partition.clone(), changed });
            }
        }
        Ok(())
    }

    /// Where a partition goes on, given where its sealed part ends and what it holds now.
    pub(crate) fn resume(
        &mut self,
        (partition, (range, at_last)): (&TopicPartition, (OffsetRange, AtLast)),
        end: Option<&ChainEnd>,
        lost_records: LostRecords,
        (log, retry): (&dyn EventLog, &Retry),
    ) -> Result<Resume, RunError> {
        let topic_id = self.of(&partition.topic, log, retry)?;
        let kept = end.map(|end| Kept {
            topic_id: end.topic_id.clone(),
            next_offset: end.next_offset,
            last: Some(Mark(end.last_record)),
        });
        let found = Found { topic_id, range, at_last };
        let resume = judge(kept.as_ref(), &found)
            .map_err(|changed| RunError::Changed { partition: partition.clone(), changed })?;
        if resume.is_lossy() {
            let (from, to) = (resume.position, resume.read_from);
            // Nobody can have sealed what was gone before the first start.
            if kept.is_some() && lost_records == LostRecords::Stop {
                return Err(RunError::Lost { partition: partition.clone(), from, to });
            }
            warn!(%partition, from, to, "the event log has deleted records before they were sealed; the range will be sealed as lost");
        }
        Ok(resume)
    }
}
