//! Large objects, which are uploaded in parts.

use archive::{ArchiveError, Creation};
use bytes::Bytes;
use tests::s3::proxy::{Fault, Request};

use crate::world::World;

const PATH: &str = "data/v1/large.parquet";
const BYTES: usize = 37_000_000;

fn large() -> Bytes {
    (0..BYTES).map(|at| u8::try_from(at / 1000 % 251).unwrap_or_default()).collect()
}

fn is_part(request: &Request) -> bool {
    request.is("PUT", "partNumber=")
}

fn is_completion(request: &Request) -> bool {
    request.method == "POST" && !request.target.contains("uploads")
}

fn unfinished(world: &World) -> usize {
    if world.server.is_child() { world.server.unfinished_uploads(&world.location) } else { 0 }
}

#[test]
fn a_large_object_is_created_in_parts_whatever_fails_in_passing() {
    let Some(world) = World::start("s3_parts") else { return };
    let (archive, object) = (world.archive(), large());
    let (mut part, mut completion) = (0, 0);
    world.proxy.plan(move |request| {
        part += usize::from(is_part(request));
        completion += usize::from(is_completion(request));
        match (part, completion) {
            (1, _) if is_part(request) => Some(Fault::Refused(503, "SlowDown")),
            (2, _) if is_part(request) => Some(Fault::LostAnswer),
            (_, 1) if is_completion(request) => Some(Fault::Refused(500, "InternalError")),
            _ => None,
        }
    });
    assert_eq!(archive.create_object(PATH, &object), Ok(Creation::Ours));
    let requests = world.proxy.requests();
    assert!(requests.iter().filter(|request| is_part(request)).count() >= 3, "{requests:?}");
    let completions: Vec<_> = requests.iter().filter(|request| is_completion(request)).collect();
    assert!(completions.iter().all(|request| request.is_conditional), "{completions:?}");
    assert_eq!(world.direct().get(PATH).as_ref(), Ok(&object));

    let exists = Err(ArchiveError::AlreadyExists { path: PATH.into() });
    assert_eq!(archive.put_new(PATH, object.slice(1..)), exists);
    assert_eq!(world.direct().get(PATH).as_ref(), Ok(&object));
    assert_eq!(unfinished(&world), 0);
}

#[test]
fn a_lost_answer_of_the_completion_is_found_out() {
    let Some(world) = World::start("s3_parts_lost") else { return };
    let (archive, object) = (world.archive(), large());
    world.proxy.fail(1, Fault::LostAnswer, is_completion);
    assert_eq!(archive.create_object(PATH, &object), Ok(Creation::Ours));
    assert_eq!(world.direct().get(PATH).as_ref(), Ok(&object));
}

#[test]
fn an_upload_that_is_gone_after_a_lost_answer_was_completed() {
    let Some(world) = World::start("s3_parts_gone") else { return };
    let (archive, object) = (world.archive(), large());
    let mut completion = 0;
    world.proxy.plan(move |request| {
        completion += u32::from(is_completion(request));
        match completion {
            1 if is_completion(request) => Some(Fault::Denied(500, "InternalError")),
            _ if is_completion(request) => Some(Fault::Refused(404, "NoSuchUpload")),
            _ => None,
        }
    });
    assert_eq!(archive.create_object(PATH, &object), Ok(Creation::Ours));
    assert_eq!(world.direct().get(PATH).as_ref(), Ok(&object));
}

#[test]
fn an_upload_that_fails_is_aborted_and_leaves_no_parts() {
    let Some(world) = World::start("s3_parts_aborted") else { return };
    let (archive, object) = (world.archive(), large());
    for fails in [is_part as fn(&Request) -> bool, is_completion] {
        world.proxy.fail(usize::MAX, Fault::Refused(503, "SlowDown"), fails);
        let error = archive.create_object(PATH, &object).unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        let requests = world.proxy.requests();
        assert!(requests.iter().any(|request| request.is("DELETE", "uploadId=")), "{requests:?}");
        assert_eq!(world.direct().exists(PATH), Ok(false));
        assert_eq!(unfinished(&world), 0);
    }
    world.proxy.plan(|_| None);
    assert_eq!(archive.create_object(PATH, &object), Ok(Creation::Ours));
}
