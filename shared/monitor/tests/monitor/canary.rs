//! A version on part of the traffic: how it starts and ends, how seldom it is wrongly called
//! worse, and how soon rightly.

use crate::world::*;
use event::{column, kind};
use monitor::{MetricSettings, Output, Processor, Settings};

/// A deployment or rollback of the agent.
pub(crate) fn deployed(
    kind: &str,
    id: &str,
    time: i64,
    (from, to): (Option<&str>, &str),
    share: Option<f64>,
) -> Input {
    let event = builder(kind, id, time)
        .set(column::AGENT_ID, "a")
        .set(column::agent::TO_VERSION, to)
        .set_some(column::agent::FROM_VERSION, from)
        .set_some(column::agent::TRAFFIC_SHARE, share)
        .build()
        .unwrap();
    Input { broker: time, event }
}

fn deploy(id: &str, time: i64, to: &str, share: Option<f64>) -> Input {
    deployed(kind::AGENT_VERSION_DEPLOYED, id, time, (None, to), share)
}

/// Runs of two versions, a second apart, and how often each fails.
pub(crate) fn mixed_runs(
    from: i64,
    count: i64,
    canary_share: f64,
    (canary, rate): (&str, f64),
    (control, control_rate): (&str, f64),
    numbers: &mut Numbers,
) -> Vec<Input> {
    (0..count)
        .map(|i| {
            let time = from + i * SECOND;
            let (version, rate) =
                if numbers.chance(canary_share) { (canary, rate) } else { (control, control_rate) };
            run(&format!("{version}-{time}"), version, time, numbers.chance(rate))
        })
        .collect()
}

fn started(settings: Settings, share: f64) -> (Processor, Vec<Output>, i64) {
    let mut processor = processor_with(settings);
    feed(&mut processor, &deploy("d1", START, "v1", None));
    feed(&mut processor, &run("first", "v1", START + SECOND, false));
    let outputs = feed(&mut processor, &deploy("d2", START + 2 * SECOND, "v2", Some(share)));
    (processor, outputs, START + 3 * SECOND)
}

fn find<'o>(outputs: &'o [Output], wanted: &str) -> &'o Output {
    outputs.iter().find(|output| kind(output) == wanted).unwrap()
}

fn has_alert(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| {
        kind(output) == kind::DRIFT_ALERT_FIRING
            && text(output, column::drift::DETECTOR) == Some("canary")
    })
}

#[test]
fn looked_at_after_every_run_an_equal_canary_is_called_worse_as_seldom_as_is_said() {
    // The smallest effect is set to nothing, so that only the test stands between.
    let settings = Settings { canary_alpha: 0.05, effect_min: 0.0, ..Settings::default() };
    let (mut wrong, sims) = (0_u32, 240);
    for seed in 0..sims {
        let mut numbers = Numbers(seed * 7_919 + 1);
        let share = [0.1, 0.5, 0.8][usize::try_from(seed % 3).unwrap()];
        let (mut processor, _, now) = started(settings.clone(), share);
        let inputs = mixed_runs(now, 1_000, share, ("v2", 0.2), ("v1", 0.2), &mut numbers);
        wrong += u32::from(inputs.iter().any(|input| has_alert(&feed(&mut processor, input))));
    }
    // At 5 % there are 12 on average, and more than 23 once in a thousand times.
    println!("{wrong} of {sims} equal canaries are called worse at 5 %");
    assert!(wrong <= 23, "{wrong} of {sims}");
    assert!(wrong > 0, "nothing was tested");
}

#[test]
fn a_canary_that_fails_twice_as_often_is_found_soon() {
    let (mut delays, sims) = (Vec::new(), 40_u64);
    for seed in 0..sims {
        let mut numbers = Numbers(seed * 104_729 + 3);
        let (mut processor, _, now) = started(Settings::default(), 0.5);
        let inputs = mixed_runs(now, 4_000, 0.5, ("v2", 0.2), ("v1", 0.1), &mut numbers);
        let found = inputs.iter().find_map(|input| {
            let outputs = feed(&mut processor, input);
            let firing = has_alert(&outputs).then(|| find(&outputs, kind::DRIFT_ALERT_FIRING));
            firing.map(|firing| number(firing, column::drift::OBSERVATIONS).unwrap())
        });
        delays.extend(found);
    }
    assert_eq!(delays.len() as u64, sims, "a canary was not found");
    let mean = delays.iter().sum::<f64>() / delays.len() as f64;
    println!("found after {mean:.0} runs of the canary on average");
    assert!((150.0..500.0).contains(&mean), "{mean}");
}

#[test]
fn the_control_stays_current_and_the_canary_is_not_unplanned() {
    let (mut processor, outputs, now) = started(Settings::default(), 0.2);
    let start = find(&outputs, kind::DRIFT_CANARY_STARTED);
    assert_eq!(text(start, column::AGENT_VERSION), Some("v2"));
    assert_eq!(text(start, column::drift::BASELINE_VERSION), Some("v1"));
    assert_eq!(number(start, column::drift::TRAFFIC_SHARE), Some(0.2));
    assert_eq!(number(start, column::drift::THRESHOLD), Some(100.0));
    let mut numbers = Numbers(4);
    let inputs = mixed_runs(now, 600, 0.2, ("v2", 0.1), ("v1", 0.1), &mut numbers);
    let outputs = feed_all(&mut processor, &inputs);
    assert_eq!(kinds(&outputs), [""; 0], "nothing took over");
    assert!(!outputs.iter().any(|output| kind(output) == kind::DRIFT_VERSION_UNPLANNED));
}

#[test]
fn a_worse_canary_pages_and_its_rollback_resolves_that() {
    let (mut processor, _, now) = started(Settings::default(), 0.3);
    let mut numbers = Numbers(5);
    let inputs = mixed_runs(now, 800, 0.3, ("v2", 0.5), ("v1", 0.1), &mut numbers);
    let outputs = feed_all(&mut processor, &inputs);
    assert_eq!(kinds(&outputs), [kind::DRIFT_ALERT_FIRING]);
    let firing = find(&outputs, kind::DRIFT_ALERT_FIRING);
    assert_eq!(text(firing, column::AGENT_VERSION), Some("v2"));
    assert_eq!(text(firing, column::drift::BASELINE_VERSION), Some("v1"));
    assert_eq!(text(firing, column::drift::METRIC), Some("run.error_rate"));
    assert_eq!(text(firing, column::drift::SEVERITY), Some("page"));
    assert_eq!(text(firing, column::drift::ALERT_ID), text(firing, column::EVENT_ID));
    assert!(number(firing, column::drift::E_VALUE) >= number(firing, column::drift::THRESHOLD));
    let [low, effect, high] =
        [column::drift::EFFECT_LOW, column::drift::EFFECT, column::drift::EFFECT_HIGH]
            .map(|column| number(firing, column));
    assert!(low <= effect && effect <= high && effect > Some(0.1), "{low:?} {effect:?} {high:?}");
    let Some(event::Cell::Texts(examples)) = firing.event.get(column::drift::EXAMPLE_RUNS) else {
        panic!("no examples")
    };
    assert!(examples.iter().all(|run| run.starts_with("run-v2-")), "{examples:?}");

    let rollback = kind::AGENT_VERSION_ROLLED_BACK;
    let back = deployed(rollback, "back", now + 900 * SECOND, (Some("v2"), "v1"), None);
    let outputs = feed(&mut processor, &back);
    assert_eq!(kinds(&outputs), [kind::DRIFT_ALERT_RESOLVED, kind::DRIFT_CANARY_ENDED]);
    let resolved = find(&outputs, kind::DRIFT_ALERT_RESOLVED);
    assert_eq!(text(resolved, column::drift::ALERT_ID), text(firing, column::drift::ALERT_ID));
    assert_eq!(text(resolved, column::drift::SEVERITY), Some("page"));
    let ended = find(&outputs, kind::DRIFT_CANARY_ENDED);
    assert_eq!(text(ended, column::drift::OUTCOME), Some("rolled_back"));
    assert!(
        number(ended, column::drift::EFFECT_LOW) > Some(0.0),
        "the interval excludes no difference"
    );
    assert!(number(ended, column::drift::PAIRS) > Some(100.0));
    assert_eq!(number(ended, column::drift::SINCE_OFFSET), Some(2.0));
    // The version is gone: what it still sends changes nothing.
    let late = feed(&mut processor, &run("late", "v2", now + 901 * SECOND, true));
    assert_eq!(kinds(&late), [""; 0]);
}

#[test]
fn a_promoted_canary_takes_over_at_that_offset_with_the_control_as_baseline() {
    for share in [None, Some(1.0)] {
        let (mut processor, _, now) = started(Settings::default(), 0.1);
        let mut numbers = Numbers(6);
        let inputs = mixed_runs(now, 400, 0.1, ("v2", 0.1), ("v1", 0.1), &mut numbers);
        feed_all(&mut processor, &inputs);
        // More traffic first: the canary runs on.
        let more = feed(&mut processor, &deploy("d3", now + 400 * SECOND, "v2", Some(0.5)));
        assert_eq!(kinds(&more), [""; 0]);
        let outputs = feed(&mut processor, &deploy("d4", now + 401 * SECOND, "v2", share));
        assert_eq!(kinds(&outputs), [kind::DRIFT_CANARY_ENDED, kind::DRIFT_BASELINE_SET]);
        let ended = find(&outputs, kind::DRIFT_CANARY_ENDED);
        assert_eq!(text(ended, column::drift::OUTCOME), Some("promoted"));
        assert_eq!(number(ended, column::drift::TRAFFIC_SHARE), Some(0.5));
        assert!(number(ended, column::drift::EFFECT_LOW) < Some(0.0));
        assert_eq!(text(ended, column::drift::ALERT_ID), None);
        let set = find(&outputs, kind::DRIFT_BASELINE_SET);
        assert_eq!(text(set, column::AGENT_VERSION), Some("v2"));
        assert_eq!(text(set, column::drift::BASELINE_VERSION), Some("v1"));
        let count = number(set, column::drift::BASELINE_COUNT).unwrap();
        assert!((330.0..=401.0).contains(&count), "{count}");
        let worse = mixed_runs(now + 402 * SECOND, 200, 1.0, ("v2", 0.5), ("", 0.0), &mut numbers);
        let outputs = feed_all(&mut processor, &worse);
        assert_eq!(kinds(&outputs), [kind::DRIFT_ALERT_PENDING, kind::DRIFT_ALERT_FIRING]);
    }
}

#[test]
fn another_version_supersedes_a_canary() {
    let next = START + 100 * SECOND;
    let to_v3 = |share| deploy("d3", next, "v3", share);
    for (input, after) in [
        (to_v3(Some(0.2)), vec![kind::DRIFT_CANARY_ENDED, kind::DRIFT_CANARY_STARTED]),
        (to_v3(None), vec![kind::DRIFT_CANARY_ENDED]),
        // Nobody announced it, but it is there.
        (
            run("surprise", "v3", next, false),
            vec![kind::DRIFT_CANARY_ENDED, kind::DRIFT_BASELINE_SET],
        ),
    ] {
        let (mut processor, _, now) = started(Settings::default(), 0.1);
        feed(&mut processor, &run("one", "v2", now, false));
        let outputs = feed(&mut processor, &input);
        let mut expected = after.clone();
        if text(&outputs[outputs.len() - 1], column::KIND) == Some(kind::DRIFT_BASELINE_SET) {
            expected.retain(|kind| *kind != kind::DRIFT_BASELINE_SET);
            expected.push(kind::DRIFT_BASELINE_SET);
        }
        assert_eq!(kinds(&outputs), expected);
        let ended = find(&outputs, kind::DRIFT_CANARY_ENDED);
        assert_eq!(text(ended, column::drift::OUTCOME), Some("superseded"));
        assert_eq!(text(ended, column::AGENT_VERSION), Some("v2"));
    }
}

#[test]
fn suites_are_compared_each_for_itself() {
    let (mut processor, _, now) = started(Settings::default(), 0.5);
    let mut numbers = Numbers(8);
    let mut outputs = Vec::new();
    for i in 0..800_i64 {
        let time = now + i * SECOND;
        let version = if i % 2 == 0 { "v2" } else { "v1" };
        for (suite, rate) in [("same", 0.1), ("worse", if i % 2 == 0 { 0.5 } else { 0.1 })] {
            let passed = !numbers.chance(rate);
            let input = eval(&format!("{suite}{i}"), version, suite, time, passed);
            outputs.extend(feed(&mut processor, &input));
        }
    }
    let firing: Vec<_> =
        outputs.iter().filter(|output| kind(output) == kind::DRIFT_ALERT_FIRING).collect();
    assert_eq!(firing.len(), 1);
    assert_eq!(text(firing[0], column::drift::SUITE), Some("worse"));
    assert_eq!(text(firing[0], column::drift::METRIC), Some("eval.fail_rate"));
    let end = deploy("d3", now + 900 * SECOND, "v1", None);
    let outputs = feed(&mut processor, &end);
    let ended = outputs.iter().filter(|output| kind(output) == kind::DRIFT_CANARY_ENDED);
    let suites: Vec<_> = ended.map(|output| text(output, column::drift::SUITE).unwrap()).collect();
    assert_eq!(suites, ["worse", "same"].into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_canary_that_gets_all_the_traffic_is_compared_with_the_version_before() {
    let mut numbers = Numbers(21);
    let mut processor = processor();
    feed(&mut processor, &deploy("d1", START, "v1", None));
    feed_all(&mut processor, &runs("v1", START, 500, 0.1, &mut numbers));
    let now = START + 1_000 * SECOND;
    feed(&mut processor, &deploy("d2", now, "v2", Some(0.5)));
    // Some runs of the control are late; then there are none.
    let mixed = mixed_runs(now, 60, 0.5, ("v2", 0.6), ("v1", 0.1), &mut numbers);
    feed_all(&mut processor, &mixed);
    let mut resumed = Kept::of(&mut processor).resume();
    let alone = runs("v2", now + 60 * SECOND, 400, 0.6, &mut numbers);
    let outputs = feed_all(&mut processor, &alone);
    assert_eq!(feed_all(&mut resumed, &alone), outputs);
    let ended = find(&outputs, kind::DRIFT_CANARY_ENDED);
    assert_eq!(text(ended, column::drift::OUTCOME), Some("promoted"));
    assert!(text(ended, column::drift::REASON).unwrap().contains("control has no more traffic"));
    let after = outputs.iter().skip_while(|output| kind(output) != kind::DRIFT_CANARY_ENDED);
    let after: Vec<Output> = after.cloned().collect();
    let firing = find(&after, kind::DRIFT_ALERT_FIRING);
    assert_eq!(text(firing, column::AGENT_VERSION), Some("v2"));
    assert_eq!(text(firing, column::drift::BASELINE_VERSION), Some("v1"));
    assert_ne!(text(firing, column::drift::DETECTOR), Some("canary"));
}

#[test]
fn a_small_control_is_a_control() {
    let (mut processor, _, now) = started(Settings::default(), 0.95);
    let mut numbers = Numbers(22);
    let mixed = mixed_runs(now, 5_000, 0.95, ("v2", 0.1), ("v1", 0.1), &mut numbers);
    let outputs = feed_all(&mut processor, &mixed);
    assert!(!kinds(&outputs).contains(&kind::DRIFT_CANARY_ENDED));
}

#[test]
fn a_canary_whose_state_is_let_go_ends() {
    let settings = Settings { keys_max: 2, ..Settings::default() };
    let (mut processor, _, now) = started(settings, 0.5);
    let mut outputs = Vec::new();
    for n in 0..3 {
        let mut input = run(&n.to_string(), "v1", now, false);
        let other = format!("b{n}");
        input.event.set(column::AGENT_ID, other.into());
        outputs.extend(feed(&mut processor, &input));
    }
    let ended = find(&outputs, kind::DRIFT_CANARY_ENDED);
    assert_eq!(text(ended, column::drift::OUTCOME), Some("forgotten"));
    assert_eq!(text(ended, column::drift::METRIC), None);
}

/// Runs of two versions in turn, whose durations spread over a factor of twenty; those of the
/// canary take so many times as long.
fn timed_runs(from: i64, count: i64, times: f64, numbers: &mut Numbers) -> Vec<Input> {
    let column = column::run::DURATION_MS;
    (0..count)
        .map(|i| {
            let (version, times) = if numbers.chance(0.5) { ("v2", times) } else { ("v1", 1.0) };
            let mut input = run(&format!("{version}-{i}"), version, from + i * SECOND, false);
            let uniform = (numbers.next() >> 11) as f64 / (1_u64 << 53) as f64;
            input.event.set(column, (300.0 * (3.0 * uniform).exp() * times).into());
            input
        })
        .collect()
}

#[test]
fn a_slower_canary_is_found_and_one_that_is_as_fast_or_faster_seldom_called_slow() {
    let settings = Settings { canary_alpha: 0.05, effect_relative_min: 0.0, ..Settings::default() };
    for (times, settings, sims, found) in [
        // At 5 % there are 6 on average, and more than 15 once in a thousand times.
        (1.0, settings, 120_u64, 0..=15),
        (0.5, Settings::default(), 20, 0..=0),
        (2.0, Settings::default(), 20, 20..=20),
        // Slower, but by less than matters to who says so.
        (2.0, Settings { effect_relative_min: 3.0, ..Settings::default() }, 5, 0..=0),
    ] {
        let (mut slow, mut after) = (0, Vec::new());
        for seed in 0..sims {
            let mut numbers = Numbers(seed * 15_485_863 + 5);
            let (mut processor, _, now) = started(settings.clone(), 0.5);
            for input in timed_runs(now, 600, times, &mut numbers) {
                let outputs = feed(&mut processor, &input);
                if has_alert(&outputs) {
                    slow += 1;
                    let firing = find(&outputs, kind::DRIFT_ALERT_FIRING);
                    assert_eq!(text(firing, column::drift::METRIC), Some("run.duration_ms"));
                    assert_eq!(text(firing, column::drift::EFFECT_UNIT), Some("cliffs_delta"));
                    assert_eq!(text(firing, column::drift::SEVERITY), Some("page"));
                    after.push(number(firing, column::drift::OBSERVATIONS).unwrap());
                    break;
                }
            }
        }
        let mean = after.iter().sum::<f64>() / after.len().max(1) as f64;
        println!("durations times {times}: {slow} of {sims} found, after {mean:.0} runs");
        assert!(found.contains(&slow), "times {times}: {slow} of {sims}");
        assert!(mean < 120.0, "{mean}");
    }
}

#[test]
fn what_is_set_for_a_metric_alone_holds_for_a_canary_too() {
    let none = MetricSettings::default;
    for (own, severity) in [
        (MetricSettings { pages: Some(false), ..none() }, Some("ticket")),
        (MetricSettings { watched: Some(false), ..none() }, None),
        (MetricSettings { effect_min: Some(0.9), ..none() }, None),
    ] {
        let metrics = [("run.error_rate".to_owned(), own.clone())].into();
        let settings = Settings { metrics, ..Settings::default() };
        let (mut processor, _, now) = started(settings, 0.3);
        let mut numbers = Numbers(5);
        let inputs = mixed_runs(now, 800, 0.3, ("v2", 0.5), ("v1", 0.1), &mut numbers);
        let outputs = feed_all(&mut processor, &inputs);
        let firing = outputs.iter().find(|output| kind(output) == kind::DRIFT_ALERT_FIRING);
        assert_eq!(
            firing.and_then(|firing| text(firing, column::drift::SEVERITY)),
            severity,
            "{own:?}"
        );
    }
}
