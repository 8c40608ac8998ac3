//! Baselines and the life of an alert.

use event::{column, kind};
use std::collections::BTreeSet;

use crate::world::*;
use monitor::{Output, Processor, Settings};

/// 500 runs of `v1` that fail in one of ten; then the clock stands where they end.
pub(crate) fn after_baseline(numbers: &mut Numbers) -> (Processor, i64) {
    let mut processor = processor();
    feed_all(&mut processor, &runs("v1", START, 500, 0.1, numbers));
    (processor, START + 1_000 * SECOND)
}

#[test]
fn a_worse_version_is_found_and_a_recovery_resolves_it() {
    let mut numbers = Numbers(1);
    let (mut processor, mut now) = after_baseline(&mut numbers);
    let worse = feed_all(&mut processor, &runs("v2", now, 150, 0.4, &mut numbers));
    assert_eq!(
        kinds(&worse),
        [kind::DRIFT_BASELINE_SET, kind::DRIFT_ALERT_PENDING, kind::DRIFT_ALERT_FIRING]
    );

    let set = alerts(&worse)[0];
    assert_eq!(text(set, column::drift::BASELINE_VERSION), Some("v1"));
    assert_eq!(number(set, column::drift::BASELINE_COUNT), Some(500.0));
    let (mean, bound) = (
        number(set, column::drift::BASELINE_VALUE).unwrap(),
        number(set, column::drift::BOUND).unwrap(),
    );
    assert!(mean > 0.06 && mean < 0.14 && bound > mean, "{mean} {bound}");
    assert_eq!(text(set, column::drift::DETECTOR), Some("esr-two-sample"));

    let firing = find(&worse, kind::DRIFT_ALERT_FIRING);
    assert_eq!(text(firing, column::drift::METRIC), Some("run.error_rate"));
    assert_eq!(text(firing, column::drift::SEVERITY), Some("page"));
    assert!(number(firing, column::drift::E_VALUE) >= Some(20_000.0));
    assert!(number(firing, column::drift::EFFECT) > Some(0.1));
    assert!(number(firing, column::drift::EFFECT_LOW) > Some(0.0));
    let pending = find(&worse, kind::DRIFT_ALERT_PENDING);
    assert_eq!(text(firing, column::drift::ALERT_ID), text(pending, column::EVENT_ID));
    let since = number(firing, column::drift::SINCE_OFFSET).unwrap();
    assert!((500.0..530.0).contains(&since), "{since}");
    let Some(event::Cell::Texts(examples)) = firing.event.get(column::drift::EXAMPLE_RUNS) else {
        panic!("no examples")
    };
    assert!(examples.len() == 3 && examples.iter().all(|run| run.starts_with("run-v2-")));

    now += 300 * SECOND;
    // Silence resolves nothing, however long.
    let silent = feed(&mut processor, &tick(now + 600 * MINUTE));
    assert_eq!(kinds(&silent), [""; 0]);
    now += 600 * MINUTE;
    let better = feed_all(&mut processor, &runs("v2", now, 1_000, 0.1, &mut numbers));
    assert_eq!(kinds(&better), [kind::DRIFT_ALERT_RESOLVED]);
    let resolved = find(&better, kind::DRIFT_ALERT_RESOLVED);
    assert_eq!(text(resolved, column::drift::ALERT_ID), text(pending, column::EVENT_ID));
    assert_eq!(text(resolved, column::drift::REASON), Some("the effect is gone"));

    now += 2_000 * SECOND;
    let again = feed_all(&mut processor, &runs("v2", now, 300, 0.4, &mut numbers));
    assert_eq!(kinds(&again), [kind::DRIFT_ALERT_PENDING, kind::DRIFT_ALERT_FIRING]);
    assert_ne!(text(alerts(&again)[0], column::drift::ALERT_ID), text(pending, column::EVENT_ID));
}

#[test]
fn an_open_alert_ends_when_another_version_takes_over() {
    let mut numbers = Numbers(2);
    let (mut processor, now) = after_baseline(&mut numbers);
    feed_all(&mut processor, &runs("v2", now, 200, 0.5, &mut numbers));
    let outputs = feed(&mut processor, &run("next", "v3", now + 600 * SECOND, false));
    assert_eq!(kinds(&outputs), [kind::DRIFT_ALERT_RESOLVED, kind::DRIFT_BASELINE_SET]);
    let alerts = alerts(&outputs);
    assert_eq!(text(alerts[0], column::drift::REASON), Some("another version took over"));
    assert_eq!(text(alerts[0], column::AGENT_VERSION), Some("v2"));
    // What v2 has shown was alarmed from the beginning.
    assert_eq!(text(alerts[1], column::drift::BASELINE_VERSION), Some("v1"));
    assert_eq!(number(alerts[1], column::drift::BASELINE_COUNT), Some(500.0));
}

#[test]
fn the_same_version_twice_rarely_alerts() {
    let mut alarms = 0;
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let (mut processor, now) = after_baseline(&mut numbers);
        let outputs = feed_all(&mut processor, &runs("v2", now, 500, 0.1, &mut numbers));
        alarms += u32::from(kinds(&outputs).contains(&kind::DRIFT_ALERT_FIRING));
    }
    assert!(alarms <= 8, "{alarms} of 200");
}

#[test]
fn suites_have_streams_of_their_own() {
    let mut processor = processor();
    let mut numbers = Numbers(3);
    let mut outputs = Vec::new();
    for i in 0..600 {
        let (version, share) = if i < 300 { ("v1", 0.05) } else { ("v2", 0.5) };
        let time = START + i * SECOND;
        for (suite, share) in [("worse", share), ("same", 0.05)] {
            let passed = !numbers.chance(share);
            outputs.extend(feed(
                &mut processor,
                &eval(&format!("{suite}{i}"), version, suite, time, passed),
            ));
        }
    }
    let firing: Vec<_> =
        outputs.iter().filter(|output| kind(output) == kind::DRIFT_ALERT_FIRING).collect();
    assert_eq!(firing.len(), 1);
    assert_eq!(text(firing[0], column::drift::METRIC), Some("eval.fail_rate"));
    assert_eq!(text(firing[0], column::drift::SUITE), Some("worse"));
}

/// A run that takes that long.
fn timed(id: &str, version: &str, time: i64, milliseconds: f64) -> Input {
    let event = builder(kind::RUN_COMPLETED, id, time)
        .set(column::AGENT_ID, "a")
        .set(column::AGENT_VERSION, version)
        .set(column::RUN_ID, format!("run-{id}"))
        .set(column::run::DURATION_MS, milliseconds)
        .build()
        .unwrap();
    Input { broker: time, event }
}

/// `count` runs of a version, two seconds apart, a second long on average but for the scale; the
/// slowest take 20 times as long as the fastest.
fn timed_runs(
    version: &str,
    from: i64,
    count: i64,
    scale: f64,
    numbers: &mut Numbers,
) -> Vec<Input> {
    (0..count)
        .map(|i| {
            let time = from + i * 2 * SECOND;
            let uniform = (numbers.next() >> 11) as f64 / (1_u64 << 53) as f64;
            let milliseconds = 300.0 * (3.0 * uniform).exp() * scale;
            timed(&format!("{version}-{time}"), version, time, milliseconds)
        })
        .collect()
}

#[test]
fn a_slower_version_is_found_by_rank_and_a_faster_one_too() {
    for (scale, direction) in [(1.8, "rising"), (0.5, "falling")] {
        let mut numbers = Numbers(11);
        let mut processor = processor();
        feed_all(&mut processor, &timed_runs("v1", START, 500, 1.0, &mut numbers));
        let mut now = START + 1_000 * SECOND;
        let changed = feed_all(&mut processor, &timed_runs("v2", now, 400, scale, &mut numbers));
        assert_eq!(
            kinds(&changed),
            [kind::DRIFT_BASELINE_SET, kind::DRIFT_ALERT_PENDING, kind::DRIFT_ALERT_FIRING]
        );
        let set = alerts(&changed)[0];
        assert_eq!(text(set, column::drift::DIRECTION), Some("both"));
        let bound = number(set, column::drift::BOUND).unwrap();
        assert!((0.53..0.56).contains(&bound), "{bound}");
        let firing = find(&changed, kind::DRIFT_ALERT_FIRING);
        assert_eq!(text(firing, column::drift::METRIC), Some("run.duration_ms"));
        assert_eq!(text(firing, column::drift::DIRECTION), Some(direction));
        assert_eq!(text(firing, column::drift::EFFECT_UNIT), Some("relative"));
        let effect = number(firing, column::drift::EFFECT).unwrap();
        assert!((effect - (scale - 1.0)).abs() < 0.4, "{effect}");

        now += 800 * SECOND;
        let back = feed_all(&mut processor, &timed_runs("v2", now, 1_000, 1.0, &mut numbers));
        assert_eq!(kinds(&back), [kind::DRIFT_ALERT_RESOLVED]);
        assert_eq!(
            text(find(&back, kind::DRIFT_ALERT_RESOLVED), column::drift::REASON),
            Some("the effect is gone")
        );
    }
}

#[test]
fn the_same_durations_twice_rarely_alert() {
    let mut alarms = 0;
    for seed in 0..100 {
        let mut numbers = Numbers(seed);
        let mut processor = processor();
        feed_all(&mut processor, &timed_runs("v1", START, 300, 1.0, &mut numbers));
        let now = START + 600 * SECOND;
        let outputs = feed_all(&mut processor, &timed_runs("v2", now, 500, 1.0, &mut numbers));
        alarms += u32::from(kinds(&outputs).contains(&kind::DRIFT_ALERT_FIRING));
    }
    assert!(alarms <= 4, "{alarms} of 100");
}

#[test]
fn where_there_is_no_detector_it_is_said_why() {
    let mut processor = processor();
    let mut numbers = Numbers(4);
    let first = feed_all(&mut processor, &runs("v1", START, 40, 0.1, &mut numbers));
    let later = START + 100 * SECOND;
    let second = feed_all(&mut processor, &runs("v2", later, 40, 0.9, &mut numbers));
    let new_suite = feed(&mut processor, &eval("e", "v2", "s", later + 100 * SECOND, true));
    let reasons: Vec<_> = [&first, &second, &new_suite]
        .iter()
        .flat_map(|outputs| alerts(outputs))
        .map(|output| {
            (
                text(output, column::drift::METRIC).unwrap(),
                text(output, column::drift::REASON).unwrap(),
            )
        })
        .collect();
    let absent =
        "no detector: there is no baseline, because the previous version has no observations";
    assert_eq!(
        reasons,
        [
            ("run.error_rate", absent),
            ("run.error_rate", "no detector: the baseline is too small"),
            ("eval.fail_rate", absent),
        ]
    );
}

fn deployed(kind: &str, from: &str, to: &str, time: i64) -> Input {
    let event = builder(kind, &format!("{kind}-{to}-{time}"), time)
        .set(column::AGENT_ID, "a")
        .set(column::agent::FROM_VERSION, from)
        .set(column::agent::TO_VERSION, to)
        .set(column::agent::PROMPT_NAME, "support")
        .set(column::agent::PROMPT_DIGEST, format!("digest-of-{to}"))
        .build()
        .unwrap();
    Input { broker: time, event }
}

#[test]
fn a_deployment_freezes_the_baseline_at_its_offset_and_is_named_in_the_alert() {
    let mut numbers = Numbers(5);
    let (mut processor, mut now) = after_baseline(&mut numbers);
    feed(&mut processor, &deployed(kind::AGENT_VERSION_DEPLOYED, "v0", "v1", now));
    let outputs = feed(&mut processor, &deployed(kind::AGENT_VERSION_DEPLOYED, "v1", "v2", now));
    assert_eq!(kinds(&outputs), [kind::DRIFT_BASELINE_SET]);
    assert_eq!(text(alerts(&outputs)[0], column::AGENT_VERSION), Some("v2"));
    now += SECOND;
    // The old version still runs for a while: that changes neither the baseline nor who is new.
    let old = feed_all(&mut processor, &runs("v1", now, 50, 1.0, &mut numbers));
    assert_eq!(kinds(&old), [""; 0]);
    let worse = feed_all(&mut processor, &runs("v2", now, 200, 0.5, &mut numbers));
    let firing = find(&worse, kind::DRIFT_ALERT_FIRING);
    assert_eq!(number(firing, column::drift::BASELINE_COUNT), Some(500.0));
    let change = text(firing, column::drift::LAST_CHANGE).unwrap();
    let expected = "agent.version.deployed v1 -> v2 \
                    (prompt `support` changed: digest-of-v1 -> digest-of-v2)";
    assert!(change.starts_with(expected), "{change}");

    now += 500 * SECOND;
    let back = feed(&mut processor, &deployed(kind::AGENT_VERSION_ROLLED_BACK, "v2", "v1", now));
    assert_eq!(kinds(&back), [kind::DRIFT_ALERT_RESOLVED]);
    assert_eq!(text(alerts(&back)[0], column::drift::REASON), Some("the version was rolled back"));
    // The next version is compared with the one that was rolled back to.
    let next = feed(&mut processor, &run("n", "v3", now + SECOND, false));
    assert_eq!(text(alerts(&next)[0], column::drift::BASELINE_VERSION), Some("v1"));
}

#[test]
fn a_deployment_without_environment_counts_in_every_environment() {
    let mut processor = processor();
    let mut numbers = Numbers(6);
    let mut inputs = runs("v1", START, 200, 0.1, &mut numbers);
    for (index, input) in inputs.iter_mut().enumerate() {
        let environment = if index % 2 == 0 { "production" } else { "staging" };
        input.event.set(column::ENVIRONMENT, environment.into());
    }
    feed_all(&mut processor, &inputs);
    let now = START + 500 * SECOND;
    let outputs = feed(&mut processor, &deployed(kind::AGENT_VERSION_DEPLOYED, "v1", "v2", now));
    let environments: BTreeSet<_> =
        alerts(&outputs).into_iter().map(|output| text(output, column::ENVIRONMENT)).collect();
    assert_eq!(environments, [Some("production"), Some("staging")].into());
    assert_eq!(alerts(&outputs).len(), 2);
}

#[test]
fn events_without_a_version_have_windows_but_take_over_from_none() {
    let mut numbers = Numbers(7);
    let (mut processor, now) = after_baseline(&mut numbers);
    let event = builder(kind::RUN_COMPLETED, "x", now)
        .set(column::AGENT_ID, "a")
        .set(column::run::STATUS, "error")
        .build()
        .unwrap();
    feed(&mut processor, &Input { broker: now, event });
    let outputs = feed(&mut processor, &run("n", "v2", now, false));
    assert_eq!(text(alerts(&outputs)[0], column::drift::BASELINE_VERSION), Some("v1"));
}

#[test]
fn what_is_evicted_leaves_no_open_alert() {
    let other = |id: &str, time| {
        let event = builder(kind::RUN_COMPLETED, id, time)
            .set(column::AGENT_ID, id)
            .set(column::AGENT_VERSION, "v1")
            .build()
            .unwrap();
        Input { broker: time, event }
    };
    let ended = |outputs: &[Output]| {
        let ended = outputs.iter().filter(|output| kind(output) == kind::DRIFT_ALERT_RESOLVED);
        ended.map(|o| text(o, column::drift::REASON).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let settings = Settings { keys_max: 2, silence_secs: 3_600, ..Settings::default() };
    let mut processor = processor_with(settings);
    let mut numbers = Numbers(3);
    let mut inputs = runs("v1", START, 300, 0.05, &mut numbers);
    inputs.extend(runs("v2", START + 20 * MINUTE, 300, 0.6, &mut numbers));
    inputs.push(tick(START + 240 * MINUTE));
    let outputs = feed_all(&mut processor, &inputs);
    let fired = outputs.iter().filter(|output| kind(output) == kind::DRIFT_ALERT_FIRING);
    let fired: Vec<_> = fired.map(|output| text(output, column::drift::METRIC).unwrap()).collect();
    assert_eq!(fired, ["run.error_rate", "agent.silence"]);
    assert_eq!(ended(&outputs), [""; 0]);
    let outputs = feed(&mut processor, &other("b", START + 241 * MINUTE));
    assert_eq!(
        ended(&outputs),
        ["the state of the version was evicted", "the state of the agent was evicted"]
    );
}
