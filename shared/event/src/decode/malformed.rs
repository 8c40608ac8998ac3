//! Why a text is no JSON, in words, and where.
//!
//! The messages of serde_json are not shown: they could quote the text, and name what its parser
//! expected rather than what the writer did.

use super::{Fault, Reason};

/// The fault of a text that does not parse. `skipped` bytes of the value come before the text.
#[cold]
pub(super) fn fault(text: &str, skipped: usize, error: &serde_json::Error) -> Fault {
    let at = position(text, error);
    Fault {
        reason: Reason::InvalidJson,
        pointer: format!("byte {}", at + skipped),
        detail: cause(text, at, &error.to_string()).to_owned(),
    }
}

/// Byte position of an error.
fn position(text: &str, error: &serde_json::Error) -> usize {
    let line = error.line().saturating_sub(1);
    let begin: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    (begin + error.column().saturating_sub(1)).min(text.len())
}

/// What the writer did, from what the parser says and what stands there.
fn cause(text: &str, at: usize, message: &str) -> &'static str {
    const CAUSES: [(&str, &str); 13] = [
        ("EOF while parsing a string", "the text ends within a string"),
        ("EOF while parsing an object", "the text ends within an object"),
        ("EOF while parsing a list", "the text ends within a list"),
        ("EOF", "the text ends too early"),
        ("control character", "a raw line break, tab or control character in a string; escape it"),
        ("lone leading surrogate", "half of a surrogate pair: a \\u escape that is no character"),
        ("unexpected end of hex escape", "half of a surrogate pair, or a \\u escape cut short"),
        ("invalid unicode", "a \\u escape that is no character"),
        ("invalid escape", "an escape that JSON does not have"),
        ("number out of range", "a number beyond what a 64-bit float holds"),
        ("trailing comma", "a comma after the last member"),
        ("trailing characters", "something follows the event; one event per line or record"),
        ("expected `:`", "a name without a colon and a value"),
    ];
    let here = text.get(at..).unwrap_or_default();
    if let Some(cause) = foreign(here) {
        return cause;
    }
    if let Some((_, cause)) = CAUSES.iter().find(|(begin, _)| message.starts_with(begin)) {
        return cause;
    }
    if message.starts_with("key must be a string") {
        return "a member's name without double quotes";
    }
    // The parser stops behind the sign.
    let number = text.get(..at).is_some_and(|before| before.ends_with('-'));
    if number && let Some(cause) = foreign(here).or_else(|| here.starts_with('I').then_some(NAN)) {
        return cause;
    }
    match message.split(" at line").next() {
        Some("invalid number") => "a number that JSON does not have, such as 01, 1. or 0x1",
        Some("expected value" | "expected ident") if here.starts_with([',', '}', ']']) => {
            "a value is missing"
        }
        Some(message) if message.starts_with("expected `,`") => "a comma is missing",
        Some(_) | None => "not well-formed JSON",
    }
}

const NAN: &str = "NaN and Infinity are no numbers of JSON; leave the field out, or send null";

/// What other languages write where JSON has something else.
fn foreign(here: &str) -> Option<&'static str> {
    const SPELLINGS: [(&str, &str); 17] = [
        ("NaN", NAN),
        ("nan", NAN),
        ("Infinity", NAN),
        ("-Infinity", NAN),
        ("-inf", NAN),
        ("inf", NAN),
        ("-NaN", NAN),
        ("-nan", NAN),
        ("True", "True and False are Python; JSON has true and false"),
        ("False", "True and False are Python; JSON has true and false"),
        ("None", "None is Python; JSON has null"),
        ("undefined", "undefined is JavaScript; JSON has null"),
        ("'", "single quotes; JSON has double quotes"),
        ("//", "a comment, which JSON does not have"),
        ("/*", "a comment, which JSON does not have"),
        ("#", "a comment, which JSON does not have"),
        ("+", "a number with a plus sign, which JSON does not have"),
    ];
    SPELLINGS.iter().find(|(begin, _)| here.starts_with(begin)).map(|(_, cause)| *cause)
}
