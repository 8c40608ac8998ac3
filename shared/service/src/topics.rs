//! Sees to it that the topics of a role are set, and as large, as they must be.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use ports::settings::{Demand, SettingFault};
use ports::{EventLog, LogError, TopicSpec};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::{info, warn};

/// Topics whose settings could not be read, of which this process has told.
static UNREADABLE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Topics that must be set otherwise: all faults, each with the command that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFaults(pub Vec<SettingFault>);

impl fmt::Display for SettingFaults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        formatter.write_str(&texts.join("; "))
    }
}

/// Why topics are not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TopicsError {
    /// Settings are wrong.
    #[error("{0}")]
    Settings(SettingFaults),
    /// The log does not tell.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Checks the settings of topics. Those that may not be read are not judged, which is said once in a
/// process.
///
/// # Errors
///
/// Every fault at once, or what the log reports.
pub fn check(log: &dyn EventLog, demands: &[Demand]) -> Result<(), TopicsError> {
    let mut faults = Vec::new();
    for demand in demands {
        match log.topic_settings(&demand.topic)? {
            Some(settings) => faults.extend(demand.faults(&settings)),
            None => tell_unreadable(&demand.topic),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(TopicsError::Settings(SettingFaults(faults))) }
}

/// Says once in a process that the settings of a topic may not be read.
pub(crate) fn tell_unreadable(topic: &str) {
    let is_new = UNREADABLE.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.to_owned());
    if is_new {
        warn!(
            topic,
            "the settings of a topic may not be read, and are not checked; grant DescribeConfigs \
             (deploy/kafka/acls.sh)"
        );
    }
}

/// A topic that got more partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grown {
    /// Its name.
    pub topic: String,
    /// Number of partitions before.
    pub from: i32,
    /// Number of partitions now.
    pub to: i32,
}

/// Topics, and what was done to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Names of all topics.
    pub topics: Vec<String>,
    /// Those that got more partitions.
    pub grown: Vec<Grown>,
}

/// Adds partitions to a topic until it has as many as needed, and says so.
///
/// # Errors
///
/// What the log reports.
pub(crate) fn grow(log: &dyn EventLog, topic: &str, to: i32) -> Result<Option<Grown>, LogError> {
    let from = log.partitions(topic)?;
    if !log.grow_topic(topic, to)? {
        return Ok(None);
    }
    info!(topic, from, to, "added partitions to a topic");
    Ok(Some(Grown { topic: topic.to_owned(), from, to }))
}

/// Creates the topics that are missing, and adds partitions to those that have fewer than asked for.
///
/// # Errors
///
/// What the log reports.
pub fn make(log: &dyn EventLog, topics: &[TopicSpec]) -> Result<Made, LogError> {
    log.create_topics(topics)?;
    let grown = topics.iter().map(|topic| grow(log, &topic.name, topic.partitions));
    Ok(Made {
        topics: topics.iter().map(|topic| topic.name.clone()).collect(),
        grown: grown.filter_map(Result::transpose).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use ports::settings::{CLEANUP_POLICY, Purpose, TIMESTAMP_TYPE};
    use sim::MemoryLog;

    use super::*;

    #[test]
    fn every_fault_is_told_at_once_and_what_is_unreadable_is_not_judged() {
        let log = MemoryLog::new();
        let spec = |name: &str| TopicSpec {
            name: name.into(),
            partitions: 1,
            compacted: false,
            kept: false,
        };
        log.create_topics(&[spec("a"), spec("b")]).unwrap();
        let demands = ["a", "b"].map(|topic| Demand::written(topic, Purpose::Records));
        assert_eq!(check(&log, &demands), Ok(()));
        log.set_topic_setting("a", TIMESTAMP_TYPE, "CreateTime").unwrap();
        log.set_topic_setting("b", CLEANUP_POLICY, "compact").unwrap();
        let said = check(&log, &demands).unwrap_err().to_string();
        assert!(said.contains("topic `a` has message.timestamp.type=CreateTime"), "{said}");
        assert!(said.contains("; topic `b` has cleanup.policy=compact"), "{said}");
        log.hide_topic_settings("a").unwrap();
        log.hide_topic_settings("b").unwrap();
        assert_eq!(check(&log, &demands), Ok(()));
        let missing = check(&log, &[Demand::read("c", Purpose::Records)]);
        assert!(matches!(missing, Err(TopicsError::Log(LogError::UnknownPartition(_)))));
    }

    #[test]
    fn topics_are_made_and_grow_and_never_shrink() {
        let log = MemoryLog::new();
        let spec = |name: &str, partitions| TopicSpec {
            name: name.into(),
            partitions,
            compacted: false,
            kept: false,
        };
        let grown = |specs: &[TopicSpec]| make(&log, specs).unwrap().grown;
        assert_eq!(grown(&[spec("a", 2), spec("b", 4)]), []);
        let more = Grown { topic: "a".into(), from: 2, to: 3 };
        assert_eq!(grown(&[spec("a", 3), spec("b", 3), spec("c", 1)]), [more]);
        let counts = ["a", "b", "c"].map(|topic| log.partitions(topic).unwrap());
        assert_eq!(counts, [3, 4, 1]);
    }
}
