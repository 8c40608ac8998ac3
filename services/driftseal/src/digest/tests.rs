use std::path::Path;

use serde_json::Value;

use super::*;

fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

fn tree(path: &Path) -> Result<String, String> {
    of(path, &mut Vec::new())
        .map(|(digest, _)| digest)
        .map_err(|failure| failure.message().to_owned())
}

fn digest(sources: &Sources) -> String {
    Version::of(sources).unwrap().digest
}

/// The file of vectors, which the Python reader checks too.
fn vectors() -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/version/vectors/version.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn from_hex_text(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let digits = pairs.map(|pair| str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[cfg(unix)]
fn lay_out(root: &Path, entries: &Value) {
    use std::os::unix::ffi::OsStrExt as _;
    for entry in entries.as_array().unwrap() {
        let bytes = |name: &str| from_hex_text(entry[name].as_str().unwrap());
        let path = root.join(OsStr::from_bytes(&bytes("path")));
        if entry["type"] == "d" {
            std::fs::create_dir_all(&path).unwrap();
            continue;
        }
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match entry["type"].as_str().unwrap() {
            "f" => std::fs::write(&path, bytes("content")).unwrap(),
            _ => {
                std::os::unix::fs::symlink(OsStr::from_bytes(&bytes("content")), &path).unwrap();
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn the_vectors_of_the_specification_hold() {
    let vectors = vectors();
    for case in vectors["trees"].as_array().unwrap() {
        let directory = tempfile::tempdir().unwrap();
        lay_out(directory.path(), &case["entries"]);
        let found = tree(directory.path());
        assert_eq!(found.as_deref(), Ok(case["digest"].as_str().unwrap()), "{}", case["name"]);
    }
    for (list, domain) in [("versions", VERSION), ("sets", SET)] {
        for case in vectors[list].as_array().unwrap() {
            let digest = digest_of(domain, &case["document"]);
            assert_eq!(case["digest"].as_str().unwrap().rsplit(':').next().unwrap(), digest);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_directory_has_one_digest_and_everything_in_it_counts() {
    use std::os::unix::ffi::OsStrExt as _;
    let here = tempfile::tempdir().unwrap();
    let (one, two) = (here.path().join("one"), here.path().join("two"));
    for (at, names) in [(&one, ["b.txt", "a/x"]), (&two, ["a/x", "b.txt"])] {
        for name in names {
            write(at, name, name.as_bytes());
        }
    }
    let first = tree(&one).unwrap();
    assert_eq!(first, tree(&two).unwrap(), "neither the order nor the place counts");
    let mut seen = vec![first.clone()];
    let mut changed = |what: &str, digest: String| {
        assert!(!seen.contains(&digest), "{what} did not count");
        seen.push(digest);
    };
    write(&two, "a/x", b"a/x\r\n");
    changed("content", tree(&two).unwrap());
    write(&two, "a/x", b"a/x\n");
    changed("the end of a line", tree(&two).unwrap());
    std::fs::rename(two.join("a/x"), two.join("a/y")).unwrap();
    changed("a name", tree(&two).unwrap());
    std::fs::create_dir(two.join("empty")).unwrap();
    changed("an empty directory", tree(&two).unwrap());
    std::os::unix::fs::symlink("a/y", two.join("link")).unwrap();
    changed("a link", tree(&two).unwrap());
    write(&two, "empty/f", b"");
    changed("an empty file", tree(&two).unwrap());
    std::fs::write(two.join(OsStr::from_bytes(b"\xff\xfe")), b"1").unwrap();
    changed("a name that is not Unicode", tree(&two).unwrap());
    std::fs::rename(
        two.join(OsStr::from_bytes(b"\xff\xfe")),
        two.join(OsStr::from_bytes(b"\xff\xfd")),
    )
    .unwrap();
    changed("a byte of such a name", tree(&two).unwrap());
    // Modes and times do not count.
    let before = tree(&one).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(one.join("b.txt"), mode).unwrap();
    assert_eq!(tree(&one).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn what_a_digest_would_not_cover_is_refused_and_named() {
    use std::os::unix::fs::symlink;
    let here = tempfile::tempdir().unwrap();
    let outside = write(here.path(), "outside", b"1");
    let root = here.path().join("root");
    write(&root, "a", b"1");
    let refused = |make: &dyn Fn(), undo: &Path, says: &str| {
        make();
        let error = tree(&root).unwrap_err();
        assert!(error.contains(says), "{error}");
        assert!(error.contains(undo.file_name().unwrap().to_str().unwrap()), "{error}");
        drop(std::fs::remove_file(undo));
        drop(std::fs::remove_dir_all(undo));
        tree(&root).unwrap();
    };
    let at = root.join("x");
    for target in ["../outside", "nowhere", "a/../../outside", outside.to_str().unwrap(), ""] {
        if !target.is_empty() {
            refused(&|| symlink(target, &at).unwrap(), &at, "is a link to what is not in");
        }
    }
    let pipe = || {
        let made = std::process::Command::new("mkfifo").arg(&at).status().unwrap();
        assert!(made.success());
    };
    refused(&pipe, &at, "neither a file nor a directory");
    let git = root.join(".git");
    refused(&|| drop(write(&git, "HEAD", b"x")), &git, "is not part of a version");
    let empty = here.path().join("empty");
    std::fs::create_dir_all(empty.join("below")).unwrap();
    assert!(tree(&empty).unwrap_err().contains("holds no file"));
    assert!(tree(&here.path().join("nowhere")).unwrap_err().contains("nowhere"));
    // All problems at once, and not thousands.
    for number in 0..15 {
        symlink("nowhere", root.join(format!("l{number}"))).unwrap();
    }
    assert!(tree(&root).unwrap_err().ends_with("; and 5 more"));
}

#[test]
fn a_version_is_its_parts_in_no_order() {
    let here = tempfile::tempdir().unwrap();
    let prompt = write(here.path(), "prompt.md", b"Be kind.\n");
    let other = write(here.path(), "other/prompt.md", b"Be brief.\n");
    let source = |path: &Path| Source::parse(path.to_str().unwrap());
    let named = |name: &str, path: &Path| Source::parse(&format!("{name}={}", path.display()));
    let base = Sources { prompts: vec![source(&prompt)], ..Sources::default() };
    let document = Version::of(&base).unwrap().document;
    // What `sha256sum` says of the file.
    let plain = "sha256:".to_owned() + &to_hex(&sha256(b"Be kind.\n"));
    assert_eq!(document.get("prompt_digest").unwrap(), &json!(plain));
    let two = |prompts: Vec<Source>| digest(&Sources { prompts, ..Sources::default() });
    let (a, b) = (named("system", &prompt), named("style", &other));
    assert_eq!(two(vec![a.clone(), b.clone()]), two(vec![b, a]));
    assert_ne!(
        two(vec![named("system", &prompt), named("style", &other)]),
        two(vec![named("style", &prompt), named("system", &other)]),
        "which prompt is which counts"
    );
    let clash = Sources { prompts: vec![source(&prompt), source(&other)], ..Sources::default() };
    let failure = Version::of(&clash).unwrap_err();
    assert!(failure.is_usage() && failure.message().contains("two of them are called"));

    let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let with = |parameters| digest(&Sources { parameters, ..base.clone() });
    let both = with(vec![parameter("seed", "1"), parameter("temperature", "0.2")]);
    assert_eq!(both, with(vec![parameter("temperature", "0.2"), parameter("seed", "1")]));
    assert_ne!(both, with(vec![parameter("seed", "1")]));
    let twice = Sources {
        parameters: vec![parameter("seed", "1"), parameter("seed", "2")],
        ..base.clone()
    };
    assert!(Version::of(&twice).unwrap_err().message().contains("`seed` is given twice"));

    let commit = Sources { commit: Some("c0ffee".into()), ..base.clone() };
    assert_ne!(digest(&commit), digest(&base), "other code is another version");
    let blank = Sources { commit: Some(" ".into()), ..base };
    assert!(Version::of(&blank).unwrap_err().message().contains("--commit"));
    assert!(Version::of(&Sources::default()).unwrap_err().message().contains("--prompt"));
}

#[test]
fn a_pointer_of_lfs_is_remarked_and_digests_are_taken_as_they_are() {
    let here = tempfile::tempdir().unwrap();
    write(here.path(), "c/a.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
    let path = here.path().join("c");
    let sources = Sources {
        corpora: vec![Corpus::parse(path.to_str().unwrap()).unwrap()],
        ..Sources::default()
    };
    let version = Version::of(&sources).unwrap();
    assert_eq!(version.remarks.len(), 1);
    assert!(version.remarks[0].contains("git lfs pull"), "{:?}", version.remarks);
    let given = version.document["corpus_digests"][0].as_str().unwrap().to_owned();
    let again = Sources { corpora: vec![Corpus::parse(&given).unwrap()], ..Sources::default() };
    assert_eq!(digest(&again), version.digest);
    assert!(Corpus::parse("tree-v1:xyz").is_err());
}
