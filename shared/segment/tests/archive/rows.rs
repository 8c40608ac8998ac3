//! Rows that are checked while they pass.

use crate::common::{World, policy};
use bytes::Bytes;
use segment::fault::Distrust;
use segment::layout;
use segment::manifest::SegmentManifest;
use segment::replay::Replay;
use segment::rows::{Check, SegmentRows};

fn manifests(world: &World) -> Vec<SegmentManifest> {
    let mut replay = Replay::new(policy());
    let mut manifests = Vec::new();
    while let Some(bytes) = world.objects.get(&layout::commit(replay.next_sequence())) {
        let entries = replay.apply(bytes).unwrap();
        manifests
            .extend(entries.into_iter().filter_map(|entry| entry.opened.manifest.into_segment()));
    }
    manifests
}

/// Offsets of all rows.
fn offsets(
    manifest: &SegmentManifest,
    parquet: Option<Bytes>,
    check: Check,
) -> Result<Vec<i64>, Distrust> {
    let mut rows = SegmentRows::open(manifest, parquet, check)?;
    let mut offsets = Vec::new();
    while rows.next_batch(|row| offsets.push(row.offset))? {}
    assert_eq!(rows.next_batch(|_| panic!("a row behind the last one")), Ok(false));
    Ok(offsets)
}

#[test]
fn every_row_is_shown_once_in_order_and_everything_holds() {
    let world = World::example();
    for manifest in manifests(&world) {
        let facts = &manifest.facts;
        let parquet = world.objects.get(&manifest.parquet_path).cloned();
        for check in [Check::Everything, Check::Form] {
            let found = offsets(&manifest, parquet.clone(), check).unwrap();
            assert!(found.into_iter().eq(facts.first_offset..facts.next_offset));
        }
    }
}

#[test]
fn what_does_not_hold_is_named() {
    let world = World::example();
    let manifests = manifests(&world);
    let [manifest, other, ..] = manifests.as_slice() else { panic!("too few segments") };
    let path = &manifest.parquet_path;
    let parquet = world.objects.get(path).cloned();
    let step = |manifest: &SegmentManifest, parquet: Option<Bytes>, check| match offsets(
        manifest, parquet, check,
    )
    .unwrap_err()
    {
        Distrust::Failed(fault) => fault.step,
        Distrust::Unverifiable(why) => panic!("{why}"),
    };
    assert_eq!(step(manifest, None, Check::Everything), "object exists");
    assert_eq!(step(manifest, None, Check::Form), "object exists");
    let flipped = world.flip(path, 1_000).objects.get(path).cloned();
    assert_eq!(step(manifest, flipped, Check::Everything), "object digest");
    // A manifest that was signed over something else than the file holds.
    let mut lying = manifest.clone();
    lying.facts.root[0] ^= 1;
    assert_eq!(step(&lying, parquet.clone(), Check::Everything), "segment root");
    let mut lying = manifest.clone();
    lying.facts.partition = other.facts.partition.clone();
    assert_eq!(step(&lying, parquet.clone(), Check::Everything), "partition");
    assert_eq!(step(&lying, parquet, Check::Form), "partition");
    let garbage = Some(Bytes::from_static(b"PAR1"));
    assert_eq!(step(manifest, garbage, Check::Form), "rows and leaves");
}
