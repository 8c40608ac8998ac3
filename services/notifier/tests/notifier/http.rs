//! The service against real receivers on this machine: those that answer, refuse, stumble, hang
//! and go away; and a process that is dropped anywhere.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::{TopicPartition, kind};
use hmac::{Hmac, KeyInit, Mac};
use notifier::{Config, Notifier};
use ports::EventLog;
use service::Shutdown;
use service::clock::{Stopwatch, now_ms};
use service::{Role as _, RoleError};
use sha2::{Digest, Sha256};
use sim::{Fault, MemoryLog, Operation};

use crate::common::{
    self, Manner, Received, Receiver, config, create_topics, credentials, key, outcomes, publish,
    status, until, webhook,
};

fn log() -> MemoryLog {
    let log = MemoryLog::new();
    log.set_now_ms(now_ms());
    create_topics(&log);
    log
}

fn start(config: &Config, log: &MemoryLog) -> Notifier {
    Notifier::start(config.clone(), credentials(), Arc::new(log.clone())).unwrap()
}

/// Steps until there are so many outcomes, and once more.
fn run_until(role: &mut Notifier, log: &MemoryLog, count: usize) {
    until(&format!("{count} outcomes"), || {
        role.step(Duration::from_millis(5)).unwrap();
        outcomes(log).len() >= count
    });
}

#[test]
fn each_step_of_each_alert_is_told_once_to_each_receiver_signed_and_in_order() {
    let log = log();
    let receivers = [Receiver::start(|_, _| status(204)), Receiver::start(|_, _| status(200))];
    let sinks = webhook("one", &receivers[0].url) + &webhook("two", &receivers[1].url);
    let mut role = start(&config(&sinks), &log);
    for step in ["pending", "firing", "firing", "acknowledged", "resolved"] {
        publish(&log, "support", "a-1", step);
    }
    publish(&log, "search", "a-2", "firing");
    run_until(&mut role, &log, 8);
    role.finish().unwrap();

    for receiver in &receivers {
        let received = receiver.received();
        let ids: Vec<&str> = received.iter().map(|request| request.header("webhook-id")).collect();
        let first: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with("a-1")).collect();
        assert_eq!(first, ["a-1_firing", "a-1_acknowledged", "a-1_resolved"]);
        assert_eq!(ids.len(), 4, "{ids:?}");
        received.iter().for_each(verify);
    }
    let found = outcomes(&log);
    assert_eq!(found.len(), 8);
    for ((sink, alert, step), outcomes) in &found {
        let [outcome] = outcomes.as_slice() else { panic!("{sink} {alert} {step}: {outcomes:?}") };
        assert_eq!((outcome.kind.as_str(), outcome.attempts), (kind::NOTIFICATION_DELIVERED, 1));
        assert_eq!(outcome.causation.as_deref(), Some(format!("{alert}-{step}").as_str()));
        let receiver = &receivers[usize::from(sink == "two")];
        let request = receiver.received();
        let id = format!("{alert}_{step}");
        let request = request.iter().find(|r| r.header("webhook-id") == id).unwrap();
        let digest: String =
            Sha256::digest(&request.body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(outcome.request_digest.as_deref(), Some(digest.as_str()));
    }
}

/// As a receiver does by the specification.
fn verify(request: &Received) {
    let timestamp: i64 = request.header("webhook-timestamp").parse().unwrap();
    assert!((now_ms() / 1_000 - timestamp).abs() < 300, "{timestamp}");
    let secret = STANDARD.decode(common::SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
    mac.update(format!("{}.{timestamp}.", request.header("webhook-id")).as_bytes());
    mac.update(&request.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(request.header("webhook-signature"), expected);
    assert_eq!(request.header("content-type"), "application/json");
}

#[test]
fn what_may_pass_is_tried_again_until_it_does_or_the_budget_is_spent() {
    let log = log();
    let receiver = Receiver::start(|number, _| match number {
        0 => status(500),
        1 => Manner::Close,
        2 => status(503),
        3 => Manner::Hang,
        _ => status(200),
    });
    let away = Receiver::start(|_, _| status(502));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sinks = webhook("stumbles", &receiver.url)
        + &webhook("away", &away.url)
        + &webhook("nobody", &format!("http://{nobody}"));
    let mut role = start(&config(&sinks), &log);
    publish(&log, "support", "a-1", "firing");
    run_until(&mut role, &log, 3);
    role.finish().unwrap();

    let found = outcomes(&log);
    let stumbles = &found[&key("stumbles", "a-1", "firing")][0];
    assert_eq!((stumbles.kind.as_str(), stumbles.attempts), (kind::NOTIFICATION_DELIVERED, 5));
    let received = receiver.received();
    assert!(received.windows(2).all(|pair| pair[0].body == pair[1].body));
    assert!(received.iter().all(|request| request.header("webhook-id") == "a-1_firing"));
    let away = &found[&key("away", "a-1", "firing")][0];
    assert_eq!(away.kind, kind::NOTIFICATION_FAILED);
    assert_eq!((away.reason.as_deref(), away.attempts), (Some("exhausted"), 5));
    assert_eq!((away.status_code, away.detail.as_deref()), (Some(502), Some("said")));
    let nobody = &found[&key("nobody", "a-1", "firing")][0];
    assert_eq!((nobody.reason.as_deref(), nobody.status_code), (Some("exhausted"), None));
    assert!(nobody.detail.is_some());
}

#[test]
fn a_refusal_is_a_dead_letter_at_once_and_a_redirect_is_one() {
    let log = log();
    let refusing = Receiver::start(|_, _| status(403));
    let moved = Receiver::start(|_, _| Manner::Status(308, "location: /elsewhere\r\n".into()));
    let sinks = webhook("refusing", &refusing.url) + &webhook("moved", &moved.url);
    let mut role = start(&config(&sinks), &log);
    publish(&log, "support", "a-1", "firing");
    run_until(&mut role, &log, 2);
    role.finish().unwrap();
    for (sink, receiver, code) in [("refusing", refusing, 403), ("moved", moved, 308)] {
        let outcome = &outcomes(&log)[&key(sink, "a-1", "firing")][0];
        assert_eq!(outcome.reason.as_deref(), Some("refused"), "{sink}");
        assert_eq!((outcome.status_code, outcome.attempts), (Some(code), 1));
        assert_eq!(receiver.received().len(), 1);
    }
}

#[test]
fn retry_after_is_honoured_for_everything_that_goes_there() {
    let log = log();
    let receiver = Receiver::start(|number, _| match number {
        0 => Manner::Status(429, "retry-after: 1\r\n".into()),
        _ => status(200),
    });
    let config = Config { requests_max: 1, ..config(&webhook("hook", &receiver.url)) };
    let mut role = start(&config, &log);
    let watch = Stopwatch::start();
    publish(&log, "support", "a-1", "firing");
    publish(&log, "support", "a-2", "firing");
    until("the first request", || {
        role.step(Duration::from_millis(5)).unwrap();
        !receiver.received().is_empty()
    });
    run_until(&mut role, &log, 2);
    assert!(watch.elapsed() >= Duration::from_secs(1), "{:?}", watch.elapsed());
    assert_eq!(receiver.received().len(), 3);
    role.finish().unwrap();
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other() {
    let log = log();
    let hanging = Receiver::start(|_, _| Manner::Hang);
    let quick = Receiver::start(|_, _| status(200));
    let sinks = webhook("hanging", &hanging.url) + &webhook("quick", &quick.url);
    let config = Config { request_wait_ms_max: 60_000, drain_ms_max: 50, ..config(&sinks) };
    let mut role = start(&config, &log);
    for number in 0..20 {
        publish(&log, "support", &format!("a-{number}"), "firing");
    }
    run_until(&mut role, &log, 20);
    assert!(outcomes(&log).keys().all(|(sink, ..)| sink == "quick"));
    let watch = Stopwatch::start();
    role.finish().unwrap();
    assert!(!watch.has_passed(Duration::from_secs(5)), "a shutdown does not wait for ever");
}

#[test]
fn whenever_the_process_is_dropped_the_log_holds_one_outcome_and_requests_say_the_same() {
    // Dropped after so many requests were received: before the answer is known, and so before
    // its outcome is in the log.
    for drops in [vec![1], vec![1, 2, 3], vec![2, 4, 5, 6, 7]] {
        let log = log();
        let receiver = Receiver::start(|_, _| status(200));
        let config = config(&webhook("hook", &receiver.url));
        let mut role = start(&config, &log);
        for step in ["firing", "acknowledged", "resolved"] {
            publish(&log, "support", "a-1", step);
            publish(&log, "search", "a-2", step);
        }
        for drop_at in drops {
            until("a request", || {
                role.step(Duration::from_millis(1)).unwrap();
                receiver.received().len() >= drop_at || outcomes(&log).len() == 6
            });
            drop(role);
            role = start(&config, &log);
        }
        run_until(&mut role, &log, 6);
        role.finish().unwrap();
        let found = outcomes(&log);
        assert_eq!(found.len(), 6);
        assert!(found.values().all(|outcomes| outcomes.len() == 1), "{found:?}");
        let received = receiver.received();
        for request in &received {
            verify(request);
            let id = request.header("webhook-id");
            let same = received.iter().filter(|other| other.header("webhook-id") == id);
            assert!(same.into_iter().all(|other| other.body == request.body), "{id}");
        }
    }
}

#[test]
fn a_log_that_fails_or_loses_answers_costs_no_outcome_and_no_second_request() {
    for fault in [Fault::NotApplied, Fault::LostAnswer] {
        let log = log();
        let receiver = Receiver::start(|_, _| status(200));
        let config = config(&webhook("hook", &receiver.url));
        let mut role = start(&config, &log);
        role.step(Duration::ZERO).unwrap();
        publish(&log, "support", "a-1", "firing");
        publish(&log, "support", "a-1", "resolved");
        log.inject(Operation::Publish, 0, fault);
        log.inject(Operation::Poll, 0, fault);
        role.step(Duration::ZERO).unwrap();
        run_until(&mut role, &log, 2);
        role.finish().unwrap();
        assert_eq!(receiver.received().len(), 2, "{fault:?}");
        for (key, outcomes) in outcomes(&log) {
            let ids: std::collections::BTreeSet<_> =
                outcomes.iter().map(|outcome| outcome.event_id.clone()).collect();
            assert_eq!(ids.len(), 1, "{fault:?} {key:?}: whoever repeats it repeats its name");
        }
    }
}

#[test]
fn a_new_start_reads_the_log_and_tells_nothing_again() {
    let log = log();
    let receiver = Receiver::start(|_, _| status(200));
    let config = config(&webhook("hook", &receiver.url));
    let shutdown = Shutdown::new();
    let run = |shutdown: &Shutdown| {
        let (config, shutdown) = (config.clone(), shutdown.clone());
        let log: Arc<dyn EventLog> = Arc::new(log.clone());
        std::thread::spawn(move || notifier::run(config, credentials(), log, shutdown))
    };
    let thread = run(&shutdown);
    publish(&log, "support", "a-1", "firing");
    until("the first", || outcomes(&log).len() == 1);
    shutdown.trigger();
    thread.join().unwrap().unwrap();

    publish(&log, "support", "a-1", "resolved");
    publish(&log, "support", "a-2", "firing");
    let shutdown = Shutdown::new();
    let thread = run(&shutdown);
    until("the rest", || outcomes(&log).len() == 3);
    shutdown.trigger();
    thread.join().unwrap().unwrap();
    let mut ids: Vec<String> =
        receiver.received().iter().map(|request| request.header("webhook-id").to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["a-1_firing", "a-1_resolved", "a-2_firing"]);
}

#[test]
fn a_start_reads_from_the_first_open_alert_on_even_if_the_log_has_lost_what_was_before() {
    let log = log();
    let receiver = Receiver::start(|_, _| status(200));
    let config = config(&webhook("hook", &receiver.url));
    let mut role = start(&config, &log);
    for number in 0..5 {
        publish(&log, "support", &format!("a-{number}"), "firing");
        publish(&log, "support", &format!("a-{number}"), "resolved");
    }
    run_until(&mut role, &log, 10);
    publish(&log, "support", "open", "firing");
    run_until(&mut role, &log, 11);
    role.finish().unwrap();

    // What is before the open alert is not there any more.
    let partition = TopicPartition::new(common::ALERTS, ports::partition_of(b"support", 2));
    let is_open = |record: &event::Record<'_>| {
        record.value.is_some_and(|value| value.windows(11).any(|at| at == b"open-firing"))
    };
    let records = log.records(&partition).unwrap();
    let first = records.records().find(is_open).unwrap().offset;
    log.trim(&partition, first).unwrap();
    let mut role = start(&config, &log);
    publish(&log, "support", "open", "resolved");
    until("the end", || {
        role.step(Duration::from_millis(5)).unwrap();
        receiver.received().len() == 12
    });
    role.finish().unwrap();
    let resolved = receiver.received().pop().unwrap();
    assert_eq!(resolved.header("webhook-id"), "open_resolved");
}

#[test]
fn what_cannot_work_is_said_at_the_start() {
    let log = log();
    let start =
        |config: Config| Notifier::start(config, credentials(), Arc::new(log.clone())).unwrap_err();
    let RoleError::Config(problems) = start(Config::default()) else { panic!("no sink is wrong") };
    assert_eq!(problems, ["`sinks`: must not be empty"]);
    let missing = "[sinks.chat]\ntype = 'slack'\nurl_name = 'chat'\n";
    let error = start(config(missing)).to_string();
    assert!(error.contains("DRIFTSEAL__NOTIFIER__SECRETS__CHAT"), "{error}");
}

#[test]
fn no_outcome_or_debug_text_holds_a_secret() {
    let log = log();
    // A receiver that repeats what it was sent, in its answer.
    let receiver = Receiver::start(|_, request| Manner::Say(400, request.body.clone()));
    let config = config(&format!(
        "{}[sinks.pager]\ntype = 'pagerduty'\nurl = '{}'\ntoken_name = 'hook'\n",
        webhook("hook", &receiver.url),
        receiver.url
    ));
    let mut role = start(&config, &log);
    publish(&log, "support", "a-1", "firing");
    publish(&log, "support", "a-1", "resolved");
    run_until(&mut role, &log, 4);
    assert!(!format!("{role:?}").contains("MfKQ9r8"), "{role:?}");
    for outcomes in outcomes(&log).values() {
        assert!(!format!("{outcomes:?}").contains("MfKQ9r8"), "{outcomes:?}");
    }
    let detail = outcomes(&log)[&key("pager", "a-1", "resolved")][0].detail.clone().unwrap();
    assert!(detail.contains("routing_key") && detail.contains('…'), "{detail}");
    role.finish().unwrap();
}
