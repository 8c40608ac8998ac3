//! How large a pack is for its events, and how much of it are proofs.

use segment::fault::Judgement;

use crate::common::{START_MS, World, run_completed};
use crate::export::export;
use crate::{check, facts, scope};

/// Compressed sizes of the entries whose names begin so, and of all.
fn sizes(pack: &[u8], prefix: &str) -> (usize, usize) {
    let number = |at: usize, bytes: usize| {
        pack[at..at + bytes].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    // The end of the directory has no comment.
    let mut at = number(pack.len() - 6, 4);
    let (mut of_prefix, mut all) = (0, 0);
    while pack[at..].starts_with(b"PK\x01\x02") {
        let (size, name) = (number(at + 20, 4), number(at + 28, 2));
        if pack[at + 46..at + 46 + name].starts_with(prefix.as_bytes()) {
            of_prefix += size;
        }
        all += size;
        at += 46 + name + number(at + 30, 2);
    }
    (of_prefix, all)
}

#[test]
fn a_pack_takes_300_bytes_an_event_and_few_of_them_for_proofs() {
    // Of rows that are all of one agent, and of rows of which every fourth is: then each needs nodes of
    // its own.
    for (agents, of_proofs_max) in [(1, 2), (4, 100)] {
        let mut world = World::new();
        for segment in 0..3_u32 {
            let line = |row: u32| {
                let agent = if row.is_multiple_of(agents) { "agent-a" } else { "agent-b" };
                run_completed(agent, segment * 4_000 + row, START_MS + i64::from(row))
            };
            world.commit(&[("agent.events", 0, (0..4_000).map(line).collect())]);
        }
        let pack = export(&world, &scope("agent-a")).unwrap();
        let report = check(&pack);
        assert_eq!(report.verdict, Judgement::Verified, "{report}");
        let events = usize::try_from(facts(&report).events).unwrap();
        assert_eq!(events, 12_000 / agents as usize);
        let (proofs, all) = sizes(&pack, "proofs/");
        let (of_proofs, of_all) = (proofs / events, all / events);
        assert!(proofs > 0 && of_proofs <= of_proofs_max, "{of_proofs} bytes an event of {of_all}");
        assert!(of_all <= 300, "{of_all} bytes an event");
    }
}
