//! Random changes of every entry, digests and signature made again.

use std::collections::BTreeMap;

use bytes::Bytes;
use pack::Scope;

use crate::common::{START_MS, World};
use crate::container::unzip;
use crate::export::{Wish, excerpt, export_excerpt};
use crate::mutate::mutate;
use crate::rng::Rng;
use crate::{DAY_MS, check, rezip};

/// Changes of each pack.
const CHANGES: usize = 150;

fn export(world: &World, scope: Scope, withheld: Vec<&'static str>) -> BTreeMap<String, Vec<u8>> {
    let (excerpt, checkpoint) = excerpt(world, &scope);
    unzip(&export_excerpt(world, Wish { scope, withheld }, excerpt, &checkpoint).unwrap())
}

#[test]
fn both_verifiers_agree_on_whatever_is_done_to_an_entry() {
    let world = World::example();
    let day = || Scope::new("agent-a", START_MS, START_MS + DAY_MS).unwrap();
    let packs = [
        export(&world, day(), vec![]),
        export(&world, day(), vec!["run.input"]),
        export(&world, Scope::parse("agent-b", None, None).unwrap(), vec![]),
        export(&world, Scope::parse("nobody", None, None).unwrap(), vec![]),
    ];
    let mut random = Rng::new(1);
    for (number, pack) in packs.iter().enumerate() {
        let names: Vec<_> = pack.keys().collect();
        for change in 0..CHANGES {
            let mut place = |length: usize| random.below(length as u64) as usize;
            let name = names[place(names.len())];
            let other = &packs[place(packs.len())];
            let mut changed = pack.clone();
            let others = other.get(name).or_else(|| other.values().next()).unwrap();
            let content = mutate(&pack[name], others, &mut random);
            changed.insert(name.clone(), content);
            let changed: Bytes = rezip(changed);
            // Which of them it is, if they do not agree.
            println!("pack {number}, change {change}, of {name}");
            check(&changed);
        }
    }
}
