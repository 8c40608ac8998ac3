//! How soon each registered detector finds a change, at the same average run length to a false
//! alarm, and how often it is wrong; with long and with short baselines. Seeds are fixed.
//!
//! `cargo bench -p drift --bench delay [-- --quick] [-- --output json]`
//!
//! What is not measured: speed (see `esr.rs`), dependent streams, two-sided detection.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may fail")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]

mod long;
mod plans;
mod short;
mod simulate;
mod table;

use std::cell::OnceCell;
use std::process::Command;

use serde_json::json;

use crate::plans::Kind;
use crate::table::Table;

/// How many runs, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Unchanged streams per detector.
    pub(crate) null_runs: u32,
    /// Values of each.
    pub(crate) null_values: u32,
    /// Changed streams per detector and change.
    pub(crate) delay_runs: u32,
    /// Versions with short baselines, per detector and size.
    pub(crate) short_runs: u32,
    /// The same for false alarms on long streams.
    pub(crate) null_short_runs: u32,
}

const FULL: Effort = Effort {
    null_runs: 200,
    null_values: 40_000,
    delay_runs: 1_500,
    short_runs: 4_000,
    null_short_runs: 4_000,
};
const QUICK: Effort = Effort {
    null_runs: 20,
    null_values: 20_000,
    delay_runs: 40,
    short_runs: 200,
    null_short_runs: 100,
};

fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let text = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |what: &str| arguments.iter().any(|argument| argument == what);
    let effort = if has("--quick") { QUICK } else { FULL };
    let as_json = has("json");
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let head = json!({
        "command": format!("cargo bench -p drift --bench delay -- {}", arguments.join(" ")),
        "commit": commit(),
        "machine": format!("{} cores, {}", cores, std::env::consts::ARCH),
        "seeds": "fixed",
        "runs": format!("{effort:?}"),
    });
    if !as_json {
        for (key, value) in head.as_object().unwrap() {
            println!("{key}: {}", value.as_str().unwrap());
        }
    }
    let (at_412, at_10) = (OnceCell::new(), OnceCell::new());
    let at_412 = || &at_412.get_or_init(|| short::thresholds(0.412, effort))[..];
    let at_10 = || &at_10.get_or_init(|| short::thresholds(0.1, effort))[..];
    let makers: [&dyn Fn() -> Table; 7] = [
        &|| long::table(Kind::Rate, effort),
        &|| long::table(Kind::Latency, effort),
        &|| short::detection((0.412, 0.495, 400), &[200, 400, 800, 2_000], at_412(), effort),
        &|| short::detection((0.1, 0.15, 400), &[200, 1_000, 10_000], at_10(), effort),
        &|| short::detection((0.1, 0.3, 100), &[200, 1_000, 10_000], at_10(), effort),
        &|| short::false_alarms(0.412, &[200, 400, 800], effort),
        &|| short::run_lengths(&[50, 200, 1_000], effort),
    ];
    let mut tables = Vec::new();
    for make in makers {
        let table = make();
        if as_json {
            tables.push(table.json());
        } else {
            print!("{}", table.text());
        }
    }
    if as_json {
        println!("{}", json!({"head": head, "tables": tables}));
    }
}
