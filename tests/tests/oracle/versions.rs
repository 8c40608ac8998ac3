//! The digest of an agent version: Python computes it again, from the page of the format alone.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::workspace::{self, binary, root};

fn python(arguments: &[&str]) -> Option<String> {
    let Some(python) = workspace::python() else {
        workspace::not_run("versions", "no Python; `tests/setup.sh all` installs it");
        return None;
    };
    let script = root().join("tests/oracles/version_digest.py");
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complained}");
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// What the command says without a gateway, of sources in that directory.
fn registered(directory: &Path, sources: &[&str]) -> Value {
    let output = Command::new(binary("driftseal"))
        .args(["--output", "json", "version", "register", "--dry-run", "--agent", "a"])
        .args(["--agent-version", "v1", "--by", "ci", "--reason", "a test"])
        .args(sources)
        .current_dir(directory)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[cfg(unix)]
#[test]
fn a_second_reader_computes_the_same_digest_of_a_version() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let corpus = directory.path().join("corpus");
    std::fs::create_dir_all(corpus.join("a/empty")).unwrap();
    std::fs::write(corpus.join("a.b"), "1").unwrap();
    std::fs::write(corpus.join("a/b"), "2\r\n").unwrap();
    std::fs::write(corpus.join("ä"), "3").unwrap();
    std::fs::write(corpus.join(std::ffi::OsStr::from_bytes(b"\xff")), "4").unwrap();
    std::fs::write(corpus.join("large"), vec![7; 1_000_000]).unwrap();
    symlink("../a.b", corpus.join("a/link")).unwrap();
    std::fs::write(directory.path().join("prompt.md"), "Be kind.\n").unwrap();
    let said = registered(
        directory.path(),
        &[
            "--corpus",
            "corpus",
            "--prompt",
            "prompt.md",
            "--model",
            "m",
            "--parameter",
            "é=\u{1f600}",
        ],
    );
    let Some(tree) = python(&["tree", corpus.to_str().unwrap()]) else { return };
    assert_eq!(said["document"]["corpus_digests"][0], tree.as_str());
    let document = directory.path().join("document.json");
    std::fs::write(&document, said["document"].to_string()).unwrap();
    let digest = python(&["version", document.to_str().unwrap()]).unwrap();
    assert_eq!(said["version_digest"], digest.as_str());
}

#[test]
fn the_vectors_are_those_of_the_second_reader() {
    let vectors = root().join("schemas/version/vectors/version.json");
    let Some(made) = python(&["make"]) else { return };
    assert_eq!(made, std::fs::read_to_string(&vectors).unwrap().trim());
    assert!(python(&["vectors", vectors.to_str().unwrap()]).unwrap().ends_with("vectors hold"));
}
