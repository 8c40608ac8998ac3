//! Sealers on S3: under faults, and two of them at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use archive::Archive;
use service::Shutdown;
use tests::rng::Rng;
use tests::s3::proxy::{Fault, Proxy};
use tests::{wait, workspace};

use crate::world::{Sealing, World};

/// How long everything may take to be sealed.
const LIMIT: Duration = Duration::from_secs(120);
/// Events of each partition in each of a test's rounds.
const EVENTS: u64 = 150;

/// Faults of a storm that hit something: any request, and the creation of a commit.
type Hits = Arc<Mutex<BTreeMap<Fault, [u32; 2]>>>;

const CONFLICT: &str = "ConditionalRequestConflict";
const FAULTS: [Fault; 7] = [
    Fault::Refused(503, "SlowDown"),
    Fault::Denied(500, "InternalError"),
    Fault::Refused(409, CONFLICT),
    Fault::Denied(409, CONFLICT),
    Fault::Broken,
    Fault::LostAnswer,
    Fault::Truncated,
];

/// How long the first commits of two sealers that shall race are under way.
const RACE: Duration = Duration::from_millis(500);

/// Every fifth request meets a fault, at random, and so does one creation of a commit for certain: there
/// are too few of them for chance. Of seven requests that do, each meets another one.
///
/// With `race` the storm begins behind the first creation of a commit, which takes so long that
/// another sealer tries the same one.
fn storm(proxy: &Proxy, seed: u64, race: bool) -> Hits {
    let hits = Hits::default();
    let kept = Arc::clone(&hits);
    let mut rng = Rng::new(seed);
    let mut left = Vec::new();
    let (mut has_begun, mut has_hit_a_commit) = (!race, false);
    proxy.plan(move |request| {
        let is_commit = request.is("PUT", "/log/commit/");
        if !has_begun {
            has_begun = is_commit;
            return is_commit.then_some(Fault::Delayed(RACE));
        }
        if !rng.chance(0.2) && (has_hit_a_commit || !is_commit) {
            return None;
        }
        has_hit_a_commit |= is_commit;
        if left.is_empty() {
            left.extend(FAULTS);
        }
        let fault = left.swap_remove(usize::try_from(rng.below(left.len() as u64)).unwrap());
        let mut hits = kept.lock().unwrap();
        let [any, commits] = hits.entry(fault).or_default();
        *any += 1;
        *commits += u32::from(is_commit);
        Some(fault)
    });
    hits
}

/// Whether everything that was to happen has.
fn every_fault_has_hit(hits: &Hits) {
    let hits = hits.lock().unwrap();
    println!("faults that hit a request, and a creation of a commit: {hits:?}");
    assert_eq!(hits.len(), FAULTS.len(), "every kind of fault: {hits:?}");
    let commits: u32 = hits.values().map(|[_, commits]| commits).sum();
    assert!(commits > 0, "some creation of a commit met one: {hits:?}");
}

/// Ends the sealers when dropped, also by a failed assertion, whose scope waits for them.
struct Stop<'a>(&'a Shutdown);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.trigger();
    }
}

/// Seals in rounds with as many sealers as archives, until everything is; how often one ended with
/// an error and was started again by its supervisor.
fn seal(sealing: &mut Sealing, archives: &[Archive], direct: &Archive) -> usize {
    let shutdown = Shutdown::new();
    let rounds = 3;
    let (log, keys) = (sealing.log.clone(), sealing.keys.clone());
    let runner = Sealing::over(log, keys);
    let errors = std::thread::scope(|scope| {
        let stop = Stop(&shutdown);
        let sealers: Vec<_> = archives
            .iter()
            .enumerate()
            .map(|(number, archive)| {
                let config = Sealing::config(&format!("sealer-{number}"));
                let (runner, shutdown) = (&runner, &shutdown);
                scope.spawn(move || runner.supervise(&config, archive, shutdown))
            })
            .collect();
        for _ in 0..rounds {
            sealing.publish(EVENTS);
            wait::until("everything to be sealed", LIMIT, || {
                let ended = sealers.iter().any(std::thread::ScopedJoinHandle::is_finished);
                (ended || sealing.is_sealed(direct)).then_some(())
            });
        }
        drop(stop);
        sealers.into_iter().flat_map(|sealer| sealer.join().unwrap()).collect::<Vec<_>>()
    });
    println!("sealers ended with {} errors: {errors:?}", errors.len());
    errors.len()
}

#[test]
fn a_sealer_under_every_fault_seals_everything_once() {
    let Some(world) = World::start("s3_storm") else { return };
    let seed = workspace::seed();
    println!("SEED={seed}");
    let direct = world.direct();
    let mut sealing = Sealing::init(&direct);
    let hits = storm(&world.proxy, seed, false);
    seal(&mut sealing, &[world.archive()], &direct);
    sealing.verify(&direct);
    every_fault_has_hit(&hits);
}

#[test]
fn two_sealers_that_race_under_faults_seal_everything_once() {
    let Some(world) = World::start("s3_race") else { return };
    let seed = workspace::seed();
    println!("SEED={seed}");
    let direct = world.direct();
    let mut sealing = Sealing::init(&direct);
    let other = Proxy::start(world.server.endpoint());
    let hits = [storm(&world.proxy, seed, true), storm(&other, seed ^ 0x5eed, true)];
    let options = world.server.options(other.url());
    let archives = [world.archive(), world.archive_with(&options)];
    seal(&mut sealing, &archives, &direct);
    sealing.verify(&direct);
    hits.iter().for_each(every_fault_has_hit);
    // Both have tried to create the same commit, one of them with bytes of its own, and has lost: each
    // creates once more what it finds, so that it stays.
    let [ours, theirs] = [&world.proxy, &other].map(tried_commits);
    let raced = ours.iter().filter(|(path, bodies)| {
        theirs.get(*path).is_some_and(|others| bodies.union(others).count() > 1)
    });
    let raced = raced.count();
    println!("{} and {} commits were tried, {raced} by both", ours.len(), theirs.len());
    assert!(raced > 0, "the sealers have raced");
}

/// Commits that were created or tried, by path, with the bodies that were sent.
fn tried_commits(proxy: &Proxy) -> BTreeMap<String, BTreeSet<u64>> {
    let mut tried: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for request in proxy.requests() {
        if request.is("PUT", "/log/commit/") {
            tried.entry(request.target).or_default().insert(request.body);
        }
    }
    tried
}

#[test]
fn a_sealer_that_starts_from_listings_that_lag_loses_and_repeats_nothing() {
    let Some(world) = World::start("s3_lag") else { return };
    let direct = world.direct();
    let mut sealing = Sealing::init(&direct);
    world.proxy.lag(true);
    // The second sealer finds in no listing what the first one wrote.
    for _ in 0..2 {
        seal(&mut sealing, &[world.archive()], &direct);
        let listed = world.archive().list("log/commit").unwrap();
        let there = world.direct().list("log/commit").unwrap();
        assert!(listed.len() < there.len(), "{} of {}", listed.len(), there.len());
    }
    sealing.verify(&direct);
}

#[test]
fn a_burst_of_throttling_longer_than_the_patience_of_a_request_is_survived() {
    let Some(world) = World::start("s3_burst") else { return };
    let direct = world.direct();
    let mut sealing = Sealing::init(&direct);
    let mut number = 0;
    world.proxy.plan(move |_| {
        number += 1;
        (number % 60 < 25).then_some(Fault::Refused(503, "SlowDown"))
    });
    let ended = seal(&mut sealing, &[world.archive()], &direct);
    sealing.verify(&direct);
    let requests = world.proxy.requests();
    let bursts = requests.chunk_by(|one, next| one.answer == next.answer);
    let bursts = bursts.filter(|burst| burst.iter().all(|request| request.answer == Some(503)));
    let longest = bursts.map(<[_]>::len).max();
    assert!(longest > Some(world.options().retries_max + 1), "{longest:?} answers in a row");
    assert_eq!(ended, 0, "the sealer starts again by itself");
}
