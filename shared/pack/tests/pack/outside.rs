//! Rows whose broker times are not in the range that the sealer signed for their segment.

use segment::fault::Judgement;

use crate::common::{Lie, Line, START_MS, World, run_completed};
use crate::container::unzip;
use crate::export::export;
use crate::{check, rezip, scope};

/// Runs of an agent, received at these milliseconds of the period, by a sealer that lies or not.
fn world(lie: Lie) -> World {
    let mut world = World::new();
    world.lie = lie;
    let at = |(run, ms): (u32, i64)| -> Line { run_completed("agent-a", run, START_MS + ms) };
    world.commit(&[("agent.events", 0, (0..).zip([20, 10, 40]).map(at).collect())]);
    world
}

#[test]
fn a_row_outside_the_times_of_its_segment_is_found_whoever_signed_it() {
    let honest = export(&world(|_| {}), &scope("agent-a")).unwrap();
    assert_eq!(check(&honest).verdict, Judgement::Verified);
    let lies: [(Lie, &str); 2] = [
        (|facts| facts.min_timestamp_ms = facts.first_timestamp_ms, "offset 101"),
        (|facts| facts.max_timestamp_ms = facts.first_timestamp_ms, "offset 102"),
    ];
    for (lie, place) in lies {
        // No pack is made of them: so the log is that of a pack without rows, and the rows are those of a
        // pack of the same records.
        let mut forged = unzip(&honest);
        let of_the_log = unzip(&export(&world(lie), &scope("nobody")).unwrap());
        for (name, content) in of_the_log {
            if name == "checkpoint" || name.starts_with("log/") {
                forged.insert(name, content);
            }
        }
        let report = check(&rezip(forged));
        let fault = report.fault.as_ref().unwrap_or_else(|| panic!("{report}"));
        assert_eq!(fault.step, "timestamp in the segment", "{report}");
        assert!(fault.place.contains(place), "{report}");
    }
}

#[test]
fn what_no_pack_can_tell_is_said_by_each() {
    // The sealer moves its segment out of the period: no row of it is asked for, and none is missing.
    let moved = world(|facts| {
        for at in [
            &mut facts.min_timestamp_ms,
            &mut facts.first_timestamp_ms,
            &mut facts.max_timestamp_ms,
        ] {
            *at -= crate::DAY_MS;
        }
    });
    let report = check(&export(&moved, &scope("agent-a")).unwrap());
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    let text = report.to_string();
    assert!(text.contains("events  NONE") && text.contains("only `driftseal fsck`"), "{text}");
}
