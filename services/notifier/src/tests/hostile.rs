//! What agents and people chose draws nothing at any receiver: titles, labels, facts and links of every sink.

use event::{Event, EventBuilder, column, kind};
use serde_json::Value;

use crate::alert::{Alert, Step};
use crate::machine::Notice;
use crate::sink::tests::{json, open};

/// What a terminal, a page or a person may take for something else.
const HOSTILE: &str =
    "\u{1b}[2K\u{9b}31m\r\nVERIFIED\u{7}\0\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}<!channel>&";
/// Largest body of a request, bytes.
const BODY_MAX: usize = 96 * 1_024;

const SINKS: [&str; 4] = [
    "type = 'alertmanager'\nurl = 'http://a:9093'",
    "type = 'pagerduty'\ntoken_name = 'pagerduty'",
    "type = 'slack'\nurl_name = 'slack'",
    "type = 'webhook'\nurl = 'http://x'\ntoken_name = 'webhook'",
];

/// An event of a step whose every text is `text`.
fn event(kind: &str, text: &str) -> Event<'static> {
    [
        column::EVENT_ID,
        column::AGENT_ID,
        column::AGENT_VERSION,
        column::ENVIRONMENT,
        column::TENANT_ID,
        column::actor::ID,
        column::drift::ALERT_ID,
        column::drift::METRIC,
        column::drift::SUITE,
        column::drift::DIRECTION,
        column::drift::SEVERITY,
        column::drift::DETECTOR,
        column::drift::BASELINE_VERSION,
        column::drift::CATEGORY,
        column::drift::LAST_CHANGE,
        column::drift::LAST_CHANGE_ID,
        column::drift::RUNBOOK_URL,
        column::drift::REASON,
    ]
    .into_iter()
    .fold(EventBuilder::new(kind), |builder, column| builder.set(column, text.to_owned()))
    .set(column::EVENT_TIME, event::Timestamp::from_millis(1_760_000_000_000))
    .set(column::drift::OBSERVED, 0.5)
    .set(column::drift::BASELINE_VALUE, 0.1)
    .set(column::drift::EXAMPLE_RUNS, vec![text.to_owned(); 50])
    .build()
    .unwrap()
}

/// Every text of a document, with the name of its member.
fn texts<'v>(name: &'v str, value: &'v Value, found: &mut Vec<(&'v str, &'v str)>) {
    match value {
        Value::String(text) => found.push((name, text)),
        Value::Array(items) => items.iter().for_each(|item| texts(name, item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                found.push(("the name of a member", name));
                texts(name, value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn what_others_wrote_draws_nothing_at_any_receiver() {
    let is_obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    for text in [HOSTILE.to_owned(), HOSTILE.repeat(1_000)] {
        let alert = |kind| std::sync::Arc::new(Alert::from_event(&event(kind, &text), 1).unwrap());
        let (opened, acknowledged) =
            (alert(kind::DRIFT_ALERT_FIRING), alert(kind::DRIFT_ALERT_ACKNOWLEDGED));
        for sink in SINKS {
            for step in Step::ALL {
                let current = match step {
                    Step::Firing => std::sync::Arc::clone(&opened),
                    Step::Acknowledged => std::sync::Arc::clone(&acknowledged),
                    Step::Resolved => alert(kind::DRIFT_ALERT_RESOLVED),
                };
                let notice = Notice {
                    opened: std::sync::Arc::clone(&opened),
                    acknowledged: (step > Step::Firing)
                        .then(|| std::sync::Arc::clone(&acknowledged)),
                    current,
                };
                let request = open(sink).request(&notice, 1_760_000_000_000);
                assert!(request.body.len() < BODY_MAX, "{sink} {step:?}: {}", request.body.len());
                for (_, value) in &request.headers {
                    assert!(!value.contains(is_obeyed), "{sink} {step:?}: {value:?}");
                }
                let body = json(&request);
                let mut found = Vec::new();
                texts("", &body, &mut found);
                for (name, text) in found {
                    // Sentences of our own are lines; a sender's text is within one of them.
                    let may_have_lines = ["description", "text"].contains(&name);
                    let drawn = |c: char| is_obeyed(c) && !(may_have_lines && c == '\n');
                    assert!(!text.contains(drawn), "{sink} {step:?} {name}: {text:?}");
                    assert!(
                        !text.lines().any(|line| line.starts_with("VERIFIED")),
                        "{name}: {text:?}"
                    );
                }
            }
        }
    }
}
