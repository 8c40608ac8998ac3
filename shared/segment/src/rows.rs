//! The rows of a segment that a manifest vouches for, batch by batch, checked while they pass.
//!
//! For whoever computes from rows rather than about segments. The digest of the file is compared
//! before the first row is shown; leaves, tree and every other signed fact when the last one was.
//! So what was computed from the rows counts only once [`SegmentRows::next_batch`] has said that
//! there are no more. It does not look at the census, from which no row follows.

use bytes::Bytes;
use event::TopicPartition;

use crate::fault::{Distrust, Fault, expect_equal};
use crate::fsck::{same_facts, same_object};
use crate::manifest::SegmentManifest;
use crate::read::{Collecting, ReadError, Reader, Row};

/// How much of a segment is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The file's digest, every leaf, the tree, and every fact of the manifest.
    Everything,
    /// Only what reading needs: for an archive that was checked just before.
    Form,
}

/// The rows of a segment.
#[derive(Debug)]
pub struct SegmentRows {
    manifest: SegmentManifest,
    parquet: Bytes,
    reader: Reader,
    collecting: Option<Collecting>,
    ended: bool,
}

impl SegmentRows {
    /// Opens the file of a manifest; `None` for one that is not there.
    ///
    /// # Errors
    ///
    /// What does not hold, with both values.
    pub fn open(
        manifest: &SegmentManifest,
        parquet: Option<Bytes>,
        check: Check,
    ) -> Result<Self, Distrust> {
        let path = manifest.parquet_path.as_str();
        let parquet = match check {
            Check::Everything => {
                same_object(path, &manifest.facts.parquet, parquet.as_ref())?.clone()
            }
            Check::Form => parquet.ok_or_else(|| {
                Fault::new("object exists", path, "the object that was sealed", "none")
            })?,
        };
        let reader = Reader::open(&parquet).map_err(|error| error.of(path))?;
        let collecting = (check == Check::Everything).then(|| Collecting::of(&reader));
        Ok(Self { manifest: manifest.clone(), parquet, reader, collecting, ended: false })
    }

    /// Shows the rows of the next batch, a thousand or so; `false` if there were no more, and
    /// everything holds.
    ///
    /// # Errors
    ///
    /// What does not hold, with both values. There are no more rows then.
    pub fn next_batch(&mut self, mut visit: impl FnMut(&Row<'_>)) -> Result<bool, Distrust> {
        if self.ended {
            return Ok(false);
        }
        let Self { manifest, reader, collecting, .. } = self;
        let (path, expected) = (manifest.parquet_path.as_str(), &manifest.facts.partition);
        let came = reader.for_each_of_batch(|partition: &TopicPartition, number, row| {
            if partition != expected {
                expect_equal("partition", path, expected, partition)?;
            }
            if let Some(collecting) = collecting {
                collecting.add(partition, number, row)?;
            }
            visit(row);
            Ok::<(), Broken>(())
        });
        match came {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.ended = true;
                self.check()?;
                Ok(false)
            }
            Err(broken) => {
                self.ended = true;
                Err(broken.at(&self.manifest.parquet_path))
            }
        }
    }

    fn check(&mut self) -> Result<(), Distrust> {
        let path = self.manifest.parquet_path.as_str();
        let Some(collecting) = self.collecting.take() else { return Ok(()) };
        let checked = collecting.finish(&self.parquet).map_err(|error| error.of(path))?;
        Ok(same_facts(path, &self.manifest.facts, &checked.facts)?)
    }
}

/// Why a row is not accepted.
enum Broken {
    Fault(Fault),
    Read(ReadError),
}

impl Broken {
    fn at(self, path: &str) -> Distrust {
        match self {
            Self::Fault(fault) => fault.into(),
            Self::Read(error) => error.of(path),
        }
    }
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ReadError> for Broken {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}
