//! Alerts under a suppression: computed and recorded as always, marked, and told when it ends.

use crate::alerts::after_baseline;
use crate::replay::{is_same, replay, rows};
use crate::world::*;
use event::{EventBuilder, Timestamp, column, kind};
use monitor::{Output, Processor, Settings};

const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A request by Ana about agent `a`.
fn asked(kind: &str, id: &str, time: i64, fill: impl Fn(EventBuilder) -> EventBuilder) -> Input {
    let event =
        fill(builder(kind, id, time).set(column::actor::ID, "ana").set(column::AGENT_ID, "a"));
    Input { broker: time, event: event.build().unwrap() }
}

fn suppress(id: &str, time: i64, until: i64) -> Input {
    asked(kind::DRIFT_SUPPRESSION_STARTED, id, time, |builder| {
        builder.set(column::drift::UNTIL, Timestamp::from_micros(until))
    })
}

fn end(id: &str, suppression: &str, time: i64) -> Input {
    asked(kind::DRIFT_SUPPRESSION_ENDED, id, time, |builder| {
        builder.set(column::drift::SUPPRESSION_ID, suppression)
    })
}

/// Kind and suppression of each alert event.
fn marks(outputs: &[Output]) -> Vec<(&str, Option<&str>)> {
    let of_alert = |output: &&Output| kind(output).starts_with("drift.alert.");
    outputs
        .iter()
        .filter(of_alert)
        .map(|o| (kind(o), text(o, column::drift::SUPPRESSED_BY)))
        .collect()
}

const PENDING: &str = kind::DRIFT_ALERT_PENDING;
const FIRING: &str = kind::DRIFT_ALERT_FIRING;
const RESOLVED: &str = kind::DRIFT_ALERT_RESOLVED;

/// An alert of `v2` that fires under the suppression `s`, which holds until that time; and now.
fn firing_under(until: impl Fn(i64) -> i64) -> (Processor, Vec<Output>, i64) {
    let mut numbers = Numbers(1);
    let (mut processor, now) = after_baseline(&mut numbers);
    let applied = feed(&mut processor, &suppress("s", now, until(now)));
    assert_eq!(kinds(&applied), [kind::DRIFT_SUPPRESSION_APPLIED]);
    let worse = feed_all(&mut processor, &runs("v2", now, 150, 0.4, &mut numbers));
    (processor, worse, now + 300 * SECOND)
}

#[test]
fn an_alert_that_outlasts_its_suppression_fires_again_at_the_first_record_after_it() {
    let (mut processor, worse, now) = firing_under(|now| now + HOUR);
    assert_eq!(marks(&worse), [(PENDING, Some("s")), (FIRING, Some("s"))]);
    let first = worse.iter().find(|output| kind(output) == FIRING).unwrap();

    let until = now - 300 * SECOND + HOUR;
    assert_eq!(kinds(&feed(&mut processor, &tick(until - 1_000))), [""; 0]);
    let over = feed(&mut processor, &tick(until));
    assert_eq!(kinds(&over), [kind::DRIFT_SUPPRESSION_CLOSED, FIRING]);
    assert_eq!(text(&over[0], column::drift::SUPPRESSION_ID), Some("s"));
    let again = &over[1];
    assert_eq!(text(again, column::drift::SUPPRESSED_BY), None);
    // The same episode and evidence; another event, with its own origin and time.
    for column in [
        column::drift::ALERT_ID.id(),
        column::drift::METRIC.id(),
        column::drift::SEVERITY.id(),
        column::AGENT_VERSION.id(),
        column::drift::E_VALUE.id(),
        column::drift::EFFECT.id(),
        column::drift::SINCE_OFFSET.id(),
        column::drift::OBSERVATIONS.id(),
    ] {
        assert_eq!(again.event.get(column), first.event.get(column), "{}", column.path());
    }
    assert_eq!(
        again.event.get(column::drift::EXAMPLE_RUNS),
        first.event.get(column::drift::EXAMPLE_RUNS)
    );
    assert_ne!(text(again, column::EVENT_ID), text(first, column::EVENT_ID));
    assert!(number(again, column::origin::OFFSET) > number(first, column::origin::OFFSET));

    // Told now, so its end is told too.
    let mut numbers = Numbers(9);
    let better = feed_all(&mut processor, &runs("v2", until, 1_000, 0.1, &mut numbers));
    assert_eq!(marks(&better), [(RESOLVED, None)]);
}

#[test]
fn an_alert_that_ends_under_its_suppression_is_not_told_at_all() {
    let (mut processor, _, now) = firing_under(|now| now + DAY);
    let mut numbers = Numbers(9);
    let better = feed_all(&mut processor, &runs("v2", now, 1_000, 0.1, &mut numbers));
    assert_eq!(marks(&better), [(RESOLVED, Some("s"))]);
    assert_eq!(kinds(&feed(&mut processor, &tick(now + DAY))), [kind::DRIFT_SUPPRESSION_CLOSED]);
}

#[test]
fn who_ends_a_suppression_lets_its_alerts_be_told_at_that_offset() {
    let (mut processor, _, now) = firing_under(|now| now + DAY);
    let mut of_another = end("e1", "s", now);
    of_another.event.set(column::AGENT_ID, "b".into());
    for wrong in [end("e2", "t", now), of_another] {
        let outputs = feed(&mut processor, &wrong);
        assert_eq!(kinds(&outputs), [kind::DRIFT_SUPPRESSION_REFUSED]);
    }
    let ended = feed(&mut processor, &end("e3", "s", now));
    assert_eq!(kinds(&ended), [kind::DRIFT_SUPPRESSION_CLOSED, FIRING]);
    assert_eq!(text(&ended[0], column::drift::REASON), Some("it was ended"));
    assert_eq!(text(&ended[0], column::links::CAUSATION), Some("e3"));
    assert_eq!(marks(&ended), [(FIRING, None)]);
    assert_eq!(processor.counters().mutes_refused, 2);
}

#[test]
fn a_suppression_that_covers_an_alert_takes_it_over_from_one_that_ends() {
    let (mut processor, _, now) = firing_under(|now| now + HOUR);
    feed(&mut processor, &suppress("longer", now, now + 3 * HOUR));
    let first = feed(&mut processor, &tick(now + HOUR));
    assert_eq!(marks(&first), [(FIRING, Some("longer"))]);
    let second = feed(&mut processor, &tick(now + 3 * HOUR));
    assert_eq!(marks(&second), [(FIRING, None)]);
}

#[test]
fn an_alert_that_was_told_before_goes_on_being_told() {
    let mut numbers = Numbers(1);
    let (mut processor, mut now) = after_baseline(&mut numbers);
    let worse = feed_all(&mut processor, &runs("v2", now, 150, 0.4, &mut numbers));
    assert_eq!(marks(&worse), [(PENDING, None), (FIRING, None)]);
    now += 300 * SECOND;
    feed(&mut processor, &suppress("s", now, now + DAY));
    let better = feed_all(&mut processor, &runs("v2", now, 1_000, 0.1, &mut numbers));
    assert_eq!(marks(&better), [(RESOLVED, None)]);
}

#[test]
fn only_what_it_names_is_suppressed() {
    let cases: [(&str, &str, bool); 10] = [
        ("agent_version", "v2", true),
        ("agent_version", "v1", false),
        ("environment", "production", false),
        ("drift.metric", "run.error_rate", true),
        ("drift.metric", "run.duration_ms", false),
        ("drift.suite", "quality", false),
        ("drift.severity", "page", true),
        ("drift.severity", "ticket", false),
        ("agent_id", "b", false),
        ("tenant_id", "t", false),
    ];
    for (path, value, covers) in cases {
        let mut numbers = Numbers(1);
        let (mut processor, now) = after_baseline(&mut numbers);
        let mut rule = suppress("s", now, now + HOUR);
        rule.event.set(event::schema().id(path).unwrap(), value.into());
        feed(&mut processor, &rule);
        let worse = feed_all(&mut processor, &runs("v2", now, 150, 0.4, &mut numbers));
        let firing = marks(&worse).into_iter().find(|(kind, _)| *kind == FIRING).unwrap();
        assert_eq!(firing.1.is_some(), covers, "{path} {value}");
    }
}

#[test]
fn one_that_is_planned_holds_from_when_it_says() {
    let mut numbers = Numbers(1);
    let (mut processor, now) = after_baseline(&mut numbers);
    let planned = asked(kind::DRIFT_SUPPRESSION_STARTED, "s", now, |builder| {
        builder
            .set(column::drift::FROM, Timestamp::from_micros(now + HOUR))
            .set(column::drift::UNTIL, Timestamp::from_micros(now + 2 * HOUR))
    });
    feed(&mut processor, &planned);
    let worse = feed_all(&mut processor, &runs("v2", now, 150, 0.4, &mut numbers));
    assert_eq!(marks(&worse), [(PENDING, None), (FIRING, None)]);
    let next = feed(&mut processor, &run("x", "v3", now + HOUR, false));
    assert_eq!(marks(&next), [(RESOLVED, None)]);
}

#[test]
fn what_is_wrong_is_refused_with_its_reason_and_changes_nothing() {
    type Fill = fn(EventBuilder, i64) -> EventBuilder;
    let until = |builder: EventBuilder, time| {
        builder.set(column::drift::UNTIL, Timestamp::from_micros(time))
    };
    let cases: [(Fill, &str); 6] = [
        (|builder, _| builder, "`drift.until` is missing"),
        (|b, now| b.set(column::drift::UNTIL, Timestamp::from_micros(now)), "has passed"),
        (
            |b, now| b.set(column::drift::UNTIL, Timestamp::from_micros(now + 31 * DAY)),
            "30 days ahead",
        ),
        (
            |b, now| {
                b.set(column::drift::FROM, Timestamp::from_micros(now + 2 * HOUR))
                    .set(column::drift::UNTIL, Timestamp::from_micros(now + HOUR))
            },
            "not after `drift.from`",
        ),
        (
            |b, now| {
                b.set(column::drift::UNTIL, Timestamp::from_micros(now + HOUR))
                    .set(column::actor::ID, "")
            },
            "`actor.id` is missing",
        ),
        (
            |b, now| {
                b.set(column::drift::UNTIL, Timestamp::from_micros(now + HOUR))
                    .set(column::drift::SEVERITY, "loud")
            },
            "neither page nor ticket",
        ),
    ];
    let mut numbers = Numbers(1);
    let (mut processor, now) = after_baseline(&mut numbers);
    for (number, (fill, says)) in (0..).zip(cases) {
        let id = format!("s{number}");
        let wrong = asked(kind::DRIFT_SUPPRESSION_STARTED, &id, now, |builder| fill(builder, now));
        let outputs = feed(&mut processor, &wrong);
        assert_eq!(kinds(&outputs), [kind::DRIFT_SUPPRESSION_REFUSED], "{says}");
        let reason = text(&outputs[0], column::drift::REASON).unwrap();
        assert!(reason.contains(says), "{reason}");
    }
    let nobody = builder(kind::DRIFT_SUPPRESSION_STARTED, "n", now).set(column::actor::ID, "ana");
    let event = until(nobody, now + HOUR).build().unwrap();
    let outputs = feed(&mut processor, &Input { broker: now, event });
    assert!(text(&outputs[0], column::drift::REASON).unwrap().contains("`agent_id` is missing"));
    assert_eq!(processor.counters().mutes_refused, 7);
    let worse = feed_all(&mut processor, &runs("v2", now, 150, 0.4, &mut numbers));
    assert_eq!(marks(&worse), [(PENDING, None), (FIRING, None)]);
}

#[test]
fn suppressions_and_the_alerts_they_hold_are_bounded_and_beyond_that_people_are_told() {
    let settings = Settings { silence_secs: 3_600, ..Settings::default() };
    let mut processor = processor_with(settings);
    let of = |mut input: Input, agent: &str| {
        input.event.set(column::AGENT_ID, agent.to_owned().into());
        input
    };
    // 32 of one agent.
    for number in 0..40 {
        feed(&mut processor, &suppress(&format!("a{number}"), START, START + HOUR));
    }
    assert_eq!(processor.counters().mutes_refused, 8);
    // 300 agents that fall silent, each under a suppression of its own.
    for number in 0..300 {
        let agent = format!("agent-{number}");
        feed(&mut processor, &of(run(&format!("r{number}"), "v1", START, false), &agent));
        let id = format!("s{number}");
        feed(&mut processor, &of(suppress(&id, START, START + DAY), &agent));
    }
    assert_eq!(processor.counters().mutes_refused, 8);
    let silent = feed(&mut processor, &tick(START + 2 * HOUR));
    let told = marks(&silent).iter().filter(|(_, by)| by.is_none()).count();
    assert_eq!((marks(&silent).len(), told), (300, 300 - 256));
    let over = feed(&mut processor, &tick(START + DAY));
    assert_eq!(marks(&over), vec![(FIRING, None); 256]);
}

#[test]
fn a_replay_finds_the_same_and_so_does_a_resumed_processor() {
    let mut numbers = Numbers(1);
    let mut inputs = runs("v1", START, 500, 0.1, &mut numbers);
    let now = START + 1_000 * SECOND;
    inputs.push(suppress("s", now, now + 250 * SECOND));
    inputs.push(suppress("t", now, now + 290 * SECOND));
    inputs.extend(runs("v2", now, 150, 0.4, &mut numbers));
    inputs.push(end("e", "t", now + 280 * SECOND));
    inputs.push(tick(now + HOUR));
    let inputs: Vec<Option<Input>> = inputs.into_iter().map(Some).collect();
    let rows = rows(&inputs);
    let outcome = replay(&inputs, &rows);
    is_same(&outcome, rows.len());

    let (mut undisturbed, mut resumed) = (processor(), processor());
    let mut kept = Kept::default();
    let mut told = Vec::new();
    for input in inputs.iter().flatten() {
        let outputs = feed(&mut undisturbed, input);
        assert_eq!(feed(&mut resumed, input), outputs);
        told.extend(outputs);
        kept.keep(&mut resumed);
        resumed = kept.resume();
    }
    let told: Vec<_> = marks(&told).into_iter().filter(|(kind, _)| *kind == FIRING).collect();
    assert_eq!(told, [(FIRING, Some("t")), (FIRING, None)]);
}
