//! Events that are accepted and said to be suspicious, and the forms in which they may come.

use collector::Config;
use event::column;
use serde_json::json;

use crate::world::{RUN, World, gzip};

fn run(status: &str) -> String {
    RUN.replace("ok", status)
}

#[test]
fn a_suspicious_event_is_accepted_and_the_sender_is_told() {
    let world = World::new(Config::default());
    let body = format!(
        r#"[{RUN},{},{{"kind":"run.completd","agent_id":"a","run.status":"kaputt"}}]"#,
        run("Failure")
    );
    let answer = world.post(&[], body.as_bytes());
    assert_eq!((answer.status, answer.counts()), (200, (3, 0)));
    assert_eq!(answer.body["remarked"], 2);
    let remarks = answer.body["remarks"].as_array().unwrap();
    let said: Vec<_> = remarks.iter().map(|it| (&it["index"], &it["code"], &it["field"])).collect();
    assert_eq!(
        said,
        [
            (&json!(2), &json!("unknown_value"), &json!("run.status")),
            (&json!(2), &json!("near_kind"), &json!("kind")),
        ]
    );
    for remark in remarks {
        assert!(!remark["detail"].as_str().unwrap().is_empty());
        assert!(!remark["advice"].as_str().unwrap().is_empty());
    }
    let published = world.published();
    assert_eq!(published[2].1.text(column::run::STATUS), Some("kaputt"), "as it was sent");
    let (_, metrics) = world.get("/metrics");
    for code in ["unknown_value", "near_kind"] {
        let series = format!("driftseal_collector_events_remarked_total{{remark=\"{code}\"}}");
        assert!(metrics.contains(&series), "{metrics}");
    }
}

#[test]
fn remarks_in_an_answer_are_bounded_and_all_are_counted() {
    let world = World::new(Config::default());
    let body = format!("{}\n", run("kaputt")).repeat(1_500);
    let answer = world.post(&[], body.as_bytes());
    assert_eq!((answer.status, answer.counts()), (200, (1_500, 0)));
    assert_eq!(answer.body["remarked"], 1_500);
    assert_eq!(answer.body["remarks"].as_array().unwrap().len(), 1_000);
}

#[test]
fn strict_takes_all_events_or_none() {
    let world = World::new(Config::default());
    let strict = |body: &str| world.post_to("/v1/events?strict=true", &[], body.as_bytes());
    for (body, errors) in [
        (
            format!("{RUN}\n{{\"kind\":1}}"),
            vec![(0, "not_published", ""), (1, "wrong_type", "/kind")],
        ),
        (
            format!("{}\n{RUN}", run("kaputt")),
            vec![(0, "remarked", "/run/status"), (1, "not_published", "")],
        ),
    ] {
        let answer = strict(&body);
        assert_eq!((answer.status, answer.counts()), (422, (0, 2)), "{body}");
        assert_eq!(answer.errors(), errors);
        assert!(answer.body["event_ids"].as_array().unwrap().iter().all(|id| id.is_null()));
    }
    assert_eq!(world.published().len(), 0);
    let answer = strict(&format!("{RUN}\n{RUN}"));
    assert_eq!((answer.status, answer.counts()), (200, (2, 0)));
    for query in ["strict=yes", "stric=true", "strict"] {
        let answer = world.post_to(&format!("/v1/events?{query}"), &[], RUN.as_bytes());
        assert_eq!((answer.status, answer.code()), (400, "invalid_query"), "{query}");
    }
    assert_eq!(world.published().len(), 2);
}

#[test]
fn a_byte_order_mark_loses_no_event() {
    let world = World::new(Config::default());
    for body in [
        format!("\u{feff}{RUN}\n{RUN}\n"),
        format!("\u{feff}[{RUN},{RUN}]"),
        format!("{RUN}\n\u{feff}{RUN}"),
    ] {
        for headers in [&[][..], &[("content-type", "application/x-ndjson")]] {
            if body.contains('[') && !headers.is_empty() {
                continue;
            }
            let answer = world.post(headers, body.as_bytes());
            assert_eq!((answer.status, answer.counts()), (200, (2, 0)), "{body}");
        }
    }
}

const STRUCTURED: &str = r#"{"specversion":"1.0","type":"run.completed","source":"/pod-a","id":"7","data":{"agent_id":"a","run":{"status":"error"}}}"#;

#[test]
fn cloud_events_come_in_every_form() {
    let world = World::new(Config::default());
    let other = STRUCTURED.replace("/pod-a", "/pod-b");
    let binary: [(&str, &str); 5] = [
        ("ce-specversion", "1.0"),
        ("ce-type", "run.completed"),
        ("ce-source", "/pod-%61"),
        ("ce-id", "7"),
        ("content-type", "application/json"),
    ];
    let data = r#"{"agent_id":"a","run":{"status":"error"}}"#;
    let structured = [("content-type", "application/cloudevents+json; charset=utf-8")];
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let gzipped = [("content-type", "application/cloudevents+json"), ("content-encoding", "gzip")];
    for (headers, body, count) in [
        (&structured[..], STRUCTURED.as_bytes().to_vec(), 1),
        (&batch, format!("[{STRUCTURED},{other}]").into_bytes(), 2),
        (&binary, data.as_bytes().to_vec(), 1),
        (&[], STRUCTURED.as_bytes().to_vec(), 1),
        (&[], format!("{STRUCTURED}\n{other}").into_bytes(), 2),
        (&gzipped, gzip(STRUCTURED.as_bytes()), 1),
    ] {
        let answer = world.post(headers, &body);
        assert_eq!((answer.status, answer.counts()), (200, (count, 0)), "{headers:?}");
        assert_eq!(answer.body["remarked"], 0);
    }
    let published = world.published();
    let id =
        |source: &str| event::id::from_texts("driftseal/event-id/cloudevent/v1", &[source, "7"]);
    for (number, (key, event)) in published.iter().enumerate() {
        assert_eq!(key.as_deref(), Some(&b"a"[..]));
        assert_eq!(event.text(column::run::STATUS), Some("error"));
        let source = if [2, 6].contains(&number) { "/pod-b" } else { "/pod-a" };
        assert_eq!(event.text(column::EVENT_ID), Some(&*id(source)), "{number}");
    }
    for (headers, body, status, code) in [
        (
            &[("content-type", "application/cloudevents-odd+json")][..],
            "{}",
            415,
            "unsupported_cloudevents",
        ),
        (&[("content-type", "application/cloudevents-batch+json")], "[{", 400, "invalid_json"),
        (&[("ce-id", "%ff")], "{}", 400, "broken_context"),
    ] {
        let answer = world.post(headers, body.as_bytes());
        assert_eq!((answer.status, answer.code()), (status, code));
    }
    let none = world.post(&structured, br#"{"specversion":"1.0","id":"7"}"#);
    assert_eq!((none.status, none.errors()), (400, vec![(0, "missing_field", "/data")]));
}

#[test]
fn what_a_sender_wrote_obeys_nobody_in_an_answer() {
    let world = World::new(Config::default());
    let kind = r"drift.\u001b[2K\u202e";
    let answer = world.post(&[], format!(r#"{{"kind":"{kind}","agent_id":"a"}}"#).as_bytes());
    assert_eq!((answer.status, answer.errors()), (400, vec![(0, "reserved_kind", "/kind")]));
    let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.chars().all(|c| (' '..='~').contains(&c)), "{detail:?}");
}
