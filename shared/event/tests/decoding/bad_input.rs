//! Whatever a record holds, it has one event; what is wrong has a reason, a place and its bytes.

use crate::common::{any_event, decode, decode_by, encode, with_record};
use std::sync::LazyLock;

use event::{
    Cell, Decoder, EventBuilder, Fault, Limits, Reason, SchemaKey, Timestamp, column,
    decode::decode_json, kind,
};
use proptest::prelude::*;

fn fault_of(json: &str) -> (Reason, String) {
    let decoded = decode(json.as_bytes());
    let Fault { reason, pointer, .. } = decoded.fault.unwrap();
    assert_eq!(decoded.event.text(column::quarantine::REASON), Some(reason.name()));
    assert_eq!(decoded.event.text(column::quarantine::POINTER), Some(&*pointer));
    assert_eq!(decoded.event.get(column::quarantine::VALUE), Some(&Cell::from(json.as_bytes())));
    assert_eq!(decoded.schema_id, "none");
    (reason, pointer)
}

fn a_run() -> event::Event<'static> {
    EventBuilder::new(kind::RUN_COMPLETED)
        .set(column::EVENT_ID, "e")
        .set(column::EVENT_TIME, Timestamp::from_micros(1))
        .set(column::AGENT_ID, "a")
        .set(column::run::STATUS, "ok")
        .set(
            column::ATTRIBUTES,
            std::collections::BTreeMap::from([("k".to_owned(), "v".to_owned())]),
        )
        .build()
        .unwrap()
}

#[test]
fn json_faults_name_the_place() {
    for (json, reason, pointer) in [
        (r#"{"kind":"x","event_time":true}"#, Reason::WrongType, "/event_time"),
        (r#"{"kind":"x","run":7}"#, Reason::WrongType, "/run"),
        (r#"{"kind":"x","run":[]}"#, Reason::WrongType, "/run"),
        (r#"{"kind":"x","tool":{"name":7}}"#, Reason::WrongType, "/tool/name"),
        (r#"{"kind":"x","source":{"seq":1.5}}"#, Reason::WrongType, "/source/seq"),
        (r#"{"kind":"x","source":{"seq":9223372036854775808}}"#, Reason::WrongType, "/source/seq"),
        (r#"{"kind":"x","source":{"seq":1e30}}"#, Reason::WrongType, "/source/seq"),
        (r#"{"kind":"x","source":{"seq":"1"}}"#, Reason::WrongType, "/source/seq"),
        (r#"{"kind":"x","subject_refs":["a",null]}"#, Reason::WrongType, "/subject_refs/1"),
        (r#"{"kind":"x","subject_refs":{}}"#, Reason::WrongType, "/subject_refs"),
        (r#"{"kind":"x","attributes":[]}"#, Reason::WrongType, "/attributes"),
        (r#"{"kind":"x","quarantine":{"key":"!"}}"#, Reason::WrongType, "/quarantine/key"),
        (r#"{"kind":["x"]}"#, Reason::WrongType, "/kind"),
        (r"{}", Reason::MissingField, "/kind"),
        (r#"{"kind":null}"#, Reason::MissingField, "/kind"),
        (r#"{"kind":""}"#, Reason::MissingField, "/kind"),
        (r#"{"kind":"run.completed"}"#, Reason::MissingField, "/agent_id"),
        (r#"{"kind":"tool.called","agent_id":""}"#, Reason::MissingField, "/agent_id"),
        (r#"{"kind":"x","kind":"x"}"#, Reason::InvalidJson, "/kind"),
        (r#"{"kind":"x","run":{"status":null,"status":"a"}}"#, Reason::InvalidJson, "/run/status"),
        (r#"{"kind":"x","run":{},"run":{}}"#, Reason::InvalidJson, "/run"),
        (r#"{"kind":"x","a/b":1,"a\u002fb":2}"#, Reason::InvalidJson, "/a~1b"),
        (r#"{"kind":"x","new":null,"new":null}"#, Reason::InvalidJson, "/new"),
        (r#"{"kind":"x","run":{"new":1,"new":2}}"#, Reason::InvalidJson, "/run/new"),
        (r#"{"kind":"x","new":{"a":{"b":1,"b":1}}}"#, Reason::InvalidJson, "/new"),
        (r#"{"kind":"x","attributes":{"a":"1","a":"2"}}"#, Reason::InvalidJson, "/attributes/a"),
        (r#"{"kind":"x","attributes":{"a":{"b":1,"b":1}}}"#, Reason::InvalidJson, "/attributes/a"),
        (r#"{"kind":"x","attributes":{"a":"1"},"a":2}"#, Reason::InvalidJson, "/a"),
        (r#"{"kind":"x","new":"\ud800"}"#, Reason::InvalidJson, "/new"),
        (r#"{"kind":"x","cost":NaN}"#, Reason::InvalidJson, "byte 19"),
        (r#"{"kind":"x","run":{"cost_usd":Infinity}}"#, Reason::InvalidJson, "byte 30"),
        (r#"{"kind":"x"} x"#, Reason::InvalidJson, "byte 13"),
        (r#"{"kind":"x",}"#, Reason::InvalidJson, "byte 12"),
        ("{\n\"kind\":\"x\",\n  'a':1}", Reason::InvalidJson, "byte 16"),
        (r#"{"kind":"x""#, Reason::InvalidJson, "byte 10"),
        (r#"{"kind":"x","event_time":"0000-12-31T23:59:59Z"}"#, Reason::InvalidTime, "/event_time"),
        (
            r#"{"kind":"x","event_time":"10000-01-01T00:00:00Z"}"#,
            Reason::InvalidTime,
            "/event_time",
        ),
        (r#"{"kind":"x","event_time":"2026-01-01"}"#, Reason::InvalidTime, "/event_time"),
        (r#"{"kind":"x","event_time":253402300800000000}"#, Reason::InvalidTime, "/event_time"),
        (r#"{"kind":"x","event_time":-62135596800000001}"#, Reason::InvalidTime, "/event_time"),
        (r#"{"kind":"x","event_time":1e300}"#, Reason::InvalidTime, "/event_time"),
        (r#"{"kind":"x","event_time":18446744073709551615}"#, Reason::InvalidTime, "/event_time"),
        ("[1]", Reason::UnknownEncoding, "byte 0"),
        ("nonsense", Reason::UnknownEncoding, "byte 0"),
        ("   ", Reason::UnknownEncoding, "byte 0"),
    ] {
        assert_eq!(fault_of(json), (reason, pointer.to_owned()), "{json}");
    }
}

#[test]
fn a_fault_does_not_repeat_the_value_to_a_person() {
    for json in [r#"{"kind":"x","source":{"seq":"secret"}}"#, r#"{"kind":"x","a":secret}"#] {
        assert!(!decode(json.as_bytes()).fault.unwrap().detail.contains("secret"), "{json}");
    }
}

#[test]
fn years_1_and_9999_are_accepted() {
    for (json, micros) in [
        (r#""0001-01-01T00:00:00Z""#, Timestamp::EARLIEST.micros()),
        (r#""9999-12-31T23:59:59.999999Z""#, Timestamp::LATEST.micros()),
        ("-62135596800000000", Timestamp::EARLIEST.micros()),
        ("253402300799999999", Timestamp::LATEST.micros()),
        (r#""2026-11-24T10:00:00.5+02:00""#, 1_795_507_200_500_000),
        ("1.0", 1),
    ] {
        let json = format!(r#"{{"kind":"x","event_time":{json}}}"#);
        let decoded = decode(json.as_bytes());
        assert_eq!(decoded.fault, None, "{json}");
        let time = decoded.event.get(column::EVENT_TIME).cloned();
        assert_eq!(time, Some(Cell::Time(Timestamp::from_micros(micros))), "{json}");
    }
}

#[test]
fn avro_instants_outside_the_years_are_a_fault() {
    for micros in [Timestamp::EARLIEST.micros() - 1, Timestamp::LATEST.micros() + 1, i64::MIN] {
        let event = EventBuilder::new("x.y")
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(micros))
            .build()
            .unwrap();
        let fault = decode(&encode(&event)).fault.unwrap();
        assert_eq!((fault.reason, &*fault.pointer), (Reason::InvalidTime, "/event_time"));
    }
}

#[test]
fn avro_events_obey_the_same_rules_as_json() {
    for (kind, agent, pointer) in [("", "a", "/kind"), (kind::RUN_COMPLETED, "", "/agent_id")] {
        let event = EventBuilder::new(kind)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
            .set(column::AGENT_ID, agent)
            .build()
            .unwrap();
        let fault = decode(&encode(&event)).fault.unwrap();
        assert_eq!((fault.reason, &*fault.pointer), (Reason::MissingField, pointer));
    }
}

#[test]
fn avro_truncated_at_any_byte_or_continued_is_a_fault() {
    let whole = encode(&a_run());
    assert_eq!(decode(&whole).fault, None);
    for length in 1..whole.len() {
        let decoded = decode(&whole[..length]);
        let reason = if length < 10 { Reason::UnknownEncoding } else { Reason::InvalidAvro };
        assert_eq!(decoded.fault.unwrap().reason, reason, "{length} bytes");
        assert_eq!(
            decoded.event.get(column::quarantine::VALUE),
            Some(&Cell::from(&whole[..length]))
        );
    }
    let longer = [&whole[..], &[0]].concat();
    let fault = decode(&longer).fault.unwrap();
    assert_eq!(
        (fault.reason, fault.pointer),
        (Reason::InvalidAvro, format!("byte {}", whole.len() - 10))
    );
}

#[test]
fn hostile_avro_lengths_and_counts_cost_nothing() {
    let head = &encode(&a_run())[..10];
    let agent_and_id = [&[0][..], &[0]].concat();
    for tail in [
        // An attributes map of 2^62 pairs, of -2^63 pairs, with a block size beyond the end.
        vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        vec![0x01, 0xff, 0xff, 0xff, 0xff, 0x0f],
        vec![0xff; 40],
    ] {
        for group in [0_u8, 2] {
            let value = [head, &[group], &agent_and_id, &[2], &tail].concat();
            let fault = decode(&value).fault.unwrap();
            assert_eq!(fault.reason, Reason::InvalidAvro);
        }
    }
}

#[test]
fn invalid_utf8_is_found_in_json_and_in_avro() {
    let decoded = decode(b"{\"kind\":\"\xff\"}");
    let fault = decoded.fault.unwrap();
    assert_eq!((fault.reason, &*fault.pointer), (Reason::InvalidUtf8, "byte 9"));
    let mut value = encode(&a_run());
    let at = value.windows(2).rposition(|two| two == b"ok").unwrap();
    value[at + 1] = 0xff;
    let fault = decode(&value).fault.unwrap();
    assert_eq!(
        (fault.reason, fault.pointer),
        (Reason::InvalidUtf8, format!("byte {}", at + 1 - 10))
    );
}

#[test]
fn a_value_of_10_mb_is_quarantined_with_every_byte() {
    let json = format!(r#"{{"kind":"x","text":"{}"}}"#, "a".repeat(10_000_000));
    let decoded = decode(json.as_bytes());
    assert_eq!(decoded.fault.unwrap().reason, Reason::TooLarge);
    assert_eq!(decoded.event.get(column::quarantine::VALUE), Some(&Cell::from(json.as_bytes())));
    assert_eq!(decoded.event.text(column::quarantine::ENCODING), Some("json"));
    let larger = Decoder::new(Limits { value_bytes_max: 20_000_000 });
    assert_eq!(decode_by(&larger, json.as_bytes(), &[]).fault, None);
}

#[test]
fn a_tombstone_and_an_empty_value_are_different_events() {
    for value in [None, Some(&b""[..])] {
        with_record(Some(b"key"), value, &[("h", None), ("h", Some(b"\xff"))], |record| {
            let decoded = Decoder::new(Limits::default()).decode(record);
            assert_eq!(decoded.fault.unwrap().reason, Reason::Empty);
            let event = decoded.event;
            assert_eq!(event.get(column::quarantine::VALUE), value.map(Cell::from).as_ref());
            assert_eq!(event.get(column::quarantine::KEY), Some(&Cell::from(&b"key"[..])));
            assert_eq!(
                event.text(column::quarantine::HEADERS),
                Some(r#"[["h",null],["h","/w=="]]"#)
            );
            assert_eq!(event.text(column::KIND), Some(kind::QUARANTINE_ADDED));
            assert_eq!(event.text(column::AGENT_ID), None);
            let id = event::id::from_position("t", 0, 7);
            assert_eq!(event.text(column::EVENT_ID), Some(&*id));
            assert_eq!(
                event.get(column::EVENT_TIME),
                Some(&Cell::Time(Timestamp::from_millis(1_700_000_000_123)))
            );
        });
    }
}

#[test]
fn an_unknown_schema_says_which() {
    let mut single = vec![0xc3, 0x01];
    single.extend_from_slice(&0x0123_4567_89ab_cdef_u64.to_le_bytes());
    for (value, header, named) in [
        (&[0, 0, 0, 1, 0, 1, 2][..], None, "no schema with id 256"),
        (&single[..], None, "no schema with fingerprint 0123456789abcdef"),
        (b"x", Some(&[1; 17][..]), "no schema with guid 01010101-0101-0101-0101-010101010101"),
        (b"x", Some(&[1; 3][..]), "neither 01 and a GUID nor a 4-byte id"),
    ] {
        let headers: Vec<_> = header.map(|h| ("__value_schema_id", Some(h))).into_iter().collect();
        let fault = decode_by(&Decoder::new(Limits::default()), value, &headers).fault.unwrap();
        assert_eq!((fault.reason, &*fault.detail), (Reason::UnknownSchema, named));
    }
}

#[test]
fn the_door_for_json_has_the_same_rules_and_fills_nothing_in() {
    let event = decode_json(br#"{"kind":"x"}"#, Limits::default()).unwrap();
    assert_eq!((event.get(column::EVENT_ID), event.get(column::EVENT_TIME)), (None, None));
    for (json, reason) in [
        (&b""[..], Reason::Empty),
        (b"[]", Reason::WrongType),
        (b"nul", Reason::InvalidJson),
        (b"{\"kind\":1}", Reason::WrongType),
    ] {
        assert_eq!(decode_json(json, Limits::default()).unwrap_err().reason, reason);
    }
    let limits = Limits { value_bytes_max: 5 };
    assert_eq!(decode_json(b"{\"kind\":1}", limits).unwrap_err().reason, Reason::TooLarge);
}

/// Knows the bundled schema under the number 1. Parsing it takes longer than decoding.
static KNOWING_ONE: LazyLock<Decoder> = LazyLock::new(|| {
    let mut decoder = Decoder::new(Limits { value_bytes_max: 200 });
    decoder.register(SchemaKey::Id(1), event::schema().avro_json()).unwrap();
    decoder
});

fn is_total(value: &[u8], key: Option<&[u8]>, header: &[u8]) {
    let headers = [("h", Some(header)), ("ce_id", None)];
    with_record(key, Some(value), &headers, |record| {
        let decoded = KNOWING_ONE.decode(record);
        for id in event::schema().ids().filter(|id| event::schema().column(*id).required) {
            assert!(decoded.event.get(id).is_some(), "{}", id.path());
        }
        assert_eq!(decoded.fault.is_some(), decoded.schema_id == "none");
        if decoded.fault.is_some() {
            assert_eq!(decoded.event.get(column::quarantine::VALUE), Some(&Cell::from(value)));
            assert_eq!(decoded.event.get(column::quarantine::KEY), key.map(Cell::from).as_ref());
            let headers = decoded.event.text(column::quarantine::HEADERS).unwrap();
            assert!(headers.starts_with(r#"[["h",""#), "{headers}");
        }
        // What was decoded can be written and is read again as the same.
        let again = WITHOUT_LIMIT
            .decode(&event::Record { value: Some(&encode(&decoded.event)), ..*record })
            .event
            .into_owned();
        assert!(crate::common::same(&again, &decoded.event));
    });
}

static WITHOUT_LIMIT: LazyLock<Decoder> =
    LazyLock::new(|| Decoder::new(Limits { value_bytes_max: usize::MAX }));

#[test]
fn a_schema_whose_attribute_has_no_place_in_the_canonical_form_is_refused() {
    let schema = |name: &str, value: &str| {
        format!(
            r#"{{"type":"record","name":"E","fields":[{{"name":"event_id","type":"string","{name}":{value}}}]}}"#
        )
    };
    let mut decoder = Decoder::new(Limits::default());
    for name in ["size", "precision", "scale", "symbols", "items", "values", "fields"] {
        for value in ["true", "null", "1.5", r#"["a", 1]"#] {
            let refused = decoder.register(SchemaKey::Id(1), &schema(name, value)).unwrap_err();
            assert!(refused.contains(name), "{name} {value}: {refused}");
        }
    }
    assert!(decoder.register(SchemaKey::Id(1), &schema("size", r#""large""#)).is_err());
    for (name, value) in
        [("size", "7"), ("scale", r#""2""#), ("order", r#""ignore""#), ("other", "1.5")]
    {
        decoder.register(SchemaKey::Id(1), &schema(name, value)).unwrap();
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_event(
        value in proptest::collection::vec(any::<u8>(), 0..300),
        key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)),
        header in proptest::collection::vec(any::<u8>(), 0..9),
    ) {
        is_total(&value, key.as_deref(), &header);
    }

    #[test]
    fn any_bytes_behind_a_frame_are_an_event(
        value in proptest::collection::vec(prop_oneof![Just(0_u8), Just(2), 0_u8..12, any::<u8>()], 0..120),
    ) {
        let mut single = vec![0xc3, 0x01];
        single.extend_from_slice(&event::encode::fingerprint().to_le_bytes());
        is_total(&[&single[..], &value].concat(), None, &[]);
        is_total(&[&[0, 0, 0, 0, 1][..], &value].concat(), None, &[]);
    }

    #[test]
    fn any_damage_to_an_event_is_an_event(
        event in any_event(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut value = encode(&event);
        let at = at.index(value.len());
        value[at] = byte;
        is_total(&value, None, &[]);
    }

    #[test]
    fn nearly_json_is_an_event(
        text in r#"\{("(kind|run|tool|new|attributes)":("x"|1|-0|1e9|null|\[\]|\{"a":[1\]]\}|"\\u00e9"),?){0,4}\}?"#,
    ) {
        is_total(text.as_bytes(), None, &[]);
    }
}
