//! Average run lengths and delays against a baseline of 10,000 values.

use drift::registry;

use crate::Effort;
use crate::plans::{Kind, Known, Plan, RUN_LENGTH};
use crate::simulate::{Run, average_run_length, calibrated, each, mean, median};
use crate::table::{Cell, Table};

/// Values before the change.
const NORMAL: u32 = 2_000;
/// Values after it; a change not found by then counts with as many.
const CHANGED: u32 = 20_000;

/// The table of one kind of stream.
pub(crate) fn table(kind: Kind, effort: Effort) -> Table {
    let (what, normal, changes) = match kind {
        Kind::Rate => {
            ("Error rate .10", 0.1, [(".15", 0.15), (".30", 0.3), (".13", 0.13), (".22", 0.22)])
        }
        Kind::Latency => (
            "Latency, log-normal",
            1.0,
            [("+10 %", 1.1), ("+30 %", 1.3), ("+5 %", 1.05), ("+20 %", 1.2)],
        ),
    };
    let mut columns: Vec<String> =
        ["detector", "threshold", "average run length"].map(str::to_owned).to_vec();
    for (name, _) in changes {
        columns.push(format!("{name}: mean delay"));
        columns.push(format!("{name}: median"));
    }
    let known = Known::new(kind, normal);
    let mut rows = Vec::new();
    for entry in registry::every() {
        let plan = Plan::of(entry);
        if !plan.kinds.contains(&kind) {
            continue;
        }
        let Some(detector) = known.make(entry, &plan) else { continue };
        let stop = if plan.guaranteed { 10.0 * RUN_LENGTH } else { f64::INFINITY };
        let unchanged = |seed: u64| {
            each(effort.null_runs, seed, |numbers| {
                let law = plan.law(kind, normal);
                let length = effort.null_values;
                Run::of(&mut detector.clone(), length, stop, |_| law.observe(numbers))
            })
        };
        let same = calibrated(&unchanged(1), RUN_LENGTH);
        let thresholds = match plan.guaranteed {
            true => vec![("guaranteed", RUN_LENGTH), ("calibrated", same)],
            false => vec![("calibrated", same)],
        };
        // Other seeds than those the threshold was chosen with.
        let fresh = unchanged(2);
        let highest = thresholds.iter().map(|(_, threshold)| *threshold).fold(0.0, f64::max);
        let changed: Vec<Vec<Run>> = (3_u64..)
            .zip(changes)
            .map(|(seed, (_, level))| {
                each(effort.delay_runs, seed, |numbers| {
                    let mut detector = detector.clone();
                    Run::of(&mut detector, NORMAL + CHANGED, highest, |index| {
                        let level = if index < NORMAL { normal } else { level };
                        plan.law(kind, level).observe(numbers)
                    })
                })
            })
            .collect();
        for (how, threshold) in thresholds {
            let mut row = vec![
                Cell::Text(entry.name().to_owned()),
                Cell::Text(match threshold {
                    1_000.0.. => format!("{threshold:.0} {how}"),
                    _ => format!("{threshold:.4} {how}"),
                }),
                Cell::Estimate(average_run_length(&fresh, threshold)),
            ];
            for runs in &changed {
                let end = NORMAL + CHANGED;
                let alarms = runs.iter().map(|run| run.alarm(threshold).unwrap_or(end));
                let delays: Vec<f64> =
                    alarms.filter(|at| *at > NORMAL).map(|at| f64::from(at - NORMAL)).collect();
                row.push(Cell::Estimate(mean(&delays)));
                row.push(Cell::Number(median(&delays), 0));
            }
            rows.push(row);
        }
    }
    Table {
        title: format!("{what}: false alarms and delays"),
        note: "One-sided where a detector has sides; 2,000 normal values come first, runs with an \
               alarm among them are left out; in values, with 95 % confidence intervals.",
        columns,
        rows,
    }
}
