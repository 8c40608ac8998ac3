//! Real agent data through the whole path: every row becomes sealed events, alerts fire for real
//! version changes, and not for one version that is split in two at random.
//!
//! The data is not part of the project. Where it is absent, data of the same shape is made here.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tests::rng::Rng;
use tests::tables::{Source, Table, sources};
use tests::world::{ALERTS, EVENTS, World};
use tests::{wait, workspace};

/// Sends a table in an environment of its own, so that it meets no other experiment.
fn emit(world: &World, source: &Source, table: &Table, environment: &str) -> usize {
    let file = world.path(&format!("{}-{environment}.csv", source.name));
    table.write(&file);
    let mappings = workspace::root().join("schemas").join("mappings");
    let mapping = std::fs::read_to_string(mappings.join(format!("{}.toml", source.name))).unwrap();
    let own = mapping.replace("\"benchmark\"", &format!("\"{environment}\""));
    assert_ne!(own, mapping, "the mapping names its environment");
    let own_file = world.path(&format!("{}-{environment}.toml", source.name));
    std::fs::write(&own_file, own).unwrap();
    world.command(&["emit", file.to_str().unwrap(), "--mapping", own_file.to_str().unwrap()]);
    table.rows.len()
}

#[test]
fn alerts_fire_for_real_changes_and_not_for_one_version_split_in_two() {
    let Some(world) = World::start("real_data") else { return };
    let mut roles = world.roles();
    let mut runs = 0;
    let mut rng = Rng::new(20_260_101);
    for source in &sources() {
        let worse = source.table.in_order(&source.worse, source.columns, &mut rng);
        let split = source.table.split_in_two(&source.worse[0], source.columns, &mut rng);
        runs += emit(&world, source, &source.table, "whole");
        runs += emit(&world, source, &worse, "change");
        runs += emit(&world, source, &split, "split");
    }
    println!("{runs} runs sent");

    let ends = tests::flush::flush(&world);
    let mut sealed = world.sealed();
    wait::until("everything to be sealed", Duration::from_secs(180), || {
        sealed.refresh();
        let at = sealed.ends(EVENTS);
        let all = ends.iter().all(|(partition, end)| at.get(partition).is_some_and(|at| at >= end));
        all.then_some(())
    });
    let expected =
        tests::recompute::Recomputed::from(&sealed, EVENTS, &ends, &World::settings()).alerts;
    wait::until("every alert to be sealed", Duration::from_secs(180), || {
        sealed.refresh();
        let (there, _) = tests::recompute::sealed_events(&sealed, ALERTS);
        expected.keys().all(|id| there.contains_key(id)).then_some(())
    });
    for role in &mut roles {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
    }
    world.fsck();

    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    sealed.rows(EVENTS, |_, row| {
        let kind = row.event.text_at("kind").unwrap_or_default();
        *kinds.entry(kind.to_owned()).or_default() += 1;
    });
    println!("{kinds:?}");
    assert_eq!(kinds.get("run.completed"), Some(&runs));
    assert_eq!(kinds.get("quarantine.added"), None);

    let mut fired: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in expected.values() {
        // Silence is an alert of its own: where one agent's data ends, another's goes on.
        let is_drift = event.text_at("drift.metric") != Some("agent.silence");
        if is_drift && event.text_at("kind") == Some("drift.alert.firing") {
            let text = |path| event.text_at(path).unwrap_or_default().to_owned();
            let agent =
                format!("{} {} {}", text("agent_id"), text("agent_version"), text("drift.metric"));
            fired.entry(text("environment")).or_default().insert(agent);
        }
    }
    for (environment, alerts) in &fired {
        println!("{environment}: {} alerts, such as {:?}", alerts.len(), alerts.first());
    }
    for source in ["bfcl", "terminal-bench"] {
        let of_source = |alert: &&String| alert.starts_with(source);
        let change = fired.get("change").into_iter().flatten().find(of_source);
        assert!(change.is_some(), "{source}: the real change fired no alert");
    }
    assert_eq!(fired.get("split"), None, "an alert where nothing changed");
}
