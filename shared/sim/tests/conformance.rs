//! The log in memory does what the port promises.

use std::time::Duration;

use ports::conformance::{ALL, Subject};
use sim::{MemoryLog, Settings};

#[test]
fn the_log_in_memory_passes_every_suite() {
    let settings =
        Settings { record_bytes_max: 300_000, queue_records_max: 2_000, ..Settings::default() };
    let log = MemoryLog::with_settings(settings);
    let subject = Subject {
        log: &log,
        prefix: "sim.".to_owned(),
        record_bytes_max: 290_000,
        queue_records_max: 2_000,
        wait: Duration::from_secs(10),
    };
    for suite in ALL {
        println!("suite {}", suite.name);
        suite.run(&subject);
    }
    println!("suite survives_reopening: not run, this log ends with the process");
}
