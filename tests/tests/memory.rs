//! Packs are made and verified, and archives checked and replayed, in memory that does not grow with them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed step fails the test"
)]

#[path = "../../shared/segment/tests/archive/check.rs"]
#[expect(dead_code, reason = "the tests of `segment` use all of it")]
mod check;
#[path = "../../shared/segment/tests/archive/common.rs"]
#[expect(dead_code, reason = "the tests of `segment` use all of it")]
mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use common::{Line, START_MS, World};
use event::{BatchBuilder, Decoder, TimestampType, TopicPartition, encode_json};
use monitor::{Destination, Processor, Settings};
use tests::workspace;

const MIB: u64 = 1024 * 1024;

/// Records of the archive, and characters of the text that each holds.
const RECORDS: u32 = 1_600;
const CHARS: usize = 100_000;

/// Prints the largest memory that a program held on two cores, in KiB: `fsck` takes a thread for each
/// core, and each holds a segment.
const MEASURE: &str = "import os, resource, subprocess, sys\n\
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])\n\
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)\n\
    sys.stderr.write(done.stdout.decode()[-2000:])\n\
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
    sys.exit(done.returncode)";

/// A record with text that hardly compresses.
fn line(number: u32) -> Line {
    let mut state = u64::from(number) + 1;
    let mut text = String::with_capacity(CHARS + 16);
    while text.len() < CHARS {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        write!(text, "{:08x}", state >> 32).unwrap();
    }
    let json = format!(
        r#"{{"event_id":"e-{number}","kind":"run.completed","event_time":"2026-10-01T00:00:01Z","agent_id":"agent-a","run":{{"input":"{text}"}}}}"#
    );
    (START_MS + i64::from(number), json)
}

fn peak_bytes(python: &Path, words: &[&str]) -> u64 {
    let (peak, code, said) = measured(python, words);
    assert_eq!(code, Some(0), "{said}");
    peak
}

/// Runs of a command whose memory is compared. The peak of one run is up to 40 MiB more than that of the next
/// one, because threads meet differently and the allocator gives back when it likes: the least is what
/// the command needs.
const COMPARED_RUNS: usize = 3;

/// The least of the peaks of some runs of a command, bytes, and the end of what the last one said.
fn least_peak(python: &Path, words: &[&str]) -> (u64, String) {
    let runs = (0..COMPARED_RUNS).map(|_| measured(python, words));
    let least = runs.map(|(peak, _, said)| (peak, said)).reduce(|a, b| (a.0.min(b.0), b.1));
    least.unwrap()
}

/// The largest memory of a command, its exit code, and the end of what it said.
fn measured(python: &Path, words: &[&str]) -> (u64, Option<i32>, String) {
    let binary = workspace::binary("driftseal");
    let output =
        Command::new(python).args(["-c", MEASURE]).arg(binary).args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let peak = String::from_utf8_lossy(&output.stdout).trim().parse::<u64>();
    (peak.unwrap_or_else(|_| panic!("{said}")) * 1024, output.status.code(), said)
}

/// Writes the objects of an archive, its policy and its key into a directory.
fn write(world: &World, directory: &Path) {
    for (path, bytes) in &world.objects {
        let path = directory.join("archive").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let key = directory.join("key");
    std::fs::write(directory.join("policy"), common::policy().to_text()).unwrap();
    std::fs::write(&key, common::evidence_key().to_text()).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, mode).unwrap();
}

#[test]
fn a_pack_is_made_and_verified_in_bounded_memory() {
    let Some(python) = workspace::python() else {
        workspace::not_run("memory", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let mut world = World::new();
    for segment in 0..RECORDS / 100 {
        let lines = (segment * 100..(segment + 1) * 100).map(line).collect();
        world.commit(&[("agent.events", 0, lines)]);
    }
    write(&world, directory.path());
    drop(world);

    let (archive, policy, key, pack) = (at("archive"), at("policy"), at("key"), at("pack.zip"));
    let export = ["export", &archive, "--agent", "agent-a", "--policy", &policy, "--key", &key];
    let made = peak_bytes(&python, &[&export[..], &["-o", &pack]].concat());
    let size = std::fs::metadata(&pack).unwrap().len();
    let content = u64::from(RECORDS) * CHARS as u64;
    assert!(size > content, "a pack of {size} bytes");
    let verified = peak_bytes(&python, &["verify", &pack, "--policy", &policy]);
    println!(
        "a pack of {} MiB: made in {} MiB, verified in {} MiB",
        size / MIB,
        made / MIB,
        verified / MIB
    );
    // Its tables and files together hold twice the content, and the content is more than the limit
    // for verifying leaves beside one file.
    assert!(2 * content > 256 * MIB);
    assert!(verified <= 256 * MIB, "verified in {} MiB", verified / MIB);
    assert!(made <= 384 * MIB, "made in {} MiB", made / MIB);
}

/// Agents of a segment, each with one event.
const AGENTS: u32 = 40_000;

/// Segments of the two archives that are compared. The smaller one keeps all threads and both queues
/// of `fsck` full: from there on its memory stays the same.
const SEGMENTS: [u32; 2] = [8, 24];

#[test]
fn an_archive_of_many_agents_is_checked_in_memory_that_does_not_grow_with_them() {
    let Some(python) = workspace::python() else {
        workspace::not_run("memory", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::new();
    let mut peaks = Vec::new();
    for segment in 0..SEGMENTS[1] {
        let lines = (segment * AGENTS..(segment + 1) * AGENTS).map(|number| {
            let json = format!(
                r#"{{"event_id":"e-{number}","kind":"run.completed","event_time":"2026-10-01T00:00:01Z","agent_id":"agent-{number:032}"}}"#
            );
            (START_MS + i64::from(number), json)
        });
        world.commit(&[("agent.events", 0, lines.collect())]);
        if SEGMENTS.contains(&(segment + 1)) {
            write(&world, directory.path());
            let [archive, policy] = ["archive", "policy"]
                .map(|name| directory.path().join(name).to_string_lossy().into_owned());
            let words =
                |command: &'static str| [command, &archive, "--policy", &policy].map(str::to_owned);
            peaks.push(["fsck", "segments"].map(|command| {
                let words = words(command);
                let (peak, said) = least_peak(&python, &words.each_ref().map(String::as_str));
                assert!(command == "segments" || said.contains("VERIFIED"), "{said}");
                peak
            }));
        }
    }
    println!(
        "fsck, segments: {:?} MiB",
        peaks.iter().map(|peak| peak.map(|bytes| bytes / MIB)).collect::<Vec<_>>()
    );
    for (few, many) in peaks[0].iter().zip(peaks[1]) {
        assert!(
            many <= few + 32 * MIB,
            "{} MiB, {} MiB with three times the agents",
            few / MIB,
            many / MIB
        );
        assert!(many <= 256 * MIB, "{} MiB", many / MIB);
    }
}

/// Agents that are replayed, each with an event in every window of five minutes.
const WATCHED: u32 = 100;

/// Windows of the two archives that are compared: after a day of them the state of an agent has all that it
/// ever holds.
const WINDOWS: [u32; 2] = [300, 900];

/// Windows whose records are in one segment.
const OF_SEGMENT: u32 = 30;

/// What the processor makes of records in metrics, as it is sealed. What goes to alerts would have to be signed.
fn outputs(processor: &mut Processor, first_offset: i64, records: &[Line]) -> Vec<Line> {
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    for (offset, (at_ms, json)) in (first_offset..).zip(records) {
        let (by, value) = (TimestampType::LogAppendTime, Some(json.as_bytes()));
        batch.push(offset, *at_ms, by, None, value, std::iter::empty());
    }
    let (decoder, mut lines) = (Decoder::default(), Vec::new());
    for record in batch.build().records() {
        for output in processor.handle_record(&record, &decoder.decode(&record)) {
            if output.destination != Destination::Metrics {
                continue;
            }
            let json = String::from_utf8(encode_json(&output.event).unwrap()).unwrap();
            lines.push((record.timestamp_ms, json));
        }
    }
    lines
}

#[test]
fn an_archive_is_replayed_in_memory_that_does_not_grow_with_its_outputs() {
    let Some(python) = workspace::python() else {
        workspace::not_run("memory", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::new();
    let mut processor = Processor::new(Settings::default(), "agent.events", 0);
    let (mut peaks, mut sealed, mut first_offset) = (Vec::new(), 0, 100);
    for window in (0..WINDOWS[1]).step_by(OF_SEGMENT as usize) {
        let run = |number: u32| {
            let (window, agent) = (window + number / WATCHED, number % WATCHED);
            let at_ms = START_MS + i64::from(window) * 300_000;
            let json = format!(
                r#"{{"event_id":"e-{window}-{agent}","kind":"run.completed","agent_id":"agent-{agent}","agent_version":"v1","run":{{"status":"ok"}}}}"#
            );
            (at_ms + i64::from(agent), json)
        };
        let records: Vec<Line> = (0..OF_SEGMENT * WATCHED).map(run).collect();
        let computed = outputs(&mut processor, first_offset, &records);
        first_offset += i64::from(OF_SEGMENT * WATCHED);
        sealed += computed.len();
        world.commit(&[("agent.events", 0, records)]);
        if !computed.is_empty() {
            world.commit(&[("driftseal.metrics", 0, computed)]);
        }
        if WINDOWS.contains(&(window + OF_SEGMENT)) {
            write(&world, directory.path());
            let [archive, policy] = ["archive", "policy"]
                .map(|name| directory.path().join(name).to_string_lossy().into_owned());
            let (peak, said) = least_peak(&python, &["replay", &archive, "--policy", &policy]);
            // The archive begins late and nobody owns its partition, so the verdict is about that.
            assert!(said.contains(&format!(" {sealed} outputs the same, 0 different")), "{said}");
            peaks.push((peak, sealed));
        }
    }
    let [(few, few_outputs), (many, many_outputs)] = peaks[..] else { panic!("two archives") };
    println!(
        "replay: {} MiB of {few_outputs} outputs, {} MiB of {many_outputs}",
        few / MIB,
        many / MIB
    );
    assert!(many_outputs > 5 * few_outputs / 2, "{few_outputs}, {many_outputs}");
    // Of the last 262,144 outputs that were found it remembers some 60 bytes each. Were the outputs themselves
    // kept, it would be 100 MiB more.
    assert!(
        many <= few + 48 * MIB,
        "{} MiB, {} MiB with three times the outputs",
        few / MIB,
        many / MIB
    );
    assert!(many <= 256 * MIB, "{} MiB", many / MIB);
}
