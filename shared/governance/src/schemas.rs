//! The schemas of other writers that a partition knows: what its processor has answered, in the order
//! of the log.
//!
//! ```text
//!             offsets <= through                 offsets > through
//! (is on)     without its schema: quarantined    without its schema: a reader waits for an answer
//! (is off)    without its schema: quarantined    without its schema: quarantined
//! ```
//!
//! `through` only grows, so that an answer that is copied later changes nothing, and readers need not know
//! who owns the partition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use event::{Event, EventBuilder, SchemaKey, column};
use merkle::note::SigningKey;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::signed;
use crate::trust::{Installation, Purpose, Trust};

/// Key of the records that are answers, so that a reader need not decode the others.
pub const ANSWER_KEY: &[u8] = b"driftseal/schemas";
/// Most schemas that a partition knows.
pub const SCHEMAS_MAX: usize = 256;
/// Largest schema, bytes.
pub const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of all schemas that a partition knows.
pub const SCHEMAS_BYTES_MAX: usize = 4 * 1024 * 1024;

const DOMAIN: &str = "driftseal/schemas/v1";

/// An answer of the processor: the content of `monitor.schemas`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Whether records behind `through` wait for an answer if their schema is not known.
    pub is_on: bool,
    /// Last offset that is answered for.
    pub through: i64,
    /// Avro schemas that are known from here on.
    pub schemas: BTreeMap<SchemaKey, String>,
    /// What was asked for and has no schema. It has no effect.
    pub missing: BTreeSet<SchemaKey>,
}

impl Answer {
    /// Adds it to an event.
    #[must_use]
    pub fn write(&self, event: EventBuilder) -> EventBuilder {
        let texts = |(key, text): (&SchemaKey, &String)| (key.to_string(), text.clone());
        let schemas: BTreeMap<_, _> = self.schemas.iter().map(texts).collect();
        let missing: Vec<_> = self.missing.iter().map(ToString::to_string).collect();
        event
            .set(column::monitor::SCHEMAS_ON, self.is_on)
            .set(column::monitor::SCHEMAS_THROUGH, self.through)
            .set_some(column::monitor::SCHEMAS, Some(schemas).filter(|schemas| !schemas.is_empty()))
            .set_some(
                column::monitor::SCHEMAS_MISSING,
                Some(missing).filter(|keys| !keys.is_empty()),
            )
    }

    /// Reads it from an event at an offset; nobody answers for what comes after the answer.
    ///
    /// # Errors
    ///
    /// `Answer`.
    pub fn read(offset: i64, event: &Event<'_>) -> Result<Self, Refusal> {
        let through = event.int(column::monitor::SCHEMAS_THROUGH);
        let through = through.filter(|through| (-1..offset).contains(through));
        let key = |text: &str| SchemaKey::parse(text).ok_or(Refusal::Answer);
        let schemas = event.map(column::monitor::SCHEMAS).iter();
        let missing = event.texts(column::monitor::SCHEMAS_MISSING).iter();
        Ok(Self {
            is_on: event.bool(column::monitor::SCHEMAS_ON).ok_or(Refusal::Answer)?,
            through: through.ok_or(Refusal::Answer)?,
            schemas: schemas
                .map(|(name, text)| Ok((key(name)?, text.clone().into_owned())))
                .collect::<Result<_, _>>()?,
            missing: missing.map(|name| key(name)).collect::<Result<_, _>>()?,
        })
    }
}

/// Signs an answer; `place` is topic and number of the partition that it is written to.
#[must_use]
pub fn sign_answer(
    key: &SigningKey,
    installation: &Installation,
    place: (&str, i32),
    event: Event<'static>,
) -> Event<'static> {
    signed::sign(DOMAIN, key, installation, place, event)
}

/// A schema that a partition knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSchema {
    /// First offset of records that may use it.
    pub from: i64,
    /// The schema, as JSON.
    pub avro: Arc<str>,
}

impl KnownSchema {
    /// As bytes of a snapshot.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.from.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.avro.as_bytes());
        bytes
    }

    /// Reads [`Self::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (from, avro) = bytes.split_first_chunk()?;
        Some(Self { from: i64::from_be_bytes(*from), avro: std::str::from_utf8(avro).ok()?.into() })
    }
}

/// The schemas of other writers that a partition knows at an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schemas {
    is_on: bool,
    through: i64,
    known: BTreeMap<SchemaKey, KnownSchema>,
}

impl Default for Schemas {
    /// Nothing is known, and nothing is waited for.
    fn default() -> Self {
        Self { is_on: false, through: -1, known: BTreeMap::new() }
    }
}

/// What an answer has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// Keys that are known now and were not before.
    pub added: Vec<SchemaKey>,
    /// Keys that were known with another schema, which stays.
    pub conflicts: Vec<SchemaKey>,
    /// Keys that are beyond the limits.
    pub refused: Vec<SchemaKey>,
    /// Added keys whose schema this build cannot use: their records are quarantined. A [`crate::Reader`]
    /// finds them.
    pub unusable: Vec<SchemaKey>,
}

impl Schemas {
    /// The state of somebody who begins to read in the middle of a partition: a record whose schema is
    /// not known waits, for there may have been answers before.
    #[must_use]
    pub const fn beginning_at(first_offset: i64) -> Self {
        Self { is_on: true, through: first_offset.saturating_sub(1), known: BTreeMap::new() }
    }

    /// Whether it is that of a partition without answers.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether records whose schema is not known wait.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Last offset that is answered for; -1 before the first.
    #[must_use]
    pub const fn through(&self) -> i64 {
        self.through
    }

    /// The schemas.
    #[must_use]
    pub const fn known(&self) -> &BTreeMap<SchemaKey, KnownSchema> {
        &self.known
    }

    /// Whether a record whose schema is not known waits at an offset.
    #[must_use]
    pub const fn hold_back(&self, offset: i64) -> bool {
        self.is_on && offset > self.through
    }

    /// Takes the record at an offset that claims to be an answer; `place` is its topic and partition.
    /// `None` if it is older than what is known.
    ///
    /// # Errors
    ///
    /// Why it is not an answer; the state is unchanged.
    pub fn take(
        &mut self,
        trust: &Trust,
        place: (&str, i32),
        offset: i64,
        event: &Event<'_>,
    ) -> Result<Option<Taken>, Refusal> {
        signed::verify(DOMAIN, Purpose::Processor, trust, place, event)?;
        let answer = Answer::read(offset, event)?;
        let is_old = answer.through < self.through
            || answer.through == self.through && answer.is_on != self.is_on;
        if is_old {
            return Ok(None);
        }
        // What did not wait was quarantined, up to the answer.
        let from = if self.is_on { self.through } else { offset }.saturating_add(1);
        let mut taken = Taken::default();
        for (key, text) in answer.schemas {
            match self.known.get(&key) {
                Some(known) if *known.avro == *text => {}
                Some(_) => taken.conflicts.push(key),
                None if !self.has_room(&text) => taken.refused.push(key),
                None => {
                    self.known.insert(key, KnownSchema { from, avro: text.into() });
                    taken.added.push(key);
                }
            }
        }
        (self.is_on, self.through) = (answer.is_on, answer.through);
        Ok(Some(taken))
    }

    fn has_room(&self, text: &str) -> bool {
        let bytes: usize = self.known.values().map(|known| known.avro.len()).sum();
        self.known.len() < SCHEMAS_MAX
            && text.len() <= SCHEMA_BYTES_MAX
            && bytes.saturating_add(text.len()) <= SCHEMAS_BYTES_MAX
    }

    /// The same from its parts, as they were saved.
    #[must_use]
    pub fn restore(
        SchemasHead { is_on, through }: SchemasHead,
        known: impl IntoIterator<Item = (SchemaKey, KnownSchema)>,
    ) -> Self {
        Self { is_on, through, known: known.into_iter().collect() }
    }

    /// What is not in [`Self::known`].
    #[must_use]
    pub const fn head(&self) -> SchemasHead {
        SchemasHead { is_on: self.is_on, through: self.through }
    }

    /// As a document of the archive (`schemas/segment/manifest.md`).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let row = |(key, known): (&SchemaKey, &KnownSchema)| Row {
            from: known.from.to_string(),
            key: key.to_string(),
            schema: known.avro.to_string(),
        };
        let document = Document {
            format: FORMAT.to_owned(),
            on: self.is_on,
            schemas: self.known.iter().map(row).collect(),
            through: self.through.to_string(),
        };
        #[expect(clippy::expect_used, reason = "texts and a bool have a JSON form")]
        serde_json::to_vec(&document).expect("a document")
    }

    /// Reads a document; only its exact form is accepted.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(bytes).ok()?;
        let row = |Row { from, key, schema }: Row| {
            let known = KnownSchema { from: from.parse().ok()?, avro: schema.into() };
            Some((SchemaKey::parse(&key)?, known))
        };
        let schemas = Self {
            is_on: document.on,
            through: document.through.parse().ok()?,
            known: document.schemas.into_iter().map(row).collect::<Option<_>>()?,
        };
        (document.format == FORMAT && schemas.to_bytes() == bytes).then_some(schemas)
    }
}

/// The part of [`Schemas`] that is not its schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemasHead {
    is_on: bool,
    through: i64,
}

const FORMAT: &str = "driftseal/schemas/v1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    on: bool,
    schemas: Vec<Row>,
    through: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    from: String,
    key: String,
    schema: String,
}
