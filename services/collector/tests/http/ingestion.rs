//! Events in, records and answers out.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use collector::{Config, RunError};
use event::{Cell, column};
use ports::EventLog as _;
use serde_json::Value;
use service::Shutdown;
use sim::{Fault, MemoryLog, Operation, Settings};

use crate::world::{PATIENCE, RUN, World, agent, gzip, post, wait_until};

#[test]
fn one_event_an_array_and_lines_are_published_in_order_and_keyed_by_agent() {
    let world = World::new(Config { tenant_id: "acme".into(), ..Config::default() });
    let one = world.post(&[], RUN.as_bytes());
    assert_eq!((one.status, one.counts()), (200, (1, 0)));
    let array =
        world.post(&[], format!(r#"[{RUN}, {{"kind":"x.y","event_id":"mine"}}]"#).as_bytes());
    assert_eq!((array.status, array.counts()), (200, (2, 0)));
    assert_eq!(array.body["event_ids"][1], "mine");
    let lines = format!("{RUN}\n\n{RUN}\r\n");
    for content_type in ["application/x-ndjson", "application/json"] {
        let answer = world.post(&[("content-type", content_type)], lines.as_bytes());
        assert_eq!((answer.status, answer.counts()), (200, (2, 0)));
    }
    let published = world.published();
    assert_eq!(published.len(), 7);
    let (key, first) = &published[0];
    assert_eq!(key.as_deref(), Some(&b"a"[..]));
    assert_eq!(first.text(column::EVENT_ID), one.body["event_ids"][0].as_str());
    assert_eq!(first.text(column::EVENT_ID).unwrap().as_bytes()[14], b'7', "UUIDv7");
    assert_eq!(first.text(column::TENANT_ID), Some("acme"));
    assert_eq!(first.get(column::RECEIVED_AT), first.get(column::EVENT_TIME));
    assert!(matches!(first.get(column::RECEIVED_AT), Some(Cell::Time(_))));
    let (key, third) = &published[2];
    assert_eq!((key, third.text(column::EVENT_ID)), (&None, Some("mine")));
}

#[test]
fn good_events_are_accepted_beside_bad_ones_and_each_bad_one_has_its_reason() {
    let world = World::new(Config { event_bytes_max: 300, ..Config::default() });
    let long = "x".repeat(400);
    let body = format!(
        r#"[{RUN},{{"kind":"tool.called","agent_id":"a","tool":{{"duration_ms":"fast"}}}},
            {{"kind":"run.completed"}},{RUN},7,{{"kind":"x.y","note":"{long}"}}]"#
    );
    let answer = world.post(&[], body.as_bytes());
    assert_eq!((answer.status, answer.counts()), (207, (2, 4)));
    assert_eq!(
        answer.errors(),
        [
            (1, "wrong_type", "/tool/duration_ms"),
            (2, "missing_field", "/agent_id"),
            (4, "wrong_type", ""),
            (5, "too_large", ""),
        ]
    );
    let ids = answer.body["event_ids"].as_array().unwrap();
    assert_eq!(
        ids.iter().map(Value::is_null).collect::<Vec<_>>(),
        [false, true, true, false, true, true]
    );
    assert_eq!(world.published().len(), 2);
    let lines = world.post(&[], format!("{RUN}\n{{\"kind\":\"x\"\n{RUN}").as_bytes());
    assert_eq!((lines.status, lines.counts()), (207, (2, 1)));
    assert_eq!(lines.errors(), [(1, "invalid_json", "byte 10")]);
    let none = world.post(&[], b"[1,{}]");
    assert_eq!((none.status, none.counts()), (400, (0, 2)));
    let utf8 = world.post(&[("content-type", "application/x-ndjson")], b"{\"kind\":\"\xff\"}\n{}");
    assert_eq!(utf8.errors()[0], (0, "invalid_utf8", "byte 9"));
    assert_eq!(world.published().len(), 4);
}

#[test]
fn gzip_is_read_and_everything_wrong_with_a_body_is_refused_with_a_code() {
    let world =
        World::new(Config { body_bytes_max: 1 << 20, body_events_max: 1_000, ..Config::default() });
    let gzipped = [("content-encoding", "gzip")];
    let members = [gzip(b"["), gzip(RUN.as_bytes()), gzip(b"]")].concat();
    assert_eq!(world.post(&gzipped, &members).counts(), (1, 0));
    let whole = gzip(RUN.as_bytes());
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let many = format!("[{}1]", "1,".repeat(1_000));
    for (headers, body, status, code) in [
        (&gzipped[..], &whole[..whole.len() - 5], 400, "broken_gzip"),
        (&gzipped, RUN.as_bytes(), 400, "broken_gzip"),
        (&gzipped, &[&whole[..], b"garbage"].concat(), 400, "broken_gzip"),
        (&gzipped, &bomb, 413, "body_too_large"),
        (&gzipped, &gzip(b""), 400, "empty_body"),
        (&[("content-encoding", "br")], b"x", 415, "unsupported_encoding"),
        (&[], b"", 400, "empty_body"),
        (&[], b"[]", 400, "empty_body"),
        (&[], b"[{},", 400, "invalid_json"),
        (&[], b"[{\"kind\":\"\xff\"}]", 400, "invalid_json"),
        (&[], &vec![b' '; (1 << 20) + 1], 413, "body_too_large"),
        (&[], many.as_bytes(), 413, "too_many_events"),
    ] {
        let answer = world.post(headers, body);
        assert_eq!((answer.status, answer.code()), (status, code));
        assert!(!answer.body["error"]["message"].as_str().unwrap().is_empty());
    }
    // Without an announced length the limit holds as well.
    let mut body = std::io::repeat(b' ').take((1 << 20) + 1);
    let mut response = agent()
        .post(format!("http://{}/v1/events", world.address))
        .header("content-type", "application/json")
        .send(ureq::SendBody::from_reader(&mut body))
        .unwrap();
    assert_eq!(response.status().as_u16(), 413);
    assert!(response.body_mut().read_to_string().unwrap().contains("body_too_large"));
    assert_eq!(world.published().len(), 1);
}

#[test]
fn a_web_page_is_not_heard() {
    let world =
        World::new(Config { hosts: vec!["collector.internal".into()], ..Config::default() });
    for (headers, status, code) in [
        (&[("content-type", "text/plain")][..], 415, "content_type"),
        (&[("content-type", "application/x-www-form-urlencoded")], 415, "content_type"),
        (&[("host", "evil.example")], 421, "unknown_host"),
        (&[("origin", "http://evil.example")], 403, "foreign_origin"),
        (&[("origin", "null")], 403, "foreign_origin"),
    ] {
        let answer = world.post(headers, RUN.as_bytes());
        assert_eq!((answer.status, answer.code()), (status, code), "{headers:?}");
    }
    assert_eq!(world.published().len(), 0);
    assert_eq!(world.post(&[("host", "collector.internal:80")], RUN.as_bytes()).status, 200);
    assert!(world.get("/metrics").1.contains("driftseal_http_requests_refused_total"));
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let world = World::new(Config { body_wait_ms_max: 50, ..Config::default() });
    let mut stream = TcpStream::connect(world.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{").unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 408");
}

#[test]
fn a_log_that_cannot_be_used_is_answered_503_with_retry_after() {
    let settings = Settings { record_bytes_max: 400, queue_records_max: 2, ..Settings::default() };
    let config = Config { retry_after_secs: 7, ..Config::default() };
    let world = World::with_log(config, MemoryLog::with_settings(settings));
    world.log.set_unavailable(true);
    let answer = world.post(&[], format!("[{RUN},{{}}]").as_bytes());
    assert_eq!((answer.status, answer.counts()), (503, (0, 2)));
    assert_eq!(answer.retry_after.as_deref(), Some("7"));
    assert_eq!(answer.errors(), [(0, "unavailable", ""), (1, "missing_field", "/kind")]);
    world.log.set_unavailable(false);

    world.log.inject(Operation::Publish, 0, Fault::LostAnswer);
    assert_eq!(world.post(&[], RUN.as_bytes()).status, 503);
    assert_eq!(world.published().len(), 1, "the answer was lost, the event was not");

    let large = format!(r#"{{"kind":"x.y","note":"{}"}}"#, "x".repeat(400));
    let answer = world.post(&[], format!("[{large},{RUN}]").as_bytes());
    assert_eq!((answer.status, answer.errors()), (207, vec![(0, "too_large", "")]));

    wait_until("nothing is in flight", || world.log.producer().in_flight() == 0);
    world.log.inject(Operation::Publish, 0, Fault::Held);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| world.post(&[], format!("[{RUN},{RUN}]").as_bytes()));
        wait_until("a request is held", || world.log.producer().in_flight() == 2);
        let full = world.post(&[], RUN.as_bytes());
        assert_eq!((full.status, full.errors()), (503, vec![(0, "queue_full", "")]));
        world.log.release();
        assert_eq!(held.join().unwrap().counts(), (2, 0));
    });

    assert!(world.log.delete_topic("agent.events"));
    let answer = world.post(&[], RUN.as_bytes());
    assert_eq!((answer.status, answer.errors()), (503, vec![(0, "unknown_topic", "")]));
}

#[test]
fn nothing_is_answered_before_the_log_has_acknowledged() {
    let world = World::new(Config::default());
    world.log.inject(Operation::Publish, 0, Fault::Held);
    let (send, receive) = std::sync::mpsc::channel();
    let address = world.address;
    let sender = std::thread::spawn(move || {
        send.send(post(address, "/v1/events", &[], RUN.as_bytes())).unwrap()
    });
    wait_until("the request is published", || world.log.producer().in_flight() == 1);
    assert!(receive.try_recv().is_err());
    assert_eq!(world.log.release(), 1);
    assert_eq!(receive.recv_timeout(PATIENCE).unwrap().status, 200);
    sender.join().unwrap();
}

#[test]
fn a_log_that_is_too_slow_is_answered_503_and_its_acknowledgement_is_still_counted() {
    let world = World::new(Config { publish_wait_ms_max: 20, ..Config::default() });
    world.log.inject(Operation::Publish, 0, Fault::Held);
    let answer = world.post(&[], RUN.as_bytes());
    assert_eq!((answer.status, answer.errors()), (503, vec![(0, "unavailable", "")]));
    assert_eq!(world.log.release(), 1);
    assert_eq!(world.post(&[], RUN.as_bytes()).status, 200);
}

#[test]
fn more_in_flight_than_allowed_is_refused_before_anything_is_published() {
    let world =
        World::new(Config { body_events_max: 2, in_flight_events_max: 2, ..Config::default() });
    world.log.inject(Operation::Publish, 0, Fault::Held);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| world.post(&[], format!("[{RUN},{RUN}]").as_bytes()));
        wait_until("a request is held", || world.log.producer().in_flight() == 2);
        let refused = world.post(&[], RUN.as_bytes());
        assert_eq!((refused.status, refused.code()), (503, "backpressure"));
        assert_eq!(refused.retry_after.as_deref(), Some("1"));
        world.log.release();
        assert_eq!(held.join().unwrap().status, 200);
    });
    assert_eq!(world.post(&[], RUN.as_bytes()).status, 200);
    assert_eq!(world.published().len(), 3);
}

#[test]
fn a_sender_that_hangs_up_gives_its_share_back() {
    let world = World::new(Config {
        body_events_max: 1,
        in_flight_events_max: 1,
        body_bytes_max: 1_000,
        in_flight_bytes_max: 2_000,
        ..Config::default()
    });
    for _ in 0..3 {
        world.log.inject(Operation::Publish, 0, Fault::Held);
        let mut stream = TcpStream::connect(world.address).unwrap();
        write!(
            stream,
            "POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{RUN}",
            RUN.len()
        )
        .unwrap();
        wait_until("the event is published", || world.log.producer().in_flight() == 1);
        drop(stream);
        world.log.release();
    }
    wait_until("the shares are back", || world.post(&[], RUN.as_bytes()).status == 200);
    assert_eq!(world.published().len(), 4);
}

#[test]
fn stopping_answers_what_was_begun_and_then_ends() {
    let mut world = World::new(Config::default());
    wait_until("ready", || world.get("/readyz").0 == 200);
    world.log.inject(Operation::Publish, 0, Fault::Held);
    let address = world.address;
    let sender = std::thread::spawn(move || post(address, "/v1/events", &[], RUN.as_bytes()));
    wait_until("the request is published", || world.log.producer().in_flight() == 1);
    world.shutdown.trigger();
    wait_until("nobody listens", || TcpStream::connect(address).is_err());
    world.log.release();
    assert_eq!(sender.join().unwrap().status, 200);
    assert!(world.stop().is_ok());
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let mut world = World::new(Config { drain_wait_ms_max: 20, ..Config::default() });
    world.log.inject(Operation::Publish, 0, Fault::Held);
    let mut stream = TcpStream::connect(world.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{RUN}",
        RUN.len()
    )
    .unwrap();
    wait_until("the request is published", || world.log.producer().in_flight() == 1);
    assert!(world.stop().is_ok());
    assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)), "no answer was invented");
}

#[test]
fn ready_means_that_the_topic_is_there() {
    let world = World::new(Config::default());
    wait_until("ready", || world.get("/readyz").0 == 200);
    assert!(world.log.delete_topic("agent.events"));
    wait_until("not ready", || world.get("/readyz").0 == 503);
    assert_eq!(world.get("/healthz"), (200, "ok\n".into()));
    let (status, metrics) = world.get("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("driftseal_collector_"), "{metrics}");
}

#[test]
fn a_wrong_configuration_is_refused_with_all_problems() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config { topic: String::new(), event_bytes_max: 0, ..Config::default() };
        collector::run(config, Arc::new(MemoryLog::new()), listener.into(), Shutdown::new()).await
    });
    let message = error.unwrap_err().to_string();
    assert!(message.contains("`topic`") && message.contains("`event_bytes_max`"), "{message}");
}

#[test]
fn a_log_that_is_broken_ends_the_collector_with_its_error() {
    let mut world = World::new(Config::default());
    assert_eq!(world.post(&[], br#"{"kind":"x.y"}"#).status, 200);
    world.log.break_down();
    let answer = world.post(&[], br#"{"kind":"x.y"}"#);
    assert_eq!(answer.status, 503);
    let ended = world.server.take().unwrap().join().unwrap();
    assert!(matches!(ended, Err(RunError::Log(_))), "{ended:?}");
}
