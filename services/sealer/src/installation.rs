//! Whose log it is: asked of the event log when the transparency log is created, and compared with it
//! at every start.

use ports::{EventLog, LogError};
use segment::manifest::{Installation, InstalledTopic};

use crate::RunError;
use crate::retry::Retry;

/// Describes what a new transparency log is for: the cluster of an event log, and topics with the
/// partitions that they have now; a topic need not exist yet. It names no keys; [`crate::RoleKeys`]
/// has them.
///
/// # Errors
///
/// `Unavailable`, `Fatal`.
pub fn describe(
    log: &dyn EventLog,
    topic_prefix: &str,
    topics: &[String],
) -> Result<Installation, LogError> {
    let mut names = topics.to_vec();
    names.sort_unstable();
    names.dedup();
    let topic = |name: String| match log.partitions(&name) {
        Ok(partitions) => Ok(InstalledTopic { name, partitions: Some(partitions) }),
        Err(LogError::UnknownPartition(_)) => Ok(InstalledTopic { name, partitions: None }),
        Err(error) => Err(error),
    };
    Ok(Installation {
        cluster: log.cluster_id()?,
        topic_prefix: topic_prefix.to_owned(),
        topics: names.into_iter().map(topic).collect::<Result<_, _>>()?,
        keys: Vec::new(),
    })
}

/// Refuses to seal anything but what the first entry of the transparency log names.
pub(crate) fn check(
    installation: &Installation,
    log: &dyn EventLog,
    topics: &[String],
    retry: &Retry,
) -> Result<(), RunError> {
    let found = retry.run(|| log.cluster_id())?;
    if found != installation.cluster {
        let expected = installation.cluster.clone();
        return Err(RunError::AnotherCluster { expected, found });
    }
    for topic in topics {
        let Some(installed) = installation.topic(topic) else {
            let named = installation.topics.iter().map(|topic| topic.name.clone()).collect();
            return Err(RunError::NotInstalled { topic: topic.clone(), named });
        };
        let Some(expected) = installed.partitions else { continue };
        let found = match retry.run(|| log.partitions(topic)) {
            // Who subscribes to it hears of it.
            Err(LogError::UnknownPartition(_)) => continue,
            outcome => outcome?,
        };
        if found < expected {
            return Err(RunError::FewerPartitions { topic: topic.clone(), expected, found });
        }
    }
    Ok(())
}
