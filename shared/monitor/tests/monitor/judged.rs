//! Suites in force: results, windows, streams and gates of what they find.

use event::{column, kind};
use monitor::Output;
use suite::Suite;

use crate::world::*;

const SUITE: &str = "
suite: quick
checks:
  - type: latency_max
    duration_ms: 1000
gate:
  pass_rate_min: 0.8
  confidence: 0.95
  trials_min: 30
";

fn published(text: &str, time: i64) -> Input {
    let suite = Suite::parse(text).unwrap();
    let at = event::Timestamp::from_micros(time);
    let event = suite::publication(&suite, &format!("p{time}"), at, None).unwrap();
    Input { broker: time, event }
}

fn timed(number: i64, version: &str, milliseconds: f64) -> Input {
    let mut input = run(&number.to_string(), version, START + number * SECOND, false);
    let column = column::run::DURATION_MS;
    input.event.set(column, milliseconds.into());
    input
}

fn of_kind<'o>(outputs: &'o [Output], wanted: &str) -> Vec<&'o Output> {
    outputs.iter().filter(|output| kind(output) == wanted).collect()
}

#[test]
fn a_published_suite_judges_fills_windows_and_decides() {
    let mut processor = processor();
    assert_eq!(feed(&mut processor, &timed(0, "v1", 5_000.0)).len(), 2, "two baselines, no result");
    assert_eq!(feed(&mut processor, &published(SUITE, START)), []);
    let runs: Vec<_> =
        (1..=100).map(|n| timed(n, "v1", if n % 50 == 0 { 5_000.0 } else { 100.0 })).collect();
    let mut outputs = feed_all(&mut processor, &runs);
    let results = of_kind(&outputs, kind::EVAL_RESULT);
    assert_eq!(results.len(), 100);
    let failed =
        results.iter().filter(|result| result.event.bool(column::eval::PASSED) == Some(false));
    assert_eq!(failed.count(), 2);
    assert_eq!(text(results[0], column::RUN_ID), Some("run-1"));
    assert_eq!(text(results[0], column::links::CAUSATION), Some("1"));
    let gates = of_kind(&outputs, kind::EVAL_SUITE_COMPLETED);
    assert_eq!(text(gates.last().unwrap(), column::eval::GATE), Some("pass"));

    outputs = feed(&mut processor, &tick(START + 60 * MINUTE));
    let rate = windows(&outputs, "eval.pass_rate")[0];
    assert_eq!(text(rate, column::metric::SUITE), Some("quick"));
    assert_eq!(
        (number(rate, column::metric::COUNT), number(rate, column::metric::SUM)),
        (Some(100.0), Some(98.0))
    );
}

#[test]
fn a_version_that_a_suite_finds_worse_alerts() {
    let mut processor = processor();
    feed(&mut processor, &published(SUITE, START));
    let slow = |n: i64| n % 2 == 0;
    let runs: Vec<_> = (1..=300)
        .map(|n| {
            let (version, milliseconds) = if n <= 200 {
                ("v1", 900.0)
            } else {
                ("v2", if slow(n) { 1_100.0 } else { 900.0 })
            };
            timed(n, version, milliseconds)
        })
        .collect();
    let outputs = feed_all(&mut processor, &runs);
    let firing = of_kind(&outputs, kind::DRIFT_ALERT_FIRING);
    let found = firing.iter().find(|alert| text(alert, column::drift::SUITE) == Some("quick"));
    assert_eq!(text(found.unwrap(), column::drift::METRIC), Some("eval.fail_rate"));
}

#[test]
fn a_suite_that_is_wrong_is_counted_and_what_was_in_force_stays_through_a_snapshot() {
    let mut processor = processor();
    feed(&mut processor, &published(SUITE, START));
    let mut wrong = published(SUITE, START + 1);
    let document = column::eval::DOCUMENT;
    wrong.event.set(document, "{}".to_owned().into());
    feed(&mut processor, &wrong);
    assert_eq!(processor.counters().suites_refused, 1);
    let refused = processor.take_refused_suites();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].why.contains("suite"), "{refused:?}");
    assert_eq!(processor.take_refused_suites(), [], "each is told once");
    let mut processor = Kept::of(&mut processor).resume();
    let outputs = feed(&mut processor, &timed(1, "v1", 10.0));
    assert_eq!(of_kind(&outputs, kind::EVAL_RESULT).len(), 1);
    let ended = SUITE.replace("suite: quick", "suite: quick\nenabled: false");
    feed(&mut processor, &published(&ended, START + 2));
    let outputs = feed(&mut processor, &timed(2, "v1", 10.0));
    assert_eq!(of_kind(&outputs, kind::EVAL_RESULT).len(), 0);
}

#[test]
fn a_snapshot_costs_what_has_changed_with_suites_too() {
    let mut processor = processor();
    let mut kept = Kept::default();
    let of = |number: i64| {
        let mut input = timed(number, "v1", 100.0);
        let agent = format!("agent-{}", number % 200);
        input.event.set(column::AGENT_ID, agent.into());
        input
    };
    feed(&mut processor, &published(SUITE, START));
    feed_all(&mut processor, &(0..400).map(of).collect::<Vec<_>>());
    // An agent and what its version has passed of the suite, each; the suite, a page of event ids.
    assert_eq!(kept.keep(&mut processor), 2 * 200 + 2);
    feed_all(&mut processor, &(400..407).map(of).collect::<Vec<_>>());
    assert_eq!(kept.keep(&mut processor), 2 * 7 + 1);
    let next: Vec<Input> = (407..460).map(of).chain([published(SUITE, START)]).collect();
    let resumed = feed_all(&mut kept.resume(), &next);
    assert_eq!(resumed, feed_all(&mut processor, &next));
}
