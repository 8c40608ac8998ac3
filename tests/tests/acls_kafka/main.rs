//! The shipped ACLs on a real broker with an authorizer: the commands of `acls.sh` grant each role, a user
//! of its own, what it needs; what it must not do is denied; and a role that lacks a permission names it.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed step fails the test")]

mod installation;

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::Duration;

use event::{TopicPartition, column};
use ports::{EventLog, LogError, Outgoing, Polled, Subscription};
use serde_json::Value;
use service::clock::{Stopwatch, now_ms};
use tests::process::Role;
use tests::receiver::Receiver;
use tests::sealed::Sealed;
use tests::send::{run, send};
use tests::world::{ALERTS, EVENTS, GOVERNANCE, METRICS};
use tests::{readiness, wait};

use installation::{Installation, USERS, said};

const LIMIT: Duration = Duration::from_secs(60);
/// How long a topic is read from which nothing may come; the brokers answer sooner.
const ANSWERED: Duration = Duration::from_millis(500);
const ROLES: [&str; 5] = ["collector", "processor", "sealer", "notifier", "evidence"];
const CONTROLS: &str = "driftseal.controls";
const STATE: &str = "driftseal.state";
const TOPICS: [&str; 6] = [EVENTS, GOVERNANCE, METRICS, ALERTS, CONTROLS, STATE];
const BY: [&str; 4] = ["--by", "ana", "--reason", "a test"];

/// What a user may write and read; nothing else.
fn allowed(user: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match user {
        "agent" | "collector" => (&[EVENTS], &[]),
        "processor" => {
            (&[EVENTS, METRICS, ALERTS, STATE], &[EVENTS, GOVERNANCE, METRICS, ALERTS, STATE])
        }
        "sealer" => (&[], &[EVENTS, GOVERNANCE, METRICS, ALERTS, CONTROLS]),
        "notifier" => (&[ALERTS, STATE], &[ALERTS, STATE, GOVERNANCE]),
        "evidence" => (&[GOVERNANCE, CONTROLS], &[GOVERNANCE, CONTROLS, ALERTS]),
        _ => (&[], &[]),
    }
}

/// Tries to write a record to each topic.
fn write(log: &dyn EventLog, topics: &[&str]) -> Vec<Result<(), LogError>> {
    let record = |topic: &&str| Outgoing {
        topic: (*topic).into(),
        partition: Some(0),
        value: Some(b"{}".to_vec()),
        ..Outgoing::default()
    };
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |answers| drop(sender.send(answers)));
    log.producer().publish(topics.iter().map(record).collect(), done).unwrap();
    let answers = receiver.recv_timeout(LIMIT).unwrap();
    answers.into_iter().map(|answer| answer.map(drop)).collect()
}

/// Tries to read a topic from its beginning for so long.
fn read(log: &dyn EventLog, topic: &str, limit: Duration) -> Result<(), LogError> {
    let partition = TopicPartition::new(topic, 0);
    let mut consumer = log.consumer(Subscription::Partitions(vec![partition.clone()]))?;
    let mut sought = None;
    while !sought.as_ref().is_some_and(|watch: &Stopwatch| watch.has_passed(limit)) {
        match consumer.poll(Duration::from_millis(100))? {
            Polled::Assigned(_) => {
                consumer.seek(&partition, 0)?;
                sought = Some(Stopwatch::start());
            }
            Polled::Batch(_) => return Ok(()),
            Polled::Idle | Polled::Revoked(_) => {}
        }
    }
    Ok(())
}

/// Each user is denied every topic that it has no business with.
fn what_was_not_granted_is_denied(installation: &Installation) {
    for user in USERS {
        let log = installation.log(user);
        let (writes, reads) = allowed(user);
        let others = |granted: &[&str]| {
            TOPICS.into_iter().filter(|topic| !granted.contains(topic)).collect::<Vec<_>>()
        };
        let denied = others(writes);
        for (topic, answer) in denied.iter().zip(write(&log, &denied)) {
            let error = answer.expect_err(&format!("{user} may write {topic}")).to_string();
            assert!(error.contains(&format!("denies `Write` on topic `{topic}`")), "{error}");
        }
        for topic in others(reads) {
            let answer = read(&log, topic, LIMIT);
            let error = answer.expect_err(&format!("{user} may read {topic}")).to_string();
            let says = |operation| error.contains(&format!("`{operation}` on topic `{topic}`"));
            assert!(error.contains("denies") && (says("Read") || says("Describe")), "{error}");
        }
        for topic in reads {
            assert_eq!(read(&log, topic, ANSWERED), Ok(()), "{user} may read {topic}");
        }
    }
}

/// Events of agents; their identifiers.
fn events(series: &str, count: usize) -> (Vec<Value>, Vec<String>) {
    let id = |number| format!("{series}-{number}");
    let event = |number| run(&format!("agent-{}", number % 7), "1", &id(number), now_ms(), false);
    ((0..count).map(event).collect(), (0..count).map(id).collect())
}

/// Sends to a collector; what it answered.
fn post(collector: &Role, events: &[Value]) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.timeout_global(Some(LIMIT)).build().into();
    let body: String = events.iter().map(|event| format!("{event}\n")).collect();
    let url = format!("http://{}/v1/events", readiness::address(collector).unwrap());
    let request = agent.post(url).header("content-type", "application/x-ndjson");
    let mut answer = request.send(&body).unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

fn each_role_works(installation: &Installation) {
    let mut roles: Vec<Role> = ROLES.iter().map(|role| installation.role(role, role)).collect();
    for role in &roles {
        let name = ROLES.iter().find(|name| **name == role.name()).unwrap();
        readiness::wait_for(role, name, LIMIT);
    }
    let (direct, mut ids) = events("direct", 200);
    send(&installation.log("agent"), &direct);
    let (over_http, more) = events("http", 200);
    let (status, answer) = post(roles.first().unwrap(), &over_http);
    assert_eq!(status, 200, "{answer}");
    ids.extend(more);
    let act = ["suppress", "add", "--agent", "agent-1", "--for", "1h"];
    installation.succeed("evidence", &[&act[..], &BY].concat());

    let mut sealed = Sealed::open(&installation.archive(), &installation.policy());
    let said = || roles.iter().map(Role::last_words).collect::<Vec<_>>().join("\n");
    wait::until_said(said, LIMIT, || {
        sealed.refresh();
        let mut missing: HashSet<&str> = ids.iter().map(String::as_str).collect();
        sealed.rows(EVENTS, |_, row| {
            missing.remove(row.event.text(column::EVENT_ID).unwrap_or_default());
        });
        let is_there = |topic| !sealed.ends(topic).is_empty();
        // Heartbeats of the monitor are among the alerts.
        (missing.is_empty() && is_there(GOVERNANCE) && is_there(ALERTS)).then_some(())
    });
    for role in &mut roles {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
        for complaint in ["denies", "uthorization failed", "may not be read"] {
            assert!(!role.said().contains(complaint), "{}: {}", role.name(), role.said());
        }
    }
    let (archive, policy) = (installation.archive(), installation.policy());
    let (archive, policy) = (archive.to_str().unwrap(), policy.to_str().unwrap());
    installation.succeed("evidence", &["fsck", archive, "--policy", policy]);
}

/// A role, the operation and the resource that it lacks, and what it says.
type Lacking<'a> = (&'a str, &'a str, &'a [&'a str], &'a str);

fn a_role_names_the_permission_that_it_lacks(installation: &Installation) {
    let table: &[Lacking<'_>] = &[
        (
            "processor",
            "Read",
            &["--group", "driftseal-processor.", "--resource-pattern-type", "prefixed"],
            "denies `Read` on group `driftseal-processor.",
        ),
        ("sealer", "Read", &["--topic", METRICS], "denies `Read` on topic `driftseal.metrics`"),
        ("processor", "Write", &["--topic", ALERTS], "denies `Write` on topic `driftseal.alerts`"),
        ("notifier", "Read", &["--topic", STATE], "denies `Read` on topic `driftseal.state`"),
        ("collector", "Write", &["--topic", EVENTS], "denies `Write` on topic `agent.events`"),
    ];
    for (number, (user, operation, resource, says)) in table.iter().enumerate() {
        installation.change("--remove", user, operation, resource);
        let mut role = installation.role(&format!("{user}-{number}"), user);
        if *user == "collector" {
            readiness::wait_for(&role, user, LIMIT);
            let (status, answer) = post(&role, &events("denied", 1).0);
            assert_ne!(status, 200);
            assert!(answer.contains(says), "{answer}");
        }
        assert_eq!(role.wait(LIMIT), Some(1), "{}", role.last_words());
        assert!(role.said().contains(says), "`{says}` expected: {}", role.last_words());
        assert!(role.said().contains("acls.sh"), "{}", role.last_words());
        if number == 0 {
            // This user comes again.
            installation.change("--add", user, operation, resource);
        }
    }
    // The gateway has other things to do.
    installation.change("--remove", "evidence", "Write", &["--topic", GOVERNANCE]);
    let gateway = installation.role("evidence-lacking", "evidence");
    let act = ["suppress", "add", "--agent", "agent-2", "--for", "1h"];
    wait::until_said(
        || gateway.last_words(),
        LIMIT,
        || {
            let refused = installation.command("evidence", &[&act[..], &BY].concat());
            assert!(!refused.status.success());
            said(&refused).contains("denies `Write` on topic `driftseal.governance`").then_some(())
        },
    );
}

#[test]
fn the_shipped_acls_grant_each_role_what_it_needs_and_nothing_else() {
    let hook = Receiver::start();
    let Some(installation) = Installation::start(hook.url()) else { return };
    let denied = installation.command("admin", &["topics", "create"]);
    assert!(!denied.status.success(), "nothing is granted yet: {}", said(&denied));
    assert!(said(&denied).contains("denies"), "{}", said(&denied));

    installation.grant();
    installation.succeed("admin", &["topics", "create"]);
    installation.succeed("admin", &["log", "init", "--origin", "acls.example/log"]);
    what_was_not_granted_is_denied(&installation);
    each_role_works(&installation);
    a_role_names_the_permission_that_it_lacks(&installation);
}
