//! `kill -9` between the answer of a receiver and the event that notes it: the step is told again
//! under the same name with the same content, and the log holds one outcome.
//!
//! The parent is the receiver. It runs this very test program as a child that notifies from a log
//! in a directory, and kills it at the moment at which it has answered.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use embedded::{EmbeddedLog, Options};
use service::Shutdown;
use service::clock::now_ms;

use crate::common::{
    Manner, Receiver, config, create_topics, credentials, outcomes, publish, status, until, webhook,
};

const DIRECTORY: &str = "DRIFTSEAL_TEST_NOTIFIER_DIRECTORY";
const URL: &str = "DRIFTSEAL_TEST_NOTIFIER_URL";

pub(crate) fn open(directory: &Path) -> EmbeddedLog {
    let log = EmbeddedLog::open(Options::new(directory, now_ms)).unwrap();
    create_topics(&log);
    log
}

/// The child of the test below; does nothing when nobody told it what to read.
#[test]
fn child_notifies_until_it_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "how a parent tells its child where")]
    let (Ok(directory), Ok(url)) = (std::env::var(DIRECTORY), std::env::var(URL)) else { return };
    let log = open(Path::new(&directory));
    let config = config(&webhook("hook", &url));
    notifier::run(config, credentials(), Arc::new(log), Shutdown::new()).unwrap();
}

/// A child that notifies a URL from the log of a directory.
pub(crate) fn child(directory: &Path, url: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "kill::child_notifies_until_it_is_killed", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(URL, url)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_kill_between_answer_and_event_repeats_the_request_and_not_the_outcome() {
    const ALERTS: usize = 8;
    const KILLS: usize = 6;
    let directory = tempfile::tempdir().unwrap();
    {
        let log = open(directory.path());
        for number in 0..ALERTS {
            for step in ["pending", "firing", "resolved"] {
                publish(&log, "support", &format!("a-{number}"), step);
            }
        }
    }
    // Whoever answers kills the child, in turn before its answer leaves and right after it.
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let kills = Arc::new(Mutex::new(0_usize));
    // Children that are dead, whose log the next one may open.
    let dead = Arc::new(AtomicUsize::new(0));
    let receiver = {
        let (child, kills, dead) = (Arc::clone(&child), Arc::clone(&kills), Arc::clone(&dead));
        Receiver::start(move |number, _| {
            let mut kills = kills.lock().unwrap();
            // Not every request: some steps are to be noted between two kills.
            if *kills < KILLS
                && number % 3 == 2
                && let Some(mut child) = child.lock().unwrap().take()
            {
                *kills += 1;
                let dead = Arc::clone(&dead);
                let mut kill = move || {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    dead.fetch_add(1, Ordering::SeqCst);
                };
                if *kills % 2 == 0 {
                    return Manner::TakeThen(Box::new(kill));
                }
                kill();
            }
            status(200)
        })
    };
    let mut starts = 0;
    loop {
        *child.lock().unwrap() =
            Some(self::child(directory.path(), &receiver.url).spawn().unwrap());
        starts += 1;
        let mut seen = (0, service::clock::Stopwatch::start());
        until("a kill, or rest", || {
            let count = receiver.received().len();
            if count != seen.0 {
                seen = (count, service::clock::Stopwatch::start());
            }
            let is_gone = dead.load(Ordering::SeqCst) == starts;
            is_gone || count > 0 && seen.1.has_passed(std::time::Duration::from_secs(5))
        });
        if dead.load(Ordering::SeqCst) == starts {
            continue;
        }
        let mut child = child.lock().unwrap().take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        break;
    }
    assert_eq!((starts, *kills.lock().unwrap()), (KILLS + 1, KILLS));

    let log = open(directory.path());
    let found = outcomes(&log);
    assert_eq!(found.len(), 2 * ALERTS);
    for (key, outcomes) in &found {
        assert_eq!(outcomes.len(), 1, "{key:?}: {outcomes:?}");
    }
    let mut bodies: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for request in receiver.received() {
        let id = request.header("webhook-id").to_owned();
        bodies.entry(id).or_default().push(request.body);
    }
    assert_eq!(bodies.len(), 2 * ALERTS, "a receiver with a memory sees each step once");
    assert!(bodies.values().any(|same| same.len() > 1), "no request was repeated");
    for (id, same) in bodies {
        assert!(same.windows(2).all(|pair| pair[0] == pair[1]), "{id} said two things");
    }
}
