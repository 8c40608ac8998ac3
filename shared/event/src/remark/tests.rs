use super::*;
use crate::decode::{Limits, decode_json};

fn remarks(json: &str) -> Vec<(Code, String, String)> {
    let event = decode_json(json.as_bytes(), Limits::default()).unwrap();
    let now = Timestamp::parse_rfc3339("2026-11-30T00:00:00Z").unwrap();
    let remarks = Remarker::new().remarks(&event, now);
    for remark in &remarks {
        assert!(remark.to_string().starts_with(remark.code.name()), "{remark}");
        assert!(!remark.text.is_empty() && !remark.advice.is_empty(), "{remark:?}");
        let is_ordinary = |c: char| c == '…' || (' '..='~').contains(&c);
        assert!(remark.to_string().chars().all(is_ordinary), "{remark}");
    }
    remarks.iter().map(|it| (it.code, it.field.clone(), it.to_string())).collect()
}

#[test]
fn an_ordinary_event_has_no_remark() {
    for json in [
        r#"{"kind":"run.completed","agent_id":"a","run":{"status":"ok","cost_usd":0},"shop":"b"}"#,
        r#"{"kind":"run.completed","agent_id":"a","run":{"status":"Failure"}}"#,
        r#"{"kind":"run.completed","agent_id":"a","run":{"status":"STATUS_CODE_ERROR"}}"#,
        r#"{"kind":"run.completed","agent_id":"a","run.status":"ERROR"}"#,
        r#"{"kind":"order.shipped","event_time":"2026-11-29T00:00:00Z","attributes":{"x":1}}"#,
    ] {
        assert_eq!(remarks(json), [], "{json}");
    }
}

#[test]
fn what_is_suspicious_is_named_with_its_field_and_what_to_do() {
    for (json, code, field, says) in [
        (
            r#"{"kind":"run.completed","agent_id":"a","run":{"status":"kaputt\u001b[2K\n"}}"#,
            Code::UnknownValue,
            "run.status",
            "send one of error, ok",
        ),
        (
            r#"{"kind":"run.completed","agent_id":"a","run":{"cost_usd":-1}}"#,
            Code::OutOfRange,
            "run.cost_usd",
            "at least 0",
        ),
        (
            r#"{"kind":"x","run":{"cost_usd":"0.1000000000000000000001"}}"#,
            Code::Rounded,
            "run.cost_usd",
            "`0.1000000000000000000001` was sent; the field has 0.1,",
        ),
        (
            r#"{"kind":"x","run":{"cost_usd":1e400}}"#,
            Code::Rounded,
            "run.cost_usd",
            "the field has no value",
        ),
        (r#"{"kind":"run.completd","agent_id":"a"}"#, Code::NearKind, "kind", "`run.completed`"),
        (
            r#"{"kind":"x","event_time":"1999-01-01T00:00:00Z"}"#,
            Code::FarAway,
            "event_time",
            "1999",
        ),
        (
            r#"{"kind":"x","event_time":"2099-01-01T00:00:00Z"}"#,
            Code::FarAway,
            "event_time",
            "2099",
        ),
        (r#"{"kind":"x","event_time":1}"#, Code::FarAway, "event_time", "1970"),
        (
            r#"{"kind":"run.completed","agent_id":"a","run":{"Status":"ok"}}"#,
            Code::LikeField,
            "run.Status",
            "`run.status`",
        ),
        (
            r#"{"kind":"run.completed","agent_id":"a","status":"ok"}"#,
            Code::LikeField,
            "status",
            "`run.status`",
        ),
        (r#"{"kind":"x","agentId":"a"}"#, Code::LikeField, "agentId", "`agent_id`"),
        (
            r#"{"kind":"run.completed","agent_id":"a","attributes":{"run.status":"error"}}"#,
            Code::LikeField,
            "run.status",
            "outside `attributes`",
        ),
        (
            r#"{"specversion":"1.0","type":"x","id":"7","data":{}}"#,
            Code::SourceMissing,
            "ce_source",
            "send `source`",
        ),
    ] {
        let found = remarks(json);
        let [(found_code, found_field, text)] = &found[..] else { panic!("{json}: {found:?}") };
        assert_eq!((*found_code, found_field.as_str()), (code, field), "{json}");
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn the_work_for_an_event_and_its_remarks_are_bounded() {
    let many: Vec<String> =
        (0..10_000).map(|n| format!("\"agent-id{}\":1", "-".repeat(n % 40 + n / 40))).collect();
    let json = format!("{{\"kind\":\"x\",{}}}", many.join(","));
    let event = decode_json(json.as_bytes(), Limits { value_bytes_max: usize::MAX });
    if let Ok(event) = event {
        let remarks = Remarker::new().remarks(&event, Timestamp::from_micros(0));
        assert!(remarks.len() <= ATTRIBUTES_MAX + 1, "{}", remarks.len());
    }
}

#[test]
fn names_of_codes_are_distinct_and_in_order() {
    let names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    assert!(Code::ALL.is_sorted());
}
