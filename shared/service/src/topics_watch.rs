//! Settings of topics, read again while roles run.
//!
//! A role checks its topics when it starts and when partitions are assigned to it. What somebody changes
//! between those is seen here, within the interval: it is said with the command that helps, counted, and
//! the role is not ready until it is repaired. The role goes on: what it seals meanwhile is not lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ports::EventLog;
use ports::settings::{Demand, SettingFault};
use tracing::{error, info, warn};

use crate::topics::{SettingFaults, tell_unreadable};
use crate::{Shutdown, health, metric_names as names};

/// The topics of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Name of the role.
    pub role: &'static str,
    /// What its topics must be set to.
    pub demands: Vec<Demand>,
}

/// What is known of the settings of topics.
#[derive(Debug)]
pub struct Watch {
    roles: Vec<(Watched, Vec<SettingFault>)>,
}

impl Watch {
    /// Topics whose settings were right when the roles started.
    #[must_use]
    pub fn new(roles: Vec<Watched>) -> Self {
        Self { roles: roles.into_iter().map(|watched| (watched, Vec::new())).collect() }
    }

    /// Reads the settings, and says what has changed. Of topics about which the log does not tell now, what
    /// was known stays.
    pub fn look(&mut self, log: &dyn EventLog) {
        let all = self.roles.iter().flat_map(|(watched, _)| &watched.demands);
        let topics: BTreeSet<String> = all.map(|demand| demand.topic.clone()).collect();
        let mut found = BTreeMap::new();
        for topic in topics {
            match log.topic_settings(&topic) {
                Ok(Some(settings)) => drop(found.insert(topic, settings)),
                Ok(None) => tell_unreadable(&topic),
                Err(error) => {
                    warn!(topic, %error, "the settings of a topic cannot be read now; nobody watches them");
                }
            }
        }
        for (Watched { role, demands }, known) in &mut self.roles {
            let mut faults = Vec::new();
            for demand in demands.iter() {
                match found.get(&demand.topic) {
                    Some(settings) => faults.extend(demand.faults(settings)),
                    None => {
                        faults.extend(known.iter().filter(|f| f.topic == demand.topic).cloned());
                    }
                }
            }
            for fault in faults.iter().filter(|fault| !known.contains(fault)) {
                error!(role, topic = fault.topic, "{fault}");
            }
            for fault in known.iter().filter(|fault| !faults.contains(fault)) {
                let SettingFault { topic, setting, found, .. } = fault;
                info!(role, topic, setting, found, "a setting of a topic is no longer this one");
            }
            for Demand { topic, .. } in demands.iter() {
                let wrong = faults.iter().filter(|fault| fault.topic == *topic).count();
                metrics::gauge!(
                    names::TOPIC_SETTINGS_WRONG, "role" => *role, "topic" => topic.clone()
                )
                .set(u32::try_from(wrong).unwrap_or(u32::MAX));
            }
            let objection = SettingFaults(faults.clone());
            health::of(role).object((!faults.is_empty()).then(|| objection.to_string()));
            *known = faults;
        }
    }
}

/// Looks at the settings at that interval until shutdown; blocks its thread.
pub fn run(mut watch: Watch, log: &dyn EventLog, every: Duration, shutdown: &Shutdown) {
    while !shutdown.wait_timeout(every) {
        watch.look(log);
    }
}

#[cfg(test)]
mod tests {
    use ports::settings::{CLEANUP_POLICY, MESSAGE_BYTES_MAX, Purpose};
    use ports::{LogError, TopicSpec};
    use sim::MemoryLog;

    use super::*;

    const ROLE: &str = "a role whose topics are watched";

    #[test]
    fn a_role_whose_topics_are_set_otherwise_is_not_ready_until_they_are_repaired() {
        let log = MemoryLog::new();
        let spec = TopicSpec { name: "t".into(), partitions: 1, compacted: false, kept: false };
        log.create_topics(&[spec]).unwrap();
        let health = health::of(ROLE);
        health.say(Ok(()));
        let demands = vec![Demand::written("t", Purpose::Records)];
        let mut watch = Watch::new(vec![Watched { role: ROLE, demands }]);
        let mut set = |name: &str, value: &str| {
            log.set_topic_setting("t", name, value).unwrap();
            watch.look(&log);
            // What the role says of itself does not take it back.
            health.say(Ok(()));
            health.check()
        };
        assert_eq!(set(MESSAGE_BYTES_MAX, "2000000"), Ok(()));
        let wrong = set(CLEANUP_POLICY, "compact").unwrap_err();
        assert!(
            wrong.contains("topic `t` has cleanup.policy=compact; it must be delete"),
            "{wrong}"
        );
        assert!(set(MESSAGE_BYTES_MAX, "100").unwrap_err().contains("; topic `t` has max.message"));
        assert!(
            set(CLEANUP_POLICY, "delete").unwrap_err().starts_with("topic `t` has max.message")
        );
        assert_eq!(set(MESSAGE_BYTES_MAX, "2000000"), Ok(()));
    }

    #[test]
    fn a_log_that_does_not_tell_changes_nothing() {
        const ROLE: &str = "another role whose topics are watched";
        let log = MemoryLog::new();
        let spec = TopicSpec { name: "t".into(), partitions: 1, compacted: false, kept: false };
        log.create_topics(&[spec]).unwrap();
        log.set_topic_setting("t", CLEANUP_POLICY, "compact").unwrap();
        let health = health::of(ROLE);
        health.say(Ok(()));
        let demands =
            vec![Demand::read("t", Purpose::Records), Demand::read("u", Purpose::Records)];
        let mut watch = Watch::new(vec![Watched { role: ROLE, demands }]);
        watch.look(&log);
        assert!(health.check().is_err());
        assert!(matches!(log.topic_settings("u"), Err(LogError::UnknownPartition(_))));
        log.hide_topic_settings("t").unwrap();
        log.set_topic_setting("t", CLEANUP_POLICY, "delete").unwrap();
        watch.look(&log);
        assert!(health.check().is_err(), "nobody knows that it was repaired");
    }
}
