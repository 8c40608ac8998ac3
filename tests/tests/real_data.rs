//! Real agent data through the whole path: every row becomes sealed events, alerts fire for real
//! version changes, and not for one version that is split in two at random.
//!
//! The data is not part of the project. Where it is absent, data of the same shape is made here.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed step fails the test; what was used and found is for whoever reads it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use tests::rng::Rng;
use tests::world::{ALERTS, EVENTS, World};
use tests::{wait, workspace};

/// Which rows stand for which version, in order.
type Versions<'a> = [(&'a str, &'a str)];

/// A table of the real data, or one of its shape.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn parse(text: &str) -> Self {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let mut rows = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<String>>());
        let header = rows.next().unwrap();
        Self { header, rows: rows.collect() }
    }

    fn column(&self, name: &str) -> usize {
        self.header.iter().position(|column| column == name).unwrap()
    }

    fn write(&self, path: &Path) {
        let mut writer = csv::Writer::from_path(path).unwrap();
        writer.write_record(&self.header).unwrap();
        self.rows.iter().for_each(|row| writer.write_record(row).unwrap());
        writer.flush().unwrap();
    }

    /// The rows of these versions, each version's in random order: neighbouring rows are of one
    /// task, and no detector is asked about the order of tasks.
    fn in_order(&self, versions: &Versions<'_>, columns: (&str, &str), rng: &mut Rng) -> Self {
        let (version, date) = (self.column(columns.0), self.column(columns.1));
        let mut rows = Vec::new();
        for (name, day) in versions {
            let of = |row: &&Vec<String>| row[version] == *name && row[date].starts_with(day);
            let mut chosen: Vec<_> = self.rows.iter().filter(of).cloned().collect();
            assert!(chosen.len() >= 200, "{name}: {} rows", chosen.len());
            rng.shuffle(&mut chosen);
            rows.extend(chosen);
        }
        Self { header: self.header.clone(), rows }
    }

    /// One version as if it were two: the first half of its rows keeps the name.
    fn split_in_two(&self, version: &(&str, &str), columns: (&str, &str), rng: &mut Rng) -> Self {
        let mut table = self.in_order(&[*version], columns, rng);
        let (at, half) = (table.column(columns.0), table.rows.len() / 2);
        table.rows.iter_mut().skip(half).for_each(|row| row[at].push_str("-again"));
        table
    }
}

/// A source: its mapping, its table, a change for the worse, and a version to split.
struct Source {
    name: &'static str,
    table: Table,
    columns: (&'static str, &'static str),
    worse: [(&'static str, &'static str); 2],
}

/// The two sources: bfcl, in which one model is called in two ways, and terminal-bench, in which
/// one model is driven by two agents.
fn sources() -> Vec<Source> {
    let real = workspace::real_data();
    println!(
        "data: {}",
        if real.is_some() {
            "real"
        } else {
            "made here, of the same shape; the real data is absent"
        }
    );
    let read = |path: &str| real.as_ref().map(|data| unzip(&data.join(path)));
    vec![
        Source {
            name: "bfcl",
            table: Table::parse(&read("bfcl/requests.csv.gz").unwrap_or_else(made_requests)),
            columns: ("model_version", "snapshot_date"),
            worse: [
                ("mistral-small-2402-FC-Any", "2024-07-25"),
                ("mistral-small-2402-FC-Auto", "2024-07-25"),
            ],
        },
        Source {
            name: "terminal-bench",
            table: Table::parse(&read("terminal-bench/trials.csv.gz").unwrap_or_else(made_trials)),
            columns: ("agent_version", "trial_started_at"),
            worse: [
                ("20250923_droid_claude-4-sonnet", ""),
                ("20250811_cursor-cli_claude-4-sonnet", ""),
            ],
        },
    ]
}

fn unzip(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

fn made_requests() -> String {
    let mut rng = Rng::new(3);
    let mut text =
        "snapshot_date,model_version,category,item,input_tokens,output_tokens,latency_s,\
                    output_chars,n_tool_calls,tools,valid\n"
            .to_owned();
    for (way, valid) in [("Any", 0.57), ("Auto", 0.23)] {
        for item in 0..1_800 {
            let category = ["simple", "multiple_function"][item % 2];
            let valid = u8::from(rng.chance(valid));
            let latency = rng.unit() * 4.0;
            text.push_str(&format!(
                "2024-07-25,mistral-small-2402-FC-{way},{category},{item},560,140,{latency:.3},90,1,\
                 calc,{valid}\n"
            ));
        }
    }
    text
}

fn made_trials() -> String {
    let mut rng = Rng::new(4);
    let mut text = "agent_version,run_id,trial_name,task_id,trial_started_at,trial_ended_at,\
                    agent_started_at,agent_ended_at,agent_seconds,is_resolved,failure_mode,\
                    tests_passed,tests_total,input_tokens,output_tokens\n"
        .to_owned();
    let versions =
        [("20250923_droid_claude-4-sonnet", 0.5), ("20250811_cursor-cli_claude-4-sonnet", 0.26)];
    for (version, resolved) in versions {
        for trial in 0..400 {
            let (task, resolved) = (trial % 80, u8::from(rng.chance(resolved)));
            let (start, end) = ("2025-09-01T10:00:00+00:00", "2025-09-01T10:20:00+00:00");
            text.push_str(&format!(
                "{version},run,task-{task}.{trial},task-{task},{start},{end},{start},{end},1200.5,\
                 {resolved},unset,{resolved},1,,\n"
            ));
        }
    }
    text
}

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
        if event.text_at("kind") == Some("drift.alert.firing") {
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
