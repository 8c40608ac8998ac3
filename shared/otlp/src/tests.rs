//! What real emitters sent becomes what they did.
//!
//! The captures are those of `tests/emitters`: requests as they arrived, and what the script says that it did.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use event::{Event, column, kind};
use serde_json::Value as Json;

use crate::{Encoding, ExportTraceServiceRequest, Mapper, Missed};

fn captured(name: &str) -> String {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/emitters/captured");
    std::fs::read_to_string(directory.join(name)).unwrap()
}

fn traces(emitter: &str) -> Vec<ExportTraceServiceRequest> {
    let text = captured(&format!("{emitter}.traces.jsonl"));
    text.lines().map(|line| crate::traces(line.as_bytes(), Encoding::Json).unwrap()).collect()
}

fn events(mapper: &Mapper, emitter: &str) -> Vec<Event<'static>> {
    let mut events = Vec::new();
    for request in traces(emitter) {
        let mut keep = |event: Event<'_>| {
            events.push(event.into_owned());
            ControlFlow::Continue(())
        };
        mapper.spans(&request, &mut keep, &mut |_| {});
    }
    events
}

/// What a run did: its agents and versions, its calls of models and tools, how often it failed.
#[derive(Debug, Default, PartialEq)]
struct Run {
    conversation: Option<String>,
    versions: Vec<String>,
    /// Model, tokens in and out, whether it failed.
    models: Vec<(String, i64, i64, bool)>,
    /// Name, and whether it failed.
    tools: Vec<(String, bool)>,
    /// For each run of an agent, whether it failed.
    runs: Vec<bool>,
}

fn failed(event: &Event<'_>, status: event::TypedColumn<event::typed::Text>) -> bool {
    match event.text(status) {
        Some("ok") => false,
        Some("error") => true,
        other => panic!("{other:?} is no status"),
    }
}

/// What events say, in the order of their runs' first events.
fn seen(mut events: Vec<Event<'static>>) -> Vec<Run> {
    events.sort_by_key(|event| event.time(column::EVENT_TIME));
    let mut order: Vec<String> = Vec::new();
    let mut runs: BTreeMap<String, Run> = BTreeMap::new();
    for event in &events {
        let id = event.text(column::RUN_ID).unwrap().to_owned();
        if !order.contains(&id) {
            order.push(id.clone());
        }
        let run = runs.entry(id).or_default();
        if let Some(conversation) = event.text(column::CONVERSATION_ID) {
            run.conversation = Some(conversation.to_owned());
        }
        let version = event.text(column::AGENT_VERSION).unwrap().to_owned();
        if !run.versions.contains(&version) {
            run.versions.push(version);
        }
        match event.text(column::KIND).unwrap() {
            kind::MODEL_INVOKED => {
                let model = event
                    .text(column::model::RESPONSE_MODEL)
                    .or_else(|| event.text(column::model::REQUEST_MODEL));
                run.models.push((
                    model.unwrap_or_default().to_owned(),
                    event.int(column::model::INPUT_TOKENS).unwrap_or(0),
                    event.int(column::model::OUTPUT_TOKENS).unwrap_or(0),
                    failed(event, column::model::STATUS),
                ));
            }
            kind::TOOL_COMPLETED => run.tools.push((
                event.text(column::tool::NAME).unwrap().to_owned(),
                failed(event, column::tool::STATUS),
            )),
            kind::RUN_COMPLETED => run.runs.push(failed(event, column::run::STATUS)),
            _ => {}
        }
    }
    order.iter().map(|id| runs.remove(id).unwrap()).collect()
}

fn told(run: &Json) -> Run {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let failed = |value: &Json| value["failed"].as_bool().unwrap();
    let models = run["model_calls"].as_array().unwrap().iter().map(|call| {
        let model =
            if call["response_model"].is_null() { &call["model"] } else { &call["response_model"] };
        let tokens = |name: &str| call[name].as_i64().unwrap();
        (text(model), tokens("input_tokens"), tokens("output_tokens"), failed(call))
    });
    let tools =
        run["tools"].as_array().unwrap().iter().map(|tool| (text(&tool["name"]), failed(tool)));
    // Whoever takes a run over runs too, inside the same trace.
    let runs = if run["handed_to"].is_null() { 1 } else { 2 };
    Run {
        conversation: run["conversation_id"].as_str().map(str::to_owned),
        versions: vec![text(&run["version"])],
        models: models.collect(),
        tools: tools.collect(),
        runs: vec![failed(run); runs],
    }
}

/// Compares what an emitter sent with what it did, but for what it does not send.
fn compare(emitter: &str, adjust: impl Fn(&mut Run)) {
    let truth: Json = serde_json::from_str(&captured(&format!("{emitter}.truth.json"))).unwrap();
    let mut expected: Vec<Run> = truth["runs"].as_array().unwrap().iter().map(told).collect();
    expected.iter_mut().for_each(adjust);
    let mut seen = seen(events(&Mapper::new().unwrap(), emitter));
    // A server says what it does beside all runs, too.
    seen.retain(|run| !run.runs.is_empty() || !run.models.is_empty());
    assert_eq!(seen.len(), expected.len(), "{emitter}");
    for (seen, expected) in seen.iter().zip(&expected) {
        assert_eq!(seen, expected, "{emitter}");
    }
}

#[test]
fn what_pydantic_ai_did_arrives() {
    compare("pydantic-ai", |_| {});
}

#[test]
fn what_openai_agents_did_arrives_by_two_instrumentations() {
    for emitter in ["agents-openinference", "agents-openllmetry"] {
        compare(emitter, |run| {
            if emitter == "agents-openllmetry" {
                run.conversation = None;
            }
            for (model, _, _, failed) in &mut run.models {
                if *failed {
                    model.clear();
                }
            }
        });
    }
}

#[test]
fn what_langgraph_did_arrives() {
    compare("langgraph-openinference", |_| {});
}

#[test]
fn what_langfuse_sends_arrives() {
    // It sends the model that was asked for.
    let asked_for = |model: &str| model.trim_end_matches("-2025-04-14").to_owned();
    compare("langfuse", |run| {
        run.models.iter_mut().for_each(|(model, ..)| *model = asked_for(model));
    });
}

#[test]
fn calls_of_models_arrive_from_instrumentations_that_know_no_agent() {
    for emitter in ["openai-v2", "openai-v2-opt-in", "genai-openai"] {
        // Without a span of the application around them, calls are traces of their own.
        let models =
            |runs: Vec<Run>| runs.into_iter().flat_map(|run| run.models).collect::<Vec<_>>();
        let seen = models(seen(events(&Mapper::new().unwrap(), emitter)));
        let truth: Json =
            serde_json::from_str(&captured(&format!("{emitter}.truth.json"))).unwrap();
        let told = models(truth["runs"].as_array().unwrap().iter().map(told).collect());
        assert_eq!(seen, told, "{emitter}");
    }
}

#[test]
fn what_the_ai_sdk_did_arrives() {
    compare("ai-sdk", |run| run.conversation = None);
}

/// The client's span of a call of a tool counts, the server's does not.
#[test]
fn what_mcp_clients_and_servers_did_arrives_once() {
    compare("mcp", |_| {});
}

#[test]
fn what_follows_the_conventions_arrives_with_its_evaluations() {
    compare("conventions", |run| {
        // The version of the agent stands on the agent's span, that of the service on the others.
        run.versions.insert(0, "1.4.0".to_owned());
    });
    let truth: Json = serde_json::from_str(&captured("conventions.truth.json")).unwrap();
    let runs = truth["runs"].as_array().unwrap().iter();
    let told = runs.flat_map(|run| run["evaluations"].as_array().unwrap()).map(|told| {
        let text = |key: &str| told[key].as_str().map(str::to_owned);
        (text("name"), told["score"].as_f64(), text("label"))
    });
    let mapper = Mapper::new().unwrap();
    let mut seen = Vec::new();
    for line in captured("conventions.logs.jsonl").lines() {
        let request = crate::logs(line.as_bytes(), Encoding::Json).unwrap();
        let mut each = |event: Event<'_>| {
            if event.text(column::KIND) != Some(kind::EVAL_RESULT) {
                return ControlFlow::Continue(());
            }
            assert!(event.text(column::RUN_ID).is_some() && event.text(column::SPAN_ID).is_some());
            let text = |column| event.text(column).map(str::to_owned);
            let score = event.number(column::eval::SCORE);
            seen.push((text(column::eval::NAME), score, text(column::eval::LABEL)));
            let passed = match event.text(column::eval::LABEL) {
                Some("pass") => Some(true),
                Some("fail") => Some(false),
                _ => None,
            };
            assert_eq!(event.bool(column::eval::PASSED), passed);
            ControlFlow::Continue(())
        };
        mapper.logs(&request, &mut each, &mut |_| {});
    }
    assert_eq!(seen, told.collect::<Vec<_>>());
}

#[test]
fn a_span_sent_again_has_the_same_identifier_and_no_two_share_one() {
    let mapper = Mapper::new().unwrap();
    let ids = |_| -> Vec<String> {
        let events = events(&mapper, "pydantic-ai");
        events.iter().map(|event| event.text(column::EVENT_ID).unwrap().to_owned()).collect()
    };
    let (first, again) = (ids(()), ids(()));
    assert_eq!(first, again);
    assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), first.len());
}

/// Every attribute of every capture is in a field or in the attributes.
#[test]
fn nothing_that_was_sent_is_dropped() {
    let mapper = Mapper::new().unwrap();
    for emitter in ["pydantic-ai", "langfuse", "agents-openllmetry", "ai-sdk", "mcp"] {
        for request in traces(emitter) {
            let spans = request
                .resource_spans
                .iter()
                .flat_map(|resource| resource.scope_spans.iter().flat_map(|scope| &scope.spans));
            let mut spans = spans;
            let mut check = |event: Event<'_>| {
                let span = spans.next().unwrap();
                let json = String::from_utf8(event::encode_json(&event).unwrap()).unwrap();
                let json: Json = serde_json::from_str(&json).unwrap();
                let mut texts = Vec::new();
                leaves(&json, &mut texts);
                for attribute in &span.attributes {
                    let Some(value) = crate::value::of(attribute) else { continue };
                    let text = crate::value::text(value).into_owned();
                    let list: Option<Vec<String>> = serde_json::from_str(&text).ok();
                    let is_there = |text: &str| texts.iter().any(|one| same(one, text));
                    assert!(
                        is_there(&text)
                            || list.is_some_and(|list| list.iter().all(|one| is_there(one))),
                        "{emitter}: {} = {text}",
                        attribute.key
                    );
                }
                ControlFlow::Continue(())
            };
            mapper.spans(&request, &mut check, &mut |_| {});
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    one == other || number(one).is_some_and(|one| number(other) == Some(one))
}

fn leaves(json: &Json, texts: &mut Vec<String>) {
    match json {
        Json::Array(values) => values.iter().for_each(|value| leaves(value, texts)),
        Json::Object(members) => members.values().for_each(|value| leaves(value, texts)),
        Json::String(text) => texts.push(text.clone()),
        Json::Null | Json::Bool(_) | Json::Number(_) => texts.push(json.to_string()),
    }
}

#[test]
fn attributes_that_no_field_took_are_told_with_their_mapping() {
    let mapper = Mapper::new().unwrap();
    let mut missed = Vec::new();
    for request in &traces("pydantic-ai") {
        mapper.spans(
            request,
            &mut |_| ControlFlow::Continue(()),
            &mut |Missed { mapping, name }| {
                missed.push(format!("{mapping} {name}"));
            },
        );
    }
    assert!(missed.contains(&"pydantic-ai gen_ai.agent.call.id".to_owned()), "{missed:?}");
    assert!(!missed.iter().any(|name| name.ends_with("gen_ai.usage.input_tokens")), "{missed:?}");
}

#[test]
fn who_is_the_agent_can_be_said_for_all_conventions() {
    let agents = |places: &[&str]| {
        let places: Vec<String> = places.iter().map(|place| (*place).to_owned()).collect();
        let mapper = Mapper::new().unwrap().with_agent(&places).unwrap();
        let events = events(&mapper, "agents-openllmetry");
        let agents = events.iter().map(|event| event.text(column::AGENT_ID).unwrap().to_owned());
        agents.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(agents(&[]), ["refund-service".to_owned()].into());
    let named = agents(&["gen_ai.agent.name", "resource:service.name"]);
    assert!(named.contains("refund-desk") && named.contains("refund-service"), "{named:?}");
    let wrong = Mapper::new().unwrap().with_agent(&["resource:".to_owned()]).unwrap_err();
    assert!(wrong.to_string().contains("names no attribute"), "{wrong}");
}

#[test]
fn a_document_that_is_wrong_is_named_with_its_key() {
    let of = |text: &str| {
        let text = format!("description = ''\nconvention = ''\n{text}");
        Mapper::of(&[("own", &text)]).unwrap_err().to_string()
    };
    for (text, expected) in [
        ("[[span]]\nkind = 'run.complete'", "mapping `own`: `kind`: unknown kind `run.complete`"),
        ("extends = 'other'", "mapping `own`: `extends`: `other` is no other document"),
        ("extends = 'own'", "mapping `own`: `extends`: `own` is no other document"),
        (
            "[[span]]\nkind = 'run.completed'\nwhen = [{ attribute = 'a' }]",
            "mapping `own`: `when`: expected one of",
        ),
        (
            "[[span]]\nkind = 'run.completed'\n[fields]\n'run.mood' = 'a'",
            "mapping `own`: `fields.run.mood`: no field that a mapping may fill",
        ),
        (
            "[[span]]\nkind = 'run.completed'\n[fields]\nagent_id = 'a'",
            "mapping `own`: `fields.agent_id`: no field that a mapping may fill",
        ),
        (
            "[[span]]\nkind = 'run.completed'\n[fields]\n'run.input' = 'a#b'",
            "mapping `own`: `fields.run.input`: `a#b`: expected a JSON pointer behind `#`",
        ),
        ("colour = 1", "unknown field `colour`"),
    ] {
        assert!(of(text).contains(expected), "{}", of(text));
    }
}
