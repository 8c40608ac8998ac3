//! The leaf of a record (`schemas/segment/leaf.md`, format `driftseal/leaf/v1`): what it binds, and
//! what of it can be erased without changing it.
//!
//! Costs per record, besides hashing its bytes once (in the digest) and its columns once (in the
//! preimage): the key state of the row's HMAC, and two short hashes for each erasable field.
//! Nothing is allocated once the buffers have grown.

use std::sync::LazyLock;

use event::{Cell, ColumnId, Event, TimestampType, TopicPartition};
use hmac::{Hmac, KeyInit, Mac};
use merkle::Hash;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// First line of the preimage of a leaf.
pub const LEAF_FORMAT: &str = "driftseal/leaf/v1";

/// First line of what a field's commitment hashes.
pub const FIELD_FORMAT: &str = "driftseal/field/v1";

/// First line of what a record's digest hashes.
pub const RECORD_FORMAT: &str = "driftseal/record/v1";

/// The one NaN.
const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// The 16 random bytes of a row.
pub type RowSalt = [u8; 16];

/// Where a record stands, and the digest of its bytes: the head of its leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// Offset.
    pub offset: i64,
    /// Timestamp, milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Who set the timestamp.
    pub timestamp_type: TimestampType,
    /// How the record was decoded ([`event::Decoded::schema_id`]).
    pub schema_id: &'a str,
    /// Salted digest of key, value and headers ([`Salts::record_digest`]).
    pub record_digest: Hash,
}

/// The salts that follow from a row's salt; holds the key state of the HMAC.
#[derive(Debug, Clone)]
pub struct Salts(Hmac<Sha256>);

impl Salts {
    /// Of a row.
    #[must_use]
    pub fn new(salt: &RowSalt) -> Self {
        // HMAC pads a short key with zeros to one block; given the block, nothing can fail.
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(salt) {
            *to = *from;
        }
        Self(Hmac::new(&block.into()))
    }

    /// Salt of the field with that path; of the record itself for the empty path.
    #[must_use]
    pub fn of(&self, path: &str) -> Hash {
        let mut mac = self.0.clone();
        mac.update(path.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Salted digest of the exact bytes of a record.
    #[must_use]
    pub fn record_digest(&self, record: &event::Record<'_>) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(RECORD_FORMAT);
        hasher.update(b"\n");
        hasher.update(self.of(""));
        for part in [record.key, record.value] {
            match part {
                None => hasher.update((-1_i32).to_be_bytes()),
                Some(bytes) => {
                    hasher.update(length(bytes.len()).to_be_bytes());
                    hasher.update(bytes);
                }
            }
        }
        hasher.update(record.headers.encoded());
        hasher.finalize().into()
    }
}

/// What hides the erasable fields of a row.
#[derive(Debug, Clone, Copy)]
pub enum Secrets<'a> {
    /// A row as it was sealed: every salt follows from the row's.
    Whole(&'a Salts),
    /// A row of which fields were erased.
    Erased {
        /// Commitments of the erased fields, by path.
        commitments: &'a [(&'a str, Hash)],
        /// Salts of the other erasable fields that have a value, by path.
        salts: &'a [(&'a str, Hash)],
    },
}

/// Why a row with erased fields has no leaf.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ErasedError {
    /// An erasable field has a value but no salt, or a salt but no value.
    #[error("field `{0}` has a value without a salt, or a salt without a value")]
    Salt(String),
    /// A commitment of a field that cannot be erased, or that still has a value.
    #[error("field `{0}` has a commitment, but cannot be erased or still has a value")]
    Commitment(String),
    /// A path repeats.
    #[error("field `{0}` is named twice")]
    Twice(String),
    /// Nothing was erased.
    #[error("the row has no salt, yet nothing was erased")]
    Nothing,
}

/// A column as the leaf names it.
struct Code {
    /// `u16` length, path, type.
    name: Vec<u8>,
    path: &'static str,
    erasable: bool,
}

/// By column number.
fn codes() -> &'static [Code] {
    static CODES: LazyLock<Vec<Code>> = LazyLock::new(|| {
        let columns = event::schema().columns().iter();
        columns
            .map(|column| {
                let mut name = Vec::new();
                put_short(column.path.as_bytes(), &mut name);
                name.push(column.cell_type as u8);
                Code { name, path: &column.path, erasable: column.erasable }
            })
            .collect()
    });
    &CODES
}

/// Hashes the rows of one partition.
#[derive(Debug, Clone)]
pub struct LeafHasher {
    /// `00`, format, topic, partition.
    prefix: Vec<u8>,
    preimage: Vec<u8>,
    cells: Vec<u8>,
    commitments: Vec<u8>,
    field: Vec<u8>,
}

impl LeafHasher {
    /// For a partition.
    #[must_use]
    pub fn new(partition: &TopicPartition) -> Self {
        let mut prefix = vec![0];
        prefix.extend_from_slice(LEAF_FORMAT.as_bytes());
        prefix.push(b'\n');
        put_short(partition.topic.as_bytes(), &mut prefix);
        prefix.extend_from_slice(&partition.partition.to_be_bytes());
        Self {
            prefix,
            preimage: Vec::new(),
            cells: Vec::new(),
            commitments: Vec::new(),
            field: Vec::new(),
        }
    }

    /// The leaf of a row.
    ///
    /// # Errors
    ///
    /// See [`ErasedError`]; never for [`Secrets::Whole`].
    pub fn leaf(
        &mut self,
        head: &Head<'_>,
        event: &Event<'_>,
        secrets: Secrets<'_>,
    ) -> Result<Hash, ErasedError> {
        self.cells.clear();
        self.commitments.clear();
        let (plain, erasable) = match secrets {
            Secrets::Whole(salts) => self.whole(event, salts),
            Secrets::Erased { commitments, salts } => self.erased(event, commitments, salts)?,
        };
        let preimage = &mut self.preimage;
        preimage.clear();
        preimage.extend_from_slice(&self.prefix);
        preimage.extend_from_slice(&head.offset.to_be_bytes());
        preimage.extend_from_slice(&head.timestamp_ms.to_be_bytes());
        preimage.push(head.timestamp_type as u8);
        put_short(head.schema_id.as_bytes(), preimage);
        preimage.extend_from_slice(&head.record_digest);
        preimage.extend_from_slice(&plain.to_be_bytes());
        preimage.extend_from_slice(&self.cells);
        preimage.extend_from_slice(&erasable.to_be_bytes());
        preimage.extend_from_slice(&self.commitments);
        Ok(Sha256::digest(preimage).into())
    }

    /// Fills the two lists; how many there are of each.
    fn whole(&mut self, event: &Event<'_>, salts: &Salts) -> (u16, u16) {
        let (mut plain, mut erasable) = (0_u16, 0_u16);
        for (code, cell) in coded(event) {
            if code.erasable {
                erasable = erasable.saturating_add(1);
                let commitment = commitment(&mut self.field, code, cell, &salts.of(code.path));
                put_commitment(code.path, &commitment, &mut self.commitments);
            } else {
                plain = plain.saturating_add(1);
                put_cell(code, cell, &mut self.cells);
            }
        }
        (plain, erasable)
    }

    fn erased(
        &mut self,
        event: &Event<'_>,
        commitments: &[(&str, Hash)],
        salts: &[(&str, Hash)],
    ) -> Result<(u16, u16), ErasedError> {
        if commitments.is_empty() {
            return Err(ErasedError::Nothing);
        }
        let mut all = std::collections::BTreeMap::new();
        for (path, commitment) in commitments {
            let column = event::schema().id(path);
            let allowed = column
                .is_some_and(|id| event::schema().column(id).erasable && event.get(id).is_none());
            if !allowed {
                return Err(ErasedError::Commitment((*path).to_owned()));
            }
            if all.insert(*path, *commitment).is_some() {
                return Err(ErasedError::Twice((*path).to_owned()));
            }
        }
        let mut kept = std::collections::BTreeMap::new();
        for (path, salt) in salts {
            if kept.insert(*path, *salt).is_some() {
                return Err(ErasedError::Twice((*path).to_owned()));
            }
        }
        let mut plain = 0_u16;
        for (code, cell) in coded(event) {
            if code.erasable {
                let salt = kept
                    .remove(code.path)
                    .ok_or_else(|| ErasedError::Salt(code.path.to_owned()))?;
                all.insert(code.path, commitment(&mut self.field, code, cell, &salt));
            } else {
                plain = plain.saturating_add(1);
                put_cell(code, cell, &mut self.cells);
            }
        }
        if let Some((path, _)) = kept.first_key_value() {
            return Err(ErasedError::Salt((*path).to_owned()));
        }
        for (path, commitment) in &all {
            put_commitment(path, commitment, &mut self.commitments);
        }
        Ok((plain, u16::try_from(all.len()).unwrap_or(u16::MAX)))
    }
}

/// Commitment of an erasable field's value: what stands in the leaf for it.
#[must_use]
pub fn field_commitment(column: ColumnId, cell: &Cell<'_>, salt: &Hash) -> Hash {
    match codes().get(column.index()) {
        Some(code) => commitment(&mut Vec::new(), code, cell, salt),
        // There is only one schema, and it gave the number out.
        None => *salt,
    }
}

fn coded<'e>(event: &'e Event<'_>) -> impl Iterator<Item = (&'static Code, &'e Cell<'e>)> {
    let codes = codes();
    event.cells().iter().filter_map(move |(id, cell)| Some((codes.get(id.index())?, cell)))
}

fn commitment(field: &mut Vec<u8>, code: &Code, cell: &Cell<'_>, salt: &Hash) -> Hash {
    field.clear();
    field.extend_from_slice(FIELD_FORMAT.as_bytes());
    field.push(b'\n');
    field.extend_from_slice(salt);
    put_cell(code, cell, field);
    Sha256::digest(field).into()
}

/// `u16` length, path, commitment.
fn put_commitment(path: &str, commitment: &Hash, into: &mut Vec<u8>) {
    put_short(path.as_bytes(), into);
    into.extend_from_slice(commitment);
}

/// `u16` length, path, type, `u32` length, value.
fn put_cell(code: &Code, cell: &Cell<'_>, into: &mut Vec<u8>) {
    into.extend_from_slice(&code.name);
    match cell {
        Cell::Bool(value) => {
            into.extend_from_slice(&1_u32.to_be_bytes());
            into.push(u8::from(*value));
        }
        Cell::Int(value) => put_eight(value.to_be_bytes(), into),
        Cell::Float(value) => {
            let bits = if value.is_nan() { NAN_BITS } else { value.to_bits() };
            put_eight(bits.to_be_bytes(), into);
        }
        Cell::Time(value) => put_eight(value.micros().to_be_bytes(), into),
        Cell::Text(value) => put_long(value.as_bytes(), into),
        Cell::Bytes(value) => put_long(value, into),
        Cell::Texts(values) => {
            let size = values
                .iter()
                .fold(4_usize, |sum, text| sum.saturating_add(4).saturating_add(text.len()));
            into.extend_from_slice(&length(size).to_be_bytes());
            into.extend_from_slice(&length(values.len()).to_be_bytes());
            for value in values {
                put_long(value.as_bytes(), into);
            }
        }
        Cell::Map(pairs) => {
            let size = pairs.iter().fold(4_usize, |sum, (key, value)| {
                sum.saturating_add(8).saturating_add(key.len()).saturating_add(value.len())
            });
            into.extend_from_slice(&length(size).to_be_bytes());
            into.extend_from_slice(&length(pairs.len()).to_be_bytes());
            for (key, value) in pairs {
                put_long(key.as_bytes(), into);
                put_long(value.as_bytes(), into);
            }
        }
    }
}

fn put_eight(value: [u8; 8], into: &mut Vec<u8>) {
    into.extend_from_slice(&8_u32.to_be_bytes());
    into.extend_from_slice(&value);
}

fn put_long(value: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&length(value.len()).to_be_bytes());
    into.extend_from_slice(value);
}

/// Topics, paths and schema ids are short; a longer one would be cut in the length only.
fn put_short(value: &[u8], into: &mut Vec<u8>) {
    let short = u16::try_from(value.len()).unwrap_or(u16::MAX);
    into.extend_from_slice(&short.to_be_bytes());
    into.extend_from_slice(value);
}

/// A broker refuses records of 2 GiB long before this is reached.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, column, kind};

    fn partition() -> TopicPartition {
        TopicPartition::new("agent.events", 3)
    }

    fn head() -> Head<'static> {
        Head {
            offset: 7,
            timestamp_ms: 1,
            timestamp_type: TimestampType::LogAppendTime,
            schema_id: "json",
            record_digest: [9; 32],
        }
    }

    fn event() -> Event<'static> {
        EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, event::Timestamp::from_micros(1))
            .set(column::run::INPUT, "secret")
            .set(column::run::OUTPUT, "")
            .set(column::run::DURATION_MS, -f64::NAN)
            .set(column::SUBJECT_REFS, vec!["a".to_owned(), String::new()])
            .build()
            .unwrap()
    }

    #[test]
    fn the_salt_is_hmac_over_the_path() {
        // Computed with `hmac` of Python's standard library.
        let salts = Salts::new(&[1; 16]);
        assert_eq!(
            merkle::hash::to_hex(&salts.of("run.input")),
            "88b25598b676733abb417e945a43aa2ae4912090622854bf30bfee3479f8085b"
        );
        assert_eq!(
            merkle::hash::to_hex(&salts.of("")),
            "93102fc7af9d9b283f84956ba3dc076b9a93de9dfd82a175d1c205ff13ceb31b"
        );
    }

    /// A hash for each path.
    type Hashes = Vec<(&'static str, Hash)>;

    /// The event without a field, and what is kept of it.
    fn erase(
        event: &Event<'static>,
        path: &str,
        salts: &Salts,
    ) -> (Event<'static>, Hashes, Hashes) {
        let mut rest = Event::empty();
        let (mut commitments, mut kept) = (Vec::new(), Vec::new());
        for (id, cell) in event.cells() {
            let column = event::schema().column(*id);
            if column.path == path {
                commitments
                    .push((column.path.as_str(), field_commitment(*id, cell, &salts.of(path))));
                continue;
            }
            if column.erasable {
                kept.push((column.path.as_str(), salts.of(&column.path)));
            }
            rest.set(*id, cell.clone());
        }
        (rest, commitments, kept)
    }

    #[test]
    fn erasing_any_erasable_field_leaves_the_leaf_as_it_was() {
        let salts = Salts::new(&[5; 16]);
        let mut hasher = LeafHasher::new(&partition());
        let whole = hasher.leaf(&head(), &event(), Secrets::Whole(&salts)).unwrap();
        for path in ["run.input", "run.output", "subject_refs"] {
            let (rest, commitments, kept) = erase(&event(), path, &salts);
            let secrets = Secrets::Erased { commitments: &commitments, salts: &kept };
            assert_eq!(hasher.leaf(&head(), &rest, secrets), Ok(whole), "{path}");
        }
    }

    #[test]
    fn an_erased_row_must_name_exactly_what_is_there() {
        let salts = Salts::new(&[5; 16]);
        let mut hasher = LeafHasher::new(&partition());
        let (rest, commitments, kept) = erase(&event(), "run.input", &salts);
        type Named<'n> = &'n [(&'n str, Hash)];
        let mut leaf = |event: &Event<'_>, commitments: Named<'_>, salts: Named<'_>| {
            hasher.leaf(&head(), event, Secrets::Erased { commitments, salts })
        };
        assert_eq!(leaf(&rest, &[], &kept), Err(ErasedError::Nothing));
        let still_there = leaf(&event(), &commitments, &kept);
        assert_eq!(still_there, Err(ErasedError::Commitment("run.input".into())));
        let without_salt = leaf(&rest, &commitments, &kept[1..]);
        assert_eq!(without_salt, Err(ErasedError::Salt("run.output".into())));
        let (less, mut both, _) = erase(&rest, "run.output", &salts);
        both.extend(&commitments);
        let without_value = leaf(&less, &both, &kept);
        assert_eq!(without_value, Err(ErasedError::Salt("run.output".into())));
        both.push(both[0]);
        assert_eq!(leaf(&less, &both, &[]), Err(ErasedError::Twice("run.output".into())));
        let not_erasable = leaf(&rest, &[("agent_version", [0; 32])], &kept);
        assert_eq!(not_erasable, Err(ErasedError::Commitment("agent_version".into())));
    }

    #[test]
    fn every_part_of_a_row_changes_its_leaf() {
        let salts = Salts::new(&[5; 16]);
        let mut leaves = std::collections::HashSet::new();
        let mut add =
            |partition: &TopicPartition, head: &Head<'_>, event: &Event<'_>, salts: &Salts| {
                let leaf = LeafHasher::new(partition).leaf(head, event, Secrets::Whole(salts));
                assert!(leaves.insert(leaf.unwrap()));
            };
        add(&partition(), &head(), &event(), &salts);
        add(&TopicPartition::new("agent.event", 3), &head(), &event(), &salts);
        add(&TopicPartition::new("agent.events", 4), &head(), &event(), &salts);
        add(&partition(), &Head { offset: 8, ..head() }, &event(), &salts);
        add(&partition(), &Head { timestamp_ms: 2, ..head() }, &event(), &salts);
        add(&partition(), &Head { schema_id: "", ..head() }, &event(), &salts);
        add(&partition(), &Head { record_digest: [8; 32], ..head() }, &event(), &salts);
        let created = Head { timestamp_type: TimestampType::CreateTime, ..head() };
        add(&partition(), &created, &event(), &salts);
        add(&partition(), &head(), &event(), &Salts::new(&[6; 16]));
        for (id, _) in event().cells() {
            let mut rest = Event::empty();
            for (other, cell) in event().cells() {
                if other != id {
                    rest.set(*other, cell.clone());
                }
            }
            add(&partition(), &head(), &rest, &salts);
        }
    }
}
