//! Whether a version may be deployed.

use super::*;

const DIGEST: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";
const OTHER: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000bb";

impl World {
    fn ready(&self, query: &str) -> Value {
        let answer = self.request(&format!("/v1/ready/{DIGEST}{query}"), &[], None);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    fn recorded_act(&self, kind: &str, fields: Value) -> Answer {
        let mut body = json!({"kind": kind, "agent_id": "a", "by": "ci"});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = self.act(body);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer
    }

    fn register(&self, digest: &str) {
        let agent = json!({"policy_version": "refunds@7"});
        self.recorded_act(
            kind::AGENT_VERSION_CREATED,
            json!({"agent_version": "v2", "version_digest": digest, "agent": agent}),
        );
    }

    fn judged(&self, digest: &str, suite: &str, gate: &str) {
        self.recorded_act(
            kind::EVAL_SUITE_COMPLETED,
            json!({"version_digest": digest, "eval": {"suite": suite, "gate": gate}}),
        );
    }

    fn step(&self, kind: &str, by: &str, change: Value) {
        self.recorded_act(kind, json!({"by": by, "change": change}));
    }
}

fn state<'a>(answer: &'a Value, rule: &str) -> (&'a str, &'a str) {
    let rules = answer["rules"].as_array().unwrap();
    let found = rules.iter().find(|found| found["rule"] == rule).unwrap();
    (found["state"].as_str().unwrap(), found["reason"].as_str().unwrap_or_default())
}

#[test]
fn a_version_is_ready_once_every_required_rule_is_satisfied_by_an_act() {
    let world = World::start();
    let nothing = world.ready("");
    assert_eq!(nothing["verdict"], "not_ready");
    assert_eq!(
        state(&nothing, "registered"),
        ("missing", "no version was registered with this digest")
    );
    assert_eq!(state(&nothing, "quiet").0, "unknown", "whose alerts?");
    world.register(DIGEST);
    world.step(kind::CHANGE_REQUESTED, "ci", json!({"id": "CHG-1", "to_digest": DIGEST}));
    let waiting = world.ready("");
    assert_eq!(state(&waiting, "change_approved"), ("missing", "CHG-1 is not approved"));
    world.step(kind::CHANGE_APPROVED, "ana", json!({"id": "CHG-1"}));
    world.judged(DIGEST, "quality", "pass");
    world.judged(DIGEST, "safety", "undecided");
    let undecided = world.ready("");
    let says = "the gate of suite `safety` is undecided";
    assert_eq!(state(&undecided, "evaluated"), ("missing", says));
    world.judged(DIGEST, "safety", "pass");
    let ready = world.ready("?environment=production");
    assert_eq!((&ready["verdict"], &ready["agent_id"]), (&json!("ready"), &json!("a")), "{ready}");
    let rules = ready["rules"].as_array().unwrap();
    let approved = rules.iter().find(|rule| rule["rule"] == "change_approved").unwrap();
    assert_eq!(
        (&approved["events"][0]["kind"], &approved["events"][0]["by"], &approved["required"]),
        (&json!(kind::CHANGE_APPROVED), &json!("ana"), &json!(true))
    );
    assert_eq!(state(&ready, "separate_approver").0, "satisfied");
    assert_eq!(state(&ready, "quiet").0, "satisfied");

    // Another version of the same name is another version.
    let path = format!("/v1/ready/{OTHER}?agent_id=a");
    assert_eq!(world.request(&path, &[], None).body["verdict"], "not_ready");
    // A change that goes on to something else does not carry its approval there.
    world.step(kind::CHANGE_REQUESTED, "ci", json!({"id": "CHG-1", "to_digest": OTHER}));
    let other = world.request(&path, &[], None).body;
    assert_eq!(state(&other, "change_approved"), ("missing", "CHG-1 is not approved"));
    assert_eq!(state(&world.ready(""), "change_approved").0, "satisfied");
    world.step(kind::CHANGE_REJECTED, "ana", json!({"id": "CHG-1"}));
    assert_eq!(world.ready("")["verdict"], "not_ready");
}

#[test]
fn risk_policy_approver_environment_and_alerts_are_judged() {
    let world = World::start();
    world.register(DIGEST);
    let change = |more: Value| {
        let mut all = json!({"id": "CHG-2", "to_digest": DIGEST});
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    };
    world.step(kind::CHANGE_REQUESTED, "ci", change(json!({})));
    world.recorded_act(
        kind::CHANGE_APPROVED,
        json!({"by": "ci", "environment": "staging", "change": change(json!({}))}),
    );
    let elsewhere = world.ready("?environment=production");
    let says = "CHG-2 was approved for `staging` only";
    assert_eq!(state(&elsewhere, "change_approved"), ("missing", says));
    let own = world.ready("?environment=staging");
    let says = "`ci` approved it, and wrote change.requested";
    assert_eq!(state(&own, "separate_approver"), ("missing", says));

    assert_eq!(state(&own, "risk_linked"), ("missing", "no risk is linked to CHG-2"));
    world.step(kind::CHANGE_RISK_LINKED, "ana", json!({"id": "CHG-2", "risk": "R-1"}));
    let says = "risk `R-1` is linked, and was never recorded";
    assert_eq!(state(&world.ready(""), "risk_linked"), ("missing", says));
    let of_another = json!({"id": "R-1", "acceptance_expires_at": "2999-01-01T00:00:00Z"});
    world.recorded_act(kind::RISK_ACCEPTED, json!({"agent_id": "b", "risk": of_another}));
    assert_eq!(state(&world.ready(""), "risk_linked"), ("missing", says));
    let risk = |expires: &str| {
        world.recorded_act(
            kind::RISK_ACCEPTED,
            json!({"risk": {"id": "R-1", "acceptance_expires_at": expires}}),
        )
    };
    risk("2020-01-01T00:00:00Z");
    assert!(state(&world.ready(""), "risk_linked").1.contains("ended at 2020-01-01"));
    risk("2999-01-01T00:00:00Z");
    assert_eq!(state(&world.ready(""), "risk_linked").0, "satisfied");

    let policy = json!({"id": "refunds", "version": "7", "digest": "x", "person": "ana"});
    let says = "policy `refunds@7` was not published";
    assert_eq!(state(&world.ready(""), "policy_acknowledged"), ("missing", says));
    world.recorded_act(kind::POLICY_VERSION_PUBLISHED, json!({"agent_id": "b", "policy": policy}));
    assert_eq!(state(&world.ready(""), "policy_acknowledged"), ("missing", says));
    world.recorded_act(kind::POLICY_VERSION_PUBLISHED, json!({"policy": policy}));
    assert_eq!(state(&world.ready(""), "policy_acknowledged").0, "missing");
    world.recorded_act(kind::POLICY_ACKNOWLEDGED, json!({"policy": policy}));
    assert_eq!(state(&world.ready(""), "policy_acknowledged").0, "satisfied");

    let mut firing = world.alert(kind::DRIFT_ALERT_FIRING, "real");
    firing.set(column::AGENT_ID.id(), "a".into());
    world.said(&firing);
    assert_eq!(state(&world.ready(""), "quiet").0, "satisfied", "nobody signed it");
    world.said(&world.signer.sign_alert(firing));
    assert_eq!(state(&world.ready(""), "quiet").0, "missing");
    world.recorded_act(kind::AGENT_RETIRED, json!({"reason": "end"}));
    assert_eq!(state(&world.ready(""), "registered"), ("missing", "the agent was retired"));
}

#[test]
fn forged_acts_and_those_of_other_tenants_have_no_effect() {
    let world = World::start();
    world.register(DIGEST);
    let before = world.ready("");
    for signed_for in [None, Some("log.example/b")] {
        for (number, kind) in [kind::CHANGE_APPROVED, kind::EVAL_SUITE_COMPLETED].iter().enumerate()
        {
            let event = EventBuilder::new(kind)
                .set(column::EVENT_ID, format!("{signed_for:?}{number}"))
                .set(column::EVENT_TIME, Timestamp::from_micros(5))
                .set(column::AGENT_ID, "a")
                .set(column::VERSION_DIGEST, DIGEST)
                .set(column::change::ID, "CHG-1")
                .set(column::change::TO_DIGEST, DIGEST)
                .set(column::eval::SUITE, "quality")
                .set(column::eval::GATE, "pass")
                .build()
                .unwrap();
            let event = match signed_for {
                None => event,
                Some(origin) => {
                    let other = Installation { origin: origin.into(), topic_prefix: String::new() };
                    governance::sign_act(&key("g", 1), &other, id(9), event).unwrap()
                }
            };
            let record = Outgoing::event_as_json(GOVERNANCE, &event).in_partition(0);
            publish_and_wait(&*world.log.producer(), vec![record], PATIENCE).unwrap();
        }
    }
    let change = json!({"id": "CHG-1", "to_digest": DIGEST});
    let tenant = json!({"tenant_id": "t", "change": change});
    world.recorded_act(kind::CHANGE_APPROVED, tenant);
    let after = world.ready("");
    assert_eq!(after["rules"], before["rules"]);
    assert_eq!(after["forged_records"], 4);
}

#[test]
fn a_question_that_cannot_be_answered_is_told_so() {
    let world = World::start();
    for (path, field) in [
        ("/v1/ready/sha256:AA".to_owned(), "digest"),
        ("/v1/ready/%1b%5b2K".to_owned(), "digest"),
        (format!("/v1/ready/{DIGEST}?agent=a"), "agent_id"),
    ] {
        let refused = world.request(&path, &[], None);
        assert_eq!((refused.status, refused.fields()), (400, vec![field]), "{path}");
    }
    world.register(DIGEST);
    world.recorded_act(
        kind::AGENT_VERSION_CREATED,
        json!({"agent_id": "b", "agent_version": "v2", "version_digest": DIGEST}),
    );
    let refused = world.request(&format!("/v1/ready/{DIGEST}"), &[], None);
    assert_eq!(refused.fields(), ["agent_id"], "{}", refused.body);
    assert_eq!(world.ready("?agent_id=b")["agent_id"], "b");
    assert_eq!(state(&world.ready("?agent_id=b"), "registered").0, "satisfied");
    let config = ready::Config { require: vec!["registerd".into()] };
    assert!(config.problems()[0].contains("`registerd` is none"), "{:?}", config.problems());
    let nobody = world.request(&format!("/v1/ready/{DIGEST}"), &[("authorization", "")], None);
    assert_eq!(nobody.status, 401);
}
