//! Maintenance windows: measured, and otherwise as if nothing had been observed.

use crate::replay::{is_same, replay, rows};
use crate::world::*;
use event::{EventBuilder, Timestamp, column, kind};
use monitor::{Output, Settings, Span};
use proptest::prelude::*;

const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn asked(kind: &str, id: &str, time: i64, fill: impl Fn(EventBuilder) -> EventBuilder) -> Input {
    let event = fill(builder(kind, id, time).set(column::actor::ID, "ana"));
    Input { broker: time, event: event.build().unwrap() }
}

/// A window of agent `a`, asked for at `time`.
fn window(id: &str, time: i64, from: i64, until: i64) -> Input {
    asked(kind::MAINTENANCE_STARTED, id, time, |builder| {
        builder
            .set(column::AGENT_ID, "a")
            .set(column::maintenance::FROM, Timestamp::from_micros(from))
            .set(column::maintenance::UNTIL, Timestamp::from_micros(until))
    })
}

fn set(mut input: Input, path: &str, value: impl Into<event::Cell<'static>>) -> Input {
    input.event.set(event::schema().id(path).unwrap(), value.into());
    input
}

/// What is said about baselines and alerts: everything but identifiers, which depend on how many
/// outputs there were before.
fn said(outputs: &[Output]) -> Vec<String> {
    let show = |output: &&Output| {
        let cells = output.event.cells().iter().filter(|(id, _)| {
            let path = event::schema().column(*id).path.as_str();
            !["event_id", "drift.alert_id", "origin.ordinal"].contains(&path)
        });
        format!("{:?}", cells.collect::<Vec<_>>())
    };
    let about_drift = |output: &&Output| !kind(output).starts_with("maintenance.");
    alerts(outputs).iter().copied().filter(about_drift).map(|output| show(&output)).collect()
}

/// Five hours of `v1` of which one is bad, then of `v2`, bad for an hour and then for good; with
/// two maintenance windows around the bad hours that pass. `status` says whether the runs of the
/// bad hours tell how they ended.
fn story(windows: bool, status: bool) -> Vec<Input> {
    let mut numbers = Numbers(11);
    let bad = [(START + HOUR, START + 2 * HOUR), (START + 6 * HOUR, START + 7 * HOUR)];
    let mut inputs = Vec::new();
    for (number, (from, until)) in bad.into_iter().enumerate() {
        let id = format!("w{number}");
        let asked = window(&id, START, from, until);
        inputs.push(if windows { asked } else { tick(START) });
    }
    for (version, hour, hours, share) in [("v1", 0, 5, 0.1), ("v2", 5, 3, 0.1), ("v2", 8, 3, 0.4)] {
        for input in runs(version, START + hour * HOUR, hours * 1_800, share, &mut numbers) {
            let time = input.broker;
            if !bad.iter().any(|(from, until)| (*from..*until).contains(&time)) {
                inputs.push(input);
                continue;
            }
            let id = format!("bad-{time}");
            let mut input = run(&id, version, time, true);
            if !status {
                let without = builder(kind::RUN_COMPLETED, &id, time)
                    .set(column::AGENT_ID, "a")
                    .set(column::AGENT_VERSION, version)
                    .set(column::RUN_ID, format!("run-{id}"));
                input.event = without.build().unwrap();
            }
            inputs.push(input);
        }
    }
    inputs
}

#[test]
fn a_bad_hour_is_as_if_it_had_not_been_observed() {
    let play = |inputs: &[Input]| {
        let mut processor = processor();
        feed_all(&mut processor, inputs)
    };
    let hidden = play(&story(true, true));
    assert_eq!(said(&hidden), said(&play(&story(false, false))));
    let firing: Vec<_> = hidden.iter().filter(|o| kind(o) == kind::DRIFT_ALERT_FIRING).collect();
    assert_eq!(firing.len(), 1, "the hour that is really worse is found");
    assert_ne!(said(&hidden), said(&play(&story(false, true))), "without a window it counts");

    // It is measured all the same, and says so.
    let flagged: Vec<_> = windows_of(Span::Hour, &hidden, "run.error_rate")
        .into_iter()
        .map(|output| {
            (
                number(output, column::metric::VALUE).unwrap() >= 1.0,
                output.event.get(column::metric::MAINTENANCE),
            )
        })
        .collect();
    let bad = |hour: usize| (true, flagged[hour].1);
    assert!(flagged.len() >= 8 && flagged[1] == bad(1) && flagged[6] == bad(6), "{flagged:?}");
    let marked: Vec<usize> = (0..flagged.len()).filter(|hour| flagged[*hour].1.is_some()).collect();
    assert_eq!(marked, [1, 6]);
}

/// Observations of `v1` that the baseline of `v2` has after these inputs.
fn baseline_of(inputs: &[Input], at: i64) -> Option<f64> {
    let mut processor = processor();
    feed_all(&mut processor, inputs);
    let next = feed(&mut processor, &run("next", "v2", at, false));
    let set = next.iter().find(|output| kind(output) == kind::DRIFT_BASELINE_SET).unwrap();
    number(set, column::drift::BASELINE_COUNT)
}

#[test]
fn event_time_decides_however_late_or_early_an_event_arrives() {
    let (from, until) = (START + HOUR, START + 2 * HOUR);
    let asked = window("w", START, from, until);
    let at = |id: &str, time: i64, broker: i64| Input { broker, ..run(id, "v1", time, false) };
    let inputs = [
        asked,
        at("before", from - 1, from + MINUTE),
        at("first", from, from),
        at("last", until - 1, until - 1),
        at("after", until, until),
        at("late", until - MINUTE, until + 30 * MINUTE),
        at("early", until + MINUTE, until - MINUTE),
        at("on the next day", from + DAY, from + DAY),
        at("very late", from + 1, from + DAY + 1),
    ];
    assert_eq!(baseline_of(&inputs, START + DAY + 2 * HOUR), Some(4.0));
}

#[test]
fn it_is_of_one_agent_or_of_all() {
    let at = START + 10 * MINUTE;
    let hides = |asked: Input, agent: [Option<&str>; 2]| {
        let mut seen = run("seen", "v1", at, false);
        let mut next = run("next", "v2", at + HOUR, false);
        for (path, value) in ["tenant_id", "environment"].into_iter().zip(agent) {
            for input in [&mut seen, &mut next] {
                if let Some(value) = value {
                    *input = set(input.clone(), path, value.to_owned());
                }
            }
        }
        let mut processor = processor();
        feed_all(&mut processor, [&asked, &seen]);
        let next = feed(&mut processor, &next);
        let set = next.iter().find(|output| kind(output) == kind::DRIFT_BASELINE_SET);
        set.is_none_or(|set| number(set, column::drift::BASELINE_COUNT) == Some(0.0))
    };
    let of_agent = || window("w", START, START, START + HOUR);
    let of_all = || {
        asked(kind::MAINTENANCE_STARTED, "w", START, |builder| {
            builder.set(column::maintenance::UNTIL, Timestamp::from_micros(START + HOUR))
        })
    };
    let production = [None, Some("production")];
    assert!(hides(of_agent(), [None, None]) && hides(of_agent(), production));
    assert!(!hides(of_agent(), [Some("t"), None]));
    assert!(!hides(set(of_agent(), "agent_id", "b"), [None, None]));
    assert!(hides(set(of_agent(), "environment", "production"), production));
    assert!(!hides(set(of_agent(), "environment", "staging"), production));
    assert!(hides(of_all(), [None, None]) && hides(of_all(), [Some("t"), None]));
    assert!(hides(set(of_all(), "tenant_id", "t"), [Some("t"), None]));
    assert!(!hides(set(of_all(), "tenant_id", "u"), [Some("t"), None]));
    assert!(!hides(set(of_all(), "environment", "staging"), production));
}

#[test]
fn one_that_is_ended_sooner_hides_no_more() {
    let ended = |time: i64, id: &str| {
        asked(kind::MAINTENANCE_ENDED, &format!("ended {id} {time}"), time, |builder| {
            builder.set(column::AGENT_ID, "a").set(column::maintenance::ID, id)
        })
    };
    let asked = set(window("e", START, START, START + HOUR), "maintenance.id", "w");
    let early = run("early", "v1", START + MINUTE, false);
    let later = run("later", "v1", START + 40 * MINUTE, false);
    let end = ended(START + 30 * MINUTE, "w");
    let story = [asked.clone(), early.clone(), end, later.clone()];
    assert_eq!(baseline_of(&story, START + HOUR), Some(1.0));
    // Later than planned it does not end, and one that is not known cannot.
    let (late, other) = (ended(START + 2 * HOUR, "w"), ended(START + MINUTE, "x"));
    assert_eq!(baseline_of(&[asked, early, later, other, late], START + HOUR), Some(0.0));
}

#[test]
fn silence_counts_anew_from_the_end_of_a_window() {
    let settings = Settings { silence_secs: 3_600, ..Settings::default() };
    let play = |windows: &[Input]| {
        let mut processor = processor_with(settings.clone());
        feed(&mut processor, &run("1", "v1", START, false));
        feed_all(&mut processor, windows);
        let ticks = (0..60).map(|n| tick(START + n * 15 * MINUTE));
        let outputs = feed_all(&mut processor, &ticks.collect::<Vec<_>>());
        let firing =
            outputs.iter().find(|output| kind(output) == kind::DRIFT_ALERT_FIRING).unwrap();
        let time = firing.event.time(column::EVENT_TIME).unwrap();
        (time.micros() - START) / MINUTE
    };
    let of = |id: &str, from: i64, until: i64| {
        window(id, START, START + from * MINUTE, START + until * MINUTE)
    };
    assert_eq!(play(&[]), 60);
    assert_eq!(play(&[of("w", 30, 120)]), 180);
    assert_eq!(play(&[of("w", 30, 120), of("x", 170, 200), of("y", 270, 280)]), 260);
    assert_eq!(play(&[of("w", 60, 120)]), 60, "it was silent too long already");
}

#[test]
fn a_good_window_in_maintenance_resolves_nothing() {
    let mut numbers = Numbers(3);
    let mut processor = processor();
    feed_all(&mut processor, &runs("v1", START, 500, 0.1, &mut numbers));
    let now = START + HOUR;
    let worse = feed_all(&mut processor, &runs("v2", now, 200, 0.5, &mut numbers));
    assert!(kinds(&worse).contains(&kind::DRIFT_ALERT_FIRING));
    let now = now + HOUR;
    feed(&mut processor, &window("w", now, now, now + HOUR));
    let good = feed_all(&mut processor, &runs("v2", now, 1_800, 0.0, &mut numbers));
    assert_eq!(kinds(&good), [""; 0]);
    let better = feed_all(&mut processor, &runs("v2", now + HOUR, 900, 0.1, &mut numbers));
    assert_eq!(kinds(&better), [kind::DRIFT_ALERT_RESOLVED]);
}

#[test]
fn what_is_wrong_is_refused_with_its_reason() {
    let from = START + HOUR;
    let cases = [
        (asked(kind::MAINTENANCE_STARTED, "1", START, |builder| builder), "until` is missing"),
        (window("2", START, from, from), "not after its beginning"),
        (window("3", START, from, from + 31 * DAY), "30 days after"),
        (window("4", START, START + 31 * DAY, START + 32 * DAY), "30 days ahead"),
        (set(window("5", START, from, from + 1), "actor.id", ""), "`actor.id` is missing"),
    ];
    let mut processor = processor();
    for (wrong, says) in &cases {
        let outputs = feed(&mut processor, wrong);
        assert_eq!(kinds(&outputs), [kind::MAINTENANCE_REFUSED]);
        let reason = text(&outputs[0], column::maintenance::REASON).unwrap();
        assert!(reason.contains(says), "{reason}");
    }
    for number in 0..40 {
        feed(&mut processor, &window(&format!("w{number}"), START, from, from + 1));
    }
    assert_eq!(processor.counters().mutes_refused, 5 + 8);
    // Those that are over make room: on the next day, and after the longest silence.
    feed(&mut processor, &run("1", "v1", START + 3 * DAY, false));
    let start = START + 3 * DAY;
    let outputs = feed(&mut processor, &window("again", start, start, start + HOUR));
    assert_eq!(kinds(&outputs), [kind::MAINTENANCE_APPLIED]);
}

#[test]
fn a_replay_finds_the_same() {
    let inputs: Vec<Option<Input>> = story(true, true).into_iter().step_by(5).map(Some).collect();
    let rows = rows(&inputs);
    let outcome = replay(&inputs, &rows);
    is_same(&outcome, rows.len());
}

/// Runs, ticks, and requests of every sort, right and wrong.
fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let step = (0_u8..12, 0_i64..3_000, any::<u8>());
    prop::collection::vec(step, 1..120).prop_map(|steps| {
        let input = |(number, (what, second, bits)): (usize, (u8, i64, u8))| {
            let (id, time) = (format!("e{number}"), START + second * SECOND);
            let length = i64::from(bits) * 10 * SECOND;
            let known = format!("e{}", usize::from(bits) % (number + 1));
            let until = Timestamp::from_micros(time + length);
            match what {
                0..=6 => run(&id, if bits < 128 { "v1" } else { "v2" }, time, bits % 3 == 0),
                7 => tick(time),
                8 => window(&id, time, time - length / 2, time + length),
                9 => asked(kind::MAINTENANCE_ENDED, &id, time, |builder| {
                    builder.set(column::AGENT_ID, "a").set(column::maintenance::ID, known.as_str())
                }),
                10 => asked(kind::DRIFT_SUPPRESSION_STARTED, &id, time, |builder| {
                    builder.set(column::AGENT_ID, "a").set(column::drift::UNTIL, until)
                }),
                _ => asked(kind::DRIFT_SUPPRESSION_ENDED, &id, time, |builder| {
                    builder
                        .set(column::AGENT_ID, "a")
                        .set(column::drift::SUPPRESSION_ID, known.as_str())
                }),
            }
        };
        steps.into_iter().enumerate().map(input).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_snapshot_after_any_record_changes_nothing_of_what_is_quiet(inputs in inputs()) {
        let settings = Settings {
            average_run_length: 20.0,
            baseline_observations_min: 5,
            observations_min: 3,
            silence_secs: 120,
            retention_secs: 60,
            ..Settings::default()
        };
        let mut undisturbed = processor_with(settings.clone());
        let (mut resumed, mut kept) = (processor_with(settings), Kept::default());
        let mut open = std::collections::BTreeSet::new();
        for input in &inputs {
            let outputs = feed(&mut undisturbed, input);
            prop_assert_eq!(&feed(&mut resumed, input), &outputs);
            kept.keep(&mut resumed);
            resumed = kept.resume();
            // Whatever happens, an episode that was told is never silenced again.
            for output in &outputs {
                let (Some(id), by) = (text(output, column::drift::ALERT_ID), text(output, column::drift::SUPPRESSED_BY))
                else {
                    continue;
                };
                let is_told = open.contains(id);
                match kind(output) {
                    kind::DRIFT_ALERT_FIRING if by.is_none() => {
                        prop_assert!(!is_told, "{id} is told twice");
                        open.insert(id.to_owned());
                    }
                    kind::DRIFT_ALERT_RESOLVED => {
                        prop_assert!(!is_told || by.is_none(), "the end of {id} is not told");
                    }
                    _ => prop_assert!(!is_told, "{id} was told"),
                }
            }
        }
        prop_assert_eq!(undisturbed.counters(), resumed.counters());
    }
}
