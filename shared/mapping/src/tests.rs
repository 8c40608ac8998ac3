use event::kind;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn mapping(text: &str) -> Mapping {
    Mapping::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

const ROWS: &str = r#"
[source]
format = "csv"

[[event]]
kind = "run.completed"
[event.fields]
agent_id = { const = "a" }
run_id = { template = "{item}:{{{n}}}" }
event_time = { column = "day", step_ms = 1500 }
"run.status" = { column = "valid", map = { 1 = "ok", 0 = "error" } }
"run.duration_ms" = { column = "latency_s", scale = 1000 }
"run.input_tokens" = { column = "tokens" }

[[event]]
kind = "eval.result"
when = [{ column = "valid", present = true }, { column = "item", not_equals = "skip" }]
[event.fields]
agent_id = { const = "a" }
"eval.passed" = { column = "valid" }
"eval.suite" = { column = "suite", default = "s" }
"#;

#[test]
fn a_row_becomes_typed_events_and_unmapped_columns_become_attributes() {
    let row = Record::row([
        ("item", "i"),
        ("n", "7"),
        ("day", "2024-07-06"),
        ("valid", "0"),
        ("latency_s", "2.5"),
        ("tokens", "12"),
        ("extra", "kept"),
        ("empty", ""),
    ]);
    let events = mapping(ROWS).events(&row, 2).unwrap();
    assert_eq!(
        events,
        vec![
            json!({
                "kind": kind::RUN_COMPLETED, "agent_id": "a", "run_id": "i:{7}",
                "event_time": "2024-07-06T00:00:03.000000Z",
                "run": {"status": "error", "duration_ms": 2500.0, "input_tokens": 12},
                "attributes": {"extra": "kept"},
            }),
            json!({"kind": kind::EVAL_RESULT, "agent_id": "a", "eval": {"passed": false, "suite": "s"}}),
        ]
    );
}

#[test]
fn a_value_of_the_wrong_type_names_event_and_field() {
    let row = Record::row([("day", "2024-07-06"), ("tokens", "12.5")]);
    let error = mapping(ROWS).events(&row, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "event 1 (`run.completed`), field `run.input_tokens`: `12.5` is not a whole number"
    );
    let row = Record::row([("valid", "2")]);
    let error = mapping(ROWS).events(&row, 0).unwrap_err();
    assert!(error.to_string().ends_with("`2` is not in `map`"), "{error}");
}

#[test]
fn a_map_prefers_the_text_itself_then_its_longest_beginning_then_every_other() {
    let mapping = mapping(
        r#"
[source]
format = "csv"

[[event]]
kind = "tool.completed"
[event.fields]
agent_id = { const = "a" }
"tool.status" = { column = "result", map = { "Error*" = "error", "Error: busy*" = "denied", "Error" = "", "*" = "ok" } }
"#,
    );
    let status = |text: &str| {
        let events = mapping.events(&Record::row([("result", text)]), 0).unwrap();
        events[0]["tool"]["status"].as_str().map(str::to_owned)
    };
    for (text, wanted) in [
        ("Error: no such user", Some("error")),
        ("Error: busy, later", Some("denied")),
        ("Error", None),
        ("an Error", Some("ok")),
    ] {
        assert_eq!(status(text).as_deref(), wanted, "{text}");
    }
}

const NESTED: &str = r#"
[source]
format = "json"
records = "/all"

[[event]]
kind = "run.completed"
[event.fields]
agent_id = { const = "a" }
run_id = { template = "r-{/id}" }

[[event]]
kind = "tool.called"
each = "/steps/*/calls/*"
[event.fields]
agent_id = { const = "a" }
run_id = { template = "r-{^/id}" }
"tool.name" = { pointer = "/name" }
"tool.arguments" = { pointer = "/args" }

[[event]]
kind = "tool.completed"
each = "/steps/*"
when = [{ pointer = "/role", equals = "tool" }]
[event.fields]
agent_id = { const = "a" }
run_id = { template = "r-{^/id}" }
"tool.result" = { pointer = "/text" }
"#;

#[test]
fn iterations_are_merged_in_the_order_of_the_document_and_nothing_is_dropped() {
    let mapping = mapping(NESTED);
    let document = json!({"all": [{
        "id": 3,
        "steps": [
            {"role": "user", "text": "hello"},
            {"role": "agent", "calls": [{"name": "x", "args": {"k": 1}}, {"name": "y"}]},
            {"role": "tool", "text": "done"},
            {"role": "agent", "calls": [{"name": "z"}]},
        ],
        "score": {"a": 1},
    }]});
    let records = mapping.records(document);
    assert_eq!(records.len(), 1);
    let events = mapping.events(&Record::json(records[0].clone()), 0).unwrap();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| (event["kind"].as_str().unwrap(), event["tool"]["name"].as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (kind::RUN_COMPLETED, None),
            (kind::TOOL_CALLED, Some("x")),
            (kind::TOOL_CALLED, Some("y")),
            (kind::TOOL_COMPLETED, None),
            (kind::TOOL_CALLED, Some("z")),
        ]
    );
    assert_eq!(events[1]["tool"]["arguments"], "{\"k\":1}");
    assert_eq!(events[4]["run_id"], "r-3");
    assert_eq!(
        events[0]["attributes"],
        json!({
            "score": {"a": 1},
            "steps.0": {"role": "user", "text": "hello"}, "steps.1.role": "agent",
            "steps.2.role": "tool", "steps.3.role": "agent",
        })
    );
}

#[test]
fn two_fields_for_one_attribute_are_an_error_and_none_is_dropped() {
    let mapping = mapping(
        "[source]\nformat = \"json\"\n[[event]]\nkind = \"run.completed\"\n[event.fields]\n\
         \"attributes.note\" = { const = \"ours\" }\n",
    );
    let events = |record: Value| mapping.events(&Record::json(record), 0);
    assert_eq!(events(json!({"x": 1})).unwrap()[0]["attributes"]["note"], "ours");
    let error = events(json!({"note": "theirs"})).unwrap_err();
    assert_eq!(error.field, "attributes.note");
    let error = events(json!({"a.b": 1, "a": {"b": 2}}));
    assert!(error.is_ok(), "`a` is one attribute as a whole");
}

#[test]
fn documents_that_say_nothing_or_something_unknown_are_refused() {
    for (change, expected) in [
        (("kind = \"run.completed\"", "kind = \"run.finished\""), "unknown kind `run.finished`"),
        (("\"run.status\"", "\"run.state\""), "fields.run.state"),
        (("const = \"a\"", "constant = \"a\""), "constant"),
        (("column = \"day\"", "column = \"day\", const = \"x\""), "must have one of"),
        (("{item}:", "{item:"), "brace"),
        (("present = true", "present = true, equals = \"1\""), "must have one of `present`"),
        (("format = \"csv\"", "format = \"xml\""), "xml"),
    ] {
        let text = ROWS.replacen(change.0, change.1, 1);
        assert_ne!(text, ROWS);
        let error = Mapping::parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let wrong = NESTED.replacen("\"/name\"", "\"name\"", 1);
    assert!(Mapping::parse(&wrong).unwrap_err().to_string().contains("must begin with `/`"));
}

proptest! {
    #[test]
    fn no_cell_panics_and_none_is_lost(cells in proptest::collection::vec(".{0,12}", 7)) {
        let names = ["item", "n", "day", "valid", "latency_s", "tokens", "other"];
        let row = Record::row(names.into_iter().zip(cells.iter().map(String::as_str)));
        if let Ok(events) = mapping(ROWS).events(&row, 0)
            && !cells[6].is_empty()
        {
            prop_assert_eq!(events[0]["attributes"]["other"].as_str(), Some(cells[6].as_str()));
        }
    }
}
