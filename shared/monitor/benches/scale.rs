//! What a million keys cost: memory, time per event, bytes and time of a snapshot, time to resume.
//! `cargo bench -p monitor --bench scale [-- KEYS]`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::collections::BTreeMap;
use std::time::Instant;

use event::{
    BatchBuilder, Decoded, EventBuilder, Timestamp, TimestampType, TopicPartition, column, kind,
};
use monitor::{EntryId, Processor, Settings};

/// Runs of each key.
const RUNS: i64 = 3;
/// Keys that change between two snapshots.
const CHANGED: i64 = 1_000;
/// Keys of a processor that is resumed.
const RESUMED: i64 = 100_000;
const TOPIC: &str = "agent.events";
const START_MS: i64 = 1_767_225_600_000;
const HOURS_6: i64 = 6 * 3_600_000;

fn feed(processor: &mut Processor, agent: i64, time_ms: i64) -> usize {
    let offset = processor.next_offset();
    let event = EventBuilder::new(kind::RUN_COMPLETED)
        .set(column::EVENT_ID, format!("00000000-0000-7000-8000-{offset:012x}"))
        .set(column::EVENT_TIME, Timestamp::from_millis(time_ms))
        .set(column::TENANT_ID, "tenant")
        .set(column::ENVIRONMENT, "production")
        .set(column::AGENT_ID, format!("agent-{agent}"))
        .set(column::AGENT_VERSION, "2026-11-24")
        .set(column::RUN_ID, format!("run-{offset}"))
        .set(column::run::STATUS, if offset % 10 == 0 { "error" } else { "ok" })
        .set(column::run::DURATION_MS, 250.0 + f64::from(i32::try_from(offset % 5_000).unwrap()))
        .set(column::run::INPUT_TOKENS, 900_i64 + offset % 77)
        .set(column::run::OUTPUT_TOKENS, 100_i64)
        .set(column::run::COST_USD, 0.002)
        .build()
        .unwrap();
    let mut batch = BatchBuilder::new(TopicPartition::new(TOPIC, 0));
    batch.push(offset, time_ms, TimestampType::LogAppendTime, None, Some(b""), std::iter::empty());
    let batch = batch.build();
    let decoded = Decoded { event, schema_id: "none".into(), fault: None };
    let mut outputs = 0;
    let record = batch.records().next().unwrap();
    processor.handle_record_into(&record, &decoded, &mut |_| outputs += 1);
    outputs
}

/// Memory of this process, MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or_default() / 1_024
}

/// A snapshot as it is kept.
type Entries = BTreeMap<EntryId, Vec<u8>>;

/// Saves what has changed; its head, entries and bytes.
fn save(
    processor: &mut Processor,
    mut keep: impl FnMut(EntryId, Option<Vec<u8>>),
) -> (Vec<u8>, usize, usize) {
    let (mut count, mut size_bytes) = (0, 0);
    let head = processor.take_changes(&mut |entry, bytes| {
        count += 1;
        size_bytes += bytes.as_ref().map_or(0, Vec::len);
        keep(entry, bytes);
    });
    size_bytes += head.len();
    (head, count, size_bytes)
}

/// Three runs of so many agents in six hours, with snapshots as often as the service makes them.
fn play(keys: i64, mut keep: impl FnMut(EntryId, Option<Vec<u8>>)) -> Processor {
    let keys_max = u32::try_from(keys).unwrap();
    let settings = Settings { keys_max, state_bytes_max: 1 << 40, ..Settings::default() };
    let mut processor = Processor::new(settings, TOPIC, 0);
    let begin = Instant::now();
    let (mut outputs, mut saved_bytes) = (0, 0);
    for number in 0..keys * RUNS {
        outputs += feed(&mut processor, number / RUNS, START_MS + number * HOURS_6 / (keys * RUNS));
        if (number + 1) % 200_000 == 0 {
            saved_bytes += save(&mut processor, &mut keep).2;
        }
    }
    let events = f64::from(i32::try_from(keys * RUNS).unwrap());
    println!(
        "{} keys: {} MiB in use, {:.0} ns/event with building it and saving, {outputs} outputs, \
         {} MiB in snapshots",
        processor.keys(),
        resident_mib(),
        begin.elapsed().as_secs_f64() * 1e9 / events,
        saved_bytes >> 20,
    );
    processor
}

fn main() {
    let keys: i64 = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    drop(play(keys, |_, _| {}));

    let mut entries = Entries::new();
    let mut keep = |entry, bytes: Option<Vec<u8>>| match bytes {
        Some(bytes) => drop(entries.insert(entry, bytes)),
        None => drop(entries.remove(&entry)),
    };
    let mut processor = play(RESUMED, &mut keep);
    save(&mut processor, &mut keep);
    for agent in 0..CHANGED {
        feed(&mut processor, agent * (RESUMED / CHANGED), START_MS + HOURS_6);
    }
    let begin = Instant::now();
    let (head, count, size_bytes) = save(&mut processor, &mut keep);
    println!(
        "snapshot after {CHANGED} keys have changed: {count} entries, {size_bytes} bytes, {:.1} ms",
        begin.elapsed().as_secs_f64() * 1e3,
    );
    drop(processor);
    let begin = Instant::now();
    let resumed = Processor::resume(TOPIC, 0, &head, entries).unwrap();
    println!("resumed {} keys in {:.2} s", resumed.keys(), begin.elapsed().as_secs_f64());
}
