//! A monitor that is dead: receivers hear of it once, and once of its end, whoever notices.

use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, Event, EventBuilder, Limits, Timestamp, TopicPartition, column, kind};
use ports::EventLog;
use service::Shutdown;
use service::clock::now_ms;
use sim::MemoryLog;

use crate::common::{
    ALERTS, Receiver, config, create_topics, credentials, publish_event, signed, status, until,
    webhook,
};

/// The processor's word that it is alive.
fn heartbeat(log: &dyn EventLog, number: i64) {
    publish_event(log, 1, &signed(beat(number), 1));
}

fn beat(number: i64) -> Event<'static> {
    EventBuilder::new(kind::MONITOR_ALIVE)
        .set(column::EVENT_ID, format!("beat-{number}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(now_ms()))
        .set(column::monitor::NEXT_OFFSET, number)
        .build()
        .unwrap()
}

fn of_kind(log: &MemoryLog, kind: &str) -> usize {
    let decoder = Decoder::new(Limits::default());
    let batch = log.records(&TopicPartition::new(ALERTS, 1)).unwrap();
    batch.records().filter(|r| decoder.decode(r).event.text(column::KIND) == Some(kind)).count()
}

/// Runs a notifier while something is done.
fn with_notifier(log: &MemoryLog, sinks: &str, act: impl FnOnce()) {
    let config = notifier::Config { dead_after_secs: 1, ..config(sinks) };
    let shutdown = Shutdown::new();
    let (given, log) = (shutdown.clone(), Arc::new(log.clone()));
    let runner = std::thread::spawn(move || notifier::run(config, credentials(), log, given));
    act();
    shutdown.trigger();
    runner.join().unwrap().unwrap();
}

#[test]
fn a_dead_monitor_is_told_once_and_so_is_its_end_through_restarts() {
    let receiver = Receiver::start(|_, _| status(200));
    let log = MemoryLog::new();
    create_topics(&log);
    log.set_now_ms(now_ms());
    let sinks = webhook("hook", &receiver.url);
    let said = |kind: &str| receiver.received().iter().filter(|r| is(r, kind)).count();
    with_notifier(&log, &sinks, || {
        for number in 0..8 {
            log.set_now_ms(now_ms());
            heartbeat(&log, number);
            std::thread::sleep(Duration::from_millis(250));
        }
        assert_eq!(of_kind(&log, kind::MONITOR_DEAD), 0, "two seconds with heartbeats");
        until("the death to be told", || said("alert.firing") == 1);
    });
    // Two more who find the same silence, and say nothing new.
    for _ in 0..2 {
        with_notifier(&log, &sinks, || std::thread::sleep(Duration::from_millis(1_500)));
    }
    assert_eq!((of_kind(&log, kind::MONITOR_DEAD), said("alert.firing")), (1, 1));
    with_notifier(&log, &sinks, || {
        log.set_now_ms(now_ms());
        heartbeat(&log, 100);
        until("the end to be told", || said("alert.resolved") == 1);
    });
    with_notifier(&log, &sinks, || {
        for number in 101..104 {
            log.set_now_ms(now_ms());
            heartbeat(&log, number);
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    assert_eq!((of_kind(&log, kind::MONITOR_RECOVERED), said("alert.resolved")), (1, 1));
    assert_eq!(receiver.received().len(), 2);
    let body = String::from_utf8(receiver.received()[0].body.clone()).unwrap();
    assert!(body.contains("monitor of partition 1: monitor.dead"), "{body}");
    assert!(body.contains("it had read up to offset 7"), "{body}");
    assert_eq!(of_kind(&log, kind::NOTIFICATION_DELIVERED), 2);
}

#[test]
fn forged_heartbeats_hide_no_death_and_a_forged_end_ends_none() {
    let receiver = Receiver::start(|_, _| status(200));
    let log = MemoryLog::new();
    create_topics(&log);
    log.set_now_ms(now_ms());
    let sinks = webhook("hook", &receiver.url);
    let said = |kind: &str| receiver.received().iter().filter(|r| is(r, kind)).count();
    with_notifier(&log, &sinks, || {
        // A death that nobody signed pages nobody.
        let mut dead = beat(0);
        dead.set(column::KIND.id(), kind::MONITOR_DEAD.into());
        dead.set(column::drift::ALERT_ID.id(), "forged".into());
        publish_event(&log, 1, &dead);
        heartbeat(&log, 1);
        let forge = std::cell::Cell::new(100);
        until("the death to be told", || {
            forge.set(forge.get() + 1);
            log.set_now_ms(now_ms());
            publish_event(&log, 1, &beat(forge.get()));
            said("alert.firing") == 1
        });
        let mut recovered = beat(2);
        recovered.set(column::KIND.id(), kind::MONITOR_RECOVERED.into());
        let batch = log.records(&TopicPartition::new(ALERTS, 1)).unwrap();
        let decoder = Decoder::new(Limits::default());
        let mut events = batch.records().map(|record| decoder.decode(&record).event.into_owned());
        let written = events
            .find(|event| {
                event.text(column::KIND) == Some(kind::MONITOR_DEAD)
                    && event.text(column::drift::ALERT_ID) != Some("forged")
            })
            .unwrap();
        let alert_id = written.text(column::drift::ALERT_ID).unwrap().to_owned();
        recovered.set(column::drift::ALERT_ID.id(), alert_id.into());
        publish_event(&log, 1, &recovered);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(said("alert.resolved"), 0);
        log.set_now_ms(now_ms());
        heartbeat(&log, 3);
        until("the end to be told", || said("alert.resolved") == 1);
    });
    assert_eq!(receiver.received().len(), 2);
}

fn is(request: &crate::common::Received, kind: &str) -> bool {
    String::from_utf8_lossy(&request.body).contains(kind)
}
