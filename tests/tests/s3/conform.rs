//! The suite that every archive passes.

use archive::conformance::suite;

use crate::world::World;

#[test]
fn s3_conforms() {
    let Some(world) = World::start("s3_conforms") else { return };
    suite(&world.direct()).unwrap();
}

#[test]
fn s3_conforms_without_a_prefix_and_through_the_proxy() {
    let Some(mut world) = World::start("s3_conforms_without_a_prefix") else { return };
    if world.server.is_child() {
        // The bucket is empty, and nobody else's.
        let (bucket, _) = world.location.rsplit_once('/').unwrap();
        world.location = bucket.to_owned();
    }
    suite(&world.archive()).unwrap();
}
