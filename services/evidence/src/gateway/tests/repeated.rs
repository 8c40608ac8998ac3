//! The same act sent twice, and another one under its name.

use super::*;

fn deployed(id: &str, version: &str) -> Value {
    json!({"kind": kind::AGENT_VERSION_DEPLOYED, "event_id": id, "agent_id": "a",
        "agent_version": version, "agent": {"to_version": version}, "by": "ci", "reason": "release"})
}

#[test]
fn an_act_that_is_sent_twice_is_recorded_once_and_answered_with_its_position() {
    let world = World::start();
    let mut timed = suppression();
    timed["event_id"] = json!("s-1");
    let change = json!({"kind": kind::CHANGE_APPROVED, "event_id": "c-1", "agent_id": "a",
        "change": {"id": "CHG-1"}, "by": "ana", "reason": "looks good\u{1b}[2K"});
    for (index, body) in [timed, change, deployed("d-1", "v1")].into_iter().enumerate() {
        let first = world.act(body.clone());
        assert_eq!((first.status, &first.body["already_recorded"]), (201, &json!(false)));
        for _ in 0..2 {
            let again = world.act(body.clone());
            assert_eq!(again.status, 200, "{}", again.body);
            assert_eq!(again.body["already_recorded"], true);
            for field in ["kind", "event_id", "topic", "partition", "offset"] {
                assert_eq!(again.body[field], first.body[field], "{field}");
            }
        }
        assert_eq!(world.recorded().len(), index + 1);
    }
}

#[test]
fn another_act_under_the_same_identifier_is_refused_with_what_differs() {
    let world = World::start();
    assert_eq!(world.act(deployed("d-1", "v1")).status, 201);
    let refused = world.act(deployed("d-1", "v2"));
    assert_eq!((refused.status, refused.code()), (409, "other_content"));
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("differs in agent.to_version, agent_version"), "{message}");
    let mut other = deployed("d-1", "v1");
    other["kind"] = json!(kind::AGENT_VERSION_ROLLED_BACK);
    assert_eq!(world.act(other).code(), "other_content");
    // Tenants have names of their own.
    let mut tenant = deployed("d-1", "v2");
    tenant["tenant_id"] = json!("t");
    assert_eq!(world.act(tenant).status, 201);
    assert_eq!(world.recorded().len(), 2);
}

#[test]
fn an_act_that_was_undone_since_is_not_taken_for_the_one_of_before() {
    let world = World::start();
    assert_eq!(world.act(deployed("d-1", "v1")).status, 201);
    assert_eq!(world.act(deployed("d-2", "v2")).status, 201);
    let refused = world.act(deployed("d-1", "v1"));
    assert_eq!((refused.status, refused.code()), (409, "superseded"));
    assert!(refused.body["error"]["message"].as_str().unwrap().contains("--idempotency-key"));
    assert_eq!(world.act(deployed("d-2", "v2")).status, 200, "the last one stands");
    assert_eq!(world.act(deployed("d-3", "v1")).status, 201);
    // What others do does not matter, and neither do later steps of the same change.
    let step = |kind: &str, id: &str| {
        world.act(json!({"kind": kind, "event_id": id, "agent_id": "a", "change": {"id": "CHG-1"},
            "by": "ana", "reason": "r"}))
    };
    assert_eq!(step(kind::CHANGE_REQUESTED, "q").status, 201);
    assert_eq!(step(kind::CHANGE_APPROVED, "y").status, 201);
    assert_eq!(step(kind::CHANGE_REQUESTED, "q").status, 200);
    assert_eq!(step(kind::CHANGE_REJECTED, "n").status, 201);
    assert_eq!(step(kind::CHANGE_APPROVED, "y").code(), "superseded");
}

#[test]
fn an_end_and_an_answer_are_the_same_act_after_they_had_their_effect() {
    let world = World::start();
    world.said(&world.signer.sign_alert(world.alert(kind::DRIFT_ALERT_FIRING, "real")));
    let dismissal = json!({"kind": kind::DRIFT_ALERT_DISMISSED, "event_id": "x", "alert_id": "real",
        "by": "ana", "reason": "mine"});
    assert_eq!(world.act(dismissal.clone()).status, 201);
    assert_eq!(world.list("alerts")["alerts"], json!([]));
    assert_eq!(world.act(dismissal.clone()).status, 200, "it is not firing any more");
    let mut other = dismissal;
    other["reason"] = json!("another");
    assert_eq!(world.act(other).code(), "other_content");
}

#[test]
fn only_signed_acts_take_an_identifier() {
    let world = World::start();
    // Whoever may write into the topic claims the identifier of an act that is still to come.
    let forged = EventBuilder::new(kind::AGENT_VERSION_DEPLOYED)
        .set(column::EVENT_ID, "d-1")
        .set(column::EVENT_TIME, Timestamp::from_micros(5))
        .set(column::AGENT_ID, "a")
        .build()
        .unwrap();
    let record = Outgoing::event(GOVERNANCE, &forged).in_partition(0);
    publish_and_wait(&*world.log.producer(), vec![record], PATIENCE).unwrap();
    let answer = world.act(deployed("d-1", "v1"));
    assert_eq!((answer.status, &answer.body["offset"]), (201, &json!(1)), "{}", answer.body);
}

#[test]
fn an_act_that_says_nothing_is_refused() {
    let world = World::start();
    for (body, fields) in [
        (json!({"kind": kind::CHANGE_APPROVED, "by": "a"}), &["agent_id"][..]),
        (
            json!({"kind": kind::POLICY_VERSION_PUBLISHED, "by": "a", "policy": {"id": " "}}),
            &["policy.id", "policy.version", "policy.digest"],
        ),
        (json!({"kind": kind::CHANGE_APPROVED, "by": "a", "agent_id": "a"}), &["change.id"]),
        (json!({"kind": kind::RISK_ASSESSED, "by": "a"}), &["risk.id"]),
        (json!({"kind": kind::INCIDENT_OPENED, "by": "a"}), &["incident.id"]),
        (
            json!({"kind": kind::AGENT_VERSION_CREATED, "by": "a", "agent_id": "a"}),
            &["agent_version"],
        ),
    ] {
        let answer = world.act(body.clone());
        assert_eq!((answer.status, answer.fields()), (400, fields.to_vec()), "{body}");
    }
}
