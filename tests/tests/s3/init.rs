//! What `driftseal log init` and `driftseal run sealer` do with buckets that are not fit.

use std::process::{Command, Output};

use tests::s3::proxy::Fault;
use tests::workspace;

use crate::world::World;

/// Runs the binary with the archive behind the proxy.
fn driftseal(world: &World, directory: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(workspace::binary("driftseal"))
        .args(arguments)
        .current_dir(directory)
        .env("DRIFTSEAL__ARCHIVE__URL", &world.location)
        .env("DRIFTSEAL__ARCHIVE__ENDPOINT", world.proxy.url())
        .env("DRIFTSEAL__ARCHIVE__REGION", "us-east-1")
        .env("DRIFTSEAL__ARCHIVE__ALLOW_HTTP", "true")
        .envs(world.server.environment())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

const INIT: [&str; 4] = ["log", "init", "--origin", "s3.example/log"];

#[test]
fn a_bucket_that_ignores_the_condition_is_refused() {
    let Some(world) = World::start("s3_unconditional") else { return };
    let directory = tempfile::tempdir().unwrap();
    world.proxy.fail(usize::MAX, Fault::Unconditional, |_| true);
    let refused = driftseal(&world, directory.path(), &INIT);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("If-None-Match"), "{}", said(&refused));
    assert_eq!(world.direct().list("log").unwrap(), [], "no log was created");

    // With the condition it is a log, once.
    world.proxy.plan(|_| None);
    let created = driftseal(&world, directory.path(), &INIT);
    assert!(created.status.success(), "{}", said(&created));
    let again = driftseal(&world, directory.path(), &INIT);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert!(said(&again).contains("already"), "{}", said(&again));
    let shown = driftseal(&world, directory.path(), &["log", "checkpoint"]);
    assert!(said(&shown).starts_with("s3.example/log\n"), "{}", said(&shown));

    let location = world.location.as_str();
    let policy = directory.path().join("driftseal/keys/policy.txt");
    let checked = driftseal(
        &world,
        directory.path(),
        &["fsck", location, "--policy", policy.to_str().unwrap()],
    );
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn a_bucket_that_does_not_exist_is_named() {
    let Some(mut world) = World::start("s3_init_no_bucket") else { return };
    let directory = tempfile::tempdir().unwrap();
    world.location = "s3://no-such-bucket/x".into();
    let refused = driftseal(&world, directory.path(), &INIT);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("NoSuchBucket"), "{}", said(&refused));
    for secret in world.server.environment().values() {
        assert!(secret == "test" || !said(&refused).contains(secret.as_str()), "a secret is shown");
    }
}
