//! The sealer as a process that is killed without warning while it seals from Apache Kafka to S3.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use archive::Archive;
use event::column;
use evidence::{FsckReport, Policy};
use ports::{Outgoing, publish_and_wait};
use segment::layout::{self, SegmentName};
use segment::manifest::{Manifest, SegmentManifest};
use segment::read::{ReadError, for_each_row};
use tests::kafka::TestKafka;
use tests::process::Role;
use tests::rng::Rng;
use tests::s3::proxy::{Fault, Request};
use tests::{wait, workspace};

use crate::world::{World, sealed, verify};

/// Rounds in which each step of a seal is the slow one; a kill ends each round.
const ROUNDS: u64 = 3;
/// Kills.
const KILLS: u64 = ROUNDS * Step::ALL.len() as u64;
/// Events of a part of a round: before the wait for a seal, and before the kill.
const EVENTS: u64 = 1_500;
/// A kill comes within so many milliseconds after the last event was acknowledged.
const KILL_MS_MAX: u64 = 1_000;
/// How long everything may take to be sealed once the kills have stopped.
const LIMIT: Duration = Duration::from_secs(120);
/// How long a sealer may take from its start to its first commit.
const ROUND_LIMIT: Duration = Duration::from_secs(60);
/// Seed unless another one is given: the kills are the same in every run.
const SEED: u64 = 9;

/// Where a sealer stands: the object that it reads or writes, in the order of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Puts a segment or reads it back.
    Segment,
    /// Puts a census or reads it back.
    Census,
    /// Creates the commit.
    Commit,
    /// Puts tiles and entry bundles.
    Tiles,
    /// Puts the checkpoint.
    Checkpoint,
    /// Puts the head.
    Head,
}

impl Step {
    const ALL: [Self; 6] =
        [Self::Segment, Self::Census, Self::Commit, Self::Tiles, Self::Checkpoint, Self::Head];

    /// The step that a request belongs to.
    fn of(request: &Request) -> Option<Self> {
        let names = |directory: &str| request.target.contains(&format!("/{directory}"));
        if names(layout::DATA) {
            return Some(Self::Segment);
        }
        if names(layout::CENSUS) {
            return Some(Self::Census);
        }
        // Whoever reads these looks for the news.
        if request.method != "PUT" {
            return None;
        }
        [
            (layout::COMMITS, Self::Commit),
            ("log/tile", Self::Tiles),
            (layout::CHECKPOINT, Self::Checkpoint),
            (layout::HEADS, Self::Head),
        ]
        .into_iter()
        .find_map(|(directory, step)| names(directory).then_some(step))
    }
}

/// A store in which every request takes a moment and those of one step take long, before or after
/// they are done; now and then an answer is lost.
fn weather(world: &World, mut rng: Rng, slow: Step) {
    world.proxy.plan(move |request| {
        if rng.chance(0.02) {
            return Some(Fault::LostAnswer);
        }
        let wait_ms = if Step::of(request) == Some(slow) { 300 } else { rng.below(10) };
        let wait = Duration::from_millis(wait_ms);
        Some(if rng.chance(0.5) { Fault::Slow(wait) } else { Fault::Delayed(wait) })
    });
}

/// The step that a sealer is in, by the log of the proxy. It makes one request at a time, so that
/// it waits for the answer to the last one or has just got it.
fn stands_at(requests: &[Request]) -> Option<Step> {
    requests.last().and_then(Step::of)
}

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
orphan_wait_secs = 0
segment_rows_max = 400
segment_age_ms_max = 300
heartbeat_age_ms_max = 300
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
    let seed = workspace::variable("SEED").map_or(SEED, |seed| seed.parse().unwrap());
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

    let direct = world.direct();
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
    let mut commits = 1;
    let mut points: BTreeMap<Option<Step>, u32> = BTreeMap::new();
    let mut removals = 0;
    for number in 0..KILLS {
        let slow = Step::ALL[usize::try_from(number).unwrap() % Step::ALL.len()];
        // The proxy forgets requests with each plan.
        removals += removals_of(&world);
        weather(&world, Rng::new(rng.next()), slow);
        publish();
        wait::until("a commit since the last kill", ROUND_LIMIT, || {
            sealer.restart_if_ended();
            direct.exists(&layout::commit(commits)).unwrap().then_some(())
        });
        publish();
        std::thread::sleep(Duration::from_millis(rng.below(KILL_MS_MAX)));
        let requests = world.proxy.requests();
        sealer.kill_and_restart();
        *points.entry(stands_at(&requests)).or_default() += 1;
        // Also what the dead one had under way may become a commit.
        while direct.exists(&layout::commit(commits)).unwrap() {
            commits += 1;
        }
    }
    let published = publish();

    let policy = std::fs::read_to_string(keys.join("policy.txt")).unwrap();
    let policy = Policy::parse(&policy).unwrap();
    removals += removals_of(&world);
    world.proxy.plan(|_| None);
    wait::until("everything to be sealed", LIMIT, || {
        sealer.restart_if_ended();
        (sealed(&direct, &policy) >= published).then_some(())
    });
    assert_eq!(sealer.stop(), Some(0), "{}", sealer.last_words());
    let report = verify(&direct, &policy, published);
    let orphans = orphans(&report, &direct, &policy);
    println!(
        "{} events in {} segments and {} commits, {} starts, {orphans} orphans, killed at {points:?}",
        report.events,
        report.segments,
        report.commits,
        sealer.starts(),
    );
    every_event_is_sealed_once(&direct, &policy, published);
    let in_a_seal: u32 = Step::ALL.iter().filter_map(|step| points.get(&Some(*step))).sum();
    assert!(u64::from(in_a_seal) * 2 >= KILLS, "most kills hit a seal: {points:?}");
    let hit = Step::ALL.iter().filter(|step| points.contains_key(&Some(**step))).count();
    assert!(hit >= 4, "the kills hit a seal at different steps: {points:?}");
    removals += removals_of(&world);
    println!("{removals} removals");
    assert!(
        removals > 0,
        "some kill came between a segment and its commit, and what it left is removed"
    );
}

/// Requests that remove objects, since the last plan; object stores delete in bulk.
fn removals_of(world: &World) -> usize {
    world.proxy.requests().iter().filter(|request| request.is("POST", "?delete")).count()
}

/// Findings of a report, all of which must be what a kill may leave: objects of a segment that were
/// put before their commit, in a range that was sealed again since.
fn orphans(report: &FsckReport, direct: &Archive, policy: &Policy) -> usize {
    let log = evidence::read_log(direct, policy, &mut |_| {}).unwrap();
    for finding in &report.findings {
        let path = &finding.fault.place;
        assert_eq!(finding.fault.step, "named by a manifest", "{finding:?}");
        if path.starts_with(layout::CENSUS) {
            continue;
        }
        let name = SegmentName::parse(path).unwrap();
        let covers = |manifest: &SegmentManifest| {
            let facts = &manifest.facts;
            facts.partition == *name.partition()
                && (facts.first_offset..facts.next_offset).contains(&name.first_offset())
        };
        let mut segments = log.entries.iter().filter_map(|entry| {
            let Manifest::Segment(segment) = &entry.opened.manifest else { return None };
            Some(segment)
        });
        assert!(segments.any(|segment| covers(segment)), "{path} was sealed again");
    }
    report.findings.len()
}

/// Every event that was acknowledged stands in exactly one row.
fn every_event_is_sealed_once(direct: &Archive, policy: &Policy, published: u64) {
    let log = evidence::read_log(direct, policy, &mut |_| {}).unwrap();
    let mut rows: BTreeMap<String, u32> = BTreeMap::new();
    for entry in &log.entries {
        let Manifest::Segment(segment) = &entry.opened.manifest else { continue };
        let parquet = direct.get(&segment.parquet_path).unwrap();
        for_each_row(&parquet, |_, row| {
            let run = row.event.text(column::RUN_ID).unwrap().to_owned();
            *rows.entry(run).or_default() += 1;
            Ok::<(), ReadError>(())
        })
        .unwrap();
    }
    let expected = (0..published).map(|number| (format!("r{number}"), 1)).collect();
    assert_eq!(rows, expected);
}
