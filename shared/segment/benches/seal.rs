//! Seal throughput on one core, in memory, with its roofline. `cargo bench -p segment --bench seal`
//!
//! Prepared Avro records of an agent's runs become segments: decoding, leaf and tree, columns and
//! Parquet. The same run measures the parts alone (decoding only, hashing only, encoding only the
//! columns that were read back), so that a slow whole points to its cause. CPU time of the thread,
//! best of several rounds: neighbours on the machine cost wall time, not this.
//!
//! Envelope: some 500 bytes an event, hashed about four times (digest, preimage, commitments) at
//! 1.4 GB/s, decoded at 0.4 us, encoded at 3 us: 200,000 events a second.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people")]
#![expect(clippy::cast_precision_loss, reason = "it prints figures")]

use std::hint::black_box;

use bytes::Bytes;
use event::{
    Batch, BatchBuilder, Decoded, Decoder, EventBuilder, Limits, Timestamp, TimestampType,
    TopicPartition, column, kind,
};
use merkle::tree;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use segment::build::{BuiltSegment, FileWriter, SegmentBuilder};
use segment::leaf::{Head, LeafHasher, RowSalt, Salts, Secrets};
use segment::read;

/// The allocator of the product binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of one segment.
const EVENTS: usize = 120_000;

/// Records of one batch, as consumers deliver them.
const BATCH: usize = 1_000;

fn main() {
    // `cargo test --benches` only wants to see that it works.
    let full = std::env::args().any(|argument| argument == "--bench");
    let (events, rounds) = if full { (EVENTS, 7) } else { (2_000, 1) };
    let (batches, bytes) = prepare(events);
    let mean = bytes as f64 / events as f64;
    println!("{events} events of {mean:.0} bytes, one segment, best of {rounds}");

    let built = seal(&batches);
    let columns = columns(&built.parquet);
    let parts = [
        ("decode only", best(rounds, || decode(&batches))),
        ("hash only", best(rounds, || hash(&batches))),
        ("parquet only", best(rounds, || encode(&columns))),
    ];
    let whole = best(rounds, || cpu(|| drop(black_box(seal(&batches)))));
    let checked = best(rounds, || cpu(|| drop(black_box(read::check(&built.parquet)))));

    let print = |name: &str, nanoseconds: u64| {
        let each = nanoseconds as f64 / events as f64;
        let share = 100.0 * nanoseconds as f64 / whole as f64;
        println!("{name:<14} {each:7.0} ns/event {:9.0} events/s/core {share:5.0} %", 1e9 / each);
    };
    for (name, nanoseconds) in parts {
        print(name, nanoseconds);
    }
    let sum = parts.iter().map(|(_, nanoseconds)| nanoseconds).sum();
    print("sum of parts", sum);
    print("seal", whole);
    print("check", checked);
    println!(
        "{:.1} stored bytes an event ({:.2} times smaller), {:.0} MB/s of records",
        built.parquet.len() as f64 / events as f64,
        bytes as f64 / built.parquet.len() as f64,
        bytes as f64 * 1e3 / whole as f64,
    );
    println!("{:.2} of the roofline (sum of parts / seal)", sum as f64 / whole as f64);
}

/// CPU time of the work, in nanoseconds.
fn cpu(work: impl FnOnce()) -> u64 {
    let before = thread_cpu();
    work();
    thread_cpu().saturating_sub(before)
}

/// CPU time of this thread so far, in nanoseconds; 0 where there is no /proc.
fn thread_cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn best(rounds: usize, mut measure: impl FnMut() -> u64) -> u64 {
    (0..rounds).map(|_| measure()).min().unwrap_or_default()
}

fn partition() -> TopicPartition {
    TopicPartition::new("agent.events", 0)
}

fn salt(offset: i64) -> RowSalt {
    let mut rng = Rng(offset.cast_unsigned());
    let mut salt = [0; 16];
    salt.iter_mut()
        .zip([rng.next().to_le_bytes(), rng.next().to_le_bytes()].concat())
        .for_each(|(to, from)| *to = from);
    salt
}

fn seal(batches: &[Batch]) -> BuiltSegment {
    let decoder = Decoder::new(Limits::default());
    let mut builder = SegmentBuilder::new(&partition(), 0);
    for record in batches.iter().flat_map(Batch::records) {
        let decoded = decoder.decode(&record);
        builder.push(&record, &decoded, salt(record.offset)).unwrap();
    }
    builder.finish().unwrap()
}

fn decode(batches: &[Batch]) -> u64 {
    let decoder = Decoder::new(Limits::default());
    cpu(|| {
        for record in batches.iter().flat_map(Batch::records) {
            drop(black_box(decoder.decode(&record)));
        }
    })
}

/// Digests, commitments, leaves and the tree, of events that were decoded before.
fn hash(batches: &[Batch]) -> u64 {
    let decoder = Decoder::new(Limits::default());
    let mut hasher = LeafHasher::new(&partition());
    let mut leaves = Vec::new();
    let mut total = 0;
    for batch in batches {
        let rows: Vec<(event::Record<'_>, Decoded<'_>)> =
            batch.records().map(|record| (record, decoder.decode(&record))).collect();
        total += cpu(|| {
            for (record, decoded) in &rows {
                let salts = Salts::new(&salt(record.offset));
                let head = Head {
                    offset: record.offset,
                    timestamp_ms: record.timestamp_ms,
                    timestamp_type: record.timestamp_type,
                    schema_id: &decoded.schema_id,
                    record_digest: salts.record_digest(record),
                };
                let leaf = hasher.leaf(&head, &decoded.event, Secrets::Whole(&salts));
                leaves.push(leaf.unwrap());
            }
        });
    }
    total
        + cpu(|| {
            black_box(tree::root_of(std::mem::take(&mut leaves))).unwrap();
        })
}

/// The columns of a segment, in batches of the size in which they were written.
fn columns(parquet: &Bytes) -> Vec<arrow_array::RecordBatch> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let reader =
        ParquetRecordBatchReaderBuilder::try_new_with_options(parquet.clone(), options).unwrap();
    reader.with_batch_size(2_048).build().unwrap().map(Result::unwrap).collect()
}

fn encode(columns: &[arrow_array::RecordBatch]) -> u64 {
    cpu(|| {
        let mut writer = FileWriter::new(Vec::new()).unwrap();
        for batch in columns {
            writer.write(batch).unwrap();
        }
        drop(black_box(writer.finish().unwrap()));
    })
}

/// Splitmix64.
struct Rng(u64);

impl Rng {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn words(&mut self, count: u64) -> String {
        const WORDS: [&str; 24] = [
            "order", "refund", "customer", "please", "the", "status", "shipment", "is", "late",
            "invoice", "and", "address", "was", "changed", "to", "account", "with", "payment",
            "failed", "because", "card", "expired", "today", "thanks",
        ];
        let words: Vec<_> = (0..count)
            .map(|_| *WORDS.get(usize::try_from(self.below(24)).unwrap()).unwrap())
            .collect();
        words.join(" ")
    }
}

/// Records of runs of 40 agents: start, model calls, tool calls and results, an evaluation, the end.
fn prepare(events: usize) -> (Vec<Batch>, usize) {
    let mut rng = Rng(42);
    let mut values = Vec::with_capacity(events);
    let mut run = 0_i64;
    while values.len() < events {
        run += 1;
        one_run(run, &mut rng, &mut values);
    }
    values.truncate(events);
    let bytes = values.iter().map(|(key, value)| key.len() + value.len()).sum();
    let mut batches = Vec::new();
    for (chunk, first) in values.chunks(BATCH).zip((0_i64..).step_by(BATCH)) {
        let mut builder = BatchBuilder::new(partition());
        for (offset, (key, value)) in (first..).zip(chunk) {
            builder.push(
                offset,
                1_790_000_000_000 + offset * 3,
                TimestampType::LogAppendTime,
                Some(key.as_bytes()),
                Some(value),
                std::iter::empty(),
            );
        }
        batches.push(builder.build());
    }
    (batches, bytes)
}

fn one_run(run: i64, rng: &mut Rng, values: &mut Vec<(String, Vec<u8>)>) {
    let agent = format!("support-agent-{}", rng.below(40));
    let run_id = format!("{:016x}{:016x}", rng.next(), rng.next());
    let started = 1_790_000_000_000_000 + run * 17_000;
    let source = format!("pod-{}", rng.below(8));
    let seq = run * 9;
    let mut number = 0_i64;
    let mut send = |kind: &str, fill: &mut dyn FnMut(EventBuilder) -> EventBuilder, id: u64| {
        let event = EventBuilder::new(kind)
            .set(
                column::EVENT_ID,
                format!("019ab3c4-5d6e-7f80-{:04x}-{:012x}", id >> 48, id & 0xffff_ffff_ffff),
            )
            .set(column::EVENT_TIME, Timestamp::from_micros(started + number * 1_713))
            .set(column::TENANT_ID, "acme")
            .set(column::ENVIRONMENT, "production")
            .set(column::AGENT_ID, agent.as_str())
            .set(column::AGENT_VERSION, "2.4.1")
            .set(
                column::VERSION_DIGEST,
                "sha256:6f0d7a1c29c1a8f2b3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182930",
            )
            .set(column::RUN_ID, run_id.as_str())
            .set(column::SPAN_ID, format!("{:016x}", id.rotate_left(17)))
            .set(column::source::ID, source.as_str())
            .set(column::source::EPOCH, 3_i64)
            .set(column::source::SEQ, seq + number);
        number += 1;
        let mut value = Vec::new();
        event::encode::encode(&fill(event).build().unwrap(), &mut value);
        values.push((agent.clone(), value));
    };
    let milliseconds = |rng: &mut Rng| rng.below(4_000_000) as f64 / 1e3;
    let question = rng.words(12);
    let id = rng.next();
    send(
        kind::RUN_STARTED,
        &mut |e| {
            e.set(column::run::TRIGGER, "message")
                .set(column::run::INPUT, question.as_str())
                .set(column::SUBJECT_REFS, vec![format!("customer:{}", id % 90_000)])
        },
        id,
    );
    for _ in 0..2 {
        let id = rng.next();
        let (duration, input, output) = (milliseconds(rng), rng.words(30), rng.words(20));
        let (tokens_in, tokens_out) = (rng.below(3_000), rng.below(600));
        send(
            kind::MODEL_INVOKED,
            &mut |e| {
                e.set(column::model::PROVIDER, "anthropic")
                    .set(column::model::REQUEST_MODEL, "claude-sonnet")
                    .set(column::model::RESPONSE_MODEL, "claude-sonnet-2026-10")
                    .set(column::model::RESPONSE_ID, format!("msg_{id:016x}"))
                    .set(column::model::FINISH_REASONS, vec!["stop".to_owned()])
                    .set(column::model::STATUS, "ok")
                    .set(column::model::DURATION_MS, duration)
                    .set(column::model::INPUT_TOKENS, tokens_in.cast_signed())
                    .set(column::model::OUTPUT_TOKENS, tokens_out.cast_signed())
                    .set(
                        column::model::COST_USD,
                        tokens_in as f64 * 3e-6 + tokens_out as f64 * 15e-6,
                    )
                    .set(column::model::INPUT, input.as_str())
                    .set(column::model::OUTPUT, output.as_str())
            },
            id,
        );
        let tool = match id % 3 {
            0 => "search_orders",
            1 => "get_customer",
            _ => "issue_refund",
        };
        let call = format!("call_{:012x}", rng.next() >> 16);
        let arguments =
            format!(r#"{{"order":"A-{}","limit":10,"note":"{}"}}"#, id % 100_000, rng.words(5));
        let called = rng.next();
        send(
            kind::TOOL_CALLED,
            &mut |e| {
                e.set(column::tool::CALL_ID, call.as_str())
                    .set(column::tool::NAME, tool)
                    .set(column::tool::SIDE_EFFECT, "read")
                    .set(column::tool::ARGUMENTS, arguments.as_str())
                    .set(
                        column::ATTRIBUTES,
                        std::collections::BTreeMap::from([
                            ("host".to_owned(), "node-17".to_owned()),
                            ("region".to_owned(), "eu-central-1".to_owned()),
                        ]),
                    )
            },
            called,
        );
        let (completed, duration, result) = (rng.next(), milliseconds(rng), rng.words(15));
        send(
            kind::TOOL_COMPLETED,
            &mut |e| {
                e.set(column::tool::CALL_ID, call.as_str())
                    .set(column::tool::NAME, tool)
                    .set(column::tool::STATUS, if completed % 50 == 0 { "error" } else { "ok" })
                    .set(column::tool::DURATION_MS, duration)
                    .set(column::tool::RESULT, result.as_str())
            },
            completed,
        );
    }
    let (id, duration, answer) = (rng.next(), milliseconds(rng), rng.words(25));
    send(
        kind::RUN_COMPLETED,
        &mut |e| {
            e.set(column::run::STATUS, "ok")
                .set(column::run::DURATION_MS, duration)
                .set(column::run::INPUT_TOKENS, (id % 6_000).cast_signed())
                .set(column::run::OUTPUT_TOKENS, (id % 900).cast_signed())
                .set(column::run::COST_USD, (id % 9_000) as f64 / 1e5)
                .set(column::run::STEPS, 4_i64)
                .set(column::run::REFUSED, id.is_multiple_of(97))
                .set(column::run::OUTPUT, answer.as_str())
                .set(column::run::OUTPUT_CHARS, i64::try_from(answer.len()).unwrap())
        },
        id,
    );
    let id = rng.next();
    send(
        kind::EVAL_RESULT,
        &mut |e| {
            e.set(column::eval::SUITE, "support-quality")
                .set(column::eval::NAME, "helpfulness")
                .set(column::eval::SCORE, (id % 1_000) as f64 / 1e3)
                .set(column::eval::PASSED, !id.is_multiple_of(10))
                .set(column::eval::EVALUATOR_TYPE, "llm_judge")
                .set(column::eval::EVALUATOR_ID, "judge-7")
        },
        id,
    );
}
