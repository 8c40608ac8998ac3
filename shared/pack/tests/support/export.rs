//! Makes the pack of a small archive. The fuzz targets use it too.

use bytes::Bytes;
use merkle::multiproof::Shape;
use merkle::rfc6962;
use pack::{Need, PackBuilder, PackError, Scope};
use segment::excerpt::Excerpt;
use segment::layout;
use segment::replay::Replay;

use super::common::{self, World};

/// What of the log decides about a period, from all commits, and the last checkpoint.
pub(crate) fn excerpt(world: &World, scope: &Scope) -> (Excerpt, String) {
    let mut replay = Replay::new(common::policy());
    let (mut entries, mut head) = (Vec::new(), None);
    while let Some(bytes) = world.objects.get(&layout::commit(replay.next_sequence())) {
        let before = replay.head();
        let added = replay.apply(bytes).unwrap();
        if added.iter().any(|entry| entry.opened.manifest.segment().is_some()) {
            head = before;
        }
        entries.extend(added);
    }
    let leaves: Vec<_> = entries.iter().map(|entry| entry.leaf).collect();
    let head = head.unwrap();
    let entries = Excerpt::needed(&head, scope.period(), entries).unwrap();
    let old = entries.iter().map(|entry| entry.index).filter(|index| *index < head.size());
    let nodes = Shape::of(head.size()).nodes(&old.collect::<Vec<_>>()).unwrap();
    let root = |from: u64, to: u64| {
        rfc6962::root(&leaves[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()])
    };
    let nodes = nodes.into_iter().map(|node| root(node.from, node.to)).collect();
    (Excerpt { head, entries, nodes }, replay.checkpoint().to_owned())
}

pub(crate) fn export(world: &World, scope: &Scope) -> Result<Bytes, PackError> {
    let (excerpt, checkpoint) = excerpt(world, scope);
    export_excerpt(world, scope, excerpt, &checkpoint)
}

pub(crate) fn export_excerpt(
    world: &World,
    scope: &Scope,
    excerpt: Excerpt,
    checkpoint: &str,
) -> Result<Bytes, PackError> {
    let mut builder = PackBuilder::new(scope.clone(), "driftseal 0", checkpoint, excerpt)?;
    while let Some((census, parquet)) = builder.next_segment() {
        let (census, parquet) = (world.objects[census].clone(), world.objects[parquet].clone());
        if builder.add_census(&census)? == Need::Parquet {
            builder.add_segment(&parquet)?;
        }
    }
    builder.finish(&common::policy())
}
