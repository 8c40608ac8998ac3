//! Kills the roles at seeded random moments, and starts them again at once, as a supervisor does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use service::clock::Stopwatch;
use tests::process::Role;
use tests::rng::Rng;
use tests::world::World;

/// Shortest and longest time between two kills, milliseconds. The shortest lets a kill fall into
/// the recovery from the one before.
const PAUSE_MS: (u64, u64) = (800, 4_500);

/// Time between two looks whether a role has ended by itself.
const STEP: Duration = Duration::from_millis(50);

/// The killing thread.
#[derive(Debug)]
pub(crate) struct Chaos {
    thread: Option<JoinHandle<BTreeMap<String, u32>>>,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU32>,
    wanted: u32,
}

impl Chaos {
    /// Starts the roles, and killing each of them at least so many times.
    pub(crate) fn start(world: &World, seed: u64, kills_of_each: u32) -> Self {
        let mut roles = world.roles();
        let stop = Arc::new(AtomicBool::new(false));
        let done = Arc::new(AtomicU32::new(0));
        let wanted = kills_of_each * u32::try_from(roles.len()).unwrap();
        let mut rng = Rng::new(seed ^ 0x6b69_6c6c);
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&done));
        let thread = thread::spawn(move || {
            let mut kills = BTreeMap::new();
            let mut next = pause(&mut rng);
            let mut watch = Stopwatch::start();
            while !stopped.load(Ordering::Relaxed) {
                thread::sleep(STEP);
                for role in &mut roles {
                    restart(role, &mut kills);
                }
                if watch.has_passed(next) && count.load(Ordering::Relaxed) < wanted {
                    // In turn, so that each gets its share; the moment is what is random.
                    let turn = count.fetch_add(1, Ordering::Relaxed) as usize % roles.len();
                    roles[turn].kill_and_restart();
                    *kills.entry(roles[turn].name().to_owned()).or_insert(0) += 1;
                    next = pause(&mut rng);
                    watch = Stopwatch::start();
                }
            }
            kills
        });
        Self { thread: Some(thread), stop, done, wanted }
    }

    /// Share of the kills that have been done.
    pub(crate) fn progress(&self) -> f64 {
        f64::from(self.done.load(Ordering::Relaxed)) / f64::from(self.wanted)
    }

    /// Waits for the last kill, ends, and kills the roles once more; how often each was killed
    /// before.
    pub(crate) fn stop(&mut self) -> BTreeMap<String, u32> {
        tests::wait::until("the last kill", Duration::from_secs(60), || {
            (self.done.load(Ordering::Relaxed) == self.wanted).then_some(())
        });
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

fn restart(role: &mut Role, kills: &mut BTreeMap<String, u32>) {
    if role.restart_if_ended() {
        println!("{} had ended by itself; {}", role.name(), role.last_words());
        kills.entry(role.name().to_owned()).or_insert(0);
    }
}

fn pause(rng: &mut Rng) -> Duration {
    Duration::from_millis(PAUSE_MS.0 + rng.below(PAUSE_MS.1 - PAUSE_MS.0))
}
