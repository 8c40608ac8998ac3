use act::maintenance::MAINTENANCE;
use act::suppression::SUPPRESSION;
use act::{Actor, End, Period, Target};
use event::{EventBuilder, column, kind};
use ports::TopicSpec;
use sim::MemoryLog;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);
const MINUTE: i64 = 60_000_000;
const SUPPRESS: Subject =
    Subject { timed: &SUPPRESSION, command: "suppress", id: "suppression_id" };
const MAINTAIN: Subject =
    Subject { timed: &MAINTENANCE, command: "maintenance", id: "maintenance_id" };

fn actor() -> Actor {
    Actor { id: "ana".to_owned(), reason: "the provider is down".to_owned() }
}

fn request(agent: Option<&str>, minutes: i64) -> Request {
    let target = Target { agent_id: agent.map(str::to_owned), ..Target::default() };
    let period = Period { from: None, end: End::After(minutes * MINUTE) };
    Request { id: "id-1".to_owned(), target, period, actor: actor() }
}

fn log() -> MemoryLog {
    let log = MemoryLog::new();
    let topic = |name: &str| TopicSpec { name: name.into(), partitions: 3, compacted: false };
    log.create_topics(&[topic("events"), topic("alerts")]).unwrap();
    log
}

/// What the monitor would answer in a partition.
fn answer(log: &MemoryLog, subject: Subject, kind: &str, number: i32, agent: Option<&str>) {
    let timed = subject.timed;
    let (id, until) = if subject.id == SUPPRESS.id {
        (column::drift::SUPPRESSION_ID, column::drift::UNTIL)
    } else {
        (column::maintenance::ID, column::maintenance::UNTIL)
    };
    let event = EventBuilder::new(kind)
        .set(column::EVENT_ID, format!("{kind}{number}"))
        .set(column::EVENT_TIME, NOW)
        .set_some(column::AGENT_ID, agent)
        .set(id, "id-1")
        .set(until, Timestamp::from_micros(NOW.micros() + 60 * MINUTE))
        .build()
        .unwrap();
    assert!(kind == timed.applied || Some(kind) == timed.closed);
    topic::publish_one(log, topic::record("alerts", Some(number), &event)).unwrap();
}

fn published(log: &MemoryLog) -> Vec<(i32, String, Option<String>, String)> {
    let mut all = Vec::new();
    topic::read_topic(log, "events", |number, event| {
        let text = |column| event.text(column).map(str::to_owned);
        let id = text(column::drift::SUPPRESSION_ID).or_else(|| text(column::maintenance::ID));
        all.push((number, text(column::KIND).unwrap(), id, text(column::actor::ID).unwrap()));
    })
    .unwrap();
    all
}

#[test]
fn a_suppression_goes_to_its_agent_and_ends_there() {
    let log = log();
    let home = ports::partition_of(b"refund-desk", 3);
    let stamp = options::stamp_at(NOW);
    let at = start(SUPPRESS, &log, "events", &request(Some("refund-desk"), 60), &stamp).unwrap();
    assert_eq!(at.iter().map(|at| at.partition.partition).collect::<Vec<_>>(), [home]);
    answer(&log, SUPPRESS, kind::DRIFT_SUPPRESSION_APPLIED, home, Some("refund-desk"));
    let found = in_force(SUPPRESS, &log, "alerts").unwrap().remove("id-1").unwrap();
    assert!(found.is_open(NOW));
    assert_eq!(found.to_string(), "id-1  refund-desk until 1970-01-01T01:16:40.000000Z");
    assert_eq!(json_of(SUPPRESS, &found)["suppression_id"], "id-1");

    let ending = Ending { at: None, actor: actor() };
    let stamp = options::stamp_at(NOW);
    let at = end(SUPPRESS, &log, "events", &ending, &found, &stamp).unwrap();
    assert_eq!((at[0].partition.partition, at[0].offset), (home, 1));
    let ana = "ana".to_owned();
    assert_eq!(
        published(&log),
        [
            (home, SUPPRESSION.started.to_owned(), None, ana.clone()),
            (home, SUPPRESSION.ended.to_owned(), Some("id-1".to_owned()), ana),
        ]
    );
    answer(&log, SUPPRESS, kind::DRIFT_SUPPRESSION_CLOSED, home, Some("refund-desk"));
    assert!(in_force(SUPPRESS, &log, "alerts").unwrap().is_empty());
}

#[test]
fn a_window_of_every_agent_is_in_every_partition_and_ends_there() {
    let log = log();
    let stamp = options::stamp_at(NOW);
    let at = start(MAINTAIN, &log, "events", &request(None, 60), &stamp).unwrap();
    assert_eq!(at.len(), 3);
    for number in 0..2 {
        answer(&log, MAINTAIN, kind::MAINTENANCE_APPLIED, number, None);
    }
    let found = in_force(MAINTAIN, &log, "alerts").unwrap().remove("id-1").unwrap();
    assert_eq!(found.partitions.len(), 2);
    assert!(found.to_string().contains("all agents"), "{found}");
    let ending = Ending { at: None, actor: actor() };
    let later = options::stamp_at(Timestamp::from_micros(NOW.micros() + 20 * MINUTE));
    assert_eq!(end(MAINTAIN, &log, "events", &ending, &found, &later).unwrap().len(), 3);
    let ids: std::collections::BTreeSet<String> =
        published(&log).into_iter().map(|(_, _, id, _)| id.unwrap()).collect();
    assert_eq!(ids.len(), 1);
    let mut event_ids = std::collections::BTreeSet::new();
    topic::read_topic(&log, "events", |_, event| {
        event_ids.insert(event.text(column::EVENT_ID).unwrap().to_owned());
        let until = event.time(column::maintenance::UNTIL).unwrap();
        assert!(until > NOW);
    })
    .unwrap();
    assert_eq!(event_ids.len(), 6, "each event has an identifier of its own");

    let too_late = options::stamp_at(Timestamp::from_micros(NOW.micros() + 60 * MINUTE));
    let failure = end(MAINTAIN, &log, "events", &ending, &found, &too_late).unwrap_err();
    assert!(failure.message().contains("--at: must be before the end"), "{}", failure.message());
}

#[test]
fn what_is_wrong_is_named_by_its_option_and_nothing_is_published() {
    let log = log();
    let nobody =
        Request { actor: Actor { id: " ".to_owned(), ..actor() }, ..request(Some("a"), 1) };
    for (subject, request, says) in [
        (SUPPRESS, nobody, "--by: "),
        (SUPPRESS, request(Some(""), 1), "--agent: "),
        (SUPPRESS, request(None, 1), "--agent: is required"),
        (MAINTAIN, request(None, 31 * 24 * 60), "--for: "),
    ] {
        let stamp = options::stamp_at(NOW);
        let failure = start(subject, &log, "events", &request, &stamp).unwrap_err();
        assert!(failure.message().contains(says), "{}", failure.message());
    }
    assert!(published(&log).is_empty());
}
