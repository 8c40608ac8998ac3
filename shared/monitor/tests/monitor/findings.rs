//! Findings that need no detector: versions that nobody announced, agents that fall silent. And the
//! budget of false pages that all streams share.

use crate::world::*;
use event::typed::Text;
use event::{TypedColumn, column, kind};
use monitor::{Output, Settings};

const HOUR: i64 = 60 * MINUTE;

fn unplanned(outputs: &[Output]) -> Vec<(&str, &str)> {
    let found = outputs.iter().filter(|output| kind(output) == kind::DRIFT_VERSION_UNPLANNED);
    found
        .map(|o| (text(o, column::AGENT_VERSION).unwrap(), text(o, column::drift::REASON).unwrap()))
        .collect()
}

fn announced(kind: &str, path: TypedColumn<Text>, version: &str, time: i64) -> Input {
    let event = builder(kind, &format!("{kind}{version}{time}"), time)
        .set(column::AGENT_ID, "a")
        .set(path, version)
        .build()
        .unwrap();
    Input { broker: time, event }
}

#[test]
fn a_version_that_nobody_announced_is_a_finding() {
    let mut processor = processor();
    let first = feed(&mut processor, &run("1", "v1", START, false));
    assert_eq!(unplanned(&first), [], "the first version takes over from nobody");
    feed(
        &mut processor,
        &announced(kind::CHANGE_IMPLEMENTED, column::change::TO_VERSION, "v2", START + 1),
    );
    assert_eq!(unplanned(&feed(&mut processor, &run("2", "v2", START + 2, false))), []);
    let deployed =
        announced(kind::AGENT_VERSION_DEPLOYED, column::agent::TO_VERSION, "v3", START + 3);
    feed(&mut processor, &deployed);
    assert_eq!(unplanned(&feed(&mut processor, &run("3", "v3", START + 4, false))), []);
    // An act that is decided and carried out at once may be admitted behind the first event.
    assert_eq!(unplanned(&feed(&mut processor, &run("4", "v4", START + 5, false))), []);
    let late = announced(kind::AGENT_VERSION_DEPLOYED, column::agent::TO_VERSION, "v4", START + 6);
    feed(&mut processor, &late);
    assert_eq!(unplanned(&feed(&mut processor, &run("5", "v5", START + 7 * SECOND, false))), []);
    let mut processor = Kept::of(&mut processor).resume();
    assert_eq!(unplanned(&feed(&mut processor, &tick(START + 6 * SECOND + MINUTE))), []);
    let outputs = feed(&mut processor, &tick(START + 7 * SECOND + MINUTE));
    let reason = "the version was not announced by a deployment or change";
    assert_eq!(unplanned(&outputs), [("v5", reason)]);
    assert_eq!(outputs[0].event.time(column::EVENT_TIME).unwrap().micros(), START + 7 * SECOND);
    assert_eq!(text(&outputs[0], column::drift::BASELINE_VERSION), Some("v4"));
    assert_eq!(unplanned(&feed(&mut processor, &run("6", "v5", START + 2 * MINUTE, false))), []);
}

#[test]
fn beyond_the_limit_a_version_is_reported_without_further_wait() {
    let mut processor = processor();
    feed(&mut processor, &run("first", "v", START, false));
    let versions = (0..300).map(|n| run(&format!("{n}"), &format!("v{n}"), START + n, false));
    let versions: Vec<Input> = versions.collect();
    assert_eq!(unplanned(&feed_all(&mut processor, &versions)).len(), 300 - 257);
    assert_eq!(unplanned(&feed(&mut processor, &tick(START + 2 * MINUTE))).len(), 257);
}

#[test]
fn another_digest_under_the_same_name_is_a_finding_once() {
    let mut processor = processor();
    let with = |id: &str, digest: &str| {
        let mut input = run(id, "v1", START, false);
        let column = column::VERSION_DIGEST;
        input.event.set(column, digest.to_owned().into());
        input
    };
    feed_all(&mut processor, &[with("1", "aa"), with("2", "aa"), with("3", "bb")]);
    let outputs = feed(&mut processor, &tick(START + MINUTE));
    let found = unplanned(&outputs);
    assert!(found.len() == 1 && found[0].1.contains("changed from aa to bb"), "{found:?}");
    feed_all(&mut processor, &[with("4", "aa"), with("5", "bb")]);
    feed(
        &mut processor,
        &announced(kind::CHANGE_IMPLEMENTED, column::change::TO_DIGEST, "cc", START + 1),
    );
    feed(&mut processor, &with("6", "cc"));
    assert_eq!(unplanned(&feed(&mut processor, &tick(START + HOUR))), []);
}

#[test]
fn silence_is_an_alert_of_its_own_and_ends_with_the_next_event() {
    let settings = Settings { silence_secs: 3_600, ..Settings::default() };
    let mut processor = processor_with(settings);
    let steady: Vec<_> =
        (0..6).map(|i| run(&i.to_string(), "v1", START + i * 30 * MINUTE, false)).collect();
    assert_eq!(kinds(&feed_all(&mut processor, &steady)), [kind::DRIFT_BASELINE_SET]);
    // The last event came at 2:30; ticks leave lateness and idle timeout.
    let last = START + 150 * MINUTE;
    assert_eq!(kinds(&feed(&mut processor, &tick(last + HOUR + 3 * MINUTE - SECOND))), [""; 0]);
    let silent = feed(&mut processor, &tick(last + HOUR + 3 * MINUTE));
    assert_eq!(kinds(&silent), [kind::DRIFT_ALERT_FIRING]);
    let alert = alerts(&silent)[0];
    assert_eq!(text(alert, column::drift::METRIC), Some("agent.silence"));
    assert_eq!(text(alert, column::AGENT_VERSION), Some("v1"));
    assert_eq!(kinds(&feed(&mut processor, &tick(last + 100 * HOUR))), [""; 0], "once");
    let late = feed(&mut processor, &run("late", "v1", last - MINUTE, false));
    assert_eq!(kinds(&late), [""; 0], "what was sent before the silence does not end it");
    let again = feed(&mut processor, &run("back", "v1", last + 101 * HOUR, false));
    assert_eq!(kinds(&again), [kind::DRIFT_ALERT_RESOLVED]);
    assert_eq!(text(alerts(&again)[0], column::drift::ALERT_ID), text(alert, column::EVENT_ID));
    let silent = feed(&mut processor, &tick(last + 103 * HOUR));
    assert_eq!(kinds(&silent), [kind::DRIFT_ALERT_FIRING], "a second episode");
}

#[test]
fn a_budget_of_false_pages_makes_run_lengths_longer_the_more_streams_there_are() {
    let threshold = |agents: i64| {
        let settings = Settings { false_pages_per_day_max: 0.05, ..Settings::default() };
        let mut processor = processor_with(settings);
        let mut last = Vec::new();
        for agent in 0..agents {
            for i in 0..240 {
                let version = if i < 120 { "v1" } else { "v2" };
                let id = format!("{agent}.{i}");
                let mut input = run(&id, version, START + i * MINUTE, i % 10 == 0);
                let agent = format!("agent{agent}").into();
                input.event.set(column::AGENT_ID, agent);
                last.extend(feed(&mut processor, &input));
            }
        }
        let set = last.iter().rfind(|output| {
            kind(output) == kind::DRIFT_BASELINE_SET
                && text(output, column::AGENT_VERSION) == Some("v2")
        });
        number(set.unwrap(), column::drift::THRESHOLD).unwrap()
    };
    // One run a minute and a twentieth of a page: with one stream its share is 29,000 runs.
    let (one, five) = (threshold(1), threshold(5));
    assert!((one - 29_042.0).abs() < 100.0, "{one}");
    assert!(five > 3.9 * one && five < 5.0 * one, "{five}");
}
