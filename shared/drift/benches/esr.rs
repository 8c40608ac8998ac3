//! Nanoseconds per update of each registered detector, of the localisers and of the sketch.
//! `cargo bench -p drift --bench esr`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::hint::black_box;
use std::time::Instant;

use drift::{
    Baseline, DdSketch, Direction, Family, Finite, Focus, Localiser, Null, Observation,
    StreamDetector, Unit, registry,
};

const VALUES: u32 = 4_000_000;

/// The best of three passes: the machine is shared.
fn measure(what: &str, mut update: impl FnMut(u32)) {
    for index in 0..VALUES / 10 {
        update(index);
    }
    let best = (0..3)
        .map(|_| {
            let start = Instant::now();
            for index in 0..VALUES {
                update(index);
            }
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    let nanoseconds = best * 1e9 / f64::from(VALUES);
    println!("{what:<36} {nanoseconds:8.1} ns/value {:10.1} M/s", 1e3 / nanoseconds);
}

/// Noise in `[0, 1)`, as cheap as it gets.
fn noise(index: u32) -> f64 {
    f64::from(index.wrapping_mul(2_654_435_761)) / 4_294_967_296.0
}

/// Rates, categories and milliseconds, from a table so that making them costs nothing.
fn observations(make: impl Fn(f64) -> f64) -> Vec<Observation> {
    (0..4_096)
        .map(|index| Observation {
            value: Finite::new(make(noise(index))).unwrap(),
            tie: Unit::new(noise(index ^ 0x5555)).unwrap(),
        })
        .collect()
}

fn main() {
    let failures = observations(|noise| f64::from(u8::from(noise < 0.1)));
    let categories = observations(|noise| (noise * noise * 8.0).floor());
    let milliseconds = observations(|noise| 1_000.0 / (1.0 - 0.999 * noise));
    let mut sorted: Vec<f64> =
        (0..10_000).map(|i| 1_000.0 / (1.0 - 0.999 * noise(i * 3))).collect();
    sorted.sort_by(f64::total_cmp);
    let counts = [400, 160, 120, 100, 90, 80, 70, 65];
    for entry in registry::every() {
        let values = if entry.name().contains("multinomial") || entry.name().contains("mix") {
            &categories
        } else if entry.name() == "esr-conformal" || entry.name().contains("normal") {
            &milliseconds
        } else {
            &failures
        };
        for (null, what) in [(Null::AtMost(0.1), ""), (Null::Between(0.1, 0.1), ", two-sided")] {
            let counts: &[u64] =
                if entry.name().contains("multinomial") { &counts } else { &[900, 100] };
            let baseline = Baseline { sorted: &sorted, counts, ..null.into() };
            let mut detector = entry.make(&baseline, 10_000.0).unwrap();
            let mut values = values.iter().cycle();
            measure(&format!("{}{what}", entry.name()), |_| {
                black_box(detector.update(*values.next().unwrap()));
            });
        }
    }
    let failed = |index: u32| Unit::from(noise(index) < 0.1);
    let mut localiser = Localiser::rising(0.1).unwrap();
    measure("localiser", |index| localiser.update(failed(index), index));
    black_box(localiser.estimate());
    for (what, before) in [("mean known", Finite::new(0.1)), ("mean unknown", None)] {
        let mut focus = Focus::new(Family::Bernoulli, before, Direction::Rising).unwrap();
        measure(&format!("focus, {what}"), |index| focus.update(failed(index).into(), index));
        black_box(focus.estimate());
    }
    let mut sketch = DdSketch::default();
    measure("ddsketch", |index| {
        let milliseconds = f64::from(index.wrapping_mul(2_654_435_761) >> 16) + 0.5;
        black_box(sketch.insert(Finite::new(milliseconds).unwrap()));
    });
}
