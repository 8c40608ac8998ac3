//! Every reader sees the same rows of a pack's Parquet, or the pack is refused: hundreds of files that
//! somebody could put in its place, read by the product, by `tests/oracles/slice.py`, and those that are
//! accepted by DuckDB, Polars and pyarrow.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

#[path = "../../shared/segment/tests/archive/check.rs"]
#[expect(dead_code, reason = "the tests of `segment` use all of it")]
mod check;
#[path = "../../shared/segment/tests/archive/common.rs"]
#[expect(dead_code, reason = "the tests of `segment` use all of it")]
mod common;
#[path = "../../shared/pack/tests/support/container.rs"]
#[expect(dead_code, clippy::cast_possible_truncation, reason = "the tests of `pack` use all of it")]
mod container;
#[path = "../../shared/pack/tests/support/export.rs"]
#[expect(dead_code, reason = "the tests of `pack` use all of it")]
mod export;

use std::path::Path;
use std::process::Command;

use common::{Line, START_MS, World};
use pack::{Scope, Trust};
use serde_json::Value;
use tests::workspace;

/// Bits that are changed, spread over the file.
const FLIPS: usize = 1_500;

/// Events that fill columns of every type.
fn line(run: u32) -> Line {
    let map = if run.is_multiple_of(3) { r#","note":"<b>é</b>","other":"" "# } else { "" };
    let list = if run.is_multiple_of(4) { r#","on_behalf_of":["a","b"]"# } else { "" };
    let tool =
        if run.is_multiple_of(5) { r#","tool":{"name":"search","privileged":true}"# } else { "" };
    let json = format!(
        r#"{{"event_id":"run-{run}","kind":"{}","event_time":"2026-10-01T00:00:01Z","agent_id":"agent-a","run_id":"r","run":{{"status":"ok","duration_ms":{run}.25,"input":"input {run}","output":"o"}}{map}{list}{tool}}}"#,
        if run.is_multiple_of(2) { "run.completed" } else { "run.started" },
    );
    (START_MS + i64::from(run), json)
}

fn run(python: &Path, script: &str, directory: &Path) -> Value {
    let script = workspace::root().join("tests").join("oracles").join(script);
    let output = Command::new(python).arg(script).arg(directory).output().unwrap();
    let (said, failed) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{failed}");
    serde_json::from_str(&said).unwrap()
}

#[test]
fn every_reader_sees_the_same_rows_or_the_file_is_refused() {
    let Some(python) = workspace::python() else {
        workspace::not_run("parquet_readers", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let mut world = World::new();
    world.commit(&[("agent.events", 0, (0..40).map(line).collect())]);
    let scope = Scope::parse("agent-a", None, None).unwrap();
    let (excerpt, checkpoint) = export::excerpt(&world, &scope);
    let wish = export::Wish { scope, withheld: vec!["run.output"] };
    let pack = export::export_excerpt(&world, wish, excerpt, &checkpoint).unwrap();
    let trust = Trust { policy: Some(&common::policy()), earlier: None };
    let report = pack::verify(&pack, trust);
    let verified = report.verified.as_ref().unwrap_or_else(|| panic!("{report}"));
    let mut fields = verified.facts.columns.clone();
    fields.push("run.output".to_owned());
    let entries = container::unzip(&pack);
    let file = &entries["events/00000.parquet"];

    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("true.parquet"), file).unwrap();
    std::fs::write(at("columns.json"), serde_json::to_string(&fields).unwrap()).unwrap();
    let written = run(&python, "mutants.py", directory.path())["written"].as_u64().unwrap();
    assert!(written > 600, "{written}");
    for flip in 0..FLIPS {
        let mut changed = file.clone();
        let place = flip * file.len() / FLIPS;
        changed[place] ^= 1 << (flip % 8);
        std::fs::write(at(&format!("flip-{flip:04}.parquet")), changed).unwrap();
    }

    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let mut accepted = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let content = std::fs::read(&path).unwrap();
        if name.ends_with(".parquet") && pack::check_parquet(&content, &fields).is_ok() {
            // Of all that a forger wrote, only what was compressed otherwise is in the one form.
            let is_true = name == "true.parquet" || name.contains("-level-");
            assert!(is_true || name.starts_with("flip-"), "{name} is accepted");
            accepted.push(name);
        }
    }
    // One of the five levels may be the product's own, and then make the same bytes.
    let levels = accepted.iter().filter(|name| name.contains("-level-")).count();
    assert!(levels >= 4, "{accepted:?}");
    std::fs::write(at("accepted.json"), serde_json::to_string(&accepted).unwrap()).unwrap();
    let found = run(&python, "readers.py", directory.path());
    assert_eq!(found["files"].as_u64().unwrap(), written + FLIPS as u64, "{found}");
    assert!(found["accepted"].as_u64().unwrap() >= 4, "{found}");
}
