//! Nanoseconds per event of the whole path (decoding from Avro, windows, detectors), and of the
//! decoding in it.
//! `cargo bench -p monitor`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::hint::black_box;
use std::time::Instant;

use event::{
    BatchBuilder, Decoder, EventBuilder, Limits, Timestamp, TimestampType, TopicPartition, column,
    encode, kind,
};
use monitor::{Processor, Settings};

const EVENTS: i64 = 200_000;
const AGENTS: i64 = 100;
/// The fastest counts where others use the machine.
const ROUNDS: usize = 7;

fn main() {
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    let start = 1_767_225_600_000_i64;
    for number in 0..EVENTS {
        let time_ms = start + number * 5;
        let agent = format!("agent-{}", number % AGENTS);
        let version = if number < EVENTS / 2 { "v1" } else { "v2" };
        let kind =
            [kind::RUN_COMPLETED, kind::TOOL_COMPLETED, kind::EVAL_RESULT, kind::MODEL_INVOKED];
        let kind = usize::try_from(number / AGENTS % 4).ok().and_then(|at| kind.get(at)).unwrap();
        let builder = EventBuilder::new(kind)
            .set(column::EVENT_ID, format!("00000000-0000-7000-8000-{number:012x}"))
            .set(column::EVENT_TIME, Timestamp::from_millis(time_ms))
            .set(column::AGENT_ID, agent.as_str())
            .set(column::AGENT_VERSION, version)
            .set(column::RUN_ID, format!("run-{number}"));
        let status = if number % 10 == 0 { "error" } else { "ok" };
        let builder = match *kind {
            kind::RUN_COMPLETED => builder
                .set(column::run::STATUS, status)
                .set(
                    column::run::DURATION_MS,
                    250.0 + f64::from(i32::try_from(number % 5_000).unwrap()),
                )
                .set(column::run::INPUT_TOKENS, 900_i64)
                .set(column::run::OUTPUT_TOKENS, 100_i64)
                .set(column::run::COST_USD, 0.002),
            kind::TOOL_COMPLETED => {
                builder.set(column::tool::NAME, "search").set(column::tool::STATUS, status)
            }
            kind::EVAL_RESULT => builder
                .set(column::eval::SUITE, "answers")
                .set(column::eval::PASSED, number % 10 != 0)
                .set(column::eval::SCORE, 0.8),
            _ => builder
                .set(column::model::REQUEST_MODEL, "m")
                .set(column::model::INPUT_TOKENS, 900_i64),
        };
        let mut value = Vec::new();
        encode::encode(&builder.build().unwrap(), &mut value);
        let kind = TimestampType::LogAppendTime;
        let key = Some(agent.as_bytes());
        batch.push(number, time_ms, kind, key, Some(&value), std::iter::empty());
    }
    let batch = batch.build();
    let decoder = Decoder::new(Limits::default());
    let per_event = |start: Instant| {
        start.elapsed().as_secs_f64() * 1e9 / f64::from(i32::try_from(EVENTS).unwrap())
    };

    for round in 0..ROUNDS {
        let start = Instant::now();
        for record in batch.records() {
            black_box(decoder.decode(&record));
        }
        let decoding = per_event(start);

        let mut processor = Processor::new(Settings::default(), "agent.events", 0);
        let start = Instant::now();
        let mut outputs = 0;
        for record in batch.records() {
            outputs += processor.handle_record(&record, &decoder.decode(&record)).len();
        }
        let whole = per_event(start);
        let start = Instant::now();
        let mut size_bytes = 0;
        let head = processor.take_changes(&mut |_, bytes| {
            size_bytes += bytes.map_or(0, |bytes| bytes.len());
        });
        size_bytes += head.len();
        println!(
            "round {round}: {whole:.0} ns/event, of which decoding {decoding:.0}; {outputs} outputs; \
             snapshot of {} keys: {size_bytes} bytes in {:.1} ms",
            processor.keys(),
            start.elapsed().as_secs_f64() * 1e3,
        );
    }
}
