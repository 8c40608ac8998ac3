//! Every function of shipped code that reads text or bytes has a fuzz target, or a reason: the
//! functions are found in the sources, the answers stand in `decoders.txt`.
//!
//! Found is a function that takes text, bytes or a reader and is named like one that reads
//! ([`NAMES`]), and one that calls a decoder of another library ([`DECODERS`]).
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

/// First words of the names of functions that read.
const NAMES: &[&str] = &[
    "parse", "decode", "read", "open", "peek", "split", "restore", "resume", "apply", "gunzip",
    "unescape", "records", "register", "unzip", "load", "dry", "chunk",
];

/// Names of others.
const NAMES_WHOLE: &[&str] = &[
    "from_bytes",
    "from_canonical",
    "from_hex",
    "from_json",
    "from_record",
    "from_str",
    "from_text",
    "first_byte",
];

/// Decoders of other libraries.
const DECODERS: &[&str] = &[
    "serde_json::from_",
    "serde_json::Deserializer",
    "toml::from_",
    "postcard::from_",
    "Schema::parse",
    "csv::Reader",
    "GzDecoder::new",
    "RecordBatchReaderBuilder::try_new",
    "SerializedFileReader",
    "Parser::new",
    "File::from_str",
    "parse_from_rfc",
    "from_utf8",
    ".parse::<",
];

/// What a function takes that reads.
const TAKES: &[&str] = &["[u8]", "str", "Bytes", "Read", "BufRead", "Record<"];

/// What it gives if it can refuse.
const GIVES: &[&str] = &["Result", "Option", "Vec"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The shipped sources below a directory.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["tests", "benches", "examples"].contains(&name.as_str()) {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

fn has_word(text: &str, words: &[&str]) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    words.iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back().is_some_and(is_part);
            let after = text[at + word.len()..].chars().next().is_some_and(is_part);
            !(before && word.starts_with(is_part) || after && word.ends_with(is_part))
        })
    })
}

fn reads_by_name(name: &str, signature: &str) -> bool {
    let (takes, gives) = signature.split_once("->").unwrap_or((signature, ""));
    let first = name.split('_').next().unwrap();
    (NAMES.contains(&first) || NAMES_WHOLE.contains(&name))
        && has_word(takes, TAKES)
        && has_word(gives, GIVES)
}

/// Names of the functions of a source that read.
fn readers(text: &str) -> BTreeSet<String> {
    let tests = text.match_indices("#[cfg(test)]\n").find(|(at, attribute)| {
        let line = text[at + attribute.len()..].lines().next().unwrap_or("");
        line.contains("mod ") && line.ends_with('{')
    });
    let shipped = &text[..tests.map_or(text.len(), |(at, _)| at)];
    let code: Vec<&str> =
        shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut found = BTreeSet::new();
    for part in code.split("fn ").skip(1) {
        let name: String =
            part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let signature = &part[..part.find(['{', ';']).unwrap_or(part.len())];
        if !name.is_empty()
            && (reads_by_name(&name, signature)
                || DECODERS.iter().any(|decoder| part.contains(decoder)))
        {
            found.insert(name);
        }
    }
    found
}

#[test]
fn functions_that_read_are_found() {
    let text = "fn parse(text: &str) -> Option<u8> { None }\n\
        // fn read_all(bytes: &[u8]) -> Vec<u8>\n\
        fn parse_nothing() -> Option<u8> { None }\n\
        fn strange<'a>(x: Value) { serde_json::from_str(x) }\n\
        fn from_hex(text: &str) -> Option<u8>;\n\
        fn from_parts(text: &str) -> Option<u8>;\n\
        #[cfg(test)]\npub(crate) mod tests {\n fn read(b: &[u8]) -> Vec<u8> { } }";
    assert_eq!(Vec::from_iter(readers(text)), ["from_hex", "parse", "strange"]);
}

/// What is said of the functions of each file: their names, with the targets that reach them.
fn answers() -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut answers: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let text = include_str!("../decoders.txt");
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (file, rest) = line.split_once(": ").unwrap();
        let (names, targets) = if let Some((names, reason)) = rest.split_once(" ! ") {
            assert!(reason.split_whitespace().count() > 1, "no reason: {line}");
            (names, Vec::new())
        } else {
            let (names, targets) = rest.split_once(" = ").unwrap();
            (names, targets.split_whitespace().map(ToOwned::to_owned).collect())
        };
        let of_file = answers.entry(file.to_owned()).or_default();
        for name in names.split(", ") {
            let before = of_file.insert(name.to_owned(), targets.clone());
            assert_eq!(before, None, "{file}: {name} stands there twice");
        }
    }
    answers
}

#[test]
fn every_function_that_reads_has_a_target_or_a_reason() {
    let mut files = Vec::new();
    for part in ["shared", "services"] {
        for entry in std::fs::read_dir(root().join(part)).unwrap() {
            let directory = entry.unwrap().path().join("src");
            if directory.is_dir() {
                sources(&directory, &mut files);
            }
        }
    }
    let mut answers = answers();
    let mut findings = Vec::new();
    for file in files {
        let path = file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let mut said = answers.remove(&path).unwrap_or_default();
        for name in readers(&std::fs::read_to_string(&file).unwrap()) {
            if said.remove(&name).is_none() {
                findings.push(format!("{path}: {name} has neither a target nor a reason"));
            }
        }
        findings.extend(said.keys().map(|name| format!("{path}: {name} reads nothing any more")));
    }
    findings.extend(answers.keys().map(|path| format!("{path} is not there any more")));
    assert!(findings.is_empty(), "tests/fuzz/decoders.txt:\n{}", findings.join("\n"));
}

#[test]
fn the_targets_are_those_that_are_named() {
    let named: BTreeSet<String> =
        answers().into_values().flat_map(BTreeMap::into_values).flatten().collect();
    for name in &named {
        assert!(TARGETS.iter().any(|target| target.name == name), "no target `{name}`");
    }
    // What reads nothing itself, but takes what was read through everything behind it.
    let through = ["multiproof", "sealed"];
    for target in TARGETS.iter().filter(|target| !through.contains(&target.name)) {
        assert!(named.contains(target.name), "`{}` reaches no function of the list", target.name);
    }
}
