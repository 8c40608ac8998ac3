//! JSON values that have no typed column: kept as text, exactly as written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Visitor};
use serde_json::value::RawValue;

/// A value that no column types.
#[derive(Debug)]
pub(super) enum Loose<'a> {
    Null,
    Text(Cow<'a, str>),
    /// Anything else: its compact JSON text.
    Json(Cow<'a, str>),
}

impl<'a> Loose<'a> {
    pub(super) fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Loose::Null => None,
            Loose::Text(text) | Loose::Json(text) => Some(text),
        }
    }
}

/// Reads a value that serde_json has found to be well formed; the error is a detail for a person.
pub(super) fn loose(raw: &RawValue) -> Result<Loose<'_>, &'static str> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') => Ok(Loose::Null),
        Some(b'"') => unescape(text).map(Loose::Text),
        Some(b'{' | b'[') => compact(text).map(Loose::Json),
        Some(_) | None => Ok(Loose::Json(Cow::Borrowed(text))),
    }
}

/// The text of a JSON string in its quotes.
fn unescape(quoted: &str) -> Result<Cow<'_, str>, &'static str> {
    if quoted.contains('\\') {
        serde_json::from_str::<String>(quoted)
            .map(Cow::Owned)
            .map_err(|_| "a \\u escape that is no character")
    } else {
        Ok(Cow::Borrowed(quoted.trim_matches('"')))
    }
}

/// Removes white space outside strings and refuses members that repeat, at any depth, without
/// recursion. The input is well formed.
fn compact(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let mut out = String::new();
    let mut spaces = false;
    // For each object or list that is open, the names of its members so far.
    let mut open: Vec<Vec<Cow<'_, str>>> = Vec::new();
    let mut rest = text;
    // Bytes before the first white space.
    let mut kept = 0;
    while let Some(byte) = rest.as_bytes().first() {
        let length = match byte {
            b'"' => {
                let length = string_length(rest);
                let (string, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
                if after.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(':')
                    && let Some(names) = open.last_mut()
                {
                    names.push(unescape(string)?);
                }
                length
            }
            b'{' | b'[' => {
                open.push(Vec::new());
                1
            }
            b'}' | b']' => {
                let mut names = open.pop().unwrap_or_default();
                names.sort_unstable();
                if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
                    return Err("a member repeats inside");
                }
                1
            }
            b' ' | b'\t' | b'\n' | b'\r' => 0,
            _ => rest
                .bytes()
                .take_while(|byte| !br#" "{}[],:"#.contains(byte) && *byte > b' ')
                .count()
                .max(1),
        };
        if length == 0 {
            if !spaces {
                spaces = true;
                out.push_str(text.get(..kept).unwrap_or_default());
            }
            rest = rest.get(1..).unwrap_or_default();
        } else {
            let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            if spaces {
                out.push_str(token);
            }
            kept += length;
            rest = after;
        }
    }
    Ok(if spaces { Cow::Owned(out) } else { Cow::Borrowed(text) })
}

/// Length of the JSON string at the beginning of the text, with its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Reads text, borrowing it where the input allows.
pub(super) fn borrowed_text<'a, D: de::Deserializer<'a>>(
    deserializer: D,
) -> Result<Cow<'a, str>, D::Error> {
    struct Text;
    impl<'a> Visitor<'a> for Text {
        type Value = Cow<'a, str>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("text")
        }

        fn visit_borrowed_str<E: de::Error>(self, value: &'a str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(value))
        }

        fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(value.to_owned()))
        }
    }
    deserializer.deserialize_str(Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose_of(text: &str) -> Result<Option<String>, &'static str> {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        loose(raw).map(|value| value.into_text().map(Cow::into_owned))
    }

    #[test]
    fn values_keep_their_exact_text_without_white_space() {
        for (written, kept) in [
            ("1e400", "1e400"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("[ ]", "[]"),
            ("{ \"a b\" : [ 1.50 , true,null ] }", r#"{"a b":[1.50,true,null]}"#),
            (r#"{"a":{"a":" x "},"b":{"a":"\""}}"#, r#"{"a":{"a":" x "},"b":{"a":"\""}}"#),
            (r#""a\u00e9\n""#, "a\u{e9}\n"),
            (r#"[{"a":"b"}, "a", "a"]"#, r#"[{"a":"b"},"a","a"]"#),
            (r#""""#, ""),
        ] {
            assert_eq!(loose_of(written), Ok(Some(kept.into())), "{written}");
        }
        assert_eq!(loose_of("null"), Ok(None));
    }

    #[test]
    fn a_member_that_repeats_is_found_at_any_depth_and_in_any_spelling() {
        for text in
            [r#"{"a":1,"a":1}"#, r#"[[{"x":{"a":1,"b":2, "\u0061" :3}}]]"#, r#"{"":1, "":2}"#]
        {
            assert!(loose_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(loose_of(&deep), Ok(Some(deep)));
    }
}
