//! Records, a line each, sealed, checked, exported and verified: whatever is in them, the archive
//! is sound, its pack is verified, and the table in the pack holds no formula.

use pack::Trust;
use segment::fault::Judgement;

use crate::seeds;

/// More lines take longer and find nothing more.
const LINES_MAX: usize = 50;

pub(crate) fn run(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<_> = text
        .split('\n')
        .take(LINES_MAX)
        .zip(0..)
        .map(|(line, number)| (seeds::START_MS + number, line.to_owned()))
        .collect();
    let mut world = seeds::World::new();
    let sent = lines.len();
    world.commit(&[("agent.events", 0, lines)]);
    let report = world.fsck();
    assert_eq!(report.verdict, Judgement::Verified, "{}", report.to_text());
    assert_eq!(report.events, sent as u64);
    let pack = seeds::export(&world);
    let report = pack::verify(&pack, Trust { policy: Some(&seeds::policy()), earlier: None });
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    let entries = seeds::entries_of(&pack);
    // Without an event of the agent there is no table.
    let Some(table) = entries.get("events/00000.csv") else { return false };
    let mut reader = csv::Reader::from_reader(table.as_slice());
    let numbers = |cell: &str| cell.parse::<f64>().is_ok();
    let mut rows = 0;
    for row in reader.records() {
        let Ok(row) = row else { unreachable!("a row cannot be read again") };
        rows += 1;
        let formula = |cell: &&str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !numbers(cell);
        assert_eq!(row.iter().find(formula), None);
    }
    rows > 0
}
