//! Microseconds per comparison: every measure from two sketches (the state of a window) and from
//! two samples. The fastest of some rounds. `cargo bench -p drift --bench distance`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::hint::black_box;
use std::time::Instant;

use drift::{DdSketch, Finite, Pooled, distance};

/// The fastest of some rounds: others may be using the machine.
fn measure(what: &str, rounds: u32, mut work: impl FnMut()) {
    let mut least = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        work();
        least = least.min(start.elapsed().as_secs_f64());
    }
    println!("{what:<44} {:10.1} us", least * 1e6);
}

/// Milliseconds, log-logistic, over more than six decades: a sketch with very many buckets.
fn values(count: u32, scale: f64) -> Vec<f64> {
    (0..count)
        .map(|index| {
            let uniform = f64::from(index.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
            let uniform = uniform.clamp(1e-6, 1.0 - 1e-6);
            scale * (uniform / (1.0 - uniform))
        })
        .collect()
}

fn main() {
    let (reference, current) = (values(1_000_000, 900.0), values(1_000_000, 1_000.0));
    let sketch = |values: &[f64]| {
        let mut sketch = DdSketch::default();
        for value in values {
            assert!(sketch.insert(Finite::new(*value).unwrap()));
        }
        sketch
    };
    let sketches = (sketch(&reference), sketch(&current));
    println!("from two sketches of 1,000,000 values each");
    measure("  pooling", 500, || {
        black_box(Pooled::from_sketches(&sketches.0, &sketches.1).unwrap());
    });
    for entry in distance::every() {
        let pooled = Pooled::from_sketches(&sketches.0, &sketches.1).unwrap();
        if entry.compare(&pooled).is_some() {
            measure(&format!("  {}", entry.name), 500, || {
                black_box(entry.compare(&pooled));
            });
        }
    }
    let four = ["psi", "jensen-shannon", "wasserstein", "kolmogorov-smirnov"];
    let four = four.map(|name| distance::find(name).unwrap());
    measure("  pooling, PSI, JS, W1 and KS together", 500, || {
        let pooled = Pooled::from_sketches(&sketches.0, &sketches.1).unwrap();
        for entry in four {
            black_box(entry.compare(&pooled));
        }
    });
    println!("from two samples of 1,000,000 values each");
    measure("  pooling", 3, || {
        black_box(Pooled::from_samples(&reference, &current).unwrap());
    });
    let pooled = Pooled::from_samples(&reference, &current).unwrap();
    for entry in distance::every().filter(|entry| entry.name != "kolmogorov-smirnov") {
        measure(&format!("  {}", entry.name), 10, || {
            black_box(entry.compare(&pooled));
        });
    }
    // Equal sizes would take the exact p-value's short way; these are the sizes of a window.
    let pooled = Pooled::from_samples(&reference, current.get(..999_999).unwrap()).unwrap();
    measure("  kolmogorov-smirnov", 10, || {
        black_box(distance::find("kolmogorov-smirnov").unwrap().compare(&pooled));
    });
    let pooled =
        Pooled::from_samples(reference.get(..1_001).unwrap(), current.get(..999).unwrap()).unwrap();
    println!("from samples of 1,001 and 999 values, pooled");
    measure("  kolmogorov-smirnov with its exact p-value", 20, || {
        black_box(distance::find("kolmogorov-smirnov").unwrap().compare(&pooled));
    });
}
