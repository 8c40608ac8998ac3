//! The governance topic, and what a partition has to admit of it.

use event::{Event, EventBuilder, Timestamp, column, kind};
use governance::{Act, Acts, Admission, AdmissionError, Frontier, Refusal, sign_act};

use crate::keys::*;

const ALL: usize = 1 << 20;
const HOUR: i64 = 3_600_000_000;
/// Microseconds since the epoch that the times of the tests count from.
const START: i64 = 1_790_000_000_000_000;

struct Topic {
    acts: Acts,
    records: Vec<Event<'static>>,
}

impl Topic {
    fn new() -> Self {
        Self { acts: Acts::new(trust()), records: Vec::new() }
    }

    fn append(&mut self, time: i64, event: &Event<'_>) -> Result<Act, Refusal> {
        let event = read_back(event);
        let offset = i64::try_from(self.records.len()).unwrap();
        self.records.push(event.clone());
        self.acts.handle(offset, START + time, Some(&event))
    }

    fn act(&mut self, time: i64, event: EventBuilder) -> Act {
        let nonce = id(1_000 + self.records.len() as u64);
        let event = event.build().unwrap();
        let signed = sign_act(&gateway(), &installation(), nonce, event).unwrap();
        self.append(time, &signed).unwrap()
    }

    fn admitted(&self, from: i64) -> Vec<i64> {
        let admission = self.acts.admission("g", (None, TOPIC, 0), from, ALL);
        admission.map_or_else(Vec::new, |all| all.acts.iter().map(|act| act.offset).collect())
    }
}

fn suppression(id: &str, until: i64) -> EventBuilder {
    builder(kind::DRIFT_SUPPRESSION_STARTED, id)
        .set(column::AGENT_ID, "a")
        .set(column::drift::UNTIL, Timestamp::from_micros(START + until))
}

fn suppression_ended(id: &str) -> EventBuilder {
    builder(kind::DRIFT_SUPPRESSION_ENDED, &format!("{id}-ended"))
        .set(column::AGENT_ID, "a")
        .set(column::drift::SUPPRESSION_ID, id)
}

fn published(suite: &str, event_id: &str) -> EventBuilder {
    builder(kind::EVAL_SUITE_PUBLISHED, event_id).set(column::eval::SUITE, suite)
}

fn deployed(agent: &str, version: &str) -> EventBuilder {
    builder(kind::AGENT_VERSION_DEPLOYED, &format!("{agent}-{version}"))
        .set(column::AGENT_ID, agent)
        .set(column::agent::TO_VERSION, version)
}

#[test]
fn what_is_not_signed_or_was_there_before_is_no_act() {
    let mut topic = Topic::new();
    topic.act(0, suppression("s", HOUR));
    let copy = topic.records[0].clone();
    assert_eq!(topic.append(1, &copy).unwrap_err(), Refusal::Copied);
    let unsigned = suppression("t", HOUR).build().unwrap();
    assert_eq!(topic.append(2, &unsigned).unwrap_err(), Refusal::Unsigned);
    assert_eq!(topic.acts.handle(3, 3, None).unwrap_err(), Refusal::Unsigned);
    // A refused record does not use up a nonce.
    let mut changed = copy;
    changed.set(column::AGENT_ID, "b".into());
    changed.set(column::governance::NONCE, id(77).to_string().into());
    assert_eq!(topic.acts.handle(4, 4, Some(&changed)).unwrap_err(), Refusal::Signature);
    let signed = sign_act(&gateway(), &installation(), id(77), unsigned).unwrap();
    assert!(topic.acts.handle(5, 5, Some(&signed)).is_ok());
    assert_eq!(topic.admitted(0), [0, 5]);
}

#[test]
fn a_partition_that_begins_later_gets_what_is_in_force_only() {
    let mut topic = Topic::new();
    topic.act(0, published("q", "q1"));
    topic.act(0, suppression("ended", HOUR));
    topic.act(0, suppression("long", 9 * HOUR));
    topic.act(0, suppression("short", HOUR));
    topic.act(1, published("q", "q2"));
    topic.act(2, suppression_ended("ended"));
    assert_eq!(topic.admitted(0), [2, 3, 4]);
    // One that has the first must have its end too.
    assert_eq!(topic.admitted(2), [2, 3, 4, 5]);
    topic.act(2 * HOUR, deployed("a", "v1"));
    assert_eq!(topic.admitted(0), [2, 4, 6]);
    for version in 0..40 {
        topic.act(2 * HOUR, deployed("b", &version.to_string()));
    }
    assert_eq!(topic.admitted(0).len(), 3 + 32);
    assert_eq!(topic.acts.len(), 3 + 32);
}

#[test]
fn acts_stay_in_their_scope() {
    let mut topic = Topic::new();
    topic.act(0, deployed("a", "v1"));
    topic.act(0, deployed("a", "v2").set(column::TENANT_ID, "acme"));
    let admitted = |tenant| {
        let admission = topic.acts.admission("g", (tenant, "agent.events", 0), 0, ALL);
        admission.map_or(0, |admission| admission.acts.len())
    };
    assert_eq!((admitted(None), admitted(Some("acme")), admitted(Some("other"))), (2, 2, 1));
}

#[test]
fn an_admission_survives_its_record_and_large_ones_are_split() {
    let mut topic = Topic::new();
    for number in 0..10 {
        topic.act(0, deployed(&format!("agent-{number}"), &"v".repeat(1_000)));
    }
    let (mut frontier, mut admitted) = (Frontier::default(), Vec::new());
    let mut records = 0;
    while let Some(admission) = topic.acts.admission("g", (None, TOPIC, 0), frontier.next(), 10_000)
    {
        let event = builder(kind::MONITOR_ADMITTED, "e");
        let event = read_back(&admission.write(event).build().unwrap());
        assert_eq!(Admission::read(&event).as_ref(), Ok(&admission));
        admitted.extend(frontier.admit(admission.clone()).unwrap());
        assert_eq!(frontier.admit(admission), Ok(Vec::new()), "twice does nothing");
        records += 1;
    }
    assert_eq!((records, frontier.next()), (3, 10));
    assert_eq!(
        admitted.iter().map(|act| act.offset).collect::<Vec<_>>(),
        (0..10).collect::<Vec<_>>()
    );
}

#[test]
fn an_admission_that_skips_acts_or_is_of_another_topic_is_refused() {
    let admission = |governance: &str, from, next| Admission {
        governance: governance.to_owned(),
        from,
        next,
        of: next,
        acts: Vec::new(),
    };
    let mut frontier = Frontier::default();
    assert_eq!(frontier.admit(admission("g", 1, 5)), Err(Refusal::Admission));
    assert_eq!(frontier.admit(admission("g", 0, 5)), Ok(Vec::new()));
    assert_eq!(frontier.admit(admission("h", 5, 6)), Err(Refusal::Admission));
    assert_eq!(frontier.admit(admission("g", 6, 7)), Err(Refusal::Admission));
    assert_eq!(frontier.admit(admission("g", 2, 4)), Ok(Vec::new()));
    assert_eq!((frontier.next(), frontier.governance()), (5, Some("g")));
}

#[test]
fn foreign_texts_are_no_acts() {
    let digest = "00".repeat(32);
    let act = |fields: &str| format!(r#"{{"offset":1,"digest":"{digest}","fields":{fields}}}"#);
    let kind = r#""kind":"agent.version.deployed""#;
    let read = |acts: &[String]| {
        let event = builder(kind::MONITOR_ADMITTED, "e")
            .set(column::monitor::GOVERNANCE, "g")
            .set(column::monitor::ADMITTED_FROM, 0)
            .set(column::monitor::ADMITTED_NEXT, 3)
            .set(column::monitor::ADMITTED_OF, 3)
            .set(column::monitor::ACTS, acts.to_vec());
        Admission::read(&event.build().unwrap())
    };
    assert_eq!(read(&[act(&format!("{{{kind}}}"))]).unwrap().acts.len(), 1);
    for fields in [
        "{}",
        r#"{"kind":"run.completed"}"#,
        r#"{"kind":7}"#,
        &format!(r#"{{{kind},"run.status":"ok"}}"#),
        &format!(r#"{{{kind},"agent.reason":"erasable"}}"#),
        &format!(r#"{{{kind},"agent.traffic_share":"0.5"}}"#),
        &format!(r#"{{{kind},"event_time":9223372036854775807}}"#),
        &format!(r#"{{{kind},"nothing":1}}"#),
    ] {
        assert!(
            matches!(read(&[act(fields)]), Err(AdmissionError::Act { number: 0, .. })),
            "{fields}"
        );
    }
    for text in ["", "[]", "{", r#"{"offset":1}"#, &act("{}").replace('1', "1.5")] {
        assert!(matches!(read(&[text.to_owned()]), Err(AdmissionError::Act { .. })), "{text}");
    }
    let one = act(&format!("{{{kind}}}"));
    assert_eq!(read(&[one.clone(), one.clone()]), Err(AdmissionError::Order));
    assert_eq!(read(&[one.replace(":1,", ":3,")]), Err(AdmissionError::Order));
}
