//! Our detectors and distances against those of river and Evidently, on the same data in one run:
//! nanoseconds per value.
//!
//! `cargo bench -p drift --bench peers [-- --ask]`
//!
//! The data is made here, written to a temporary directory and read by `peers.py`; both sides name
//! the CRC-32 of what they had. It runs in the Python of `.venv-bench`, which
//! `tests/setup.sh bench` installs. Without it our side is measured alone and theirs is said to
//! be not run; with `--ask` that is a failure. Settings are the defaults of river, ours set to the
//! same. Ours is the clock's time, theirs the processor's.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use drift::{Baseline, DdSketch, Finite, Observation, Pooled, Signal, StreamDetector};
use drift::{distance, registry};
use serde_json::Value;

/// Values of the streams, and of each sample of a distance.
const VALUES: u32 = 1_000_000;
/// Values for KSWIN of river, which makes a test at each.
const FEW: usize = 2_000;
/// Detectors, with the threshold that is river's default.
const DETECTORS: [(&str, f64); 5] =
    [("adwin", 500.0), ("page-hinkley", 50.0), ("kswin", 200.0), ("ddm", 3.0), ("eddm", 1.0 / 0.9)];
const DISTANCES: [&str; 4] = ["psi", "jensen-shannon", "kolmogorov-smirnov", "wasserstein"];

/// splitmix64 (Steele, Lea, Flood 2014).
struct Numbers(u64);

impl Numbers {
    /// Uniform in `(0, 1)`.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        f64::from(u32::try_from(z >> 32).unwrap_or_default()) / 4_294_967_296.0 + 1e-10
    }

    /// Milliseconds: log-normal, sigma 0.5.
    fn latency(&mut self, median: f64) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        median * (0.5 * radius * (std::f64::consts::TAU * self.uniform()).cos()).exp()
    }
}

/// A stream, and what it is called on both sides.
struct Stream {
    name: &'static str,
    values: Vec<f64>,
}

impl Stream {
    fn of(name: &'static str, mut value: impl FnMut() -> f64) -> Self {
        Self { name, values: (0..VALUES).map(|_| value()).collect() }
    }

    fn bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }
}

/// CRC-32 of ISO 3309, as zlib has it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// Nanoseconds per value: the better of three runs, others may be using the machine.
fn measure(values: usize, mut work: impl FnMut()) -> f64 {
    let seconds = (0..3)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    seconds * 1e9 / f64::from(u32::try_from(values).unwrap())
}

/// What the other side says: a line for each measurement.
fn theirs(data: &Path, streams: &[Stream]) -> Option<Vec<Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let python = root.join(".venv-bench/bin/python");
    if !python.is_file() {
        return None;
    }
    for stream in streams {
        std::fs::write(data.join(stream.name), stream.bytes()).unwrap();
    }
    let script = root.join("shared/drift/benches/peers/peers.py");
    let output = Command::new(python).arg(script).arg(data).output().unwrap();
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn main() {
    let mut numbers = Numbers(20_260_213);
    let mut streams = vec![
        Stream::of("bits", || f64::from(u8::from(numbers.uniform() < 0.1))),
        Stream::of("uniform", || numbers.uniform()),
        Stream::of("reference", || numbers.latency(900.0)),
        Stream::of("current", || numbers.latency(1_000.0)),
    ];
    for stream in streams.iter_mut().filter(|stream| stream.name == "uniform") {
        stream.values.truncate(FEW);
    }
    let values = |name: &str| &streams.iter().find(|stream| stream.name == name).unwrap().values;

    let mut ours: Vec<(&str, f64)> = Vec::new();
    for (name, threshold) in DETECTORS {
        let observations: Vec<Observation> =
            values(if name == "kswin" { "uniform" } else { "bits" })
                .iter()
                .map(|value| Observation::of(Finite::new(*value).unwrap()))
                .collect();
        let make = || {
            registry::every()
                .find(|entry| entry.name() == name)
                .unwrap()
                .make(&Baseline::default(), threshold)
                .unwrap()
        };
        let nanoseconds = measure(observations.len(), || {
            let mut detector = make();
            for observation in &observations {
                if detector.update(*observation) == Signal::Drift {
                    detector.reset();
                }
            }
            black_box(detector.statistic());
        });
        ours.push((name, nanoseconds));
    }
    let (reference, current) = (values("reference"), values("current"));
    let both = reference.len() + current.len();
    for name in DISTANCES {
        let entry = distance::find(name).unwrap();
        let nanoseconds = measure(both, || {
            let pooled = Pooled::from_samples(reference, current).unwrap();
            black_box(entry.compare(&pooled));
        });
        ours.push((name, nanoseconds));
    }
    // As the processor has them: a sketch that is filled value by value, and all four from it.
    let sketched = measure(both, || {
        let sketch = |values: &[f64]| {
            let mut sketch = DdSketch::default();
            for value in values {
                assert!(sketch.insert(Finite::new(*value).unwrap()));
            }
            sketch
        };
        let pooled = Pooled::from_sketches(&sketch(reference), &sketch(current)).unwrap();
        for name in DISTANCES {
            black_box(distance::find(name).unwrap().compare(&pooled));
        }
    });

    let directory: PathBuf =
        std::env::temp_dir().join(format!("driftseal-peers-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let theirs = theirs(&directory, &streams);
    std::fs::remove_dir_all(&directory).unwrap();

    let lines = theirs.as_deref().unwrap_or_default();
    let head = lines.iter().find(|line| line.get("versions").is_some());
    println!("the same data for both, CRC-32 of it:");
    for stream in &streams {
        let crc = crc32(&stream.bytes());
        println!("  {:<10} {:>9} values {crc:08x}", stream.name, stream.values.len());
        if let Some(head) = head {
            let read = head.get("crc32").and_then(|crcs| crcs.get(stream.name));
            assert_eq!(read.and_then(Value::as_u64), Some(crc.into()), "{}", stream.name);
        }
    }
    let versions = head.and_then(|head| head.get("versions")?.as_str());
    println!("theirs: {}\n", versions.unwrap_or("not run; `tests/setup.sh bench` installs them"));
    println!("| ns per value | ours | theirs | ratio |\n| --- | --- | --- | --- |");
    let mut sum = 0.0;
    for (name, ours) in &ours {
        let of = |line: &&Value| line.get("name").is_some_and(|found| found == name);
        let found = lines.iter().find(of).and_then(|line| line.get("nanoseconds")?.as_f64());
        sum += found.filter(|_| DISTANCES.contains(name)).unwrap_or_default();
        row(name, *ours, found);
    }
    row("those four, by way of sketches", sketched, head.map(|_| sum));
    if head.is_none() && std::env::args().any(|argument| argument == "--ask") {
        eprintln!("river and Evidently were not run: see `tests/setup.sh bench`");
        std::process::exit(1);
    }
}

fn row(name: &str, ours: f64, theirs: Option<f64>) {
    let (theirs, ratio) = match theirs {
        Some(theirs) => (format!("{theirs:.1}"), format!("{:.1}", theirs / ours)),
        None => ("not run".to_owned(), "-".to_owned()),
    };
    println!("| {name} | {ours:.1} | {theirs} | {ratio} |");
}
