//! Where things of this checkout are, and which tools the tests may use.
//!
//! A test that needs something that is not there says `not run: …` and passes; with
//! `DRIFTSEAL_TEST_ALL=1`, which `make test` sets, the same is a failure. So "skipped" and
//! "passed" never look alike where it matters.

use std::path::{Path, PathBuf};

/// Root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Value of an environment variable of the test run; empty counts as unset.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the tests' own switches are not configuration")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether everything was asked for, so that something missing is a failure.
#[must_use]
pub fn everything_is_wanted() -> bool {
    variable("DRIFTSEAL_TEST_ALL").is_some_and(|value| value != "0")
}

/// Says that a test was not run.
///
/// # Panics
///
/// If everything was asked for.
#[expect(clippy::print_stderr, reason = "it speaks to the person running the tests")]
pub fn not_run(test: &str, missing: &str) {
    assert!(!everything_is_wanted(), "{test} cannot run: {missing}");
    eprintln!("not run: {test}: {missing}");
}

/// The directory that cargo built into (`target/debug`, wherever that is).
#[must_use]
pub fn build_dir() -> PathBuf {
    // A test executable is <build dir>/deps/<name>-<hash>; a bench likewise.
    let executable = std::env::current_exe().unwrap_or_default();
    let deps = executable.parent().unwrap_or_else(|| Path::new("."));
    deps.parent().unwrap_or(deps).to_path_buf()
}

/// A binary of this workspace: of the folder `DRIFTSEAL_BINARIES`, or as it was built for the tests.
///
/// # Panics
///
/// If it was not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let folder = variable("DRIFTSEAL_BINARIES").map_or_else(build_dir, PathBuf::from);
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "no {}; run `cargo build --workspace` first", path.display());
    path
}

/// The Python that has the oracle's libraries: `DRIFTSEAL_PYTHON`, else `.venv` of the workspace.
#[must_use]
pub fn python() -> Option<PathBuf> {
    let path = variable("DRIFTSEAL_PYTHON")
        .map_or_else(|| root().join(".venv").join("bin").join("python"), PathBuf::from);
    path.exists().then_some(path)
}

/// Where real agent data lies, if it is there: `DRIFTSEAL_DATA`, else `shared/data` beside the
/// checkout. The data is never part of the project.
#[must_use]
pub fn real_data() -> Option<PathBuf> {
    let beside = || root().parent().map(|parent| parent.join("shared").join("data"));
    let path = variable("DRIFTSEAL_DATA").map(PathBuf::from).or_else(beside)?;
    path.is_dir().then_some(path)
}

/// The seed of a test with randomness: `SEED`, else another one for each minute. Print it.
#[must_use]
pub fn seed() -> u64 {
    let given = variable("SEED").and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| service::clock::now_ms().unsigned_abs() / 60_000)
}

/// Every file of the project, sorted: what is neither built, downloaded nor produced by a run.
///
/// # Errors
///
/// A directory that cannot be read.
pub fn files() -> std::io::Result<Vec<PathBuf>> {
    const NOT_OURS: &[&str] = &[
        "target",
        ".git",
        ".cache",
        "libs",
        "run",
        "driftseal-demo",
        "__pycache__",
        "node_modules",
    ];
    let mut found = Vec::new();
    let mut directories = vec![root()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                let is_python = name.to_string_lossy().starts_with(".venv");
                if !is_python && !NOT_OURS.iter().any(|other| name == *other) {
                    directories.push(entry.path());
                }
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
