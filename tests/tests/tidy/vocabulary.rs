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
fn literals(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = code;
    while let Some(next) = rest.chars().next() {
        let (skipped, literal) = match next {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), None),
            'r' if rest.starts_with("r\"") || rest.starts_with("r#") => {
                let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
                let body = &rest[1 + hashes..];
                let end = format!("\"{}", "#".repeat(hashes));
                match body.strip_prefix('"').and_then(|body| body.find(&end)) {
                    Some(at) => (1 + hashes + 1 + at + end.len(), None),
                    // A raw identifier.
                    None => (1, None),
                }
            }
            '\'' if rest.starts_with("'\"'") => (3, None),
            '"' => {
                let mut end = 1;
                let mut escaped = false;
                for c in rest[1..].chars() {
                    end += c.len_utf8();
                    match c {
                        '"' if !escaped => break,
                        '\\' if !escaped => escaped = true,
                        _ => escaped = false,
                    }
                }
                (end, Some(rest[1..end - 1].to_owned()))
            }
            c if c.is_alphanumeric() || c == '_' => {
                // A whole word, so that the `r` that ends one begins no raw string.
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                (end.unwrap_or(rest.len()).max(1), None)
            }
            c => (c.len_utf8(), None),
        };
        if let Some(literal) = literal {
            found.push((line, literal));
        }
        line += rest[..skipped].matches('\n').count();
        rest = &rest[skipped..];
        // A prefix (`r`, `br`) was taken as a word: see whether a raw string follows.
        if (next == 'r' && skipped == 1 || next == 'b' && skipped == 2)
            && let Some(raw) = rest.strip_prefix(|c| c == '"' || c == '#')
        {
            let hashes = rest.chars().take_while(|c| *c == '#').count();
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 1;
            let at =
                rest.get(start..).and_then(|body| body.find(&end)).map(|at| start + at + end.len());
            let taken = at.unwrap_or(rest.len() - raw.len());
            line += rest[..taken].matches('\n').count();
            rest = &rest[taken..];
        }
    }
    found
}

#[test]
fn literals_are_found_and_documents_in_raw_strings_are_not() {
    let code = "let a = \"run.status\"; // \"tool.name\"\nlet b = r#\"{\"kind\": \"run.completed\"}\"#;\nlet c = br\"x\"; f('\"', \"a\\\"b\", \"kind\")";
    let found: Vec<(usize, String)> = literals(code);
    let expected = [(1, "run.status"), (3, "a\\\"b"), (3, "kind")];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
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
            if metrics.contains(literal.as_str()) {
                continue;
            }
            let place = format!("{}:{line}: \"{literal}\"", source.path);
            if let Some(constant) = vocabulary.get(literal.as_str()) {
                findings.push(format!("{place}: use {constant}"));
            } else if families.contains(&literal) {
                findings.push(format!("{place}: ask the kind for its family"));
            }
        }
    }
    none(&findings);
}
