//! Apache Kafka of three brokers that loses the one that leads: what was acknowledged is sealed exactly once,
//! no output is doubled, and every role is ready again.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed step fails the test; what happened is for whoever reads its output"
)]

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use service::clock::{Stopwatch, now_ms};
use tests::kafka::TestKafka;
use tests::process::Role;
use tests::receiver::Receiver;
use tests::recompute::sealed_events;
use tests::rng::Rng;
use tests::send::run;
use tests::settle::settle;
use tests::world::{ALERTS, EVENTS, GOVERNANCE, METRICS, World};
use tests::{readiness, wait, workspace};

const LIMIT: Duration = Duration::from_secs(60);
const ROLES: [&str; 5] = ["collector", "processor", "notifier", "sealer", "evidence"];
/// Topics of the installation.
const TOPICS: [&str; 5] = [EVENTS, METRICS, ALERTS, GOVERNANCE, "driftseal.state"];
const AGENTS: usize = 12;
/// Events of a request.
const CHUNK: usize = 24;
/// Events that are acknowledged while a broker is dead.
const WITHOUT: usize = 1_000;

/// What was sent so far, shared with the thread that sends.
#[derive(Debug, Default)]
struct Progress {
    acknowledged: AtomicUsize,
    /// The second version of each agent, which fails more often, is running.
    is_worse: AtomicBool,
    is_enough: AtomicBool,
}

/// What was acknowledged.
#[derive(Debug, Default)]
struct Sent {
    ids: Vec<String>,
    /// Sent again, because nothing was known about the first time.
    repeated: HashSet<String>,
}

/// Sends to the collector until it is enough, each request until it is accepted.
fn send(address: &str, seed: u64, progress: &Progress) -> Sent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.timeout_global(Some(LIMIT)).build().into();
    let (mut rng, mut sent) = (Rng::new(seed), Sent::default());
    let start_ms = now_ms() - 45 * 60_000;
    while !progress.is_enough.load(Ordering::Relaxed) {
        let is_worse = progress.is_worse.load(Ordering::Relaxed);
        let (version, share) = if is_worse { ("v2", 0.5) } else { ("v1", 0.05) };
        let (mut ids, mut body) = (Vec::new(), String::new());
        for _ in 0..CHUNK {
            let number = sent.ids.len() + ids.len();
            let time = start_ms + i64::try_from(number).unwrap() * 100;
            let (name, id) = (format!("agent-{}", number % AGENTS), format!("event-{number}"));
            let event = run(&name, version, &id, time, rng.chance(share));
            body += &format!("{event}\n");
            ids.push(id);
        }
        wait::until("the collector to accept", LIMIT, || {
            let request = agent.post(address).header("content-type", "application/x-ndjson");
            let answer = request.send(&body);
            let Some(mut answer) = answer.ok().filter(|answer| answer.status() == 200) else {
                sent.repeated.extend(ids.iter().cloned());
                return None;
            };
            let report = answer.body_mut().read_to_string().unwrap();
            let report: Value = serde_json::from_str(&report).unwrap();
            assert_eq!(report["accepted"], CHUNK, "{report}");
            Some(())
        });
        sent.ids.extend(ids);
        progress.acknowledged.store(sent.ids.len(), Ordering::Relaxed);
        thread::sleep(Duration::from_millis(10));
    }
    sent
}

/// The broker that leads most partitions of a topic of those that are left to be killed.
fn leader(world: &World, left: &[u32]) -> u32 {
    let mut led: BTreeMap<u32, usize> = left.iter().map(|node| (*node, 0)).collect();
    for partition in world.operator().replicas(EVENTS).unwrap() {
        let leader = u32::try_from(partition.leader).unwrap_or(0);
        led.entry(leader).and_modify(|partitions| *partitions += 1);
    }
    let most = led.into_iter().max_by_key(|(_, partitions)| *partitions).unwrap();
    println!("broker {} leads {} partitions of {EVENTS}", most.0, most.1);
    assert!(most.1 > 0, "it leads something");
    most.0
}

/// Kills a broker that has received what the others have not: only what was not acknowledged may be lost.
fn kill_ahead_of_the_others(kafka: &TestKafka, dead: u32) {
    let others = [1, 2, 3].into_iter().filter(|node| *node != dead);
    others.clone().for_each(|node| kafka.signal(node, "STOP").unwrap());
    thread::sleep(Duration::from_millis(500));
    kafka.kill(dead).unwrap();
    others.for_each(|node| kafka.signal(node, "CONT").unwrap());
}

/// Waits until every partition of every topic has so many replicas in sync, led by others than `dead`.
fn wait_in_sync(world: &World, replicas: usize, dead: Option<u32>) {
    let operator = world.operator();
    wait::until(&format!("{replicas} replicas of everything"), LIMIT, || {
        let of_topic = |topic: &&str| operator.replicas(topic).unwrap_or_default();
        let all: Vec<_> = TOPICS.iter().map(of_topic).collect();
        let is_led = |leader: i32| u32::try_from(leader).is_ok_and(|leader| Some(leader) != dead);
        let is_held = all.iter().all(|partitions| {
            let held = |held: &kafka::operate::Replicas| held.in_sync.len() >= replicas;
            !partitions.is_empty()
                && partitions.iter().all(|partition| held(partition) && is_led(partition.leader))
        });
        is_held.then_some(())
    });
}

fn are_ready(roles: &[Role]) {
    for role in roles {
        let name = ROLES.iter().find(|name| **name == role.name()).unwrap();
        readiness::wait_for(role, name, LIMIT);
    }
}

#[test]
fn nothing_is_lost_or_doubled_when_the_broker_that_leads_dies() {
    let hook = Receiver::start();
    let notifier = format!(
        "[notifier]\npoll_wait_ms = 50\nretry_pause_ms = 100\n[notifier.secrets]\n\
         hook = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n[notifier.sinks.hook]\n\
         type = 'webhook'\nurl = '{}'\ntoken_name = 'hook'\n",
        hook.url()
    );
    let watch = Stopwatch::start();
    let Some(world) = World::start_on_three("cluster_kafka", &notifier) else { return };
    wait_in_sync(&world, 3, None);
    let mut roles: Vec<Role> = ROLES.iter().map(|role| world.role(role)).collect();
    are_ready(&roles);
    println!("{:.0} s: every role is ready", watch.elapsed_secs());

    let seed = workspace::seed();
    println!("SEED={seed}");
    let url = format!("http://{}/v1/events", readiness::address(&roles[0]).unwrap());
    let progress = Progress::default();
    let acknowledged = |count: usize| {
        let wanted = progress.acknowledged.load(Ordering::Relaxed) + count;
        wait::until("events to be acknowledged", LIMIT, || {
            (progress.acknowledged.load(Ordering::Relaxed) >= wanted).then_some(())
        });
    };
    let sent = thread::scope(|scope| {
        let stop = StopOnDrop(&progress);
        let sender = scope.spawn(|| send(&url, seed, &progress));
        acknowledged(WITHOUT);
        let mut left = vec![1, 2, 3];
        while left.len() > 1 {
            let dead = leader(&world, &left);
            left.retain(|node| *node != dead);
            kill_ahead_of_the_others(world.kafka(), dead);
            acknowledged(WITHOUT);
            wait_in_sync(&world, 2, Some(dead));
            println!("{:.0} s: without broker {dead}", watch.elapsed_secs());
            progress.is_worse.store(true, Ordering::Relaxed);
            world.kafka().restart().unwrap();
            wait_in_sync(&world, 3, None);
            are_ready(&roles);
            println!("{:.0} s: with it, every role is ready", watch.elapsed_secs());
        }
        acknowledged(WITHOUT);
        drop(stop);
        sender.join().unwrap()
    });

    let ends = tests::flush::flush(&world);
    let (sealed, recomputed) = settle(&world, &ends);
    are_ready(&roles);
    for role in &mut roles {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
        assert_eq!(role.starts(), 1, "nobody started it again");
    }
    for (partition, end) in &ends {
        let rows = recomputed.rows[partition].iter().map(|(offset, _)| *offset);
        assert!(rows.eq(0..*end), "partition {partition}: offsets are not 0 to {end}, each once");
    }
    for id in &sent.ids {
        let rows = recomputed.event_ids.get(id).copied().unwrap_or(0);
        // A request whose answer was lost may be in the log twice; then it is sealed twice.
        let is_once = rows == 1 || (rows > 1 && sent.repeated.contains(id));
        assert!(is_once, "{id} is sealed {rows} times");
    }
    let mut outputs = 0;
    for (topic, wanted) in [(METRICS, &recomputed.metrics), (ALERTS, &recomputed.alerts)] {
        let (found, doubled) = sealed_events(&sealed, topic);
        assert_eq!(doubled, 0, "outputs in {topic} twice");
        for (id, event) in wanted {
            assert_eq!(found.get(id), Some(event), "output {id}");
        }
        outputs += wanted.len();
    }
    assert!(recomputed.alerts.len() >= AGENTS, "the worse versions are noticed");
    println!(
        "{} events acknowledged, {} sent again, each sealed once; {outputs} outputs",
        sent.ids.len(),
        sent.repeated.len()
    );
    world.fsck();
    world.replay();
    println!("{:.0} s in all", watch.elapsed_secs());
}

/// Tells the sender that it is enough, also when something fails.
struct StopOnDrop<'a>(&'a Progress);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.is_enough.store(true, Ordering::Relaxed);
    }
}
