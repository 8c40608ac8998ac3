//! Makes the pack of a small archive. The fuzz targets use it too.

use bytes::Bytes;
use pack::{Need, PackBuilder, PackError, Scope};
use segment::layout;
use segment::replay::Replay;

use super::common::{self, World};

pub(crate) fn export(world: &World, scope: &Scope) -> Result<Bytes, PackError> {
    let mut replay = Replay::new(common::policy());
    let mut entries = Vec::new();
    while let Some(bytes) = world.objects.get(&layout::commit(replay.next_sequence())) {
        entries.extend(replay.apply(bytes).unwrap());
    }
    let mut builder = PackBuilder::new(scope.clone(), "driftseal 0", replay.checkpoint(), entries)?;
    while let Some((census, parquet)) = builder.next_segment() {
        let (census, parquet) = (world.objects[census].clone(), world.objects[parquet].clone());
        if builder.add_census(&census)? == Need::Parquet {
            builder.add_segment(&parquet)?;
        }
    }
    builder.finish(&common::policy())
}
