//! Kinds and columns are constants of `event`, not texts: a misspelt one must not compile.

use std::collections::BTreeSet;

use crate::none;
use crate::sources::sources;
use event::schema;

/// The definition of the vocabulary itself, and the reader of its documents.
const OF_THE_VOCABULARY: &str = "shared/event/";

/// A metric of alerts about the monitor itself, which no window has.
const LAG: &str = "monitor.lag";

/// Metrics are named after what they measure; some have the name of a column.
fn metrics() -> BTreeSet<&'static str> {
    let watched = monitor::metric::ALL.iter().filter_map(|metric| metric.watch);
    monitor::metric::ALL
        .iter()
        .map(|metric| metric.name)
        .chain(watched.map(|watch| watch.metric))
        .chain([LAG])
        .collect()
}

/// String literals of Rust code, each with its line; no comment, and no raw string, for those hold
/// documents of other languages.
fn literals(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let line = 1 + code[..code.len() - rest.len()].matches('\n').count();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            end + if ["r", "br", "cr"].contains(&word) { raw_string(after) } else { 0 }
        } else if rest.starts_with("'\"'") {
            3
        } else if first == '"' {
            let end = end_of_string(rest);
            found.push((line, &rest[1..end - 1]));
            end
        } else {
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

/// Length of a raw string from its hashes on; 0 if none begins here.
fn raw_string(text: &str) -> usize {
    let hashes = text.len() - text.trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(hashes));
    let body = text[hashes..].strip_prefix('"');
    body.and_then(|body| body.find(&end)).map_or(0, |at| hashes + 1 + at + end.len())
}

/// Length of a string with its quotes.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    panic!("a string does not end")
}

#[test]
fn literals_are_found_and_documents_in_raw_strings_are_not() {
    let code = "let a = \"run.status\"; // \"tool.name\"\nlet b = r#\"{\"kind\": \"run.completed\"}\"#;\nlet c = br\"x\"; f('\"', \"a\\\"b\", \"kind\")";
    assert_eq!(literals(code), [(1, "run.status"), (3, "a\\\"b"), (3, "kind")]);
}

#[test]
fn kinds_and_columns_are_constants() {
    let metrics = metrics();
    let kinds = schema().kinds().map(|kind| (kind.name.as_str(), "kind::…"));
    let columns = schema().columns().iter().map(|column| (column.path.as_str(), "column::…"));
    // Columns of the envelope have names that mean other things elsewhere.
    let vocabulary: std::collections::BTreeMap<&str, &str> =
        kinds.chain(columns.filter(|(path, _)| path.contains('.'))).collect();
    let families: BTreeSet<String> =
        schema().kinds().map(|kind| format!("{}.", kind.family)).collect();
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| !source.path.starts_with(OF_THE_VOCABULARY)) {
        for (line, literal) in literals(source.shipped()) {
            if metrics.contains(literal) {
                continue;
            }
            let place = format!("{}:{line}: \"{literal}\"", source.path);
            if let Some(constant) = vocabulary.get(literal) {
                findings.push(format!("{place}: use {constant}"));
            } else if families.contains(literal) {
                findings.push(format!("{place}: ask the kind for its family"));
            }
        }
    }
    none(&findings);
}
