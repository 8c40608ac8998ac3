//! What people do to the monitor, through the whole path on Apache Kafka while the processor is
//! killed: a suite, a pin, a canary, a suppression, a maintenance window and an acknowledgement, by
//! the command line. Each is answered, does what it says, is sealed, and a replay finds the same;
//! and the one metric that somebody altered.
//!
//! What each does in all its cases is asked in `monitor`; here one story of each takes the whole
//! path. Each story has an agent of its own, so that they meet nowhere but in partitions.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::typed::{Int, Text};
use event::{Event, TopicPartition, TypedColumn, column, kind};
use ports::{EventLog, Outgoing, publish_and_wait};
use serde_json::{Value, json};
use tests::process::Role;
use tests::recompute::{Computed, sealed_events};
use tests::rng::Rng;
use tests::send::{run, send};
use tests::settle::settle;
use tests::wait;
use tests::world::{ALERTS, EVENTS, GOVERNANCE, METRICS, World};

const LIMIT: Duration = Duration::from_secs(60);
const MINUTE_MS: i64 = 60_000;
/// Time between two runs of an agent.
const STEP_MS: i64 = 5_000;
const BY: [&str; 4] = ["--by", "ana", "--reason", "a test"];
/// Share of runs that fail, and of those of a version that is worse.
const GOOD: f64 = 0.05;
const BAD: f64 = 0.5;

const SUITE: &str = "
suite: quick
applies_to:
  kind: run.completed
  agents: [judged]
checks:
  - type: latency_max
    duration_ms: 1000
gate:
  pass_rate_min: 0.8
  confidence: 0.95
  trials_min: 30
";

/// The world, its roles, and what was sent of each agent.
struct Stage {
    world: World,
    log: Arc<dyn EventLog>,
    processor: Role,
    sealer: Role,
    gateway: Role,
    kills: u32,
    rng: Rng,
    /// Event time of the next run of each agent.
    times: BTreeMap<&'static str, i64>,
    start_ms: i64,
    sent: usize,
}

impl Stage {
    fn start() -> Option<Self> {
        let world = World::start("acts_kafka")?;
        Some(Self {
            log: world.log(),
            processor: world.role("processor"),
            sealer: world.role("sealer"),
            gateway: world.gateway(),
            world,
            kills: 0,
            rng: Rng::new(20_260_201),
            times: BTreeMap::new(),
            start_ms: service::clock::now_ms() - 60 * MINUTE_MS,
            sent: 0,
        })
    }

    /// Runs of an agent, a step apart; each of a version, and failed with its probability.
    fn runs(
        &mut self,
        agent: &'static str,
        of: impl Iterator<Item = (&'static str, f64)>,
    ) -> Vec<Value> {
        let (times, rng, start) = (&mut self.times, &mut self.rng, self.start_ms);
        let time = times.entry(agent).or_insert(start);
        of.map(|(version, share)| {
            *time += STEP_MS;
            self.sent += 1;
            run(agent, version, &format!("{agent}-{}", self.sent), *time, rng.chance(share))
        })
        .collect()
    }

    /// So many runs of one version.
    fn same(
        &mut self,
        agent: &'static str,
        version: &'static str,
        count: usize,
        share: f64,
    ) -> Vec<Value> {
        self.runs(agent, std::iter::repeat_n((version, share), count))
    }

    fn send(&self, events: &[Value]) {
        send(&*self.log, events);
    }

    /// Sends events; the processor is killed when half of them are there.
    fn send_under_kill(&mut self, events: &[Value]) {
        let (first, second) = events.split_at(events.len() / 2);
        self.send(first);
        self.kill();
        self.send(second);
    }

    fn kill(&mut self) {
        self.processor.kill_and_restart();
        self.kills += 1;
    }

    /// What a command says, as JSON.
    fn command(&self, arguments: &[&str]) -> Value {
        let said = self.world.command(&[&["--output", "json"], arguments].concat());
        serde_json::from_str(&said).unwrap()
    }

    /// What a person does; where the log has it.
    fn act(&self, arguments: &[&str]) -> Value {
        self.command(&[arguments, &BY].concat())
    }

    /// Waits until a list shows something that fits.
    fn shows(&self, list: &[&str], fits: impl Fn(&Value) -> bool) -> Value {
        wait::until(&format!("{list:?}"), LIMIT, || {
            let listed = self.command(list);
            // One list under its name, and numbers.
            let mut lists = listed.as_object().unwrap().values().filter_map(Value::as_array);
            lists.next().unwrap().iter().find(|one| fits(one)).cloned()
        })
    }

    /// Waits until an alert of an agent fires, as the command line shows it.
    fn alert(&self, agent: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.shows(&["alert", "list"], |alert| alert["agent_id"] == agent && fits(alert))
    }
}

fn rfc3339(time_ms: i64) -> String {
    event::Timestamp::from_millis(time_ms).to_rfc3339().unwrap()
}

/// A version is pinned: three versions later a worse one is compared with it.
fn pinned(stage: &mut Stage) {
    let runs = stage.same("pinned", "v1", 200, GOOD);
    stage.send(&runs);
    stage.act(&["baseline", "pin", "--agent", "pinned", "--of", "v1"]);
    stage.shows(&["baseline", "list", "--agent", "pinned"], |set| set["baseline_kind"] == "pinned");
    let mut runs = stage.same("pinned", "v2", 100, GOOD);
    runs.extend(stage.same("pinned", "v3", 100, GOOD));
    runs.extend(stage.same("pinned", "v4", 100, BAD));
    stage.send_under_kill(&runs);
    stage.alert("pinned", |alert| alert["agent_version"] == "v4");
}

/// A canary is worse, somebody takes the alert, and it is rolled back.
fn canary(stage: &mut Stage) {
    stage.act(&["version", "deploy", "--agent", "canary", "--to", "v1"]);
    let runs = stage.same("canary", "v1", 200, GOOD);
    stage.send(&runs);
    let share = ["--share", "0.3"];
    stage.act(&[&["version", "deploy", "--agent", "canary", "--to", "v2"][..], &share].concat());
    let mut choice = Rng::new(3);
    let mixed = (0..400).map(|_| if choice.chance(0.3) { ("v2", BAD) } else { ("v1", GOOD) });
    let runs = stage.runs("canary", mixed);
    stage.send_under_kill(&runs);
    let alert = stage.alert("canary", |_| true);
    assert_eq!(
        (&alert["agent_version"], &alert["metric"]),
        (&json!("v2"), &json!("run.error_rate"))
    );
    stage.act(&["alert", "acknowledge", alert["alert_id"].as_str().unwrap()]);
    stage.act(&["version", "rollback", "--agent", "canary", "--to", "v1", "--from", "v2"]);
}

/// An alert fires under a suppression, and again when that is ended.
fn muted(stage: &mut Stage) -> String {
    let runs = stage.same("muted", "v1", 200, GOOD);
    stage.send(&runs);
    let said =
        stage.act(&["suppress", "add", "--agent", "muted", "--severity", "page", "--for", "1h"]);
    let id = said["suppression_id"].as_str().unwrap().to_owned();
    stage.shows(&["suppress", "list"], |one| one["suppression_id"] == id.as_str());
    let runs = stage.same("muted", "v2", 100, BAD);
    stage.send_under_kill(&runs);
    stage.alert("muted", |alert| alert["suppressed_by"] == id.as_str());
    stage.kill();
    stage.act(&["suppress", "end", &id]);
    stage.alert("muted", |alert| alert["suppressed_by"].is_null());
    id
}

/// An agent fails during a maintenance window, and after that window was ended; where the log says
/// that it was.
fn away(stage: &mut Stage) -> (String, i64) {
    let runs = stage.same("away", "v1", 200, GOOD);
    stage.send(&runs);
    let from = stage.times["away"] + 1;
    let said = stage.act(&[
        "maintenance",
        "start",
        "--agent",
        "away",
        "--from",
        &rfc3339(from),
        "--for",
        "3h",
    ]);
    let id = said["maintenance_id"].as_str().unwrap().to_owned();
    stage.shows(&["maintenance", "list"], |window| window["maintenance_id"] == id.as_str());
    let runs = stage.same("away", "v2", 100, BAD);
    stage.send_under_kill(&runs);
    let until = stage.times["away"] + 1;
    stage.act(&["maintenance", "end", &id, "--at", &rfc3339(until)]);
    wait::until("the window to be over", LIMIT, || {
        let listed = stage.command(&["maintenance", "list"]);
        let windows = listed["maintenance"].as_array().unwrap();
        windows.iter().all(|window| window["maintenance_id"] != id.as_str()).then_some(())
    });
    let place = ports::partition_of(b"away", tests::world::PARTITIONS);
    let ended_at = stage.log.offsets(&TopicPartition::new(EVENTS, place)).unwrap().next;
    let runs = stage.same("away", "v2", 100, BAD);
    stage.send(&runs);
    stage.alert("away", |_| true);
    (id, ended_at)
}

/// A suite judges every run of an agent; its second version is too slow in every second.
fn judged(stage: &mut Stage) {
    let file = stage.world.path("quick.yaml");
    std::fs::write(&file, SUITE).unwrap();
    stage.command(&["suite", "publish", file.to_str().unwrap(), "--by", "ana"]);
    let mut runs = stage.same("judged", "v1", 200, GOOD);
    runs.extend(stage.same("judged", "v2", 100, GOOD));
    for (number, run) in runs.iter_mut().enumerate() {
        let is_slow = number >= 200 && number % 2 == 0;
        run["run"]["duration_ms"] = json!(if is_slow { 1_100 } else { 900 });
    }
    stage.send_under_kill(&runs);
    stage.alert("judged", |alert| alert["metric"] == "eval.fail_rate");
}

/// Sealed outputs of an agent, of a kind, in the order of the partition.
fn of<'e>(events: &'e Computed, agent: &str, kind: &str) -> Vec<&'e Event<'static>> {
    let fits = |event: &&Event<'static>| {
        event.text(column::AGENT_ID) == Some(agent) && event.text(column::KIND) == Some(kind)
    };
    let mut found: Vec<_> = events.values().filter(fits).collect();
    found.sort_by_key(|event| {
        (int(event, column::origin::OFFSET), int(event, column::origin::ORDINAL))
    });
    found
}

fn int(event: &Event<'_>, column: TypedColumn<Int>) -> i64 {
    event.int(column).unwrap_or_default()
}

fn number<N: event::typed::Number>(event: &Event<'_>, column: TypedColumn<N>) -> f64 {
    event.number(column).unwrap()
}

/// A text of each.
fn texts<'e>(events: &[&'e Event<'static>], column: TypedColumn<Text>) -> Vec<Option<&'e str>> {
    events.iter().map(|event| event.text(column)).collect()
}

const FIRING: &str = kind::DRIFT_ALERT_FIRING;

fn alerts_are_as_told(alerts: &Computed, suppression: &str, (window, ended_at): (&str, i64)) {
    let firing = of(alerts, "pinned", FIRING);
    assert_eq!(texts(&firing, column::AGENT_VERSION), [Some("v4")]);
    assert_eq!(texts(&firing, column::drift::BASELINE_KIND), [Some("pinned")]);
    assert_eq!(texts(&firing, column::drift::BASELINE_VERSION), [Some("v1")]);

    let started = of(alerts, "canary", kind::DRIFT_CANARY_STARTED);
    assert_eq!(texts(&started, column::AGENT_VERSION), [Some("v2")]);
    let firing = of(alerts, "canary", FIRING);
    assert_eq!(texts(&firing, column::drift::DETECTOR), [Some("canary")]);
    let ended = of(alerts, "canary", kind::DRIFT_CANARY_ENDED);
    assert_eq!(texts(&ended, column::drift::OUTCOME), [Some("rolled_back")]);
    assert!(number(ended[0], column::drift::EFFECT_LOW) > 0.0, "the verdict: it was worse");
    assert_eq!(of(alerts, "canary", kind::DRIFT_ALERT_RESOLVED).len(), 1);

    let firing = of(alerts, "muted", FIRING);
    assert_eq!(texts(&firing, column::drift::SUPPRESSED_BY), [Some(suppression), None]);
    assert_eq!(firing[0].text(column::drift::ALERT_ID), firing[1].text(column::drift::ALERT_ID));
    for kind in [kind::DRIFT_SUPPRESSION_APPLIED, kind::DRIFT_SUPPRESSION_CLOSED] {
        let answers = of(alerts, "muted", kind);
        assert_eq!(texts(&answers, column::drift::SUPPRESSION_ID), [Some(suppression)], "{kind}");
    }

    // First until its planned end, then until it was ended.
    let applied = of(alerts, "away", kind::MAINTENANCE_APPLIED);
    assert_eq!(texts(&applied, column::maintenance::ID), [Some(window), Some(window)]);
    let firing = of(alerts, "away", FIRING);
    assert_eq!(firing.len(), 1);
    assert!(
        int(firing[0], column::drift::SINCE_OFFSET) >= ended_at,
        "what happened in it says nothing"
    );

    let firing = of(alerts, "judged", FIRING);
    assert!(texts(&firing, column::drift::SUITE).contains(&Some("quick")), "{firing:?}");
    let refused = alerts
        .values()
        .filter(|event| event.text(column::KIND).is_some_and(|kind| kind.ends_with(".refused")));
    assert_eq!(refused.count(), 0);
}

fn metrics_are_as_judged(metrics: &Computed) {
    let results = of(metrics, "judged", kind::EVAL_RESULT);
    let passed = column::eval::PASSED;
    let failed = results.iter().filter(|result| result.bool(passed) == Some(false)).count();
    assert_eq!((results.len(), failed), (300, 50));
    let gates = of(metrics, "judged", kind::EVAL_SUITE_COMPLETED);
    assert!(texts(&gates, column::eval::GATE).contains(&Some("pass")), "{gates:?}");
    // Each window of five minutes counts its own; the last revision of each counts.
    let windows = of(metrics, "judged", kind::METRIC_WINDOW);
    let mut last: BTreeMap<(Option<&str>, String), (i64, f64)> = BTreeMap::new();
    let span = |event: &Event<'_>, column| event.time(column).unwrap().micros();
    for window in windows {
        let (from, until) =
            (span(window, column::metric::WINDOW_START), span(window, column::metric::WINDOW_END));
        let is_asked = window.text(column::metric::NAME) == Some("eval.pass_rate")
            && until - from == monitor::Span::Minutes.micros();
        if is_asked {
            assert_eq!(window.text(column::metric::SUITE), Some("quick"));
            let key = (window.text(column::AGENT_VERSION), from.to_string());
            last.insert(
                key,
                (int(window, column::metric::COUNT), number(window, column::metric::SUM)),
            );
        }
    }
    let (trials, passes) =
        last.values().fold((0, 0.0), |(n, sum), (count, passes)| (n + count, sum + passes));
    assert_eq!((trials, passes), (300, 250.0));
    // What is measured in a maintenance window says so.
    let in_window = column::metric::MAINTENANCE;
    let away = of(metrics, "away", kind::METRIC_WINDOW);
    let marked = away.iter().filter(|window| window.bool(in_window) == Some(true)).count();
    assert!(marked > 0 && marked < away.len(), "{marked} of {}", away.len());
}

/// Somebody who may write into the topic of the metrics says one again, better than it was: it is
/// sealed, and a replay finds it at its place.
fn one_altered_metric_is_found(stage: &Stage, metrics: &Computed) {
    let mut altered = of(metrics, "pinned", kind::METRIC_WINDOW)[0].clone();
    let column = column::metric::VALUE;
    let better = number(&altered, column::metric::VALUE) / 2.0 - 0.01;
    altered.set(column, better.into());
    let partition = i32::try_from(int(&altered, column::origin::PARTITION)).unwrap();
    let mut value = Vec::new();
    event::encode::encode(&altered, &mut value);
    let record = Outgoing {
        topic: METRICS.into(),
        partition: Some(partition),
        key: Some(b"pinned".to_vec()),
        value: Some(value),
        headers: Vec::new(),
    };
    let at = publish_and_wait(&*stage.log.producer(), vec![record], LIMIT).unwrap()[0].offset;
    let mut sealer = stage.world.role("sealer");
    let mut sealed = stage.world.sealed();
    wait::until("the altered metric to be sealed", LIMIT, || {
        sealed.refresh();
        sealed.ends(METRICS).get(&partition).is_some_and(|end| *end > at).then_some(())
    });
    assert_eq!(sealer.stop(), Some(0), "{}", sealer.last_words());
    stage.world.fsck();
    let report = stage.world.replay_report();
    let first = &report["first"];
    assert_eq!((&report["verdict"], &report["differences"]), (&json!("FAILED"), &json!(1)));
    assert_eq!((&first["topic"], &first["partition"]), (&json!(METRICS), &json!(partition)));
    assert_eq!(first["difference"]["sealed_at"], json!(at), "{first}");
    assert_eq!(first["difference"]["what"]["path"], "metric.value", "{first}");
}

#[test]
fn what_people_ask_is_answered_done_sealed_and_replayed_while_the_processor_is_killed() {
    let Some(mut stage) = Stage::start() else { return };
    judged(&mut stage);
    pinned(&mut stage);
    canary(&mut stage);
    let suppression = muted(&mut stage);
    stage.sealer.kill_and_restart();
    let (window, ended_at) = away(&mut stage);
    println!("{} events sent, {} kills of the processor", stage.sent, stage.kills);
    assert!(stage.kills >= 6);

    let ends = tests::flush::flush(&stage.world);
    let (sealed, _) = settle(&stage.world, &ends);
    for role in [&mut stage.processor, &mut stage.gateway, &mut stage.sealer] {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
    }
    stage.world.fsck();
    stage.world.replay();

    // Each act once, however many partitions admitted it.
    let mut acts: BTreeMap<String, usize> = BTreeMap::new();
    sealed.rows(GOVERNANCE, |_, row| {
        assert_eq!(row.event.text(column::actor::ID), Some("ana"));
        let kind = row.event.text(column::KIND).unwrap_or_default();
        *acts.entry(kind.to_owned()).or_default() += 1;
    });
    println!("{acts:?}");
    let wanted = [
        (kind::AGENT_VERSION_DEPLOYED, 2),
        (kind::AGENT_VERSION_ROLLED_BACK, 1),
        (kind::DRIFT_ALERT_ACKNOWLEDGED, 1),
        (kind::DRIFT_BASELINE_PINNED, 1),
        (kind::DRIFT_SUPPRESSION_ENDED, 1),
        (kind::DRIFT_SUPPRESSION_STARTED, 1),
        (kind::EVAL_SUITE_PUBLISHED, 1),
        (kind::MAINTENANCE_ENDED, 1),
        (kind::MAINTENANCE_STARTED, 1),
    ];
    assert_eq!(acts, wanted.map(|(kind, count)| (kind.to_owned(), count)).into());

    alerts_are_as_told(&sealed_events(&sealed, ALERTS).0, &suppression, (&window, ended_at));
    let metrics = sealed_events(&sealed, METRICS).0;
    metrics_are_as_judged(&metrics);
    one_altered_metric_is_found(&stage, &metrics);
}
