//! Nanoseconds per event of decoding and encoding, on one thread. `cargo bench -p event`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures with the clock")]

use std::time::Instant;

use event::{BatchBuilder, Decoder, Limits, SchemaKey, TimestampType, TopicPartition};

const EVENTS: usize = 1_000;

fn json(number: usize) -> String {
    format!(
        r#"{{"event_id":"019ab3c4-5d6e-7f80-9a1b-{number:012}","kind":"tool.called","event_time":"2026-11-24T10:00:00.123456Z","tenant_id":"acme","environment":"production","agent_id":"support-agent-{}","agent_version":"2.4.1","run_id":"run-{:08}","span_id":"00f067aa0ba902b7","source":{{"id":"pod-7f9c","epoch":3,"seq":{number}}},"tool":{{"name":"search_orders","call_id":"call_{number}","duration_ms":{}.25,"arguments":"{{\"order\":\"A-{number}\",\"limit\":10}}"}},"attributes":{{"region":"eu-central-1","host":"node-17"}}}}"#,
        number % 50,
        number / 7,
        number % 400,
    )
}

fn main() {
    // `cargo test` runs benchmarks too, once, to see that they work.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 500 } else { 1 };
    let decoder = Decoder::new(Limits::default());
    let batch = |values: &[Vec<u8>]| {
        let mut builder = BatchBuilder::new(TopicPartition::new("agent.events", 0));
        for (offset, value) in (0..).zip(values) {
            builder.push(
                offset,
                0,
                TimestampType::CreateTime,
                None,
                Some(value),
                std::iter::empty(),
            );
        }
        builder.build()
    };
    let texts: Vec<Vec<u8>> = (0..EVENTS).map(|number| json(number).into_bytes()).collect();
    let jsons = batch(&texts);
    let avros: Vec<Vec<u8>> = jsons
        .records()
        .map(|record| {
            let decoded = decoder.decode(&record);
            assert_eq!(decoded.fault, None);
            let mut value = Vec::new();
            event::encode::encode(&decoded.event, &mut value);
            value
        })
        .collect();
    let avros = batch(&avros);
    let mut foreign = Decoder::new(Limits::default());
    foreign
        .register(SchemaKey::Id(1), &event::schema().avro_json().replace("\"Event\"", "\"Other\""))
        .unwrap();
    let framed: Vec<Vec<u8>> = avros
        .records()
        .map(|record| [&[0, 0, 0, 0, 1], record.value.unwrap().get(10..).unwrap()].concat())
        .collect();
    let framed = batch(&framed);

    for (name, decoder, batch) in [
        ("decode json", &decoder, &jsons),
        ("decode avro", &decoder, &avros),
        ("decode foreign avro", &foreign, &framed),
    ] {
        measure(name, rounds, batch.size_bytes(), || {
            batch.records().map(|record| decoder.decode(&record).event.cells().len()).sum()
        });
    }
    let events: Vec<_> = avros.records().map(|record| decoder.decode(&record).event).collect();
    let mut into = Vec::new();
    measure("encode avro", rounds, avros.size_bytes(), || {
        into.clear();
        events.iter().for_each(|event| event::encode::encode(event, &mut into));
        into.len()
    });
}

fn measure(name: &str, rounds: u32, bytes: usize, mut round: impl FnMut() -> usize) {
    // A name as an argument chooses one: `cargo bench -p event -- "decode avro"`.
    let mut asked = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    if asked.next().is_some_and(|asked| asked != name) {
        return;
    }
    round();
    let mut best = f64::INFINITY;
    for _ in 0..rounds.div_ceil(10) {
        let begin = Instant::now();
        for _ in 0..10.min(rounds) {
            assert!(std::hint::black_box(round()) > 0);
        }
        best = best.min(begin.elapsed().as_secs_f64() / f64::from(10.min(rounds)));
    }
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (each, size) = (best / EVENTS as f64, bytes / EVENTS);
    println!(
        "{name:<20} {:>8.0} ns/event  ({size} bytes, {:.2} M events/s)",
        each * 1e9,
        1e-6 / each
    );
}
