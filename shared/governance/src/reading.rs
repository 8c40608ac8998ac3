//! How a partition is read whose records may be written with schemas that are not known yet: a record
//! waits until the processor has answered, and every reader waits at the same one.
//!
//! ```text
//!            a record whose schema is not known, behind `through`
//! (reading) -----------------------------------------------------> (looking ahead)
//!     ^                                                                  |
//!     +---- an answer through the record, or with its schema: read again from it ----+
//! ```
//!
//! While it looks ahead, nothing is kept of what is read but the keys of unknown schemas, so that a
//! partition that waits costs no memory.

use std::collections::BTreeMap;

use event::{Decoder, Record, SchemaKey, column, kind};

use crate::refusal::Refusal;
use crate::schemas::{ANSWER_KEY, Schemas, Taken};
use crate::trust::Trust;

/// Most schemas that are asked for at once; a sender chooses how many there are.
pub const ASKED_MAX: usize = 64;

/// What is to be done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is to be handled.
    Take,
    /// It is to be passed over; it comes again.
    Pass,
    /// Read again from this offset.
    Return(i64),
}

/// A record that waits, and what was seen behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Offset of the record.
    pub at: i64,
    /// Its schema.
    pub key: SchemaKey,
    /// Schemas that are not known, with the first record that needs each.
    asked: BTreeMap<SchemaKey, i64>,
    /// First record whose schema is beyond [`ASKED_MAX`].
    cut: Option<i64>,
    /// Offset after the last record that was looked at.
    next: i64,
}

impl Held {
    fn new(at: i64, key: SchemaKey) -> Self {
        Self { at, key, asked: BTreeMap::from([(key, at)]), cut: None, next: at.saturating_add(1) }
    }

    /// Schemas to ask for, in the order of the records that need them first, each with that record.
    #[must_use]
    pub fn asked(&self) -> Vec<(SchemaKey, i64)> {
        let mut asked: Vec<_> = self.asked.iter().map(|(key, at)| (*key, *at)).collect();
        asked.sort_unstable_by_key(|(_, at)| *at);
        asked
    }

    /// Last offset that can be answered for once all of [`Self::asked`] have an answer.
    #[must_use]
    pub fn through(&self) -> i64 {
        self.cut.unwrap_or(self.next).saturating_sub(1)
    }

    fn note(&mut self, offset: i64, wanted: Option<SchemaKey>) {
        // Records may be delivered again.
        self.next = self.next.max(offset.saturating_add(1));
        let Some(key) = wanted else { return };
        if self.asked.len() < ASKED_MAX {
            self.asked.entry(key).or_insert(offset);
        } else if !self.asked.contains_key(&key) {
            self.cut = Some(self.cut.map_or(offset, |cut| cut.min(offset)));
        }
    }
}

/// A reader of one partition.
#[derive(Debug)]
pub struct Reader {
    trust: Trust,
    base: Decoder,
    schemas: Schemas,
    /// With what is known.
    decoder: Decoder,
    held: Option<Held>,
    /// Answers that were not taken as they are, since [`Self::take_doubts`].
    doubts: Vec<(i64, Taken)>,
}

impl Reader {
    /// A reader that continues with what is known.
    #[must_use]
    pub fn new(trust: Trust, base: Decoder, schemas: Schemas) -> Self {
        let decoder = base.clone();
        let mut reader = Self { trust, base, schemas, decoder, held: None, doubts: Vec::new() };
        reader.know_all();
        reader
    }

    /// What is known. It may include answers that come later in the partition than where it is read.
    #[must_use]
    pub const fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// The decoder of what is to be handled.
    #[must_use]
    pub const fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The record that waits.
    #[must_use]
    pub const fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// Answers since the last call that were not taken as they are, each with its offset.
    pub fn take_doubts(&mut self) -> Vec<(i64, Taken)> {
        std::mem::take(&mut self.doubts)
    }

    /// Looks at the next record.
    pub fn look(&mut self, record: &Record<'_>) -> Look {
        let offset = record.offset;
        if self.take(record) && self.held.as_ref().is_some_and(|held| self.is_settled(held)) {
            let at = self.held.take().map_or(offset, |held| held.at);
            return Look::Return(at);
        }
        if !self.schemas.is_on() && self.held.is_none() {
            return Look::Take;
        }
        let wanted = self.decoder.wants(record);
        match &mut self.held {
            Some(held) => {
                held.note(offset, wanted);
                Look::Pass
            }
            None => match wanted.filter(|_| self.schemas.hold_back(offset)) {
                Some(key) => {
                    self.held = Some(Held::new(offset, key));
                    Look::Pass
                }
                None => Look::Take,
            },
        }
    }

    fn is_settled(&self, held: &Held) -> bool {
        !self.schemas.hold_back(held.at) || self.decoder.knows(held.key, held.at)
    }

    /// Takes an answer; whether it had an effect.
    fn take(&mut self, record: &Record<'_>) -> bool {
        match take(&mut self.schemas, &self.trust, &self.base, record) {
            // What is not signed is counted where the monitor's records are.
            None | Some(Err(_) | Ok(None)) => false,
            Some(Ok(Some(mut taken))) => {
                let unusable = taken.added.iter().filter(|key| !self.know(**key));
                taken.unusable = unusable.copied().collect();
                let doubts = [&taken.conflicts, &taken.refused, &taken.unusable];
                if doubts.iter().any(|keys| !keys.is_empty()) {
                    self.doubts.push((record.offset, taken));
                }
                true
            }
        }
    }

    fn know_all(&mut self) {
        let keys: Vec<_> = self.schemas.known().keys().copied().collect();
        for key in keys {
            // It was said when the answer was read.
            let _usable = self.know(key);
        }
    }

    /// Whether this build can use the schema; if not, it is as good as none.
    fn know(&mut self, key: SchemaKey) -> bool {
        let known = self.schemas.known().get(&key);
        known.is_some_and(|known| self.decoder.register_from(known.from, key, &known.avro).is_ok())
    }
}

/// Takes an answer into what is known; `None` for a record that is none.
pub fn take(
    schemas: &mut Schemas,
    trust: &Trust,
    decoder: &Decoder,
    record: &Record<'_>,
) -> Option<Result<Option<Taken>, Refusal>> {
    if record.key != Some(ANSWER_KEY) {
        return None;
    }
    let event = decoder.decode(record).event;
    if event.text(column::KIND) != Some(kind::MONITOR_SCHEMAS) {
        return None;
    }
    Some(schemas.take(trust, (record.topic, record.partition), record.offset, &event))
}
