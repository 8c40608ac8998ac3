//! Which crate may depend on which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::process::Command;

use serde_json::Value;

use crate::none;

/// The layers, lowest first. A crate may depend on lower layers only; a test (dev-dependency) may
/// also use `sim`, the simulated world.
const LAYERS: &[&[&str]] = &[
    &["drift", "event", "merkle"],
    // Part of L1, below the monitor that drives them.
    &["access", "governance", "suite"],
    &["mapping", "monitor", "otlp", "segment"],
    // Part of L1: acts name the monitor's metrics, packs are made of segments.
    &["act", "pack"],
    &["ports"],
    &["archive", "embedded", "kafka", "registry", "service", "sim"],
    &["collector", "evidence", "notifier", "processor", "sealer"],
    &["driftseal", "verify"],
    &["fuzz", "tests"],
];

/// The layers that decide and never act.
const PURE_LAYERS: usize = 4;

/// What pure crates never name.
const IMPURE: &[&str] = &[
    "axum",
    "config",
    "getrandom",
    "hyper",
    "metrics",
    "object_store",
    "rand",
    "rdkafka",
    "tokio",
    "tracing",
    "ureq",
];

/// What pure crates never reach either, through whatever they do depend on.
const IMPURE_AT_ANY_DEPTH: &[&str] = &[
    "axum",
    "config",
    "hyper",
    "metrics",
    "object_store",
    "rdkafka",
    "tokio",
    "tracing",
    "tracing-core",
    "ureq",
];

/// Randomness that is reached: who brings it, and why it never decides anything of ours.
const RANDOMNESS: &[(&str, &str)] = &[
    ("ahash", "seeds the hash maps inside parquet, which orders nothing that is written"),
    ("apache-avro", "for generated schema names; schemas are parsed, never generated"),
    ("const-random-macro", "a macro of ahash, at compile time"),
    ("opentelemetry_sdk", "makes identifiers of spans; only messages are read"),
    ("proptest", "tests only"),
    ("rand", "below statrs and opentelemetry_sdk"),
    ("rand_core", "below rand"),
    ("statrs", "samples from distributions; only their functions are called"),
    ("uuid", "makes random identifiers; pure code only reads and writes them"),
];

/// What the offline verifier is built without.
const NOT_IN_THE_VERIFIER: &[&str] = &[
    "axum",
    "config",
    "fjall",
    "hyper",
    "mio",
    "object_store",
    "rdkafka",
    "socket2",
    "tokio",
    "ureq",
];

/// `cargo metadata` of the workspace, for this machine's platform.
struct Workspace {
    /// Package id to name.
    names: BTreeMap<String, String>,
    members: BTreeSet<String>,
    /// Package id to (dependency id, normal, dev).
    edges: BTreeMap<String, Vec<(String, bool, bool)>>,
}

impl Workspace {
    fn read() -> Self {
        let rustc = Command::new("rustc").arg("-vV").output().unwrap();
        let version = String::from_utf8(rustc.stdout).unwrap();
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked", "--offline"])
            .args(["--filter-platform", host])
            .current_dir(tests::workspace::root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let list = |value: &Value| value.as_array().cloned().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let names = list(&metadata["packages"])
            .iter()
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let members = list(&metadata["workspace_members"]).iter().map(text).collect();
        let edges = list(&metadata["resolve"]["nodes"])
            .iter()
            .map(|node| {
                let dependencies = list(&node["deps"])
                    .iter()
                    .map(|dependency| {
                        let kinds = list(&dependency["dep_kinds"]);
                        let has = |kind: &Value| kinds.iter().any(|found| found["kind"] == *kind);
                        (text(&dependency["pkg"]), has(&Value::Null), has(&"dev".into()))
                    })
                    .collect();
                (text(&node["id"]), dependencies)
            })
            .collect();
        Self { names, members, edges }
    }

    fn name(&self, id: &str) -> &str {
        &self.names[id]
    }

    fn member(&self, name: &str) -> &str {
        self.members.iter().find(|id| self.name(id) == name).unwrap()
    }

    /// For everything that a package is built with: the way there, nearest first.
    fn ways(&self, from: &str) -> Vec<Vec<&str>> {
        let start = self.member(from);
        let mut came_from: BTreeMap<&str, Option<&str>> = BTreeMap::from([(start, None)]);
        let mut queue = VecDeque::from([start]);
        while let Some(package) = queue.pop_front() {
            for (dependency, normal, _) in &self.edges[package] {
                if *normal && !came_from.contains_key(dependency.as_str()) {
                    came_from.insert(dependency, Some(package));
                    queue.push_back(dependency);
                }
            }
        }
        came_from
            .keys()
            .map(|package| {
                let mut way = vec![self.name(package)];
                let mut at = came_from[package];
                while let Some(package) = at {
                    way.push(self.name(package));
                    at = came_from[package];
                }
                way
            })
            .collect()
    }

    /// Ways from any of the packages to any of the targets.
    fn reaching(&self, from: &[&str], targets: &[&str]) -> Vec<String> {
        from.iter()
            .flat_map(|package| self.ways(package))
            .filter(|way| targets.contains(&way[0]))
            .map(|way| way.join(" <- "))
            .collect()
    }
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

fn pure() -> Vec<&'static str> {
    LAYERS.iter().take(PURE_LAYERS).flat_map(|layer| layer.iter().copied()).collect()
}

#[test]
fn dependencies_point_down() {
    let workspace = Workspace::read();
    let mut findings = Vec::new();
    for member in &workspace.members {
        let name = workspace.name(member);
        let Some(own) = layer(name) else {
            findings.push(format!("`{name}` has no layer in tests/tests/tidy/layers.rs"));
            continue;
        };
        for (dependency, normal, dev) in &workspace.edges[member] {
            if !workspace.members.contains(dependency) {
                continue;
            }
            let target = workspace.name(dependency);
            let other = layer(target).unwrap_or(usize::MAX);
            // The adapters test themselves against each other; what ships must not.
            let allowed =
                if *normal { other < own } else { *dev && (other < own || target == "sim") };
            if !allowed {
                findings.push(format!("{name} -> {target}: points up or sideways"));
            }
        }
    }
    none(&findings);
}

#[test]
fn pure_crates_name_nothing_that_acts() {
    let workspace = Workspace::read();
    let mut findings = Vec::new();
    for name in pure() {
        for (dependency, normal, _) in &workspace.edges[workspace.member(name)] {
            let target = workspace.name(dependency);
            if *normal && IMPURE.contains(&target) {
                findings.push(format!("{name} -> {target}: a pure crate does not act"));
            }
        }
    }
    none(&findings);
}

#[test]
fn pure_crates_reach_nothing_that_acts() {
    none(&Workspace::read().reaching(&pure(), IMPURE_AT_ANY_DEPTH));
}

#[test]
fn randomness_below_pure_crates_is_accounted_for() {
    let workspace = Workspace::read();
    let mut findings = Vec::new();
    for member in pure() {
        for way in workspace.ways(member) {
            let [target, by, ..] = way.as_slice() else { continue };
            let random = ["rand", "getrandom", "fastrand"].contains(target);
            if random && !RANDOMNESS.iter().any(|(known, _)| known == by) {
                findings.push(way.join(" <- "));
            }
        }
    }
    none(&findings);
}

#[test]
fn the_verifier_is_built_without_network_and_runtime() {
    none(&Workspace::read().reaching(&["verify"], NOT_IN_THE_VERIFIER));
}

/// What the demo is built without, so that a clean clone shows its first result soon.
const NOT_IN_THE_DEMO: &[&str] = &[
    "mimalloc",
    "native-tls",
    "openssl",
    "openssl-sys",
    "rdkafka",
    "rdkafka-sys",
    "reqwest",
    "ring",
];

#[test]
fn the_demo_is_built_without_kafka_tls_and_release_parts() {
    let root = tests::workspace::root();
    let makefile = std::fs::read_to_string(root.join("Makefile")).unwrap();
    let flags = "--package driftseal --no-default-features";
    assert!(makefile.contains(flags), "`make demo` builds otherwise than this test asks");
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none"])
        .args(flags.split(' '))
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("driftseal") && names.contains("parquet"), "{tree}");
    let findings: Vec<String> = NOT_IN_THE_DEMO
        .iter()
        .filter(|name| names.contains(**name))
        .map(|name| format!("the demo is built with `{name}`"))
        .collect();
    none(&findings);
}

#[test]
fn only_the_adapter_names_the_kafka_client() {
    let workspace = Workspace::read();
    let users: Vec<&str> = workspace
        .members
        .iter()
        .filter(|member| {
            workspace.edges[*member].iter().any(|(id, ..)| workspace.name(id) == "rdkafka")
        })
        .map(|member| workspace.name(member))
        .collect();
    assert_eq!(users, ["kafka"]);
}
