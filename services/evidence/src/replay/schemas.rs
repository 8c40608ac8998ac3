//! The schemas of other writers that each segment names are those that the answers in its partition give.

use event::{Event, column, kind};
use governance::{Schemas, Trust};
use merkle::{Hash, hash};
use segment::fault::{Fault, expect_equal};
use segment::manifest::SegmentManifest;

/// What a partition knows, as its records say.
pub(super) struct Answers {
    trust: Trust,
    schemas: Schemas,
    /// Path and document of the segment whose records are read.
    open: Option<(String, Option<Hash>)>,
    /// Whether the chain is read from its beginning.
    is_whole: bool,
}

impl Answers {
    /// Of the records behind `first`; what was known before another than the first segment of a chain,
    /// nobody can tell.
    pub(super) fn new(trust: Trust, first: Option<&SegmentManifest>) -> Self {
        let is_whole = first.is_some_and(|first| first.sequence == 0);
        Self { trust, schemas: Schemas::default(), open: None, is_whole }
    }

    /// The records of a segment follow; those of the one before are over.
    ///
    /// # Errors
    ///
    /// The segment before names other schemas than its records give.
    pub(super) fn begin(&mut self, manifest: Option<&SegmentManifest>) -> Result<(), Fault> {
        if let Some((path, named)) = self.open.take()
            && self.is_whole
        {
            let known = (!self.schemas.is_default()).then(|| self.schemas.to_bytes());
            let show = |digest: Option<Hash>| {
                digest.map_or_else(|| "none".to_owned(), |digest| hash::to_hex(&digest))
            };
            let expected = show(known.map(|bytes| hash::sha256(&bytes)));
            expect_equal("schemas of other writers", &path, &expected, &show(named))?;
        }
        if let Some(manifest) = manifest {
            self.open = Some((manifest.parquet_path.clone(), manifest.writer_schemas));
        }
        Ok(())
    }

    /// Takes a record.
    pub(super) fn take(&mut self, place: (&str, i32), offset: i64, event: &Event<'_>) {
        if event.text(column::KIND) == Some(kind::MONITOR_SCHEMAS) {
            // What is not an answer has no effect; the computation counts it.
            let _taken = self.schemas.take(&self.trust, place, offset, event);
        }
    }
}
