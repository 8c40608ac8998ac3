//! The baseline `rolling`: traffic with a daily rhythm; and that a snapshot anywhere changes
//! nothing, whatever the baselines.

use crate::world::*;
use event::{column, encode, kind};
use monitor::{Output, Settings};
use proptest::prelude::*;

const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn is_day(time: i64) -> bool {
    (8..20).contains(&(time.div_euclid(HOUR) % 24))
}

/// Runs of a version, 30 an hour: by day they fail ten times as often and take twice as long.
fn traffic(
    version: &str,
    (from, until): (i64, i64),
    worse: f64,
    numbers: &mut Numbers,
) -> Vec<Input> {
    let times = (from..until).step_by(usize::try_from(2 * MINUTE).unwrap());
    times
        .map(|time| {
            let (share, scale) = if is_day(time) { (0.2, 2.0) } else { (0.02, 1.0) };
            let id = format!("{version}-{time}");
            let mut input = run(&id, version, time, numbers.chance(share + worse));
            let uniform = (numbers.next() >> 11) as f64 / (1_u64 << 53) as f64;
            let milliseconds = 300.0 * (3.0 * uniform).exp() * scale * (1.0 + 5.0 * worse);
            let column = column::run::DURATION_MS;
            input.event.set(column, milliseconds.into());
            input
        })
        .collect()
}

fn fired(outputs: &[Output]) -> Vec<(&str, &str)> {
    let firing = outputs.iter().filter(|output| kind(output) == kind::DRIFT_ALERT_FIRING);
    firing
        .map(|o| (text(o, column::AGENT_VERSION).unwrap(), text(o, column::drift::METRIC).unwrap()))
        .collect()
}

#[test]
fn a_daily_rhythm_alarms_against_the_version_before_and_not_against_the_weeks_before() {
    let play = |settings: &str| {
        let mut processor = processor_with(Settings::from_json(settings).unwrap());
        let mut numbers = Numbers(100);
        let weeks = [START, START + 14 * DAY, START + 28 * DAY, START + 30 * DAY];
        let mut outputs = Vec::new();
        for (version, worse, from, until) in [
            ("v1", 0.0, weeks[0], weeks[1]),
            ("v2", 0.0, weeks[1], weeks[2]),
            ("v3", 0.15, weeks[2], weeks[3]),
        ] {
            let inputs = traffic(version, (from, until), worse, &mut numbers);
            outputs.extend(feed_all(&mut processor, &inputs));
        }
        outputs
    };
    let previous = play(r#"{"silence_secs":0}"#);
    let versions: Vec<_> = fired(&previous).into_iter().map(|(version, _)| version).collect();
    assert!(versions.contains(&"v2"), "the rhythm itself: {versions:?}");

    let rolling = play(r#"{"silence_secs":0,"baseline":"rolling"}"#);
    let found = fired(&rolling);
    assert_eq!(found.len(), 2, "{found:?}");
    for metric in ["run.error_rate", "run.duration_ms"] {
        assert!(found.contains(&("v3", metric)), "{found:?}");
    }
    let sets: Vec<_> = rolling
        .iter()
        .filter(|output| kind(output) == kind::DRIFT_BASELINE_SET)
        .filter(|output| text(output, column::drift::METRIC) == Some("run.error_rate"))
        .map(|set| {
            (text(set, column::AGENT_VERSION).unwrap(), text(set, column::drift::REASON).is_some())
        })
        .collect();
    let expected = [("v1", true), ("v1", false), ("v2", false), ("v3", false)];
    assert_eq!(sets, expected, "nothing is known in the first week");
    let firing = |metric: &str| {
        let is = |output: &&Output| {
            kind(output) == kind::DRIFT_ALERT_FIRING
                && text(output, column::drift::METRIC) == Some(metric)
        };
        rolling.iter().find(is).unwrap()
    };
    let rate = firing("run.error_rate");
    assert_eq!(text(rate, column::drift::BASELINE_KIND), Some("rolling"));
    assert_eq!(text(rate, column::drift::DETECTOR), Some("esr-bounded by hour of week"));
    let (effect, expected) = (
        number(rate, column::drift::EFFECT).unwrap(),
        number(rate, column::drift::BASELINE_VALUE).unwrap(),
    );
    // At night 2 % are expected; the version came at midnight.
    assert!((effect - 0.15).abs() < 0.15 && expected < 0.05, "{effect} {expected}");
    let effect = number(firing("run.duration_ms"), column::drift::EFFECT).unwrap();
    assert!((effect - 0.75).abs() < 0.4, "{effect}");
}

#[test]
fn what_an_alert_is_about_is_not_kept_for_the_weeks_to_come() {
    let settings = r#"{"silence_secs":0,"metrics":{"run.error_rate":{"baseline":"rolling"}}}"#;
    let mut processor = processor_with(Settings::from_json(settings).unwrap());
    let mut numbers = Numbers(2);
    let mut play = |version: &str, days: (i64, i64), worse: f64| {
        let span = (START + days.0 * DAY, START + days.1 * DAY);
        feed_all(&mut processor, &traffic(version, span, worse, &mut numbers))
    };
    assert_eq!(fired(&play("v1", (0, 14), 0.0)), []);
    // The second version is worse for two weeks. The third is as bad, and is still found.
    let of_rate = |outputs: &[Output]| {
        let found = fired(outputs);
        found.into_iter().filter(|(_, metric)| *metric == "run.error_rate").count()
    };
    assert_eq!(of_rate(&play("v2", (14, 28), 0.2)), 1);
    assert_eq!(of_rate(&play("v3", (28, 30), 0.2)), 1);
    assert_eq!(of_rate(&play("v4", (30, 32), 0.0)), 0);
}

/// Something that can happen: what, which version, hours later, bits that choose the rest.
#[derive(Debug, Clone)]
struct Step {
    what: u8,
    version: u8,
    hours: i64,
    bits: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u8..20, 0_u8..3, 0_i64..9, any::<u8>())
        .prop_map(|(what, version, hours, bits)| Step { what, version, hours, bits });
    prop::collection::vec(step, 1..160)
}

fn input(number: usize, step: &Step, time: i64) -> Input {
    let (id, version) = (format!("e{number}"), format!("v{}", step.version));
    let about = |kind: &str| {
        let metrics = ["run.error_rate", "run.duration_ms", "nothing"];
        let metric = metrics.get(usize::from(step.bits % 5)).copied();
        let event = builder(kind, &id, time)
            .set(column::AGENT_ID, "a")
            .set_some(column::AGENT_VERSION, (step.bits >= 128).then_some(version.as_str()))
            .set_some(column::drift::METRIC, metric)
            .build()
            .unwrap();
        Input { broker: time, event }
    };
    match step.what {
        0 => about(kind::DRIFT_BASELINE_PINNED),
        1 => about(kind::DRIFT_BASELINE_UNPINNED),
        2 => {
            let kinds = ["previous", "pinned", "rolling"];
            let kind = kinds.get(usize::from(step.bits % 3)).unwrap();
            let watched = !step.bits.is_multiple_of(4);
            let text = format!(
                r#"{{"average_run_length":20.0,"baseline_observations_min":3,"observations_min":3,
                "baseline":"{kind}","metrics":{{"run.error_rate":{{"watched":{watched}}},
                "run.duration_ms":{{"baseline":"rolling"}}}}}}"#
            );
            configured(&text, time)
        }
        3..=5 => eval(&id, &version, "s", time, step.bits.is_multiple_of(3)),
        _ => {
            let mut input = run(&id, &version, time, step.bits.is_multiple_of(3));
            let column = column::run::DURATION_MS;
            input.event.set(column, (f64::from(step.bits) * 1.7).into());
            input
        }
    }
}

fn encoded(outputs: &[Output]) -> Vec<Vec<u8>> {
    let bytes = |output: &Output| {
        let mut bytes = Vec::new();
        encode::encode(&output.event, &mut bytes);
        bytes
    };
    outputs.iter().map(bytes).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_snapshot_after_any_record_changes_nothing_whatever_the_baselines(steps in steps()) {
        let settings = Settings {
            average_run_length: 20.0,
            baseline_observations_min: 3,
            observations_min: 3,
            baseline: monitor::BaselineKind::Rolling,
            ..Settings::default()
        };
        let mut undisturbed = processor_with(settings.clone());
        let (mut resumed, mut kept) = (processor_with(settings), Kept::default());
        let mut time = START;
        for (number, step) in steps.iter().enumerate() {
            time += step.hours * HOUR;
            let input = input(number, step, time);
            let expected = encoded(&feed(&mut undisturbed, &input));
            prop_assert_eq!(encoded(&feed(&mut resumed, &input)), expected);
            kept.keep(&mut resumed);
            resumed = kept.resume();
        }
        prop_assert_eq!(undisturbed.counters(), resumed.counters());
    }
}
