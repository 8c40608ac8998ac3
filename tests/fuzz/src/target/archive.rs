//! An archive with one object of other bytes: the first byte chooses the object that the rest
//! replaces. Any bytes give a report, and only the true ones are verified.

use bytes::Bytes;
use segment::fault::Judgement;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((choice, content)) = data.split_first() else { return false };
    let mut world = seeds::world().clone();
    let paths: Vec<&String> = seeds::world().objects.keys().collect();
    let Some(path) = paths.get(usize::from(*choice) % paths.len()) else { return false };
    let same = seeds::world().objects.get(*path).is_some_and(|object| object == content);
    world.objects.insert((*path).clone(), Bytes::copy_from_slice(content));
    let report = world.fsck();
    let _text = report.to_text();
    // Heads are an index, and made again from the commits.
    let bound = segment::layout::parse_head(path).is_none();
    assert!(report.verdict != Judgement::Verified || same || !bound, "{path}");
    report.verdict == Judgement::Verified
}
