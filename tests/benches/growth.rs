//! The cost of cold paths in logs of up to a million segments, nearly all of them synthetic.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use tests::growth::{Cost, measure};

fn show(cost: Cost) -> String {
    let ms = cost.elapsed.as_secs_f64() * 1_000.0;
    format!("{:>6} reads {:>9} bytes {ms:>8.1} ms", cost.reads, cost.bytes)
}

fn main() {
    println!(
        "{:>9}  {:<38} {:<38} {:<38} export of a day",
        "segments", "sealer ready", "proof by coordinates", "proof by id and hour"
    );
    for segments in [1_000, 10_000, 100_000, 1_000_000] {
        let growth = measure(segments);
        let (start, record, hour) = (show(growth.start), show(growth.record), show(growth.hour));
        let day = show(growth.day);
        println!("{segments:>9}  {start} {record} {hour} {day}");
    }
}
