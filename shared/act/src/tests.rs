use std::collections::BTreeMap;

use event::{EventBuilder, Timestamp, column, kind};

use crate::alert::{Answer, Open};
use crate::baseline::{Pin, Unpin};
use crate::maintenance::MAINTENANCE;
use crate::suppression::SUPPRESSION;
use crate::{Actor, End, Ending, InForce, Period, Request, Stamp, Target};

const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);
const MINUTE: i64 = 60_000_000;

fn actor() -> Actor {
    Actor { id: "ana".to_owned(), reason: "known".to_owned() }
}

fn stamp(id: &str) -> Stamp {
    Stamp { event_id: id.to_owned(), time: NOW }
}

fn target(agent: &str) -> Target {
    Target { agent_id: Some(agent.to_owned()), ..Target::default() }
}

fn request() -> Request {
    let period = Period { from: None, end: End::After(60 * MINUTE) };
    Request { id: "r".to_owned(), target: target("a"), period, actor: actor() }
}

#[test]
fn a_suppression_is_known_by_its_event_and_a_window_by_its_column() {
    let suppression = request().event(&SUPPRESSION, &stamp("e")).unwrap();
    assert_eq!(suppression.text(column::EVENT_ID), Some("r"));
    assert_eq!(suppression.text(column::drift::SUPPRESSION_ID), None);
    let window = request().event(&MAINTENANCE, &stamp("e")).unwrap();
    assert_eq!(window.text(column::EVENT_ID), Some("e"));
    assert_eq!(window.text(column::maintenance::ID), Some("r"));
    for event in [&suppression, &window] {
        assert_eq!(event.text(column::AGENT_ID), Some("a"));
        assert_eq!(event.text(column::actor::ID), Some("ana"));
        assert_eq!(event.text(column::actor::EVIDENCE_LEVEL), Some("self_reported"));
    }
}

#[test]
fn the_end_of_a_window_is_the_first_that_was_applied() {
    let applied = |until: i64| {
        EventBuilder::new(MAINTENANCE.applied)
            .set(column::EVENT_ID, format!("e{until}"))
            .set(column::EVENT_TIME, NOW)
            .set(column::maintenance::ID, "r")
            .set(column::maintenance::UNTIL, Timestamp::from_micros(NOW.micros() + until * MINUTE))
            .build()
            .unwrap()
    };
    let mut all = BTreeMap::new();
    for (partition, until) in [(0, 60), (1, 20), (0, 60)] {
        InForce::apply(&mut all, &MAINTENANCE, partition, &applied(until));
    }
    let found = all.remove("r").unwrap();
    assert_eq!(found.until, Some(Timestamp::from_micros(NOW.micros() + 20 * MINUTE)));
    assert_eq!(found.partitions.len(), 2);
    let late =
        Ending { at: Some(Timestamp::from_micros(NOW.micros() + 20 * MINUTE)), actor: actor() };
    let error = late.event(&MAINTENANCE, &found, &stamp("e")).unwrap_err().to_string();
    assert!(error.starts_with("`ended_at`: must be before the end"), "{error}");
}

#[test]
fn a_pin_names_an_agent_and_a_watched_metric() {
    let pin = |target: Target| Pin { target, alert_id: None, actor: actor() };
    let event = pin(Target { agent_version: Some("v1".to_owned()), ..target("a") });
    let event = event.event(&stamp("e")).unwrap();
    assert_eq!(event.text(column::KIND), Some(Pin::KIND));
    assert_eq!(event.text(column::AGENT_VERSION), Some("v1"));
    let unpin = Unpin { target: target("a"), actor: actor() }.event(&stamp("e")).unwrap();
    assert_eq!(unpin.text(column::KIND), Some(Unpin::KIND));
    let unknown = Target { metric: Some("x".to_owned()), ..target("a") };
    for (target, says) in [
        (Target::default(), "`agent`: is required"),
        (target(" "), "`agent`: must not be empty"),
        (unknown, "`metric`: must be one of run.error_rate"),
    ] {
        let error = pin(target).event(&stamp("e")).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn an_alert_fires_when_it_is_no_longer_suppressed_and_is_acknowledged_once() {
    let firing = |by: Option<&str>| {
        EventBuilder::new(kind::DRIFT_ALERT_FIRING)
            .set(column::EVENT_ID, "f")
            .set(column::EVENT_TIME, NOW)
            .set(column::AGENT_ID, "a")
            .set(column::drift::ALERT_ID, "x")
            .set_some(column::drift::SUPPRESSED_BY, by)
            .build()
            .unwrap()
    };
    let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
    let mut open = BTreeMap::new();
    let fired = |open: &BTreeMap<String, Open>| open.get("x").unwrap().fired_at;
    Open::apply(&mut open, 1, at(1), &firing(Some("s")));
    let alert = open.get("x").unwrap().clone();
    let answer = Answer::Acknowledge.event(&alert, &actor(), &stamp("e")).unwrap();
    Open::apply(&mut open, 1, at(2), &answer);
    Open::apply(&mut open, 1, at(3), &firing(Some("t")));
    assert_eq!(fired(&open), at(3));
    Open::apply(&mut open, 1, at(4), &firing(None));
    assert_eq!(fired(&open), at(4));
    // What is read twice fires once, and whoever answers later took nothing over.
    Open::apply(&mut open, 1, at(5), &firing(None));
    let later = Actor { id: "bob".to_owned(), ..actor() };
    let answer = Answer::Acknowledge.event(&alert, &later, &stamp("g")).unwrap();
    Open::apply(&mut open, 1, at(6), &answer);
    let alert = open.get("x").unwrap();
    assert_eq!((alert.fired_at, alert.acknowledged_at), (at(4), Some(at(2))));
    assert_eq!(alert.acknowledged_by.as_deref(), Some("ana"));
}

#[test]
fn an_answer_takes_over_what_the_alert_is_about() {
    let firing = EventBuilder::new(kind::DRIFT_ALERT_FIRING)
        .set(column::EVENT_ID, "f")
        .set(column::EVENT_TIME, NOW)
        .set(column::AGENT_ID, "a")
        .set(column::drift::ALERT_ID, "x")
        .set(column::drift::METRIC, "run.error_rate")
        .set(column::drift::DIRECTION, "rising")
        .build()
        .unwrap();
    let mut open = BTreeMap::new();
    Open::apply(&mut open, 1, NOW, &firing);
    let alert = open.get("x").unwrap().clone();
    let answer = Answer::Acknowledge.event(&alert, &actor(), &stamp("e")).unwrap();
    assert_eq!(answer.text(column::drift::METRIC), Some("run.error_rate"));
    assert_eq!(answer.text(column::drift::DIRECTION), Some("rising"));
    Open::apply(&mut open, 1, NOW, &answer);
    assert_eq!(open.get("x").unwrap().acknowledged_by.as_deref(), Some("ana"));
    Open::apply(&mut open, 1, NOW, &Answer::Dismiss.event(&alert, &actor(), &stamp("f")).unwrap());
    assert!(open.is_empty());
    let nobody = Actor { id: " ".to_owned(), ..actor() };
    assert!(Answer::Dismiss.event(&alert, &nobody, &stamp("g")).is_err());
}
