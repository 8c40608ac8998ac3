//! Form of the sources.

use std::path::{Path, PathBuf};

use tests::workspace::{files, root};

use crate::none;

/// A file that is longer has two subjects.
const LINES_MAX: usize = 500;

/// What pure crates never write outside their tests.
const NOT_IN_PURE_CODE: &[&str] = &[
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "now_v7",
    "new_v4",
    "std::env",
    "std::fs",
    "std::net",
    "std::thread",
    "tracing::",
    "async fn",
];

/// Directories of the crates that decide and never act.
const PURE: &[&str] = &[
    "shared/act",
    "shared/drift",
    "shared/event",
    "shared/mapping",
    "shared/merkle",
    "shared/monitor",
    "shared/pack",
    "shared/segment",
    "shared/suite",
];

/// A source of the project.
pub(crate) struct Source {
    pub(crate) path: String,
    text: String,
    /// Whether it is compiled for tests or benchmarks only.
    test: bool,
}

impl Source {
    /// The part that ships: nothing of a test file, and nothing after a file's test module.
    pub(crate) fn shipped(&self) -> &str {
        if self.test { "" } else { self.text.split("#[cfg(test)]\nmod ").next().unwrap_or("") }
    }

    /// Lines, numbered from 1, that are code.
    fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
        text.lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

pub(crate) fn sources() -> Vec<Source> {
    files()
        .unwrap()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = relative(&path);
            let test = path.starts_with("tests/")
                || path.contains("/tests/")
                || path.contains("/benches/")
                || path.contains("/examples/")
                || path.ends_with("/tests.rs");
            Source { path, text, test }
        })
        .collect()
}

/// Places where shipped code contains one of the words.
fn places(sources: &[Source], words: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        for (number, line) in Source::code(source.shipped()) {
            if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                findings.push(format!("{}:{number}: {word}", source.path));
            }
        }
    }
    findings
}

#[test]
fn pure_crates_touch_no_clock_file_or_environment() {
    let sources: Vec<Source> = sources()
        .into_iter()
        .filter(|source| PURE.iter().any(|pure| source.path.starts_with(&format!("{pure}/src/"))))
        .collect();
    assert!(sources.len() > PURE.len(), "the sources were not found");
    let words: Vec<String> = NOT_IN_PURE_CODE.iter().map(|word| (*word).to_owned()).collect();
    none(&places(&sources, &words));
}

#[test]
fn nothing_is_left_unfinished() {
    // Put together here, so that this file does not contain what it looks for.
    let words: Vec<String> =
        [("to", "do!("), ("unimple", "mented!("), ("FIX", "ME"), ("TO", "DO"), ("XX", "X")]
            .iter()
            .map(|(head, tail)| format!("{head}{tail}"))
            .collect();
    none(&places(&sources(), &words));
}

#[test]
fn lints_and_tests_are_not_switched_off() {
    let allow = format!("#[{}(", "allow");
    let allow_inside = format!("#![{}(", "allow");
    let ignore = format!("#[{}", "ignore");
    let mut findings = Vec::new();
    for source in sources() {
        for (number, line) in Source::code(&source.text) {
            let line = line.trim_start();
            if line.starts_with(&allow) || line.starts_with(&allow_inside) {
                findings.push(format!("{}:{number}: say #[expect(lint, reason)]", source.path));
            }
            if line.starts_with(&ignore) {
                findings.push(format!(
                    "{}:{number}: a test that is not run is not a test",
                    source.path
                ));
            }
        }
    }
    none(&findings);
}

#[test]
fn what_no_compiler_checks_is_in_one_module() {
    // Put together here, so that this file does not contain what it looks for.
    let words = [["un", "safe {"], ["un", "safe fn"], ["unsafe", "_code"], ["un", "safe impl"]];
    let words: Vec<String> = words.iter().map(|word| word.concat()).collect();
    let mut sources = sources();
    for source in &mut sources {
        source.test = false;
    }
    let (native, others): (Vec<_>, Vec<_>) =
        sources.into_iter().partition(|source| source.path == "shared/kafka/src/native.rs");
    none(&places(&others, &words));
    assert_eq!(native.len(), 1);
    let lines = native.iter().map(|source| source.text.lines().count()).sum::<usize>();
    assert!(lines <= 200, "{lines} lines: the module is small");
}

#[test]
fn a_source_has_one_subject() {
    let findings: Vec<String> = sources()
        .iter()
        .map(|source| (&source.path, source.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines, at most {LINES_MAX}"))
        .collect();
    none(&findings);
}

#[test]
fn every_module_says_what_it_is() {
    let findings: Vec<String> = sources()
        .iter()
        .filter(|source| {
            let first = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
            let words = first.trim_start_matches("//!").split_whitespace().count();
            // A file of unit tests is named by the module it is part of.
            let says_something = first.starts_with("//!") && words >= 2;
            !source.path.ends_with("/tests.rs") && !says_something
        })
        .map(|source| format!("{}: begins without a //! head that says something", source.path))
        .collect();
    none(&findings);
}

#[test]
fn no_file_names_a_machine() {
    // Put together here, so that this file does not contain what it looks for.
    let mut words: Vec<String> =
        ["root/.", "Users/", "home/"].iter().map(|place| format!("/{place}")).collect();
    words.push(root().display().to_string());
    let binary = ["parquet", "zip", "gz", "png", "avro"];
    let mut findings = Vec::new();
    let text_files = files().unwrap().into_iter().filter(|path: &PathBuf| {
        !path.extension().is_some_and(|extension| binary.iter().any(|binary| extension == *binary))
    });
    for path in text_files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for (index, line) in text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                findings.push(format!("{}:{}: {word}", relative(&path), index + 1));
            }
        }
    }
    none(&findings);
}
