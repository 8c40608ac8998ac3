//! The sealer as a process that is killed without warning while it seals from Apache Kafka to S3.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evidence::Policy;
use ports::{Outgoing, publish_and_wait};
use tests::kafka::TestKafka;
use tests::process::Role;
use tests::rng::Rng;
use tests::s3::proxy::Fault;
use tests::{wait, workspace};

use crate::world::{World, sealed, verify};

/// Kills at least.
const KILLS: u32 = 12;
/// Events of a round; one round between two kills.
const EVENTS: u64 = 3_000;
/// How long everything may take to be sealed once the kills have stopped.
const LIMIT: Duration = Duration::from_secs(120);

fn configuration(world: &World, kafka: &TestKafka, keys: &Path) -> String {
    format!(
        r#"
[listen]
operations = "127.0.0.1:0"
[topics]
partitions = 3
[kafka]
brokers = ["{}"]
[kafka.client]
"session.timeout.ms" = "2000"
"heartbeat.interval.ms" = "400"
[archive]
url = "{}"
endpoint = "{}"
region = "us-east-1"
allow_http = true
[keys]
directory = "{}"
[sealer]
segment_rows_max = 400
segment_age_ms_max = 300
"#,
        kafka.bootstrap(),
        world.location,
        world.proxy.url(),
        keys.display()
    )
}

fn record(number: u64) -> Outgoing {
    Outgoing {
        topic: "agent.events".into(),
        partition: None,
        key: Some(format!("agent-{}", number % 7).into()),
        value: Some(
            format!(r#"{{"kind":"run.completed","agent_id":"agent","run_id":"r{number}"}}"#).into(),
        ),
        ..Outgoing::default()
    }
}

#[test]
fn a_sealer_that_is_killed_over_and_over_seals_everything_once() {
    let Some(world) = World::start("s3_kill") else { return };
    let kafka = match TestKafka::start() {
        Ok(kafka) => kafka,
        Err(error) => return workspace::not_run("s3_kill", &error.to_string()),
    };
    let seed = workspace::seed();
    println!("SEED={seed}");
    let mut rng = Rng::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("driftseal.toml");
    let keys = directory.path().join("keys");
    std::fs::write(&config, configuration(&world, &kafka, &keys)).unwrap();
    let config = config.to_str().unwrap();
    let binary = workspace::binary("driftseal");
    for arguments in [&["topics", "create"][..], &["log", "init", "--origin", "s3.example/log"]] {
        let output = Command::new(&binary)
            .args(["--config", config])
            .args(arguments)
            .envs(world.server.environment())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    // A slow store, so that a kill finds every step under way; and now and then a lost answer.
    let mut weather = Rng::new(seed ^ 1);
    world.proxy.plan(move |_| {
        Some(if weather.chance(0.02) {
            Fault::LostAnswer
        } else {
            Fault::Slow(Duration::from_millis(weather.below(25)))
        })
    });
    let mut sealer = Role::start_with(
        "sealer",
        &binary,
        &["--config", config, "run", "sealer"],
        directory.path(),
        world.server.environment(),
    );
    let log = kafka.log();
    let mut published = 0;
    let mut publish = || {
        let records = (published..published + EVENTS).map(record).collect();
        publish_and_wait(&*log.producer(), records, Duration::from_secs(30)).unwrap();
        published += EVENTS;
        published
    };
    for _ in 0..KILLS {
        publish();
        std::thread::sleep(Duration::from_millis(400 + rng.below(1_600)));
        sealer.kill_and_restart();
    }
    let published = publish();

    let direct = world.direct();
    let policy = std::fs::read_to_string(keys.join("policy.txt")).unwrap();
    let policy = Policy::parse(&policy).unwrap();
    world.proxy.plan(|_| None);
    wait::until("everything to be sealed", LIMIT, || {
        sealer.restart_if_ended();
        (sealed(&direct, &policy) >= published).then_some(())
    });
    assert_eq!(sealer.stop(), Some(0), "{}", sealer.last_words());
    let report = verify(&direct, &policy, published);
    println!(
        "{} events in {} segments and {} commits, {} starts, {} orphans and other warnings",
        report.events,
        report.segments,
        report.commits,
        sealer.starts(),
        report.findings.len()
    );
}
