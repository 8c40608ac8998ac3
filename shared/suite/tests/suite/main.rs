//! Suites as their users meet them: documents, events, decisions, and what is published about them.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

mod agreement;
mod golden;
mod laws;

use event::{Event, EventBuilder, Timestamp, column, kind};
use suite::{Limits, Suite, Suites};

/// An event of an agent, from its JSON.
fn event(json: &serde_json::Value) -> Event<'static> {
    event::decode::decode_json(json.to_string().as_bytes(), event::Limits::default()).unwrap()
}

/// Suites in which these documents are in force.
fn suites(documents: &[&str]) -> Suites {
    let mut suites = Suites::new(Limits::default());
    for (offset, text) in (0..).zip(documents) {
        suites.publish(Suite::parse(text).unwrap().canonical(), offset).unwrap();
    }
    suites
}

#[test]
fn a_publication_carries_the_document_and_is_found_again() {
    let suite = Suite::parse("suite: s\nchecks: [{type: citation_present}]\n").unwrap();
    let published = suite::publication(&suite, "e", Timestamp::from_micros(0), None).unwrap();
    assert_eq!(suite::document_of(&published), Some(suite.canonical()));
    assert_eq!(published.text(column::eval::SUITE_DIGEST), Some(suite.digest()));
    let other = EventBuilder::new(kind::EVAL_RESULT)
        .set(column::EVENT_ID, "e")
        .set(column::EVENT_TIME, Timestamp::from_micros(0))
        .build()
        .unwrap();
    assert_eq!(suite::document_of(&other), None);
    // Without an agent, and through both encodings.
    let mut avro = Vec::new();
    event::encode::encode(&published, &mut avro);
    let json = serde_json::json!({"kind": suite::KIND, "eval": {"document": suite.canonical()}});
    assert_eq!(suite::document_of(&event(&json)), Some(suite.canonical()));
}

#[test]
fn verdicts_and_decisions_fit_the_schema_of_events() {
    let mut suites = suites(&["suite: s
checks: [{type: latency_max, duration_ms: 10}, {type: steps_max, steps: 1}]
gate: {pass_rate_min: 0.5, trials_min: 1}
"]);
    let run = serde_json::json!({
        "kind": kind::RUN_COMPLETED, "agent_id": "a", "run": {"duration_ms": 11},
    });
    let verdicts = suites.observe(&event(&run));
    let builder = |kind| {
        EventBuilder::new(kind)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
    };
    let [latency, steps] = [&verdicts[0].checks[0], &verdicts[0].checks[1]].map(|check| {
        suite::result_fields(builder(kind::EVAL_RESULT), &verdicts[0], check).build().unwrap()
    });
    assert_eq!(latency.get(column::eval::PASSED), Some(&false.into()));
    assert_eq!(latency.text(column::eval::EXPLANATION), Some("11 ms, at most 10"));
    assert_eq!((steps.get(column::eval::PASSED), steps.get(column::eval::SCORE)), (None, None));
    let gate = verdicts[0].gate.as_ref().unwrap();
    let completed = builder(kind::EVAL_SUITE_COMPLETED);
    let completed = suite::gate_fields(completed, &verdicts[0], gate).build().unwrap();
    assert_eq!(completed.text(column::eval::GATE), Some("undecided"));
    assert_eq!(completed.get(column::eval::TRIALS), Some(&1_i64.into()));
}

#[test]
fn the_digest_is_of_the_meaning_and_not_of_the_text() {
    let yaml = "# a comment\nsuite: s\nchecks:\n  - {type: latency_max, duration_ms: 5.0}\n";
    let json = r#"{"checks": [{"duration_ms": 5, "type": "latency_max"}], "suite": "s"}"#;
    let (one, two) = (Suite::parse(yaml).unwrap(), Suite::parse(json).unwrap());
    assert_eq!(one.digest(), two.digest());
    assert_eq!(
        one.canonical(),
        r#"{"checks":[{"duration_ms":5,"type":"latency_max"}],"suite":"s"}"#
    );
    // sha256sum of these bytes.
    assert_eq!(one.digest(), "b55029e82d91f50267c9361ffb91b4e140e47f60826ddde56820a2d42c31a289");
    assert!(Suite::from_canonical(one.canonical()).is_ok());
    let spaced = Suite::from_canonical(json).unwrap_err().to_string();
    assert!(spaced.contains("not in canonical form"), "{spaced}");
}

#[test]
fn everything_that_is_wrong_is_said_with_its_line() {
    let text = "\
suite: s
aplies_to: {}
sample: 2
checks:
  - type: regex
    patern: a
  - type: regex
    pattern: a
  - type: regex
    pattern: '('
    column: run.ouput
  - type: regex
    pattern: b
  - type: latency
gate: {}
";
    assert_eq!(
        Suite::parse(text).unwrap_err().to_string(),
        "the suite has 9 problem(s):
  line 2, `aplies_to`: unknown key; did you mean `applies_to`?
  line 3, `sample`: must be above 0 and at most 1
  line 5, `checks[0]`: `pattern` is missing: Regular expression in the syntax of the Rust crate regex: no look-around, no back-references; matches anywhere unless anchored.
  line 6, `checks[0].patern`: unknown key; did you mean `pattern`?
  line 10, `checks[2].pattern`: not a pattern: unclosed group
  line 11, `checks[2].column`: no column `run.ouput`; did you mean `run.output`?
  line 12, `checks[3]`: a second check is named `regex`: give it another `name`
  line 14, `checks[4].type`: no evaluator `latency`; one of citation_present, contains, cost_max, forbidden, json_schema, latency_max, numeric_bounds, regex, steps_max, tokens_max, tool_allow_list
  line 15, `gate`: `pass_rate_min` is missing: Required pass rate of the judged events."
    );
}

#[test]
fn only_selected_events_are_judged() {
    let mut suites = suites(&["
suite: s
applies_to:
  agents: [a]
  environments: [production]
  attributes: {team: x}
checks: [{type: citation_present}]
"]);
    let mut judged = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = serde_json::json!({
            "kind": kind::RUN_COMPLETED, "agent_id": "a", "environment": "production",
            "attributes": {"team": "x"}, "run": {"output": "[1]"},
        });
        change(&mut json);
        suites.observe(&event(&json)).len()
    };
    assert_eq!(judged(&|_| {}), 1);
    assert_eq!(judged(&|json| json["agent_id"] = "b".into()), 0);
    assert_eq!(judged(&|json| json["environment"] = "staging".into()), 0);
    assert_eq!(judged(&|json| json["environment"] = serde_json::Value::Null), 0);
    assert_eq!(judged(&|json| json["attributes"]["team"] = "y".into()), 0);
    assert_eq!(judged(&|json| json["kind"] = kind::RUN_STARTED.into()), 0);
}

/// 20,000 ids; the share found lies within four standard deviations, and the sample of a smaller
/// share is part of that of a larger one.
#[test]
fn a_sample_is_a_share_of_the_ids_and_always_the_same() {
    let with = |name: &str, share: f64| {
        suites(&[&format!(
            "suite: {name}\nsample: {share}\nchecks: [{{type: citation_present}}]\n"
        )])
    };
    let (mut tenth, mut half, mut other) = (with("s", 0.1), with("s", 0.5), with("t", 0.5));
    let (mut counts, mut both) = ([0_i32; 3], 0_i32);
    for number in 0..20_000 {
        let run = EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::EVENT_ID, format!("run-{number}"))
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
            .build()
            .unwrap();
        let drawn = [&mut tenth, &mut half, &mut other].map(|suites| suites.observe(&run).len());
        assert!(drawn[0] <= drawn[1]);
        for (count, drawn) in counts.iter_mut().zip(drawn) {
            *count += i32::try_from(drawn).unwrap();
        }
        both += i32::from(drawn[1] == 1 && drawn[2] == 1);
    }
    assert!((counts[0] - 2_000).abs() < 170, "{counts:?}");
    assert!((counts[1] - 10_000).abs() < 283 && (counts[2] - 10_000).abs() < 283, "{counts:?}");
    // Two suites draw independently.
    assert!((both - 5_000).abs() < 245, "{both}");
}

#[test]
fn a_gate_is_decided_per_version_and_again_for_a_new_document() {
    let text = "suite: s\nchecks: [{type: latency_max, duration_ms: 10}]\n\
                gate: {pass_rate_min: 0.5, trials_min: 8}\n";
    let mut suites = suites(&[text]);
    let run = |version: &str, ms: f64| {
        event(&serde_json::json!({
            "kind": kind::RUN_COMPLETED, "agent_id": "a", "agent_version": version,
            "run": {"duration_ms": ms},
        }))
    };
    let mut decisions = Vec::new();
    for number in 0..32 {
        for (version, ms) in [("good", 5.0), ("bad", 50.0)] {
            for verdict in suites.observe(&run(version, ms)) {
                assert_eq!(verdict.passed, Some(version == "good"));
                if let Some(gate) = verdict.gate {
                    decisions.push((number + 1, version, gate.decision.name()));
                }
            }
        }
    }
    assert_eq!(
        decisions,
        [
            (8, "good", "pass"),
            (8, "bad", "fail"),
            (16, "good", "pass"),
            (16, "bad", "fail"),
            (32, "good", "pass"),
            (32, "bad", "fail"),
        ]
    );
    let changed = Suite::parse(&text.replace("10", "11")).unwrap();
    assert_eq!(suites.publish(changed.canonical(), 99).unwrap(), suite::Published::Changed);
    assert_eq!(suites.publish(changed.canonical(), 100).unwrap(), suite::Published::Same);
    assert_eq!(suites.in_force().map(|(_, offset)| offset).collect::<Vec<_>>(), [99]);
    let looked = (0..8).filter(|_| suites.observe(&run("good", 5.0))[0].gate.is_some()).count();
    assert_eq!(looked, 1);
}

#[test]
fn tools_of_a_run_are_judged_when_it_ends() {
    let mut suites = suites(&["suite: s\nchecks: [{type: tool_allow_list, tools: [search]}]\n"]);
    let mut see = |kind: &str, run: &str, tool: &str| {
        let json = serde_json::json!({
            "kind": kind, "agent_id": "a", "run_id": run, "tool": {"name": tool},
        });
        suites.observe(&event(&json)).first().map(|verdict| verdict.passed)
    };
    assert_eq!(see(kind::TOOL_CALLED, "1", "search"), None);
    assert_eq!(see(kind::TOOL_CALLED, "2", "delete"), None);
    assert_eq!(see(kind::RUN_COMPLETED, "1", ""), Some(Some(true)));
    assert_eq!(see(kind::RUN_COMPLETED, "2", ""), Some(Some(false)));
    assert_eq!(see(kind::RUN_COMPLETED, "3", ""), Some(None));
    assert_eq!(suites.runs(), 0);
}

#[test]
fn suites_are_bounded_and_end() {
    let document = |name: &str, more: &str| {
        let text = format!("suite: {name}\n{more}\nchecks: [{{type: citation_present}}]\n");
        Suite::parse(&text).unwrap().canonical().to_owned()
    };
    let mut suites = Suites::new(Limits { suites_max: 1, ..Limits::default() });
    assert_eq!(suites.publish(&document("a", ""), 1), Ok(suite::Published::New));
    let refused = suites.publish(&document("b", ""), 2);
    let full = suite::PublishError::Full { what: "suites", would_be: 2, max: 1 };
    assert_eq!(refused, Err(full));
    assert!(suites.publish("{}", 3).is_err());
    let end = document("a", "enabled: false");
    assert_eq!(suites.publish(&end, 4), Ok(suite::Published::Ended));
    assert!(suites.is_empty());
    assert_eq!(suites.publish(&document("b", ""), 5), Ok(suite::Published::New));
}

/// 64 suites of 64 patterns took gigabytes, and one run had 4,096 verdicts.
#[test]
fn checks_patterns_and_documents_are_bounded_over_all_suites() {
    let document = |name: usize, checks: usize, check: &str| {
        let checks: Vec<String> =
            (0..checks).map(|n| format!("  - {{type: {check}, name: c{n}}}")).collect();
        let text = format!("suite: s{name}\nchecks:\n{}\n", checks.join("\n"));
        Suite::parse(&text).unwrap().canonical().to_owned()
    };
    let until_full = |checks: usize, check: &str| {
        let mut suites = Suites::new(Limits::default());
        let mut published = 0;
        loop {
            match suites.publish(&document(published, checks, check), 0) {
                Ok(outcome) => assert_eq!(outcome, suite::Published::New),
                Err(refused) => return (published, refused.to_string()),
            }
            published += 1;
        }
    };
    let (suites, refused) = until_full(64, r"regex, pattern: '\w{8}'");
    assert_eq!(suites, 1);
    assert!(refused.contains("128 patterns would be in force, at most 64"), "{refused}");
    let (suites, refused) = until_full(64, "steps_max, steps: 3");
    assert_eq!(suites, 4);
    assert!(refused.contains("320 checks would be in force, at most 256"), "{refused}");
    let texts: Vec<String> = (0..60).map(|number| format!("'{number:0>1000}'")).collect();
    let long = format!("contains, texts: [{}]", texts.join(", "));
    let (suites, refused) = until_full(1, &long);
    assert_eq!(suites, 8);
    assert!(refused.contains("bytes of documents"), "{refused}");
    // Replacing a suite needs room for the difference only.
    let mut suites = Suites::new(Limits::default());
    suites.publish(&document(1, 64, r"regex, pattern: '\w{8}'"), 0).unwrap();
    let changed = document(1, 64, r"regex, pattern: '\w{7}'");
    assert_eq!(suites.publish(&changed, 1), Ok(suite::Published::Changed));
    // A pattern itself is bounded, and so are those of one schema.
    assert!(Suite::parse("suite: a\nchecks: [{type: regex, pattern: '\\w{200}'}]").is_err());
    let many: Vec<String> = (0..65).map(|n| format!("p{n}: {{pattern: 'a{n}'}}")).collect();
    let schema = format!(
        "suite: a\nchecks:\n  - type: json_schema\n    schema: {{properties: {{{}}}}}\n",
        many.join(", ")
    );
    let refused = Suite::parse(&schema).unwrap_err().to_string();
    assert!(refused.contains("more than 64 patterns"), "{refused}");
}
