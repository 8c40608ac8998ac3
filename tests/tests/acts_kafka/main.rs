//! What people do to the monitor, through the whole path on Apache Kafka while the processor is
//! killed: a suite, a pin, a canary, a suppression, a maintenance window and an acknowledgement, by
//! the command line. Each is answered, does what it says, is sealed, and a replay finds the same;
//! and the one metric that somebody altered.
//!
//! What each does in all its cases is asked in `monitor`; here one story of each takes the whole
//! path. Each story has an agent of its own, so that they meet nowhere but in partitions. One agent's
//! producer places keys as librdkafka does by default, and of one agent somebody else says every act
//! there is.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

mod stage;

use std::collections::BTreeMap;

use event::typed::{Int, Text};
use event::{Event, TopicPartition, TypedColumn, column, kind};
use ports::{Outgoing, publish_and_wait};
use serde_json::{Value, json};
use stage::{LIMIT, MINUTE_MS, Stage, rfc3339};
use tests::recompute::{Computed, sealed_events};
use tests::rng::Rng;
use tests::settle::settle;
use tests::wait;
use tests::world::{ALERTS, EVENTS, GOVERNANCE, METRICS, PARTITIONS};

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
    let place = ports::partition_of(b"away", PARTITIONS);
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
    stage.take_effect(&["suite", "publish", file.to_str().unwrap(), "--by", "ana"]);
    let mut runs = stage.same("judged", "v1", 200, GOOD);
    runs.extend(stage.same("judged", "v2", 100, GOOD));
    for (number, run) in runs.iter_mut().enumerate() {
        let is_slow = number >= 200 && number % 2 == 0;
        run["run"]["duration_ms"] = json!(if is_slow { 1_100 } else { 900 });
    }
    stage.send_under_kill(&runs);
    stage.alert("judged", |alert| alert["metric"] == "eval.fail_rate");
}

/// CRC-32, as zlib computes it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let add = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(!0, add)
}

/// Where librdkafka's default partitioner places a key.
fn foreign_place(key: &str) -> i32 {
    i32::try_from(crc32(key.as_bytes()) % u32::try_from(PARTITIONS).unwrap()).unwrap()
}

/// The agent's producer has another partitioner than ours. What people decide about it holds there.
fn elsewhere(stage: &mut Stage) -> String {
    let place = foreign_place("elsewhere");
    assert_ne!(place, ports::partition_of(b"elsewhere", PARTITIONS), "no story");
    let send = |stage: &Stage, runs: Vec<Value>| {
        let record = |run: Value| Outgoing {
            topic: EVENTS.into(),
            partition: Some(place),
            key: Some(b"elsewhere".to_vec()),
            value: Some(run.to_string().into_bytes()),
            headers: Vec::new(),
        };
        let records = runs.into_iter().map(record).collect();
        publish_and_wait(&*stage.log.producer(), records, LIMIT).unwrap();
    };
    let runs = stage.same("elsewhere", "v1", 200, GOOD);
    send(stage, runs);
    stage.act(&["version", "deploy", "--agent", "elsewhere", "--to", "v2"]);
    let said = stage.act(&["suppress", "add", "--agent", "elsewhere", "--for", "1h"]);
    let runs = stage.same("elsewhere", "v2", 100, BAD);
    send(stage, runs);
    let id = said["suppression_id"].as_str().unwrap().to_owned();
    stage.alert("elsewhere", |alert| alert["suppressed_by"] == id.as_str());
    id
}

/// Somebody who may write into the topic of events says of an agent whatever an act can say, and that
/// twice; the number of events.
fn forged(stage: &mut Stage) -> usize {
    let runs = stage.same("forged", "v1", 200, GOOD);
    stage.send(&runs);
    let until = rfc3339(service::clock::now_ms() + 24 * 60 * MINUTE_MS);
    let acts: Vec<Value> = event::schema()
        .kinds()
        .filter(|kind| governance::has_effect(&kind.name))
        .map(|kind| {
            json!({
                "kind": kind.name, "event_id": format!("forged-{}", kind.name),
                "agent_id": "forged", "actor": {"type": "human", "id": "mallory"},
                "agent": {"to_version": "v2", "traffic_share": 0.5},
                "change": {"to_version": "v2"},
                "drift": {"until": until, "suppression_id": "forged-drift.suppression.started"},
                "maintenance": {"id": "m", "from": rfc3339(stage.start_ms), "until": until},
                "eval": {"suite": "quick", "document": "{}"},
            })
        })
        .collect();
    stage.send(&acts);
    stage.send(&acts);
    let runs = stage.same("forged", "v2", 100, BAD);
    stage.send_under_kill(&runs);
    stage.alert("forged", |alert| alert["suppressed_by"].is_null());
    2 * acts.len()
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

fn alerts_are_as_told(
    alerts: &Computed,
    (suppression, foreign): (&str, &str),
    (window, ended_at): (&str, i64),
) {
    // Every partition answers.
    let partitions = usize::try_from(PARTITIONS).unwrap();

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
        let expected = vec![Some(suppression); partitions];
        assert_eq!(texts(&answers, column::drift::SUPPRESSION_ID), expected, "{kind}");
    }

    let firing = of(alerts, "elsewhere", FIRING);
    assert_eq!(texts(&firing, column::drift::SUPPRESSED_BY), [Some(foreign)]);
    assert_eq!(firing[0].int(column::origin::PARTITION), Some(foreign_place("elsewhere").into()));
    let change = firing[0].text(column::drift::LAST_CHANGE).unwrap_or_default();
    assert!(change.starts_with("agent.version.deployed v2"), "{change}");

    // What was forged is in no answer and no alert.
    let firing = of(alerts, "forged", FIRING);
    assert_eq!(texts(&firing, column::drift::SUPPRESSED_BY), [None]);
    assert_eq!(texts(&firing, column::drift::LAST_CHANGE), [None]);
    assert_eq!(texts(&firing, column::drift::BASELINE_KIND), [Some("previous")]);
    let told = [
        kind::DRIFT_BASELINE_SET,
        kind::DRIFT_ALERT_PENDING,
        kind::DRIFT_ALERT_FIRING,
        kind::DRIFT_ALERT_RESOLVED,
    ];
    let others = alerts.values().filter(|event| {
        event.text(column::AGENT_ID) == Some("forged")
            && !told.contains(&event.text(column::KIND).unwrap_or_default())
    });
    assert_eq!(others.count(), 0);

    // First until its planned end, then until it was ended.
    let applied = of(alerts, "away", kind::MAINTENANCE_APPLIED);
    assert_eq!(texts(&applied, column::maintenance::ID), vec![Some(window); 2 * partitions]);
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
    let foreign = elsewhere(&mut stage);
    let forged = forged(&mut stage);
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
        (kind::AGENT_VERSION_DEPLOYED, 3),
        (kind::AGENT_VERSION_ROLLED_BACK, 1),
        (kind::DRIFT_ALERT_ACKNOWLEDGED, 1),
        (kind::DRIFT_BASELINE_PINNED, 1),
        (kind::DRIFT_SUPPRESSION_ENDED, 1),
        (kind::DRIFT_SUPPRESSION_STARTED, 2),
        (kind::EVAL_SUITE_PUBLISHED, 1),
        (kind::MAINTENANCE_ENDED, 1),
        (kind::MAINTENANCE_STARTED, 1),
    ];
    assert_eq!(acts, wanted.map(|(kind, count)| (kind.to_owned(), count)).into());

    // What was forged is sealed like anything else.
    let mut sealed_forgeries = 0;
    sealed.rows(EVENTS, |_, row| {
        let id = row.event.text(column::EVENT_ID).unwrap_or_default();
        sealed_forgeries +=
            usize::from(id.starts_with("forged-") && row.event.get(column::RUN_ID).is_none());
    });
    assert_eq!(sealed_forgeries, forged);

    let suppressions = (suppression.as_str(), foreign.as_str());
    alerts_are_as_told(&sealed_events(&sealed, ALERTS).0, suppressions, (&window, ended_at));
    let metrics = sealed_events(&sealed, METRICS).0;
    metrics_are_as_judged(&metrics);
    one_altered_metric_is_found(&stage, &metrics);
}
