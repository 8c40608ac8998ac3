//! Sealers on S3: under faults, and two of them at once.

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

/// Faults at random.
fn storm(proxy: &Proxy, seed: u64) {
    let mut rng = Rng::new(seed);
    proxy.plan(move |_| {
        if !rng.chance(0.2) {
            return None;
        }
        Some(match rng.below(7) {
            0 => Fault::Refused(503, "SlowDown"),
            1 => Fault::Denied(500, "InternalError"),
            2 => Fault::Refused(409, "ConditionalRequestConflict"),
            3 => Fault::Denied(409, "ConditionalRequestConflict"),
            4 => Fault::Broken,
            5 => Fault::LostAnswer,
            _ => Fault::Truncated,
        })
    });
}

/// Ends the sealers when dropped, also by a failed assertion, whose scope waits for them.
struct Stop<'a>(&'a Shutdown);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.trigger();
    }
}

/// Seals in rounds with as many sealers as archives, until everything is; their errors.
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
    println!("sealers ended with an error: {errors:?}");
    errors.len()
}

#[test]
fn a_sealer_under_every_fault_seals_everything_once() {
    let Some(world) = World::start("s3_storm") else { return };
    let seed = workspace::seed();
    println!("SEED={seed}");
    let direct = world.direct();
    let mut sealing = Sealing::init(&direct);
    storm(&world.proxy, seed);
    seal(&mut sealing, &[world.archive()], &direct);
    sealing.verify(&direct);
}

#[test]
fn two_sealers_that_race_under_faults_seal_everything_once() {
    let Some(world) = World::start("s3_race") else { return };
    let seed = workspace::seed();
    println!("SEED={seed}");
    let direct = world.direct();
    let mut sealing = Sealing::init(&direct);
    let other = Proxy::start(world.server.endpoint());
    storm(&world.proxy, seed);
    storm(&other, seed ^ 0x5eed);
    let options = world.server.options(other.url());
    let archives = [world.archive(), world.archive_with(&options)];
    seal(&mut sealing, &archives, &direct);
    sealing.verify(&direct);
    for proxy in [&world.proxy, &other] {
        let commits = proxy.requests();
        let commits = commits.iter().filter(|request| request.is("PUT", "/log/commit/")).count();
        assert!(commits > 0, "both have tried to commit");
    }
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
    seal(&mut sealing, &[world.archive()], &direct);
    sealing.verify(&direct);
}
