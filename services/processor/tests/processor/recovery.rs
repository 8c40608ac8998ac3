//! The processor dies and comes back, the log fails and lies: the outputs are those of an
//! undisturbed run, and none is missing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::typed::Int;
use event::{
    EventBuilder, Timestamp, TimestampType, TopicPartition, TypedColumn, column, encode, kind,
};
use ports::{Outgoing, TopicSpec};
use processor::{Config, Processor};
use service::{Role as _, RoleError, Shutdown};
use sim::{Fault, MemoryLog, Operation};

use crate::world::{another_identity, identity, recomputed, unsigned, world};

const START_MS: i64 = 1_760_000_000_000;
const PIECE: usize = 40;

/// A key, a value and a broker timestamp.
type Input = (Vec<u8>, Vec<u8>, i64);

/// Outputs by topic, offset and ordinal of their origin.
type Found = BTreeMap<(String, i64, i64), Vec<u8>>;

/// Two versions of an agent, the second worse, with results of a suite and some garbage.
fn traffic() -> Vec<Input> {
    let mut inputs = Vec::new();
    for number in 0..400_i64 {
        let time_ms = START_MS + number * 4_000;
        if number % 50 == 7 {
            inputs.push((b"a".to_vec(), b"{broken".to_vec(), time_ms));
        }
        let version = if number < 200 { "v1" } else { "v2" };
        let failed = number % 10 == 3 || number >= 200 && number % 2 == 0;
        let event = EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::EVENT_ID, format!("run-{number}"))
            .set(column::EVENT_TIME, Timestamp::from_millis(time_ms))
            .set(column::AGENT_ID, "a")
            .set(column::AGENT_VERSION, version)
            .set(column::RUN_ID, format!("r{number}"))
            .set(column::run::STATUS, if failed { "error" } else { "ok" })
            .set(column::run::DURATION_MS, 100.0 + f64::from(i32::try_from(number).unwrap()))
            .set(column::run::INPUT_TOKENS, number)
            .build()
            .unwrap();
        let mut value = Vec::new();
        encode::encode(&event, &mut value);
        inputs.push((b"a".to_vec(), value, time_ms));
        let json = format!(
            r#"{{"kind":"eval.result","agent_id":"a","agent_version":"{version}",
                "event_time":"{}","eval":{{"suite":"s","passed":{},"score":0.5}}}}"#,
            Timestamp::from_millis(time_ms).to_rfc3339().unwrap(),
            number % 7 != 0,
        );
        inputs.push((b"a".to_vec(), json.into_bytes(), time_ms));
    }
    inputs
}

fn config() -> Config {
    Config {
        snapshot_records_max: 60,
        snapshot_chunk_bytes_max: 1_000,
        tick_interval_secs: 0,
        publish_records_max: 3,
        publish_wait_ms_max: 1,
        read_wait_ms_max: 1_000,
        ..Config::default()
    }
}

fn append(log: &MemoryLog, partition: i32, (key, value, time_ms): &Input) {
    let record = Outgoing {
        topic: config().topics.events.as_str().into(),
        partition: Some(partition),
        key: Some(key.clone()),
        value: Some(value.clone()),
        headers: Vec::new(),
    };
    log.append_at(record, *time_ms, TimestampType::LogAppendTime).unwrap();
}

fn start(log: &MemoryLog) -> Result<Processor, RoleError> {
    Processor::start(config(), Arc::new(log.clone()), identity())
}

/// Steps until nothing comes any more.
fn drain(role: &mut Processor) -> Result<(), RoleError> {
    let mut idle = 0;
    while idle < 3 {
        idle = if role.step(Duration::ZERO)? { 0 } else { idle + 1 };
    }
    Ok(())
}

/// Appends the traffic piece by piece; `disturb` may act before each. A role that fails is
/// dropped, and another one started.
fn play(log: &MemoryLog, mut disturb: impl FnMut(usize, &mut Option<Processor>)) {
    let mut role = None;
    for (number, piece) in traffic().chunks(PIECE).enumerate() {
        piece.iter().for_each(|input| append(log, 0, input));
        disturb(number, &mut role);
        for attempt in 0.. {
            assert!(attempt < 50, "no progress");
            let mut running = match role.take() {
                Some(running) => running,
                None => match start(log) {
                    Ok(started) => started,
                    Err(_) => continue,
                },
            };
            if drain(&mut running).is_ok() {
                role = Some(running);
                break;
            }
        }
    }
}

/// Outputs of a topic by origin; a repeated one must be identical.
fn outputs(log: &MemoryLog) -> Found {
    let decoder = event::Decoder::new(event::Limits::default());
    let mut found = BTreeMap::new();
    let topics = config().topics;
    for topic in [topics.metrics, topics.alerts] {
        let batch = log.records(&TopicPartition::new(topic.as_str(), 0)).unwrap();
        for record in batch.records() {
            let decoded = decoder.decode(&record);
            assert_eq!(decoded.fault, None);
            let number = |column| decoded.event.int(column).unwrap();
            let key =
                (topic.clone(), number(column::origin::OFFSET), number(column::origin::ORDINAL));
            let value = unsigned(decoded.event.clone().into_owned());
            if let Some(known) = found.insert(key, value.clone()) {
                assert_eq!(known, value, "a repeated output differs");
            }
        }
    }
    found
}

/// What the outputs must be: those of the records of the partition, each of which is handled once.
fn expected(log: &MemoryLog) -> Found {
    let topics = config().topics;
    let (outputs, _) = recomputed(log, &TopicPartition::new(topics.events.as_str(), 0));
    let place = |output: &monitor::Output| match output.destination {
        monitor::Destination::Metrics => topics.metrics.clone(),
        monitor::Destination::Alerts => topics.alerts.clone(),
    };
    let of = |output: monitor::Output| {
        let offset = int(&output.event, column::origin::OFFSET);
        ((place(&output), offset, output.ordinal), unsigned(output.event))
    };
    outputs.into_iter().map(of).collect()
}

/// Records of both output topics, repeated ones included.
fn published(log: &MemoryLog) -> usize {
    let topics = config().topics;
    let count = |topic: &str| log.records(&TopicPartition::new(topic, 0)).unwrap().len();
    count(&topics.metrics) + count(&topics.alerts)
}

fn kinds(log: &MemoryLog) -> Vec<String> {
    let decoder = event::Decoder::new(event::Limits::default());
    let batch = log.records(&TopicPartition::new(config().topics.alerts.as_str(), 0)).unwrap();
    let kind = |record| decoder.decode(&record).event.text(column::KIND).unwrap().to_owned();
    batch.records().map(kind).collect()
}

/// Calls of an undisturbed run that publish.
fn undisturbed() -> u64 {
    let log = world(1);
    play(&log, |_, _| {});
    assert_eq!(outputs(&log), expected(&log));
    log.calls(Operation::Publish)
}

#[test]
fn an_undisturbed_run_alerts_and_repeats_nothing() {
    let log = world(1);
    play(&log, |_, _| {});
    let kinds = kinds(&log);
    for kind in [kind::DRIFT_BASELINE_SET, kind::DRIFT_ALERT_PENDING, kind::DRIFT_ALERT_FIRING] {
        assert!(kinds.iter().any(|found| found == kind), "{kind}: {kinds:?}");
    }
    assert_eq!(outputs(&log).len(), published(&log));
}

#[test]
fn killed_before_any_piece_nothing_is_lost_or_changed() {
    for first in 0..4 {
        let log = world(1);
        play(&log, |number, role| {
            if number % 4 == first {
                *role = None;
            }
        });
        let expected = expected(&log);
        assert_eq!(outputs(&log), expected, "killed at {first} and every 4");
        assert_eq!(published(&log), expected.len(), "what was there was not published again");
    }
}

#[test]
fn whichever_publication_fails_or_loses_its_answer_nothing_is_lost_or_changed() {
    let calls = undisturbed();
    assert!(calls > 40, "{calls}");
    let faults = [Fault::NotApplied, Fault::LostAnswer, Fault::Held, Fault::Duplicated];
    for call in 0..calls {
        // Two of the four for each call, in turn.
        for fault in faults.into_iter().skip(usize::from(call % 2 == 1)).step_by(2) {
            let log = world(1);
            log.inject(Operation::Publish, call, fault);
            play(&log, |_, _| {});
            assert_eq!(outputs(&log), expected(&log), "{fault:?} at call {call}");
        }
    }
}

#[test]
fn other_calls_may_fail_too() {
    for operation in [Operation::Offsets, Operation::Poll, Operation::Seek, Operation::Commit] {
        for call in [0, 1, 2, 3, 5, 8, 13, 21, 34] {
            for fault in [Fault::NotApplied, Fault::LostAnswer] {
                let log = world(1);
                log.inject(operation, call, fault);
                log.inject(Operation::Publish, call, Fault::LostAnswer);
                play(&log, |_, _| {});
                assert_eq!(outputs(&log), expected(&log), "{operation:?} {fault:?} at call {call}");
            }
        }
    }
}

#[test]
fn a_zombie_repeats_at_worst_what_is_there() {
    let log = world(1);
    let mut zombie = None;
    let events = TopicPartition::new(config().topics.events.as_str(), 0);
    play(&log, |number, role| {
        if number % 5 == 3 {
            zombie = role.take();
            assert!(log.evict(&config().group, &events));
        } else if let Some(mut zombie) = zombie.take() {
            // It learns only now that the partition is gone.
            drop(zombie.step(Duration::ZERO));
        }
    });
    assert_eq!(outputs(&log), expected(&log));
}

#[test]
fn a_drained_role_leaves_a_snapshot_of_everything() {
    let log = world(1);
    let inputs = traffic();
    inputs.iter().for_each(|input| append(&log, 0, input));
    let mut role = start(&log).unwrap();
    drain(&mut role).unwrap();
    role.finish().unwrap();
    let expected = outputs(&log);
    let events = TopicPartition::new(config().topics.events.as_str(), 0);
    // The claim is the last record.
    let next = i64::try_from(inputs.len()).unwrap() + 1;
    assert_eq!(log.committed(&config().group, &events), Some(next));
    // With the records gone, only the snapshot can know where to go on.
    log.trim(&events, next).unwrap();
    let mut role = start(&log).unwrap();
    append(&log, 0, &(b"a".to_vec(), inputs[0].1.clone(), START_MS + 9_000_000));
    drain(&mut role).unwrap();
    assert_eq!(outputs(&log), expected, "run-0 was seen before");
}

/// Runs the role in a thread until something is so; returns what it gave.
fn run_until<T>(
    log: &MemoryLog,
    config: Config,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let shutdown = Shutdown::new();
    let runner = {
        let (log, shutdown) = (Arc::new(log.clone()), shutdown.clone());
        std::thread::spawn(move || processor::run(config, log, identity(), shutdown))
    };
    let deadline = service::clock::Stopwatch::start();
    let found = loop {
        if let Some(found) = look() {
            break found;
        }
        assert!(!deadline.has_passed(Duration::from_secs(60)), "waited for {what}");
        assert!(!shutdown.wait_timeout(Duration::from_millis(5)));
    };
    shutdown.trigger();
    runner.join().unwrap().unwrap();
    found
}

/// Events of a kind in a partition of a topic.
fn of_kind(log: &MemoryLog, topic: &str, partition: i32, kind: &str) -> Vec<event::Event<'static>> {
    let decoder = event::Decoder::new(event::Limits::default());
    let batch = log.records(&TopicPartition::new(topic, partition)).unwrap();
    let events = batch.records().map(|record| decoder.decode(&record).event.into_owned());
    events.filter(|event| event.text(column::KIND) == Some(kind)).collect()
}

fn int(event: &event::Event<'_>, column: TypedColumn<Int>) -> i64 {
    event.int(column).unwrap()
}

#[test]
fn an_idle_partition_gets_ticks_and_its_windows_close() {
    let log = world(2);
    let inputs = traffic();
    inputs[..10].iter().for_each(|input| append(&log, 1, input));
    log.set_now_ms(START_MS + 3_600_000);
    let config = Config { tick_interval_secs: 1, poll_wait_ms: 5, ..config() };
    let metrics = TopicPartition::new(config.topics.metrics.as_str(), 1);
    run_until(&log, config, "a window", || {
        (!log.records(&metrics).unwrap().is_empty()).then_some(())
    });
    for partition in [0, 1] {
        let ticks = of_kind(&log, "agent.events", partition, kind::MONITOR_TICK);
        let idle = column::monitor::IDLE;
        let said: Vec<_> = ticks.iter().map(|tick| tick.bool(idle)).collect();
        assert_eq!(said.first(), Some(&Some(false)), "the first is written at once");
        assert_eq!(said.last(), Some(&Some(true)));
    }
}

#[test]
fn a_busy_partition_gets_ticks_that_come_back_as_heartbeats() {
    let log = world(1);
    let inputs = traffic();
    inputs[..100].iter().for_each(|input| append(&log, 0, input));
    let config = Config { tick_interval_secs: 1, poll_wait_ms: 5, ..config() };
    let mut rest = inputs[100..].iter();
    let alive = run_until(&log, config, "three heartbeats", || {
        rest.next().inspect(|input| append(&log, 0, input));
        let alive = of_kind(&log, "driftseal.alerts", 0, kind::MONITOR_ALIVE);
        (alive.len() >= 3).then_some(alive)
    });
    let ticks = of_kind(&log, "agent.events", 0, kind::MONITOR_TICK);
    // The owner writes the first once it has read its claim, which is behind what was there.
    assert!(int(&ticks[0], column::monitor::NEXT_OFFSET) > 100);
    assert!(int(&alive[0], column::monitor::LAG) >= int(&ticks[0], column::monitor::LAG));
    assert!(
        int(&ticks[1], column::monitor::NEXT_OFFSET) > int(&ticks[0], column::monitor::NEXT_OFFSET)
    );
    assert!(int(&ticks[2], column::monitor::ALERTS_NEXT) >= 1, "its own heartbeat at least");
    assert_eq!(alive[0].text(column::AGENT_ID), None);
}

#[test]
fn a_state_that_is_lost_is_said_to_be_and_everything_is_as_before() {
    for trimmed in [0, 100] {
        let log = world(1);
        let state = config().topics.state;
        let events = TopicPartition::new(config().topics.events.as_str(), 0);
        play(&log, |number, role| {
            if number == 7 {
                *role = None;
                log.delete_topic(&state);
                let spec =
                    TopicSpec { name: state.clone(), partitions: 1, compacted: true, kept: false };
                ports::EventLog::create_topics(&log, &[spec]).unwrap();
                log.trim(&events, trimmed).unwrap();
            }
        });
        let started = of_kind(&log, "agent.events", 0, kind::MONITOR_STARTED);
        let first = |event: &event::Event<'_>| event.int(column::monitor::FIRST_OFFSET);
        let said: Vec<_> = started.iter().filter_map(first).collect();
        // Without its state a processor does not know the epoch; what was trimmed had the first claim.
        let claims = if trimmed == 0 { vec![0, 0] } else { vec![trimmed] };
        assert_eq!(said, claims);
        assert_eq!(int(&started[0], column::monitor::SEMANTICS), monitor::SEMANTICS);
        if trimmed == 0 {
            assert_eq!(outputs(&log), expected(&log));
        }
    }
}

#[test]
fn output_topics_grow_with_the_input() {
    let log = world(2);
    log.delete_topic("driftseal.state");
    let few =
        TopicSpec { name: "driftseal.state".into(), partitions: 1, compacted: true, kept: false };
    ports::EventLog::create_topics(&log, &[few]).unwrap();
    let mut processor = start(&log).unwrap();
    let sizes = || {
        let topics = ["driftseal.state", "driftseal.metrics", "driftseal.alerts"];
        topics.map(|topic| ports::EventLog::partitions(&log, topic).unwrap())
    };
    assert_eq!(sizes(), [2; 3]);
    processor.step(Duration::ZERO).unwrap();
    // Under a running processor, the same: a claim is in every partition in the end.
    assert!(ports::EventLog::grow_topic(&log, "agent.events", 4).unwrap());
    for _ in 0..20 {
        processor.step(Duration::ZERO).unwrap();
    }
    assert_eq!(sizes(), [4; 3]);
    for number in 0..4 {
        let partition = TopicPartition::new("agent.events", number);
        let held = ports::EventLog::offsets(&log, &partition).unwrap();
        assert!(held.next > 0, "nobody has claimed {partition}");
    }
}

fn create_again(log: &MemoryLog) {
    let name = config().topics.events;
    log.delete_topic(&name);
    let spec = TopicSpec { name, partitions: 1, compacted: false, kept: false };
    ports::EventLog::create_topics(log, &[spec]).unwrap();
}

/// How a processor ends that is started now, if it does.
fn end(log: &MemoryLog, config: Config) -> Option<String> {
    let mut processor = Processor::start(config, Arc::new(log.clone()), identity()).unwrap();
    let error = (0..20).find_map(|_| processor.step(Duration::ZERO).err())?;
    assert!(matches!(error, RoleError::Changed { .. }), "{error}");
    Some(error.to_string())
}

#[test]
fn a_topic_that_was_created_again_stops_the_processor() {
    let events = TopicPartition::new(config().topics.events.as_str(), 0);
    for records in [0, 3, 40] {
        let log = world(1);
        let mut processor = start(&log).unwrap();
        for _ in 0..8 {
            processor.step(Duration::ZERO).unwrap();
        }
        processor.finish().unwrap();
        create_again(&log);
        log.skip_offsets(&events, records).unwrap();
        let error = end(&log, config()).expect("it goes on");
        assert!(error.contains("it is another topic"), "{error}");
    }
}

/// What an unclean leader election leaves: the end is lost, and others wrote behind it.
#[test]
fn another_record_where_the_state_ends_stops_the_processor() {
    let events = TopicPartition::new(config().topics.events.as_str(), 0);
    for is_lost in [true, false] {
        let log = world(1);
        traffic().iter().for_each(|input| append(&log, 0, input));
        let mut processor = start(&log).unwrap();
        drain(&mut processor).unwrap();
        processor.finish().unwrap();
        if is_lost {
            let next = ports::EventLog::offsets(&log, &events).unwrap().next;
            log.lose_end(&events, 1).unwrap();
            log.advance_ms(1);
            append(&log, 0, &traffic()[0]);
            assert_eq!(ports::EventLog::offsets(&log, &events).unwrap().next, next);
        }
        append(&log, 0, &traffic()[1]);
        let error = end(&log, config());
        assert_eq!(error.is_some(), is_lost, "{error:?}");
        assert!(error.is_none_or(|error| error.contains("its records changed")));
    }
}

/// Keys that were made anew make other marks.
#[test]
fn a_snapshot_of_another_key_is_not_used_and_does_not_stop_the_processor() {
    let log = world(1);
    traffic().iter().for_each(|input| append(&log, 0, input));
    let mut processor = start(&log).unwrap();
    drain(&mut processor).unwrap();
    processor.finish().unwrap();
    let log_of_the_other = Arc::new(log.clone());
    let mut processor = Processor::start(config(), log_of_the_other, another_identity()).unwrap();
    drain(&mut processor).unwrap();
    processor.finish().unwrap();
}

#[test]
fn so_does_one_whose_records_had_outputs_but_no_snapshot_yet() {
    let rare = || Config { snapshot_records_max: 1_000_000, ..config() };
    for has_outputs in [true, false] {
        let log = world(1);
        if has_outputs {
            traffic().iter().for_each(|input| append(&log, 0, input));
        }
        let mut killed = Processor::start(rare(), Arc::new(log.clone()), identity()).unwrap();
        drain(&mut killed).unwrap();
        assert_eq!(published(&log) > 0, has_outputs);
        drop(killed);
        create_again(&log);
        let error = end(&log, rare());
        assert_eq!(error.is_some(), has_outputs, "{error:?}");
        assert!(error.is_none_or(|error| error.contains("it is another topic")));
    }
}
