//! Seeded traffic of several agents, in every encoding, with what is to be expected of it counted
//! beside it in the simplest possible way: that count shares no code with the product.

use std::collections::{BTreeMap, HashSet};

use event::{Cell, Event, EventBuilder, Timestamp, column, kind, schema};
use serde_json::{Map, Value};

use crate::rng::Rng;

/// Length of a metric window.
const WINDOW_MICROS: i64 = 300 * 1_000_000;

/// How a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON text.
    Json,
    /// Avro single object of the bundled schema.
    Avro,
    /// JSON in the value, context in `ce_` headers.
    CloudEvent,
}

/// Something to send.
#[derive(Debug, Clone)]
pub struct Item {
    /// The agent, which is the key.
    pub agent: String,
    /// The event's id; `None` for what does not decode.
    pub event_id: Option<String>,
    /// The event's kind; empty for what does not decode.
    pub kind: String,
    /// The value of the record.
    pub value: Vec<u8>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The reason for which it is quarantined.
    pub fault: Option<&'static str>,
}

/// A window of a metric: agent, version, start in microseconds, metric, suite (or empty).
pub type Window = (String, String, i64, &'static str, String);

/// What must come out.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Count and sum of each window.
    pub windows: BTreeMap<Window, (i64, f64)>,
    /// Records of each reason of quarantine.
    pub faults: BTreeMap<&'static str, u64>,
    /// Identifiers of all events that decode.
    pub event_ids: HashSet<String>,
}

impl Expected {
    fn observe(&mut self, run: &Run<'_>, metric: &'static str, suite: &str, value: f64) {
        let window = run.at.div_euclid(WINDOW_MICROS) * WINDOW_MICROS;
        let key = (run.agent.to_owned(), run.version.to_owned(), window, metric, suite.to_owned());
        let (count, sum) = self.windows.entry(key).or_default();
        *count += 1;
        *sum += value;
    }
}

struct Run<'a> {
    agent: &'a str,
    version: &'a str,
    id: String,
    at: i64,
}

/// Makes the traffic.
#[derive(Debug)]
pub struct Traffic {
    rng: Rng,
    agents: u64,
    start_micros: i64,
    span_micros: i64,
    fault_share: f64,
    /// Whether everything is Avro.
    avro: bool,
    made: u64,
    expected: Expected,
}

impl Traffic {
    /// Traffic of so many agents whose event times go from `start_micros` over `span_micros`.
    /// From the middle on, every second agent has version 2.
    #[must_use]
    pub fn new(seed: u64, agents: u64, start_micros: i64, span_micros: i64) -> Self {
        let rng = Rng::new(seed);
        let expected = Expected::default();
        let (fault_share, avro) = (0.005, false);
        Self { rng, agents, start_micros, span_micros, fault_share, avro, made: 0, expected }
    }

    /// The same, all of it well-formed Avro.
    #[must_use]
    pub const fn all_avro(mut self) -> Self {
        self.fault_share = 0.0;
        self.avro = true;
        self
    }

    /// At least `count` items (runs are whole), and what to expect of them.
    #[must_use]
    pub fn make(mut self, count: usize) -> (Vec<Item>, Expected) {
        let mut items = Vec::with_capacity(count.saturating_add(16));
        while items.len() < count {
            let progress = f64_of(items.len()) / f64_of(count);
            self.run(progress, &mut items);
            if self.rng.chance(self.fault_share * 6.0) {
                items.push(self.bad());
            }
        }
        (items, self.expected)
    }

    /// One run: started, a model and two tool calls, completed, judged by one of two suites.
    fn run(&mut self, progress: f64, items: &mut Vec<Item>) {
        let number = self.rng.below(self.agents);
        let agent = format!("agent-{number:02}");
        let version = if progress > 0.5 && number % 2 == 1 { "2" } else { "1" };
        let jitter = self.rng.unit() * 20e6;
        #[expect(clippy::cast_possible_truncation, reason = "within the span")]
        let at = self.start_micros + (span_f64(self.span_micros) * progress + jitter) as i64;
        let id = format!("run-{}", self.made);
        let run = Run { agent: &agent, version, id, at };
        let failed = self.rng.chance(if version == "2" { 0.3 } else { 0.1 });
        let status = if failed { "error" } else { "ok" };
        let event = self.event(&run, kind::RUN_STARTED).set(column::run::TRIGGER, "user");
        items.push(self.item(&run, event, 0));
        items.push(self.model_call(&run));
        for tool in ["search", "write_file"] {
            let failed = self.rng.chance(0.05);
            self.expected.observe(&run, "tool.error_rate", "", f64::from(u8::from(failed)));
            let event = self
                .event(&run, kind::TOOL_COMPLETED)
                .set(column::tool::NAME, tool)
                .set(column::tool::STATUS, if failed { "error" } else { "ok" })
                .set(column::tool::DURATION_MS, self.rng.unit() * 400.0)
                .set(column::tool::ARGUMENTS, format!("{{\"query\":\"größe {}\"}}", self.made));
            items.push(self.item(&run, event, 0));
        }
        self.expected.observe(&run, "run.count", "", 1.0);
        self.expected.observe(&run, "run.error_rate", "", f64::from(u8::from(failed)));
        let event = self
            .event(&run, kind::RUN_COMPLETED)
            .set(column::run::STATUS, status)
            .set(column::run::DURATION_MS, self.rng.unit() * 9_000.0)
            .set(column::run::INPUT_TOKENS, i64::try_from(self.rng.below(4_000)).unwrap_or(0))
            .set(column::run::OUTPUT_TOKENS, i64::try_from(self.rng.below(900)).unwrap_or(0))
            .set(column::run::COST_USD, self.rng.unit() / 50.0);
        items.push(self.item(&run, event, 0));
        let suite = if self.rng.chance(0.5) { "helpfulness" } else { "format" };
        let passed = self.rng.chance(0.85);
        self.expected.observe(&run, "eval.pass_rate", suite, f64::from(u8::from(passed)));
        let event = self
            .event(&run, kind::EVAL_RESULT)
            .set(column::eval::SUITE, suite)
            .set(column::eval::PASSED, passed)
            .set(column::eval::SCORE, self.rng.unit());
        items.push(self.item(&run, event, 0));
    }

    /// Now and then its time is one that no window may be upset by.
    fn model_call(&mut self, run: &Run<'_>) -> Item {
        let strange = match self.rng.below(2_000) {
            0 => Timestamp::EARLIEST.micros(),
            1 => Timestamp::LATEST.micros(),
            _ => 0,
        };
        let event = self.event(run, kind::MODEL_INVOKED);
        self.item(run, event, strange)
    }

    fn event(&mut self, run: &Run<'_>, kind: &str) -> EventBuilder {
        self.made += 1;
        let (high, low) = (self.rng.next(), self.rng.next());
        let id = uuid::Builder::from_random_bytes(pair(high, low)).into_uuid().to_string();
        let attributes = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
        EventBuilder::new(kind)
            .set(column::EVENT_ID, id)
            .set(column::AGENT_ID, run.agent)
            .set(column::AGENT_VERSION, run.version)
            .set(column::RUN_ID, run.id.as_str())
            .set(column::ATTRIBUTES, attributes)
    }

    #[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
    fn item(&mut self, run: &Run<'_>, event: EventBuilder, strange_time: i64) -> Item {
        let time = if strange_time == 0 { run.at } else { strange_time };
        let event = event.set(column::EVENT_TIME, Timestamp::from_micros(time)).build().unwrap();
        let event_id = event.text(column::EVENT_ID).unwrap_or_default().to_owned();
        self.expected.event_ids.insert(event_id.clone());
        let encoding = match self.rng.below(10) {
            _ if self.avro => Encoding::Avro,
            0..4 => Encoding::Json,
            4..9 => Encoding::Avro,
            _ => Encoding::CloudEvent,
        };
        let (value, headers) = write(&event, encoding);
        let agent = run.agent.to_owned();
        let kind = event.text(column::KIND).unwrap_or_default().to_owned();
        Item { agent, event_id: Some(event_id), kind, value, headers, fault: None }
    }

    /// A record that does not decode, of one of many sorts.
    fn bad(&mut self) -> Item {
        let unknown_schema = [&[0xc3, 0x01][..], &[7; 8], b"whatever"].concat();
        let unregistered = [&[0, 0xff, 0xff, 0xff, 0xfe][..], b"whatever"].concat();
        let mut truncated = event::encode::SINGLE_OBJECT_MARKER.to_vec();
        truncated.extend_from_slice(&event::encode::fingerprint().to_le_bytes());
        truncated.extend_from_slice(&[0x48, b'a', b'b']);
        let sorts: [(&'static str, Vec<u8>); 10] = [
            ("empty", Vec::new()),
            ("unknown_encoding", b"hello".to_vec()),
            ("unknown_schema", unknown_schema),
            ("unknown_schema", unregistered),
            ("invalid_json", b"{\"kind\":\"run.completed\",".to_vec()),
            ("invalid_json", b"{\"kind\":\"run.completed\",\"run\":{\"cost_usd\":NaN}}".to_vec()),
            ("invalid_avro", truncated),
            ("invalid_utf8", b"{\"kind\":\"run.completed\",\"agent_id\":\"\xff\"}".to_vec()),
            ("wrong_type", b"{\"kind\":\"run.completed\",\"run\":{\"status\":7}}".to_vec()),
            ("missing_field", b"{\"agent_id\":\"agent-00\"}".to_vec()),
        ];
        let chosen = usize::try_from(self.rng.below(10)).unwrap_or(0);
        let (fault, value) = sorts.into_iter().nth(chosen).unwrap_or(("empty", Vec::new()));
        *self.expected.faults.entry(fault).or_default() += 1;
        let agent = format!("agent-{:02}", self.rng.below(self.agents));
        let headers = Vec::new();
        Item { agent, event_id: None, kind: String::new(), value, headers, fault: Some(fault) }
    }
}

/// Names and values of headers.
type Headers = Vec<(String, Option<Vec<u8>>)>;

/// The value and headers of an event's record.
fn write(event: &Event<'_>, encoding: Encoding) -> (Vec<u8>, Headers) {
    match encoding {
        Encoding::Json => (json(event), Vec::new()),
        Encoding::Avro => {
            let mut value = Vec::new();
            event::encode::encode(event, &mut value);
            (value, Vec::new())
        }
        Encoding::CloudEvent => {
            let header = |name: &str, text: &str| (name.to_owned(), Some(text.as_bytes().to_vec()));
            let id = event.text(column::EVENT_ID).unwrap_or_default();
            let headers = vec![
                header("ce_specversion", "1.0"),
                header("ce_id", id),
                header("ce_source", "/tests"),
                header("ce_type", event.text(column::KIND).unwrap_or_default()),
                header("content-type", "application/json"),
            ];
            (json(event), headers)
        }
    }
}

/// An event as a sender would write it: one object for each group of fields.
#[must_use]
pub fn json(event: &Event<'_>) -> Vec<u8> {
    let mut whole = Map::new();
    for (column, cell) in event.cells() {
        let path = &schema().column(*column).path;
        let value = json_of(cell);
        if let Some((group, field)) = path.split_once('.') {
            let group = whole.entry(group).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(group) = group {
                group.insert(field.to_owned(), value);
            }
        } else {
            whole.insert(path.clone(), value);
        }
    }
    Value::Object(whole).to_string().into_bytes()
}

fn json_of(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Bool(value) => (*value).into(),
        Cell::Int(value) => (*value).into(),
        Cell::Float(value) => (*value).into(),
        Cell::Text(value) => value.as_ref().into(),
        Cell::Bytes(value) => String::from_utf8_lossy(value).into(),
        Cell::Time(value) => value.to_rfc3339().into(),
        Cell::Texts(values) => values.iter().map(AsRef::as_ref).collect::<Vec<&str>>().into(),
        Cell::Map(pairs) => Value::Object(
            pairs.iter().map(|(key, value)| (key.to_string(), value.as_ref().into())).collect(),
        ),
    }
}

fn pair(high: u64, low: u64) -> [u8; 16] {
    ((u128::from(high) << 64) | u128::from(low)).to_be_bytes()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
const fn f64_of(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "an hour at most")]
const fn span_f64(micros: i64) -> f64 {
    micros as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{BatchBuilder, Decoder, TimestampType, TopicPartition};

    #[test]
    fn every_item_decodes_or_has_the_fault_that_it_says() {
        let (items, expected) = Traffic::new(7, 6, 1_700_000_000_000_000, 600_000_000).make(6_000);
        let decoder = Decoder::new(event::Limits::default());
        let mut builder = BatchBuilder::new(TopicPartition::new("t", 0));
        for (offset, item) in (0..).zip(&items) {
            let headers =
                item.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_deref()));
            let key = Some(item.agent.as_bytes());
            let kind = TimestampType::LogAppendTime;
            builder.push(offset, 0, kind, key, Some(&item.value), headers);
        }
        let batch = builder.build();
        let mut quarantined = 0;
        for (record, item) in batch.records().zip(&items) {
            let decoded = decoder.decode(&record);
            assert_eq!(decoded.fault.as_ref().map(|fault| fault.reason.name()), item.fault);
            match &item.event_id {
                Some(id) => assert_eq!(decoded.event.text(column::EVENT_ID), Some(id.as_str())),
                None => quarantined += 1,
            }
        }
        assert_eq!(expected.faults.values().sum::<u64>(), quarantined);
        assert!(quarantined > 10 && expected.faults.len() == 8, "{:?}", expected.faults);
    }
}
