//! Who consumes is who should, on real Apache Kafka: installations share nothing, a member that was
//! fenced, suspended or cut off comes back, and whoever subscribes to more gets it. Every acknowledged
//! event is sealed exactly once, and each role is ready when it works and says why when it does not.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod installation;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use event::{TopicPartition, kind};
use ports::{Outgoing, Polled, Subscription, publish_and_wait};
use service::clock::Stopwatch;
use service::metric_names::GROUP_PARTITIONS_UNOWNED;
use tests::receiver::Receiver;
use tests::world::{EVENTS, PARTITIONS, World};
use tests::{readiness, wait};

use installation::{Installation, notifier};

/// Topic that the sealer begins to seal later.
const CONTROLS: &str = "driftseal.controls";
/// How long anything may take to become true.
const LIMIT: Duration = Duration::from_secs(60);
/// Twice the session timeout of the roles.
const TWO_SESSIONS: Duration = Duration::from_secs(4);
/// Longer than the notifier waits for a heartbeat.
const OUTAGE: Duration = Duration::from_secs(35);

#[test]
fn two_installations_of_three_processes_a_role_share_nothing() {
    let hook = Receiver::start();
    let Some(world) = World::start_with("identity_kafka", &notifier(&hook)) else { return };
    let other = world.beside("other.example/log", "t.", &notifier(&hook));
    let mut installations = [
        Installation::start(world, EVENTS, 3),
        Installation::start(other, &format!("t.{EVENTS}"), 1),
    ];
    for round in 0..2 {
        for installation in &mut installations {
            installation.are_ready();
            installation.send(300);
        }
        for installation in &mut installations {
            installation.all_is_sealed_once();
        }
        if round == 0 {
            // The rest of the three take over what one had.
            installations[0].processes.retain_mut(|process| {
                let stays = !process.name().ends_with('1');
                if !stays {
                    process.kill();
                }
                stays
            });
        }
    }
    for installation in &mut installations {
        installation.stop();
    }
    let [first, second] = &installations;
    assert!(first.has_sealed(EVENTS) && !first.has_sealed(&format!("t.{EVENTS}")));
    assert!(!second.has_sealed(EVENTS) && second.has_sealed(&format!("t.{EVENTS}")));
}

#[test]
fn a_member_that_was_fenced_suspended_or_cut_off_comes_back() {
    let hook = Receiver::start();
    let Some(world) = World::start_with("identity_kafka", &notifier(&hook)) else { return };
    let mut installation = Installation::start(world, EVENTS, 1);
    installation.are_ready();

    // Other processes of the same names.
    let second = |role| (role, installation.namesake(role));
    let mut seconds = ["sealer", "notifier"].map(second);
    for (role, second) in &seconds {
        readiness::wait_for(second, role, LIMIT);
        wait::until("the first one to be fenced", LIMIT, || {
            installation.first(role).said().contains("fenced").then_some(())
        });
    }
    installation.are_ready();
    installation.send(300);
    installation.all_is_sealed_once();
    installation.notifier_reads_on();
    for (_, second) in &mut seconds {
        assert_eq!(second.stop(), Some(0), "{}", second.last_words());
    }

    // Suspended for longer than their sessions.
    let all = |signal| installation.processes.iter().for_each(|process| process.signal(signal));
    all("STOP");
    thread::sleep(TWO_SESSIONS);
    all("CONT");
    installation.send(300);
    installation.all_is_sealed_once();
    installation.are_ready();
    installation.notifier_reads_on();

    // No broker for longer than that, and than the monitor may be silent.
    let away = Stopwatch::start();
    installation.world.kafka().kill(1).unwrap();
    installation.none_is_ready();
    while !away.has_passed(OUTAGE) {
        thread::sleep(Duration::from_millis(100));
    }
    installation.world.kafka().restart().unwrap();
    installation.are_ready();
    installation.send(300);
    installation.all_is_sealed_once();
    // A notifier that blamed the monitor would do so at once.
    thread::sleep(Duration::from_secs(5));
    let blamed = hook.requests().into_iter().map(|request| request.body);
    let blamed = blamed.filter(|body| String::from_utf8_lossy(body).contains(kind::MONITOR_DEAD));
    assert_eq!(blamed.count(), 0, "the monitor was no deader than the notifier");

    installation.stop();
}

#[test]
fn a_sealer_with_more_topics_gets_all_of_their_partitions() {
    let Some(world) = World::start("identity_kafka") else { return };
    let topics = format!(r#"["{EVENTS}"]"#);
    let few = BTreeMap::from([("DRIFTSEAL__SEALER__TOPICS".to_owned(), topics)]);
    let mut before = world.role_with("sealer-of-one-topic", "sealer", &few);
    readiness::wait_for(&before, "sealer", LIMIT);
    before.kill();
    // At once: the old member is still there.
    let sealer = world.role("sealer");
    let mut installation = Installation::of(world, EVENTS, vec![sealer]);
    installation.are_ready();
    installation.send(100);
    installation.all_is_sealed_once();
    installation.send_to(CONTROLS, 100);
    installation.is_sealed_to_the_end(CONTROLS, PARTITIONS);
    let unowned = wait::until("a count of what nobody has", LIMIT, || {
        let values = readiness::values(installation.sealer(), GROUP_PARTITIONS_UNOWNED);
        values.ok()?.first().copied()
    });
    assert!(unowned.abs() < f64::EPSILON, "{unowned} partitions in nobody's hands");

    // Partitions that are added are in nobody's hands until somebody asks for them.
    let log = installation.world.log();
    let topics = vec![CONTROLS.to_owned()];
    let mut member =
        log.consumer(Subscription::Group { group: "another".to_owned(), topics }).unwrap();
    wait::until("an assignment", LIMIT, || {
        matches!(member.poll(Duration::from_millis(100)), Ok(Polled::Assigned(_))).then_some(())
    });
    assert_eq!(member.unowned().unwrap(), Some(BTreeSet::new()));
    let added = TopicPartition::new(CONTROLS, PARTITIONS);
    let more = usize::try_from(PARTITIONS).unwrap() + 1;
    installation.world.operator().grow(CONTROLS, more).unwrap();
    wait::until("the new partition to be missed", LIMIT, || {
        (member.unowned().unwrap()? == BTreeSet::from([added.clone()])).then_some(())
    });
    // Whoever returns at once is another member, and gets it.
    installation.processes[0].kill_and_restart();
    let record =
        Outgoing { topic: CONTROLS.into(), value: Some(b"{}".to_vec()), ..Outgoing::default() };
    let record = record.in_partition(PARTITIONS);
    publish_and_wait(&*log.producer(), vec![record], LIMIT).unwrap();
    installation.is_sealed_to_the_end(CONTROLS, PARTITIONS + 1);
    installation.stop();
}
