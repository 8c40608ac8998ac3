//! A processor on Apache Kafka that is killed without warning is back at once, with the group's own
//! timeouts: it takes its partitions again instead of waiting until its dead self has timed out, and
//! no fixed wait is on the way.

use std::time::Duration;

use tests::restart::{Loaded, time_of_a_record};
use tests::world::World;
use tests::{wait, workspace};

/// More than a loaded machine needs; less than a read that waits for records that do not come (10 s)
/// or the session of a dead member (45 s).
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn a_killed_processor_is_back_before_its_session_could_time_out() {
    let keys = workspace::variable("DRIFTSEAL_RESTART_KEYS")
        .and_then(|keys| keys.parse().ok())
        .unwrap_or(20_000);
    let Some(mut loaded) = Loaded::start("restart_kafka", keys, "") else { return };
    for _ in 0..3 {
        let restart = loaded.kill_and_restart();
        println!("{restart}");
        assert_eq!(restart.keys, u64::from(keys), "{}", restart.said);
        assert!(restart.records > 0, "everything was in the snapshot: {}", restart.said);
        assert!(restart.every <= LIMIT, "{restart}\n{}", restart.said);
    }
}

#[test]
fn of_two_processors_with_one_id_the_first_becomes_a_dynamic_member_and_they_share() {
    let hurried = "[processor]\nretry_pause_ms = 200\n";
    let Some(world) = World::start_as_deployed("restart_kafka", hurried) else { return };
    let log = world.log();
    let mut first = world.role_as("first", "processor");
    println!("alone: {:?}", time_of_a_record(&*log));
    let mut second = world.role_as("second", "processor");
    wait::until("the partitions to be shared", Duration::from_secs(60), || {
        let shares = |said: &str| said.contains("partitions assigned count=3");
        (shares(&first.said()) && shares(&second.said())).then_some(())
    });
    assert!(first.said().contains("as a dynamic member"), "{}", first.last_words());
    assert!(!second.said().contains("as a dynamic member"), "{}", second.last_words());
    println!("shared: {:?}", time_of_a_record(&*log));
    let (first_ended, second_ended) = (first.restart_if_ended(), second.restart_if_ended());
    assert!(!first_ended && !second_ended, "{}\n{}", first.last_words(), second.last_words());
}
