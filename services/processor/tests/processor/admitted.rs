//! Acts that the gateway wrote take effect once in a partition, in their order, whatever happens to its
//! owners; what is no act of the gateway takes none.

use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, Event, EventBuilder, Limits, Timestamp, TimestampType, TopicPartition};
use event::{column, kind};
use governance::sign_act;
use monitor::Output;
use ports::{EventLog as _, Outgoing, TopicSpec};
use processor::{Config, Processor};
use proptest::prelude::*;
use service::{Role as _, RoleError};
use sim::{Fault, MemoryLog, Operation};

use crate::world::{act, gateway, installation, recomputed, unsigned};

/// The clock of the log in memory.
const START_MS: i64 = 1_700_000_000_000;
const GROUP: &str = "driftseal-processor";

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A person mutes another agent.
    Act,
    /// Somebody writes the last act again, as it is or without a signature.
    Again { signed: bool },
    /// A run of an agent.
    Run,
    /// A processor starts, or makes so many steps.
    Go(usize, u8),
    /// A processor dies.
    Kill(usize),
    /// A processor loses the partition and does not know it.
    Evict,
    /// A publication in a while fails in that way.
    Fail(u64, Fault),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..2_usize;
    let faults = vec![Fault::NotApplied, Fault::LostAnswer, Fault::Held, Fault::Duplicated];
    prop_oneof![
        4 => Just(Step::Act),
        1 => any::<bool>().prop_map(|signed| Step::Again { signed }),
        2 => Just(Step::Run),
        8 => (who.clone(), 1..8_u8).prop_map(|(who, steps)| Step::Go(who, steps)),
        2 => who.prop_map(Step::Kill),
        1 => Just(Step::Evict),
        1 => (0..4_u64, prop::sample::select(faults)).prop_map(|(at, fault)| Step::Fail(at, fault)),
    ]
}

fn events() -> TopicPartition {
    TopicPartition::new("agent.events", 0)
}

fn log_with(record_bytes_max: usize, governance: &[(&str, i32)]) -> MemoryLog {
    let log =
        MemoryLog::with_settings(sim::Settings { record_bytes_max, ..sim::Settings::default() });
    let topics = Config::default().topics;
    let all = [&*topics.events, &topics.metrics, &topics.alerts, &topics.state];
    let all = all.into_iter().map(|name| (name, 1)).chain(governance.iter().copied());
    let spec = |(name, partitions): (&str, i32)| TopicSpec {
        name: name.to_owned(),
        partitions,
        compacted: name == topics.state,
        kept: name == topics.governance,
    };
    log.create_topics(&all.map(spec).collect::<Vec<_>>()).unwrap();
    log
}

fn log() -> MemoryLog {
    log_with(1 << 20, &[("driftseal.governance", 1)])
}

fn append(log: &MemoryLog, topic: &str, event: &Event<'_>) {
    let record = Outgoing::event(topic, event).in_partition(0);
    log.append_at(record, START_MS, TimestampType::LogAppendTime).unwrap();
}

fn suppression(number: usize) -> Event<'static> {
    EventBuilder::new(kind::DRIFT_SUPPRESSION_STARTED)
        .set(column::EVENT_ID, format!("s{number}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(START_MS))
        .set(column::AGENT_ID, format!("agent-{number}"))
        .set(column::actor::ID, "ana")
        .set(column::drift::UNTIL, Timestamp::from_millis(START_MS + 86_400_000))
        .build()
        .unwrap()
}

fn run(number: usize) -> Event<'static> {
    EventBuilder::new(kind::RUN_COMPLETED)
        .set(column::EVENT_ID, format!("run-{number}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(START_MS))
        .set(column::AGENT_ID, "agent-0")
        .set(column::AGENT_VERSION, "v1")
        .set(column::run::STATUS, "ok")
        .build()
        .unwrap()
}

fn start(log: &MemoryLog) -> Result<Processor, RoleError> {
    let config = Config {
        tick_interval_secs: 0,
        poll_wait_ms: 0,
        publish_wait_ms_max: 1,
        read_wait_ms_max: 20,
        snapshot_records_max: 3,
        ..Config::default()
    };
    Processor::start(config, Arc::new(log.clone()), crate::world::identity())
}

/// Steps until nothing comes any more.
fn drain(role: &mut Processor) -> Result<(), RoleError> {
    let mut idle = 0;
    while idle < 4 {
        idle = if role.step(Duration::ZERO)? { 0 } else { idle + 1 };
    }
    Ok(())
}

/// Lets a processor work until it has done everything.
fn settle(log: &MemoryLog) {
    for attempt in 0.. {
        assert!(attempt < 50, "no progress");
        if let Ok(mut role) = start(log)
            && drain(&mut role).is_ok()
        {
            return;
        }
    }
}

/// Identifiers of the suppressions that took effect, in order.
fn applied(outputs: &[Output]) -> Vec<String> {
    let kind = Some(kind::DRIFT_SUPPRESSION_APPLIED);
    let of = outputs.iter().filter(|output| output.event.text(column::KIND) == kind);
    of.map(|o| o.event.text(column::drift::SUPPRESSION_ID).unwrap().to_owned()).collect()
}

fn of_alerts(log: &MemoryLog) -> Vec<Vec<u8>> {
    let decoder = Decoder::new(Limits::default());
    let batch = log.records(&TopicPartition::new("driftseal.alerts", 0)).unwrap();
    batch.records().map(|record| unsigned(decoder.decode(&record).event.into_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_to_owners_each_act_takes_effect_once_and_in_order(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let log = log();
        let mut roles: [Option<Processor>; 2] = [None, None];
        let (mut acts, mut runs) = (0, 0);
        for step in steps {
            match step {
                Step::Act => {
                    append(&log, "driftseal.governance", &act(acts, suppression(acts)));
                    acts += 1;
                }
                Step::Again { signed } if acts > 0 => {
                    let last = suppression(acts - 1);
                    let last = if signed { act(acts - 1, last) } else { last };
                    append(&log, "driftseal.governance", &last);
                    append(&log, "agent.events", &last);
                }
                Step::Again { .. } => {}
                Step::Run => {
                    append(&log, "agent.events", &run(runs));
                    runs += 1;
                }
                Step::Go(who, steps) => {
                    let place = roles.get_mut(who).unwrap();
                    let mut role = place.take().or_else(|| start(&log).ok());
                    for _ in 0..steps {
                        // One that fails is dropped.
                        role = role.and_then(|mut role| {
                            role.step(Duration::ZERO).is_ok().then_some(role)
                        });
                    }
                    *place = role;
                }
                Step::Kill(who) => *roles.get_mut(who).unwrap() = None,
                Step::Evict => {
                    log.evict(GROUP, &events());
                }
                Step::Fail(at, fault) => log.inject(Operation::Publish, at, fault),
            }
        }
        log.clear_faults();
        roles = [None, None];
        drop(roles);
        settle(&log);
        let (outputs, processor) = recomputed(&log, &events());
        let expected: Vec<String> = (0..acts).map(|number| format!("s{number}")).collect();
        prop_assert_eq!(applied(&outputs), expected);
        prop_assert_eq!(processor.counters().mutes_refused, 0);
        if acts > 0 {
            prop_assert!(processor.frontier().next() > i64::try_from(acts).unwrap() - 1);
        }
        // And what is published is what anybody computes, each at least once.
        let published = of_alerts(&log);
        for output in outputs.iter().filter(|o| o.destination == monitor::Destination::Alerts) {
            prop_assert!(published.contains(&unsigned(output.event.clone())));
        }
    }
}

#[test]
fn an_act_that_comes_while_all_is_idle_is_admitted_with_the_next_steps() {
    let log = log();
    let mut role = start(&log).unwrap();
    drain(&mut role).unwrap();
    for number in 0..3 {
        append(&log, "driftseal.governance", &act(number, suppression(number)));
        drain(&mut role).unwrap();
        assert_eq!(applied(&recomputed(&log, &events()).0).len(), number + 1);
    }
}

#[test]
fn a_partition_that_is_behind_gets_all_acts_in_records_of_bounded_size() {
    // A topic that takes no record above 100 KB.
    let log = log_with(100_000, &[("driftseal.governance", 1)]);
    let document = "x".repeat(60 * 1_024);
    for number in 0..20 {
        let mut published = suppression(number);
        published.set(column::KIND, kind::EVAL_SUITE_PUBLISHED.into());
        published.set(column::eval::SUITE, format!("suite-{number}").into());
        published.set(column::eval::DOCUMENT, document.clone().into());
        append(&log, "driftseal.governance", &act(number, published));
    }
    let mut role = start(&log).unwrap();
    drain(&mut role).unwrap();
    let (_, processor) = recomputed(&log, &events());
    assert_eq!(processor.frontier().next(), 20);
    assert_eq!(processor.counters().suites_refused, 20, "none of them is a suite");
}

#[test]
fn without_its_topic_the_processor_does_not_start_and_says_why() {
    let missing = start(&log_with(1 << 20, &[])).unwrap_err().to_string();
    assert!(missing.contains("driftseal.governance"), "{missing}");
    let several =
        start(&log_with(1 << 20, &[("driftseal.governance", 2)])).unwrap_err().to_string();
    assert!(several.contains("must have 1"), "{several}");
}

#[test]
fn acts_of_another_governance_topic_are_not_admitted() {
    let log = log();
    append(&log, "driftseal.governance", &act(0, suppression(0)));
    settle(&log);
    log.delete_topic("driftseal.governance");
    let topic = TopicSpec {
        name: "driftseal.governance".into(),
        partitions: 1,
        compacted: false,
        kept: true,
    };
    log.create_topics(&[topic]).unwrap();
    append(&log, "driftseal.governance", &act(1, suppression(1)));
    append(&log, "driftseal.governance", &act(2, suppression(2)));
    settle(&log);
    assert_eq!(applied(&recomputed(&log, &events()).0), ["s0"]);
}

#[test]
fn an_act_of_another_installation_has_no_effect() {
    let log = log();
    let mut other = installation();
    other.topic_prefix = "staging.".to_owned();
    let nonce = governance::Id::from_bytes([9; 16]);
    let foreign = sign_act(&gateway(), &other, nonce, suppression(0)).unwrap();
    append(&log, "driftseal.governance", &foreign);
    append(&log, "driftseal.governance", &act(1, suppression(1)));
    settle(&log);
    assert_eq!(applied(&recomputed(&log, &events()).0), ["s1"]);
}
