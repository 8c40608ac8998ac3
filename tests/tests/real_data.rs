//! Real agent data through the whole path: every row becomes sealed events, alerts fire soon for
//! real version changes and not for one version that is split in two at random, and a replay of the
//! sealed archive finds the same.
//!
//! The data is not part of the project. Where it is absent, data of the same shape is made here.
//! How calm and how quick the monitor is over hundreds of such runs is `real_drift`'s question; here
//! each is one run, and its path is the whole one. That a single altered value is found by a replay
//! is asked in `replay`.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::path::Path;

use event::{column, kind};
use serde_json::Value;
use tests::recompute::Computed;
use tests::rng::Rng;
use tests::sealed::Sealed;
use tests::settle::settle;
use tests::tables::{Source, Table, Trajectory, conversations, sources};
use tests::workspace;
use tests::world::{EVENTS, World};

/// Name of the mapping of the trajectories, and the version that it gives them.
const TAU_BENCH: (&str, &str) = ("tau-bench", "\"gpt-4o\"");
/// Observations of the new version within which every agent that a large real change is found of has
/// its first alert.
const SOON: f64 = 60.0;

/// Sends a file in an environment of its own, so that it meets no other experiment; its mapping may
/// be changed in other ways too.
fn emit(world: &World, name: &str, file: &Path, environment: &str, change: (&str, &str)) {
    let mappings = workspace::root().join("schemas").join("mappings");
    let mapping = std::fs::read_to_string(mappings.join(format!("{name}.toml"))).unwrap();
    assert!(mapping.contains("\"benchmark\""), "the mapping names its environment");
    assert!(mapping.contains(change.0), "{change:?}");
    let own = mapping.replace("\"benchmark\"", &format!("\"{environment}\""));
    let own_file = file.with_extension("toml");
    std::fs::write(&own_file, own.replace(change.0, change.1)).unwrap();
    world.command(&["emit", file.to_str().unwrap(), "--mapping", own_file.to_str().unwrap()]);
}

/// Sends a table; how many runs it has.
fn emit_table(world: &World, source: &Source, table: &Table, environment: &str) -> usize {
    let file = world.path(&format!("{}-{environment}.csv", source.name));
    table.write(&file);
    emit(world, source.name, &file, environment, ("", ""));
    table.rows.len()
}

/// Sends trajectories as those of a version.
fn emit_conversations(world: &World, part: &[Value], environment: &str, version: &str) {
    let (name, mapped) = TAU_BENCH;
    let file = world.path(&format!("{name}-{environment}-{}.json", version.trim_matches('"')));
    std::fs::write(&file, serde_json::to_vec(part).unwrap()).unwrap();
    emit(world, name, &file, environment, (mapped, version));
}

/// Calls of tools, and how many of them failed.
fn calls(conversations: &[Value]) -> (usize, usize) {
    conversations.iter().fold((0, 0), |(calls, failed), conversation| {
        let trajectory: Trajectory = serde_json::from_value(conversation.clone()).unwrap();
        let tools: Vec<bool> = trajectory.tools().map(|(_, failed)| failed).collect();
        let wrong = tools.iter().filter(|failed| **failed).count();
        (calls + tools.len(), failed + wrong)
    })
}

/// Sealed events: of each kind, and results of tools of each status.
fn count(sealed: &Sealed) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut kinds, mut statuses) = (BTreeMap::new(), BTreeMap::new());
    sealed.rows(EVENTS, |_, row| {
        let kind = row.event.text(column::KIND).unwrap_or_default();
        if kind == kind::TOOL_COMPLETED {
            let status = row.event.text(column::tool::STATUS).unwrap_or_default();
            *statuses.entry(status.to_owned()).or_default() += 1;
        }
        *kinds.entry(kind.to_owned()).or_default() += 1;
    });
    (kinds, statuses)
}

/// A drift alert that fired: agent, version, metric, and after how many observations.
type Fired = (String, String, String, f64);

/// The drift alerts of each environment, soonest first.
fn fired(alerts: &Computed) -> BTreeMap<String, Vec<Fired>> {
    let mut fired: BTreeMap<String, Vec<Fired>> = BTreeMap::new();
    let observations = column::drift::OBSERVATIONS;
    for event in alerts.values() {
        // Silence is an alert of its own: where one agent's data ends, another's goes on.
        let is_drift = event.text(column::drift::METRIC) != Some("agent.silence");
        if is_drift && event.text(column::KIND) == Some(kind::DRIFT_ALERT_FIRING) {
            let text = |column| event.text(column).unwrap_or_default().to_owned();
            let after = event.number(observations).unwrap();
            let alert = (
                text(column::AGENT_ID),
                text(column::AGENT_VERSION),
                text(column::drift::METRIC),
                after,
            );
            fired.entry(text(column::ENVIRONMENT)).or_default().push(alert);
        }
    }
    for alerts in fired.values_mut() {
        alerts.sort_by(|one, other| {
            one.3.total_cmp(&other.3).then_with(|| (&one.0, &one.2).cmp(&(&other.0, &other.2)))
        });
    }
    fired
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
        runs += emit_table(&world, source, &source.table, "whole");
        runs += emit_table(&world, source, &worse, "change");
        runs += emit_table(&world, source, &split, "split");
    }
    let mut conversations = conversations();
    let (called, failed) = calls(&conversations);
    assert!(called > failed && failed > 0, "{failed} of {called}");
    emit_conversations(&world, &conversations, "whole", TAU_BENCH.1);
    rng.shuffle(&mut conversations);
    let (first, second) = conversations.split_at(conversations.len() / 2);
    emit_conversations(&world, first, "split", TAU_BENCH.1);
    emit_conversations(&world, second, "split", "\"gpt-4o-again\"");
    runs += 2 * conversations.len();
    println!("{runs} runs sent");

    let ends = tests::flush::flush(&world);
    let (sealed, recomputed) = settle(&world, &ends);
    for role in &mut roles {
        assert_eq!(role.stop(), Some(0), "{}", role.last_words());
    }
    world.fsck();
    world.replay();

    let (kinds, statuses) = count(&sealed);
    println!("{kinds:?}");
    assert_eq!(kinds.get(kind::RUN_COMPLETED), Some(&runs));
    assert_eq!(kinds.get(kind::QUARANTINE_ADDED), None);
    let wanted = [("error".to_owned(), 2 * failed), ("ok".to_owned(), 2 * (called - failed))];
    assert_eq!(statuses, BTreeMap::from(wanted), "every trajectory was sent twice");

    let fired = fired(&recomputed.alerts);
    for (environment, alerts) in &fired {
        println!("{environment}: {} alerts, such as {:?}", alerts.len(), alerts.first());
    }
    for source in ["bfcl", "terminal-bench"] {
        // Of each agent the alert that fired first: they are sorted.
        let mut soonest: BTreeMap<&str, (&str, f64)> = BTreeMap::new();
        for (agent, _, metric, after) in fired.get("change").into_iter().flatten() {
            if agent.starts_with(source) {
                soonest.entry(agent).or_insert((metric, *after));
            }
        }
        println!("{source}, the real change: {soonest:?}");
        assert!(!soonest.is_empty(), "{source}: the real change fired no alert");
        let late: Vec<_> = soonest.iter().filter(|(_, (_, after))| *after > SOON).collect();
        assert!(late.is_empty(), "{source}: {late:?}");
    }
    assert_eq!(fired.get("split"), None, "an alert where nothing changed");
}
