//! Ingest and processing go on while the archive cannot be used, or the sealer cannot go on; what was
//! accepted meanwhile is sealed exactly once when it can.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use event::column;
use segment::read::{ReadError, for_each_row};
use serde_json::json;
use service::metric_names::PROCESSOR_RECORDS_READ;

use crate::mounted;
use crate::world::{World, http, object};

/// Events that are sent at once.
const AT_ONCE: usize = 40;

/// An installation that is used while its archive is not.
struct Used {
    world: World,
    /// Identifiers of events that were acknowledged.
    sent: Vec<String>,
}

impl Used {
    /// With keys and an archive, in a directory that may be there already.
    fn new(prepare: impl FnOnce(&World)) -> Self {
        let mut world = World::new();
        world.set([
            ("DRIFTSEAL__SEALER__SEGMENT_AGE_MS_MAX", "100"),
            ("DRIFTSEAL__SEALER__ATTEMPTS_MAX", "2"),
            ("DRIFTSEAL__SEALER__RETRY_PAUSE_MS", "100"),
            ("DRIFTSEAL__EVIDENCE__CHECK_INTERVAL_SECS", "1"),
        ]);
        prepare(&world);
        world.said(&["log", "init", "--origin", "log.example.com/a"]);
        Self { world, sent: Vec::new() }
    }

    fn archive(&self) -> PathBuf {
        archive(&self.world)
    }

    fn get(&self, path: &str) -> String {
        http(&self.world.environment[0].1, &format!("GET {path}"), "")
    }

    /// What a metric without labels says.
    fn metric(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics");
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.trim().parse().unwrap())
    }

    /// Sends events, which are acknowledged and processed.
    fn send(&mut self, series: &str) {
        let read = self.metric(PROCESSOR_RECORDS_READ);
        for number in 0..AT_ONCE {
            let id = format!("{series}-{number}");
            let event =
                json!({"kind": "run.completed", "event_id": id, "agent_id": "a", "run_id": id});
            let collector = &self.world.environment[0].1;
            let answer = http(collector, "POST /v1/events", &event.to_string());
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            self.sent.push(id);
        }
        let wanted = read + AT_ONCE as u64;
        self.world.until("what was sent to be processed", || {
            self.metric(PROCESSOR_RECORDS_READ) >= wanted
        });
    }

    /// Waits until the sealer is not ready for this reason, which a log line says too; the others are
    /// ready.
    fn waits_because(&self, reason: &str) {
        self.world.until(reason, || {
            let said = self.get("/readyz/sealer");
            said.starts_with("HTTP/1.1 503") && said.contains(reason)
        });
        assert!(self.world.log().contains(reason), "{}", self.world.log());
        for role in ["", "/collector", "/processor"] {
            let said = self.get(&format!("/readyz{role}"));
            assert!(said.starts_with("HTTP/1.1 200"), "{role}: {said}");
        }
        let metrics = self.get("/metrics");
        assert!(metrics.contains("driftseal_role_ready{role=\"sealer\"} 0"), "{metrics}");
        assert!(metrics.contains("driftseal_role_ready{role=\"processor\"} 1"), "{metrics}");
    }

    /// How often each event is sealed.
    fn sealed(&self) -> BTreeMap<String, u32> {
        let mut sealed = BTreeMap::new();
        let output = self.world.run(&["segments", "driftseal/archive"]);
        if !output.status.success() {
            return sealed;
        }
        for segment in object(&output)["segments"].as_array().unwrap() {
            let Ok(bytes) = std::fs::read(segment["location"].as_str().unwrap()) else { continue };
            for_each_row(&bytes.into(), |_, row| {
                if let Some(id) = row.event.text(column::EVENT_ID) {
                    *sealed.entry(id.to_owned()).or_default() += 1;
                }
                Ok::<(), ReadError>(())
            })
            .unwrap();
        }
        sealed
    }

    /// Waits until everything is sealed and every role is ready; it is sealed once, and all holds.
    fn is_sealed_once(&self) {
        self.world.until("what was accepted to be sealed", || {
            let sealed = self.sealed();
            self.sent.iter().all(|id| sealed.contains_key(id))
        });
        let doubled: Vec<_> = self.sealed().into_iter().filter(|(_, rows)| *rows != 1).collect();
        assert!(doubled.is_empty(), "{doubled:?}");
        for role in ["sealer", "evidence", "collector", "processor"] {
            self.world
                .until(role, || self.get(&format!("/readyz/{role}")).starts_with("HTTP/1.1 200"));
        }
        let (archive, policy) = ("driftseal/archive", "driftseal/keys/policy.txt");
        let report = self.world.said(&["fsck", archive, "--policy", policy]);
        assert_eq!(report["verdict"], "VERIFIED", "{report}");
    }
}

fn archive(world: &World) -> PathBuf {
    world.directory.path().join("driftseal/archive")
}

#[test]
fn an_archive_that_goes_away_and_comes_back() {
    let mut used = Used::new(|_| {});
    used.world.up();
    used.send("before");
    used.is_sealed_once();

    let (archive, away) = (used.archive(), used.world.directory.path().join("away"));
    std::fs::rename(&archive, &away).unwrap();
    used.send("without");
    used.waits_because("archive");
    assert!(used.get("/readyz/nobody").starts_with("HTTP/1.1 404"));
    // Several starts later the process is still there.
    std::thread::sleep(Duration::from_secs(2));
    used.send("still");
    assert!(!archive.exists(), "it may be a mount point");

    std::fs::rename(&away, &archive).unwrap();
    used.is_sealed_once();
    used.world.stop();
}

#[test]
fn an_archive_that_is_not_there_at_the_start() {
    let mut used = Used::new(|_| {});
    let (archive, away) = (used.archive(), used.world.directory.path().join("away"));
    std::fs::rename(&archive, &away).unwrap();
    used.world.up();
    used.send("without");
    used.waits_because("sealing waits for the archive: failed to open the archive");
    assert!(used.get("/readyz/evidence").contains("failed to open the archive"));
    // A mount point appears before what is mounted there.
    std::fs::create_dir(&archive).unwrap();
    used.waits_because("sealing waits for the archive: no transparency log");
    std::fs::remove_dir(&archive).unwrap();

    std::fs::rename(&away, &archive).unwrap();
    used.is_sealed_once();
    used.world.stop();
}

#[test]
fn a_wrong_configuration_ends_the_process_and_says_what_to_do() {
    let world = World::new();
    let without_keys = world.failed(&["up"], 1);
    assert!(without_keys.contains("`driftseal log init` creates the keys"), "{without_keys}");
    let used = Used::new(|_| {});
    std::fs::rename(used.archive(), used.world.directory.path().join("away")).unwrap();
    // It is there and answers that it has no log.
    std::fs::create_dir(used.archive()).unwrap();
    let wrong = used.world.failed(&["up"], 1);
    assert!(wrong.contains("no transparency log in the archive"), "{wrong}");
    assert!(wrong.contains("mounted?") && wrong.contains("driftseal log init"), "{wrong}");
}

#[test]
fn an_archive_is_of_one_log_and_another_log_begins_its_own() {
    let mut used = Used::new(|_| {});
    used.world.up();
    used.send("first");
    used.is_sealed_once();
    used.world.stop();

    // As if somebody pointed a second installation at the archive, or the log was lost.
    let second = ("DRIFTSEAL__EMBEDDED__DIRECTORY", "driftseal/second-log");
    let tries = |arguments: &[&str]| {
        let output = used.world.command(arguments).env(second.0, second.1).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        object(&output)["error"]["message"].to_string()
    };
    let refused = tries(&["up"]);
    for says in
        ["is of the cluster", "`embedded.directory`", "`archive.url`", "`driftseal log init`"]
    {
        assert!(refused.contains(says), "{refused}");
    }
    let init = ["log", "init", "--origin", "log.example.com/a"];
    assert!(tries(&init).contains("there is a transparency log"), "it is not taken over");
    // The first one was not harmed.
    used.world.up();
    used.send("again");
    used.is_sealed_once();
    used.world.stop();

    // The repair: an archive of its own, with the keys that there are.
    used.world.set([second, ("DRIFTSEAL__ARCHIVE__URL", "driftseal/second")]);
    used.world.said(&init);
    used.world.up();
    used.send("second");
    used.world.stop();
    let policy = "driftseal/keys/policy.txt";
    for (archive, least) in [("driftseal/archive", 2 * AT_ONCE), ("driftseal/second", AT_ONCE)] {
        let report = used.world.said(&["fsck", archive, "--policy", policy]);
        assert_eq!(report["verdict"], "VERIFIED", "{report}");
        assert!(report["events"].as_u64().unwrap() >= least as u64, "{report}");
    }
}

#[test]
fn a_log_that_is_damaged_stops_the_sealer_only_until_it_is_repaired() {
    let mut used = Used::new(|_| {});
    used.world.up();
    used.send("before");
    used.is_sealed_once();

    // What follows from the next commits stands there already, with other bytes.
    let tiles = used.archive().join("log/tile/0/000.p");
    let wrong: Vec<PathBuf> = (2..100)
        .map(|width: u32| tiles.join(width.to_string()))
        .filter(|path| {
            let file = std::fs::File::create_new(path);
            file.is_ok_and(|mut file| file.write_all(b"else").is_ok())
        })
        .collect();
    used.send("damaged");
    used.waits_because("differs from what the commits of the transparency log say");
    assert!(used.world.log().contains("somebody must look at it"), "{}", used.world.log());
    used.send("still");

    wrong.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    used.is_sealed_once();
    used.world.stop();
}

#[test]
fn a_full_archive() {
    if !mounted::is_alone("archive::a_full_archive") {
        return;
    }
    let mut used = Used::new(|world| mounted::mount(&archive(world)));
    used.world.up();
    used.send("before");
    used.is_sealed_once();

    // A few small objects still fit, and no segment.
    let filler = used.archive().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}
    file.set_len(file.metadata().unwrap().len() - 3 * 4_096).unwrap();
    drop(file);
    used.send("full");
    used.waits_because("No space left on device");
    std::thread::sleep(Duration::from_secs(2));
    used.send("still");

    std::fs::remove_file(&filler).unwrap();
    used.is_sealed_once();
    used.world.stop();
}

#[test]
fn a_read_only_archive() {
    if !mounted::is_alone("archive::a_read_only_archive") {
        return;
    }
    let mut used = Used::new(|world| mounted::mount(&archive(world)));
    used.world.up();
    used.send("before");
    used.is_sealed_once();

    let archive = used.archive();
    used.world.until("a read-only archive", || mounted::remount(&archive, "ro"));
    used.send("read-only");
    used.waits_because("Read-only file system");
    // Also of a process that starts.
    used.world.end();
    used.world.up();
    used.send("started");
    used.waits_because("Read-only file system");

    assert!(mounted::remount(&archive, "rw"));
    used.is_sealed_once();
    used.world.stop();
}
