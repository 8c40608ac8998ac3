//! From a record to an event: strict, and total.
//!
//! Strict: a value of the wrong type, an event without a kind, trailing bytes, an unknown schema
//! are faults. Total: a fault becomes a `quarantine.added` event with the reason and the exact
//! key, value and headers, so every record of the log has exactly one event.
//!
//! Encodings, tried in this order: `__value_schema_id` header, Confluent frame (`00`, 4-byte id),
//! Avro single object (`C3 01`, 8-byte fingerprint), CloudEvents (headers), JSON. JSON behind a
//! frame or an id header is read as JSON.
//!
//! Where a record says nothing, the identifier is derived from its position, the time is the
//! broker's, and `schema_version` is this version's. Text that is empty counts as no identifier.

mod assemble;
mod avro;
mod canonical;
mod cloud_event;
mod fault;
mod foreign;
mod frame;
mod json;
mod looks;
mod malformed;
mod quarantine;
mod raw;
#[cfg(test)]
mod tests;
pub mod trace;
mod unscaled;
mod writer;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::barrier::guarded;
use crate::cell::Cell;
use crate::column;
use crate::encode::{fingerprint, native_fingerprint_of};
use crate::event::Event;
use crate::id;
use crate::record::Record;
use crate::schema_key::SchemaKey;
use crate::time::Timestamp;

pub use self::fault::{Fault, Reason};
use self::frame::{Body, Encoding};
use self::writer::{Parsed, Writer};

/// Limits of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest value that is decoded; a larger one is quarantined with its bytes. Default 1 MiB.
    pub value_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value_bytes_max: 1024 * 1024 }
    }
}

impl Limits {
    fn check(self, value: &[u8]) -> Result<(), Fault> {
        let fault = |reason, detail| Err(Fault { reason, pointer: String::new(), detail });
        if value.is_empty() {
            return fault(Reason::Empty, "no value".to_owned());
        }
        if value.len() > self.value_bytes_max {
            let (size, max) = (value.len(), self.value_bytes_max);
            return fault(Reason::TooLarge, format!("{size} bytes, at most {max} are decoded"));
        }
        Ok(())
    }
}

/// A record's event, and how it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<'a> {
    /// The event; of kind `quarantine.added` if there is a fault.
    pub event: Event<'a>,
    /// `json`, `avro:` and the CRC-64-AVRO fingerprint of the writer schema in hex, or `none`.
    pub schema_id: Cow<'static, str>,
    /// Why the record was quarantined.
    pub fault: Option<Fault>,
}

/// A schema, and the offset from which on it is known.
#[derive(Debug, Clone)]
struct Known {
    from: i64,
    writer: Arc<Writer>,
}

/// Decodes records; holds the schemas it knows. Those of earlier builds are always known.
#[derive(Debug, Clone)]
pub struct Decoder {
    limits: Limits,
    known: HashMap<SchemaKey, Known>,
}

impl Default for Decoder {
    /// [`Decoder::new`] with the default limits.
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

/// Reads data of one schema that follow each other, as in an object container file.
#[derive(Debug, Clone)]
pub struct Datums(Arc<Writer>);

impl Datums {
    /// The event of the first datum, whose bytes are taken off. If the datum is whole but no event,
    /// its bytes are taken off too; if it is not whole, none are.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn next<'a>(&self, data: &mut &'a [u8]) -> Result<Event<'a>, Fault> {
        let mut rest = *data;
        let read = within_barrier(|| Ok((self.read(&mut rest), rest)));
        let (event, rest) = read?;
        *data = rest;
        event
    }

    fn read<'a>(&self, data: &mut &'a [u8]) -> Result<Event<'a>, Fault> {
        match &*self.0 {
            Writer::Bundled => {
                let mut reader = avro::Reader::new(data);
                let event = avro::read(&mut reader)?;
                *data = reader.rest();
                assemble::check(&event, "")?;
                Ok(event)
            }
            Writer::Foreign(schema, _) => schema.decode_first(data),
        }
    }
}

impl Decoder {
    /// A decoder that knows the bundled schema, and those of earlier builds.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let Ok(parsed) = apache_avro::Schema::parse_str(crate::schema().avro_json()) else {
            unreachable!("the bundled schema is Avro")
        };
        let mut decoder = Self { limits, known: HashMap::new() };
        for fingerprint in [fingerprint(), native_fingerprint_of(&parsed)] {
            let bundled = Arc::new(Writer::Bundled);
            decoder.know(SchemaKey::Fingerprint(fingerprint), i64::MIN, &bundled);
        }
        decoder
    }

    /// Adds the writer schema of a key; single objects of that schema are understood too. A key that is
    /// already known gets this schema.
    ///
    /// # Errors
    ///
    /// If the text is not an Avro record schema, or has another fingerprint than the key.
    pub fn register(&mut self, key: SchemaKey, avro_schema: &str) -> Result<(), String> {
        self.register_from(i64::MIN, key, avro_schema)
    }

    /// As [`Self::register`], for records from an offset on.
    ///
    /// # Errors
    ///
    /// As [`Self::register`].
    pub fn register_from(
        &mut self,
        from: i64,
        key: SchemaKey,
        avro_schema: &str,
    ) -> Result<(), String> {
        let (writer, fingerprints) = self.writer(avro_schema)?;
        if let SchemaKey::Fingerprint(fingerprint) = key
            && !fingerprints.contains(&fingerprint)
        {
            let [written, _] = fingerprints;
            return Err(format!("its fingerprint is {written:016x}, not {key}"));
        }
        for fingerprint in fingerprints {
            let key = SchemaKey::Fingerprint(fingerprint);
            let before = self.known.get(&key).map_or(from, |known| known.from);
            self.know(key, from.min(before), &writer);
        }
        self.know(key, from, &writer);
        Ok(())
    }

    fn know(&mut self, key: SchemaKey, from: i64, writer: &Arc<Writer>) {
        self.known.insert(key, Known { from, writer: Arc::clone(writer) });
    }

    /// A reader of data that were written with a schema.
    ///
    /// # Errors
    ///
    /// If the text is not an Avro record schema.
    pub fn datums(&self, avro_schema: &str) -> Result<Datums, String> {
        self.writer(avro_schema).map(|(writer, _)| Datums(writer))
    }

    /// A writer, and the fingerprints of its schema: as other programs compute it, and as programs that
    /// use the same library do.
    fn writer(&self, avro_schema: &str) -> Result<(Arc<Writer>, [u64; 2]), String> {
        guarded(|| self.compile(avro_schema)).unwrap_or_else(|panicked| Err(panicked.to_string()))
    }

    fn compile(&self, avro_schema: &str) -> Result<(Arc<Writer>, [u64; 2]), String> {
        let parsed = Parsed::from_text(avro_schema)?;
        let key = SchemaKey::Fingerprint(parsed.fingerprint());
        let known = self.known.get(&key).map(|known| &known.writer);
        let writer = match known.or_else(|| writer::of_another_build(key)) {
            Some(writer) => Arc::clone(writer),
            None => Arc::new(parsed.compile()?),
        };
        Ok((writer, parsed.fingerprints))
    }

    /// The writer of a datum in the record at an offset.
    fn known(&self, key: SchemaKey, offset: i64) -> Option<&Writer> {
        match self.known.get(&key).filter(|known| known.from <= offset) {
            Some(known) => Some(&known.writer),
            None => writer::of_another_build(key).map(|writer| &**writer),
        }
    }

    /// Whether the record at an offset can be read if it names this schema.
    #[must_use]
    pub fn knows(&self, key: SchemaKey, offset: i64) -> bool {
        self.known(key, offset).is_some()
    }

    /// The schema without which a record cannot be read, if it is not known.
    #[must_use]
    pub fn wants(&self, record: &Record<'_>) -> Option<SchemaKey> {
        let value = record.value?;
        self.limits.check(value).ok()?;
        // What cannot be looked at is quarantined when it is read.
        guarded(|| self.wanted(value, record)).ok().flatten()
    }

    fn wanted(&self, value: &[u8], record: &Record<'_>) -> Option<SchemaKey> {
        match frame::body(value, record.headers) {
            Body::Datum { key, datum } => {
                let is_readable =
                    self.known(key, record.offset).is_some() || json_of_frame(datum).is_some();
                (!is_readable).then_some(key)
            }
            Body::BadHeader
            | Body::StructuredCloudEvent
            | Body::BinaryCloudEvent
            | Body::CloudEventBatch
            | Body::OtherCloudEvent
            | Body::Json
            | Body::Unknown => None,
        }
    }

    /// The event of a record. Never fails: see the module's head.
    #[must_use]
    pub fn decode<'a>(&self, record: &Record<'a>) -> Decoded<'a> {
        decoded(record, || self.read(record))
    }

    fn read<'a>(&self, record: &Record<'a>) -> Read<'a> {
        let value = record.value.unwrap_or_default();
        let body = frame::body(value, record.headers);
        let encoding = body.encoding();
        let read = self.limits.check(value).and_then(|()| match body {
            Body::Datum { key, datum } => datum_of(self.known(key, record.offset), key, datum),
            Body::BadHeader => Err(Fault {
                reason: Reason::UnknownSchema,
                pointer: frame::SCHEMA_ID_HEADER.into(),
                detail: "neither 01 and a GUID nor a 4-byte id".into(),
            }),
            Body::Json => json::text(value).and_then(event_or_cloud_event).map(as_json),
            Body::StructuredCloudEvent => {
                json::text(value).and_then(cloud_event::structured).map(as_json)
            }
            Body::BinaryCloudEvent => json::text(value)
                .and_then(|text| {
                    let context = frame::cloud_event_context(record.headers)?;
                    cloud_event::binary(text, context.into_iter())
                })
                .map(as_json),
            Body::CloudEventBatch => Err(unknown_encoding(
                "a batch of CloudEvents; send one CloudEvent per record, or the batch over HTTP"
                    .into(),
            )),
            Body::OtherCloudEvent => Err(unknown_encoding(format!(
                "the data of the CloudEvent is no JSON object: it {}",
                looks::like(value)
            ))),
            Body::Unknown => Err(unknown_encoding(looks::like(value))),
        });
        read.map_err(|fault| (fault, encoding))
    }
}

/// An event and how it was written, or why there is none.
type Read<'a> = Result<(Event<'a>, Cow<'static, str>), (Fault, Encoding)>;

/// What `read` makes of a record. Every reader of the log gets what a record is from here, so that one
/// that cannot be read without a panic is the same quarantined event to all of them.
fn decoded<'a>(record: &Record<'a>, read: impl FnOnce() -> Read<'a>) -> Decoded<'a> {
    let read = guarded(|| {
        let (mut event, schema_id) = read()?;
        complete(&mut event, record);
        Ok((event, schema_id))
    });
    let panicked = |panicked| Err((Fault::panicked(&panicked), Encoding::Unknown));
    match read.unwrap_or_else(panicked) {
        Ok((event, schema_id)) => Decoded { event, schema_id, fault: None },
        Err((fault, encoding)) => {
            let fault = fault.bounded();
            let event = quarantine::event(record, &fault, encoding);
            Decoded { event, schema_id: Cow::Borrowed("none"), fault: Some(fault) }
        }
    }
}

/// What `read` gives of a value that is not in the log.
fn within_barrier<T>(read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    guarded(read).unwrap_or_else(|panicked| Err(Fault::panicked(&panicked))).map_err(Fault::bounded)
}

fn datum_of<'a>(
    writer: Option<&Writer>,
    key: SchemaKey,
    datum: &'a [u8],
) -> Result<(Event<'a>, Cow<'static, str>), Fault> {
    match writer {
        Some(Writer::Bundled) => Ok((avro::decode(datum)?, Cow::Borrowed(bundled_schema_id()))),
        Some(Writer::Foreign(schema, schema_id)) => {
            Ok((schema.decode(datum)?, Cow::Owned(schema_id.clone())))
        }
        None => json_of_frame(datum).map_or_else(
            || {
                let name = match key {
                    SchemaKey::Id(_) => "id",
                    SchemaKey::Guid(_) => "guid",
                    SchemaKey::Fingerprint(_) => "fingerprint",
                };
                Err(Fault {
                    reason: Reason::UnknownSchema,
                    pointer: String::new(),
                    detail: format!("no schema with {name} {key}"),
                })
            },
            |event| event.map(as_json),
        ),
    }
}

fn unknown_encoding(detail: String) -> Fault {
    Fault { reason: Reason::UnknownEncoding, pointer: "byte 0".into(), detail }
}

/// The event of a frame whose schema is a JSON Schema: behind the frame stands JSON, which needs no
/// schema to be read. `None` if it does not; no Avro datum is JSON as a whole.
fn json_of_frame(datum: &[u8]) -> Option<Result<Event<'_>, Fault>> {
    if datum.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    match json::text(datum).and_then(event_or_cloud_event) {
        Err(Fault { reason: Reason::InvalidJson | Reason::InvalidUtf8, .. }) => None,
        decoded => Some(decoded),
    }
}

/// The event of a JSON text; one that is not an event may be a CloudEvent that nobody named as one.
fn event_or_cloud_event(text: json::Text<'_>) -> Result<Event<'_>, Fault> {
    match json::decode(text) {
        Err(fault)
            if matches!(fault.reason, Reason::MissingField | Reason::WrongType)
                && cloud_event::may_be(text.text) =>
        {
            cloud_event::structured(text)
        }
        decoded => decoded,
    }
}

fn as_json(event: Event<'_>) -> (Event<'_>, Cow<'static, str>) {
    (event, Cow::Borrowed("json"))
}

/// The schema id of events written with the bundled schema.
#[must_use]
pub fn bundled_schema_id() -> &'static str {
    static ID: LazyLock<String> = LazyLock::new(|| format!("avro:{:016x}", fingerprint()));
    &ID
}

/// Fills what the log knows and the event does not say.
fn complete<'a>(event: &mut Event<'a>, record: &Record<'a>) {
    if !record.headers.encoded().is_empty()
        && event.text(column::RUN_ID).is_none_or(str::is_empty)
        && let Some(header) = record.headers.last(trace::HEADER)
        && let Some(trace) = std::str::from_utf8(header).ok().and_then(trace::trace_id)
    {
        event.set(column::RUN_ID, Cell::Text(trace));
    }
    if event.text(column::EVENT_ID).is_none_or(str::is_empty) {
        let derived = id::from_position(record.topic, record.partition, record.offset);
        event.set(column::EVENT_ID, Cell::Text(Cow::Owned(derived)));
    }
    if event.get(column::EVENT_TIME).is_none() {
        event.set(column::EVENT_TIME, Cell::Time(broker_time(record)));
    }
}

/// The broker's timestamp, within the years that events may have.
fn broker_time(record: &Record<'_>) -> Timestamp {
    Timestamp::from_millis(record.timestamp_ms).clamp(Timestamp::EARLIEST, Timestamp::LATEST)
}

/// Decodes one JSON event that is not in the log yet (the collector's and `emit`'s door): the same
/// rules as for a record, except that `event_id` and `event_time` may be absent from the result.
///
/// # Errors
///
/// The first fault.
pub fn decode_json(value: &[u8], limits: Limits) -> Result<Event<'static>, Fault> {
    decode_json_borrowed(value, limits).map(Event::into_owned)
}

/// As [`decode_json`], borrowing from the value where the text has no escapes.
///
/// # Errors
///
/// The first fault.
pub fn decode_json_borrowed(value: &[u8], limits: Limits) -> Result<Event<'_>, Fault> {
    limits.check(value)?;
    within_barrier(|| json::text(value).and_then(event_or_cloud_event))
}

/// As [`decode_json_borrowed`], for a value that its content type calls a CloudEvent in structured
/// mode.
///
/// # Errors
///
/// The first fault.
pub fn decode_cloud_event(value: &[u8], limits: Limits) -> Result<Event<'_>, Fault> {
    limits.check(value)?;
    within_barrier(|| json::text(value).and_then(cloud_event::structured))
}

/// As [`decode_json_borrowed`], for the data of a CloudEvent in binary mode, with the names (without
/// their prefix) and values of its context.
///
/// # Errors
///
/// The first fault.
pub fn decode_binary_cloud_event<'a>(
    value: &'a [u8],
    context: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    limits: Limits,
) -> Result<Event<'a>, Fault> {
    limits.check(value)?;
    within_barrier(|| {
        json::text(value).and_then(|text| cloud_event::binary(text, context.into_iter()))
    })
}
