//! A panic of the Parquet library is a finding, and says nothing more; one of our own is reported.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed step fails the test"
)]

#[path = "../../../shared/segment/tests/archive/common.rs"]
#[expect(dead_code, reason = "the tests of `segment` use all of it")]
mod common;
#[path = "../../../shared/segment/tests/archive/damage.rs"]
#[expect(dead_code, clippy::cast_possible_truncation, reason = "the lowest bits are meant")]
mod damage;

use std::sync::Mutex;

use common::{START_MS, World};
use damage::DAMAGES;

#[test]
fn a_panic_of_our_own_is_reported_and_one_behind_the_barrier_is_not() {
    static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    std::panic::set_hook(Box::new(|panic| REPORTED.lock().unwrap().push(panic.to_string())));
    driftseal::panics::install();
    let mut world = World::new();
    world.commit(&[("agent.events", 0, vec![common::run_completed("agent-a", 1, START_MS)])]);
    let (_, whole) = world.objects.iter().find(|(path, _)| path.ends_with(".parquet")).unwrap();
    // The last change is the one that only the barrier stops.
    let changed = (DAMAGES[DAMAGES.len() - 1].change)(whole);
    assert!(segment::read::check(&changed.into()).is_err());
    assert_eq!(*REPORTED.lock().unwrap(), [""; 0]);
    let ours = std::thread::spawn(|| panic!("a defect of ours"));
    assert!(ours.join().is_err());
    let reported = std::mem::take(&mut *REPORTED.lock().unwrap());
    assert!(reported.iter().any(|said| said.contains("a defect of ours")), "{reported:?}");
}
