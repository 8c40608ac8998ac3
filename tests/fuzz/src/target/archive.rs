//! An archive with one object of other bytes: the first byte chooses the object that the rest
//! replaces. Any bytes give a report, and only the true ones are verified.

use std::sync::LazyLock;

use bytes::Bytes;
use segment::fault::Judgement;
use segment::fsck::{SegmentOutcome, SegmentTask};

use crate::seeds;

/// A segment to check, its Parquet object and its census.
type Asked = (String, Option<Bytes>, Option<Bytes>);

fn asked(task: &SegmentTask, parquet: Option<&Bytes>, census: Option<&Bytes>) -> Asked {
    (format!("{task:?}"), parquet.cloned(), census.cloned())
}

/// What comes of the true segments: most inputs leave them as they are.
static KNOWN: LazyLock<Vec<(Asked, SegmentOutcome)>> = LazyLock::new(|| {
    let mut known = Vec::new();
    seeds::world().fsck_by(&mut |task, parquet, census| {
        let outcome = task.check(parquet, census);
        known.push((asked(task, parquet, census), outcome.clone()));
        outcome
    });
    known
});

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((choice, content)) = data.split_first() else { return false };
    let mut world = seeds::world().clone();
    let paths: Vec<&String> = seeds::world().objects.keys().collect();
    let Some(path) = paths.get(usize::from(*choice) % paths.len()) else { return false };
    let same = seeds::world().objects.get(*path).is_some_and(|object| object == content);
    world.objects.insert((*path).clone(), Bytes::copy_from_slice(content));
    let report = world.fsck_by(&mut |task, parquet, census| {
        let asked = asked(task, parquet, census);
        let known = KNOWN.iter().find(|(known, _)| *known == asked);
        known.map_or_else(|| task.check(parquet, census), |(_, outcome)| outcome.clone())
    });
    let _text = report.to_text();
    // Heads are an index, and made again from the commits.
    let bound = segment::layout::parse_head(path).is_none();
    assert!(report.verdict != Judgement::Verified || same || !bound, "{path}");
    report.verdict == Judgement::Verified
}
