//! Reads a save: first its head, then the entries of that head.

use std::collections::BTreeMap;

use event::Record;
use monitor::EntryId;

use super::{FORMAT, FullHead, HEAD, Head, Keyspace, Ledger, Piece, Place, Save, Slot, check_of};

/// A parsed record of a partition.
struct Found<'a> {
    name: &'a [u8],
    slot: Slot,
    number: u16,
    piece: Piece<'a>,
}

impl<'a> Found<'a> {
    /// `None` for records of other partitions, of another format, and for tombstones: the deletion
    /// of their entry was recorded before.
    fn of(record: &Record<'a>, Keyspace(prefix): &Keyspace) -> Option<Self> {
        let (slot, rest) = record.key?.strip_prefix(prefix.as_slice())?.split_first()?;
        let (number, name) = rest.split_first_chunk::<2>()?;
        let piece: Piece<'_> = postcard::from_bytes(record.value?).ok()?;
        let (slot, number) = (Slot::of_byte(*slot)?, u16::from_be_bytes(*number));
        (piece.format == FORMAT).then_some(Self { name, slot, number, piece })
    }
}

/// The pieces found so far of a version of an entry, in order.
#[derive(Debug)]
struct Parts {
    save: Save,
    check: [u8; 8],
    pieces: u16,
    next: u16,
    bytes: Vec<u8>,
}

impl Parts {
    /// Adds a piece; a version whose pieces are out of order stays incomplete.
    fn add(&mut self, number: u16, bytes: &[u8]) {
        if number == self.next && number < self.pieces {
            self.next += 1;
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn is_whole(&self, name: &[u8]) -> bool {
        self.next >= self.pieces && check_of(name, &self.bytes) == self.check
    }
}

/// Adds a piece to the version of an entry that was begun last in its slot, or begins one.
fn take(places: &mut BTreeMap<Slot, Parts>, found: &Found<'_>) {
    let Piece { save, pieces, check, bytes, .. } = found.piece;
    if found.number == 0 {
        let parts = Parts { save, check, pieces, next: 1, bytes: bytes.to_vec() };
        places.insert(found.slot, parts);
    } else if let Some(parts) = places.get_mut(&found.slot).filter(|parts| parts.save == save) {
        parts.add(found.number, bytes);
    }
}

/// Collects heads.
#[derive(Debug)]
pub(crate) struct Heads {
    keys: Keyspace,
    places: BTreeMap<Slot, Parts>,
    found: Vec<(Slot, FullHead)>,
}

impl Heads {
    pub(crate) const fn new(keys: Keyspace) -> Self {
        Self { keys, places: BTreeMap::new(), found: Vec::new() }
    }

    /// Takes a record of the topic, in offset order; ignores everything but heads of this
    /// partition.
    pub(crate) fn take(&mut self, record: &Record<'_>) {
        let Some(found) = Found::of(record, &self.keys).filter(|found| found.name == HEAD) else {
            return;
        };
        take(&mut self.places, &found);
        let whole = self.places.get(&found.slot).filter(|parts| parts.is_whole(HEAD));
        let head = whole.and_then(|parts| postcard::from_bytes(&parts.bytes).ok());
        self.found.extend(head.map(|head| (found.slot, head)));
    }

    /// A reader of the entries for each head; the head that covers the most records comes first.
    pub(crate) fn newest_first(self) -> Vec<Entries> {
        let mut all = self.found;
        all.reverse();
        all.sort_by_key(|(_, head)| std::cmp::Reverse(head.head.next_offset));
        let entries = |(slot, head)| Entries::new(self.keys.clone(), slot, head);
        all.into_iter().map(entries).collect()
    }
}

/// Collects the entries of a head.
#[derive(Debug)]
pub(crate) struct Entries {
    keys: Keyspace,
    slot: Slot,
    head: FullHead,
    /// The valid versions of each entry, by slot.
    found: BTreeMap<EntryId, BTreeMap<Slot, Parts>>,
}

/// The bytes of the entries.
pub(crate) type Restored = Vec<(EntryId, Vec<u8>)>;

impl Entries {
    const fn new(keys: Keyspace, slot: Slot, head: FullHead) -> Self {
        Self { keys, slot, head, found: BTreeMap::new() }
    }

    /// The head.
    pub(crate) const fn head(&self) -> &Head {
        &self.head.head
    }

    /// Takes a record of the topic, in offset order; ignores records that are not valid for this
    /// head.
    pub(crate) fn take(&mut self, record: &Record<'_>) {
        let Some(found) = Found::of(record, &self.keys) else { return };
        let Some(entry) = EntryId::from_bytes(found.name) else { return };
        if self.head.covers(found.piece.save) {
            take(self.found.entry(entry).or_default(), &found);
        }
    }

    /// The bytes of the entries, and a ledger that continues from there; `None` if they do not
    /// match the head.
    pub(crate) fn finish(self, writer: u64, piece_bytes_max: usize) -> Option<(Restored, Ledger)> {
        let mut restored = Vec::new();
        let mut places = Vec::new();
        for (entry, versions) in self.found {
            let newest =
                versions.into_iter().max_by_key(|(_, parts)| self.head.rank_of(parts.save));
            let Some((slot, parts)) = newest else { continue };
            if !parts.is_whole(&entry.to_bytes()) {
                return None;
            }
            places.push((entry, Place { save: parts.save, slot, pieces: parts.pieces }));
            if parts.pieces > 0 {
                restored.push((entry, parts.bytes));
            }
        }
        let ledger = Ledger::new(self.keys, writer, piece_bytes_max);
        let ledger = ledger.resumed(&self.head, self.slot, places);
        (ledger.total() == (self.head.entries, self.head.sum)).then_some((restored, ledger))
    }
}
