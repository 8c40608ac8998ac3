//! Makes the pack of a small archive. The fuzz targets use it too.

use std::io::Cursor;

use bytes::Bytes;
use merkle::multiproof::Shape;
use merkle::rfc6962;
use pack::{Objects, PackError, Request, Scope};
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

/// What a pack is made of, but for what only some tests choose.
pub(crate) struct Wish {
    pub(crate) scope: Scope,
    pub(crate) withheld: Vec<&'static str>,
}

struct Stored<'w>(&'w World);

impl Objects for Stored<'_> {
    fn get(&mut self, path: &str, _size_bytes: u64) -> Result<Bytes, String> {
        self.0.objects.get(path).cloned().ok_or_else(|| format!("`{path}` is missing"))
    }

    fn progress(&mut self, _done: u64, _total: u64) {}
}

pub(crate) fn export(world: &World, scope: &Scope) -> Result<Bytes, PackError> {
    let (excerpt, checkpoint) = excerpt(world, scope);
    let wish = Wish { scope: scope.clone(), withheld: Vec::new() };
    export_excerpt(world, wish, excerpt, &checkpoint)
}

pub(crate) fn export_excerpt(
    world: &World,
    wish: Wish,
    excerpt: Excerpt,
    checkpoint: &str,
) -> Result<Bytes, PackError> {
    let request = Request {
        scope: wish.scope,
        withheld: wish.withheld.iter().map(|path| event::schema().id(path).unwrap()).collect(),
        generator: "driftseal 0",
        checkpoint,
        excerpt,
        policy: &common::policy(),
        key: &common::evidence_key(),
    };
    let file = pack::write(Cursor::new(Vec::new()), request, &mut Stored(world))?;
    Ok(file.into_inner().into())
}
