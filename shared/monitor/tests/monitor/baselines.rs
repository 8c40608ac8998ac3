//! Baselines: what a version leaves to the next one, pins, and what is set for single metrics.

use crate::world::*;
use event::typed::Text;
use event::{TypedColumn, column, kind};
use monitor::{Output, Processor, Settings};

/// A partition whose clock goes on from one step to the next.
struct World {
    processor: Processor,
    numbers: Numbers,
    now: i64,
}

impl World {
    fn new(settings: &str, seed: u64) -> Self {
        let settings = Settings::from_json(settings).unwrap();
        let processor = processor_with(settings);
        Self { processor, numbers: Numbers(seed), now: START }
    }

    fn runs(&mut self, version: &str, count: i64, share: f64) -> Vec<Output> {
        let inputs = runs(version, self.now, count, share, &mut self.numbers);
        self.now += count * 2 * SECOND;
        feed_all(&mut self.processor, &inputs)
    }

    /// A `drift.baseline.*` event with those fields.
    fn act(&mut self, kind: &str, fields: &[(TypedColumn<Text>, &str)]) -> Vec<Output> {
        self.now += SECOND;
        let id = format!("{kind}-{}", self.now);
        let mut builder = builder(kind, &id, self.now).set(column::AGENT_ID, "a");
        for (column, value) in fields {
            builder = builder.set(*column, *value);
        }
        let event = builder.build().unwrap();
        feed(&mut self.processor, &Input { broker: self.now, event })
    }

    fn configure(&mut self, settings: &str) {
        self.now += SECOND;
        assert_eq!(feed(&mut self.processor, &configured(settings, self.now)), []);
    }
}

/// The baseline that was set last: kind, version and observations.
fn baseline(outputs: &[Output]) -> (Option<&str>, Option<&str>, Option<f64>) {
    let set = outputs.iter().rfind(|output| kind(output) == kind::DRIFT_BASELINE_SET).unwrap();
    let count = number(set, column::drift::BASELINE_COUNT);
    (text(set, column::drift::BASELINE_KIND), text(set, column::drift::BASELINE_VERSION), count)
}

fn fires(outputs: &[Output]) -> bool {
    kinds(outputs).contains(&kind::DRIFT_ALERT_FIRING)
}

fn reasons(outputs: &[Output]) -> Vec<&str> {
    alerts(outputs).into_iter().filter_map(|output| text(output, column::drift::REASON)).collect()
}

#[test]
fn a_bad_release_never_becomes_the_norm_by_being_replaced() {
    let mut world = World::new("{}", 1);
    world.runs("v1", 500, 0.1);
    assert!(fires(&world.runs("v2", 200, 0.5)));
    let third = world.runs("v3", 200, 0.5);
    assert_eq!(baseline(&third), (Some("previous"), Some("v1"), Some(500.0)));
    assert!(fires(&third), "as bad as the one before it, and still bad");
    let fourth = world.runs("v4", 300, 0.1);
    assert_eq!(baseline(&fourth), (Some("previous"), Some("v1"), Some(500.0)));
    assert!(!fires(&fourth));
    assert_eq!(baseline(&world.runs("v5", 1, 0.1)).1, Some("v4"));
}

#[test]
fn what_an_incident_has_shown_is_not_in_the_next_baseline() {
    let mut world = World::new("{}", 2);
    world.runs("v1", 2_000, 0.1);
    assert_eq!(kinds(&world.runs("v2", 1_000, 0.1)), [kind::DRIFT_BASELINE_SET]);
    assert!(fires(&world.runs("v2", 300, 0.6)));
    let better = world.runs("v2", 3_000, 0.1);
    assert_eq!(reasons(&better), ["the effect is gone"]);
    let next = world.runs("v3", 1, 0.1);
    let (_, version, count) = baseline(&next);
    assert_eq!(version, Some("v2"));
    let count = count.unwrap();
    assert!(count > 1_500.0 && count < 4_000.0, "{count}");
    let value =
        number(find(&next, kind::DRIFT_BASELINE_SET), column::drift::BASELINE_VALUE).unwrap();
    assert!((value - 0.1).abs() < 0.025, "{value}");
}

#[test]
fn a_version_that_was_replaced_at_once_is_skipped() {
    let mut world = World::new("{}", 3);
    world.runs("v1", 500, 0.1);
    world.runs("v2", 10, 0.1);
    let third = world.runs("v3", 1, 0.1);
    assert_eq!(baseline(&third), (Some("previous"), Some("v1"), Some(500.0)));
}

#[test]
fn a_pin_holds_from_its_offset_on_until_it_is_taken_back() {
    let mut world = World::new("{}", 4);
    world.runs("v1", 500, 0.1);
    world.runs("v2", 300, 0.1);
    let offset = world.processor.next_offset();
    let pinned = world.act(kind::DRIFT_BASELINE_PINNED, &[(column::AGENT_VERSION, "v1")]);
    assert_eq!(kinds(&pinned), [kind::DRIFT_BASELINE_SET, kind::DRIFT_BASELINE_SET]);
    for (set, version) in pinned.iter().zip(["v1", "v2"]) {
        assert_eq!(text(set, column::AGENT_VERSION), Some(version));
        assert_eq!(number(set, column::origin::OFFSET), Some(offset as f64));
        let (kind, of) =
            (text(set, column::drift::BASELINE_KIND), text(set, column::drift::BASELINE_VERSION));
        assert_eq!((kind, of), (Some("pinned"), Some("v1")));
    }
    // The old version still runs; the pin takes none of it.
    world.runs("v1", 100, 0.1);
    let third = world.runs("v3", 200, 0.4);
    assert_eq!(baseline(&third), (Some("pinned"), Some("v1"), Some(500.0)));
    let firing = find(&third, kind::DRIFT_ALERT_FIRING);
    assert_eq!(text(firing, column::drift::BASELINE_KIND), Some("pinned"));
    let fourth = world.runs("v4", 1, 0.1);
    assert_eq!(baseline(&fourth), (Some("pinned"), Some("v1"), Some(500.0)));

    let unpinned =
        world.act(kind::DRIFT_BASELINE_UNPINNED, &[(column::drift::METRIC, "run.error_rate")]);
    assert_eq!(baseline(&unpinned).0, Some("previous"));
    assert_eq!(baseline(&world.runs("v5", 1, 0.1)).1, Some("v2"), "v3 was alarmed, v4 too short");
}

#[test]
fn a_slow_creep_is_seen_from_a_snapshot_only() {
    let creep = |settings: &str| {
        let mut world = World::new(settings, 5);
        let mut outputs = Vec::new();
        for step in 0..10 {
            let share = 0.1 + 0.015 * f64::from(step);
            outputs.extend(world.runs(&format!("v{step}"), 400, share));
        }
        let last = baseline(&outputs);
        (fires(&outputs), last.0.unwrap().to_owned(), last.1.unwrap().to_owned())
    };
    assert_eq!(creep("{}"), (false, "previous".to_owned(), "v8".to_owned()));
    let pinned = r#"{"metrics":{"run.error_rate":{"baseline":"pinned"}}}"#;
    assert_eq!(creep(pinned), (true, "pinned".to_owned(), "v0".to_owned()));
}

#[test]
fn what_cannot_be_pinned_is_refused_and_said() {
    let mut world = World::new("{}", 6);
    let pin = kind::DRIFT_BASELINE_PINNED;
    // The agent may be one of another partition, whose owner answers.
    assert_eq!(world.act(pin, &[(column::AGENT_VERSION, "v1")]), []);
    assert_eq!(world.processor.counters().pins_elsewhere, 1);
    world.runs("v1", 100, 0.1);
    for (kind, fields, says) in [
        (
            pin,
            [(column::AGENT_VERSION, "v9"), (column::drift::METRIC, "")],
            "the version is unknown",
        ),
        (
            pin,
            [(column::AGENT_VERSION, "v1"), (column::drift::METRIC, "x")],
            "no watched metric has that name",
        ),
        (
            pin,
            [(column::AGENT_VERSION, "v1"), (column::drift::METRIC, "run.cost_usd")],
            "the version has no observations outside of alerts",
        ),
        (
            pin,
            [(column::AGENT_VERSION, "v1"), (column::drift::ALERT_ID, "x")],
            "no alert with that identifier",
        ),
        (
            kind::DRIFT_BASELINE_UNPINNED,
            [(column::AGENT_VERSION, ""), (column::drift::METRIC, "")],
            "nothing is",
        ),
    ] {
        let outputs = world.act(kind, &fields);
        assert_eq!(kinds(&outputs), [kind::DRIFT_BASELINE_REFUSED]);
        assert!(reasons(&outputs)[0].starts_with(says), "{:?}", reasons(&outputs));
    }
    assert_eq!(world.processor.counters().pins_refused, 5);
    assert_eq!(kinds(&world.act(pin, &[])), [kind::DRIFT_BASELINE_SET], "the current version");
}

#[test]
fn a_pin_that_names_an_alert_makes_the_new_level_the_norm() {
    let mut world = World::new("{}", 7);
    world.runs("v1", 500, 0.1);
    let worse = world.runs("v2", 60, 0.4);
    let alert =
        text(find(&worse, kind::DRIFT_ALERT_FIRING), column::drift::ALERT_ID).unwrap().to_owned();
    let fields = [(column::AGENT_VERSION, "v2"), (column::drift::ALERT_ID, alert.as_str())];
    let early = world.act(kind::DRIFT_BASELINE_PINNED, &fields);
    assert!(reasons(&early)[0].starts_with("too few observations since"), "{early:?}");
    assert_eq!(kinds(&world.runs("v2", 300, 0.4)), [""; 0]);
    let accepted = world.act(kind::DRIFT_BASELINE_PINNED, &fields);
    // First the stream of v1, then that of v2.
    let expected = [kind::DRIFT_BASELINE_SET, kind::DRIFT_ALERT_RESOLVED, kind::DRIFT_BASELINE_SET];
    assert_eq!(kinds(&accepted), expected);
    assert_eq!(baseline(&accepted).1, Some("v2"));
    assert!(baseline(&accepted).2.unwrap() >= 300.0);
    assert_eq!(kinds(&world.runs("v2", 300, 0.4)), [""; 0]);
    assert_eq!(kinds(&world.runs("v3", 300, 0.4)), [kind::DRIFT_BASELINE_SET]);
    assert!(fires(&world.runs("v4", 300, 0.7)));
}

#[test]
fn an_event_without_an_environment_pins_in_all_of_them() {
    let mut world = World::new("{}", 8);
    let mut inputs = runs("v1", START, 200, 0.1, &mut world.numbers);
    for (index, input) in inputs.iter_mut().enumerate() {
        let environment = if index % 2 == 0 { "production" } else { "staging" };
        input.event.set(column::ENVIRONMENT, environment.into());
    }
    feed_all(&mut world.processor, &inputs);
    let pinned = world.act(kind::DRIFT_BASELINE_PINNED, &[]);
    let mut environments: Vec<_> =
        pinned.iter().map(|output| text(output, column::ENVIRONMENT)).collect();
    environments.sort_unstable();
    assert_eq!(environments, [Some("production"), Some("staging")]);
    let one = world.act(kind::DRIFT_BASELINE_UNPINNED, &[(column::ENVIRONMENT, "staging")]);
    assert_eq!(one.len(), 1);
    assert_eq!(text(&one[0], column::ENVIRONMENT), Some("staging"));
}

#[test]
fn a_metric_can_be_unwatched_made_a_ticket_or_given_other_limits() {
    let worse = |own: &str| {
        let mut world = World::new(&format!(r#"{{"metrics":{{"run.error_rate":{own}}}}}"#), 9);
        world.runs("v1", 500, 0.1);
        world.runs("v2", 300, 0.4)
    };
    let alert = |outputs: &[Output]| {
        let firing = outputs.iter().find(|output| kind(output) == kind::DRIFT_ALERT_FIRING);
        firing.map(|firing| text(firing, column::drift::SEVERITY).unwrap().to_owned())
    };
    assert_eq!(alert(&worse("{}")).as_deref(), Some("page"));
    assert_eq!(alert(&worse(r#"{"pages":false}"#)).as_deref(), Some("ticket"));
    assert_eq!(alert(&worse(r#"{"effect_min":0.9}"#)), None);
    assert_eq!(alert(&worse(r#"{"average_run_length":1e300}"#)), None);
    let unwatched = worse(r#"{"watched":false}"#);
    let reason = reasons(&unwatched).pop();
    assert_eq!(reason, Some("no detector: the settings do not watch this metric"));
    assert_eq!(baseline(&unwatched).0, None);
    let threshold = |outputs: &[Output]| {
        number(find(outputs, kind::DRIFT_BASELINE_SET), column::drift::THRESHOLD)
    };
    assert_eq!(threshold(&worse(r#"{"average_run_length":500}"#)), Some(500.0));
}

#[test]
fn settings_that_change_hold_from_the_next_observation_on() {
    let mut world = World::new("{}", 10);
    world.runs("v1", 500, 0.1);
    assert!(fires(&world.runs("v2", 200, 0.5)));
    world.configure(r#"{"metrics":{"run.error_rate":{"watched":false}}}"#);
    let outputs = world.runs("v2", 1, 0.5);
    assert_eq!(kinds(&outputs), [kind::DRIFT_ALERT_RESOLVED, kind::DRIFT_BASELINE_SET]);
    assert_eq!(reasons(&outputs)[0], "the baseline has changed");
    assert_eq!(kinds(&world.runs("v2", 100, 0.5)), [""; 0]);
    world.configure("{}");
    let outputs = world.runs("v2", 200, 0.5);
    assert_eq!(baseline(&outputs), (Some("previous"), Some("v1"), Some(500.0)));
    assert!(fires(&outputs));
}
