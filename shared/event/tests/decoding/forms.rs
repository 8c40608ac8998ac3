//! What is accepted in more than one spelling: dotted names, byte order marks, CloudEvents; and what
//! is refused in words.

use crate::common::{decode, decode_by, encode};
use event::{
    Cell, Decoder, EventBuilder, Limits, Reason, Timestamp, column,
    decode::{decode_binary_cloud_event, decode_cloud_event, decode_json},
    kind,
};
use std::borrow::Cow;

#[test]
fn a_dotted_name_is_the_field_of_that_name() {
    let decoded = decode(
        br#"{"kind":"run.completed","agent_id":"a","run.status":"error","run":{"steps":2},
            "links.change":"c","tool.none":1,"run.x.y":1}"#,
    );
    assert_eq!(decoded.fault, None);
    let event = decoded.event;
    assert_eq!(event.text(column::run::STATUS), Some("error"));
    assert_eq!(event.int(column::run::STEPS), Some(2));
    assert_eq!(event.text(column::links::CHANGE), Some("c"));
    let names: Vec<&str> = event.map(column::ATTRIBUTES).iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["run.x.y", "tool.none"]);
    for (json, reason, pointer) in [
        (r#"{"kind":"x","run.status":7}"#, Reason::WrongType, "/run.status"),
        (r#"{"kind":"x","run.status":["a"]}"#, Reason::WrongType, "/run.status"),
        (r#"{"kind":"x","on_behalf_of":[1]}"#, Reason::WrongType, "/on_behalf_of/0"),
        (
            r#"{"kind":"x","model.finish_reasons":[1]}"#,
            Reason::WrongType,
            "/model.finish_reasons/0",
        ),
        (
            r#"{"kind":"x","run.status":"a","run":{"status":"b"}}"#,
            Reason::InvalidJson,
            "/run/status",
        ),
        (
            r#"{"kind":"x","run":{"status":"b"},"run.status":"a"}"#,
            Reason::InvalidJson,
            "/run.status",
        ),
        (r#"{"kind":"x","run.status":null,"run.status":null}"#, Reason::InvalidJson, "/run.status"),
    ] {
        let fault = decode(json.as_bytes()).fault.unwrap();
        assert_eq!((fault.reason, &*fault.pointer), (reason, pointer), "{json}");
    }
}

#[test]
fn instants_in_another_unit_are_refused_with_its_name() {
    let now = 1_795_507_200_i64;
    for (number, unit) in [
        (now.to_string(), "seconds"),
        (format!("{now}.5"), "seconds"),
        (format!("{now}.0"), "seconds"),
        ((now * 1_000).to_string(), "milliseconds"),
        ((now * 1_000_000_000).to_string(), "nanoseconds"),
        (format!("\"{now}\""), "digits as text"),
    ] {
        for (field, pointer) in [
            (format!(r#""event_time":{number}"#), "/event_time"),
            (format!(r#""change":{{"review_due":{number}}}"#), "/change/review_due"),
            (format!(r#""change.review_due":{number}"#), "/change.review_due"),
        ] {
            let fault = decode(format!(r#"{{"kind":"x",{field}}}"#).as_bytes()).fault.unwrap();
            assert_eq!((fault.reason, &*fault.pointer), (Reason::InvalidTime, pointer), "{field}");
            assert!(fault.detail.contains(unit), "{}", fault.detail);
            assert!(fault.detail.contains("RFC 3339"), "{}", fault.detail);
        }
    }
    for (micros, unit) in [(now, "seconds"), (now * 1_000, "milliseconds")] {
        let event = EventBuilder::new("x.y")
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(micros))
            .build()
            .unwrap();
        let fault = decode(&encode(&event)).fault.unwrap();
        assert_eq!((fault.reason, &*fault.pointer), (Reason::InvalidTime, "/event_time"));
        assert!(fault.detail.contains(unit), "{}", fault.detail);
    }
}

#[test]
fn a_byte_order_mark_is_not_part_of_an_event() {
    let decoded = decode(b"\xef\xbb\xbf{\"kind\":\"x\"}");
    assert_eq!((decoded.fault, decoded.event.text(column::KIND)), (None, Some("x")));
    let fault = decode(b"\xef\xbb\xbf{\"kind\":}").fault.unwrap();
    assert_eq!((&*fault.pointer, &*fault.detail), ("byte 11", "a value is missing"));
    let fault = decode(b"\xef\xbb\xbf{\"kind\":\"\xff\"}").fault.unwrap();
    assert_eq!((fault.reason, &*fault.pointer), (Reason::InvalidUtf8, "byte 12"));
    assert!(decode_json(b"\xef\xbb\xbf{\"kind\":\"x\"}", Limits::default()).is_ok());
}

#[test]
fn why_a_text_is_no_json_is_said_in_words() {
    for (json, says) in [
        (r#"{"kind":"x","a":NaN}"#, "NaN and Infinity"),
        (r#"{"kind":"x","run":{"cost_usd":-Infinity}}"#, "NaN and Infinity"),
        (r#"{"kind":"x","run":{"steps":1e999}}"#, "beyond what a 64-bit float holds"),
        (r#"{"kind":"\ud800"}"#, "surrogate"),
        (r#"{"kind":"\ud800\u0041"}"#, "surrogate"),
        (r#"{"kind":"x","a":"\ud800"}"#, "no character"),
        ("{\"kind\":\"x\ty\"}", "a raw line break, tab or control character"),
        ("{\"kind\":\"x\",\"a\":\"x\ny\"}", "a raw line break, tab or control character"),
        (r#"{"kind":"x"#, "ends within a string"),
        (r#"{"kind":"x""#, "ends within an object"),
        (r#"{"kind":"x","a":[1"#, "ends within a list"),
        (r#"{"kind":"x","a":"#, "ends too early"),
        (r#"{"kind":"x",}"#, "a comma after the last member"),
        (r#"{"kind":"x" "a":1}"#, "a comma is missing"),
        (r#"{'kind':'x'}"#, "single quotes"),
        (r#"{"kind":'x'}"#, "single quotes"),
        (r#"{kind:"x"}"#, "without double quotes"),
        (r#"{"kind":"x","a":True}"#, "Python"),
        (r#"{"kind":"x","a":None}"#, "Python"),
        (r#"{"kind":"x","a":undefined}"#, "JavaScript"),
        ("{\"kind\":\"x\" // why\n}", "a comment"),
        (r#"{"kind":"x","a":01}"#, "a number that JSON does not have"),
        (r#"{"kind":"x","a":+1}"#, "a plus sign"),
        (r#"{"kind":"x","a":}"#, "a value is missing"),
        (r#"{"kind":"x"}{"kind":"y"}"#, "one event per line or record"),
        (r#"{"kind":"\x"}"#, "an escape that JSON does not have"),
    ] {
        let fault = decode(json.as_bytes()).fault.unwrap();
        assert_eq!(fault.reason, Reason::InvalidJson, "{json}");
        assert!(fault.detail.contains(says), "{json}: {}", fault.detail);
    }
    for (value, says) in [
        (&b"[{}]"[..], "a JSON array; send one event per record"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\xff\xfe{\0", "UTF-16"),
        (b"Obj\x01", "an Avro object container file"),
    ] {
        let fault = decode(value).fault.unwrap();
        assert_eq!(fault.reason, Reason::UnknownEncoding);
        assert!(fault.detail.contains(says), "{}", fault.detail);
    }
}

#[test]
fn the_place_of_a_fault_is_bounded_however_long_a_name_is() {
    let name = "é".repeat(100_000);
    let json = format!(r#"{{"kind":"x","{name}":1,"{name}":2}}"#);
    let fault = decode(json.as_bytes()).fault.unwrap();
    assert_eq!(fault.reason, Reason::InvalidJson);
    assert!(fault.pointer.len() < 1_100 && fault.pointer.ends_with('…'), "{}", fault.pointer.len());
    let own = decode_json(json.as_bytes(), Limits::default()).unwrap_err();
    assert_eq!(own.pointer, fault.pointer);
}

const STRUCTURED: &str = r#"{"specversion":"1.0","type":"run.completed","source":"/pod-a","id":"7",
    "data":{"agent_id":"a","run":{"status":"error"}}}"#;

fn id_of(source: &str, id: &str) -> String {
    event::id::from_texts("driftseal/event-id/cloudevent/v1", &[source, id])
}

#[test]
fn a_cloud_event_is_known_by_source_and_id_in_every_form() {
    let decoder = Decoder::new(Limits::default());
    let id = id_of("/pod-a", "7");
    let data = br#"{"agent_id":"a","run":{"status":"error"}}"#;
    let context =
        [("specversion", "1.0"), ("type", "run.completed"), ("source", "/pod-a"), ("id", "7")];
    let headers = |prefix: &str| -> Vec<(String, &'static str)> {
        context.iter().map(|(name, value)| (format!("{prefix}{name}"), *value)).collect()
    };
    let by_header = |prefix: &str| {
        let headers = headers(prefix);
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (&**name, Some(value.as_bytes()))).collect();
        decode_by(&decoder, data, &headers).event
    };
    let base64 = STRUCTURED.replace(
        r#""data":{"agent_id":"a","run":{"status":"error"}}"#,
        r#""data_base64":"eyJhZ2VudF9pZCI6ImEiLCJydW4iOnsic3RhdHVzIjoiZXJyb3IifX0=""#,
    );
    let typed = [("content-type", Some(&b"application/cloudevents+json"[..]))];
    let own = |(name, value): (&str, &str)| {
        (Cow::<'static, str>::Owned(name.to_owned()), Cow::Owned(value.to_owned()))
    };
    for (form, event) in [
        ("structured", decode_by(&decoder, STRUCTURED.as_bytes(), &typed).event),
        ("structured, unnamed", decode(STRUCTURED.as_bytes()).event),
        ("base64", decode_by(&decoder, base64.as_bytes(), &typed).event),
        ("base64, unnamed", decode(base64.as_bytes()).event),
        ("binary", by_header("ce_")),
        ("binary, as HTTP spells it", by_header("ce-")),
        ("binary, in capitals", by_header("Ce-")),
        ("HTTP", decode_json(STRUCTURED.as_bytes(), Limits::default()).unwrap()),
        (
            "HTTP",
            decode_cloud_event(STRUCTURED.as_bytes(), Limits::default()).unwrap().into_owned(),
        ),
        (
            "HTTP, binary",
            decode_binary_cloud_event(data, context.map(own), Limits::default())
                .unwrap()
                .into_owned(),
        ),
    ] {
        assert_eq!(event.text(column::KIND), Some(kind::RUN_COMPLETED), "{form}");
        assert_eq!(event.text(column::EVENT_ID), Some(&*id), "{form}");
        assert_eq!(event.text(column::AGENT_ID), Some("a"), "{form}");
        assert_eq!(event.text(column::run::STATUS), Some("error"), "{form}");
        let kept: Vec<&str> =
            event.map(column::ATTRIBUTES).iter().map(|(name, _)| &**name).collect();
        assert_eq!(kept, ["ce_id", "ce_source", "ce_specversion", "ce_type"], "{form}");
    }
    assert_ne!(id, id_of("/pod-b", "7"));
    assert_ne!(id_of("a", "bc"), id_of("ab", "c"));
}

#[test]
fn a_cloud_event_that_is_none_is_named_as_one_with_what_to_do() {
    let decoder = Decoder::new(Limits::default());
    let structured = ("content-type", Some(&b"application/cloudevents+json"[..]));
    let batch = ("content-type", Some(&b"application/cloudevents-batch+json"[..]));
    let id = ("ce-id", Some(&b"7"[..]));
    let with = |data: &str| STRUCTURED.replace(r#""data":{"#, &format!(r#"{data},"none":{{"#));
    for (value, headers, reason, pointer, says) in [
        (
            r#"{"specversion":"1.0","id":"7"}"#,
            &[][..],
            Reason::MissingField,
            "/data",
            "`data_base64`",
        ),
        (&with(r#""data":"text""#), &[], Reason::WrongType, "/data", "expected an object"),
        (&with(r#""data_base64":"!""#), &[], Reason::WrongType, "/data_base64", "not base64"),
        (&with(r#""data_base64":7"#), &[], Reason::WrongType, "/data_base64", "base64 text"),
        (
            &with(r#""data_base64":"e30=","data":{}"#),
            &[],
            Reason::InvalidJson,
            "/data",
            "a member repeats",
        ),
        (
            &with(r#""data_base64":"eyI=""#),
            &[],
            Reason::InvalidJson,
            "byte 1",
            "within the decoded",
        ),
        (
            &with(r#""time":"yesterday","data":{"agent_id":"a"}"#),
            &[structured],
            Reason::InvalidTime,
            "/time",
            "RFC 3339",
        ),
        (
            "{\"kind\":\"x\"}",
            &[("ce_time", Some(b"1"))],
            Reason::InvalidTime,
            "ce_time",
            "RFC 3339",
        ),
        ("[{}]", &[batch], Reason::UnknownEncoding, "byte 0", "one CloudEvent per record"),
        ("hello", &[id], Reason::UnknownEncoding, "byte 0", "data of the CloudEvent"),
    ] {
        let decoded = decode_by(&decoder, value.as_bytes(), headers);
        let fault = decoded.fault.unwrap();
        assert_eq!((fault.reason, &*fault.pointer), (reason, pointer), "{value}");
        assert!(fault.detail.contains(says), "{value}: {}", fault.detail);
    }
}

/// Frames of JSON Schema serializers hold JSON behind the id, or beside an id header.
#[test]
fn json_behind_the_id_of_a_schema_is_json() {
    let decoder = Decoder::new(Limits::default());
    let json = br#" {"kind":"run.completed","agent_id":"a","run":{"status":"ok"}}"#;
    let framed = [&[0, 0, 0, 0, 9][..], json].concat();
    let guid = [&[1][..], &[7; 16]].concat();
    for (value, headers) in [
        (&framed[..], vec![]),
        (&json[..], vec![("__value_schema_id", Some(&guid[..]))]),
        (&json[..], vec![("__value_schema_id", Some(&[0, 0, 0, 0, 9][..]))]),
    ] {
        let decoded = decode_by(&decoder, value, &headers);
        assert_eq!((decoded.fault, &*decoded.schema_id), (None, "json"));
        assert_eq!(decoded.event.text(column::run::STATUS), Some("ok"));
    }
    for (json, reason) in [
        (&br#"{"kind":1}"#[..], Reason::WrongType),
        (br#"{"kind":"#, Reason::UnknownSchema),
        (b"[1]", Reason::UnknownSchema),
        (b"{\xff}", Reason::UnknownSchema),
    ] {
        let framed = [&[0, 0, 0, 0, 9][..], json].concat();
        assert_eq!(decode_by(&decoder, &framed, &[]).fault.unwrap().reason, reason, "{json:?}");
    }
}

#[test]
fn a_trace_names_the_run_where_the_event_does_not() {
    let decoder = Decoder::new(Limits::default());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("00-{trace}-00f067aa0ba902b7-01");
    let run_of = |value: &str, headers: &[(&str, Option<&[u8]>)]| {
        let decoded = decode_by(&decoder, value.as_bytes(), headers);
        assert_eq!(decoded.fault, None);
        decoded.event.text(column::RUN_ID).map(str::to_owned)
    };
    let traced = [("traceparent", Some(header.as_bytes()))];
    assert_eq!(run_of(r#"{"kind":"x"}"#, &traced).as_deref(), Some(trace));
    assert_eq!(run_of(r#"{"kind":"x","run_id":"mine"}"#, &traced).as_deref(), Some("mine"));
    assert_eq!(run_of(r#"{"kind":"x"}"#, &[("traceparent", Some(b"00-x\xff"))]), None);
    let extended = format!(
        r#"{{"specversion":"1.0","id":"7","type":"x","traceparent":"{header}","data":{{}}}}"#
    );
    assert_eq!(run_of(&extended, &[]).as_deref(), Some(trace));
}

#[test]
fn an_attribute_map_of_a_cloud_event_survives_base64() {
    let json = r#"{"specversion":"1.0","id":"7","source":"s","type":"x","data_base64":"eyJhdHRyaWJ1dGVzIjp7ImEiOjF9LCJ6IjoieSJ9"}"#;
    let decoded = decode(json.as_bytes());
    assert_eq!(decoded.fault, None);
    let kept: Vec<(&str, &str)> = decoded
        .event
        .map(column::ATTRIBUTES)
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    assert_eq!(kept.first(), Some(&("a", "1")));
    assert_eq!(kept.last(), Some(&("z", "y")));
    assert!(matches!(decoded.event.get(column::ATTRIBUTES), Some(Cell::Map(_))));
}
