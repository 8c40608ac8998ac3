//! The world of the stories, and what people and agents do in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, Limits, TopicPartition, column, kind};
use ports::EventLog;
use serde_json::Value;
use tests::process::Role;
use tests::rng::Rng;
use tests::send::{run, send};
use tests::wait;
use tests::world::{EVENTS, PARTITIONS, World};

pub(crate) const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const MINUTE_MS: i64 = 60_000;
/// Time between two runs of an agent.
const STEP_MS: i64 = 5_000;
const BY: [&str; 4] = ["--by", "ana", "--reason", "a test"];

/// The world, its roles, and what was sent of each agent.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) processor: Role,
    pub(crate) sealer: Role,
    pub(crate) gateway: Role,
    pub(crate) kills: u32,
    pub(crate) rng: Rng,
    /// Event time of the next run of each agent.
    pub(crate) times: BTreeMap<&'static str, i64>,
    pub(crate) start_ms: i64,
    pub(crate) sent: usize,
}

impl Stage {
    pub(crate) fn start() -> Option<Self> {
        let world = World::start("acts_kafka")?;
        Some(Self {
            log: world.log(),
            processor: world.role("processor"),
            sealer: world.role("sealer"),
            gateway: world.gateway(),
            world,
            kills: 0,
            rng: Rng::new(20_260_201),
            times: BTreeMap::new(),
            start_ms: service::clock::now_ms() - 60 * MINUTE_MS,
            sent: 0,
        })
    }

    /// Runs of an agent, a step apart; each of a version, and failed with its probability.
    pub(crate) fn runs(
        &mut self,
        agent: &'static str,
        of: impl Iterator<Item = (&'static str, f64)>,
    ) -> Vec<Value> {
        let (times, rng, start) = (&mut self.times, &mut self.rng, self.start_ms);
        let time = times.entry(agent).or_insert(start);
        of.map(|(version, share)| {
            *time += STEP_MS;
            self.sent += 1;
            run(agent, version, &format!("{agent}-{}", self.sent), *time, rng.chance(share))
        })
        .collect()
    }

    /// So many runs of one version.
    pub(crate) fn same(
        &mut self,
        agent: &'static str,
        version: &'static str,
        count: usize,
        share: f64,
    ) -> Vec<Value> {
        self.runs(agent, std::iter::repeat_n((version, share), count))
    }

    pub(crate) fn send(&self, events: &[Value]) {
        send(&*self.log, events);
    }

    /// Sends events; the processor is killed when half of them are there.
    pub(crate) fn send_under_kill(&mut self, events: &[Value]) {
        let (first, second) = events.split_at(events.len() / 2);
        self.send(first);
        self.kill();
        self.send(second);
    }

    pub(crate) fn kill(&mut self) {
        self.processor.kill_and_restart();
        self.kills += 1;
    }

    /// What a command says, as JSON.
    pub(crate) fn command(&self, arguments: &[&str]) -> Value {
        let said = self.world.command(&[&["--output", "json"], arguments].concat());
        serde_json::from_str(&said).unwrap()
    }

    /// What a person does, once every partition has it if it has an effect there; where the log has it.
    pub(crate) fn act(&self, arguments: &[&str]) -> Value {
        self.take_effect(&[arguments, &BY].concat())
    }

    pub(crate) fn take_effect(&self, arguments: &[&str]) -> Value {
        let partitions = (0..PARTITIONS).map(|number| TopicPartition::new(EVENTS, number));
        let end = |partition: &TopicPartition| self.log.offsets(partition).unwrap().next;
        let mut waiting: BTreeMap<TopicPartition, i64> =
            partitions.map(|partition| (partition.clone(), end(&partition))).collect();
        let said = self.command(arguments);
        if !said["kind"].as_str().is_some_and(governance::has_effect) {
            return said;
        }
        let act = said["offset"].as_i64().unwrap();
        let decoder = Decoder::new(Limits::default());
        wait::until("every partition to admit an act", LIMIT, || {
            let ranges: Vec<_> =
                waiting.iter().map(|(at, from)| (at.clone(), *from..end(at))).collect();
            let mut admitted = Vec::new();
            let show = |partition: &TopicPartition, record: &event::Record<'_>| {
                let event = decoder.decode(record).event;
                let next = event.int(column::monitor::ADMITTED_NEXT);
                if event.text(column::KIND) == Some(kind::MONITOR_ADMITTED) && next > Some(act) {
                    admitted.push(partition.clone());
                }
            };
            service::read::read_ranges(&*self.log, ranges, Duration::from_secs(5), show).unwrap();
            waiting.retain(|partition, _| !admitted.contains(partition));
            waiting.is_empty().then_some(())
        });
        said
    }

    /// Waits until a list shows something that fits.
    pub(crate) fn shows(&self, list: &[&str], fits: impl Fn(&Value) -> bool) -> Value {
        wait::until(&format!("{list:?}"), LIMIT, || {
            let listed = self.command(list);
            // One list under its name, and numbers.
            let mut lists = listed.as_object().unwrap().values().filter_map(Value::as_array);
            lists.next().unwrap().iter().find(|one| fits(one)).cloned()
        })
    }

    /// Waits until an alert of an agent fires, as the command line shows it.
    pub(crate) fn alert(&self, agent: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.shows(&["alert", "list"], |alert| alert["agent_id"] == agent && fits(alert))
    }
}

pub(crate) fn rfc3339(time_ms: i64) -> String {
    event::Timestamp::from_millis(time_ms).to_rfc3339().unwrap()
}
