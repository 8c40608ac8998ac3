//! One object at a time, with each fault of S3.

use std::time::Duration;

use archive::{ArchiveError, Creation, Options};
use bytes::Bytes;
use tests::s3::proxy::{Fault, Request};

use crate::world::World;

const PATH: &str = "log/commit/1";

fn is_creation(request: &Request) -> bool {
    request.is("PUT", PATH)
}

fn is_read(request: &Request) -> bool {
    request.is("GET", PATH)
}

fn bytes() -> [Bytes; 2] {
    [&b"ours"[..], b"theirs"].map(Bytes::from_static)
}

/// The object as the first of two creators finds it, and the second after it, whatever the fault.
fn first_wins_under(test: &str, count: usize, fault: Fault) {
    let Some(world) = World::start(test) else { return };
    let (archive, [ours, theirs]) = (world.archive(), bytes());
    world.proxy.fail(count, fault, is_creation);
    assert_eq!(archive.create_object(PATH, &ours), Ok(Creation::Ours), "{fault:?}");
    assert_eq!(world.direct().get(PATH), Ok(ours.clone()), "{fault:?}");
    world.proxy.fail(count, fault, is_creation);
    let lost = archive.create_object(PATH, &theirs);
    assert_eq!(lost, Ok(Creation::Theirs(ours.clone())), "{fault:?}");
    assert_eq!(world.direct().get(PATH), Ok(ours), "{fault:?}");
}

#[test]
fn a_lost_answer_of_a_creation_is_found_out() {
    first_wins_under("s3_lost_answer", 1, Fault::LostAnswer);
}

#[test]
fn an_error_after_the_creation_is_found_out() {
    first_wins_under("s3_error_after", 1, Fault::Denied(500, "InternalError"));
}

#[test]
fn a_conflict_is_repeated_when_there_is_no_object() {
    first_wins_under("s3_conflict_absent", 2, Fault::Refused(409, "ConditionalRequestConflict"));
}

#[test]
fn a_conflict_is_found_out_when_there_is_the_object() {
    first_wins_under("s3_conflict_present", 1, Fault::Denied(409, "ConditionalRequestConflict"));
}

#[test]
fn throttling_is_waited_out() {
    first_wins_under("s3_throttled", 3, Fault::Refused(503, "SlowDown"));
}

#[test]
fn a_conflict_without_end_is_unavailable_and_never_a_loss() {
    let Some(world) = World::start("s3_conflict_for_ever") else { return };
    let (archive, [ours, _]) = (world.archive(), bytes());
    let conflict = Fault::Refused(409, "ConditionalRequestConflict");
    world.proxy.fail(usize::MAX, conflict, is_creation);
    let error = archive.create_object(PATH, &ours).unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(error.to_string().contains("ConditionalRequestConflict"), "{error}");
    let attempts = world.proxy.requests().iter().filter(|request| is_creation(request)).count();
    assert_eq!(attempts, 1 + world.options().retries_max, "the repetitions are bounded");
    world.proxy.plan(|_| None);
    assert_eq!(archive.create_object(PATH, &ours), Ok(Creation::Ours));
}

#[test]
fn a_connection_that_breaks_before_anything_leaves_it_unknown_and_a_repetition_creates() {
    let Some(world) = World::start("s3_broken") else { return };
    let (archive, [ours, _]) = (world.archive(), bytes());
    world.proxy.fail(1, Fault::Broken, is_creation);
    let error = archive.create_object(PATH, &ours).unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(archive.create_object(PATH, &ours), Ok(Creation::Ours));
}

#[test]
fn a_read_survives_lost_truncated_throttled_and_meaningless_answers() {
    let Some(world) = World::start("s3_reads") else { return };
    let archive = world.archive();
    let object = Bytes::from(vec![7; 300_000]);
    archive.put_new(PATH, object.clone()).unwrap();
    for fault in [
        Fault::Broken,
        Fault::LostAnswer,
        Fault::Truncated,
        Fault::Refused(503, "SlowDown"),
        Fault::Refused(500, "InternalError"),
        Fault::Refused(409, "OperationAborted"),
        Fault::Refused(412, "PreconditionFailed"),
    ] {
        world.proxy.fail(2, fault, is_read);
        assert_eq!(archive.get(PATH).as_ref(), Ok(&object), "{fault:?}");
        world.proxy.fail(2, fault, is_read);
        let range = archive.get_range(PATH, 100_000..200_000);
        assert_eq!(range.map(|bytes| bytes.len()), Ok(100_000), "{fault:?}");
        world.proxy.fail(2, fault, |request| request.is_listing());
        assert_eq!(archive.list("log").map(|listed| listed.len()), Ok(1), "{fault:?}");
    }
}

#[test]
fn a_replacement_survives_every_answer_that_decides_nothing() {
    let Some(world) = World::start("s3_replacement") else { return };
    let (archive, [ours, theirs]) = (world.archive(), bytes());
    for (fault, is_applied) in [
        (Fault::LostAnswer, true),
        (Fault::Denied(500, "InternalError"), true),
        (Fault::Denied(409, "OperationAborted"), true),
        (Fault::Refused(409, "OperationAborted"), false),
        (Fault::Refused(412, "PreconditionFailed"), false),
        (Fault::Refused(503, "SlowDown"), false),
    ] {
        world.proxy.plan(|_| None);
        archive.put(PATH, theirs.clone()).unwrap();
        world.proxy.fail(2, fault, is_creation);
        assert_eq!(archive.put(PATH, ours.clone()), Ok(()), "{fault:?}");
        assert_eq!(world.direct().get(PATH).as_ref(), Ok(&ours), "{fault:?}");
        let attempts = world.proxy.requests().iter().filter(|request| is_creation(request)).count();
        assert_eq!(attempts, 3, "{fault:?}");

        archive.put(PATH, theirs.clone()).unwrap();
        world.proxy.fail(usize::MAX, fault, is_creation);
        let error = archive.put(PATH, ours.clone()).unwrap_err();
        assert!(error.is_unavailable(), "{fault:?}: {error}");
        let expected = if is_applied { &ours } else { &theirs };
        assert_eq!(world.direct().get(PATH).as_ref(), Ok(expected), "{fault:?}");
    }
}

#[test]
fn a_conflict_without_end_of_a_read_is_unavailable() {
    let Some(world) = World::start("s3_conflict_read") else { return };
    let archive = world.archive();
    archive.put_new(PATH, &b"x"[..]).unwrap();
    for (status, code) in [(409, "OperationAborted"), (412, "PreconditionFailed")] {
        world.proxy.fail(usize::MAX, Fault::Refused(status, code), |_| true);
        for error in [
            archive.get(PATH).unwrap_err(),
            archive.exists(PATH).unwrap_err(),
            archive.get_range(PATH, 0..1).unwrap_err(),
            archive.list("log").unwrap_err(),
        ] {
            assert!(error.is_unavailable(), "{status}: {error}");
        }
    }
}

#[test]
fn an_answer_that_takes_too_long_is_not_waited_for() {
    let Some(world) = World::start("s3_slow") else { return };
    let [ours, _] = bytes();
    let patience = Options { request_timeout: Duration::from_millis(700), ..world.options() };
    let archive = world.archive_with(&patience);
    world.proxy.fail(1, Fault::Slow(Duration::from_secs(3)), is_creation);
    assert_eq!(archive.create_object(PATH, &ours), Ok(Creation::Ours), "it was applied");
    world.proxy.fail(1, Fault::Slow(Duration::from_secs(3)), is_read);
    assert_eq!(archive.get(PATH), Ok(ours));
}

#[test]
fn a_refusal_is_not_repeated() {
    let Some(world) = World::start("s3_denied") else { return };
    let (archive, [ours, _]) = (world.archive(), bytes());
    world.proxy.fail(usize::MAX, Fault::Refused(403, "AccessDenied"), |_| true);
    let error = archive.create_object(PATH, &ours).unwrap_err();
    assert!(matches!(error, ArchiveError::Refused { .. }), "{error}");
    assert_eq!(world.proxy.requests().len(), 1);
}

#[test]
fn a_bucket_that_does_not_exist_is_no_empty_archive() {
    let Some(world) = World::start("s3_no_bucket") else { return };
    let options = world.options();
    let handle = world.runtime.handle().clone();
    let archive = archive::Archive::open_with("s3://no-such-bucket/x", &options, handle).unwrap();
    for error in [
        archive.get(PATH).unwrap_err(),
        archive.put_new(PATH, &b"x"[..]).unwrap_err(),
        archive.list("log").unwrap_err(),
    ] {
        assert!(matches!(error, ArchiveError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("NoSuchBucket"), "{error}");
    }
}
