//! The place of the last version of each entry, and the records of the next save.

use std::collections::BTreeMap;

use monitor::EntryId;
use service::metrics::count;

use super::{
    FORMAT, FullHead, HEAD, Head, KeyValue, Keyspace, Piece, Place, Save, Slot, check_of,
    identity_of,
};

/// The saved entries of a partition.
#[derive(Debug)]
pub(crate) struct Ledger {
    keys: Keyspace,
    piece_bytes_max: usize,
    /// The save that is being written; the previous one is valid.
    save: Save,
    head_slot: Slot,
    /// Last valid saves of other writers.
    saves: Vec<Save>,
    entries: BTreeMap<EntryId, Place>,
    sum: u128,
    /// Deleted entries: the place of the record of the deletion, and the number of records in the
    /// other slot.
    gone: BTreeMap<EntryId, (Place, u16)>,
}

impl Ledger {
    /// An empty ledger. `writer` must be unique among the writers of the partition.
    pub(crate) const fn new(keys: Keyspace, writer: u64, piece_bytes_max: usize) -> Self {
        Self {
            keys,
            piece_bytes_max,
            save: Save { writer, number: 1 },
            head_slot: Slot::A,
            saves: Vec::new(),
            entries: BTreeMap::new(),
            sum: 0,
            gone: BTreeMap::new(),
        }
    }

    /// Continues from a valid save.
    pub(super) fn resumed(
        mut self,
        head: &FullHead,
        head_slot: Slot,
        places: impl IntoIterator<Item = (EntryId, Place)>,
    ) -> Self {
        self.head_slot = head_slot.other();
        for (entry, place) in places {
            if place.pieces == 0 {
                self.gone.insert(entry, (place, 0));
            } else {
                self.sum = self.sum.wrapping_add(identity_of(entry, place.save));
                self.entries.insert(entry, place);
            }
        }
        let in_use = |save: &&Save| {
            let mut places = self.entries.values().chain(self.gone.values().map(|(gone, _)| gone));
            places.any(|place| place.save.writer == save.writer)
        };
        self.saves = head.saves.iter().filter(in_use).copied().collect();
        self
    }

    /// Number of the entries, and sum of their identities.
    pub(super) fn total(&self) -> (u64, u128) {
        (count(self.entries.len()), self.sum)
    }

    /// Adds the records of a changed or deleted entry to the save.
    ///
    /// # Errors
    ///
    /// An entry that does not encode.
    pub(crate) fn write(
        &mut self,
        entry: EntryId,
        bytes: Option<&[u8]>,
        into: &mut Vec<KeyValue>,
    ) -> Result<(), postcard::Error> {
        let before = self.entries.remove(&entry);
        if let Some(place) = before {
            self.sum = self.sum.wrapping_sub(identity_of(entry, place.save));
        }
        let last = before.or_else(|| self.gone.get(&entry).map(|(place, _)| *place));
        let slot = last.map_or(Slot::A, |place| place.slot.other());
        let name = entry.to_bytes();
        if let Some(bytes) = bytes {
            let pieces = self.pieces(&name, slot, bytes, into)?;
            self.gone.remove(&entry);
            self.entries.insert(entry, Place { save: self.save, slot, pieces });
            self.sum = self.sum.wrapping_add(identity_of(entry, self.save));
        } else if let Some(place) = before {
            let gone = Place { save: self.save, slot, pieces: 0 };
            into.push((self.key(&name, slot, 0), Some(self.piece(0, check_of(&name, &[]), &[])?)));
            self.gone.insert(entry, (gone, place.pieces));
        }
        Ok(())
    }

    /// Adds tombstones for the records of entries that an earlier save deleted. Call it before this
    /// save deletes others.
    pub(crate) fn erase(&mut self, into: &mut Vec<KeyValue>) {
        for (entry, (place, pieces)) in std::mem::take(&mut self.gone) {
            let name = entry.to_bytes();
            // The old value is removed before the record of its deletion.
            for piece in 0..pieces.max(1) {
                into.push((self.key(&name, place.slot.other(), piece), None));
            }
            into.push((self.key(&name, place.slot, 0), None));
        }
    }

    /// The records of the head, which complete the save. Begins the next save.
    ///
    /// # Errors
    ///
    /// A head that does not encode.
    pub(crate) fn finish(&mut self, head: Head) -> Result<Vec<KeyValue>, postcard::Error> {
        let (entries, sum) = self.total();
        let saves = self.saves.iter().copied().chain([self.save]).collect();
        let whole = postcard::to_stdvec(&FullHead { head, saves, entries, sum })?;
        let mut records = Vec::new();
        self.pieces(HEAD, self.head_slot, &whole, &mut records)?;
        self.head_slot = self.head_slot.other();
        let Some(next) = self.save.number.checked_add(1) else {
            unreachable!("a writer makes fewer than 2^32 saves")
        };
        self.save.number = next;
        Ok(records)
    }

    fn pieces(
        &self,
        name: &[u8],
        slot: Slot,
        bytes: &[u8],
        into: &mut Vec<KeyValue>,
    ) -> Result<u16, postcard::Error> {
        let check = check_of(name, bytes);
        // An entry without bytes takes one record as well.
        let count = bytes.len().div_ceil(self.piece_bytes_max).max(1);
        let count = u16::try_from(count).map_err(|_| postcard::Error::SerializeBufferFull)?;
        let mut pieces = bytes.chunks(self.piece_bytes_max);
        for number in 0..count {
            let value = self.piece(count, check, pieces.next().unwrap_or(&[]))?;
            into.push((self.key(name, slot, number), Some(value)));
        }
        Ok(count)
    }

    fn piece(&self, pieces: u16, check: [u8; 8], bytes: &[u8]) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(&Piece { format: FORMAT, save: self.save, pieces, check, bytes })
    }

    fn key(&self, name: &[u8], slot: Slot, piece: u16) -> Vec<u8> {
        let mut key = self.keys.0.clone();
        key.push(slot.byte());
        key.extend_from_slice(&piece.to_be_bytes());
        key.extend_from_slice(name);
        key
    }
}
