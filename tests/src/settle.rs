//! Waiting until an archive holds everything: the events up to where they end, and whatever follows
//! from them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::recompute::{Recomputed, sealed_events};
use crate::sealed::Sealed;
use crate::wait;
use crate::world::{ALERTS, EVENTS, METRICS, World};

/// Longest wait for each of the two.
const LIMIT: Duration = Duration::from_secs(180);

/// The archive when it holds all events before `ends`, which processor and sealer must be running
/// for, and every output that follows from these; and the outputs, computed again from the events.
///
/// # Panics
///
/// If something is not sealed in time.
#[must_use]
pub fn settle(world: &World, ends: &BTreeMap<i32, i64>) -> (Sealed, Recomputed) {
    let mut sealed = world.sealed();
    wait::until("every event to be sealed", LIMIT, || {
        sealed.refresh();
        let at = sealed.ends(EVENTS);
        let all = ends.iter().all(|(partition, end)| at.get(partition).is_some_and(|at| at >= end));
        all.then_some(())
    });
    let recomputed = Recomputed::from(&sealed, EVENTS, ends, &World::settings());
    let mut looked_at = None;
    wait::until("every output to be sealed", LIMIT, || {
        sealed.refresh();
        // Reading it all again is worth it only if there is more.
        if looked_at.replace(sealed.segments()) == Some(sealed.segments()) {
            return None;
        }
        let holds = |topic, wanted: &crate::recompute::Computed| {
            let (there, _) = sealed_events(&sealed, topic);
            wanted.keys().all(|id| there.contains_key(id))
        };
        let all = holds(METRICS, &recomputed.metrics) && holds(ALERTS, &recomputed.alerts);
        all.then_some(())
    });
    (sealed, recomputed)
}
