//! The calls of a run depend on each other: windows tell of each, detectors see one of a run.

use crate::world::*;
use event::typed::Text;
use event::{TypedColumn, column, kind};
use monitor::Output;

/// A call of a tool that is down for whole runs, and takes longer in them.
fn call(version: &str, run: &str, number: u64, is_down: bool, time: i64) -> Input {
    let event = builder(kind::TOOL_COMPLETED, &format!("{run}-{number}"), time)
        .set(column::AGENT_ID, "a")
        .set(column::AGENT_VERSION, version)
        .set(column::RUN_ID, run)
        .set(column::tool::NAME, "search")
        .set(column::tool::STATUS, if is_down { "error" } else { "ok" })
        .set(column::tool::DURATION_MS, if is_down { 900.0 } else { 100.0 } + number as f64)
        .build()
        .unwrap();
    Input { broker: time, event }
}

/// A decision about an approval: whoever decides takes the same course for a whole run.
fn decision(version: &str, run: &str, number: u64, is_denied: bool, time: i64) -> Input {
    let event = builder(kind::APPROVAL_DECIDED, &format!("{run}-approval-{number}"), time)
        .set(column::AGENT_ID, "a")
        .set(column::AGENT_VERSION, version)
        .set(column::RUN_ID, run)
        .set(column::approval::OUTCOME, if is_denied { "denied" } else { "approved" })
        .build()
        .unwrap();
    Input { broker: time, event }
}

/// Runs of eight calls and as many approvals, ten seconds apart, of which one in ten finds its tool down.
fn runs(version: &str, from: i64, count: i64, numbers: &mut Numbers) -> Vec<Input> {
    let mut inputs = Vec::new();
    for i in 0..count {
        let time = from + i * 10 * SECOND;
        let run = format!("{version}-{time}");
        let is_down = numbers.chance(0.1);
        let is_denied = numbers.chance(0.1);
        for number in 0..8 {
            inputs.push(call(version, &run, number, is_down, time));
            inputs.push(decision(version, &run, number, is_denied, time));
        }
    }
    inputs
}

fn of<'o>(outputs: &'o [Output], name: TypedColumn<Text>, metric: &str) -> Vec<&'o Output> {
    let is = |output: &&Output| text(output, name) == Some(metric);
    outputs.iter().filter(is).collect()
}

#[test]
fn runs_that_fail_as_a_whole_are_no_change() {
    const VERSIONS: i64 = 60;
    let mut alarmed = 0;
    let mut numbers = Numbers(11);
    for world in 0..VERSIONS {
        let mut processor = processor();
        let first = feed_all(&mut processor, &runs("v1", START, 200, &mut numbers));
        let now = START + 2_000 * SECOND;
        let outputs = feed_all(&mut processor, &runs("v2", now, 200, &mut numbers));
        alarmed += i64::from(outputs.iter().any(|output| kind(output) == kind::DRIFT_ALERT_FIRING));
        if world > 0 {
            continue;
        }
        let of_calls = ["tool.error_rate", "tool.denied_rate", "tool.duration_ms"];
        for metric in of_calls.into_iter().chain(["approval.override_rate"]) {
            let set = of(&outputs, column::drift::METRIC, metric)[0];
            let count = number(set, column::drift::BASELINE_COUNT).unwrap();
            // All but one run in 2^8 have a call that counts.
            assert!((195.0..=200.0).contains(&count), "{metric}: {count}");
        }
        let hour = of(&first, column::metric::NAME, "tool.error_rate");
        let counts = hour.iter().filter_map(|window| number(window, column::metric::COUNT));
        assert!(counts.fold(0.0, f64::max) >= 200.0, "windows tell of every call");
    }
    // Eight times the evidence that there is, call by call, alarms in all of them.
    assert!(20 * alarmed <= VERSIONS, "{alarmed} of {VERSIONS}");
}
