//! Nanoseconds per update of each registered detector, of the localiser and of the sketch.
//! `cargo bench -p drift`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::hint::black_box;
use std::time::Instant;

use drift::{DdSketch, Finite, Localiser, Null, StreamDetector, Unit, registry};

const VALUES: u32 = 4_000_000;

fn measure(what: &str, mut update: impl FnMut(u32)) {
    for index in 0..VALUES / 10 {
        update(index);
    }
    let start = Instant::now();
    for index in 0..VALUES {
        update(index);
    }
    let nanoseconds = start.elapsed().as_secs_f64() * 1e9 / f64::from(VALUES);
    println!("{what:<24} {nanoseconds:8.1} ns/value");
}

fn main() {
    let value = |index: u32| Unit::from(index.wrapping_mul(2_654_435_761) < u32::MAX / 10);
    for entry in registry::ALL {
        let mut rising = (entry.make)(&Null::AtMost(0.1).into(), 10_000.0).unwrap();
        measure(entry.name, |index| {
            black_box(rising.update(value(index).into()));
        });
        let mut both = (entry.make)(&Null::Between(0.1, 0.1).into(), 10_000.0).unwrap();
        measure(&format!("{}, two-sided", entry.name), |index| {
            black_box(both.update(value(index).into()));
        });
    }
    let mut localiser = Localiser::rising(0.1).unwrap();
    measure("localiser", |index| localiser.update(value(index), index));
    black_box(localiser.estimate());
    let mut sketch = DdSketch::default();
    measure("ddsketch", |index| {
        let milliseconds = f64::from(index.wrapping_mul(2_654_435_761) >> 16) + 0.5;
        black_box(sketch.insert(Finite::new(milliseconds).unwrap()));
    });
}
