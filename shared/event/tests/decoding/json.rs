//! What JSON events and CloudEvents become.

use crate::common::{decode, decode_by};
use event::{Cell, Decoder, Limits, Reason, Timestamp, column, kind};

fn attributes(pairs: &[(&str, &str)]) -> Cell<'static> {
    let own = |text: &str| text.to_owned().into();
    Cell::Map(pairs.iter().map(|(key, value)| (own(key), own(value))).collect())
}

#[test]
fn what_has_no_column_becomes_an_attribute_and_nothing_is_dropped() {
    let decoded = decode(
        br#" {"kind":"run.completed", "agent_id":"a",
            "agent": {"parameters": {"temperature": 0.20, "name": "x", "none": null}},
            "run": {"status": "ok", "shoe_size": 1e400, "strides": 3.0},
            "attributes": {"z": "last", "nested": {"a": [1, 2]}, "n": null},
            "new": [ 1, {"b" : "c"} ], "text": "caf\u00e9", "huge": 123456789012345678901234567890,
            "nothing": null} "#,
    );
    assert_eq!(decoded.fault, None);
    let event = decoded.event;
    assert_eq!(
        event.get(column::ATTRIBUTES),
        Some(&attributes(&[
            ("huge", "123456789012345678901234567890"),
            ("nested", r#"{"a":[1,2]}"#),
            ("new", r#"[1,{"b":"c"}]"#),
            ("run.shoe_size", "1e400"),
            ("run.strides", "3.0"),
            ("text", "caf\u{e9}"),
            ("z", "last"),
        ]))
    );
    assert_eq!(
        event.get(column::agent::PARAMETERS),
        Some(&attributes(&[("name", "x"), ("temperature", "0.20")]))
    );
    assert_eq!(event.text(column::run::STATUS), Some("ok"));
}

#[test]
fn the_log_fills_in_what_the_event_does_not_say() {
    let decoded = decode(br#"{"kind":"x","event_id":""}"#);
    let id = event::id::from_position("t", 0, 7);
    assert_eq!(decoded.event.text(column::EVENT_ID), Some(&*id));
    let time = Timestamp::from_millis(1_700_000_000_123);
    assert_eq!(decoded.event.get(column::EVENT_TIME), Some(&Cell::Time(time)));
    assert_eq!(decoded.event.get(column::SCHEMA_VERSION), Some(&Cell::Int(1)));
    assert_eq!(decoded.schema_id, "json");
}

#[test]
fn numbers_meet_their_columns() {
    let decoded = decode(
        br#"{"kind":"x","source":{"seq":3.0,"epoch":-0},"tool":{"duration_ms":5},
            "eval":{"score":18446744073709551615}}"#,
    );
    assert_eq!(decoded.fault, None);
    assert_eq!(decoded.event.get(column::source::SEQ), Some(&Cell::Int(3)));
    assert_eq!(decoded.event.get(column::source::EPOCH), Some(&Cell::Int(0)));
    assert_eq!(decoded.event.get(column::tool::DURATION_MS), Some(&Cell::Float(5.0)));
    assert_eq!(
        decoded.event.get(column::eval::SCORE),
        Some(&Cell::Float(18_446_744_073_709_551_615.0))
    );
}

#[test]
fn the_order_of_members_does_not_matter() {
    let one = decode(br#"{"kind":"x","run":{"status":"ok","input":"i"},"b":"1","a":"2"}"#);
    let other = decode(br#"{"a":"2","b":"1","run":{"input":"i","status":"ok"},"kind":"x"}"#);
    assert_eq!(one, other);
}

#[test]
fn a_structured_cloud_event_is_its_data_and_keeps_its_context() {
    let decoder = Decoder::new(Limits::default());
    let headers = [("content-type", Some(&b"application/cloudevents+json"[..]))];
    let decoded = decode_by(
        &decoder,
        br#"{"specversion":"1.0","id":"7","source":"/s","type":"run.completed",
            "time":"2026-01-01T00:00:00Z","data":{"agent_id":"a","run":{"status":"ok"}}}"#,
        &headers,
    );
    assert_eq!(decoded.fault, None);
    assert_eq!(decoded.event.text(column::KIND), Some(kind::RUN_COMPLETED));
    let id = event::id::from_texts("driftseal/event-id/cloudevent/v1", &["/s", "7"]);
    assert_eq!(decoded.event.text(column::EVENT_ID), Some(&*id));
    assert_eq!(
        decoded.event.get(column::EVENT_TIME),
        Some(&Cell::Time(Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()))
    );
    assert_eq!(
        decoded.event.get(column::ATTRIBUTES),
        Some(&attributes(&[
            ("ce_id", "7"),
            ("ce_source", "/s"),
            ("ce_specversion", "1.0"),
            ("ce_time", "2026-01-01T00:00:00Z"),
            ("ce_type", kind::RUN_COMPLETED),
        ]))
    );
    for (value, reason, pointer) in [
        (&br#"{"id":"7"}"#[..], Reason::MissingField, "/data"),
        (br#"{"data":7}"#, Reason::WrongType, "/data"),
        (br#"{"data":{},"data":{}}"#, Reason::InvalidJson, "/data"),
        (br#"{"data":{"kind":"x","run":{"status":7}}}"#, Reason::WrongType, "/data/run/status"),
        (br#"{"data":{"kind":"x","source":1}}"#, Reason::WrongType, "/data/source"),
    ] {
        let decoded = decode_by(&decoder, value, &headers);
        let fault = decoded.fault.unwrap();
        assert_eq!((fault.reason, &*fault.pointer), (reason, pointer));
        assert_eq!(decoded.event.text(column::quarantine::ENCODING), Some("cloudevents"));
    }
}

#[test]
fn a_binary_cloud_event_has_its_context_in_headers() {
    let decoder = Decoder::new(Limits::default());
    let headers: [(&str, Option<&[u8]>); 5] = [
        ("ce_id", Some(b"old")),
        ("ce_id", Some(b"7")),
        ("ce_type", Some(b"other")),
        ("content-type", Some(b"application/json")),
        ("ce_none", None),
    ];
    let decoded = decode_by(&decoder, br#"{"kind":"x"}"#, &headers);
    assert_eq!(decoded.fault, None);
    assert_eq!(decoded.event.text(column::KIND), Some("x"));
    assert_eq!(decoded.event.text(column::EVENT_ID), Some("7"));
    assert_eq!(
        decoded.event.get(column::ATTRIBUTES),
        Some(&attributes(&[("ce_id", "7"), ("ce_type", "other")]))
    );
    let bad = decode_by(&decoder, br#"{"kind":"x"}"#, &[("ce_id", Some(b"\xff"))]);
    let fault = bad.fault.unwrap();
    assert_eq!((fault.reason, &*fault.pointer), (Reason::InvalidUtf8, "ce_id"));
}
