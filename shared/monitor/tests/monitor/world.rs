//! A partition in memory: events in, outputs out.

use std::collections::BTreeMap;

use event::typed::Text;
use event::{
    BatchBuilder, Decoded, Event, EventBuilder, Timestamp, TimestampType, TopicPartition,
    TypedColumn, column, kind,
};
use governance::{
    Admission, Admitted, Effect, Id, Installation, Ownership, Signer, Trust, content_of, has_effect,
};
use merkle::note::SigningKey;
use monitor::{Catalogue, Destination, EntryId, Output, Processor, ResumeError, Settings, Span};

pub(crate) const TOPIC: &str = "agent.events";
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// 2026-01-01T00:00:00Z, the beginning of a window.
pub(crate) const START: i64 = 1_767_225_600 * SECOND;

/// One input: broker time in microseconds, and the event.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) broker: i64,
    pub(crate) event: Event<'static>,
}

pub(crate) fn builder(kind: &str, id: &str, time: i64) -> EventBuilder {
    EventBuilder::new(kind)
        .set(column::EVENT_ID, id)
        .set(column::EVENT_TIME, Timestamp::from_micros(time))
}

pub(crate) fn run(id: &str, version: &str, time: i64, failed: bool) -> Input {
    let event = builder(kind::RUN_COMPLETED, id, time)
        .set(column::AGENT_ID, "a")
        .set(column::AGENT_VERSION, version)
        .set(column::RUN_ID, format!("run-{id}"))
        .set(column::run::STATUS, if failed { "error" } else { "ok" })
        .build()
        .unwrap();
    Input { broker: time, event }
}

pub(crate) fn eval(id: &str, version: &str, suite: &str, time: i64, passed: bool) -> Input {
    let event = builder(kind::EVAL_RESULT, id, time)
        .set(column::AGENT_ID, "a")
        .set(column::AGENT_VERSION, version)
        .set(column::eval::SUITE, suite)
        .set(column::eval::PASSED, passed)
        .build()
        .unwrap();
    Input { broker: time, event }
}

pub(crate) fn tick(time: i64) -> Input {
    Input { broker: time, event: builder(kind::MONITOR_TICK, "tick", time).build().unwrap() }
}

pub(crate) fn configured(settings: &str, time: i64) -> Input {
    let event = builder(kind::MONITOR_CONFIGURED, &format!("configured {settings}"), time)
        .set(column::monitor::SETTINGS, settings)
        .build()
        .unwrap();
    Input { broker: time, event }
}

/// Signs what the owner of the partition writes.
pub(crate) fn signer() -> Signer {
    let key = SigningKey::from_seed("processor", [1; 32]).unwrap();
    let installation = Installation { origin: "log".to_owned(), topic_prefix: String::new() };
    let partition = TopicPartition::new(TOPIC, 0);
    Signer::new(key, installation, partition, (Id::from_bytes([1; 16]), 1), Id::from_bytes([2; 16]))
}

/// Keys of the installation.
pub(crate) fn trust() -> Trust {
    let installation = Installation { origin: "log".to_owned(), topic_prefix: String::new() };
    let key = |name: &str, seed| SigningKey::from_seed(name, [seed; 32]).unwrap().verifier();
    let (processor, gateway) = (key("processor", 1), key("governance", 2));
    Trust::parse(installation, [processor.to_vkey()], [gateway.to_vkey()]).unwrap()
}

/// A partition whose owner has started.
pub(crate) fn ownership() -> Ownership {
    let mut ownership = Ownership::new(trust());
    let started = builder(kind::MONITOR_STARTED, "started", START).build().unwrap();
    ownership.accept((TOPIC, 0), -1, &signer().sign(started)).unwrap();
    ownership
}

/// Whether people or pipelines decide by the event.
pub(crate) fn is_act(event: &Event<'_>) -> bool {
    event.text(column::KIND).is_some_and(has_effect)
}

/// An act as the owner admits it, if it is the `number`th of the governance topic.
pub(crate) fn admission(number: i64, act: &Event<'static>) -> Event<'static> {
    let effect = Effect::of(act).unwrap().unwrap();
    let admitted = Admitted { offset: number, digest: content_of(act), effect };
    let (governance, next) = ("g".to_owned(), number + 1);
    let admission = Admission { governance, from: number, next, of: next, acts: vec![admitted] };
    let time = act.time(column::EVENT_TIME).unwrap().micros();
    admission
        .write(builder(kind::MONITOR_ADMITTED, &format!("admitted-{number}"), time))
        .build()
        .unwrap()
}

/// The event as it is in the partition, behind so many acts: the owner's are signed, with the offset
/// as their number, and acts are admitted.
pub(crate) fn written(offset: i64, acts: i64, event: &Event<'static>) -> Event<'static> {
    let own = [kind::MONITOR_TICK, kind::MONITOR_CONFIGURED];
    let is_own = event.text(column::KIND).is_some_and(|kind| own.contains(&kind));
    if is_act(event) {
        signer().at(offset + 1).sign(admission(acts, event))
    } else if is_own && event.get(column::monitor::SIGNATURE).is_none() {
        signer().at(offset + 1).sign(event.clone())
    } else {
        event.clone()
    }
}

/// The event as anybody may write it.
pub(crate) fn feed_as_it_is(processor: &mut Processor, input: &Input) -> Vec<Output> {
    feed_written(processor, input.broker, input.event.clone())
}

/// The output as it is in its topic: alerts are signed.
pub(crate) fn published(destination: Destination, event: &Event<'static>) -> Event<'static> {
    match destination {
        Destination::Alerts => signer().sign_alert(event.clone()),
        Destination::Metrics => event.clone(),
    }
}

pub(crate) fn feed(processor: &mut Processor, input: &Input) -> Vec<Output> {
    let acts = processor.frontier().next();
    let event = written(processor.next_offset(), acts, &input.event);
    feed_written(processor, input.broker, event)
}

fn feed_written(processor: &mut Processor, broker: i64, event: Event<'static>) -> Vec<Output> {
    let mut batch = BatchBuilder::new(TopicPartition::new(TOPIC, 0));
    let offset = processor.next_offset();
    let kind = TimestampType::LogAppendTime;
    batch.push(offset, broker / 1_000, kind, Some(b"a"), Some(b""), std::iter::empty());
    let decoded = Decoded { event, schema_id: "none".into(), fault: None };
    let batch = batch.build();
    let record = batch.records().next().unwrap();
    processor.handle_record(&record, &decoded)
}

pub(crate) fn feed_all<'i>(
    processor: &mut Processor,
    inputs: impl IntoIterator<Item = &'i Input>,
) -> Vec<Output> {
    inputs.into_iter().flat_map(|input| feed(processor, input)).collect()
}

pub(crate) fn processor() -> Processor {
    processor_with(Settings::default())
}

/// A processor in whose partition an owner has started.
pub(crate) fn processor_with(settings: Settings) -> Processor {
    Processor::new(settings, TOPIC, 0).with_ownership(ownership())
}

pub(crate) fn processor_of(catalogue: Catalogue) -> Processor {
    Processor::with_catalogue(Settings::default(), TOPIC, 0, catalogue).with_ownership(ownership())
}

pub(crate) fn text(output: &Output, column: TypedColumn<Text>) -> Option<&str> {
    output.event.text(column)
}

pub(crate) fn number<N: event::typed::Number>(
    output: &Output,
    column: TypedColumn<N>,
) -> Option<f64> {
    output.event.number(column)
}

pub(crate) fn kind(output: &Output) -> &str {
    text(output, column::KIND).unwrap()
}

/// Windows of one metric and length.
pub(crate) fn windows_of<'o>(span: Span, outputs: &'o [Output], metric: &str) -> Vec<&'o Output> {
    let instant = |output: &Output, column| output.event.time(column).unwrap().micros();
    let is = |output: &&Output| {
        text(output, column::metric::NAME) == Some(metric)
            && instant(output, column::metric::WINDOW_END)
                - instant(output, column::metric::WINDOW_START)
                == span.micros()
    };
    outputs.iter().filter(is).collect()
}

/// Windows of five minutes of one metric.
pub(crate) fn windows<'o>(outputs: &'o [Output], metric: &str) -> Vec<&'o Output> {
    windows_of(Span::Minutes, outputs, metric)
}

/// Alert events and baselines.
pub(crate) fn alerts(outputs: &[Output]) -> Vec<&Output> {
    let is = |output: &&Output| {
        output.destination == Destination::Alerts && kind(output) != kind::DRIFT_VERSION_UNPLANNED
    };
    outputs.iter().filter(is).collect()
}

pub(crate) fn kinds(outputs: &[Output]) -> Vec<&str> {
    alerts(outputs).into_iter().map(kind).collect()
}

/// A generator of numbers that everybody can repeat (splitmix64, Steele et al. 2014).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 <= share
    }
}

/// A snapshot as it is kept: change by change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Kept {
    pub(crate) head: Vec<u8>,
    pub(crate) entries: BTreeMap<EntryId, Vec<u8>>,
}

impl Kept {
    /// Everything of a processor that was never saved before.
    pub(crate) fn of(processor: &mut Processor) -> Self {
        let mut kept = Self::default();
        kept.keep(processor);
        kept
    }

    /// Keeps what has changed; how many entries that were.
    pub(crate) fn keep(&mut self, processor: &mut Processor) -> usize {
        let mut count = 0;
        self.head = processor.take_changes(&mut |entry, bytes| {
            count += 1;
            match bytes {
                Some(bytes) => drop(self.entries.insert(entry, bytes)),
                None => drop(self.entries.remove(&entry)),
            }
        });
        count
    }

    pub(crate) fn resume_as(&self, partition: i32) -> Result<Processor, ResumeError> {
        let entries = self.entries.iter().map(|(entry, bytes)| (*entry, bytes));
        Processor::resume(TOPIC, partition, &self.head, entries)
    }

    pub(crate) fn resume(&self) -> Processor {
        self.resume_as(0).unwrap()
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.head.len() + self.entries.values().map(Vec::len).sum::<usize>()
    }
}

/// `count` runs of a version, two seconds apart from `from` on, failing at that share.
pub(crate) fn runs(
    version: &str,
    from: i64,
    count: i64,
    share: f64,
    numbers: &mut Numbers,
) -> Vec<Input> {
    (0..count)
        .map(|i| {
            let time = from + i * 2 * SECOND;
            run(&format!("{version}-{time}"), version, time, numbers.chance(share))
        })
        .collect()
}

pub(crate) fn find<'o>(outputs: &'o [Output], wanted: &str) -> &'o Output {
    outputs.iter().find(|output| kind(output) == wanted).unwrap()
}
