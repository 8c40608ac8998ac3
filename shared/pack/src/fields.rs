//! Which fields the records of each segment fill: lists that repeat, each kept once.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::rc::Rc;

use event::ColumnId;
use segment::fault::Distrust;
use segment::manifest::{Manifest, OpenedManifest};

/// Lists of fields by the number of the log entry.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    lists: BTreeSet<Rc<Vec<String>>>,
    of_entries: BTreeMap<u64, Rc<Vec<String>>>,
}

impl Fields {
    /// Notes the fields of a segment.
    pub(crate) fn note(&mut self, entry: u64, opened: &OpenedManifest) {
        if let Some(segment) = opened.manifest.segment() {
            let facts = &segment.facts;
            self.insert(entry, [&facts.plain_fields[..], &facts.erasable_fields].concat());
        }
    }

    /// As [`Self::note`], and takes the lists out of the manifest, of which many are held.
    pub(crate) fn take(&mut self, entry: u64, opened: &mut OpenedManifest) {
        if let Manifest::Segment(segment) = &mut opened.manifest {
            let facts = &mut segment.facts;
            let mut list = mem::take(&mut facts.plain_fields);
            list.append(&mut facts.erasable_fields);
            facts.schema_ids = Vec::new();
            self.insert(entry, list);
        }
    }

    fn insert(&mut self, entry: u64, list: Vec<String>) {
        let list = Rc::new(list);
        let list = match self.lists.get(&list) {
            Some(known) => Rc::clone(known),
            None => {
                self.lists.insert(Rc::clone(&list));
                list
            }
        };
        self.of_entries.insert(entry, list);
    }

    /// Adds the fields of a segment to a set.
    ///
    /// # Errors
    ///
    /// One that this version does not know.
    pub(crate) fn add_to(&self, entry: u64, to: &mut BTreeSet<ColumnId>) -> Result<(), Distrust> {
        for path in self.of_entries.get(&entry).into_iter().flat_map(|list| list.iter()) {
            let unknown = || {
                Distrust::Unverifiable(format!(
                    "log entry {entry} names the field `{path}`, which this version does not know"
                ))
            };
            to.insert(event::schema().id(path).ok_or_else(unknown)?);
        }
        Ok(())
    }
}
