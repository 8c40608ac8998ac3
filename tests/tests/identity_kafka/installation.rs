//! An installation, what was sent to it, and what must be true of it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use event::{TopicPartition, column};
use ports::{Outgoing, publish_and_wait};
use serde_json::Value;
use service::clock::now_ms;
use service::metric_names::NOTIFIER_RECORDS_READ;
use tests::process::Role;
use tests::receiver::Receiver;
use tests::world::World;
use tests::{readiness, wait};

use super::LIMIT;

/// Roles that are members of a group.
const ROLES: [&str; 3] = ["processor", "notifier", "sealer"];

/// A notifier with a receiver, which misses heartbeats soon.
pub(crate) fn notifier(hook: &Receiver) -> String {
    format!(
        "[notifier]\npoll_wait_ms = 50\nretry_pause_ms = 100\ndead_after_secs = 30\n\
         [notifier.secrets]\nhook = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n\
         [notifier.sinks.hook]\ntype = 'webhook'\nurl = '{}'\ntoken_name = 'hook'\n",
        hook.url()
    )
}

/// An installation.
pub(crate) struct Installation {
    pub(crate) world: World,
    /// Full name of its topic of events.
    events: String,
    pub(crate) processes: Vec<Role>,
    /// Identifiers of acknowledged events.
    sent: Vec<String>,
}

impl Installation {
    /// Starts so many processes of each role.
    pub(crate) fn start(world: World, events: &str, of_each: u32) -> Self {
        let start =
            |role: &str, number: u32| process(&world, &format!("{role}-{number}"), role, number);
        let all = ROLES.iter().flat_map(|role| (1..=of_each).map(move |number| (role, number)));
        let processes = all.map(|(role, number)| start(role, number)).collect();
        Self::of(world, events, processes)
    }

    /// Another process of the name of the first one.
    pub(crate) fn namesake(&self, role: &str) -> Role {
        process(&self.world, &format!("second-{role}"), role, 1)
    }

    pub(crate) fn of(world: World, events: &str, processes: Vec<Role>) -> Self {
        Self { world, events: events.to_owned(), processes, sent: Vec::new() }
    }

    /// The first sealer.
    pub(crate) fn sealer(&self) -> &Role {
        self.first("sealer")
    }

    /// The first process of a role.
    pub(crate) fn first(&self, role: &str) -> &Role {
        self.processes.iter().find(|process| role_of(process) == role).unwrap()
    }

    /// Waits until the notifier reads what comes: heartbeats, at least.
    pub(crate) fn notifier_reads_on(&self) {
        let notifier = self.first("notifier");
        let read = || readiness::values(notifier, NOTIFIER_RECORDS_READ).ok()?.first().copied();
        let before = read().unwrap_or(0.0);
        let what = || format!("the notifier to read on: {}", notifier.last_words());
        wait::until_said(what, LIMIT, || read().filter(|read| *read > before));
    }

    /// Waits until every process says that it is ready.
    pub(crate) fn are_ready(&self) {
        for process in &self.processes {
            readiness::wait_for(process, role_of(process), LIMIT);
        }
    }

    /// Waits until no process is, and each says why.
    pub(crate) fn none_is_ready(&self) {
        for process in &self.processes {
            let role = role_of(process);
            let what = format!("{} not to be ready", process.name());
            let reason = wait::until(&what, LIMIT, || readiness::ask(process, role).err());
            assert!(reason.starts_with("not ready: ") && reason.len() > 20, "{role}: {reason}");
        }
    }

    /// Publishes events of many agents.
    pub(crate) fn send(&mut self, count: usize) {
        let events = self.events.clone();
        let sent = self.send_to(&events, count);
        self.sent.extend(sent);
    }

    /// Publishes events to a topic; their identifiers.
    pub(crate) fn send_to(&self, topic: &str, count: usize) -> Vec<String> {
        let event = |number: usize| {
            let (agent, id) = (format!("agent-{}", number % 40), uuid::Uuid::now_v7().to_string());
            (tests::send::run(&agent, "v1", &id, now_ms(), false), id)
        };
        let events: Vec<(Value, String)> = (0..count).map(event).collect();
        let records = events.iter().map(|(event, _)| Outgoing {
            topic: topic.into(),
            key: event["agent_id"].as_str().map(|agent| agent.as_bytes().to_vec()),
            value: Some(event.to_string().into_bytes()),
            ..Outgoing::default()
        });
        let log = self.world.log();
        publish_and_wait(&*log.producer(), records.collect(), Duration::from_secs(30)).unwrap();
        events.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether its archive holds anything of a topic.
    pub(crate) fn has_sealed(&self, topic: &str) -> bool {
        let mut sealed = self.world.sealed();
        sealed.refresh();
        !sealed.ends(topic).is_empty()
    }

    /// Waits until what is acknowledged is sealed; it is there once.
    pub(crate) fn all_is_sealed_once(&self) {
        let mut sealed = self.world.sealed();
        let mut rows: HashMap<String, u32> = HashMap::new();
        let missing = |rows: &HashMap<String, u32>| {
            self.sent.iter().filter(|id| !rows.contains_key(*id)).count()
        };
        wait::until("everything to be sealed", LIMIT, || {
            sealed.refresh();
            rows.clear();
            sealed.rows(&self.events, |_, row| {
                let id = row.event.text(column::EVENT_ID).unwrap_or_default().to_owned();
                *rows.entry(id).or_default() += 1;
            });
            (missing(&rows) == 0).then_some(())
        });
        let doubled = rows.iter().filter(|(_, rows)| **rows > 1).count();
        assert_eq!(doubled, 0, "{}: each once", self.events);
    }

    /// Waits until every partition of a topic is sealed to its end.
    pub(crate) fn is_sealed_to_the_end(&self, topic: &str, partitions: i32) {
        let log = self.world.log();
        let ends: BTreeMap<i32, i64> = (0..partitions)
            .map(|number| (number, log.offsets(&TopicPartition::new(topic, number)).unwrap().next))
            .collect();
        assert!(ends.values().all(|end| *end > 0), "something in each of {ends:?}");
        let mut sealed = self.world.sealed();
        wait::until(&format!("{topic} to be sealed"), LIMIT, || {
            sealed.refresh();
            let found = sealed.ends(topic);
            ends.iter()
                .all(|(number, end)| found.get(number).is_some_and(|found| found >= end))
                .then_some(())
        });
    }

    /// Every process drains; everything is sealed once, and the archive holds.
    pub(crate) fn stop(&mut self) {
        for process in &mut self.processes {
            assert_eq!(process.stop(), Some(0), "{}", process.last_words());
        }
        self.all_is_sealed_once();
        self.world.fsck();
    }
}

/// A process of a role, with the name of that number in its groups.
fn process(world: &World, name: &str, role: &str, number: u32) -> Role {
    let instance = ("DRIFTSEAL__KAFKA__INSTANCE".to_owned(), format!("host-{number}"));
    world.role_with(name, role, &BTreeMap::from([instance]))
}

/// `sealer` of `sealer-2`.
fn role_of(process: &Role) -> &'static str {
    let role = ROLES.iter().find(|role| process.name().starts_with(**role));
    role.unwrap()
}
