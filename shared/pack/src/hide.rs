//! Rows as a pack holds them: without the values that it withholds.

use std::collections::BTreeSet;

use event::{ColumnId, Event, TopicPartition};
use segment::leaf::{Salts, field_commitment};
use segment::read::Row;

use crate::table::StoredRow;

/// A row of a segment as a row of a pack. Instead of a value that is withheld there is its
/// commitment, as if it were erased; then the salt of the row is left out too, because the salts of
/// all its values follow from it.
pub(crate) fn hide<'r>(
    partition: &'r TopicPartition,
    row: &'r Row<'_>,
    withheld: &BTreeSet<ColumnId>,
) -> StoredRow<'r> {
    let mut stored = StoredRow {
        topic: &partition.topic,
        partition: partition.partition,
        offset: row.offset,
        timestamp_ms: row.timestamp_ms,
        timestamp_type: row.timestamp_type,
        schema_id: row.schema_id,
        record_digest: row.record_digest,
        salt: row.salt,
        event: Event::empty(),
        commitments: row.erased_commitments.clone(),
        kept_salts: row.kept_salts.clone(),
    };
    let is_hidden = row.event.cells().iter().any(|(id, _)| withheld.contains(id));
    let salts = row.salt.as_ref().filter(|_| is_hidden).map(Salts::new);
    if is_hidden {
        stored.salt = None;
    }
    for (id, cell) in row.event.cells() {
        let path = id.path();
        let is_erasable = event::schema().column(*id).erasable;
        let derived = salts.as_ref().filter(|_| is_erasable).map(|salts| salts.of(path));
        let kept = row.kept_salts.iter().find(|(of, _)| *of == path).map(|(_, salt)| *salt);
        if !withheld.contains(id) {
            stored.event.set(*id, cell.clone());
            stored.kept_salts.extend(derived.map(|salt| (path, salt)));
            continue;
        }
        let Some(salt) = derived.or(kept) else {
            unreachable!("a value that can be erased has a salt, or its row has no leaf")
        };
        stored.commitments.push((path, field_commitment(*id, cell, &salt)));
        stored.kept_salts.retain(|(of, _)| *of != path);
    }
    stored.commitments.sort_unstable();
    stored.kept_salts.sort_unstable();
    stored
}
