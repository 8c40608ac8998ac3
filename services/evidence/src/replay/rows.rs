//! The rows of a partition, segment after segment.

use std::borrow::Cow;
use std::collections::VecDeque;

use archive::{Archive, ArchiveError};
use event::barrier::guarded;
use event::{ColumnId, Decoded, Event, Headers, Record, column};
use governance::Trust;
use monitor::replay::{Doubt, Replay};
use segment::facts::{Gap, GapReason};
use segment::fault::{Distrust, Fault};
use segment::manifest::SegmentManifest;
use segment::read::Row;
use segment::rows::{Check, SegmentRows};

use super::schemas::Answers;

/// How records that did not decode name their schema.
const NO_SCHEMA: &str = "none";

/// Why a partition is read no further.
pub(super) enum Broken {
    /// An object that exists cannot be read.
    Archive(ArchiveError),
    /// An object is not what was sealed.
    Fault(Fault),
    /// An object cannot be judged by this version.
    Unverifiable(String),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Distrust> for Broken {
    fn from(distrust: Distrust) -> Self {
        match distrust {
            Distrust::Failed(fault) => Self::Fault(fault),
            Distrust::Unverifiable(why) => Self::Unverifiable(why),
        }
    }
}

/// The segments of a partition that are not read yet, and the one that is.
struct Segments<'a> {
    archive: &'a Archive,
    check: Check,
    waiting: VecDeque<SegmentManifest>,
    open: Option<SegmentRows>,
}

impl<'a> Segments<'a> {
    const fn new(archive: &'a Archive, check: Check, waiting: VecDeque<SegmentManifest>) -> Self {
        Self { archive, check, waiting, open: None }
    }

    /// Opens the next segment, if there is one.
    fn open_next(&mut self) -> Result<Option<SegmentManifest>, Broken> {
        let Some(manifest) = self.waiting.pop_front() else { return Ok(None) };
        let parquet = match self.archive.get(&manifest.parquet_path) {
            Ok(bytes) => Some(bytes),
            Err(ArchiveError::NotFound { .. }) => None,
            Err(error) => return Err(Broken::Archive(error)),
        };
        self.open = Some(SegmentRows::open(&manifest, parquet, self.check)?);
        Ok(Some(manifest))
    }

    /// Shows the rows of the next batch of the open segment, which is closed behind its last one;
    /// whether there were any.
    fn next_batch(&mut self, visit: impl FnMut(&Row<'_>)) -> Result<bool, Distrust> {
        let Some(open) = &mut self.open else { return Ok(false) };
        let came = open.next_batch(visit)?;
        if !came {
            self.open = None;
        }
        Ok(came)
    }
}

/// Whether records were there once; other gaps never held any.
fn is_lost(gap: &Gap) -> bool {
    gap.reason == GapReason::Lost
}

fn erased(row: &Row<'_>) -> Vec<ColumnId> {
    row.erased_commitments.iter().filter_map(|(path, _)| event::schema().id(path)).collect()
}

/// The records of a partition, as the processor saw them.
pub(super) struct Records<'a> {
    segments: Segments<'a>,
    answers: Answers,
    topic: &'a str,
    partition: i32,
}

impl<'a> Records<'a> {
    pub(super) fn new(
        (archive, trust): (&'a Archive, &Trust),
        check: Check,
        (topic, partition): (&'a str, i32),
        manifests: VecDeque<SegmentManifest>,
    ) -> Self {
        let is_whole = manifests.front().is_some_and(|first| first.sequence == 0);
        let answers = Answers::new(trust.clone(), is_whole);
        Self { segments: Segments::new(archive, check, manifests), answers, topic, partition }
    }

    /// Hands the next batch to the replay; how many records, `None` if there are no more.
    pub(super) fn advance(&mut self, replay: &mut Replay) -> Result<Option<u64>, Broken> {
        loop {
            let (topic, partition) = (self.topic, self.partition);
            let (mut records, mut panicked) = (0_u64, None);
            let answers = &mut self.answers;
            let came = self.segments.next_batch(|row| {
                if panicked.is_some() {
                    return;
                }
                records = records.saturating_add(1);
                let handled = guarded(|| {
                    answers.take((topic, partition), row.offset, &row.event);
                    hand_over(topic, partition, row, replay);
                });
                panicked = handled.err().map(|panicked| (row.offset, panicked));
            })?;
            if let Some((offset, panicked)) = panicked {
                return Err(Broken::Unverifiable(format!(
                    "failed to compute the record at offset {offset} of `{topic}/{partition}`: {panicked}"
                )));
            }
            if came {
                return Ok(Some(records));
            }
            let next = self.segments.open_next()?;
            let named = |of: &SegmentManifest| (of.parquet_path.clone(), of.writer_schemas);
            self.answers.begin(next.as_ref().map(named))?;
            let Some(manifest) = next else { return Ok(None) };
            for gap in manifest.facts.gaps.iter().filter(|gap| is_lost(gap)) {
                replay.doubt(gap.start, Doubt::LostRecords);
            }
        }
    }
}

fn hand_over(topic: &str, partition: i32, row: &Row<'_>, replay: &mut Replay) {
    if erased(row).into_iter().any(|column| replay.reads(column)) {
        replay.doubt(row.offset, Doubt::ErasedValue);
    }
    let record = Record {
        topic,
        partition,
        offset: row.offset,
        timestamp_ms: row.timestamp_ms,
        timestamp_type: row.timestamp_type,
        key: None,
        value: None,
        headers: Headers::default(),
    };
    let decoded = Decoded {
        event: row.event.clone(),
        schema_id: Cow::Owned(row.schema_id.to_owned()),
        fault: (row.schema_id == NO_SCHEMA).then(|| fault_of(&row.event)),
    };
    replay.handle_record(&record, &decoded);
}

/// The computation asks only whether there was a fault.
fn fault_of(event: &Event<'_>) -> event::Fault {
    let text = |column| event.text(column).unwrap_or_default().to_owned();
    let name = text(column::quarantine::REASON);
    let known = event::Reason::ALL.into_iter().find(|known| known.name() == name);
    event::Fault {
        reason: known.unwrap_or(event::Reason::UnknownEncoding),
        pointer: text(column::quarantine::POINTER),
        detail: text(column::quarantine::DETAIL),
    }
}

/// A sealed row of an output partition.
pub(super) struct SealedOutput {
    pub(super) offset: i64,
    pub(super) event: Event<'static>,
    pub(super) erased: Vec<ColumnId>,
}

impl SealedOutput {
    /// Offset of the record that it stems from; nothing to wait for if it does not say.
    pub(super) fn origin_offset(&self) -> i64 {
        Replay::origin_offset(&self.event).unwrap_or(-1)
    }
}

/// The rows of an output partition, one by one.
pub(super) struct SealedOutputs<'a> {
    segments: Segments<'a>,
    ready: VecDeque<SealedOutput>,
    /// Whether rows before the next one were lost, and nobody has asked yet.
    lost: bool,
}

impl<'a> SealedOutputs<'a> {
    pub(super) fn new(
        archive: &'a Archive,
        check: Check,
        manifests: VecDeque<SegmentManifest>,
    ) -> Self {
        // Where the archive begins late, as much is missing as where rows were lost.
        let lost = manifests.front().is_some_and(|manifest| manifest.facts.first_offset > 0);
        Self { segments: Segments::new(archive, check, manifests), ready: VecDeque::new(), lost }
    }

    /// The next row, which stays there.
    pub(super) fn peek(&mut self) -> Result<Option<&SealedOutput>, Broken> {
        while self.ready.is_empty() {
            let ready = &mut self.ready;
            let came = self.segments.next_batch(|row| {
                ready.push_back(SealedOutput {
                    offset: row.offset,
                    event: row.event.clone().into_owned(),
                    erased: erased(row),
                });
            })?;
            if !came {
                let Some(manifest) = self.segments.open_next()? else { return Ok(None) };
                self.lost |= manifest.facts.gaps.iter().any(is_lost);
            }
        }
        Ok(self.ready.front())
    }

    /// Whether rows before the next one were lost; says so once.
    pub(super) const fn take_lost(&mut self) -> bool {
        std::mem::replace(&mut self.lost, false)
    }

    /// Takes the next row.
    pub(super) fn take(&mut self) -> Option<SealedOutput> {
        self.ready.pop_front()
    }
}
