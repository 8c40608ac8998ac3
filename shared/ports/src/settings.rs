//! What a topic must be set to, so that its records can be evidence. Pure: settings in, faults out.
//!
//! Settings have Kafka's names and values in every log, so that a topic can move there.

use std::collections::BTreeMap;
use std::fmt;

/// Who stamps records.
pub const TIMESTAMP_TYPE: &str = "message.timestamp.type";
/// How old records go.
pub const CLEANUP_POLICY: &str = "cleanup.policy";
/// Milliseconds that records are kept; -1 for ever.
pub const RETENTION_MS: &str = "retention.ms";
/// Bytes of a partition that are kept; -1 for all.
pub const RETENTION_BYTES: &str = "retention.bytes";
/// Largest batch of records that is accepted, bytes.
pub const MESSAGE_BYTES_MAX: &str = "max.message.bytes";

/// Settings of a topic, as the log has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicSettings {
    /// Values by name. A name that is absent is not judged.
    pub values: BTreeMap<String, String>,
    /// Largest batch that this client sends, bytes.
    pub sent_bytes_max: usize,
    /// Largest record that this client sends, bytes; below `sent_bytes_max` by what surrounds it.
    pub record_bytes_max: usize,
}

/// What a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Its records are sealed: each counts.
    Records,
    /// Acts: sealed, and read from the first one on at every start.
    Acts,
    /// The newest record of each key counts.
    State,
}

/// A topic that a role uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Demand {
    /// Its name.
    pub topic: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether the role writes to it.
    pub is_written: bool,
}

impl Demand {
    /// A topic that is only read.
    #[must_use]
    pub fn read(topic: impl Into<String>, purpose: Purpose) -> Self {
        Self { topic: topic.into(), purpose, is_written: false }
    }

    /// A topic that is written to.
    #[must_use]
    pub fn written(topic: impl Into<String>, purpose: Purpose) -> Self {
        Self { topic: topic.into(), purpose, is_written: true }
    }

    /// Everything that is wrong with the settings of the topic.
    #[must_use]
    pub fn faults(&self, settings: &TopicSettings) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        let mut must = |setting: &'static str, needed: &str, holds: &dyn Fn(&str) -> bool| {
            if let Some(found) = settings.values.get(setting).filter(|found| !holds(found)) {
                faults.push(SettingFault {
                    topic: self.topic.clone(),
                    setting,
                    found: found.clone(),
                    needed: needed.to_owned(),
                    alternative: None,
                });
            }
        };
        must(TIMESTAMP_TYPE, "LogAppendTime", &|found| found == "LogAppendTime");
        let has_compaction = |found: &str| found.split(',').any(|word| word.trim() == "compact");
        match self.purpose {
            Purpose::Records | Purpose::Acts => {
                must(CLEANUP_POLICY, "delete", &|found| !has_compaction(found));
            }
            Purpose::State => must(CLEANUP_POLICY, "compact", &has_compaction),
        }
        if self.purpose == Purpose::Acts {
            must(RETENTION_MS, "-1", &|found| found == "-1");
            must(RETENTION_BYTES, "-1", &|found| found == "-1");
        }
        if self.is_written {
            let sent = settings.sent_bytes_max;
            let fits = |found: &str| found.parse::<usize>().is_ok_and(|most| most >= sent);
            must(MESSAGE_BYTES_MAX, &sent.to_string(), &fits);
            let around = sent.saturating_sub(settings.record_bytes_max);
            for fault in faults.iter_mut().filter(|fault| fault.setting == MESSAGE_BYTES_MAX) {
                let most = fault.found.parse::<usize>().ok();
                fault.alternative = most.and_then(|most| most.checked_sub(around)).map(|most| {
                    format!("or send smaller records: `kafka.record_bytes_max = {most}`")
                });
            }
        }
        faults
    }
}

/// A setting of a topic that must be another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// The topic.
    pub topic: String,
    /// Name of the setting.
    pub setting: &'static str,
    /// Its value.
    pub found: String,
    /// The value that it must have, or at least have.
    pub needed: String,
    /// What else helps.
    pub alternative: Option<String>,
}

impl fmt::Display for SettingFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, setting, found, needed, alternative } = self;
        let least = if *setting == MESSAGE_BYTES_MAX { "at least " } else { "" };
        write!(
            formatter,
            "topic `{topic}` has {setting}={found}; it must be {least}{needed}: `kafka-configs.sh \
             --bootstrap-server HOST:PORT --alter --topic {topic} --add-config {setting}={needed}`"
        )?;
        alternative.as_ref().map_or(Ok(()), |text| write!(formatter, ", {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(values: &[(&str, &str)]) -> TopicSettings {
        let good = [
            (TIMESTAMP_TYPE, "LogAppendTime"),
            (RETENTION_MS, "-1"),
            (RETENTION_BYTES, "-1"),
            (MESSAGE_BYTES_MAX, "1048588"),
        ];
        let values = good.iter().chain(values);
        TopicSettings {
            values: values.map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            sent_bytes_max: 1_004_096,
            record_bytes_max: 1_000_000,
        }
    }

    #[test]
    fn each_setting_counts_for_the_purpose_that_needs_it() {
        use Purpose::{Acts, Records, State};
        // Setting, value, and for which purposes it is wrong.
        let table: &[(&str, &str, &[Purpose])] = &[
            (TIMESTAMP_TYPE, "LogAppendTime", &[]),
            (TIMESTAMP_TYPE, "CreateTime", &[Records, Acts, State]),
            (CLEANUP_POLICY, "delete", &[State]),
            (CLEANUP_POLICY, "compact", &[Records, Acts]),
            (CLEANUP_POLICY, "compact,delete", &[Records, Acts]),
            (CLEANUP_POLICY, "delete, compact", &[Records, Acts]),
            (CLEANUP_POLICY, "", &[State]),
            (RETENTION_MS, "604800000", &[Acts]),
            (RETENTION_BYTES, "1073741824", &[Acts]),
            (MESSAGE_BYTES_MAX, "1004096", &[]),
            (MESSAGE_BYTES_MAX, "1004095", &[Records, Acts, State]),
            (MESSAGE_BYTES_MAX, "many", &[Records, Acts, State]),
            ("segment.bytes", "1", &[]),
        ];
        for (setting, value, wrong) in table {
            for purpose in [Records, Acts, State] {
                let settings = settings(&[(setting, value)]);
                let faults = Demand::written("t", purpose).faults(&settings);
                let names: Vec<_> = faults.iter().map(|fault| fault.setting).collect();
                let expected = if wrong.contains(&purpose) { vec![*setting] } else { vec![] };
                assert_eq!(names, expected, "{setting}={value} for {purpose:?}");
                let read = Demand::read("t", purpose).faults(&settings);
                assert_eq!(read.is_empty(), names.is_empty() || *setting == MESSAGE_BYTES_MAX);
            }
        }
        // What is not known is not judged.
        assert_eq!(Demand::written("t", Acts).faults(&TopicSettings::default()), []);
    }

    #[test]
    fn a_fault_names_topic_setting_value_and_command() {
        let faults = |values: &[(&str, &str)]| {
            let faults = Demand::written("a.b", Purpose::Records).faults(&settings(values));
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            faults(&[(TIMESTAMP_TYPE, "CreateTime")]),
            ["topic `a.b` has message.timestamp.type=CreateTime; it must be LogAppendTime: \
              `kafka-configs.sh --bootstrap-server HOST:PORT --alter --topic a.b --add-config \
              message.timestamp.type=LogAppendTime`"]
        );
        assert_eq!(
            faults(&[(MESSAGE_BYTES_MAX, "102400")]),
            ["topic `a.b` has max.message.bytes=102400; it must be at least 1004096: \
              `kafka-configs.sh --bootstrap-server HOST:PORT --alter --topic a.b --add-config \
              max.message.bytes=1004096`, or send smaller records: `kafka.record_bytes_max = 98304`"]
        );
    }
}
