//! Metrics and detectors have versions of their own: a replay computes those in force, compares all
//! that it has, and reports the others.

use crate::replay::{Row, inputs, record_with, replay_with};
use crate::world::*;
use event::{column, kind};
use monitor::replay::{NotCompared, Part};
use monitor::{Catalogue, Output, Settings, Versions};

/// The metric that is added, or that the replay does not have.
const ADDED: &str = "run.error_rate";

/// A `monitor.configured` that lists versions.
fn listed(versions: &Versions, settings: &str, time: i64) -> Input {
    let [metrics, detectors] = versions.to_maps();
    let event = builder(kind::MONITOR_CONFIGURED, &format!("listed at {time} {settings}"), time)
        .set(column::monitor::SETTINGS, settings)
        .set(column::monitor::METRICS, metrics)
        .set(column::monitor::DETECTORS, detectors)
        .build()
        .unwrap();
    Input { broker: time, event }
}

/// The inputs of the replay tests; from the first on, this is in force.
fn inputs_under(versions: &Versions) -> Vec<Option<Input>> {
    let mut inputs = inputs();
    inputs.insert(0, Some(listed(versions, "{}", START)));
    inputs
}

fn subject(row: &Row) -> Option<&str> {
    row.event.text(column::metric::NAME).or_else(|| row.event.text(column::drift::METRIC))
}

fn rows_about<'r>(rows: &'r [Row], metric: &str) -> Vec<&'r Row> {
    rows.iter().filter(|row| subject(row) == Some(metric)).collect()
}

#[test]
fn an_archive_from_before_a_metric_replays_with_it() {
    for added in [ADDED, "run.count", "eval.pass_rate", "tool.mix"] {
        let before = Catalogue::default().without(added);
        let inputs = inputs_under(before.versions());
        let rows = record_with(&inputs, before);
        assert!(rows.len() > 150 && rows_about(&rows, added).is_empty(), "{added} {}", rows.len());
        let outcome = replay_with(&inputs, &rows, Catalogue::default());
        crate::replay::is_same(&outcome, rows.len());
        assert_eq!(outcome.not_compared, []);
    }
}

#[test]
fn what_a_replay_does_not_have_is_named_and_all_the_rest_is_compared() {
    let now = Catalogue::default();
    let inputs = inputs_under(now.versions());
    let rows = record_with(&inputs, now.clone());
    let left_out = rows_about(&rows, ADDED);
    assert!(
        left_out.iter().any(|row| row.event.text(column::KIND) == Some(kind::DRIFT_ALERT_FIRING))
    );
    let others = rows.iter().filter(|row| subject(row) != Some(ADDED)).count();

    let mut outcome = replay_with(&inputs, &rows, now.without(ADDED));
    let outputs = left_out.len() as u64;
    let (part, name) = (Part::Metric, ADDED.to_owned());
    assert_eq!(outcome.not_compared, [NotCompared { part, name, version: 2, outputs }]);
    assert_eq!(outcome.not_comparable, outputs);
    outcome.not_comparable = 0;
    crate::replay::is_same(&outcome, others);

    // Every other output is really compared.
    for place in [0, rows.len() / 2, rows.len() - 1] {
        let mut rows = rows.clone();
        let row = rows[place..].iter_mut().find(|row| subject(row).is_some_and(|s| s != ADDED));
        let Some(row) = row else { continue };
        row.event.set(column::ENVIRONMENT, "altered".into());
        let outcome = replay_with(&inputs, &rows, Catalogue::default().without(ADDED));
        assert_eq!(outcome.differences, 1);
    }
}

#[test]
fn a_detector_of_another_version_leaves_out_the_alerts_it_may_have_made() {
    let mut versions = Catalogue::default().versions().clone();
    versions.detectors.insert("esr-two-sample".to_owned(), 2);
    let inputs = inputs_under(&versions);
    let rows = record_with(&inputs, Catalogue::default());
    let outcome = replay_with(&inputs, &rows, Catalogue::default());
    let [NotCompared { part: Part::Detector, name, version: 2, outputs }] =
        outcome.not_compared.as_slice()
    else {
        panic!("{:?}", outcome.not_compared)
    };
    assert_eq!(name, "esr-two-sample");
    let is_left_out = |row: &&Row| {
        let is_rate = |metric: &str| metric.ends_with("_rate");
        row.event.text(column::KIND).is_some_and(|kind| kind.starts_with("drift."))
            && row.event.text(column::drift::METRIC).is_some_and(is_rate)
    };
    assert_eq!(*outputs, rows.iter().filter(is_left_out).count() as u64);
    let (metrics, drift) = (outcome.same_of("metric."), outcome.same_of("drift."));
    assert!(*outputs > 0 && metrics > 200 && drift > 0, "{outputs} {metrics} {drift}");
    assert_eq!((outcome.differences, outcome.not_comparable), (0, *outputs));
}

#[test]
fn with_a_shared_error_budget_a_missing_metric_leaves_out_only_the_alerts_it_affects() {
    let now = Catalogue::default();
    let settings = r#"{"false_pages_per_day_max":0.001}"#;
    let mut numbers = Numbers(5);
    let mut inputs = vec![listed(now.versions(), settings, START)];
    for (version, from) in [("v1", START), ("v2", START + 20 * MINUTE), ("v3", START + 40 * MINUTE)]
    {
        inputs.extend(runs(version, from, 200, 0.05, &mut numbers));
    }
    inputs.push(tick(START + 120 * MINUTE));
    for input in &mut inputs {
        if input.event.text(column::KIND) == Some(kind::RUN_COMPLETED) {
            input.event.set(column::run::REFUSED, false.into());
        }
    }
    let inputs: Vec<Option<Input>> = inputs.into_iter().map(Some).collect();
    let rows = record_with(&inputs, now.clone());
    let outcome = replay_with(&inputs, &rows, now.without(ADDED));
    assert_eq!(outcome.differences, 0, "{outcome:?}");
    // What the streams of the third version require depends on how many of the second are tested.
    let same = outcome.same_of("drift.baseline.") + outcome.same_of("drift.alert.");
    let shares = |row: &&Row| {
        let kind = row.event.text(column::KIND).unwrap();
        let is_of_others = subject(row).is_some_and(|subject| subject != ADDED);
        (kind.starts_with("drift.baseline.") || kind.starts_with("drift.alert.")) && is_of_others
    };
    let others = rows.iter().filter(shares).count() as u64;
    assert!(same > 0 && same < others, "{same} of {others}");
    let of_added = rows_about(&rows, ADDED).len() as u64;
    assert_eq!(outcome.not_comparable, others - same + of_added, "{outcome:?}");
    assert!(outcome.same_of("metric.") > 10, "{outcome:?}");
}

/// Everything but where it stands in the log.
fn content(output: &Output) -> (Vec<u8>, String) {
    (output.key.clone(), format!("{:?}", output.event))
}

#[test]
fn a_metric_that_leaves_and_comes_again_begins_anew_after_a_restart_too() {
    let all = Catalogue::default();
    let without = all.clone().without(ADDED);
    let mut numbers = Numbers(3);
    let mut inputs = vec![listed(all.versions(), "{}", START)];
    inputs.extend(runs("v1", START, 300, 0.05, &mut numbers));
    inputs.extend(runs("v2", START + 20 * MINUTE, 300, 0.6, &mut numbers));
    let left = inputs.len();
    inputs.push(listed(without.versions(), "{}", START + 35 * MINUTE));
    inputs.extend(runs("v2", START + 36 * MINUTE, 100, 0.6, &mut numbers));
    inputs.push(listed(all.versions(), "{}", START + 45 * MINUTE));
    inputs.extend(runs("v2", START + 46 * MINUTE, 200, 0.6, &mut numbers));
    inputs.push(tick(START + 120 * MINUTE));

    let mut whole = processor();
    let expected: Vec<Vec<Output>> = inputs.iter().map(|input| feed(&mut whole, input)).collect();
    let about = |output: &&Output| {
        [text(output, column::metric::NAME), text(output, column::drift::METRIC)]
            .contains(&Some(ADDED))
    };
    let begun = expected[..left].iter().flatten().filter(about);
    assert!(begun.into_iter().any(|output| kind(output) == kind::DRIFT_ALERT_FIRING));
    // Its open alert is resolved, as nobody watches it any more; nothing else is emitted about it.
    let resolved: Vec<_> = expected[left].iter().filter(about).collect();
    assert_eq!(
        resolved.iter().map(|output| kind(output)).collect::<Vec<_>>(),
        [kind::DRIFT_ALERT_RESOLVED]
    );
    let reason = text(resolved[0], column::drift::REASON);
    assert_eq!(reason, Some("the metric is no longer in force"));
    let again = inputs.len() - 201;
    assert_eq!(expected[left + 1..again - 1].iter().flatten().filter(about).count(), 0);
    let after: Vec<_> = expected[again - 1..].iter().flatten().filter(about).collect();
    assert!(after.iter().any(|output| kind(output) == kind::METRIC_WINDOW));

    let mut machine = processor();
    for (at, (input, expected)) in inputs.iter().zip(&expected).enumerate() {
        let found = feed(&mut machine, input);
        assert_eq!(
            found.iter().map(content).collect::<Vec<_>>(),
            expected.iter().map(content).collect::<Vec<_>>()
        );
        if at % 97 == 0 || at == left {
            machine = Kept::of(&mut machine).resume();
        }
    }
    assert_eq!(machine.versions(), all.versions());
}

#[test]
fn alerts_that_end_with_their_metric_are_compared_by_builds_that_have_it() {
    let all = Catalogue::default();
    let without = all.clone().without(ADDED);
    let mut numbers = Numbers(3);
    let mut inputs = vec![listed(all.versions(), "{}", START)];
    inputs.extend(runs("v1", START, 300, 0.05, &mut numbers));
    inputs.extend(runs("v2", START + 20 * MINUTE, 300, 0.6, &mut numbers));
    let left = i64::try_from(inputs.len()).unwrap();
    inputs.push(listed(without.versions(), "{}", START + 35 * MINUTE));
    inputs.extend(runs("v3", START + 36 * MINUTE, 100, 0.6, &mut numbers));
    inputs.push(tick(START + 120 * MINUTE));
    let inputs: Vec<Option<Input>> = inputs.into_iter().map(Some).collect();
    let rows = record_with(&inputs, all.clone());
    let ends = |row: &&Row| {
        row.event.int(column::origin::OFFSET) == Some(left) && subject(row) == Some(ADDED)
    };
    assert_eq!(rows.iter().filter(ends).count(), 1);
    crate::replay::is_same(&replay_with(&inputs, &rows, all.clone()), rows.len());
    // A build without the metric leaves it out, the end of its alerts included.
    let outcome = replay_with(&inputs, &rows, without.clone());
    assert_eq!(outcome.differences, 0, "{outcome:?}");
    let about = rows_about(&rows, ADDED).len() as u64;
    assert_eq!(outcome.not_compared.iter().map(|part| part.outputs).sum::<u64>(), about);
    // A monitor that did not have the metric could not end them.
    let fewer: Vec<Row> = rows.iter().filter(|row| !ends(row)).cloned().collect();
    let outcome = replay_with(&inputs, &fewer, all);
    assert_eq!((outcome.differences, outcome.superseded), (0, 1), "{outcome:?}");
}

#[test]
fn a_state_of_another_build_is_refused_unless_nothing_that_it_computed_has_changed() {
    let all = Catalogue::default();
    let saved = |catalogue: Catalogue, versions: &Versions| {
        let mut processor = processor_of(catalogue);
        feed(&mut processor, &listed(versions, "{}", START));
        Kept::of(&mut processor).resume_as(0).map(|processor| processor.versions().clone())
    };
    let before = all.clone().without(ADDED);
    // The metric came later: what the state computes is the same.
    assert_eq!(saved(before.clone(), before.versions()).as_ref(), Ok(before.versions()));
    // It was in force, and the other build did not have it.
    assert_eq!(saved(before, all.versions()), Err(monitor::ResumeError::Versions));
}

#[test]
fn settings_of_a_metric_count_where_it_is_in_force() {
    let without = Catalogue::default().without(ADDED);
    let settings = format!(r#"{{"metrics":{{"{ADDED}":{{"watched":false}}}}}}"#);
    let mut processor = processor();
    feed(&mut processor, &listed(without.versions(), &settings, START));
    assert_eq!(processor.counters().settings_refused, 1);
    // A metric that only a later release has can be set by that release.
    let mut versions = Catalogue::default().versions().clone();
    versions.metrics.insert("run.mood".to_owned(), 1);
    let settings = r#"{"metrics":{"run.mood":{"watched":false}}}"#;
    feed(&mut processor, &listed(&versions, settings, START));
    assert_eq!((processor.counters().settings_applied, processor.versions()), (1, &versions));
}

#[test]
fn a_list_of_versions_that_is_malformed_is_refused_with_its_settings() {
    let versions = Catalogue::default().versions().clone();
    let [metrics, detectors] = versions.to_maps();
    let mut processor = processor();
    let mut refused = 0;
    for (metrics, detectors) in [
        (Some(metrics.clone()), None),
        (None, Some(detectors.clone())),
        (Some([("run.count".to_owned(), "one".to_owned())].into()), Some(detectors)),
    ] {
        refused += 1;
        let event = builder(kind::MONITOR_CONFIGURED, &format!("malformed {refused}"), START)
            .set(column::monitor::SETTINGS, r#"{"lateness_secs":60}"#)
            .set_some(column::monitor::METRICS, metrics)
            .set_some(column::monitor::DETECTORS, detectors)
            .build()
            .unwrap();
        feed(&mut processor, &Input { broker: START, event });
        assert_eq!(processor.counters().settings_refused, refused);
    }
    assert_eq!(processor.settings(), &Settings::default());
    assert_eq!(processor.versions(), &Versions::initial());
}

#[test]
fn a_release_that_comes_or_is_taken_back_leaves_an_archive_that_both_replay() {
    let (newer, older) = (Catalogue::default(), Catalogue::default().without(ADDED));
    for (first, second) in [(&older, &newer), (&newer, &older)] {
        // Each publishes from where it takes over; what it needs of before, it computes again.
        let mut inputs = inputs_under(first.versions());
        let over = inputs.len() / 2;
        inputs.insert(over, Some(listed(second.versions(), "{}", START + 100 * MINUTE)));
        let over = i64::try_from(over).unwrap();
        let is_before = |row: &Row| row.event.int(column::origin::OFFSET) < Some(over);
        let mut rows = record_with(&inputs, first.clone());
        rows.retain(is_before);
        let after = record_with(&inputs, second.clone());
        rows.extend(after.into_iter().filter(|row| !is_before(row)));
        assert!(!rows_about(&rows, ADDED).is_empty());
        for catalogue in [&newer, &older] {
            let outcome = replay_with(&inputs, &rows, catalogue.clone());
            assert_eq!((outcome.differences, &outcome.first), (0, &None), "{outcome:?}");
            assert_eq!(outcome.not_compared.is_empty(), catalogue == &newer);
            assert_eq!((outcome.not_sealed, outcome.awaiting_input), (0, 0));
        }
    }
}
